// Steps 7 to 9, 11, 13 and 15: the chain's proof, the clocks, the certificates of the event, accreditation, validity.

import { Refusal, hex, holds, same } from "../lib/bytes.js";
import { encode } from "../lib/canonical.js";
import { decodeAnchored, isAnchored, isRepeated, proveReceipt } from "../lib/events.js";
import { keccak, sha256 } from "../lib/hashes.js";
import { blockHash } from "../lib/headers.js";
import { organisationBytes } from "../lib/identifiers.js";
import { KINDS, needsAccreditation } from "../lib/registries.js";
import { describeBlock, findChain, judgeBlock, requirePolicy } from "./blocks.js";
import { concluded, failed, need, noted, refused, skipped, undetermined, unproved } from "./findings.js";

export const CLOCK_SKEW = 120;
const LATE = 24 * 3600;

export function finality(facts) {
  const bundle = need(facts.bundle, 0);
  const findings = [];
  if (facts.now >= facts.trust.expires) findings.push(undetermined("TRUST_FILE_EXPIRED", { expires: facts.trust.expires }));
  if (!facts.policy) findings.push(undetermined("POLICY_UNKNOWN", { jurisdiction: facts.jurisdiction }));
  const chain = (facts.chain = findChain(facts.trust, bundle.manifest.chain));
  if (!chain) {
    return concluded(7, [...findings, undetermined("FINALITY_CHAIN_UNKNOWN", { chain: bundle.manifest.chain.id })]);
  }
  const block = readBlock(facts, bundle.anchor.header, "anchor", findings);
  const after = readBlock(facts, bundle.anchor.after, "after", findings);
  if (after) findings.push(...judgeAfter(bundle.manifest.after, chain, after, block));
  facts.block = block;
  facts.after = after;
  return concluded(7, findings, block?.finality ? describeBlock(chain, block.finality) : null);
}

function readBlock(facts, rlp, which, findings) {
  let block;
  try {
    block = judgeBlock(facts.chain, rlp, which);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    findings.push(refused("FINALITY_HEADER_REFUSED", error, { which }));
    return null;
  }
  findings.push(...(block.finality ? requirePolicy(facts.policy, block.finality, which) : block.findings));
  return block;
}

function judgeAfter(named, chain, after, block) {
  let hash;
  try {
    hash = blockHash(after.header, chain.consensus);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return [refused("FINALITY_HEADER_REFUSED", error, { which: "after" })];
  }
  const found = [];
  if (after.header.number !== named.block || !same(hash, named.hash)) {
    found.push(failed("FINALITY_AFTER_DIFFERS", { block: after.header.number, expected: named.block }));
  }
  if (block && after.header.number >= block.header.number) {
    found.push(failed("FINALITY_AFTER_NOT_BEFORE", { after: after.header.number, anchor: block.header.number }));
  }
  return found;
}

export function anchor(facts) {
  const bundle = need(facts.bundle, 0);
  const block = need(facts.block, 7);
  const records = need(facts.chain, 7).identity.records;
  let logs;
  let events;
  try {
    logs = proveReceipt(block.header.receiptsRoot, bundle.anchor.index, bundle.anchor.receipt);
    requireOrder(bundle.anchor.receipt);
    logs = logs.filter((log) => same(log.address, records));
    events = logs.filter(isAnchored).map(decodeAnchored);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const judge = error.code === "TRIE_NODE_MISSING" ? unproved : refused;
    return concluded(8, [judge("ANCHOR_RECEIPT_REFUSED", error)]);
  }
  const issuer = organisationBytes(bundle.manifest.issuer);
  const own = events.filter((event) => same(event.issuer, issuer) && same(event.root, bundle.manifest.root));
  const matching = own.length ? own : events;
  if (matching.length === 0) {
    return concluded(8, [failed(logs.some(isRepeated) ? "ANCHOR_ONLY_REPEATED" : "ANCHOR_EVENT_ABSENT")]);
  }
  if (matching.length > 1) return concluded(8, [failed("ANCHOR_EVENT_AMBIGUOUS", { events: matching.length })]);
  const [event] = matching;
  facts.event = event;
  const { sequence, account, accreditation } = event;
  return concluded(8, [], { block: block.header.number, sequence, account, accreditation });
}

/** Each node names the next: one proof, one spelling. */
function requireOrder(nodes) {
  if (nodes.some((node, at) => at > 0 && !holds(nodes[at - 1], keccak(node)))) throw new Refusal("ANCHOR_RECEIPT_ORDER");
}

export function time(facts) {
  const { manifest } = need(facts.bundle, 0);
  const notBefore = need(need(facts.after, 7).finality, 7).time;
  const anchored = need(need(facts.block, 7).finality, 7).time;
  const findings = token(facts, manifest.expectsToken);
  if (notBefore > anchored + CLOCK_SKEW) findings.push(failed("TIME_ORDER", { notBefore, anchored }));
  if (anchored > facts.now + CLOCK_SKEW) findings.push(undetermined("TIME_IN_FUTURE", { anchored, now: facts.now }));
  const { closed } = manifest;
  if (closed < notBefore - CLOCK_SKEW || closed > anchored + CLOCK_SKEW) {
    findings.push(noted("TIME_CLOSED_IMPLAUSIBLE", { closed, notBefore, anchored }));
  } else if (anchored - closed > LATE) {
    findings.push(noted("TIME_LATE", { closed, anchored, hours: Math.floor((anchored - closed) / 3600) }));
  }
  const { origin, issued } = facts.bundle.record;
  if (origin === "takenOver") findings.push(noted("TIME_TAKEN_OVER", { stated: issued, since: anchored }));
  facts.times = { notBefore, signature: anchored, anchored };
  return concluded(9, findings, { ...facts.times, source: "chain" });
}

function token(facts, expected) {
  const signatures = facts.signatures ?? [];
  const stamped = signatures.filter((one) => one.stamped);
  if (expected) {
    // what was not read here may well have one
    const open = facts.signatures ? stamped.length === signatures.length : facts.bundle.signatures.length > 0;
    return [undetermined(open ? "TIME_TOKEN_NOT_CHECKED_HERE" : "TIME_TOKEN_MISSING")];
  }
  if (stamped.length) return stamped.map((one) => failed("TIME_TOKEN_SURPLUS", { certificate: hex(one.certificate) }));
  if ((facts.policy?.token ?? "optional") === "optional") return [noted("TIME_NO_TOKEN")];
  return [undetermined("TIME_TOKEN_REQUIRED", { jurisdiction: facts.jurisdiction })];
}

export function signerBinding(facts) {
  const signatures = need(facts.signatures, 6);
  const event = need(facts.event, 8);
  const { notBefore, anchored } = need(facts.times, 9);
  // a token, which is not checked here, may prove a time between the two blocks
  const stamped = facts.bundle.manifest.expectsToken;
  const named = event.signers.map(hex);
  const signed = signatures.map((one) => hex(one.certificate));
  const findings = signed.filter((one) => !named.includes(one)).map((one) => failed("SIGNER_NOT_BOUND", { certificate: one }));
  for (const { certificate, since } of facts.trust.compromisedSigners) {
    const name = hex(certificate);
    const latest = stamped ? anchored + CLOCK_SKEW : anchored;
    if ((named.includes(name) || signed.includes(name)) && latest >= since) {
      const judged = stamped && notBefore - CLOCK_SKEW < since ? undetermined : failed;
      findings.push(judged("SIGNER_COMPROMISED", { since, certificate: name, at: anchored }));
    }
  }
  return concluded(11, findings, { signers: named });
}

export function accreditation(facts) {
  const bundle = need(facts.bundle, 0);
  const event = need(facts.event, 8);
  const document = bundle.anchor.accreditation;
  const { kind, type } = bundle.record;
  const id = hex(event.accreditation);
  if (!needsAccreditation(kind)) {
    if (document || /[^0]/.test(id)) return concluded(13, [failed("ACCREDITATION_SURPLUS", { kind })]);
    return skipped(13, noted("ACCREDITATION_NOT_NEEDED", { kind }));
  }
  if (!document) return concluded(13, [undetermined("ACCREDITATION_MISSING", { id })]);
  const findings = [];
  const found = hex(sha256(encode(document.json)));
  if (found !== id) findings.push(failed("ACCREDITATION_ID_DIFFERS", { found, event: id }));
  if (!same(organisationBytes(document.organisation), event.issuer) || KINDS.get(document.kind) !== event.kind) {
    findings.push(failed("ACCREDITATION_OF_ANOTHER", { organisation: document.organisation, kind: document.kind }));
  }
  if (!document.covers(type)) findings.push(failed("ACCREDITATION_OUT_OF_SCOPE", { type }));
  return concluded(13, findings, { id, jurisdiction: document.jurisdiction, reference: document.reference });
}

export function validity(facts) {
  const { validFrom, validUntil } = need(facts.bundle, 0).record;
  const interest = need(facts.interest, 14);
  // the day in Asia/Shanghai, eight hours ahead all year
  const instant = new Date((interest + 8 * 3600) * 1000);
  if (Number.isNaN(instant.getTime()) || instant.getUTCFullYear() > 9999) {
    return concluded(15, [undetermined("VALIDITY_INSTANT_RANGE", { at: interest })]);
  }
  const day = instant.toISOString().slice(0, 10);
  const findings = [];
  if (validFrom && day < validFrom) findings.push(failed("VALIDITY_NOT_YET", { day, validFrom }));
  if (validUntil && day > validUntil) findings.push(failed("VALIDITY_EXPIRED", { day, validUntil }));
  if (!validFrom && !validUntil) findings.push(noted("VALIDITY_OPEN"));
  return concluded(15, findings, { day, validFrom, validUntil });
}
