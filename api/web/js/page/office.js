// The office's page: every request carries the token that was typed in, and nothing else knows it.

import { hex } from "../lib/bytes.js";
import { faultsIn } from "./csv.js";
import { byId, make, pageData } from "./dom.js";
import { startFrame } from "./frame.js";
import { sayer } from "./render.js";
import { ServiceProblem, send } from "./service.js";

const KEY = "zhengyin-token";
const SHOWN_FAULTS = 200;
const PATIENCE = 8;
const { language, words } = pageData();
const say = sayer(words);
const status = byId("status");
const state = { token: null, types: [], asked: null, import: null };

// ---- the token -----------------------------------------------------------------------------------------------------

function remember(token) {
  state.token = token;
  try {
    if (token) sessionStorage.setItem(KEY, token);
    else sessionStorage.removeItem(KEY);
  } catch {
    // a browser that keeps nothing asks again
  }
}

function remembered() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

async function request(path, options = {}) {
  const headers = { Authorization: `Bearer ${state.token}`, ...options.headers };
  return send(path, { method: "GET", ...options, headers, language });
}

async function enter(token) {
  if (!/^zy_[\x21-\x7e]+$/.test(token)) return complain(new ServiceProblem("TOKEN", say("TOKEN_FORM")));
  tell("ENTERING");
  remember(token);
  try {
    state.types = (await (await request("/v1/types")).json()).items;
  } catch (error) {
    remember(null);
    return complain(error);
  }
  byId("token").value = "";
  byId("token-form").hidden = true;
  byId("leave").hidden = false;
  byId("inside").hidden = false;
  fillTypes();
  status.textContent = "";
  await showRecent();
  byId("table-heading").focus();
  return null;
}

function leave() {
  remember(null);
  location.reload();
}

// ---- what is said --------------------------------------------------------------------------------------------------

function tell(code, values) {
  status.classList.remove("bad");
  status.textContent = say(code, values);
}

function complain(error) {
  status.classList.add("bad");
  if (!(error instanceof ServiceProblem)) status.textContent = say("SERVICE", { code: error.name, detail: "" });
  else if (error.code === "UNREACHABLE") status.textContent = say("UNREACHABLE");
  else status.textContent = say("SERVICE", { code: error.code, detail: error.detail });
  if (error.status === 401 && !byId("inside").hidden) remember(null);
}

function fillTypes() {
  const options = state.types.map((type) => make("option", { value: type.name }, `${type.label[language]}（${type.name}）`));
  byId("type").replaceChildren(...options);
  showColumns();
}

function showColumns() {
  const type = state.types.find((one) => one.name === byId("type").value);
  const items = (type?.fields ?? []).map((field) =>
    make("li", {}, field.columns.join(" / "), field.required ? `（${say("REQUIRED")}）` : ""),
  );
  byId("column-list").replaceChildren(...items);
}

// ---- check and import ----------------------------------------------------------------------------------------------

/** The same table sent again under the same key is the same import: kept until the table or its questions change. */
function makeKey(parts) {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return { text: JSON.stringify(parts), key: hex(bytes) };
}

async function upload(check) {
  const [file] = byId("table").files;
  if (!file) return complain(new ServiceProblem("", say("FILE_MISSING")));
  const query = new URLSearchParams({ type: byId("type").value });
  if (check) query.set("check", "1");
  if (byId("taken-over").checked) query.set("origin", "takenOver");
  const issuer = byId("issuer").value.trim();
  if (issuer) query.set("issuer", issuer);
  const parts = [String(query), file.name, file.size, file.lastModified];
  if (state.asked?.text !== JSON.stringify(parts)) state.asked = makeKey(parts);
  tell("UPLOADING", { name: file.name });
  byId("outcome").hidden = true;
  try {
    const answer = await request(`/v1/imports?${query}`, {
      method: "POST",
      body: file,
      headers: {
        "Content-Type": "text/csv",
        "Idempotency-Key": state.asked.key,
        "X-File-Name": encodeURIComponent(file.name).slice(0, 2000),
      },
    });
    await watch(await answer.json());
  } catch (error) {
    complain(error);
  }
  return null;
}

/** Follows an import to its end; a service that is away for a moment is asked again. */
async function watch(found) {
  let current = found;
  let silences = 0;
  byId("progress").hidden = false;
  byId("outcome").hidden = false;
  byId("start").hidden = byId("download").hidden = true;
  byId("summary").replaceChildren();
  byId("faults").replaceChildren();
  while (current.state === "waiting" || current.state === "running") {
    tell(current.state.toUpperCase(), { rows: current.rows });
    await new Promise((resolve) => setTimeout(resolve, 700));
    try {
      current = await (await request(`/v1/imports/${current.id}`)).json();
      silences = 0;
    } catch (error) {
      if (error.code !== "UNREACHABLE" || (silences += 1) > PATIENCE) throw error;
    }
  }
  byId("progress").hidden = true;
  await showRecent();
  await showOutcome(current);
}

async function showOutcome(found) {
  state.import = found;
  state.asked = null; // the answer is here: another press is another question
  const { rows, new: made, existing, refused } = found;
  const figures = { FIGURE_ROWS: rows, FIGURE_NEW: made, FIGURE_EXISTING: existing, FIGURE_REFUSED: refused };
  const shown = Object.entries(figures).map(([code, value]) =>
    make("div", {}, make("dt", {}, say(code)), make("dd", {}, String(value))),
  );
  byId("summary").replaceChildren(make("dl", { class: "figures" }, ...shown));
  if (found.state === "failed") {
    byId("summary").replaceChildren();
    status.classList.add("bad");
    status.textContent = say("FAILED", { problem: problemOf(found.problem) });
  } else if (found.check) {
    tell(refused ? "CHECKED_FAULTS" : "CHECKED_CLEAN", { rows, refused });
  } else {
    tell("IMPORTED", { new: made, existing, refused });
  }
  if (found.state !== "failed") await showFaults(found);
  const left = rows - refused;
  byId("start").hidden = !found.check || found.state === "failed" || left === 0;
  byId("start").textContent = refused ? say("START_PARTLY", { count: left }) : say("START_ALL");
  byId("download").hidden = found.state === "failed";
  byId("outcome-heading").focus();
}

/** The code with its words; the values in them stand in the service's log alone. */
function problemOf(code) {
  const text = say(code);
  return text === code ? code : `${text.replaceAll(/\{\w+\}/g, "…")} (${code})`;
}

async function showFaults(found) {
  const report = await (await request(`/v1/imports/${found.id}/report`)).text();
  const faults = faultsIn(report, language);
  if (!faults.length) return;
  const head = ["LINE", "OUTCOME", "CODE", "REASON"].map((code) => make("th", { scope: "col" }, say(code)));
  const rows = faults
    .slice(0, SHOWN_FAULTS)
    .map((fault) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, fault.line),
        make("td", {}, fault.outcome),
        make("td", {}, make("code", {}, fault.code)),
        make("td", {}, fault.reason),
      ),
    );
  const table = make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows));
  const region = make("div", { class: "scroll", role: "region", tabindex: "0", "aria-labelledby": "faults-heading" }, table);
  const more = faults.length > SHOWN_FAULTS ? make("p", {}, say("FAULTS_MORE", { count: SHOWN_FAULTS })) : null;
  byId("faults").replaceChildren(make("h3", { id: "faults-heading" }, say("FAULTS")), region, ...(more ? [more] : []));
}

async function download() {
  try {
    const blob = await (await request(`/v1/imports/${state.import.id}/report`)).blob();
    const link = make("a", { href: URL.createObjectURL(blob), download: `${state.import.id}.csv` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  } catch (error) {
    complain(error);
  }
}

async function showRecent() {
  const { items } = await (await request("/v1/imports?limit=10")).json();
  const rows = items.map((one) => {
    const text = say("RECENT_ROW", { ...one, state: say(one.check ? "STATE_CHECK" : `STATE_${one.state.toUpperCase()}`) });
    const open = make("button", { type: "button", class: "quiet" }, text);
    open.addEventListener("click", () => watch(one).catch(complain));
    return make("li", {}, open);
  });
  byId("recent").hidden = false;
  byId("recent-list").replaceChildren(...(rows.length ? rows : [make("li", {}, say("RECENT_NONE"))]));
}

startFrame();
byId("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  enter(byId("token").value.trim());
});
byId("leave").addEventListener("click", leave);
byId("type").addEventListener("change", showColumns);
byId("table-form").addEventListener("submit", (event) => {
  event.preventDefault();
  upload(true);
});
byId("start").addEventListener("click", () => upload(false));
byId("download").addEventListener("click", download);
const kept = remembered();
if (kept) enter(kept);
