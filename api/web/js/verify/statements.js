// The signed decisions behind changes of status and other acts. FORMATS, "Verification", step 14.

import { b64, hex, same } from "../lib/bytes.js";
import { leafOf } from "../lib/hashes.js";
import { ends } from "../lib/registries.js";
import { failed, noted, undetermined } from "./findings.js";

// under `state` in the statements of acts that are no change of status
const FROZEN = "frozen";
const DISOWNED = "disowned";

/** Each change with its statement; then, at most one each, those behind a freeze and behind a disowned batch. */
export async function judgeStatements(facts, bundle, state, judgeStatement, findings) {
  const { entries, statements } = bundle.state;
  const byLeaf = new Map(statements.map((one) => [hex(leafOf(one.record.json)), one]));
  const named = entries.map((entry) => hex(entry.statement));
  const wanted = [...new Set(named.filter((leaf) => byLeaf.has(leaf)))];
  const acts = [...byLeaf.keys()].filter((leaf) => !wanted.includes(leaf));
  const saying = (stands, word) => (stands ? acts.find((leaf) => claimsOf(byLeaf.get(leaf)).get("state") === word) : undefined);
  const freeze = saying(state.status.frozen, FROZEN);
  const disowning = saying(state.batch.disowned, DISOWNED);
  wanted.push(...[freeze, disowning].filter(Boolean));
  const listed = statements.map((one) => hex(leafOf(one.record.json)));
  if (String(listed) !== String(wanted)) {
    findings.push(failed("STATUS_STATEMENTS_SLACK", { listed: listed.length, wanted: wanted.length }));
  }
  const verified = (statement, values) => verifiedAs(statement, values, facts, judgeStatement);
  const signed = [];
  for (const position of entries.keys()) {
    const statement = byLeaf.get(named[position]) ?? null;
    const faults = await judgeEntry(bundle, state, position, statement, verified);
    findings.push(...faults);
    signed.push({ entry: entries[position] });
  }
  const { record, manifest } = bundle;
  for (const [leaf, word, subject] of [[freeze, FROZEN, leafOf(record.json)], [disowning, DISOWNED, manifest.root]]) {
    if (leaf) findings.push(...(await judgeAct(bundle, state, byLeaf.get(leaf), word, subject, verified)));
  }
  return signed;
}

async function judgeEntry(bundle, state, position, statement, verified) {
  const { entries } = bundle.state;
  const entry = entries[position];
  const last = position === entries.length - 1;
  const name = hex(entry.statement);
  const values = { position, state: entry.state, statement: name };
  if (!/[^0]/.test(name) && !last) return [noted("STATUS_UNSIGNED_EARLIER", values)];
  if (!statement) return [undetermined("STATUS_UNSIGNED", values)];
  if (entries.slice(0, position).some((earlier) => same(earlier.statement, entry.statement))) {
    return [undetermined("STATUS_STATEMENT_REUSED", values)];
  }
  const batch = state.batches.get(name);
  if (batch?.disowned) return [(last ? undetermined : noted)("STATUS_STATEMENT_DISOWNED", values)];
  const annuls = position > 0 && ends(entries[position - 1].state);
  const fields = differing(bundle, entry, statement, annuls);
  if (fields.length) return [undetermined("STATUS_STATEMENT_DIFFERS", { fields, ...values })];
  // leaving out that a batch was disowned must not bring a license back into force
  if (entries.at(-1).state === "active" && !batch?.sequence) return [undetermined("STATUS_STATEMENT_BATCH_OPEN", values)];
  return verified(statement, values);
}

/** The statement behind an act that the state proves anyway. */
async function judgeAct(bundle, state, statement, word, subject, verified) {
  const leaf = hex(leafOf(statement.record.json));
  const values = { state: word, statement: leaf };
  if (state.batches.get(leaf)?.disowned) return [noted("STATUS_STATEMENT_DISOWNED", values)];
  const agrees = {
    kind: statement.record.kind === "status",
    target: names(statement, bundle.record.issuer, subject),
    issuer: word !== FROZEN || statement.record.issuer === state.court,
  };
  const fields = Object.keys(agrees).filter((name) => !agrees[name]);
  return fields.length ? [undetermined("STATUS_STATEMENT_DIFFERS", { fields, ...values })] : verified(statement, values);
}

/** No statement ever stands in this page: its certificate's path and revocation are not judged here. */
async function verifiedAs(statement, values, facts, judgeStatement) {
  const judged = await judgeStatement(statement, facts);
  const failing = judged.find((result) => result.outcome === "failed");
  if (!failing) return [undetermined("STATUS_STATEMENT_UNDETERMINED", { ...values, cause: "STEP_NOT_CHECKED_HERE" })];
  const cause = failing.findings.find((one) => one.outcome === "failed");
  return [failed("STATUS_STATEMENT_INVALID", { ...values, cause: cause.code, causeValues: cause.values })];
}

function names(statement, issuer, subject) {
  return statement.record.refs.some(
    (ref) => ref.relation === "changesStatusOf" && ref.issuer === issuer && same(ref.leaf, subject),
  );
}

function claimsOf(statement) {
  return new Map(statement.disclosures.map((one) => [one.name, one.value]));
}

/** In what the statement and the recorded change differ, by name. */
function differing(bundle, entry, statement, annuls) {
  const leaf = leafOf(bundle.record.json);
  const claims = claimsOf(statement);
  const effective = claims.get("effective");
  const successor = claims.get("successor");
  const agrees = {
    kind: statement.record.kind === "status",
    target: names(statement, bundle.record.issuer, leaf),
    issuer: annuls || statement.record.issuer === entry.actor,
    state: claims.get("state") === entry.state,
    reason: annuls || claims.get("reason") === entry.reason,
    effective:
      typeof effective === "number" && (effective === entry.effective || (annuls && effective <= entry.effective)),
    successor:
      entry.state !== "superseded" ||
      (typeof successor === "string" && successor.length === 43 && successor !== b64(leaf)),
  };
  return Object.keys(agrees).filter((name) => !agrees[name]);
}
