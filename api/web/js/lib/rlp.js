// Recursive Length Prefix, strictly: one item has one encoding (Yellow Paper, appendix B). Bytes, or a list of items.

import { Refusal, concat, toBigInt } from "./bytes.js";

const MAX_DEPTH = 32;

/** The one item these bytes encode. Throws RLP_…. */
export function decode(bytes) {
  if (bytes.length === 0) throw new Refusal("RLP_EMPTY");
  const [item, end] = readItem(bytes, 0, bytes.length, 0);
  if (end !== bytes.length) throw new Refusal("RLP_TRAILING", { length: bytes.length - end });
  return item;
}

export function encode(item) {
  if (!Array.isArray(item)) {
    return item.length === 1 && item[0] < 0x80 ? item : concat(prefix(item.length, 0x80), item);
  }
  const body = concat(...item.map(encode));
  return concat(prefix(body.length, 0xc0), body);
}

/** Minimal big-endian bytes; zero is the empty string. */
export function fromNumber(number) {
  const found = [];
  for (let left = number; left > 0; left = Math.floor(left / 256)) found.unshift(left % 256);
  return Uint8Array.from(found);
}

/** An unsigned integer without leading zeros; beyond 2^53 merely some number beyond 2^53. Throws RLP_INTEGER. */
export function toNumber(bytes) {
  if (bytes[0] === 0) throw new Refusal("RLP_INTEGER", { length: bytes.length });
  return Number(toBigInt(bytes));
}

function prefix(length, base) {
  if (length < 56) return Uint8Array.of(base + length);
  const size = fromNumber(length);
  return concat(Uint8Array.of(base + 55 + size.length), size);
}

function readItem(bytes, at, end, depth) {
  const [start, stop] = payload(bytes, at, end);
  if (bytes[at] < 0xc0) return [bytes.subarray(start, stop), stop];
  if (depth === MAX_DEPTH) throw new Refusal("RLP_TOO_DEEP", { limit: MAX_DEPTH });
  const items = [];
  let next = start;
  while (next < stop) {
    const [item, after] = readItem(bytes, next, stop, depth + 1);
    items.push(item);
    next = after;
  }
  return [items, stop];
}

function payload(bytes, at, end) {
  const first = bytes[at];
  if (first < 0x80) return [at, at + 1];
  const base = first < 0xc0 ? 0x80 : 0xc0;
  let start = at + 1;
  let length = first - base;
  if (length >= 56) {
    start = at + 1 + length - 55;
    const size = bytes.subarray(at + 1, Math.min(start, end));
    length = size.reduce((sum, byte) => sum * 256 + byte, 0);
    if (start <= end && (size[0] === 0 || length < 56)) throw new Refusal("RLP_NOT_CANONICAL", { offset: at });
  }
  if (start + length > end) throw new Refusal("RLP_TRUNCATED", { offset: at });
  if (base === 0x80 && start === at + 1 && length === 1 && bytes[start] < 0x80) {
    throw new Refusal("RLP_NOT_CANONICAL", { offset: at });
  }
  return [start, start + length];
}
