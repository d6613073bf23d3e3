// Canonical bytes: RFC 8785 over a closed grammar. FORMATS, "Canonical bytes".

import { Refusal, same, utf8 } from "./bytes.js";

const FORBIDDEN = new RegExp(
  "[\\u0000-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff" +
    "\\ue000-\\uf8ff\\u{f0000}-\\u{10ffff}\\ufdd0-\\ufdef" +
    Array.from({ length: 17 }, (_, plane) => {
      const base = (plane << 16).toString(16);
      return `\\u{${(parseInt(base, 16) | 0xfffe).toString(16)}}\\u{${(parseInt(base, 16) | 0xffff).toString(16)}}`;
    }).join("") +
    "]",
  "u",
);
const KEY = /^[a-z][A-Za-z0-9]{0,31}$/;

export const RECORD_LIMITS = { size: 65536, depth: 6 };
export const BUNDLE_LIMITS = { size: 1 << 20, depth: 12 };
export const TRUST_LIMITS = { size: 4 << 20, depth: 12 };

/** May this text stand in a record, or be shown as it is? */
export function isPlainText(text) {
  return !FORBIDDEN.test(text);
}

/** Canonical bytes of a value. Throws Refusal CANONICAL_…. */
export function encode(value, limits = RECORD_LIMITS) {
  const bytes = utf8(write(value, "$", limits.depth));
  if (bytes.length > limits.size) throw new Refusal("CANONICAL_SIZE", { size: bytes.length, limit: limits.size });
  return bytes;
}

/** The value whose canonical bytes these are; any other spelling is refused. */
export function decode(bytes, limits = RECORD_LIMITS) {
  if (bytes.length > limits.size) throw new Refusal("CANONICAL_SIZE", { size: bytes.length, limit: limits.size });
  let value;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw new Refusal("CANONICAL_SYNTAX");
  }
  // JSON.parse takes the last of two equal keys and reads 1.0 as 1: what it read is written again and compared
  if (!same(encode(value, limits), bytes)) throw new Refusal("CANONICAL_FORM");
  return value;
}

function write(value, path, depth) {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") {
    if (FORBIDDEN.test(value)) throw new Refusal("CANONICAL_CHARACTER", { path });
    return JSON.stringify(value);
  }
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value) || value < 0 || Object.is(value, -0)) throw new Refusal("CANONICAL_INTEGER", { path });
    return String(value);
  }
  if (typeof value !== "object") throw new Refusal("CANONICAL_TYPE", { path, type: typeof value });
  if (depth === 0) throw new Refusal("CANONICAL_DEPTH", { path });
  if (Array.isArray(value)) {
    return `[${value.map((member, at) => write(member, `${path}[${at}]`, depth - 1)).join(",")}]`;
  }
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => writeMember(key, value[key], path, depth)).join(",")}}`;
}

function writeMember(key, value, path, depth) {
  if (!KEY.test(key)) throw new Refusal("CANONICAL_KEY", { path });
  return `"${key}":${write(value, `${path}.${key}`, depth - 1)}`;
}
