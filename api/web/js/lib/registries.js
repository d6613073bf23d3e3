// Numbered registries of FORMATS: the word is what JSON says, the number what the chain stores.

import { Refusal } from "./bytes.js";

export const KINDS = new Map(
  Object.entries({
    license: 1, seal: 2, sealUse: 3, evidence: 4, countersignature: 5, custody: 6, decision: 7, status: 8,
    consent: 9, exchangeReceipt: 10, tombstone: 11, operations: 12, freeze: 64,
  }),
);
export const SUITES = new Map(Object.entries({ intl: 1, gm: 2, dual: 3 }));
export const STATES = new Map(Object.entries({ active: 0, suspended: 1, revoked: 2, superseded: 3 }));
export const REASONS = new Map(
  Object.entries({
    unspecified: 0, annulled: 1, cancelled: 2, withdrawn: 3, lapsed: 4, issuedInError: 5, renewed: 6, changed: 7,
    detained: 8, returned: 9, transferred: 10, keyCompromised: 11, setAside: 255,
  }),
);
export const RELATIONS = new Map(
  Object.entries({
    supersedes: 1, countersigns: 2, takesCustodyOf: 3, decidesOn: 4, uses: 5, consentsTo: 6, changesStatusOf: 7,
    erases: 8,
  }),
);
const NAMED_REASONS = new Set(REASONS.values());

/** `value` if it is a word of the registry. Throws REGISTRY_UNKNOWN. */
export function word(registry, name, value, path) {
  if (typeof value !== "string" || !registry.has(value)) throw new Refusal("REGISTRY_UNKNOWN", { path, registry: name });
  return value;
}

/** The number of a reason that stands on chain already; `code77` where 77 has no word. */
export function recordedReason(value, path) {
  const match = typeof value === "string" ? /^code(0|[1-9][0-9]{0,2})$/.exec(value) : null;
  if (match && Number(match[1]) < 255 && !NAMED_REASONS.has(Number(match[1]))) return Number(match[1]);
  return REASONS.get(word(REASONS, "reason", value, path));
}

export function needsAccreditation(kind) {
  return kind !== "status" && kind !== "tombstone";
}

export function ends(state) {
  return state === "revoked" || state === "superseded";
}
