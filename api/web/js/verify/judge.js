// A bundle judged in the page, by the steps that need no server. It is never "valid" here: certificate path,
// revocation and seals in the file (steps 10, 12 and 16) are not judged, and what was not checked is never passed over.

import { readTrust } from "../lib/trust.js";
import { loadHashes } from "../lib/hashes.js";
import { encode, BUNDLE_LIMITS } from "../lib/canonical.js";
import { policyFor } from "./blocks.js";
import * as chain from "./chain.js";
import * as contents from "./contents.js";
import { LAST_OF_GENUINE, notCheckedHere, run } from "./findings.js";
import { makeReport } from "./report.js";
import { status } from "./status.js";

/** In the order in which they run: binding compares what signature and anchor have read. */
const ORDER = [
  [0, contents.container], [1, contents.bytes], [2, contents.record], [3, contents.disclosures],
  [4, contents.inclusion], [6, contents.signature], [7, chain.finality], [8, chain.anchor], [5, contents.binding],
  [9, chain.time], [10, () => notCheckedHere(10)], [11, chain.signerBinding], [12, () => notCheckedHere(12)],
  [13, chain.accreditation], [14, (facts) => status(facts, judgeStatement)], [15, chain.validity],
  [16, () => notCheckedHere(16)],
];

/**
 * The report on a bundle.
 *
 * `bundle`: bytes as received; `trust`: bytes of a trust file; `documents`: `{size, sha256, sm3}` of files handed in with
 * it; `now`: seconds UTC. The other members are the questions of FORMATS. Throws Refusal where the trust file does not hold.
 */
export async function judge({ bundle, trust, documents = [], now, ...question }) {
  await loadHashes();
  const facts = {
    bytes: bundle,
    documents,
    trust: await readTrust(trust),
    now,
    asOfBundle: question.asOfBundle ?? false,
    timeOfInterest: question.timeOfInterest ?? null,
    maxAge: question.maxAge ?? null,
    asked: question.jurisdiction ?? null,
  };
  const results = await runSteps(facts, ORDER);
  return makeReport(facts, results);
}

/** Whose rules apply: the relying party's, else those of the accreditation, which step 13 proves. */
function jurisdictionOf(facts) {
  return facts.asked ?? facts.bundle?.anchor.accreditation?.jurisdiction ?? null;
}

async function runSteps(facts, order) {
  const results = [];
  for (const [step, judgeStep] of order) {
    facts.jurisdiction = jurisdictionOf(facts);
    facts.policy = policyFor(facts.trust, facts.jurisdiction);
    results.push(await run(step, judgeStep, facts));
  }
  return results.sort((a, b) => a.step - b.step);
}

/** A statement by steps 0 to 13 under the same trust and jurisdiction; it has no status of its own. */
function judgeStatement(bundle, { trust, now, jurisdiction }) {
  const facts = { bytes: encode(bundle.json, BUNDLE_LIMITS), documents: [], trust, now, asked: jurisdiction };
  return runSteps(facts, ORDER.filter(([step]) => step <= LAST_OF_GENUINE));
}
