// One sealed block, judged by the trust file alone: anchor, `after` and state alike.

import { Refusal, hex, same } from "../lib/bytes.js";
import { finality, genesisFinality, parseHeader } from "../lib/headers.js";
import { failed, undetermined } from "./findings.js";

// the file is too old to know the set, or knows that nobody seals the chain
const PROVES_NOTHING = ["COMMIT_SEAL_VALIDATORS_EMPTY", "COMMIT_SEAL_SET_DIFFERS", "COMMIT_SEAL_NONE"];

export function findChain(trust, identity) {
  return trust.chains.find((chain) => chain.identity.name === identity.name) ?? null;
}

export function validatorsAt(chain, block) {
  return chain.validators.filter((one) => one.from <= block && block <= one.until);
}

/** The header with what its seals prove; `finality` is null where they prove nothing. Throws HEADER_…, RLP_…. */
export function judgeBlock(chain, rlp, which) {
  const header = parseHeader(rlp);
  let proved;
  try {
    proved = finalityBy(chain, header);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const judge = PROVES_NOTHING.includes(error.code) ? undetermined : failed;
    const finding = judge("FINALITY_NOT_SEALED", { which, cause: error.code, causeValues: error.values });
    return { header, finality: null, findings: [finding] };
  }
  const checkpoint = chain.checkpoints.find((one) => one.block === proved.block);
  if (checkpoint && !same(checkpoint.hash, proved.hash)) {
    const finding = failed("FINALITY_CHECKPOINT_DIFFERS", { which, block: proved.block });
    return { header, finality: null, findings: [finding] };
  }
  return { header, finality: proved, findings: [] };
}

function finalityBy(chain, header) {
  if (header.number === 0) return genesisFinality(header, chain.identity.genesis, chain.consensus);
  const validators = validatorsAt(chain, header.number);
  const proved = finality(header, chain.consensus, validators.map((one) => one.address));
  const nodes = new Map();
  for (const { organisation } of validators) nodes.set(organisation, (nodes.get(organisation) ?? 0) + 1);
  // whoever runs more than (n - 1) / 3 of the nodes decides alone, however many there are
  const most = Math.max(...nodes.values());
  return most <= Math.floor((validators.length - 1) / 3) ? proved : { ...proved, kind: "single" };
}

export function requirePolicy(policy, proved, which) {
  const lacks = policy?.finality === "bft" && proved.kind !== "bft" && proved.block !== 0;
  return lacks ? [undetermined("FINALITY_SINGLE", { which, validators: proved.validators })] : [];
}

export function describeBlock(chain, proved) {
  const operators = new Map(validatorsAt(chain, proved.block).map((one) => [hex(one.address), one.organisation]));
  const sealers = proved.sealers.map((one) => ({ address: hex(one), organisation: operators.get(hex(one)) }));
  return { ...proved, sealers };
}

/** The policy of the nearest enclosing jurisdiction; the strictest of all where none is named. */
export function policyFor(trust, jurisdiction) {
  if (jurisdiction === null) return strictest(trust.policies);
  const parts = jurisdiction.split("-");
  for (let count = parts.length; count > 0; count -= 1) {
    const name = parts.slice(0, count).join("-");
    const found = trust.policies.filter((policy) => policy.jurisdiction === name);
    if (found.length) return strictest(found);
  }
  return null;
}

function strictest(policies) {
  return {
    finality: policies.some((one) => one.finality === "bft") ? "bft" : "single",
    token: ["independent", "required"].find((word) => policies.some((one) => one.token === word)) ?? "optional",
  };
}
