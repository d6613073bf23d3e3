// Strict reading of decoded JSON: exact keys, exact types, bounded sizes; every refusal names the path.

import { Refusal, unb64 } from "./bytes.js";

export function refuse(code, path, values = {}) {
  throw new Refusal(code, { path, ...values });
}

export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Values of an object that has exactly the keys `names`, in that order. */
export function members(value, path, ...names) {
  if (!isObject(value)) refuse("SHAPE_TYPE", path, { expected: "object" });
  const found = Object.keys(value);
  const missing = names.filter((name) => !Object.hasOwn(value, name)).sort();
  const unknown = found.filter((name) => !names.includes(name)).sort();
  if (missing.length || unknown.length) refuse("SHAPE_KEYS", path, { missing, unknown });
  return names.map((name) => value[name]);
}

/** As `members`, for an object that carries its own tag. */
export function tagged(value, path, tag, ...names) {
  if (isObject(value) && (!Object.hasOwn(value, "tag") || value.tag !== tag)) {
    refuse("SHAPE_TAG", path, { expected: tag });
  }
  return members(value, path, "tag", ...names).slice(1);
}

export function integer(value, path, low = 0, high = Number.MAX_SAFE_INTEGER) {
  if (typeof value !== "number") refuse("SHAPE_TYPE", path, { expected: "integer" });
  if (value < low || value > high) refuse("SHAPE_RANGE", path, { low, high });
  return value;
}

export function boolean(value, path) {
  if (typeof value !== "boolean") refuse("SHAPE_TYPE", path, { expected: "boolean" });
  return value;
}

export function text(value, path, pattern = null, high = 256) {
  if (typeof value !== "string") refuse("SHAPE_TYPE", path, { expected: "string" });
  if (value === "" || [...value].length > high) refuse("SHAPE_RANGE", path, { low: 1, high });
  if (pattern !== null && !pattern.test(value)) refuse("SHAPE_TEXT", path, { pattern: pattern.source });
  return value;
}

/** One of a few words. */
export function choice(value, path, words) {
  if (!words.includes(value)) refuse("SHAPE_TEXT", path, { pattern: words.join("|") });
  return value;
}

/** A calendar date that exists (ISO 8601). */
export function day(value, path) {
  text(value, path, /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/);
  const read = new Date(`${value}T00:00:00Z`);
  if (value.startsWith("0000") || Number.isNaN(read.getTime()) || read.toISOString().slice(0, 10) !== value) {
    refuse("SHAPE_DATE", path);
  }
  return value;
}

export function digest(value, path) {
  return unb64(value, path, 32);
}

export function octets(value, path) {
  const found = unb64(value, path);
  if (found.length === 0) refuse("SHAPE_RANGE", path, { low: 1, high: "∞" });
  return found;
}

export function array(value, path, item, low = 0, high = 4096) {
  if (!Array.isArray(value)) refuse("SHAPE_TYPE", path, { expected: "array" });
  if (value.length < low || value.length > high) refuse("SHAPE_RANGE", path, { low, high });
  return value.map((member, at) => item(member, `${path}[${at}]`));
}

export function optional(value, path, item) {
  return value === null ? null : item(value, path);
}

/** Sets are written in strictly ascending order; `order` compares two of them. */
export function ascending(values, path, order = (a, b) => (a < b ? -1 : a > b ? 1 : 0)) {
  if (values.some((value, at) => at > 0 && order(values[at - 1], value) >= 0)) refuse("SHAPE_ORDER", path);
}
