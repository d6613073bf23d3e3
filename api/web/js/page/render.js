// A report as a person reads it: headline, four lines, and one click away everything else.

import { fill, make } from "./dom.js";
import { instant } from "./words.js";

const MARKS = { passed: "✓", failed: "✗", undetermined: "?", skipped: "–" };

/** `say`: words of the page; `labels`: of types and fields; `documents`, `note`: beside it; `number`: which of several. */
export function renderReport(report, { language, say, now, labels = {}, documents = [], note = null, number = 0 }) {
  const id = `result-heading${number || ""}`;
  const { name } = report.headline;
  return make(
    "section",
    { class: `result ${name}`, "aria-labelledby": id },
    make(
      "div",
      { class: "banner" },
      make("h2", { id, tabindex: "-1" }, report.headline[language]),
      note ? make("p", {}, note) : null,
      make("p", {}, advice(report, say)),
      ...causes(report, language).map((text) => make("p", { class: "cause" }, text)),
    ),
    make("ul", { class: "lines" }, ...report.lines.map((line) => renderLine(line, language, say))),
    renderClaims(report, say, labels),
    renderHistory(report, language, say),
    renderSteps(report, language, say),
    renderConclusions(report, language, say),
    renderFoot(report, say, now, documents),
  );
}

function advice(report, say) {
  const { name, code } = report.headline;
  if (code === "HEADLINE_NOT_RECOGNISED") return say("ADVICE_NOTRECOGNISED");
  if (!report.partial || name !== "cannotBeDecided") return say(`ADVICE_${name.toUpperCase()}`);
  const open = report.steps.filter((step) => step.outcome === "undetermined").length;
  const checked = report.steps.filter((step) => step.outcome === "passed").length;
  const steps = report.notChecked.join(", ");
  if (report.indication === "TOTAL-FAILED") return say("ADVICE_PARTIAL_NOT_IN_FORCE", { steps });
  return open ? say("ADVICE_PARTIAL_OPEN", { open, steps }) : say("ADVICE_PARTIAL", { checked, steps });
}

/** What decided: of the causing step, and of the whole. */
function causes(report, language) {
  const step = report.cause ? report.steps.find((one) => one.step === report.cause.step) : null;
  return [...(step?.findings ?? []), ...report.remarks]
    .filter((one) => one.outcome === "failed" || one.outcome === "undetermined")
    .map((one) => one[language]);
}

function renderLine(line, language, say) {
  return make(
    "li",
    { class: line.outcome },
    make("span", { class: "mark", "aria-hidden": "true" }, MARKS[line.outcome]),
    make("span", { class: "word" }, `${say(`OUTCOME_${line.outcome.toUpperCase()}`)} `),
    make("span", {}, line[language]),
  );
}

function fold(summary, ...children) {
  return make("details", {}, make("summary", {}, summary), ...children);
}

function renderClaims(report, say, labels) {
  const entries = Object.entries(report.claims ?? {});
  if (!entries.length) return null;
  const words = { true: "VALUE_TRUE", false: "VALUE_FALSE", null: "VALUE_NULL" };
  const shown = (value) => {
    if (Array.isArray(value)) return value.map(shown).join("，");
    return typeof value === "string" || typeof value === "number" ? String(value) : say(words[String(value)]);
  };
  const type = report.proved.record?.type;
  const known = Object.hasOwn(labels, type) ? labels[type] : { name: type ?? "", fields: {} };
  const label = (name) => (Object.hasOwn(known.fields, name) ? known.fields[name] : name);
  const rows = entries.map(([name, value]) => make("div", {}, make("dt", {}, label(name)), make("dd", {}, shown(value))));
  const opened = fold(say("CLAIMS"), make("p", {}, known.name), make("dl", {}, ...rows));
  opened.open = true;
  return opened;
}

/** Claimed times are marked as such: only blocks prove when. */
function renderHistory(report, language, say) {
  const { record, signature, time, finality, status } = report.proved ?? {};
  const signer = signature?.signers?.[0] ?? {};
  const organization = signer.organization ?? record?.issuer ?? "–";
  const operators = [...new Set((finality?.sealers ?? []).map((one) => one.organisation))].join("、") || "–";
  const rows = [];
  if (time) rows.push([time.notBefore, say("WHEN_NOT_BEFORE")]);
  if (record) rows.push([record.issued, say("WHEN_CLAIMED", { organization })]);
  if (signer.claimedTime) rows.push([signer.claimedTime, say("WHEN_SIGNED", { organization })]);
  if (time) rows.push([time.anchored, say("WHEN_ANCHORED", { block: finality?.block ?? "–", operators })]);
  for (const change of changesOf(status)) {
    const [state, reason] = [word(say, "STATE", change.state), word(say, "REASON", change.reason)];
    const actor = String(change.actor).startsWith("0x") ? say("WORD_COUNCIL") : change.actor;
    rows.push([change.since, say("WHEN_CHANGED", { actor, state, reason })]);
  }
  if (status?.asOf) rows.push([status.asOf, say("WHEN_STATE", { state: word(say, "STATE", status.now), block: status.block })]);
  if (!rows.length) return null;
  const items = rows.map(([at, text]) => make("li", {}, make("time", {}, instant(at)), make("span", {}, text)));
  return fold(say("HISTORY"), make("ol", { class: "history" }, ...items));
}

function changesOf(status) {
  if (!status) return [];
  return status.entries ?? (status.change ? [status.change] : []);
}

function word(say, registry, name) {
  const code = `WORD_${registry}_${String(name).toUpperCase()}`;
  const found = say(code);
  return found === code ? String(name) : found;
}

function renderSteps(report, language, say) {
  if (!report.steps.length) return null;
  const items = report.steps.map((step) =>
    make(
      "li",
      { class: step.outcome },
      make("span", { class: "mark", "aria-hidden": "true" }, MARKS[step.outcome]),
      make("span", { class: "title" }, `${step.step} ${step[language]}`),
      make("span", { class: "word" }, say(`OUTCOME_${step.outcome.toUpperCase()}`)),
      ...step.findings.map((one) => make("p", {}, `${one[language]} `, make("code", {}, one.code))),
    ),
  );
  return fold(say("STEPS"), make("ol", { class: "steps" }, ...items));
}

function renderConclusions(report, language, say) {
  if (!report.conclusions.length || !report.steps.length) return null;
  const items = [...report.conclusions, ...(report.chains ?? [])].map((line) => renderLine(line, language, say));
  return fold(say("CONCLUSIONS"), make("ul", { class: "lines" }, ...items));
}

function renderFoot(report, say, now, documents) {
  const rows = documents.map((one) => make("p", { class: "mono" }, say("FILE_ROW", one)));
  if (documents.length) rows.unshift(make("p", {}, say("FILE_STAYED")));
  if (report.trust) rows.push(make("p", { class: "mono" }, say("TRUST", report.trust)));
  const print = make("button", { type: "button", class: "button second print" }, say("PRINT"));
  print.addEventListener("click", () => window.print());
  const id = report.proved?.record?.id;
  return make(
    "div",
    { class: "result-foot" },
    id ? make("p", { class: "mono" }, say("NUMBER", { id })) : null,
    make("p", {}, say("NOW", { now: instant(now) })),
    ...rows,
    print,
  );
}

/** Puts reports into the page and leads there: by focus for a keyboard, by voice for a reader of the screen. */
export function present(place, status, sections, text) {
  place.replaceChildren(...sections);
  status.textContent = text;
  const heading = place.querySelector("h2");
  heading?.focus({ preventScroll: true });
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  heading?.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
}

/** `say` for a table of words. */
export function sayer(table) {
  return (code, values) => (table[code] ? fill(table[code], values) : code);
}
