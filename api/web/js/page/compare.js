// A file beside a bundle that the service has judged: compared in the page, so that no digest of it is sent along.

import { readBundle } from "../lib/formats.js";
import { judgeDocument } from "../verify/contents.js";
import { show, tell } from "./words.js";

/** The service's report with step 1 as this page found it; it can only become worse, or say that the file is the one. */
export function withDocuments(report, bytes, documents, table, language) {
  const said = (line, outcome, code) => ({ ...line, outcome, code, [language]: show(table, code) });
  let files;
  try {
    ({ files } = readBundle(bytes).record);
  } catch {
    return report; // step 0 has failed and says why
  }
  const findings = documents
    .map((document) => judgeDocument(document, files))
    .map((one) => ({ ...one, [language]: tell(table, one, language) }));
  const against = findings.find((one) => one.outcome === "failed");
  const steps = report.steps.map((step) => (step.step === 1 ? { ...step, outcome: against ? "failed" : "passed", findings } : step));
  if (!against) return { ...report, steps, lines: report.lines.map((line) => confirmed(line, said)) };
  return {
    ...report,
    indication: "TOTAL-FAILED",
    headline: { name: "doesNotMatch", code: "HEADLINE_DOES_NOT_MATCH", [language]: table.HEADLINE_DOES_NOT_MATCH },
    cause: report.cause?.step === 0 ? report.cause : { step: 1, code: against.code },
    steps,
    lines: report.lines.map((line) => refuted(line, said)),
    conclusions: [],
  };
}

function confirmed(line, said) {
  return line.code === "LINE_UNALTERED_WITHOUT_FILE" ? said(line, line.outcome, "LINE_UNALTERED_YES") : line;
}

/** As the procedure has it: what is not genuine has no status, since every leaf that nobody ended is "active". */
function refuted(line, said) {
  if (line.topic === "unaltered") return said(line, "failed", "LINE_UNALTERED_NO");
  return line.topic === "inForce" && line.outcome === "passed" ? said(line, "skipped", "LINE_IN_FORCE_NOT_CHECKED") : line;
}
