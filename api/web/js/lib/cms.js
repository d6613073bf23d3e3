// Detached CMS of one signer, by one template: taken apart, built again, compared. FORMATS, "Signature".

import { Refusal, concat, holds, same } from "./bytes.js";
import { isPlainText } from "./canonical.js";
import * as der from "./der.js";
import { sha256 } from "./hashes.js";
import { algorithmOf, verifyRaw } from "./signatures.js";

const { integer, octetString, oid, sequence, set, bitString } = der.TAGS;
const MAX_CERTIFICATE = 16384;
const MAX_TOKEN = 2 * MAX_CERTIFICATE;
const TIMESTAMP_TOKEN = der.writeOid("1.2.840.113549.1.9.16.2.14");
const DATA = der.writeOid("1.2.840.113549.1.7.1");
const SIGNED_DATA = der.writeOid("1.2.840.113549.1.7.2");
const CONTENT_TYPE = der.writeOid("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST = der.writeOid("1.2.840.113549.1.9.4");
const SIGNING_TIME = der.writeOid("1.2.840.113549.1.9.5");
const SIGNING_CERTIFICATE = der.writeOid("1.2.840.113549.1.9.16.2.47");
const ATTRIBUTES = [CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_TIME, SIGNING_CERTIFICATE];
const SHA256 = der.write(sequence, der.writeOid("2.16.840.1.101.3.4.2.1"));
const ORGANIZATION = der.writeOid("2.5.4.10");
const IMPLICIT_0 = 0xa0;
const IMPLICIT_1 = 0xa1;
const DIRECTORY_NAME = 0xa4;
const ONE = der.write(integer, Uint8Array.of(1));

/** Names, number and key of a certificate, as bytes (RFC 5280 section 4.1). Throws CERTIFICATE_SYNTAX. */
function readCertificate(bytes) {
  if (bytes.length > MAX_CERTIFICATE) throw new Refusal("CERTIFICATE_SYNTAX");
  try {
    const [signed, algorithm, signature] = der.children(der.read(bytes, sequence), sequence, sequence, bitString);
    const fields = der.children(signed);
    const tags = [0xa0, integer, sequence, sequence, sequence, sequence, sequence];
    const shaped = tags.every((tag, at) => fields[at]?.tag === tag) && signature.content[0] === 0;
    // the algorithm outside must repeat the one inside: otherwise those bytes could be changed unnoticed
    if (!shaped || !same(fields[2].outer, algorithm.outer)) throw new Refusal("DER_SHAPE");
    if (!same(fields[0].content, der.write(integer, Uint8Array.of(2)))) throw new Refusal("DER_SHAPE");
    return {
      serial: fields[1].outer,
      issuer: fields[3].outer,
      spki: fields[6].outer,
      organization: organizationIn(fields[5]),
    };
  } catch {
    throw new Refusal("CERTIFICATE_SYNTAX");
  }
}

/** The organizationName, if there is exactly one and it can be shown as it stands. */
function organizationIn(subject) {
  const found = [];
  for (const relative of der.children(subject)) {
    for (const attribute of der.children(relative)) {
      const [type, value, ...rest] = der.children(attribute);
      if (!value || rest.length) throw new Refusal("DER_SHAPE");
      const decoder = { 0x0c: "utf-8", 0x13: "utf-8", 0x16: "utf-8", 0x1e: "utf-16be" }[value.tag];
      if (!same(type.outer, ORGANIZATION) || !decoder) continue;
      if ((value.tag === 0x13 || value.tag === 0x16) && value.content.some((byte) => byte > 0x7f)) {
        throw new Refusal("DER_SHAPE");
      }
      found.push(new TextDecoder(decoder, { fatal: true, ignoreBOM: true }).decode(value.content));
    }
  }
  return found.length === 1 && isPlainText(found[0]) ? found[0] : null;
}

function attribute(type, value) {
  return der.write(sequence, type, der.write(set, value));
}

function signedAttributes(content, certificate, parts, time) {
  const issuer = der.write(sequence, der.write(DIRECTORY_NAME, parts.issuer));
  const identifier = der.write(
    sequence,
    der.write(octetString, sha256(certificate)),
    der.write(sequence, issuer, parts.serial),
  );
  return der.writeSet(
    attribute(CONTENT_TYPE, DATA),
    attribute(MESSAGE_DIGEST, der.write(octetString, sha256(content))),
    attribute(SIGNING_TIME, time),
    attribute(SIGNING_CERTIFICATE, der.write(sequence, der.write(sequence, identifier))),
  );
}

function assemble(certificate, parts, attributes, algorithm, signature, token) {
  const signer = der.write(
    sequence,
    ONE,
    der.write(sequence, parts.issuer, parts.serial),
    SHA256,
    der.write(IMPLICIT_0, der.read(attributes, set).content),
    algorithm,
    der.write(octetString, signature),
    ...(token ? [der.write(IMPLICIT_1, attribute(TIMESTAMP_TOKEN, token))] : []),
  );
  const signed = der.write(
    sequence,
    ONE,
    der.write(set, SHA256),
    der.write(sequence, DATA),
    der.write(IMPLICIT_0, certificate),
    der.write(set, signer),
  );
  return der.write(sequence, SIGNED_DATA, der.write(IMPLICIT_0, signed));
}

function takeApart(cms) {
  const [type, explicit] = der.children(der.read(cms, sequence), oid, IMPLICIT_0);
  if (!same(type.outer, SIGNED_DATA)) throw new Refusal("CMS_SYNTAX", { cause: "contentType" });
  const fields = der.children(der.read(explicit.content, sequence));
  const tags = fields.map((field) => field.tag);
  if (String(tags.slice(0, 3)) !== String([integer, set, sequence])) throw new Refusal("CMS_SYNTAX", { cause: "SignedData" });
  if (String(tags.slice(3)) !== String([IMPLICIT_0, set])) throw new Refusal("CMS_CERTIFICATES");
  const [certificates, signers] = [der.children(fields[3]), der.children(fields[4])];
  if (certificates.length !== 1) throw new Refusal("CMS_CERTIFICATES");
  if (signers.length !== 1) throw new Refusal("CMS_SIGNERS", { count: signers.length });
  const parts = der.children(signers[0]);
  const token = parts.at(-1)?.tag === IMPLICIT_1 ? tokenIn(parts.pop()) : null;
  if (parts.length !== 6 || parts[3].tag !== IMPLICIT_0) throw new Refusal("CMS_ATTRIBUTES");
  return {
    certificate: certificates[0].outer,
    attributes: readAttributes(parts[3]),
    signer: parts[1],
    signature: parts[5].content,
    token,
  };
}

/** The time-stamp token, the one unsigned attribute that there may be; what it says is not checked here. */
function tokenIn(unsigned) {
  const attributes = der.children(unsigned);
  if (attributes.length !== 1) throw new Refusal("CMS_UNSIGNED");
  const [type, values] = der.children(attributes[0], oid, set);
  const found = der.children(values);
  if (!same(type.outer, TIMESTAMP_TOKEN) || found.length !== 1 || found[0].tag !== sequence) throw new Refusal("CMS_UNSIGNED");
  return found[0].outer;
}

function readAttributes(element) {
  const found = ATTRIBUTES.map(() => null);
  for (const one of der.children(element)) {
    const [type, values] = der.children(one, oid, set);
    const inner = der.children(values);
    const at = ATTRIBUTES.findIndex((known) => same(known, type.outer));
    if (at < 0 || found[at] !== null || inner.length !== 1) throw new Refusal("CMS_ATTRIBUTES");
    found[at] = inner[0];
  }
  if (found.includes(null)) throw new Refusal("CMS_ATTRIBUTES");
  const [, digest, time, certificate] = found;
  return { digest, time, certificate };
}

/** What a verified CMS says; its certificate's path is not judged here. Throws CMS_…. */
export async function verifyDetached(cms, content) {
  if (cms.length > 2 * MAX_CERTIFICATE + MAX_TOKEN) throw new Refusal("CMS_SYNTAX", { cause: "size" });
  let apart;
  let parts;
  let time;
  try {
    apart = takeApart(cms);
    parts = readCertificate(apart.certificate);
    time = der.readTime(apart.attributes.time);
  } catch (error) {
    if (!(error instanceof Refusal) || error.code.startsWith("CMS_")) throw error;
    throw new Refusal("CMS_SYNTAX", { cause: error.code });
  }
  const { certificate, attributes, signer, signature, token } = apart;
  // first of all: the digest below is that of the algorithms which are checked here
  const algorithm = algorithmOf(parts.spki);
  if (!same(signer.content, concat(parts.issuer, parts.serial))) throw new Refusal("CMS_SIGNER_IDENTIFIER");
  if (!same(attributes.digest.content, sha256(content))) throw new Refusal("CMS_MESSAGE_DIGEST");
  if (!holds(attributes.certificate.content, der.write(octetString, sha256(certificate)))) {
    throw new Refusal("CMS_SIGNING_CERTIFICATE");
  }
  const signed = signedAttributes(content, certificate, parts, attributes.time.outer);
  const rebuilt = assemble(certificate, parts, signed, algorithm.identifier, signature, token);
  if (!same(rebuilt, cms)) throw new Refusal("CMS_FORM");
  if (!(await verifyRaw(algorithm, parts.spki, signature, signed))) throw new Refusal("CMS_SIGNATURE");
  return {
    certificate: sha256(certificate),
    organization: parts.organization,
    algorithm: algorithm.name,
    claimedTime: time,
    stamped: token !== null,
  };
}
