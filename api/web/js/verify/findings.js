// Findings, steps and how they compose. FORMATS, "Verification".

import { Refusal, hex } from "../lib/bytes.js";
import { NotCheckedHere } from "../lib/signatures.js";

export const STEPS = [
  "container", "bytes", "record", "disclosures", "inclusion", "binding", "signature", "finality", "anchor", "time",
  "path", "signer_binding", "revocation", "accreditation", "status", "validity", "seals",
];
export const LAST_OF_GENUINE = 13;

export const failed = (code, values = {}) => ({ code, outcome: "failed", values });
export const undetermined = (code, values = {}) => ({ code, outcome: "undetermined", values });
export const noted = (code, values = {}) => ({ code, outcome: "passed", values });
export const refused = (code, error, values = {}) => failed(code, { cause: error.code, causeValues: error.values, ...values });
export const unproved = (code, error, values = {}) =>
  undetermined(code, { cause: error.code, causeValues: error.values, ...values });

/** What a step needs was not established by an earlier one. */
export class Blocked extends Error {
  constructor(step) {
    super(String(step));
    this.step = step;
  }
}

/** `value`, or Blocked where `step` has not established it. */
export function need(value, step) {
  if (value === null || value === undefined) throw new Blocked(step);
  return value;
}

export function concluded(step, findings, proved = null) {
  return { step, outcome: worst(findings), findings, proved };
}

export function skipped(step, finding) {
  return { step, outcome: "skipped", findings: [finding], proved: null };
}

/** A step that this page cannot do: shown as not checked, and never as passed. */
export const notCheckedHere = (step) => skipped(step, noted("STEP_NOT_CHECKED_HERE"));
export const isNotCheckedHere = (result) => result.findings.some((one) => one.code === "STEP_NOT_CHECKED_HERE");
export const isBlocked = (result) =>
  result.outcome === "skipped" && result.findings.some((one) => one.code === "STEP_NEEDS_EARLIER");

export function worst(findings) {
  const outcomes = findings.map((one) => one.outcome);
  return ["failed", "undetermined"].find((outcome) => outcomes.includes(outcome)) ?? "passed";
}

/** Runs one step. Hostile bytes must not stop the others. */
export async function run(step, judge, facts) {
  try {
    return await judge(facts);
  } catch (error) {
    if (error instanceof Blocked) return skipped(step, noted("STEP_NEEDS_EARLIER", { step: error.step }));
    if (error instanceof NotCheckedHere) return notCheckedHere(step);
    if (error instanceof Refusal) return concluded(step, [refused("STEP_REFUSED", error)]);
    return concluded(step, [undetermined("STEP_FAULT", { error: error.name })]);
  }
}

/** Plain values only, digests as hexadecimal digits. */
export function plain(value) {
  if (value instanceof Uint8Array) return hex(value);
  if (typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
  }
  return value;
}
