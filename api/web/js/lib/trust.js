// The trust file, strictly read, and its signatures. FORMATS, "Trust file".

import { Refusal, compare, hex, same, unb64, unhex } from "./bytes.js";
import { TRUST_LIMITS, decode, encode } from "./canonical.js";
import { JURISDICTION, organisation, readBlockName, readChain } from "./formats.js";
import { sha256 } from "./hashes.js";
import * as shapes from "./shapes.js";

const KEY_ID = /^[A-Za-z0-9-]{1,64}$/;
const P256_SPKI = unhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004");
const ED25519_SPKI = unhex("302a300506032b6570032100");

function readKey(value, path) {
  const [id, alg, spki] = shapes.members(value, path, "id", "alg", "spki");
  return {
    id: shapes.text(id, `${path}.id`, KEY_ID),
    alg: shapes.choice(alg, `${path}.alg`, ["ES256", "SM2", "Ed25519"]),
    spki: shapes.octets(spki, path),
  };
}

function readValidator(value, path) {
  const [address, who, from, until] = shapes.members(value, path, "address", "organisation", "fromBlock", "untilBlock");
  return {
    address: unb64(address, `${path}.address`, 20),
    organisation: organisation(who, `${path}.organisation`),
    from: shapes.integer(from, `${path}.fromBlock`),
    until: shapes.optional(until, `${path}.untilBlock`, shapes.integer) ?? Infinity,
  };
}

function readTrustedChain(value, path, form) {
  const [identity, council, consortium, code, consensus, validators, checkpoints, successor, list = null] = shapes.members(
    value, path,
    "identity", "council", "consortium", "recordsCode", "consensus", "validators", "checkpoints", "successor",
    ...(form > 1 ? ["trustList"] : []),
  );
  shapes.optional(list, `${path}.trustList`, readPin);
  unb64(council, `${path}.council`, 20);
  unb64(consortium, `${path}.consortium`, 20);
  const found = {
    identity: readChain(identity, `${path}.identity`),
    recordsCode: shapes.digest(code, `${path}.recordsCode`),
    consensus: shapes.choice(consensus, `${path}.consensus`, ["embedded", "qbft", "unsealed"]),
    validators: shapes.array(validators, `${path}.validators`, readValidator, ...(consensus === "unsealed" ? [0, 0] : [1, 1024])),
    checkpoints: shapes.array(checkpoints, `${path}.checkpoints`, readBlockName),
    successor: shapes.optional(successor, `${path}.successor`, readChain),
  };
  requireOneTruth(found, path);
  return found;
}

function readPin(value, path) {
  const [address, code] = shapes.members(value, path, "address", "code");
  unb64(address, `${path}.address`, 20);
  shapes.digest(code, `${path}.code`);
}

function requireOneTruth(chain, path) {
  const overlap = (a, b) => same(a.address, b.address) && b.from <= a.until && a.from <= b.until;
  if (chain.validators.some((a, at) => chain.validators.slice(at + 1).some((b) => overlap(a, b)))) {
    shapes.refuse("TRUST_VALIDATORS_OVERLAP", `${path}.validators`);
  }
  if (new Set(chain.checkpoints.map((one) => one.block)).size < chain.checkpoints.length) {
    shapes.refuse("TRUST_CHECKPOINT_REPEATED", `${path}.checkpoints`);
  }
}

function readAuthority(value, path, form) {
  const [name, certificate, states, compromised, ...added] = shapes.members(
    value, path, "name", "certificate", "states", "compromisedSince",
    ...(form > 1 ? ["service", "provider", "qualifications"] : []),
  );
  if (form > 1) readService(added, path);
  shapes.optional(compromised, `${path}.compromisedSince`, shapes.integer);
  const dated = (one, at) => {
    const [state, since] = shapes.members(one, at, "state", "since");
    shapes.choice(state, `${at}.state`, form > 1 ? ["granted", "suspended", "withdrawn"] : ["granted", "withdrawn"]);
    return shapes.integer(since, `${at}.since`);
  };
  shapes.ascending(shapes.array(states, `${path}.states`, dated, 1), `${path}.states`);
  shapes.text(name, `${path}.name`);
  return hex(shapes.octets(certificate, `${path}.certificate`));
}

function readService([service, provider, qualifications], path) {
  shapes.choice(service, `${path}.service`, ["ca", "ocsp", "tsa", "sealMaker"]);
  shapes.optional(provider, `${path}.provider`, organisation);
  shapes.array(qualifications, `${path}.qualifications`, readQualification, 0, 64);
}

function readQualification(value, path) {
  const [type, number, since, until] = shapes.members(value, path, "type", "number", "from", "until");
  shapes.choice(type, `${path}.type`, ["certification", "government"]);
  shapes.text(number, `${path}.number`, null, 64);
  const from = shapes.integer(since, `${path}.from`);
  if ((shapes.optional(until, `${path}.until`, shapes.integer) ?? Infinity) <= from) shapes.refuse("SHAPE_ORDER", `${path}.until`);
}

function readRecognition(value, path) {
  const [jurisdiction, authority, purpose, level, from, until, reference] = shapes.members(
    value, path, "jurisdiction", "authority", "purpose", "level", "from", "until", "reference",
  );
  shapes.digest(authority, `${path}.authority`);
  shapes.text(purpose, `${path}.purpose`, null, 32);
  shapes.integer(level, `${path}.level`, 1, 4);
  shapes.integer(from, `${path}.from`);
  shapes.optional(until, `${path}.until`, shapes.integer);
  shapes.text(reference, `${path}.reference`);
  return shapes.text(jurisdiction, `${path}.jurisdiction`, JURISDICTION, 32);
}

function readPolicy(value, path, form) {
  const [jurisdiction, finality, token, revocation, level] = shapes.members(
    value, path, "jurisdiction", "finality", "token", "revocation", "level",
  );
  return {
    jurisdiction: shapes.text(jurisdiction, `${path}.jurisdiction`, JURISDICTION, 32),
    finality: shapes.choice(finality, `${path}.finality`, ["single", "bft"]),
    token: shapes.choice(token, `${path}.token`, ["optional", "required", ...(form > 1 ? ["independent"] : [])]),
    revocation: shapes.choice(revocation, `${path}.revocation`, ["provisional", "final"]),
    level: shapes.integer(level, `${path}.level`, 1, 4),
  };
}

function readSigner(value, path) {
  const [who, certificate, since] = shapes.members(value, path, "organisation", "certificate", "since");
  organisation(who, `${path}.organisation`);
  return { certificate: shapes.digest(certificate, `${path}.certificate`), since: shapes.integer(since, `${path}.since`) };
}

export function readContent(value, path) {
  const form = value?.tag === "zhengyin/trust/1" ? 1 : 2;
  const inForm = (read) => (one, at) => read(one, at, form);
  const [version, issued, expires, keys, threshold, chains, authorities, recognitions, policies, signers] = shapes.tagged(
    value, path, `zhengyin/trust/${form}`,
    "version", "issued", "expires", "keys", "threshold", "chains", "authorities", "recognitions", "policies",
    "compromisedSigners",
  );
  const found = {
    version: shapes.integer(version, `${path}.version`, 1),
    issued: shapes.integer(issued, `${path}.issued`),
    expires: shapes.integer(expires, `${path}.expires`),
    keys: shapes.array(keys, `${path}.keys`, readKey, 1, 64),
    threshold: shapes.integer(threshold, `${path}.threshold`, 1),
    chains: shapes.array(chains, `${path}.chains`, inForm(readTrustedChain), 1, 64),
    policies: shapes.array(policies, `${path}.policies`, inForm(readPolicy), 1),
    compromisedSigners: shapes.array(signers, `${path}.compromisedSigners`, readSigner),
  };
  const listed = shapes.array(authorities, `${path}.authorities`, inForm(readAuthority), 1);
  shapes.array(recognitions, `${path}.recognitions`, readRecognition, 1);
  shapes.ascending(found.keys.map((key) => key.id), `${path}.keys`);
  if (found.threshold > new Set(found.keys.map((key) => hex(key.spki))).size) {
    shapes.refuse("TRUST_THRESHOLD", path, { threshold: found.threshold, keys: found.keys.length });
  }
  if (new Set(found.chains.map((chain) => chain.identity.name)).size < found.chains.length) {
    shapes.refuse("TRUST_CHAIN_REPEATED", `${path}.chains`);
  }
  if (form > 1 && new Set(listed).size < listed.length) shapes.refuse("TRUST_AUTHORITY_REPEATED", `${path}.authorities`);
  if (found.expires <= found.issued) shapes.refuse("TRUST_EXPIRY", path);
  return found;
}

/**
 * The trust file in these bytes, every signature verified and enough of them.
 *
 * `fingerprint` is to be compared with the printed gazette: a file that is consistent in itself may still be a stranger's.
 * Throws Refusal CANONICAL_…, SHAPE_…, TRUST_….
 */
export async function readTrust(bytes) {
  const [content, signatures] = shapes.tagged(
    decode(bytes, TRUST_LIMITS), "trustFile", "zhengyin/trustFile/1", "content", "signatures",
  );
  const found = readContent(content, "trust");
  const signed = shapes.array(signatures, "trustFile.signatures", readSignature, 1, 64);
  shapes.ascending(signed.map((one) => one.key), "trustFile.signatures");
  const data = encode(content, TRUST_LIMITS);
  const voices = new Set();
  let open = null;
  for (const { key: id, value } of signed) {
    const key = found.keys.find((one) => one.id === id);
    // members of the version before, whose keys are not in this file: no voices, and no fault
    if (!key && found.version > 1) continue;
    if (!key) throw new Refusal("TRUST_KEY_UNKNOWN", { key: id });
    // no browser has SM2: not checked here, and so no voice
    if (key.alg === "SM2") {
      open = key;
      continue;
    }
    if (!(await signatureHolds(key, value, data))) throw new Refusal("TRUST_SIGNATURE", { key: id });
    voices.add(hex(key.spki));
  }
  if (voices.size < found.threshold) {
    if (open) throw new Refusal("TRUST_KEY_ALGORITHM", { key: open.id, algorithm: open.alg });
    throw new Refusal("TRUST_NOT_ENOUGH", { found: voices.size, threshold: found.threshold });
  }
  return { ...found, fingerprint: fingerprintWords(sha256(data)) };
}

function readSignature(value, path) {
  const [key, signature] = shapes.members(value, path, "key", "value");
  return { key: shapes.text(key, `${path}.key`, KEY_ID), value: shapes.octets(signature, `${path}.value`) };
}

async function signatureHolds(key, signature, data) {
  const unknown = new Refusal("TRUST_KEY_ALGORITHM", { key: key.id, algorithm: key.alg });
  const [prefix, algorithm, length] = {
    ES256: [P256_SPKI, { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }, 91],
    Ed25519: [ED25519_SPKI, { name: "Ed25519" }, 44],
  }[key.alg];
  // a point can be written in two forms: in one only, or one key could be two voices
  if (key.spki.length !== length || compare(key.spki.subarray(0, prefix.length), prefix) !== 0) throw unknown;
  let imported;
  try {
    imported = await crypto.subtle.importKey("spki", key.spki, algorithm, false, ["verify"]);
  } catch {
    throw unknown;
  }
  return signature.length === 64 && crypto.subtle.verify(algorithm, imported, signature, data);
}

/** 16 groups of five digits, two bytes each, and 98 − (number × 100 mod 97). */
export function fingerprintWords(digest) {
  const groups = Array.from({ length: 16 }, (_, at) => String(digest[2 * at] * 256 + digest[2 * at + 1]).padStart(5, "0"));
  const check = 98n - ((BigInt(groups.join("")) * 100n) % 97n);
  return `${groups.join(" ")} / ${String(check).padStart(2, "0")}`;
}
