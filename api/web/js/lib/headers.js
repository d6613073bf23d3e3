// Block headers, their names and their commit seals. FORMATS, "Headers and commit seals".

import { recoverPublicKey, Point } from "../../vendor/secp256k1.js";

import { Refusal, compare, concat, hex, same, toBigInt } from "./bytes.js";
import { keccak } from "./hashes.js";
import { decode, encode, toNumber } from "./rlp.js";

const FIELDS = [
  ["parent_hash", 32, 32], ["ommers_hash", 32, 32], ["coinbase", 20, 20], ["state_root", 32, 32],
  ["transactions_root", 32, 32], ["receipts_root", 32, 32], ["logs_bloom", 256, 256], ["difficulty", 0, 32],
  ["number", 0, 8], ["gas_limit", 0, 8], ["gas_used", 0, 8], ["timestamp", 0, 8], ["extra_data", 0, 65535],
  ["mix_hash", 32, 32], ["nonce", 8, 8], ["base_fee", 0, 32], ["withdrawals_root", 32, 32], ["blob_gas_used", 0, 8],
  ["excess_blob_gas", 0, 8], ["parent_beacon_root", 32, 32], ["requests_hash", 32, 32],
];
const FORMS = [15, 16, 17, 20, 21];
const EXTRA = 12;
const VANITY = 32;
const SEAL = 65;
const HALF_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n / 2n;
const NONE = new Uint8Array(0);

/** Throws HEADER_FIELD_COUNT, HEADER_FIELD, RLP_…. */
export function parseHeader(rlp) {
  const fields = decode(rlp);
  const count = Array.isArray(fields) ? fields.length : 0;
  if (!FORMS.includes(count)) throw new Refusal("HEADER_FIELD_COUNT", { count });
  fields.forEach((item, at) => {
    const [field, low, high] = FIELDS[at];
    const wrong = Array.isArray(item) || item.length < low || item.length > high;
    const zeros = !wrong && low === 0 && at !== EXTRA && item[0] === 0;
    if (wrong || zeros) throw new Refusal("HEADER_FIELD", { field });
  });
  return {
    fields,
    hash: keccak(rlp),
    stateRoot: fields[3],
    receiptsRoot: fields[5],
    number: toNumber(fields[8]),
    timestamp: toNumber(fields[11]),
    extra: fields[EXTRA],
  };
}

function hashWithExtra(header, extra) {
  return keccak(encode([...header.fields.slice(0, EXTRA), extra, ...header.fields.slice(EXTRA + 1)]));
}

/** The hash by which the chain names the block. Throws COMMIT_SEAL_EXTRA. */
export function blockHash(header, consensus) {
  if (consensus !== "qbft" || header.number === 0) return header.hash;
  return hashWithExtra(header, qbftExtra(header).encoded(NONE));
}

/**
 * What the seals of a block prove, judged by a set of validators that comes from the trust file, never from the header.
 * Throws COMMIT_SEAL_….
 */
export function finality(header, consensus, validators) {
  if (consensus === "unsealed") throw new Refusal("COMMIT_SEAL_NONE");
  if (validators.length === 0) throw new Refusal("COMMIT_SEAL_VALIDATORS_EMPTY");
  let seals;
  let digest;
  let quorum = 1;
  if (consensus === "embedded") {
    if (header.extra.length !== VANITY + SEAL) throw new Refusal("COMMIT_SEAL_EXTRA", { part: "length" });
    seals = [header.extra.subarray(VANITY)];
    digest = hashWithExtra(header, header.extra.subarray(0, VANITY));
  } else {
    const extra = qbftExtra(header);
    const ascending = [...validators].sort(compare);
    const listed = extra.validators;
    if (listed.length !== ascending.length || listed.some((one, at) => !same(one, ascending[at]))) {
      throw new Refusal("COMMIT_SEAL_SET_DIFFERS", { block: header.number });
    }
    seals = extra.seals;
    digest = hashWithExtra(header, extra.encoded(extra.round));
    quorum = Math.ceil((2 * validators.length) / 3);
  }
  const sealers = sealersOf(digest, seals, validators);
  if (sealers.length < quorum) {
    throw new Refusal("COMMIT_SEAL_QUORUM", { count: sealers.length, quorum, validators: validators.length });
  }
  return {
    kind: consensus === "qbft" && validators.length >= 4 ? "bft" : "single",
    consensus,
    block: header.number,
    hash: blockHash(header, consensus),
    time: header.timestamp,
    validators: validators.length,
    quorum,
    sealers,
  };
}

/** Block 0, which nobody seals, by the hash that names the chain. Throws COMMIT_SEAL_GENESIS_HASH. */
export function genesisFinality(header, genesis, consensus) {
  if (!same(header.hash, genesis)) {
    throw new Refusal("COMMIT_SEAL_GENESIS_HASH", { expected: hex(genesis), found: hex(header.hash) });
  }
  return {
    kind: "single", consensus, block: 0, hash: header.hash, time: header.timestamp, validators: 0, quorum: 0, sealers: [],
  };
}

function sealersOf(digest, seals, validators) {
  const members = new Set(validators.map(hex));
  const found = [];
  for (const seal of seals) {
    const sealer = recoverSealer(digest, seal);
    const name = hex(sealer);
    if (!members.has(name)) throw new Refusal("COMMIT_SEAL_NOT_MEMBER", { sealer: name });
    if (found.some((one) => same(one, sealer))) throw new Refusal("COMMIT_SEAL_REPEATED", { sealer: name });
    found.push(sealer);
  }
  return found;
}

function recoverSealer(digest, seal) {
  if (seal.length !== SEAL || seal[64] > 1) throw new Refusal("COMMIT_SEAL_RECOVERY_ID");
  // a second valid spelling of every seal, which anyone can make
  if (toBigInt(seal.subarray(32, 64)) > HALF_ORDER) throw new Refusal("COMMIT_SEAL_HIGH_S");
  try {
    const key = recoverPublicKey(concat(seal.subarray(64), seal.subarray(0, 64)), digest, { prehash: false });
    return keccak(Point.fromBytes(key).toBytes(false).subarray(1)).subarray(12);
  } catch {
    throw new Refusal("COMMIT_SEAL_UNRECOVERABLE");
  }
}

function qbftExtra(header) {
  const fault = (part) => new Refusal("COMMIT_SEAL_EXTRA", { part });
  const items = decode(header.extra);
  if (!Array.isArray(items) || items.length !== 5) throw fault("items");
  const [vanity, validators, vote, round, seals] = items;
  if (Array.isArray(vanity) || vanity.length !== VANITY) throw fault("vanity");
  if (!areStrings(validators, 20) || validators.some((one, at) => at > 0 && compare(validators[at - 1], one) >= 0)) {
    throw fault("validators");
  }
  if (!Array.isArray(vote) || !isVote(vote)) throw fault("vote");
  if (Array.isArray(round) || round.length > 4 || round[0] === 0) throw fault("round");
  if (!areStrings(seals, SEAL)) throw fault("seals");
  return { validators, round, seals, encoded: (other) => encode([vanity, validators, vote, other, []]) };
}

function areStrings(items, length) {
  return Array.isArray(items) && items.every((item) => !Array.isArray(item) && item.length === length);
}

function isVote(vote) {
  if (vote.length === 0) return true;
  if (vote.length !== 2 || vote.some(Array.isArray) || vote[0].length !== 20) return false;
  return vote[1].length === 0 || (vote[1].length === 1 && vote[1][0] === 0xff);
}
