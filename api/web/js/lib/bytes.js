// Bytes and their texts. Every reader below works on Uint8Array.

/** A rule of a format was broken. `values` name where, never what was found there. */
export class Refusal extends Error {
  constructor(code, values = {}) {
    super(code);
    this.code = code;
    this.values = values;
  }
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const PLACES = new Map([...ALPHABET].map((letter, value) => [letter, value]));
const encoder = new TextEncoder();

export function utf8(text) {
  return encoder.encode(text);
}

export function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function unhex(text) {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** base64url without padding (RFC 4648 section 5). */
export function b64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const [a, b = 0, c = 0] = bytes.subarray(at, at + 3);
    const left = bytes.length - at;
    text += ALPHABET[a >> 2] + ALPHABET[((a & 3) << 4) | (b >> 4)];
    if (left > 1) text += ALPHABET[((b & 15) << 2) | (c >> 6)];
    if (left > 2) text += ALPHABET[c & 63];
  }
  return text;
}

/** Bytes of a text that `b64` wrote; padding, foreign letters and spare bits that are not zero are refused. */
export function unb64(text, path, length = undefined) {
  if (typeof text !== "string" || text.length % 4 === 1) throw new Refusal("CANONICAL_BASE64", { path });
  const found = new Uint8Array((text.length * 3) >> 2);
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const letter of text) {
    const value = PLACES.get(letter);
    if (value === undefined) throw new Refusal("CANONICAL_BASE64", { path });
    held = ((held << 6) | value) & 0xfff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      found[at++] = (held >> bits) & 0xff;
    }
  }
  if (b64(found) !== text) throw new Refusal("CANONICAL_BASE64", { path });
  if (length !== undefined && found.length !== length) {
    throw new Refusal("CANONICAL_LENGTH", { path, length: found.length, expected: length });
  }
  return found;
}

export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function same(a, b) {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

/** Does `inner` stand anywhere in `outer`? */
export function holds(outer, inner) {
  return hexAt(outer, inner) >= 0;
}

function hexAt(outer, inner) {
  for (let at = 0; at + inner.length <= outer.length; at += 1) {
    if (same(outer.subarray(at, at + inner.length), inner)) return at;
  }
  return -1;
}

/** Byte order, as Python compares bytes. */
export function compare(a, b) {
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at += 1) if (a[at] !== b[at]) return a[at] - b[at];
  return a.length - b.length;
}

export function toBigInt(bytes) {
  return bytes.length ? BigInt(`0x${hex(bytes)}`) : 0n;
}

/** Big-endian, `length` bytes. */
export function fromBigInt(number, length) {
  return unhex(number.toString(16).padStart(length * 2, "0"));
}
