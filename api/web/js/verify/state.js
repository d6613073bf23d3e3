// What a state proof proves: status, history and batch of one record as of one sealed block.

import { Refusal, fromBigInt, hex, same, toBigInt } from "../lib/bytes.js";
import { leafOf } from "../lib/hashes.js";
import { actorOf, organisationBytes } from "../lib/identifiers.js";
import { STATES } from "../lib/registries.js";
import { batchSlot, historyStep, proveAccount, proveSlot, slotsOf, unpackBatch, unpackStatus } from "../lib/storage.js";
import { ProofNodes } from "../lib/trie.js";
import { judgeBlock, requirePolicy } from "./blocks.js";
import { failed, need, refused, unproved } from "./findings.js";

/** The state as proved, or null with the findings that say why not. */
export function proveState(facts, bundle, findings) {
  const chain = need(facts.chain, 7);
  let block;
  try {
    block = judgeBlock(chain, bundle.state.header, "state");
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    findings.push(refused("STATUS_HEADER_REFUSED", error));
    return null;
  }
  if (!block.finality) {
    findings.push(...block.findings);
    return null;
  }
  findings.push(...requirePolicy(facts.policy, block.finality, "state"));
  let words;
  try {
    words = proveWords(bundle, chain, block.header);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    findings.push((error.code === "TRIE_NODE_MISSING" ? unproved : refused)("STATUS_PROOF_REFUSED", error));
    return null;
  }
  if (!historyHolds(bundle.state.entries, words)) {
    const values = { listed: bundle.state.entries.length, recorded: words.status.count };
    findings.push(failed("STATUS_HISTORY_DIFFERS", values));
    return null;
  }
  return { ...words, finality: block.finality, time: block.finality.time };
}

function proveWords(bundle, chain, header) {
  const issuer = organisationBytes(bundle.record.issuer);
  const slots = slotsOf(issuer, leafOf(bundle.record.json), bundle.manifest.root);
  const nodes = new ProofNodes(bundle.state.nodes);
  const account = proveAccount(header.stateRoot, chain.identity.records, nodes);
  // the layout of the words belongs to this one contract
  if (!same(account.codeHash, chain.recordsCode)) throw new Refusal("STATUS_CODE_DIFFERS", { found: hex(account.codeHash) });
  const word = (slot) => proveSlot(account.storageRoot, slot, nodes);
  const status = unpackStatus(word(slots.status));
  const words = {
    status,
    history: word(slots.history),
    batch: unpackBatch(word(slots.batch)),
    retired: word(slots.retired) !== 0n,
    court: status.frozen ? courtIn(ifProved(word, slots.court)) : null,
    batches: new Map(),
  };
  for (const statement of bundle.state.statements) {
    const { issuer: office, root } = statement.manifest;
    const found = ifProved(word, batchSlot(organisationBytes(office), root));
    if (found !== null) words.batches.set(hex(leafOf(statement.record.json)), unpackBatch(found));
  }
  nodes.requireAllUsed();
  return words;
}

/** The word, or null where its nodes were left out: what hangs on it is then open. */
function ifProved(word, slot) {
  try {
    return word(slot);
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== "TRIE_NODE_MISSING") throw error;
    return null;
  }
}

function courtIn(word) {
  return word ? actorOf(fromBigInt(word, 32)) : null;
}

/** The entries are all changes there ever were: their hash chain is the proved one, the last is the status. */
function historyHolds(entries, { status: word, history }) {
  const last = entries.reduce((previous, entry) => {
    const numbers = [STATES.get(entry.state), entry.effective, entry.recorded, entry.reasonNumber];
    return historyStep(previous, organisationBytes(entry.actor), numbers, entry.statement);
  }, new Uint8Array(32));
  const end = entries.at(-1);
  const listed = end ? [STATES.get(end.state), end.effective, end.recorded, end.reasonNumber] : [0, 0, 0, 0];
  const proved = [word.state, word.effective, word.recorded, word.reason];
  return toBigInt(last) === history && BigInt(entries.length) === word.count && listed.every((n, at) => BigInt(n) === proved[at]);
}
