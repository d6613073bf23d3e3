// The report of a judgement in the page, in the shape of the service's report, without its words.

import { LAST_OF_GENUINE, STEPS, isBlocked, isNotCheckedHere, plain, worst } from "./findings.js";

const LINES = {
  unaltered: [0, 1, 2, 3, 4],
  issued: [4, 5, 6, 9, 10, 11, 12, 13],
  inForce: [14, 15],
  anchored: [4, 5, 7, 8, 9],
};
// of step 9 the line that gives the instant asks only whether it can be right: a missing token is not its concern
const WRONG_TIMES = ["TIME_ORDER", "TIME_IN_FUTURE"];
const NAMES = { unaltered: "UNALTERED", issued: "ISSUED", inForce: "IN_FORCE", anchored: "ANCHORED" };
const NOT_IN_FORCE = ["STATUS_REVOKED", "STATUS_SUSPENDED", "STATUS_SUPERSEDED", "VALIDITY_EXPIRED", "VALIDITY_NOT_YET"];

/** `headline` is "doesNotMatch" or "cannotBeDecided": a whole verdict needs a server or the command line. */
export function makeReport(facts, results) {
  const proved = Object.fromEntries(results.filter((one) => one.proved).map((one) => [STEPS[one.step], plain(one.proved)]));
  const against = results.flatMap((one) => one.findings).filter((one) => one.outcome === "failed");
  const refuted = against.some((one) => !NOT_IN_FORCE.includes(one.code));
  const opened = results[3].outcome === "passed" ? facts.bundle.disclosures : [];
  const cause = results.find((one) => one.outcome === "failed") ?? results.find((one) => one.outcome === "undetermined");
  return {
    indication: against.length ? "TOTAL-FAILED" : "INDETERMINATE",
    headline: { name: refuted ? "doesNotMatch" : "cannotBeDecided" },
    cause: cause ? { step: cause.step, code: decisive(cause)?.code ?? null } : null,
    lines: Object.keys(LINES).map((topic) => makeLine(topic, results, lineValues(proved))),
    steps: results.map((one) => plain({ ...one, name: STEPS[one.step] })),
    notChecked: results.filter((one) => isNotCheckedHere(one)).map((one) => one.step),
    partial: true,
    trust: { version: facts.trust.version, fingerprint: facts.trust.fingerprint, expires: facts.trust.expires },
    proved,
    claims: Object.fromEntries(opened.map((one) => [one.name, one.value])),
    remarks: [],
  };
}

function decisive(result) {
  return result.findings.find((one) => one.outcome === result.outcome);
}

function makeLine(topic, results, values) {
  const chosen = results.filter((one) => LINES[topic].includes(one.step)).map((one) => asked(topic, one));
  const outcome = outcomeOf(chosen);
  if (topic === "inForce" && outcome === "passed") return stateLine(topic, results, values);
  const suffix = { passed: "YES", failed: "NO", undetermined: "OPEN", skipped: "NOT_CHECKED" }[outcome];
  const noFile = chosen.some((one) => one.findings.some((finding) => finding.code === "BYTES_NOT_CHECKED"));
  let code = `LINE_${NAMES[topic]}_${outcome === "passed" && noFile ? "WITHOUT_FILE" : suffix}`;
  const partly = topic === "issued" && outcome === "skipped" && !chosen.some(isBlocked);
  if (partly && values.organization) code = "LINE_ISSUED_PARTLY";
  return { topic, outcome, code, values };
}

function asked(topic, result) {
  if (topic !== "anchored" || result.step !== 9 || result.outcome === "skipped") return result;
  const findings = result.findings.filter((one) => WRONG_TIMES.includes(one.code));
  return { ...result, findings, outcome: worst(findings) };
}

/** Every leaf that nobody ended is "active", those of forgeries too: what is not proved genuine is not "in force". */
function stateLine(topic, results, values) {
  const refuted = results.some((one) => one.step <= LAST_OF_GENUINE && one.outcome === "failed");
  return { topic, outcome: "skipped", code: refuted ? "LINE_IN_FORCE_NOT_CHECKED" : "LINE_IN_FORCE_PARTLY", values };
}

function outcomeOf(results) {
  const outcomes = results.map((one) => one.outcome);
  const bad = ["failed", "undetermined"].find((outcome) => outcomes.includes(outcome));
  if (bad) return bad;
  const unchecked = results.some((one) => isBlocked(one) || isNotCheckedHere(one));
  return unchecked || !outcomes.includes("passed") ? "skipped" : "passed";
}

function lineValues(proved) {
  const { record = {}, finality = {}, status = {}, time = {} } = proved;
  const sealers = finality.sealers ?? [];
  return {
    issuer: record.issuer,
    organization: (proved.signature?.signers ?? []).map((one) => one.organization).find(Boolean) ?? null,
    anchored: time.anchored,
    block: finality.block,
    sealers: sealers.length,
    validators: finality.validators,
    finality: finality.kind,
    operators: [...new Set(sealers.map((one) => one.organisation))].sort().join(", "),
    state: status.state,
    asOf: status.asOf,
    age: status.age,
  };
}
