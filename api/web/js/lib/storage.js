// Account, slots and words of the Records contract. FORMATS, "Contracts".

import { Refusal, concat, fromBigInt, toBigInt } from "./bytes.js";
import { keccak } from "./hashes.js";
import { decode, toNumber } from "./rlp.js";

const BATCH = { sequence: 64, time: 40, kind: 16, suite: 8, size: 32, disowned: 8 };
const STATUS = { state: 8, frozen: 8, effective: 40, recorded: 40, reason: 8, count: 32 };

/** Storage root and code hash of the account. Throws STORAGE_…, TRIE_…, RLP_…. */
export function proveAccount(stateRoot, address, nodes) {
  const value = nodes.get(stateRoot, keccak(address));
  if (value === null) throw new Refusal("STORAGE_ACCOUNT_ABSENT");
  const fields = decode(value);
  if (!Array.isArray(fields) || fields.length !== 4) throw new Refusal("STORAGE_ACCOUNT_MALFORMED", { part: "fields" });
  const bounds = [["nonce", 0, 8], ["balance", 0, 32], ["storageHash", 32, 32], ["codeHash", 32, 32]];
  bounds.forEach(([part, low, high], at) => {
    const item = fields[at];
    if (Array.isArray(item) || item.length < low || item.length > high) {
      throw new Refusal("STORAGE_ACCOUNT_MALFORMED", { part });
    }
  });
  toNumber(fields[0]);
  toNumber(fields[1]);
  return { storageRoot: fields[2], codeHash: fields[3] };
}

/** The word at a slot; zero where it is provably unset. Throws STORAGE_VALUE_MALFORMED, TRIE_…, RLP_…. */
export function proveSlot(storageRoot, slot, nodes) {
  const value = nodes.get(storageRoot, keccak(slot));
  if (value === null) return 0n;
  const word = decode(value);
  if (Array.isArray(word) || word.length === 0 || word.length > 32) throw new Refusal("STORAGE_VALUE_MALFORMED");
  toNumber(word);
  return toBigInt(word);
}

function mapping(key, slot) {
  return keccak(concat(key, slot));
}

function numbered(number) {
  return fromBigInt(BigInt(number), 32);
}

export function batchSlot(issuer, root) {
  return mapping(root, mapping(issuer, numbered(0)));
}

/** Slots of what a state shows of one record. */
export function slotsOf(issuer, leaf, root) {
  const status = mapping(leaf, mapping(issuer, numbered(1)));
  return {
    batch: batchSlot(issuer, root),
    status,
    history: fromBigInt((toBigInt(status) + 1n) % (1n << 256n), 32),
    retired: numbered(3),
    court: mapping(leaf, mapping(issuer, numbered(4))),
  };
}

function unpack(word, members) {
  let left = word;
  const found = {};
  for (const [name, bits] of Object.entries(members)) {
    found[name] = left & ((1n << BigInt(bits)) - 1n);
    left >>= BigInt(bits);
  }
  if (left) throw new Refusal("STORAGE_WORD_LAYOUT", { member: "unused" });
  for (const flag of ["disowned", "frozen"]) {
    if (found[flag] > 1n) throw new Refusal("STORAGE_WORD_LAYOUT", { member: flag });
  }
  return found;
}

export const unpackBatch = (word) => unpack(word, BATCH);
export const unpackStatus = (word) => unpack(word, STATUS);

/** The history word after one more change; 32 zero bytes before the first. */
export function historyStep(previous, actor, numbers, statement) {
  return keccak(concat(previous, actor, ...numbers.map(numbered), statement));
}
