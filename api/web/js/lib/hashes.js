// SHA-256, SM3 and Keccak-256 of the hash-wasm package: WebCrypto has neither SM3 nor Keccak, and is absent altogether
// on plain-http hosts. WebAssembly starts once; afterwards hashing is synchronous.

import "../../vendor/sha256.umd.min.js";
import "../../vendor/sm3.umd.min.js";
import "../../vendor/keccak.umd.min.js";

import { concat, utf8 } from "./bytes.js";
import { encode } from "./canonical.js";

let ready = null;
let digesters = null;

/** Call once before any other function of this module. */
export function loadHashes() {
  ready ??= (async () => {
    const { createKeccak, createSHA256, createSM3 } = globalThis.hashwasm;
    const [sha, sm, keccak] = await Promise.all([createSHA256(), createSM3(), createKeccak(256)]);
    digesters = { sha256: sha, sm3: sm, keccak };
  })();
  return ready;
}

function run(name, bytes) {
  return digesters[name].init().update(bytes).digest("binary");
}

export const sha256 = (bytes) => run("sha256", bytes);
export const sm3 = (bytes) => run("sm3", bytes);
export const keccak = (bytes) => run("keccak", bytes);
export const keccakOf = (text) => run("keccak", utf8(text));

/** Leaf of a record: hash of 0x00 ‖ canonical bytes. */
export function leafOf(recordJson, hash = sha256) {
  return hash(concat(Uint8Array.of(0), encode(recordJson)));
}

/** Digest of a claim: hash of 0x10 ‖ canonical [salt, name, value]. */
export function claimDigest(saltText, name, value, hash = sha256) {
  return hash(concat(Uint8Array.of(0x10), encode([saltText, name, value])));
}

/** The hashes of a claim's digests, in their order, by suite. */
export const CLAIM_HASHES = { intl: [sha256], gm: [sm3], dual: [sha256, sm3] };

/** SHA-256, SM3 and size of a Blob, read in slices: a film of many gigabytes needs no more memory than a letter. */
export async function digestFile(blob, onProgress = () => {}) {
  const { createSHA256, createSM3 } = globalThis.hashwasm;
  const [sha, sm] = await Promise.all([createSHA256(), createSM3()]);
  sha.init();
  sm.init();
  const slice = 4 << 20;
  for (let at = 0; at < blob.size; at += slice) {
    const bytes = new Uint8Array(await blob.slice(at, at + slice).arrayBuffer());
    sha.update(bytes);
    sm.update(bytes);
    onProgress(Math.min(at + slice, blob.size), blob.size);
  }
  return { size: blob.size, sha256: sha.digest("binary"), sm3: sm.digest("binary") };
}
