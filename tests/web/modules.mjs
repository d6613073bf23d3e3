// Runs the pages' modules under Node for the tests: one JSON request a line, one JSON answer a line.

import { createInterface } from "node:readline";

import { Refusal, b64, hex, unb64, unhex, utf8 } from "../../api/web/js/lib/bytes.js";
import { BUNDLE_LIMITS, TRUST_LIMITS, decode, encode, isPlainText } from "../../api/web/js/lib/canonical.js";
import { verifyDetached } from "../../api/web/js/lib/cms.js";
import { readAccreditation, readBundle, readManifest, readRecord } from "../../api/web/js/lib/formats.js";
import { CLAIM_HASHES, claimDigest, digestFile, leafOf, loadHashes, sha256, sm3 } from "../../api/web/js/lib/hashes.js";
import { finality, parseHeader } from "../../api/web/js/lib/headers.js";
import { organisationBytes, organisationId, recordId } from "../../api/web/js/lib/identifiers.js";
import { rootFromPath } from "../../api/web/js/lib/merkle.js";
import * as rlp from "../../api/web/js/lib/rlp.js";
import { slotsOf, unpackBatch, unpackStatus } from "../../api/web/js/lib/storage.js";
import { fingerprintWords, readContent, readTrust } from "../../api/web/js/lib/trust.js";
import { faultsIn, parseCsv } from "../../api/web/js/page/csv.js";
import { parseFragment, parsePayload } from "../../api/web/js/page/scan.js";
import { withWords } from "../../api/web/js/page/words.js";
import { judge } from "../../api/web/js/verify/judge.js";

const parsed = (text, read) => read(decode(utf8(text)));
const hexes = (value) => Object.fromEntries(Object.entries(value).map(([name, bytes]) => [name, hex(bytes)]));
const numbers = (value) => Object.fromEntries(Object.entries(value).map(([name, number]) => [name, Number(number)]));

function shownItem(item) {
  return Array.isArray(item) ? item.map(shownItem) : hex(item);
}

function forbiddenCharacters() {
  const all = Array.from({ length: 0x110000 }, (_, point) => point);
  return all.filter((point) => !isPlainText(String.fromCodePoint(point)));
}

const ACTS = {
  forbidden: () => ({ points: forbiddenCharacters() }),
  canonical_decode: ({ text, limits }) => ({ value: decode(utf8(text), limits === "bundle" ? BUNDLE_LIMITS : undefined) }),
  canonical_bytes: ({ hex: data }) => ({ again: hex(encode(decode(unhex(data)))) }),
  canonical_encode: ({ value }) => ({ text: new TextDecoder().decode(encode(value)), sha256: hex(sha256(encode(value))) }),
  base64_decode: ({ text, length }) => ({ hex: hex(unb64(text, "$", length)) }),
  base64_encode: ({ hex: data }) => ({ text: b64(unhex(data)) }),
  record: ({ text }) => ({ leaf: hex(leafOf(parsed(text, readRecord).json)) }),
  manifest: ({ text }) => ({ sha256: hex(sha256(encode(parsed(text, readManifest).json))) }),
  accreditation: ({ text }) => ({ id: hex(sha256(encode(parsed(text, (value) => readAccreditation(value, "$")).json))) }),
  disclosure: ({ disclosure: { salt, name, value } }) => ({ digest: b64(claimDigest(salt, name, value)) }),
  suite_record: ({ text }) => {
    const { json, suite } = parsed(text, readRecord);
    return { suite, leaf: hex(leafOf(json)), leafSm3: hex(leafOf(json, sm3)) };
  },
  suite_manifest: ({ text }) => {
    const { json, suite } = parsed(text, readManifest);
    return { sha256: hex(sha256(encode(json))), ...(suite === "intl" ? {} : { sm3: hex(sm3(encode(json))) }) };
  },
  suite_claim: ({ disclosure: { salt, name, value }, suite }) => {
    const digests = CLAIM_HASHES[suite].map((hash) => b64(claimDigest(salt, name, value, hash)));
    return { claim: suite === "dual" ? digests : digests[0] };
  },
  suite_path: ({ leaf, index, size, path }) => ({
    root: hex(rootFromPath(unhex(leaf), index, size, path.map(unhex), sm3)),
  }),
  organisation: ({ text }) => ({ bytes32: hex(organisationBytes(organisationId(text))) }),
  record_id: ({ text, strict }) => ({ text: recordId(text, strict) }),
  merkle_path: ({ leaf, index, size, path }) => ({ root: hex(rootFromPath(unhex(leaf), index, size, path.map(unhex))) }),
  header: ({ header, consensus, validators }) => {
    const proved = finality(parseHeader(unhex(header)), consensus, validators.map(unhex));
    return { ...proved, hash: hex(proved.hash), sealers: proved.sealers.map(hex) };
  },
  signature: async ({ content, cms }) => {
    const { certificate, organization, algorithm, claimedTime } = await verifyDetached(unhex(cms), utf8(content));
    return { certificate: hex(certificate), organization, algorithm, signingTime: claimedTime };
  },
  trust_content: ({ text }) => {
    readContent(decode(utf8(text), TRUST_LIMITS), "trust");
    return { words: fingerprintWords(sha256(utf8(text))) };
  },
  trust_file: async ({ text }) => ({ version: (await readTrust(utf8(text))).version }),
  bundle: ({ hex: data }) => ({ leaf: hex(leafOf(readBundle(unhex(data)).record.json)) }),
  status_word: ({ word }) => numbers(unpackStatus(BigInt(`0x${word}`))),
  batch_word: ({ word }) => numbers(unpackBatch(BigInt(`0x${word}`))),
  slots: ({ issuer, leaf, root }) => hexes(slotsOf(unhex(issuer), unhex(leaf), unhex(root))),
  rlp: ({ hex: data }) => {
    const item = rlp.decode(unhex(data));
    return { item: shownItem(item), again: hex(rlp.encode(item)) };
  },
  file: async ({ hex: data }) => {
    const found = await digestFile(new Blob([unhex(data)]));
    return { size: found.size, sha256: hex(found.sha256), sm3: hex(found.sm3) };
  },
  csv: ({ text }) => ({ rows: parseCsv(text) }),
  faults: ({ text, language }) => ({ faults: faultsIn(text, language) }),
  fragment: ({ text }) => ({ found: parseFragment(text) }),
  payload: ({ text }) => ({ found: parsePayload(text) }),
  judge: async ({ bundle, trust, documents, words, language, ...question }) => {
    const read = ({ size, sha256: one, sm3 }) => ({ size, sha256: unhex(one), sm3: unhex(sm3) });
    const given = { bundle: unhex(bundle), trust: utf8(trust), documents: documents.map(read), ...question };
    const report = await judge(given);
    return words ? withWords(report, words, language) : report;
  },
};

async function answer(line) {
  const { act, given } = JSON.parse(line);
  try {
    return { gives: await ACTS[act](given) };
  } catch (error) {
    return error instanceof Refusal ? { refused: error.code } : { fault: String(error?.stack ?? error) };
  }
}

await loadHashes();
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(line))}\n`);
}
