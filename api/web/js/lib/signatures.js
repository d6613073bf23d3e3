// Which signatures a CMS may carry, verified by WebCrypto. The key selects the algorithm, no field does.

import { Refusal, concat, holds, same, unhex } from "./bytes.js";
import * as der from "./der.js";

/** This browser cannot check it: nothing is said about the signature. */
export class NotCheckedHere extends Error {}

const P256_SPKI = unhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004");
const P256_OIDS = concat(der.writeOid("1.2.840.10045.2.1"), der.writeOid("1.2.840.10045.3.1.7"));
/** Algorithms of keys that the ledger checks and WebCrypto does not, or not in every browser: P-384, SM2, Ed25519. */
const ELSEWHERE = [
  ["1.2.840.10045.2.1", "1.3.132.0.34"],
  ["1.2.840.10045.2.1", "1.2.156.10197.1.301"],
  ["1.3.101.112"],
].map((oids) => der.write(der.TAGS.sequence, ...oids.map((one) => der.writeOid(one))));
const PSS_OID = der.writeOid("1.2.840.113549.1.1.10");
const RSA_OID = der.write(der.TAGS.sequence, der.writeOid("1.2.840.113549.1.1.1"), der.write(der.TAGS.null));

const ECDSA = {
  name: "ecdsa-p256-sha256",
  identifier: der.write(der.TAGS.sequence, der.writeOid("1.2.840.10045.4.3.2")),
  key: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
};
const RSA = {
  name: "rsa-pkcs1-sha256",
  identifier: der.write(der.TAGS.sequence, der.writeOid("1.2.840.113549.1.1.11"), der.write(der.TAGS.null)),
  key: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
};

/** The algorithm for a SubjectPublicKeyInfo. Throws Refusal CMS_ALGORITHM, NotCheckedHere. */
export function algorithmOf(spki) {
  if (spki.length === 91 && same(spki.subarray(0, P256_SPKI.length), P256_SPKI)) return ECDSA;
  if (holds(spki.subarray(0, 40), P256_OIDS)) throw new NotCheckedHere(); // a point in another form
  const bits = rsaBits(spki);
  if (bits >= 2048 && bits <= 4096) return RSA;
  if (isCheckedElsewhere(spki)) throw new NotCheckedHere();
  throw new Refusal("CMS_ALGORITHM");
}

function isCheckedElsewhere(spki) {
  try {
    const { sequence, bitString } = der.TAGS;
    const [algorithm] = der.children(der.read(spki, sequence), sequence, bitString);
    return ELSEWHERE.some((one) => same(one, algorithm.outer)) || same(der.children(algorithm)[0].outer, PSS_OID);
  } catch {
    return false;
  }
}

function rsaBits(spki) {
  try {
    const { sequence, bitString, integer } = der.TAGS;
    const [algorithm, key] = der.children(der.read(spki, sequence), sequence, bitString);
    if (!same(algorithm.outer, RSA_OID) || key.content[0] !== 0) return 0;
    const [modulus] = der.children(der.read(key.content.subarray(1), sequence), integer, integer);
    const digits = modulus.content[0] === 0 ? modulus.content.subarray(1) : modulus.content;
    return digits.length * 8 - Math.clz32(digits[0]) + 24;
  } catch {
    return 0;
  }
}

/** Does the signature hold over `data`? */
export async function verifyRaw(algorithm, spki, signature, data) {
  // absent on plain-http hosts
  if (!globalThis.crypto?.subtle) throw new NotCheckedHere();
  const raw = algorithm === ECDSA ? pointPair(signature) : signature;
  if (raw === null) return false;
  let key;
  try {
    key = await crypto.subtle.importKey("spki", spki, algorithm.key, false, ["verify"]);
  } catch {
    throw new NotCheckedHere();
  }
  return crypto.subtle.verify(algorithm.key, key, raw, data);
}

/** r ‖ s, 32 bytes each, of a strict DER signature (SEC 1 appendix C.8); null for any other spelling. */
function pointPair(signature) {
  try {
    const { sequence, integer } = der.TAGS;
    const numbers = der.children(der.read(signature, sequence), integer, integer).map(({ content }) => {
      const padded = content[0] === 0 && content.length > 1;
      if (content.length === 0 || content[0] & 0x80 || (padded && !(content[1] & 0x80))) throw new Refusal("DER_SHAPE");
      const digits = padded ? content.subarray(1) : content;
      if (digits.length > 32) throw new Refusal("DER_SHAPE");
      return concat(new Uint8Array(32 - digits.length), digits);
    });
    return concat(...numbers);
  } catch {
    return null;
  }
}
