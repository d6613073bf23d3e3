// The report of an import: CSV (RFC 4180) as the service writes it, with a byte order mark.

/** Rows of cells. */
export function parseCsv(text) {
  const rows = [];
  let row = [];
  let cell = "";
  let quoted = false;
  const source = text.replace(/^\ufeff/, "");
  for (let at = 0; at < source.length; at += 1) {
    const letter = source[at];
    if (quoted) {
      if (letter !== '"') cell += letter;
      else if (source[at + 1] === '"') cell += source[(at += 1)];
      else quoted = false;
    } else if (letter === '"') {
      quoted = true;
    } else if (letter === ",") {
      row.push(cell);
      cell = "";
    } else if (letter === "\n") {
      rows.push([...row, cell]);
      row = [];
      cell = "";
    } else if (letter !== "\r") {
      cell += letter;
    }
  }
  if (cell !== "" || row.length) rows.push([...row, cell]);
  return rows;
}

/** Rows that need a person: `{line, outcome, code, reason}`, in the order of the table. */
export function faultsIn(report, language) {
  const [header = [], ...rows] = parseCsv(report);
  const at = (name) => header.indexOf(name);
  const [outcome, reason] = language === "zh" ? [at("结果"), at("原因")] : [at("outcome"), at("reason")];
  const [line, code] = [at("行号 line"), at("代码 code")];
  return rows
    .filter((row) => row[code])
    .map((row) => ({ line: row[line], outcome: row[outcome], code: row[code], reason: row[reason] }));
}
