// The citizen's page.

import { hex } from "../lib/bytes.js";
import { Trouble, byId, make, onFiles, pageData } from "./dom.js";
import { startFrame } from "./frame.js";
import { present, renderReport, sayer } from "./render.js";
import { parseFragment, parsePayload, readCamera, readPicture } from "./scan.js";
import { ServiceProblem, ask } from "./service.js";
import { readBytes, sortFiles } from "./sort.js";

const { language, words, vendored } = pageData();
const say = sayer(words);
const place = byId("result");
const status = byId("status");
const BUNDLE_TYPE = "application/vnd.zhengyin.bundle+json";
let running = 0;

/** Runs one check at a time: an answer that comes after a newer question was asked is not shown. */
async function check(work) {
  const own = (running += 1);
  const current = () => own === running;
  place.replaceChildren();
  status.classList.remove("bad");
  tell("ASKING");
  try {
    const shown = await work((code, values) => current() && tell(code, values));
    const labels = await labelsOf();
    if (current()) show(shown, labels);
  } catch (error) {
    if (current()) complain(error);
  }
}

function tell(code, values) {
  status.textContent = say(code, values);
}

function complain(error) {
  status.classList.add("bad");
  if (error instanceof ServiceProblem) {
    tell(error.code === "UNREACHABLE" ? "UNREACHABLE" : "SERVICE", { code: error.code, detail: error.detail });
  } else if (error.key) {
    tell(error.key, error.values);
  } else {
    tell("SERVICE", { code: error.name, detail: "" });
  }
  status.scrollIntoView({ block: "nearest" });
}

/** What types and fields are called; without them a result shows their names. */
async function labelsOf() {
  try {
    return await (await fetch(`/labels/${language}.json`, { credentials: "omit" })).json();
  } catch {
    return {};
  }
}

/** `headlines`: of the whole, where it is more than one report; `notices`: what is said before them. */
function show({ reports, documents = [], note = null, notices = [], headlines }, labels) {
  const now = Math.floor(Date.now() / 1000);
  const sections = reports.map((report, at) =>
    renderReport(report, { language, say, now, labels, documents, note, number: at && at + 1 }),
  );
  const before = notices.map((text) => make("p", { class: "notice" }, text));
  const said = headlines ?? reports.map((one) => one.headline[language]);
  present(place, status, [...before, ...sections], say("DONE", { headline: said.join("；") }));
}

// ---- number and code -----------------------------------------------------------------------------------------------

const form = byId("number-form");
const problem = byId("number-problem");

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const number = form.elements.id.value.trim();
  problem.hidden = number !== "";
  problem.textContent = number ? "" : say("NUMBER_MISSING");
  if (!number) form.elements.id.focus();
  else checkNumber(number, form.elements.code.value.trim());
});

function checkNumber(number, code, note = null) {
  return check(async () => {
    const json = code ? { id: number, code } : { id: number };
    const answer = await ask("/v1/verifications/number", { json, language });
    return { reports: reportsOf(answer), note };
  });
}

/** Nothing known under that name is an answer too. */
function reportsOf({ headline, reports }) {
  const nothing = { headline, lines: [], conclusions: [], steps: [], remarks: [], claims: {}, proved: {} };
  return reports.length ? reports : [nothing];
}

function takeLink() {
  const link = parseFragment(location.hash);
  if (!link) return;
  // out of the address bar, the history and whatever is copied from there
  history.replaceState(null, "", location.pathname + location.search);
  enter(link);
}

function enter({ number, code }, note = null) {
  form.elements.id.value = number;
  form.elements.code.value = code;
  checkNumber(number, code, note);
}

// ---- files and bundles ---------------------------------------------------------------------------------------------

onFiles(byId("drop"), byId("files"), (files) => check((told) => checkFiles(files, told)));

async function checkFiles(files, told) {
  const { bundle, documents } = await sortFiles(files);
  if (documents.length && !vendored) throw new Trouble("FILE_OFF");
  const digests = [];
  for (const file of documents) digests.push(await digest(file, told));
  told("ASKING");
  if (bundle) return checkBundle(await readBytes(bundle, bundle.name), digests);
  const [reports, headlines, notices] = [[], [], []];
  for (const { name, size, sha256, sm3 } of digests) {
    const json = { sha256: hex(sha256), sm3: hex(sm3), size };
    const answer = await ask("/v1/verifications/document", { json, language });
    const headline = answer.headline[language];
    headlines.push(headline);
    if (answer.reports.length > 1) notices.push(say("SEVERAL", { name, count: answer.reports.length, headline }));
    reports.push(...reportsOf(answer));
  }
  return { reports, headlines, notices, documents: digests.map(shownDigest) };
}

function shownDigest({ name, size, sha256, sm3 }) {
  return { name, size, sha256: hex(sha256), sm3: hex(sm3) };
}

function digest(file, told) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("hash-worker.js", import.meta.url), { type: "module" });
    const end = (settle, value) => {
      worker.terminate();
      settle(value);
    };
    worker.onerror = () => end(reject, new Trouble("UNREADABLE", { name: file.name }));
    worker.onmessage = ({ data: { percent, found } }) => {
      if (percent !== undefined) told("HASHING", { percent });
      else if (found) end(resolve, { name: file.name, ...found });
      else worker.onerror();
    };
    worker.postMessage(file);
  });
}

/** By the service, with the file's digests compared here; by this page as far as it can where the service is silent. */
async function checkBundle(bytes, documents) {
  const shown = documents.map(shownDigest);
  try {
    const answer = await ask("/v1/verifications", { body: bytes, headers: { "Content-Type": BUNDLE_TYPE }, language });
    if (!documents.length) return { reports: [answer] };
    const { withDocuments } = await import("./compare.js");
    return { reports: [withDocuments(answer, bytes, documents, await findingWords(), language)], documents: shown };
  } catch (error) {
    const silent = error instanceof ServiceProblem && (error.code === "UNREACHABLE" || error.status >= 500);
    if (!silent || !vendored) throw error;
    return { reports: [await judgeHere(bytes, documents, error)], documents: shown, note: say("LOCAL") };
  }
}

async function judgeHere(bytes, documents, error) {
  try {
    const { judge } = await import("../verify/judge.js");
    const { withWords } = await import("./words.js");
    const answer = await fetch("/v1/trust", { credentials: "omit" });
    if (!answer.ok) throw error;
    const trust = new Uint8Array(await answer.arrayBuffer());
    const report = await judge({ bundle: bytes, trust, documents, now: Math.floor(Date.now() / 1000) });
    return withWords(report, await findingWords(), language);
  } catch {
    throw error;
  }
}

async function findingWords() {
  return (await fetch(new URL(`../../words-${language}.json`, import.meta.url))).json();
}

// ---- QR codes ------------------------------------------------------------------------------------------------------

function takePayload(text) {
  if (!text) throw new Trouble("SCAN_NOTHING");
  const found = parsePayload(text);
  if (!found) throw new Trouble("SCAN_FOREIGN");
  enter(found, found.host === location.host ? null : say("SCAN_OTHER_HOST", { host: found.host }));
}

function startScanning() {
  if (!vendored && !("BarcodeDetector" in globalThis)) {
    byId("scan").hidden = true;
    return;
  }
  onFiles(null, byId("picture"), async ([file]) => {
    status.classList.remove("bad");
    try {
      takePayload(await readPicture(file).catch(() => null));
    } catch (error) {
      complain(error);
    }
  });
  const possible = Boolean(navigator.mediaDevices?.getUserMedia);
  byId("camera").hidden = !possible;
  byId("scan-insecure").hidden = possible || isSecureContext;
  byId("camera").addEventListener("click", useCamera);
}

async function useCamera() {
  const viewfinder = byId("viewfinder");
  let stop = false;
  byId("camera-stop").onclick = () => (stop = true);
  viewfinder.hidden = false;
  tell("SCAN_READY");
  try {
    const text = await readCamera(byId("video"), () => stop);
    if (stop) status.textContent = "";
    else takePayload(text);
  } catch (error) {
    complain(error.key ? error : new Trouble("SCAN_DENIED"));
  } finally {
    viewfinder.hidden = true;
  }
}

startFrame();
startScanning();
takeLink();
window.addEventListener("hashchange", takeLink);
place.querySelector("h2")?.focus();
