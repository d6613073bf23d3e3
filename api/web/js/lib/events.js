// Receipts and the event of the Records contract (Yellow Paper section 4.4.1; EIP-2718; Solidity ABI).

import { Refusal, hex, same, toBigInt } from "./bytes.js";
import { keccakOf } from "./hashes.js";
import { decode, encode, fromNumber, toNumber } from "./rlp.js";
import { ProofNodes } from "./trie.js";

const BATCH_ANCHORED =
  "BatchAnchored(bytes32,bytes32,uint64,address,(bytes32,uint16,uint8,uint32,bytes32,bytes32,bytes32,bytes32[]))";
const ANCHOR_REPEATED = "AnchorRepeated(bytes32,bytes32,uint64)";

export const isAnchored = (log) => log.topics.length > 0 && same(log.topics[0], keccakOf(BATCH_ANCHORED));
export const isRepeated = (log) => log.topics.length > 0 && same(log.topics[0], keccakOf(ANCHOR_REPEATED));

/** Logs of the transaction at `index` of the block. Throws RECEIPT_…, TRIE_…, RLP_…. */
export function proveReceipt(receiptsRoot, index, nodes) {
  const proof = new ProofNodes(nodes);
  const value = proof.get(receiptsRoot, encode(fromNumber(index)));
  proof.requireAllUsed();
  if (value === null) throw new Refusal("RECEIPT_ABSENT", { index });
  const { status, logs } = parseReceipt(value);
  if (status !== 1) throw new Refusal("RECEIPT_FAILED", { index });
  return logs;
}

function parseReceipt(bytes) {
  const fault = (part) => new Refusal("RECEIPT_MALFORMED", { part });
  const typed = bytes[0] > 0 && bytes[0] < 0x80;
  const item = decode(typed ? bytes.subarray(1) : bytes);
  if (!Array.isArray(item) || item.length !== 4) throw fault("items");
  const [status, gas, bloom, logs] = item;
  const one = !Array.isArray(status) && status.length === 1 && status[0] === 1;
  if (!one && (Array.isArray(status) || status.length !== 0)) throw fault("status");
  if (Array.isArray(gas) || gas.length > 8) throw fault("gas");
  if (Array.isArray(bloom) || bloom.length !== 256) throw fault("bloom");
  if (!Array.isArray(logs)) throw fault("logs");
  toNumber(gas);
  return { status: status.length, logs: logs.map((log) => readLog(log, fault)) };
}

function readLog(item, fault) {
  if (!Array.isArray(item) || item.length !== 3) throw fault("log");
  const [address, topics, data] = item;
  if (Array.isArray(address) || address.length !== 20 || Array.isArray(data)) throw fault("log");
  const fits = Array.isArray(topics) && topics.length <= 4 && topics.every((one) => !Array.isArray(one) && one.length === 32);
  if (!fits) throw fault("topics");
  return { address, topics, data };
}

/** A BatchAnchored log. Throws EVENT_MALFORMED. */
export function decodeAnchored(log) {
  const fault = (part) => new Refusal("EVENT_MALFORMED", { part });
  if (log.topics.length !== 4) throw fault("topics");
  if (log.data.length < 12 * 32 || log.data.length % 32) throw fault("length");
  const words = Array.from({ length: log.data.length / 32 }, (_, at) => log.data.subarray(at * 32, at * 32 + 32));
  const [account, offset, accreditation, kind, suite, size, again, sha256, sm3, signersAt, count, ...signers] = words;
  const number = (word, bits, part) => {
    const found = toBigInt(word);
    if (found >> BigInt(bits)) throw fault(part);
    return Number(found);
  };
  if (toBigInt(offset) !== 64n || toBigInt(signersAt) !== 256n) throw fault("offset");
  if (toBigInt(count) !== BigInt(signers.length)) throw fault("signers");
  const [, issuer, root, sequence] = log.topics;
  if (!same(again, root)) throw fault("root");
  number(account, 160, "account");
  number(sequence, 64, "sequence");
  return {
    issuer,
    root,
    sequence: toBigInt(sequence),
    account: hex(account.subarray(12)),
    accreditation,
    kind: number(kind, 16, "kind"),
    suite: number(suite, 8, "suite"),
    size: number(size, 32, "size"),
    manifestSha256: sha256,
    manifestSm3: sm3,
    signers,
  };
}
