// The offline copy: bundle, file and trust file are read here and go nowhere.

import { Refusal, hex, utf8 } from "../lib/bytes.js";
import { digestFile, loadHashes } from "../lib/hashes.js";
import { readTrust } from "../lib/trust.js";
import { judge } from "../verify/judge.js";
import { Trouble, byId, onFiles, pageData } from "./dom.js";
import { present, renderReport, sayer } from "./render.js";
import { readBytes, sortFiles } from "./sort.js";
import { instant, show, withWords } from "./words.js";

const { language, words, findings, labels, trust: embedded } = pageData();
const say = sayer({ ...findings, ...words });
const status = byId("status");
const place = byId("result");
let trust = embedded === null ? null : utf8(embedded);
let handed = null;

async function run(work) {
  status.classList.remove("bad");
  status.textContent = say("ASKING");
  place.replaceChildren();
  try {
    await loadHashes();
    await work();
  } catch (error) {
    status.classList.add("bad");
    if (error.key) status.textContent = say(error.key, error.values);
    else if (error instanceof Refusal) status.textContent = say("TRUST_REFUSED", { reason: reasonOf(error) });
    else status.textContent = say("FAULT", { name: error.name });
  }
}

function reasonOf(error) {
  return `${error.code} ${show(findings, error.code, error.values)}`;
}

async function judgeFiles() {
  if (!handed) return;
  const { bundle, documents } = await sortFiles(handed);
  if (!bundle) throw new Trouble("NO_BUNDLE");
  if (!trust) throw new Trouble("NO_TRUST");
  const digests = [];
  for (const file of documents) {
    const told = (done, all) => (status.textContent = say("HASHING", { percent: Math.floor((done / all) * 100) }));
    digests.push({ name: file.name, ...(await digestFile(file, told)) });
  }
  const now = Math.floor(Date.now() / 1000);
  const bytes = await readBytes(bundle, bundle.name);
  const report = withWords(await judge({ bundle: bytes, trust, documents: digests, now }), findings, language);
  const shown = digests.map((one) => ({ ...one, sha256: hex(one.sha256), sm3: hex(one.sm3) }));
  const section = renderReport(report, { language, say, now, labels, documents: shown });
  present(place, status, [section], say("DONE", { headline: report.headline[language] }));
}

onFiles(null, byId("trust"), ([file]) =>
  run(async () => {
    const bytes = await readBytes(file, file.name);
    const found = await readTrust(bytes);
    trust = bytes;
    byId("trust-origin").hidden = true;
    byId("trust-shown").textContent = say("TRUST_READ", { ...found, expires: instant(found.expires) });
    status.textContent = "";
    await judgeFiles();
  }),
);

onFiles(byId("drop"), byId("files"), (files) => {
  handed = files;
  run(judgeFiles);
});
