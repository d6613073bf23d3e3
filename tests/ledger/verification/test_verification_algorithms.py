"""The whole procedure for an office whose authority, certificates, lists and signature are SM2."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import authority_factory
import bundle_factory as f
import pytest
from authority_factory import ISSUING, ROOT, Certificate, ValidationData
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sm2_signing import forget_signatures, signed_again

from ledger.core.verdicts import Indication, Step
from ledger.crypto import sm2
from ledger.errors import ConfigError
from ledger.verification import verify

OFFICE = "Office A"
PARENTS = {ROOT: ROOT, ISSUING: ROOT, OFFICE: ISSUING}
KEYS = {name: sm2.generate() for name in PARENTS}


def spki(key: Any) -> bytes:
    return bytes(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def certificate(name: str) -> Certificate:
    held, key = authority_factory.certificate(name), KEYS[name]
    return Certificate(key, signed_again(held.der, KEYS[PARENTS[name]], spki(held.key), spki(key)))  # type: ignore[arg-type]


CERTIFICATES = {name: certificate(name) for name in PARENTS}


def validation() -> ValidationData:
    crls = (signed_again(authority_factory.crl(name), KEYS[name]) for name in (ROOT, ISSUING))
    return ValidationData((CERTIFICATES[ISSUING].der,), tuple(sorted(crls)), ())


@pytest.fixture(autouse=True)
def _sm2_authority(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f, "certificate", CERTIFICATES.__getitem__)
    monkeypatch.setattr(f, "leaf", lambda office: CERTIFICATES[OFFICE])
    monkeypatch.setattr(f, "validation", validation)


def test_a_license_signed_by_sm2_passes() -> None:
    report = verify(f.facts(f.stapled()))
    assert report.indication is Indication.TOTAL_PASSED
    assert report.to_json()["steps"][Step.SIGNATURE.value]["proved"]["signers"][0]["algorithm"] == "sm2-sm3"


def test_a_manifest_that_the_sm2_key_never_signed() -> None:
    honest, other = f.stapled(), f.stapled(f.issue(others=5))
    report = verify(f.facts(replace(honest, signatures=other.signatures)))
    assert report.indication is Indication.TOTAL_FAILED


@pytest.mark.parametrize("step", [Step.SIGNATURE, Step.PATH, Step.REVOCATION])
def test_a_machine_without_sm2_decides_nothing(step: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = f.stapled()
    forget_signatures()
    monkeypatch.setattr(sm2, "verify", unavailable_in(step))
    report = verify(f.facts(bundle))
    assert report.indication is Indication.INDETERMINATE
    codes = {finding.code for result in report.steps if result.step is step for finding in result.findings}
    assert codes == {"STEP_IMPOSSIBLE_HERE"}


def unavailable_in(step: Step) -> Callable[..., None]:
    """``sm2.verify`` of a machine that loses SM2 when the procedure comes to the checks of ``step``: one of the
    signature, then two of the path."""
    honest, before, calls = sm2.verify, {Step.SIGNATURE: 0, Step.PATH: 1, Step.REVOCATION: 3}[step], []

    def checked(*given: Any) -> None:
        calls.append(given)
        if len(calls) > before:
            raise ConfigError("SM2_UNAVAILABLE")
        honest(*given)

    return checked
