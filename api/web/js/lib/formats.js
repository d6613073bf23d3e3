// Record, manifest, accreditation and bundle, strictly read. FORMATS. The JSON members are kept beside what was read:
// what is hashed is their canonical form, which is what was received.

import { Refusal, compare, unb64 } from "./bytes.js";
import { BUNDLE_LIMITS, decode, encode } from "./canonical.js";
import { actorId, organisationId, recordId } from "./identifiers.js";
import { KINDS, RELATIONS, STATES, SUITES, recordedReason, word } from "./registries.js";
import * as shapes from "./shapes.js";

const TYPE = /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/;
export const JURISDICTION = /^[A-Z]{2}(-[A-Z0-9]{1,12})*$/;
const MAX_BATCH = 65536;
const MAX_INSTANT = 2 ** 40 - 1;

export const organisation = (value, path) => organisationId(shapes.text(value, path));

function file(value, path) {
  const [size, sha256, sm3] = shapes.members(value, path, "size", "sha256", "sm3");
  return {
    size: shapes.integer(size, `${path}.size`),
    sha256: shapes.digest(sha256, `${path}.sha256`),
    sm3: shapes.digest(sm3, `${path}.sm3`),
  };
}

function reference(value, path) {
  const [relation, issuer, leaf] = shapes.members(value, path, "relation", "issuer", "leaf");
  return {
    relation: word(RELATIONS, "relation", relation, `${path}.relation`),
    issuer: organisation(issuer, `${path}.issuer`),
    leaf: shapes.digest(leaf, `${path}.leaf`),
  };
}

/** The suites in which records stand in a second tree, by SM3. */
export const WITH_SM3 = ["gm", "dual"];
const SIGNATURES = { intl: [1, 2], gm: [1], dual: [2] };
const also = (value, name) => (shapes.isObject(value) && Object.hasOwn(value, name) ? [name] : []);

export function readRecord(value, path = "record") {
  const suite = also(value, "suite").length ? shapes.choice(value.suite, `${path}.suite`, WITH_SM3) : "intl";
  const [kind, id, issuer, type, issued, origin, valid, files, claims, refs, salt] = shapes.tagged(
    value, path, "zhengyin/record/1",
    "kind", "id", "issuer", "type", "issued", "origin", "valid", "files", "claims", "refs", "salt",
    ...also(value, "suite"),
  );
  const [from, until] = shapes.members(valid, `${path}.valid`, "from", "until");
  if (kind === "freeze") shapes.refuse("REGISTRY_UNKNOWN", `${path}.kind`, { registry: "kind" });
  return {
    json: value,
    kind: word(KINDS, "kind", kind, `${path}.kind`),
    origin: shapes.choice(origin, `${path}.origin`, ["issued", "takenOver"]),
    id: recordId(shapes.text(id, `${path}.id`)),
    issuer: organisation(issuer, `${path}.issuer`),
    type: shapes.text(type, `${path}.type`, TYPE),
    issued: shapes.integer(issued, `${path}.issued`),
    validFrom: shapes.optional(from, `${path}.valid.from`, shapes.day),
    validUntil: shapes.optional(until, `${path}.valid.until`, shapes.day),
    files: shapes.array(files, `${path}.files`, file, 0, 64),
    suite,
    claims: readClaims(claims, `${path}.claims`, suite),
    refs: shapes.array(refs, `${path}.refs`, reference, 0, 64),
    salt: shapes.digest(salt, `${path}.salt`),
  };
}

/** Digests of each claim: one, in suite dual two. */
function readClaims(value, path, suite) {
  if (!shapes.isObject(value)) shapes.refuse("SHAPE_TYPE", path, { expected: "object" });
  const names = Object.keys(value);
  if (names.length > 128) shapes.refuse("SHAPE_RANGE", path, { low: 0, high: 128 });
  const read = (claim, at) =>
    suite === "dual" ? shapes.array(claim, at, shapes.digest, 2, 2) : [shapes.digest(claim, at)];
  return new Map(names.map((name) => [name, read(value[name], `${path}.${name}`)]));
}

function disclosure(value, path) {
  const [name, content, salt] = shapes.members(value, path, "name", "value", "salt");
  const found = {
    name: shapes.text(name, `${path}.name`, null, 32),
    value: content,
    salt: shapes.digest(salt, `${path}.salt`),
    saltText: salt,
  };
  encode({ [found.name]: content });
  const items = Array.isArray(content) ? content : [content];
  if (items.some((item) => typeof item === "object" && item !== null)) {
    throw new Refusal("DISCLOSURE_VALUE", { name: found.name });
  }
  return found;
}

export function readChain(value, path) {
  const [id, genesis, records] = shapes.members(value, path, "id", "genesis", "records");
  return {
    id: shapes.integer(id, `${path}.id`, 1),
    genesis: shapes.digest(genesis, `${path}.genesis`),
    records: unb64(records, `${path}.records`, 20),
    name: `${id}/${genesis}/${records}`,
  };
}

export function readBlockName(value, path) {
  const [block, hash] = shapes.members(value, path, "block", "hash");
  return { block: shapes.integer(block, `${path}.block`), hash: shapes.digest(hash, `${path}.hash`) };
}

function readCount(value, path) {
  const [type, count] = shapes.members(value, path, "type", "count");
  return [shapes.text(type, `${path}.type`, TYPE), shapes.integer(count, `${path}.count`, 1, MAX_BATCH)];
}

export function readManifest(value, path = "manifest") {
  const second = shapes.isObject(value) && WITH_SM3.includes(value.suite) ? ["rootSm3"] : [];
  const [issuer, kind, suite, root, size, counts, closed, after, chain, expects, rootSm3] = shapes.tagged(
    value, path, "zhengyin/manifest/1",
    "issuer", "kind", "suite", "root", "size", "counts", "closed", "after", "chain", "expects", ...second,
  );
  const [signatures, token] = shapes.members(expects, `${path}.expects`, "signatures", "token");
  const found = {
    json: value,
    issuer: organisation(issuer, `${path}.issuer`),
    kind: word(KINDS, "kind", kind, `${path}.kind`),
    suite: word(SUITES, "suite", suite, `${path}.suite`),
    root: shapes.digest(root, `${path}.root`),
    size: shapes.integer(size, `${path}.size`, 1, MAX_BATCH),
    counts: shapes.array(counts, `${path}.counts`, readCount, 1),
    closed: shapes.integer(closed, `${path}.closed`),
    after: readBlockName(after, `${path}.after`),
    chain: readChain(chain, `${path}.chain`),
    expectsSignatures: shapes.integer(signatures, `${path}.expects.signatures`, 1, 2),
    expectsToken: shapes.boolean(token, `${path}.expects.token`),
    rootSm3: second.length ? shapes.digest(rootSm3, `${path}.rootSm3`) : null,
  };
  shapes.ascending(found.counts.map(([type]) => type), `${path}.counts`);
  if (found.counts.reduce((sum, [, count]) => sum + count, 0) !== found.size) {
    shapes.refuse("MANIFEST_COUNTS", `${path}.counts`, { size: found.size });
  }
  const wanted = SIGNATURES[found.suite];
  if (!wanted.includes(found.expectsSignatures)) {
    shapes.refuse("MANIFEST_SIGNATURES", `${path}.expects`, { suite: found.suite, wanted: wanted[0] });
  }
  return found;
}

export function readAccreditation(value, path) {
  const [who, kind, jurisdiction, types, decision] = shapes.tagged(
    value, path, "zhengyin/accreditation/1", "organisation", "kind", "jurisdiction", "types", "reference",
  );
  const item = (type, at) => (type === "*" ? type : shapes.text(type, at, TYPE));
  const found = shapes.array(types, `${path}.types`, item, 1);
  if (found.includes("*") && found.length > 1) shapes.refuse("SHAPE_ORDER", `${path}.types`);
  shapes.ascending(found, `${path}.types`);
  return {
    json: value,
    organisation: organisation(who, `${path}.organisation`),
    kind: word(KINDS, "kind", kind, `${path}.kind`),
    jurisdiction: shapes.text(jurisdiction, `${path}.jurisdiction`, JURISDICTION, 32),
    types: found,
    reference: shapes.text(decision, `${path}.reference`),
    covers: (type) => found[0] === "*" || found.includes(type),
  };
}

function readAnchor(value, path) {
  const [accreditation, header, index, receipt, after] = shapes.members(
    value, path, "accreditation", "header", "index", "receipt", "after",
  );
  return {
    accreditation: shapes.optional(accreditation, `${path}.accreditation`, readAccreditation),
    header: shapes.octets(header, `${path}.header`),
    index: shapes.integer(index, `${path}.index`, 0, 2 ** 32),
    receipt: shapes.array(receipt, `${path}.receipt`, shapes.octets, 1, 64),
    after: shapes.octets(after, `${path}.after`),
  };
}

function readEntry(value, path) {
  const [actor, state, effective, recorded, reason, statement] = shapes.members(
    value, path, "actor", "state", "effective", "recorded", "reason", "statement",
  );
  return {
    actor: actorId(shapes.text(actor, `${path}.actor`)),
    state: word(STATES, "state", state, `${path}.state`),
    effective: shapes.integer(effective, `${path}.effective`, 0, MAX_INSTANT),
    recorded: shapes.integer(recorded, `${path}.recorded`, 0, MAX_INSTANT),
    reason,
    reasonNumber: recordedReason(reason, `${path}.reason`),
    statement: shapes.digest(statement, `${path}.statement`),
  };
}

function readState(value, path) {
  const [header, nodes, entries, statements] = shapes.members(value, path, "header", "nodes", "entries", "statements");
  const found = {
    header: shapes.octets(header, `${path}.header`),
    nodes: shapes.array(nodes, `${path}.nodes`, shapes.octets, 1, 1024),
    entries: shapes.array(entries, `${path}.entries`, readEntry, 0, 256),
    statements: shapes.array(statements, `${path}.statements`, readStatement, 0, 256),
  };
  shapes.ascending(found.nodes, `${path}.nodes`, compare);
  return found;
}

/** A statement is a bundle of its own, without a state: one level deep. */
function readStatement(value, path) {
  if (shapes.isObject(value) && shapes.isObject(value.state)) {
    shapes.refuse("SHAPE_KEYS", `${path}.state`, { missing: [], unknown: ["state"] });
  }
  return readBundleJson(value, path);
}

function readValidation(value, path) {
  const names = ["certificates", "crls", "ocsps"];
  const parts = shapes.members(value, path, ...names);
  return Object.fromEntries(
    names.map((name, at) => {
      const list = shapes.array(parts[at], `${path}.${name}`, shapes.octets, 0, 32);
      shapes.ascending(list, `${path}.${name}`, compare);
      return [name, list];
    }),
  );
}

function readBundleJson(value, path = "bundle") {
  const [record, disclosures, inclusion, manifest, signatures, validation, anchor, state] = shapes.tagged(
    value, path, "zhengyin/bundle/1",
    "record", "disclosures", "inclusion", "manifest", "signatures", "validation", "anchor", "state",
  );
  const found = {
    json: value,
    record: readRecord(record, `${path}.record`),
    disclosures: shapes.array(disclosures, `${path}.disclosures`, disclosure, 0, 128),
    inclusion: readInclusion(inclusion, `${path}.inclusion`),
    manifest: readManifest(manifest, `${path}.manifest`),
    signatures: shapes.array(signatures, `${path}.signatures`, shapes.octets, 0, 2),
    validation: readValidation(validation, `${path}.validation`),
    anchor: readAnchor(anchor, `${path}.anchor`),
    state: shapes.optional(state, `${path}.state`, readState),
  };
  shapes.ascending(found.disclosures.map((one) => one.name), `${path}.disclosures`);
  const [wanted, given] = [found.manifest.rootSm3, found.inclusion.pathSm3].map((part) => (part ? ["pathSm3"] : []));
  if (wanted.length !== given.length) {
    shapes.refuse("SHAPE_KEYS", `${path}.inclusion`, { missing: wanted, unknown: given });
  }
  return found;
}

function readInclusion(value, path) {
  const second = also(value, "pathSm3");
  const [index, nodes, nodesSm3] = shapes.members(value, path, "index", "path", ...second);
  return {
    pathSm3: second.length ? shapes.array(nodesSm3, `${path}.pathSm3`, shapes.digest, 0, 17) : null,
    index: shapes.integer(index, `${path}.index`, 0, MAX_BATCH - 1),
    path: shapes.array(nodes, `${path}.path`, shapes.digest, 0, 17),
  };
}

/** Throws Refusal CANONICAL_…, SHAPE_…, REGISTRY_UNKNOWN, IDENTIFIER_…. */
export function readBundle(bytes) {
  return readBundleJson(decode(bytes, BUNDLE_LIMITS));
}
