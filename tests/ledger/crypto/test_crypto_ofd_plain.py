"""Signatures in OFD documents that bear no seal, and the license's metadata."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import ofd_kit as k
import pytest
import ses_kit as ses
from ofd_kit import Seal, judged, packed, plain, sealed
from ses_kit import NOW, PASSING

from ledger.core.verdicts import Outcome
from ledger.crypto import der
from ledger.crypto.digests import sm3
from ledger.crypto.ofd.verifying import verify_package
from ledger.crypto.ses.judging import Judges

FAILED, OPEN, PASSED = Outcome.FAILED, Outcome.UNDETERMINED, Outcome.PASSED
ONE = Seal()
VALUE = f"{ONE.folder}/SignedValue.dat"


@pytest.fixture(autouse=True)
def _sm2() -> None:
    ses.require_sm2()


def codes(report: Any) -> set[str]:
    return {finding.code for step in report.whole.steps for finding in step.findings}


PLAIN = Seal(kind="Sign")


@pytest.mark.parametrize("at", [k.SIGNED, None])
@pytest.mark.parametrize("form", ["digest enclosed", "digest beside", "file enclosed", "file beside"])
def test_a_signature_without_a_seal_is_verified_in_each_of_its_forms(form: str, at: int | None) -> None:
    files = sealed(None, PLAIN)
    description = files[ONE.path]
    octets = sm3(description) if "digest" in form else description
    files[VALUE] = k.plainly_signed(octets if "enclosed" in form else None, at, octets)
    report = judged(files)
    assert (report.outcome, len(report.seals[0].steps)) == (PASSED, 8)
    assert report.seals[0].proved["signedAt"] == at
    assert verify_package(packed(files), NOW).cause_code == "SES_SIGNER_NOT_JUDGED"


PLAINLY: dict[str, tuple[Callable[[], bytes], str]] = {
    "another description": (lambda: k.plainly_signed(sm3(b"other")), "CMS_CONTENT_DIFFERS"),
    "another one beside": (lambda: k.plainly_signed(None, k.SIGNED, b"other"), "CMS_MESSAGE_DIGEST"),
    "bare, another one beside": (lambda: k.plainly_signed(None, None, b"other"), "CMS_SIGNATURE"),
    "garbage": (lambda: b"0", "CMS_SYNTAX"),
    "a seal's": (lambda: k.honest()[VALUE], "CMS_SYNTAX"),
}


@pytest.mark.parametrize("name", PLAINLY)
def test_what_is_no_signature_of_this_document_fails(name: str) -> None:
    make, code = PLAINLY[name]
    report = judged(sealed(None, PLAIN) | {VALUE: make()})
    assert (report.outcome, report.cause_code) == (FAILED, code)
    files = sealed(None, PLAIN)
    changed = files | {k.PAGE: files[k.PAGE].replace("准予".encode(), "不予".encode())}
    assert judged(changed).cause_code == "OFD_REFERENCE_DIFFERS"


def test_the_signers_word_on_the_time_counts_as_for_seals() -> None:
    data = packed(sealed(None, PLAIN))
    assert verify_package(data, NOW, PASSING, k.SIGNED - 1).cause_code == "SES_SIGNED_LATER"

    def revoked_since(_: bytes, moment: int) -> tuple[()]:
        if moment > k.SIGNED:
            ses.refuse("REVOCATION_REVOKED")()
        return ()

    judges = Judges(signer=revoked_since)
    assert verify_package(data, NOW, judges).cause_code == "SES_TIME_UNPROVED"
    assert verify_package(data, NOW, judges, k.SIGNED).outcome is PASSED


def test_a_token_bounds_the_time_and_is_never_believed_unjudged() -> None:
    files = sealed(None, PLAIN)
    token = k.attribute("1.2.840.113549.1.9.16.2.14", der.write(der.SEQUENCE))
    files[VALUE] = k.plainly_signed(sm3(files[ONE.path]), token=token)
    assert judged(files).cause_code == "SES_TOKEN_NOT_JUDGED"
    assert judged(files, ses.with_token(lambda *_: k.SIGNED + 5)).outcome is PASSED
    assert judged(files, ses.with_token(lambda *_: k.SIGNED - 5)).cause_code == "SES_SIGNED_LATER"
    assert judged(files, ses.with_token(ses.refuse("TIMESTAMP_IMPRINT"))).cause_code == "TIMESTAMP_IMPRINT"


def test_metadata_are_read_under_the_misspelt_element_too() -> None:
    right, wrong = judged(sealed()), judged(sealed(plain(wrong=True)))
    assert dataclasses.replace(wrong.metadata[0], misspelt=False) == right.metadata[0]
    assert "OFD_METADATA_MISSPELT" in codes(wrong)
    (found,) = right.metadata
    assert [(h.name, h.code_type) for h in found.holders] == [("张三", "111"), ("李四", "111")]
    assert (found.issued, found.valid_from, found.valid_until) == ("2023-01-05", "2023-01-05", None)
    assert found.extensions == (("KZ_BDCDYH", "440103001001GB00001"),)


def test_what_metadata_say_wrongly_is_noted_and_kept() -> None:
    bad = k.IDENTIFIER[:-1] + ("A" if k.IDENTIFIER[-1] != "A" else "B")
    fields = (("ZZBS", bad), ("ZZBFRQ", "20230230"), ("JZJZZSY", "办理贷款"), ("JYZM", "x" * 9999), ("CZZT", "王五"))
    report = judged(sealed(plain(fields)))
    assert report.outcome is PASSED
    assert {"OFD_METADATA_IDENTIFIER", "OFD_METADATA_DATE", "OFD_METADATA_COPY"} < codes(report)
    (found,) = report.metadata
    assert (found.identifier, found.issued, found.unread) == (bad, None, ("ZZBFRQ",))
    assert (found.copy, found.holders[0].code, len(found.others)) == ((("JZJZZSY", "办理贷款"),), None, 1)
    assert "OFD_METADATA_NONE" in codes(judged(sealed(plain(()))))
