"""Signatures that the ledger checks and a browser cannot: the page leaves them open, in words, and never calls them
forged."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from test_web_judgement import codes, judged
from web_kit import Modules

from ledger.core.bundles import Bundle
from ledger.core.trust import TrustFile
from ledger.core.trust_lists import CouncilKey
from ledger.crypto import cms, der, sm2
from ledger.crypto.algorithms import sign_raw
from ledger.crypto.trust_signatures import sign_trust, verify_trust_file
from ledger.outside.software_keys import SoftwareKey

BUNDLES = Path(__file__).resolve().parents[1] / "vectors" / "bundles"
NAME = "an-honest-license"
(CASE,) = [c for c in json.loads((BUNDLES / "cases.json").read_text("utf-8"))["cases"] if c["name"] == NAME]
BUNDLE = Bundle.from_bytes((BUNDLES / f"{NAME}.zyb").read_bytes())


def signed_by(key: Any) -> bytes:
    """The manifest under a certificate of the same names for ``key``, which no authority signed."""
    held = cms.verify_detached(BUNDLE.signatures[0], BUNDLE.manifest.to_bytes()).certificate
    tbs, algorithm, signature = der.read(held, der.SEQUENCE).children()
    fields = [field.outer for field in tbs.children()]
    fields[6] = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    parts = (der.write(der.SEQUENCE, *fields), algorithm.outer, signature.outer)
    certificate = der.write(der.SEQUENCE, *parts)
    assert x509.load_der_x509_certificate(certificate)
    attributes = cms.signed_attributes(BUNDLE.manifest.to_bytes(), certificate, BUNDLE.manifest.closed)
    made = cms.assemble(certificate, attributes, sign_raw(key, attributes))
    return replace(BUNDLE, signatures=(made,)).to_bytes()


MAKERS = [sm2.generate, lambda: ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate]


@pytest.mark.parametrize("make", MAKERS, ids=["sm2-sm3", "ecdsa-p384-sha384", "ed25519"])
def test_the_page_leaves_open_what_it_cannot_check(modules: Modules, make: Any) -> None:
    page, ledger = judged(modules, signed_by(make()), (BUNDLES / CASE["trust"]).read_bytes(), CASE["question"])
    ours, theirs = (next(s for s in report["steps"] if s["step"] == 6) for report in (page, ledger))
    assert theirs["outcome"] == "passed"
    assert (ours["outcome"], codes(ours)) == ("skipped", ["STEP_NOT_CHECKED_HERE"])
    assert page["indication"] == "INDETERMINATE" and page["headline"]["name"] == "cannotBeDecided"
    assert ledger["indication"] != "TOTAL-PASSED"  # its path leads nowhere


def signed_trust(threshold: int, *algorithms: str) -> str:
    """The trust file of the vectors under council keys of these algorithms."""
    keys = {f"member-{name}": SoftwareKey.generate(name) for name in sorted(algorithms)}
    words = {"ecdsa-p256": "ES256", "ed25519": "Ed25519", "sm2": "SM2"}
    listed = tuple(CouncilKey(id_, words[id_.removeprefix("member-")], key.spki) for id_, key in keys.items())
    old = TrustFile.from_bytes((BUNDLES / CASE["trust"]).read_bytes()).content
    content = replace(old, version=1, keys=listed, threshold=threshold)
    file = TrustFile(content, tuple(sign_trust(content, id_, key) for id_, key in keys.items()))
    verify_trust_file(file, None, None)
    return file.to_bytes().decode()


def test_a_voice_by_sm2_is_not_counted_and_spoils_no_other(modules: Modules) -> None:
    mixed = signed_trust(2, "ecdsa-p256", "ed25519", "sm2")
    assert modules.ask("trust_file", {"text": mixed}) == {"gives": {"version": 1}}
    for short in (signed_trust(1, "sm2"), signed_trust(2, "ed25519", "sm2")):
        assert modules.ask("trust_file", {"text": short})["refused"] == "TRUST_KEY_ALGORITHM"
