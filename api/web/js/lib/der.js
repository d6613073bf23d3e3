// The part of DER (ITU-T X.690) that the signature's template needs: one encoding for one value.

import { Refusal, compare, concat, same, utf8 } from "./bytes.js";

export const TAGS = {
  integer: 0x02, bitString: 0x03, octetString: 0x04, null: 0x05, oid: 0x06, utcTime: 0x17, generalizedTime: 0x18,
  sequence: 0x30, set: 0x31,
};

export function write(tag, ...parts) {
  const content = concat(...parts);
  if (content.length < 0x80) return concat(Uint8Array.of(tag, content.length), content);
  const size = [];
  for (let left = content.length; left > 0; left = Math.floor(left / 256)) size.unshift(left % 256);
  return concat(Uint8Array.of(tag, 0x80 | size.length, ...size), content);
}

export function writeSet(...parts) {
  return write(TAGS.set, ...parts.sort(compare));
}

export function writeOid(dotted) {
  const [first, second, ...rest] = dotted.split(".").map(Number);
  const body = [];
  for (const arc of [first * 40 + second, ...rest]) {
    const groups = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) groups.unshift(0x80 | left % 128);
    body.push(...groups);
  }
  return write(TAGS.oid, Uint8Array.from(body));
}

/** Every element of `bytes`, which must be used up: `{tag, content, outer}`. Throws DER_SYNTAX. */
export function readAll(bytes) {
  const found = [];
  let at = 0;
  while (at < bytes.length) {
    const start = at;
    const tag = bytes[at];
    const fault = new Refusal("DER_SYNTAX", { offset: start });
    if ((tag & 0x1f) === 0x1f || at + 2 > bytes.length) throw fault;
    let length = bytes[at + 1];
    at += 2;
    if (length & 0x80) {
      const size = length & 0x7f;
      if (size < 1 || size > 4 || at + size > bytes.length || bytes[at] === 0) throw fault;
      length = bytes.subarray(at, at + size).reduce((sum, byte) => sum * 256 + byte, 0);
      if (length < 0x80) throw fault;
      at += size;
    }
    if (at + length > bytes.length) throw fault;
    found.push({ tag, content: bytes.subarray(at, at + length), outer: bytes.subarray(start, at + length) });
    at += length;
  }
  return found;
}

/** The one element that is all of `bytes`. Throws DER_SYNTAX, DER_SHAPE. */
export function read(bytes, tag) {
  const found = readAll(bytes);
  if (found.length !== 1 || found[0].tag !== tag) throw new Refusal("DER_SHAPE");
  return found[0];
}

export function children(element, ...tags) {
  const found = readAll(element.content);
  if (tags.length && (found.length !== tags.length || found.some((one, at) => one.tag !== tags[at]))) {
    throw new Refusal("DER_SHAPE");
  }
  return found;
}

function writeTime(instant) {
  const text = `${new Date(instant * 1000).toISOString().slice(0, 19).replace(/[-T:]/g, "")}Z`;
  const year = Number(text.slice(0, 4));
  return year >= 1950 && year < 2050
    ? write(TAGS.utcTime, utf8(text.slice(2)))
    : write(TAGS.generalizedTime, utf8(text));
}

/** Seconds UTC of a UTCTime (1950 to 2049) or GeneralizedTime. Throws DER_TIME. */
export function readTime(element) {
  let text = String.fromCharCode(...element.content);
  if (element.tag === TAGS.utcTime) text = (text.slice(0, 2) >= "50" ? "19" : "20") + text;
  const match = /^([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})Z$/.exec(text);
  const [, year, month, day, hour, minute, second] = match ?? [];
  const milliseconds = match ? Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) : NaN;
  if (Number.isNaN(milliseconds) || !same(writeTime(milliseconds / 1000), element.outer)) throw new Refusal("DER_TIME");
  return milliseconds / 1000;
}
