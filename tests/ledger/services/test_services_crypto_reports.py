"""The crypto service: what it says of signatures and time-stamps that others made."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from crypto_pool import DATA, NOTHING, P256, Pool, code_of, codes, outcomes
from pki_kit import CAS, DAY, NOW, OFFICE, Leaf, tampered

from ledger.core.bundles import ValidationData
from ledger.crypto import cms as cms_profile
from ledger.crypto.digests import sm3
from ledger.crypto.pem import write as pem_of
from ledger.crypto.signed_data import DIGESTS, digest_of
from ledger.crypto.timestamps import over, verify_token
from ledger.services.crypto_content import Content
from ledger.services.crypto_reports import Recognised

# ---- verifying -------------------------------------------------------------------------------------------------------


def signed(pool: Pool, leaf: Leaf, stamped: str | None = None, at: int = NOW) -> bytes:
    """By anybody, with the chain enclosed; ``stamped``: by which authority."""
    attributes = cms_profile.signed_attributes(DATA, leaf.certificate, at)
    signature = leaf.key.sign(attributes)
    token = None if stamped is None else verify_token(pool.pki.token(stamped, signature, at), over(signature)).form
    above = pool.pki.intermediates(leaf.ca, leaf.issuer)
    return cms_profile.assemble(leaf.certificate, attributes, signature, token, above)


def stamped_lists(pool: Pool, leaf: Leaf, tsa: str) -> ValidationData:
    """Lists and certificates that leaf and token need."""
    found = pool.pki.validation(leaf, NOW)
    lists = (*found.crls, *pool.pki.pki.lists(tsa, NOW, "issuing"))
    return ValidationData(pool.pki.intermediates(tsa), tuple(sorted(set(lists))), ())


@pytest.mark.parametrize("ca", CAS)
def test_what_any_authority_certified_is_verified(pool: Pool, ca: str) -> None:
    leaf = pool.pki.leaf(ca)
    pool.trust = replace(
        pool.trust, authorities=tuple(replace(a, compromised_since=None) for a in pool.trust.authorities)
    )
    report = pool.report(signed(pool, leaf), brought=pool.pki.validation(leaf, NOW))
    assert report.indication.value == "TOTAL-PASSED", report.to_json()
    assert codes(report)[1] == "CRYPTO_TIME_NONE"
    assert report.proved["time"] is None


def test_the_services_own_signature_is_verified_and_named(pool: Pool) -> None:
    made = pool.service.sign(OFFICE, "p256", Content(DATA))
    brought = pool.pki.validation(pool.pki.leaf(P256), NOW)
    report = pool.report(made.cms, brought=brought)
    assert report.indication.value == "TOTAL-PASSED", report.to_json()
    assert "CRYPTO_BY_SERVICE" in codes(report)


def test_nothing_is_valid_by_silence(pool: Pool) -> None:
    leaf = pool.pki.leaf(P256)
    whole, bare = signed(pool, leaf), leaf.signer.sign_detached(DATA, NOW)
    silent = pool.report(whole)
    assert (silent.indication.value, codes(silent)[-1]) == ("INDETERMINATE", "REVOCATION_MISSING")
    unconnected = pool.report(bare)
    assert outcomes(unconnected) == {
        "signature": "passed", "time": "passed", "path": "undetermined", "revocation": "skipped",
    }  # fmt: skip
    pool.trust = replace(pool.trust, authorities=())
    assert pool.report(whole).indication.value == "INDETERMINATE"


def test_an_old_trust_file_decides_nothing(pool: Pool) -> None:
    leaf = pool.pki.leaf(P256)
    pool.trust = replace(pool.trust, expires=NOW)
    report = pool.report(signed(pool, leaf), brought=pool.pki.validation(leaf, NOW))
    assert (report.indication.value, "TRUST_FILE_EXPIRED" in codes(report)) == ("INDETERMINATE", True)


@pytest.mark.parametrize("scenario", ["expired", "revoked"])
def test_what_time_could_excuse_is_open_without_a_time_stamp_and_decided_with_one(pool: Pool, scenario: str) -> None:
    leaf = pool.pki.leaf(P256, scenario)
    lists = stamped_lists(pool, leaf, "ca-e")
    without = pool.report(signed(pool, leaf), brought=lists)
    assert (without.indication.value, codes(without)[-1]) == ("INDETERMINATE", "CRYPTO_BEFORE")
    early = pool.report(signed(pool, leaf, "ca-e", NOW - 2 * DAY), brought=lists)
    assert early.proved["time"] == NOW - 2 * DAY, early.to_json()
    assert outcomes(early)["path"] == "passed"
    late = pool.report(signed(pool, leaf, "ca-e", NOW), brought=lists)
    assert late.indication.value == "TOTAL-FAILED", late.to_json()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda cms: tampered(cms), "CMS_SIGNATURE"),
        (lambda cms: cms[:-1], "CMS_SYNTAX"),
        (lambda cms: cms + b"\0", "CMS_SYNTAX"),
        (lambda cms: b"", "CMS_SYNTAX"),
    ],
)
def test_what_was_changed_has_failed(pool: Pool, change: Callable[[bytes], bytes], code: str) -> None:
    report = pool.report(change(pool.service.sign(OFFICE, "p256", Content(DATA)).cms))
    assert (report.indication.value, set(outcomes(report).values())) == ("TOTAL-FAILED", {"failed", "skipped"})
    assert report.parts[0].findings[0].values["cause"] == code


def test_other_content_has_failed_and_an_unfit_digest_is_open(pool: Pool) -> None:
    made = pool.service.sign(OFFICE, "p256", Content(DATA)).cms
    for content in (Content(DATA + b"."), Content(None, "sha256", digest_of("sha256", b""))):
        assert pool.report(made, content).parts[0].findings[0].values["cause"] == "CMS_MESSAGE_DIGEST"
    unfit = pool.report(made, Content(None, "sm3", sm3(DATA)))
    assert (unfit.indication.value, unfit.parts[0].findings[0].values["cause"]) == (
        "INDETERMINATE", "CRYPTO_DIGEST_OTHER",
    )  # fmt: skip


def test_a_signature_over_the_content_itself_wants_the_content(pool: Pool, tmp_path: Path) -> None:
    """Without signed attributes there is no digest in it."""
    leaf = pool.pki.leaf(P256)
    (tmp_path / "key.pem").write_bytes(leaf.key.to_pem(None))
    (tmp_path / "crt.pem").write_text(pem_of("CERTIFICATE", leaf.certificate))
    (tmp_path / "data").write_bytes(DATA)
    named = "-signer crt.pem -inkey key.pem -in data -md sha256 -out cms"
    command = ["openssl", "cms", "-sign", "-noattr", "-binary", "-outform", "DER", *named.split()]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    made = (tmp_path / "cms").read_bytes()
    assert outcomes(pool.report(made))["signature"] == "passed"
    open_ = pool.report(made, Content(None, "sha256", digest_of("sha256", DATA)))
    assert (open_.indication.value, open_.parts[0].findings[0].values["cause"]) == (
        "INDETERMINATE",
        "CMS_CONTENT_WANTED",
    )


def test_recognition_is_judged_where_it_is_asked_for(pool: Pool) -> None:
    leaf = pool.pki.leaf(P256)
    given, brought = signed(pool, leaf), pool.pki.validation(leaf, NOW)
    here = pool.report(given, brought=brought, wanted=Recognised("license", "CN-440100", 2))
    there = pool.report(given, brought=brought, wanted=Recognised("license", "CN-320100", 2))
    assert (here.indication.value, there.indication.value) == ("TOTAL-PASSED", "TOTAL-FAILED")
    assert "CRYPTO_RECOGNITION_NOT_ASKED" not in codes(here)


# ---- time-stamps -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("digest", [name for name in DIGESTS if name in ("sha256", "sm3")])
def test_a_digest_is_stamped_and_the_token_verified(pool: Pool, digest: str) -> None:
    content = Content(None, digest, digest_of(digest, DATA))
    token, time = pool.service.timestamp(OFFICE, content)
    assert time == NOW
    brought = ValidationData(pool.pki.intermediates("ca-e"), tuple(pool.pki.pki.lists("ca-e", NOW, "issuing")), ())
    report = pool.service.verify_token(OFFICE, token, content, brought)
    assert report.indication.value == "TOTAL-PASSED", report.to_json()
    open_ = pool.service.verify_token(OFFICE, token, content, NOTHING)
    assert open_.indication.value == "INDETERMINATE"
    other = pool.service.verify_token(OFFICE, token, Content(None, digest, digest_of(digest, b"")), brought)
    assert (other.indication.value, outcomes(other)) == (
        "TOTAL-FAILED",
        {"signature": "failed", "authority": "skipped"},
    )


def test_without_an_authority_nothing_is_stamped_or_half_signed(pool: Pool) -> None:
    pool.stamper = None
    content = Content(None, "sha256", digest_of("sha256", DATA))
    assert code_of(lambda: pool.service.timestamp(OFFICE, content)) == "CRYPTO_NO_AUTHORITY"
    assert code_of(lambda: pool.service.sign(OFFICE, "p256", content, stamped=True)) == "CRYPTO_NO_AUTHORITY"
