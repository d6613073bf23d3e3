// Findings in words, as the ledger's own reports say them.

import { fill } from "./dom.js";

const INSTANTS = new Set([
  "anchored", "asOf", "at", "closed", "effective", "expired", "expires", "moment", "notBefore", "now", "recorded",
  "revoked", "since", "time",
]);
const ORGANISATIONS = new Set(["actor", "first", "second"]);
const REGISTRIES = new Set(["state", "reason", "kind", "finality", "relation"]);

/** Date and time in China (UTC+8). */
export function instant(seconds) {
  const moment = new Date((seconds + 8 * 3600) * 1000);
  if (Number.isNaN(moment.getTime())) return String(seconds);
  return `${moment.toISOString().slice(0, 19).replace("T", " ")} UTC+8`;
}

/** Words of `code` with its values made readable. */
export function show(table, code, values = {}) {
  const readable = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, readableOf(table, name, value)]));
  return table[code] ? fill(table[code], readable) : code;
}

/** Words of a finding; in brackets the words of the rule that caused it, and who decided it. */
export function tell(table, finding, language) {
  let text = show(table, finding.code, finding.values);
  for (const key of ["cause", "who"]) {
    const code = finding.values[key];
    if (typeof code !== "string") continue;
    const inner = show(table, code, finding.values[`${key}Values`]);
    text += language === "zh" ? `（${inner}）` : ` (${inner})`;
  }
  return text;
}

function registryWord(table, registry, word) {
  return table[`WORD_${registry.toUpperCase()}_${String(word).toUpperCase()}`] ?? word;
}

function readableOf(table, name, value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number" && INSTANTS.has(name)) return instant(value);
  if (typeof value === "number" && name === "age") return duration(table, value);
  if (typeof value === "string" && REGISTRIES.has(name)) return registryWord(table, name, value);
  // the council acts under its address
  if (typeof value === "string" && ORGANISATIONS.has(name) && value.startsWith("0x")) return table.WORD_COUNCIL;
  return Array.isArray(value) ? value.join(", ") : value;
}

function duration(table, seconds) {
  const sizes = { AGE_DAYS: 86400, AGE_HOURS: 3600, AGE_MINUTES: 60, AGE_SECONDS: 1 };
  const [code, size] = Object.entries(sizes).find(([, one]) => seconds >= 2 * one || one === 1);
  return fill(table[code], { count: Math.floor(seconds / size) });
}

/** A report of a judgement in the page with words, in the shape of the service's report. */
export function withWords(report, table, language) {
  const headlines = {
    doesNotMatch: "HEADLINE_DOES_NOT_MATCH",
    cannotBeDecided: "HEADLINE_CANNOT_BE_DECIDED",
  };
  const finding = (one) => ({ ...one, [language]: tell(table, one, language) });
  return {
    ...report,
    headline: { ...report.headline, code: headlines[report.headline.name], [language]: table[headlines[report.headline.name]] },
    lines: report.lines.map((line) => ({ ...line, [language]: show(table, line.code, line.values) })),
    conclusions: [],
    steps: report.steps.map((step) => ({
      ...step,
      findings: step.findings.map(finding),
      [language]: table[`STEP_${step.name.toUpperCase()}`],
    })),
  };
}
