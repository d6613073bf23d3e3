"""Writes the first inputs of the kept corpus by this project's own makers: `PYTHONPATH=.:tests python
tests/fuzz/fuzz_seeds.py TARGET`. Each run makes new keys, so it is for new targets; what fuzzing found stays."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import ofd_kit
import pdf_kit
import raw_pdf
import ses_kit
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import PrivateFormat, load_pem_private_key, pkcs12
from cryptography.x509 import load_der_x509_certificate
from key_kit import key
from pki_kit import NOW, Kit, make_kit
from timestamp_kit import granted, make_tsa

from ledger.core.bundles import Bundle
from ledger.core.trust import TrustFile
from ledger.crypto import der, envelopes, pem
from ledger.crypto.cms import assemble, signed_attributes
from ledger.crypto.key_envelopes import KeyHead
from ledger.crypto.ses.values import Version
from ledger.errors import ConfigError
from ledger.outside.signing_service import questions
from ledger.services.trust_lote_writing import lote
from scripts.fuzzing.protocols import CHALLENGE, DATA_KEY
from scripts.fuzzing.targets import CONTENT, KEPT, PASSPHRASE, REQUEST

ROOT = Path(__file__).resolve().parents[2]
Seeds = dict[str, bytes]
VECTORS = ROOT / "tests" / "vectors"
FORMATS = ROOT / "ledger" / "types"
MADE = Version.V4, Version.V5
CA = "ca-i"  # P-256 and small


def sequence(*parts: bytes) -> bytes:
    return der.write(der.SEQUENCE, *parts)


def certificates(kit: Kit) -> Seeds:
    found = {"office": kit.leaf(CA).certificate, "root": kit.root(CA), "issuing": kit.intermediates(CA)[0]}
    return found | {"sealer": ses_kit.party("signer").certificate, "ed25519": kit.leaf("ca-j").certificate}


def signatures(kit: Kit) -> Seeds:
    leaf = kit.leaf(CA)
    attributes = signed_attributes(CONTENT, leaf.certificate, NOW)
    signature = leaf.key.sign(attributes)
    token = kit.token(CA, signature)
    return {
        "plain": assemble(leaf.certificate, attributes, signature),
        "stamped": leaf.signer.sign_detached(CONTENT, NOW),
        "with-token": assemble(leaf.certificate, attributes, signature, token),
    }


def foreign(kit: Kit) -> Seeds:
    return {"enclosed": ofd_kit.plainly_signed(CONTENT), "plain": signatures(kit)["plain"]}


def tokens(kit: Kit) -> Seeds:
    tsa, _ = make_tsa(NOW)
    return {"authority": kit.token(CA, CONTENT), "small": tsa.stamp(CONTENT, NOW)}


def answers(_: Kit) -> Seeds:
    tsa, _root = make_tsa(NOW)
    return {"granted": tsa.answer(REQUEST.to_bytes(), NOW), "other": granted(tsa.stamp(CONTENT, NOW))}


def ocsps(kit: Kit) -> Seeds:
    return {"good": kit.ocsp(kit.leaf(CA)), "revoked": kit.ocsp(kit.leaf(CA, "stolen"))}


def crls(kit: Kit) -> Seeds:
    return {"issuing": kit.crl(CA), "root": kit.crl(CA, "root")}


def paths(kit: Kit) -> Seeds:
    leaf = kit.leaf(CA)
    data = kit.validation(leaf, by_ocsp=True)
    whole = sequence(leaf.certificate), sequence(*data.certificates), sequence(kit.root(CA))
    return {"whole": b"".join((*whole, sequence(*data.crls), sequence(*data.ocsps))), "bare": b"".join(whole)}


def revocations(kit: Kit) -> Seeds:
    leaf = kit.leaf(CA)
    pair = sequence(leaf.certificate, kit.intermediates(CA)[0])
    empty = sequence() * 2
    return {
        "list": pair + empty + sequence(kit.crl(CA)) + sequence(),
        "response": pair + empty + sequence() + sequence(kit.ocsp(leaf)),
    }


def material(kit: Kit) -> Seeds:
    leaf = kit.leaf(CA)
    found = sequence(leaf.certificate, kit.root(CA), kit.intermediates(CA)[0]), sequence(kit.crl(CA))
    samples = sequence(kit.token(CA, CONTENT)), sequence(signatures(kit)["plain"])
    return {"all": b"".join((*found, sequence(kit.ocsp(leaf)), *samples))}


def seals(_: Kit) -> Seeds:
    return {f"v{int(version)}": ses_kit.seal(version) for version in MADE} | {"early": ses_kit.early_seal()}


def seal_signatures(_: Kit) -> Seeds:
    made = {f"v{int(version)}": ses_kit.signature(version) for version in MADE}
    return made | {"early": ses_kit.early_signature()}


def packages(_: Kit) -> Seeds:
    return {"license": ofd_kit.license(), "plain": ofd_kit.packed(ofd_kit.plain())}


def documents(_: Kit) -> Seeds:
    return {path.rpartition("/")[2]: data for path, data in ofd_kit.honest().items() if path.endswith(".xml")}


def pdfs(kit: Kit) -> Seeds:
    bare = pdf_kit.sealed(kit, CA, stored=False)
    revised = raw_pdf.signed().put(9, b"<<>>").end().bytes()
    return {"none": pdf_kit.document(1), "sealed": pdf_kit.sealed(kit, CA, CA), "bare": bare, "revised": revised}


def containers(kit: Kit) -> Seeds:
    leaf, found = kit.leaf(CA), {}
    held = load_pem_private_key(leaf.key.to_pem(None), None)
    certificate = load_der_x509_certificate(leaf.certificate)
    for name, scheme in (("today", "PBESv2SHA256AndAES256CBC"), ("legacy", "PBESv1SHA1And3KeyTripleDESCBC")):
        how = PrivateFormat.PKCS12.encryption_builder().kdf_rounds(1).hmac_hash(hashes.SHA256())
        how = how.key_cert_algorithm(getattr(pkcs12.PBES, scheme))
        found[name] = pkcs12.serialize_key_and_certificates(b"k", held, certificate, None, how.build(PASSPHRASE))  # type: ignore[arg-type]
    return found


def keys(_: Kit) -> Seeds:
    found = {name: key(name).to_pem(None) for name in ("ecdsa-p256", "ed25519", "sm2", "rsa-2048")}
    return {name: der_of(text) for name, text in found.items()} | {"p256-pem": found["ecdsa-p256"]}


def der_of(text: bytes) -> bytes:
    return pem.read(text)[0][1]


def texts(kit: Kit) -> Seeds:
    chain = [kit.leaf(CA).certificate, *kit.intermediates(CA)]
    return {
        "chain": "".join(pem.write("CERTIFICATE", one) for one in chain).encode(),
        "list": pem.write("X509 CRL", kit.crl(CA)).encode(),
        "bundle": ofd_kit.plainly_signed(CONTENT),
    }


def login_responses(kit: Kit) -> Seeds:
    leaf = kit.leaf(CA)
    return {"person": leaf.signer.sign_detached(CHALLENGE.to_bytes(), NOW)}


def login_answers(_: Kit) -> Seeds:
    said = {"token": "zl_" + "0" * 12 + "_" + "A" * 43, "until": NOW, "audience": CHALLENGE.audience.to_json()}
    refusal = {"code": "LOGIN_REVOKED", "detail": "证书已撤销", "title": "revoked"}
    texts = {"session": json.dumps(said).encode(), "refusal": json.dumps(refusal).encode()}
    return texts | {"challenge": CHALLENGE.to_bytes()}


def messages(_: Kit) -> Seeds:
    parts = questions.BatchParts(bytes(64), bytes(64), None)
    asked = {
        "describe": questions.Describe("114401000700000148", "main").to_message(),
        "unapproved": questions.Unapproved("114401000700000148", parts).to_message(),
        "indexes": questions.unapproved([1, 3]),
        "signed": questions.signed(b"attributes", b"signature"),
        "refused": questions.refused(ConfigError("SIGNER_CLIENT", client="somebody")),
    }
    return {name: message.to_bytes() for name, message in asked.items()}


def key_envelopes(_: Kit) -> Seeds:
    found = {}
    for algorithm, encryption in envelopes.ENCRYPTIONS.items():
        head, key = KeyHead(algorithm, "files", 2), DATA_KEY[: encryption.key_bytes]
        sealed = envelopes.encrypt(algorithm, key, CONTENT, head.associated("city", ""))
        found[algorithm] = head.to_bytes() + sealed
    return found


def trust_files(_: Kit) -> Seeds:
    files = {"form-1": "trust-05.json", "form-2": "trust-revocation-final.json"}
    return {form: (VECTORS / "bundles" / name).read_bytes() for form, name in files.items()}


def lists(kit: Kit) -> Seeds:
    trust = TrustFile.from_bytes((VECTORS / "bundles" / "trust-01.json").read_bytes()).content
    return {"own": lote(trust, "示范机构", "CN")}


def canonicals(_: Kit) -> Seeds:
    bundle = Bundle.from_bytes((VECTORS / "bundles" / "an-honest-license.zyb").read_bytes())
    found = {"manifest": bundle.manifest.to_bytes(), "record": bundle.record.to_bytes()}
    cases = json.loads((VECTORS / "trust-documents" / "valid.json").read_text("utf-8"))["cases"]
    return found | {f"document-{n}": case["given"]["text"].encode() for n, case in enumerate(cases)}


def bundles(_: Kit) -> Seeds:
    names = ("an-honest-license", "a-batch-that-was-disowned")
    return {name: (VECTORS / "bundles" / f"{name}.zyb").read_bytes() for name in names}


def types(_: Kit) -> Seeds:
    smallest = min(FORMATS.glob("*.toml"), key=lambda path: path.stat().st_size)
    return {smallest.stem: smallest.read_bytes()}


MAKERS: dict[str, Callable[[Kit], Seeds]] = {
    "der": certificates, "certificate": certificates, "cms": signatures, "foreign-cms": foreign, "token": tokens,
    "token-response": answers, "ocsp": ocsps, "crl": crls, "path": paths, "revocation": revocations,
    "ca-check": material, "seal": seals, "seal-signature": seal_signatures, "ofd": packages, "xml": documents,
    "pdf": pdfs, "pkcs12": containers, "key": keys, "pem": texts, "trust-file": trust_files, "lote": lists,
    "login-response": login_responses, "login-answer": login_answers, "signer": messages, "key-envelope": key_envelopes,
    "canonical": canonicals, "bundle": bundles, "type-file": types,
}  # fmt: skip


def main(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        kit = make_kit(Path(folder) / "pki", Path(folder))
        for target in names or MAKERS:
            for name, data in MAKERS[target](kit).items():
                path = KEPT / target / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)


if __name__ == "__main__":
    main(sys.argv[1:])
