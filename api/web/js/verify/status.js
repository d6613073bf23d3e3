// Step 14: the state that is stapled to the bundle, each change with its signed statement.

import { hex } from "../lib/bytes.js";
import { CLOCK_SKEW } from "./chain.js";
import { concluded, failed, need, noted, undetermined } from "./findings.js";
import { proveState } from "./state.js";
import { judgeStatements } from "./statements.js";

const FRESHNESS = 300;

/** `judgeStatement(bundle, facts)` judges a statement by steps 0 to 13. */
export async function status(facts, judgeStatement) {
  const bundle = need(facts.bundle, 0);
  if (!facts.asOfBundle) facts.interest = facts.timeOfInterest ?? facts.now;
  const findings = usedSeals(bundle);
  if (!bundle.state) return concluded(14, [...findings, undetermined("STATUS_UNKNOWN_OFFLINE")]);
  const state = proveState(facts, bundle, findings);
  if (!state) return concluded(14, findings);
  const timely = judgeAge(facts, state);
  findings.push(...timely, ...judgeBatch(facts, state));
  const signed = await judgeStatements(facts, bundle, state, judgeStatement, findings);
  if (facts.asOfBundle || timely.every((one) => one.outcome === "passed")) {
    findings.push(...judgeInterest(facts, state, signed));
  }
  return concluded(14, findings, describe(facts, state, signed));
}

/** Whether a seal was in force when the record used it, only an index can tell. */
function usedSeals({ record, disclosures }) {
  const stated = disclosures.find(({ name, value }) => name === "usedAt" && Number.isInteger(value));
  const at = stated ? stated.value : record.issued;
  return record.refs
    .filter(({ relation }) => relation === "uses")
    .map(({ leaf }) => noted("STATUS_SEAL_NOT_CHECKED", { seal: hex(leaf), at }));
}

/** Is the state young enough to speak about the time of interest? */
function judgeAge(facts, state) {
  const age = facts.now - state.time;
  if (age < -CLOCK_SKEW) return [undetermined("STATUS_FROM_FUTURE", { asOf: state.time, now: facts.now })];
  const values = { asOf: state.time, age: Math.max(age, 0) };
  if (facts.asOfBundle) {
    facts.interest = state.time;
    const old = facts.maxAge !== null && values.age > facts.maxAge;
    return [old ? undetermined("STATUS_TOO_OLD", { maxAge: facts.maxAge, ...values }) : noted("STATUS_AS_OF", values)];
  }
  const limit = Math.min(facts.maxAge ?? FRESHNESS, FRESHNESS);
  if (values.age > limit) return [undetermined("STATUS_STALE", { limit, ...values })];
  if (facts.interest > state.time + limit) return [undetermined("STATUS_NOT_REACHED", { at: facts.interest, ...values })];
  return [];
}

function judgeBatch(facts, state) {
  const found = [];
  const { batch } = state;
  const { event } = facts;
  const anchored = facts.block?.header.number;
  if (anchored !== undefined && state.finality.block < anchored) {
    found.push(undetermined("STATUS_BEFORE_ANCHOR", { block: state.finality.block, anchor: anchored }));
  } else if (batch.sequence === 0n) {
    found.push(failed("STATUS_BATCH_UNKNOWN"));
  } else if (event) {
    const same = batch.sequence === event.sequence && batch.kind === BigInt(event.kind);
    if (!same || batch.suite !== BigInt(event.suite) || batch.size !== BigInt(event.size)) {
      found.push(failed("STATUS_BATCH_DIFFERS", { sequence: batch.sequence, event: event.sequence }));
    }
  }
  if (batch.disowned) found.push(failed("STATUS_BATCH_DISOWNED", { sequence: batch.sequence }));
  if (state.retired || facts.chain.successor) found.push(undetermined("STATUS_LEDGER_RETIRED"));
  return found;
}

/** A change decides only with a statement that stands, and here none does: what the chain says is shown, not judged. */
function judgeInterest(facts, state, signed) {
  const found = [];
  if (state.status.frozen) found.push(undetermined("STATUS_FROZEN", frozenBy(state.court)));
  const deciding = entryAt(signed, facts.interest);
  const current = signed.at(-1);
  if (deciding && deciding.entry.state !== "active" && deciding !== current) {
    found.push(undetermined("STATUS_UNSIGNED", valuesOf(deciding)));
  }
  if (current && current !== deciding) found.push(noted("STATUS_CHANGED_SINCE", valuesOf(current)));
  if (facts.times && facts.interest < facts.times.notBefore) {
    found.push(noted("STATUS_BEFORE_PROOF", { at: facts.interest, notBefore: facts.times.notBefore }));
  }
  return found;
}

function frozenBy(court) {
  if (court === null) return {};
  const values = { name: null, actor: court, since: null, decision: null };
  return { court, since: null, who: "DECIDED_TO_FREEZE", whoValues: values };
}

function entryAt(signed, instant) {
  return signed.findLast((one) => one.entry.effective <= instant);
}

function valuesOf({ entry }) {
  const { state, effective, recorded, reason, actor, statement } = entry;
  return { state, since: effective, recorded, reason, actor, statement: hex(statement) };
}

function describe(facts, state, signed) {
  const deciding = entryAt(signed, facts.interest);
  return {
    at: facts.interest,
    state: deciding?.entry.state ?? "active",
    change: deciding ? valuesOf(deciding) : null,
    now: signed.at(-1)?.entry.state ?? "active",
    frozen: state.status.frozen === 1n,
    court: state.court,
    changes: signed.length,
    entries: signed.map(valuesOf),
    asOf: state.time,
    age: Math.max(facts.now - state.time, 0),
    block: state.finality.block,
    sealers: state.finality.sealers.length,
    validators: state.finality.validators,
  };
}
