// The service's answers. Silence or trouble of the service is never a verdict.

/** A problem as RFC 9457 says it, or `code` UNREACHABLE. */
export class ServiceProblem extends Error {
  constructor(code, detail = "", status = 0) {
    super(code);
    this.code = code;
    this.detail = detail;
    this.status = status;
  }
}

/** JSON of the answer. Throws ServiceProblem. */
export async function ask(path, { method = "POST", json, body, headers = {}, language = "zh" } = {}) {
  const answer = await send(path, {
    method,
    body: json === undefined ? body : JSON.stringify(json),
    headers: json === undefined ? headers : { "Content-Type": "application/json", ...headers },
    language,
  });
  return answer.json();
}

/** The answer itself, where it is no problem. */
export async function send(path, { language, ...request }) {
  let answer;
  try {
    answer = await fetch(path, { ...request, cache: "no-store", credentials: "omit", redirect: "error" });
  } catch {
    throw new ServiceProblem("UNREACHABLE");
  }
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  const detail = (language === "zh" ? problem.detail : problem.title) ?? "";
  throw new ServiceProblem(problem.code ?? `HTTP ${answer.status}`, String(detail), answer.status);
}
