// Steps 0 to 6: the container, the file, the record and its values, its place in the batch, the office's signature.

import { Refusal, b64, hex, same } from "../lib/bytes.js";
import { encode } from "../lib/canonical.js";
import { verifyDetached } from "../lib/cms.js";
import { WITH_SM3, readBundle, readRecord } from "../lib/formats.js";
import { CLAIM_HASHES, claimDigest, leafOf, sha256, sm3 } from "../lib/hashes.js";
import { organisationBytes, recordId } from "../lib/identifiers.js";
import { rootFromPath } from "../lib/merkle.js";
import { KINDS, SUITES } from "../lib/registries.js";
import { findChain } from "./blocks.js";
import { concluded, failed, need, noted, refused, skipped, undetermined } from "./findings.js";

const INCLUSION = { path: "INCLUSION_PATH_REFUSED", root: "INCLUSION_ROOT_DIFFERS" };
const INCLUSION_SM3 = { path: "INCLUSION_SM3_PATH_REFUSED", root: "INCLUSION_SM3_ROOT_DIFFERS" };
const SAID = ["countersigns", "takesCustodyOf", "decidesOn"];

export function container(facts) {
  try {
    facts.bundle = readBundle(facts.bytes);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return concluded(0, [refused("CONTAINER_REFUSED", error)]);
  }
  return concluded(0, [noted("CONTAINER_READ", { size: facts.bytes.length })]);
}

export function bytes(facts) {
  const files = need(facts.bundle, 0).record.files;
  if (facts.documents.length === 0) {
    return skipped(1, noted(files.length ? "BYTES_NOT_CHECKED" : "BYTES_NO_FILES", { files: files.length }));
  }
  const findings = facts.documents.map((document) => judgeDocument(document, files));
  const missing = files.filter((file) => !facts.documents.some((document) => isSameFile(document, file))).length;
  if (missing) findings.push(noted("BYTES_SOME_NOT_CHECKED", { files: missing }));
  return concluded(1, findings, { documents: facts.documents.map((document) => document.sha256) });
}

function isSameFile(a, b) {
  return a.size === b.size && same(a.sha256, b.sha256) && same(a.sm3, b.sm3);
}

/** One document against the files of a record. */
export function judgeDocument(document, files) {
  if (files.some((file) => isSameFile(document, file))) {
    return noted("BYTES_EQUAL", { size: document.size, sha256: hex(document.sha256) });
  }
  if (files.length === 0) return failed("BYTES_UNEXPECTED", { given: document.size });
  if (!files.some((file) => file.size === document.size)) {
    const distance = (file) => Math.abs(file.size - document.size);
    const nearest = files.reduce((best, file) => (distance(file) < distance(best) ? file : best));
    return failed("BYTES_SIZE_DIFFERS", { given: document.size, expected: nearest.size });
  }
  return failed("BYTES_DIGEST_DIFFERS", { given: hex(document.sha256), size: document.size });
}

export function record(facts) {
  const found = need(facts.bundle, 0).record;
  try {
    encode(found.json);
    readRecord(found.json);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return concluded(2, [refused("RECORD_REFUSED", error)]);
  }
  const findings = identifier(found);
  if (found.validFrom && found.validUntil && found.validUntil < found.validFrom) {
    findings.push(failed("RECORD_VALIDITY_ORDER", { since: found.validFrom, until: found.validUntil }));
  }
  findings.push(...relations(found));
  const { kind, id, type, issuer, issued, validFrom, validUntil } = found;
  const leaf = hex(leafOf(found.json));
  return concluded(2, findings, { leaf, kind, id, type, issuer, issued, validFrom, validUntil });
}

/** What the record itself says of others, and no more than says. */
function relations(found) {
  return found.refs
    .filter(({ relation }) => SAID.includes(relation))
    .map(({ relation, issuer, leaf }) => noted("RECORD_RELATES", { relation, issuer, leaf: hex(leaf) }));
}

function identifier(found) {
  if (found.kind !== "license") return [];
  try {
    recordId(found.id, true);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (found.origin !== "takenOver") return [refused("RECORD_ID_REFUSED", error)];
    return [noted("RECORD_ID_LENIENT", { cause: error.code, causeValues: error.values })];
  }
  return [];
}

export function disclosures(facts) {
  const bundle = need(facts.bundle, 0);
  const findings = [];
  for (const { name, saltText, value } of bundle.disclosures) {
    const claimed = bundle.record.claims.get(name);
    if (!claimed) findings.push(failed("DISCLOSURE_NOT_CLAIMED", { name }));
    else if (!opens(bundle.record.suite, claimed, saltText, name, value)) findings.push(failed("DISCLOSURE_DIFFERS", { name }));
  }
  const hidden = bundle.record.claims.size - bundle.disclosures.length;
  if (hidden > 0) findings.push(noted("DISCLOSURE_HIDDEN", { hidden }));
  return concluded(3, findings, { shown: bundle.disclosures.map((one) => one.name) });
}

/** In suite dual both digests have to be the value's. */
function opens(suite, claimed, saltText, name, value) {
  return CLAIM_HASHES[suite].every((hash, at) => same(claimDigest(saltText, name, value, hash), claimed[at]));
}

export function inclusion(facts) {
  const { inclusion: place, manifest } = need(facts.bundle, 0);
  const findings = included(facts.bundle, sha256, place.path, manifest.root, INCLUSION);
  // two roots would be two truths: both paths, at the one index
  if (!findings.length && manifest.rootSm3) {
    findings.push(...included(facts.bundle, sm3, place.pathSm3, manifest.rootSm3, INCLUSION_SM3));
  }
  if (findings.length) return concluded(4, findings);
  return concluded(4, [], { index: place.index, size: manifest.size, root: manifest.root });
}

function included({ record: found, inclusion: place, manifest }, hash, path, expected, codes) {
  let root;
  try {
    root = rootFromPath(leafOf(found.json, hash), place.index, manifest.size, path, hash);
  } catch (error) {
    if (!(error instanceof Refusal) || !error.code.startsWith("MERKLE_")) throw error;
    return [refused(codes.path, error)];
  }
  return same(root, expected) ? [] : [failed(codes.root, { found: hex(root), expected: hex(expected) })];
}

/** Runs after steps 6 to 8, which read the signatures and the event; what they could not read is left out here. */
export function binding(facts) {
  const bundle = need(facts.bundle, 0);
  const findings = boundWithin(bundle);
  if (!findChain(facts.trust, bundle.manifest.chain)) {
    const { id, genesis, records } = bundle.manifest.chain;
    findings.push(undetermined("BINDING_CHAIN_UNKNOWN", { chain: id, genesis: hex(genesis), records: hex(records) }));
  }
  if (facts.event) {
    findings.push(...boundToEvent(bundle.manifest, facts.event));
    if (facts.signatures) findings.push(...boundSigners(bundle.manifest, facts.signatures, facts.event));
  }
  if (findings.length === 0 && !(facts.event && facts.signatures)) {
    return skipped(5, noted("STEP_NEEDS_EARLIER", { step: facts.event ? 6 : 8 }));
  }
  return concluded(5, findings);
}

function boundWithin({ record: found, manifest, anchor: { accreditation } }) {
  const differ = (code, values, differs) => (differs ? [failed(code, values)] : []);
  const { issuer, kind } = manifest;
  const inner = [
    ...differ("BINDING_ISSUER_MANIFEST", { record: found.issuer, manifest: issuer }, found.issuer !== issuer),
    ...differ("BINDING_KIND_MANIFEST", { record: found.kind, manifest: kind }, found.kind !== kind),
    ...differ("BINDING_SUITE_MANIFEST", { record: found.suite, manifest: manifest.suite }, found.suite !== manifest.suite),
    ...differ("BINDING_TYPE_MANIFEST", { type: found.type }, !manifest.counts.some(([type]) => type === found.type)),
  ];
  if (!accreditation) return inner;
  const { organisation: holder, kind: accredited } = accreditation;
  return [
    ...inner,
    ...differ("BINDING_ISSUER_ACCREDITATION", { manifest: issuer, accreditation: holder }, holder !== issuer),
    ...differ("BINDING_KIND_ACCREDITATION", { manifest: kind, accreditation: accredited }, accredited !== kind),
    ...differ("BINDING_TYPE_ACCREDITATION", { type: found.type }, !accreditation.covers(found.type)),
  ];
}

function boundToEvent(manifest, event) {
  const pairs = [
    ["BINDING_ISSUER_EVENT", hex(organisationBytes(manifest.issuer)), hex(event.issuer)],
    ["BINDING_KIND_EVENT", KINDS.get(manifest.kind), event.kind],
    ["BINDING_SUITE_EVENT", SUITES.get(manifest.suite), event.suite],
    ["BINDING_SIZE_EVENT", manifest.size, event.size],
    ["BINDING_ROOT_EVENT", hex(manifest.root), hex(event.root)],
    ["BINDING_MANIFEST_EVENT", hex(sha256(encode(manifest.json))), hex(event.manifestSha256)],
    ["BINDING_SM3_EVENT", hex(manifestSm3(manifest)), hex(event.manifestSm3)],
  ];
  return pairs.filter(([, ours, theirs]) => ours !== theirs).map(([code, ours, theirs]) =>
    failed(code, { manifest: String(ours), event: String(theirs) }),
  );
}

const manifestSm3 = ({ suite, json }) => (WITH_SM3.includes(suite) ? sm3(encode(json)) : new Uint8Array(32));

function boundSigners(manifest, signatures, event) {
  const signed = new Set(signatures.map((one) => b64(one.certificate)));
  const named = new Set(event.signers.map(b64));
  const within = [...signed].every((one) => named.has(one));
  const complete = signatures.length >= manifest.expectsSignatures;
  return within && (!complete || signed.size === named.size) ? [] : [failed("BINDING_SIGNERS_EVENT")];
}

/** No signature that is checked here is by SM2: what has to be is left open before (`NotCheckedHere`). */
function requireSuite(suite, position) {
  if (suite === "gm" || (suite === "dual" && position === 0)) throw new Refusal("SIGNATURE_SUITE", { suite, position });
}

export async function signature(facts) {
  const bundle = need(facts.bundle, 0);
  const content = encode(bundle.manifest.json);
  const [expected, found] = [bundle.manifest.expectsSignatures, bundle.signatures.length];
  const complete = bundle.signatures.length >= expected;
  const findings = [];
  const valid = [];
  for (const [position, cms] of bundle.signatures.entries()) {
    try {
      const found = await verifyDetached(cms, content);
      requireSuite(bundle.manifest.suite, complete ? position : null);
      valid.push(found);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      findings.push(refused("SIGNATURE_REFUSED", error, { position }));
    }
  }
  if (found < expected) findings.push(undetermined("SIGNATURE_MISSING", { expected, found }));
  if (found > expected) findings.push(failed("SIGNATURE_SURPLUS", { expected, found }));
  if (new Set(valid.map((one) => b64(one.certificate))).size < valid.length) findings.push(failed("SIGNATURE_REPEATED"));
  if (valid.length > 0 && valid.length === found) facts.signatures = valid;
  return concluded(6, findings, { signers: valid });
}
