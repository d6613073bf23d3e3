// Identifiers of licenses, other records and organisations. FORMATS, "Identifiers" and "Organisations".

import { Refusal, hex, unhex, utf8 } from "./bytes.js";

const LICENSE = /^1\.2\.156\.3005\.2\.([0-9A-Z]{21})\.([0-9A-Z]{6,18})\.([0-9A-Z]{1,64})\.([0-9]{3})\.([0-9A-Z])$/;
const URN = /^urn:zhengyin:[a-z2-7]{25}[aeimquy4]$/;
const USCC = /^[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}$/;
const FOREIGN = /^([A-Z]{2}):[0-9A-Z][0-9A-Z._/-]{0,28}$/;
const UNNAMED = /^0x[0-9a-f]{64}$/;
const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const USCC_DIGITS = "0123456789ABCDEFGHJKLMNPQRTUWXY";
const ORGANISATION_WEIGHTS = [3, 7, 9, 10, 5, 8, 4, 2];

/** GB 32100: both check characters. Throws USCC_…. */
function requireUscc(text) {
  if (!USCC.test(text)) throw new Refusal("USCC_FORM");
  let total = 0;
  let weight = 1;
  for (const letter of text.slice(0, 17)) {
    total += weight * USCC_DIGITS.indexOf(letter);
    weight = (weight * 3) % 31;
  }
  if (USCC_DIGITS[(31 - (total % 31)) % 31] !== text[17]) throw new Refusal("USCC_CHECK");
  const inner = [...text.slice(8, 16)].reduce((sum, letter, at) => sum + ORGANISATION_WEIGHTS[at] * DIGITS.indexOf(letter), 0);
  if ("0123456789X"[(11 - (inner % 11)) % 11] !== text[16]) throw new Refusal("USCC_ORGANISATION_CODE");
  return text;
}

function isUscc(text) {
  try {
    return requireUscc(text) === text;
  } catch {
    return false;
  }
}

/** A credit code, or `CC:REGISTER-NUMBER`. Throws ORGANISATION_ID, USCC_…. */
export function organisationId(text) {
  if (!text.includes(":")) return requireUscc(text);
  const match = FOREIGN.exec(text);
  if (!match || match[1] === "CN") throw new Refusal("ORGANISATION_ID");
  return text;
}

/** As contracts hold it: ASCII, left-aligned, zero-padded to 32 bytes; also the bytes of an unnamed actor. */
export function organisationBytes(text) {
  if (text.startsWith("0x")) return unhex(actorId(text).slice(2));
  const found = new Uint8Array(32);
  found.set(utf8(organisationId(text)));
  return found;
}

function organisationOf(bytes) {
  let end = 32;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  const text = String.fromCharCode(...bytes.subarray(0, end));
  try {
    return hex(organisationBytes(text)) === hex(bytes) && !text.startsWith("0x") ? text : null;
  } catch {
    return null;
  }
}

/** Who acted, from any 32 bytes that a contract holds. */
export function actorOf(bytes) {
  return organisationOf(bytes) ?? `0x${hex(bytes)}`;
}

/** Who changed a status: an organisation, or the 32 bytes that are no organisation's id. */
export function actorId(text) {
  if (!text.startsWith("0x")) return organisationId(text);
  if (!UNNAMED.test(text) || organisationOf(unhex(text.slice(2))) !== null) throw new Refusal("ORGANISATION_ID");
  return text;
}

function checkCharacter(text) {
  let state = 36;
  for (const letter of text) state = (((state + DIGITS.indexOf(letter)) % 36 || 36) * 2) % 37;
  return DIGITS[(37 - state) % 36];
}

function licenseWarning(text) {
  const [, type, issuer, serial, version, check] = LICENSE.exec(text) ?? [];
  if (type === undefined) throw new Refusal("IDENTIFIER_FORM");
  if (!/^[0-9]{3}$/.test(type.slice(18)) || !isUscc(type.slice(0, 18))) return "IDENTIFIER_TYPE_CODE";
  if (!isUscc(issuer)) return "IDENTIFIER_ISSUER_CODE";
  if (version === "000") return "IDENTIFIER_VERSION";
  return checkCharacter(type + issuer + serial + version) === check ? null : "IDENTIFIER_CHECK";
}

/** A license identifier (`strict` on issue) or our own URN. Throws RECORD_ID, IDENTIFIER_…. */
export function recordId(text, strict = false) {
  if (text.startsWith("urn:")) {
    if (!URN.test(text)) throw new Refusal("RECORD_ID");
    return text;
  }
  const warning = licenseWarning(text);
  if (strict && warning !== null) throw new Refusal(warning);
  return text;
}
