"""Signed and sealed PDFs: every signature, what it covers, and every change after it."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pdf_kit import NOW, Kit, document, judges, sealed, verify_pdf
from ses_kit import require_sm2, signature

from ledger.core.verdicts import Outcome
from ledger.crypto.digests import sm3
from ledger.crypto.ofd.reports import PackageReport
from ledger.crypto.pdf.reading import read_signed
from ledger.crypto.pdf.values import Changes
from ledger.errors import InputError
from ledger.verification.sealed import format_of

LATER = NOW + 3600


@pytest.fixture(scope="session")
def seal(pki: Kit) -> bytes:
    return sealed(pki, "ca-i", "ca-i")


def report(pki: Kit, data: bytes, *cas: str) -> PackageReport:
    return verify_pdf(data, LATER, judges(pki, cas or ("ca-i",)))


def updated(data: bytes, change: Callable[[object], None]) -> bytes:
    """``data`` with one more revision, as any editor would write it."""
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    writer = IncrementalPdfFileWriter(BytesIO(data))
    change(writer)
    output = BytesIO()
    writer.write(output)
    return output.getvalue()


def overwrite_page(writer: object) -> None:
    from pyhanko.pdf_utils import generic

    page, _ = writer.find_page_for_modification(0)  # type: ignore[attr-defined]
    stream = generic.StreamObject(stream_data=b"BT /F1 12 Tf 72 700 Td (Another owner.) Tj ET")
    page.get_object()["/Contents"] = writer.add_object(stream)  # type: ignore[attr-defined]
    writer.update_container(page.get_object())  # type: ignore[attr-defined]


def test_a_sealed_file_holds_and_says_where_the_seal_is(pki: Kit, seal: bytes) -> None:
    found = report(pki, seal)
    assert (found.outcome, found.cause_code) == (Outcome.PASSED, None), found.text("en")
    (one,) = found.seals
    assert one.proved["signedAt"] == NOW
    assert one.proved["path"] == "#page=1"
    assert one.proved["changes"] == Changes.ARCHIVAL.value  # the validation data behind it
    assert "SES_TIME_CLAIMED" not in found.text("en")  # a token proves it
    assert "SES_TIME_CLAIMED" in report(pki, sealed(pki)).text("en")
    assert "Seal1" in found.text("zh")


@pytest.mark.parametrize("ca", ["ca-a", "ca-e", "ca-j"])
def test_seals_of_any_algorithm_hold(pki: Kit, ca: str) -> None:
    found = report(pki, sealed(pki, ca, ca), ca)
    assert found.outcome is Outcome.PASSED, found.text("en")


def test_without_stored_validation_data_revocation_is_open(pki: Kit) -> None:
    found = report(pki, sealed(pki, stored=False))
    assert found.outcome is Outcome.UNDETERMINED


def test_without_judges_a_seal_is_not_valid_by_silence(seal: bytes) -> None:
    found = verify_pdf(seal, LATER)
    assert (found.outcome, found.cause_code) == (Outcome.UNDETERMINED, "SES_SIGNER_NOT_JUDGED")


def test_a_seal_of_another_authority_does_not_hold(pki: Kit, seal: bytes) -> None:
    assert report(pki, seal, "ca-e").cause_code == "PATH_NONE"


def test_two_seals_hold_side_by_side(pki: Kit, seal: bytes) -> None:
    found = report(pki, sealed(pki, "ca-e", data=seal, field="Seal2"), "ca-i", "ca-e")
    assert found.outcome is Outcome.PASSED, found.text("en")
    assert [one.proved["changes"] for one in found.seals] == ["form", "archival"]


def test_a_page_overwritten_after_sealing_is_found(pki: Kit, seal: bytes) -> None:
    found = report(pki, updated(seal, overwrite_page))
    assert (found.outcome, found.cause_code) == (Outcome.FAILED, "PDF_CHANGED")


def test_a_change_hidden_below_a_later_honest_seal_is_found(pki: Kit, seal: bytes) -> None:
    """The second signer sealed what the first one never saw."""
    found = report(pki, sealed(pki, "ca-e", data=updated(seal, overwrite_page), field="Seal2"), "ca-i", "ca-e")
    assert (found.outcome, found.cause_code) == (Outcome.FAILED, "PDF_CHANGED")
    assert [one.outcome for one in found.seals] == [Outcome.PASSED, Outcome.PASSED]


@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_a_byte_changed_anywhere_in_what_is_covered_is_found(pki: Kit, seal: bytes, at: int) -> None:
    (one,) = read_signed(seal).signatures
    place = len(one.covered) * at // 4 + 100
    changed = bytearray(seal)
    changed[place if place < seal.index(b"/Contents <") else place + len(seal) - len(one.covered) - 200] ^= 1
    assert report(pki, bytes(changed)).outcome is not Outcome.PASSED


def test_a_range_that_leaves_out_more_than_the_signature_is_refused(pki: Kit, seal: bytes) -> None:
    numbers = re.search(rb"/ByteRange \[0 (\d+) (\d+) (\d+)", seal)
    assert numbers
    start, resume, rest = map(int, numbers.groups())
    wider = f"/ByteRange [0 {start - 8} {resume} {rest}".encode()
    assert len(wider) == len(numbers.group(0))
    found = report(pki, seal.replace(numbers.group(0), wider))
    assert found.cause_code == "PDF_BYTE_RANGE"


def test_data_behind_the_value_is_refused(pki: Kit, seal: bytes) -> None:
    end = seal.index(b">", seal.index(b"/Contents <"))
    assert seal[end - 8 : end] == b"00000000"
    found = report(pki, seal[: end - 8] + b"0000BEEF" + seal[end:])
    assert found.cause_code == "PDF_CONTENTS"


def test_the_cms_of_another_document_does_not_fit(pki: Kit, seal: bytes) -> None:
    other = sealed(pki, "ca-i", "ca-i", data=document(3))
    value = re.compile(rb"/Contents <([0-9A-Fa-f]+)>")
    mine, theirs = value.search(seal), value.search(other)
    assert mine and theirs and len(mine.group(1)) == len(theirs.group(1))
    found = report(pki, seal.replace(mine.group(1), theirs.group(1)))
    assert found.cause_code in ("CMS_MESSAGE_DIGEST", "CMS_SIGNATURE")


def test_a_seal_that_was_taken_out_leaves_nothing_that_holds(pki: Kit) -> None:
    found = report(pki, document())
    assert (found.outcome, found.cause_code) == (Outcome.UNDETERMINED, "PDF_NO_SIGNATURES")
    assert format_of(document()) is None


def test_an_unknown_format_of_signature_is_open_and_not_forged(pki: Kit, seal: bytes) -> None:
    found = report(pki, seal.replace(b"/ETSI.CAdES.detached", b"/ACME.sealed.detachd"))
    assert found.cause_code == "PDF_FILTER"
    assert found.outcome is Outcome.UNDETERMINED


def test_what_a_signature_covers_is_the_file_but_for_its_value(seal: bytes) -> None:
    (one,) = read_signed(seal).signatures
    start = seal.index(b"/Contents <") + len(b"/Contents ")
    assert one.covered[:start] == seal[:start]
    assert one.entire and not one.to_end


def test_others_accept_the_seal(pki: Kit, seal: bytes) -> None:
    """pyHanko's own validation, with tokens and revocation, from what the file brings along."""
    import asyncio
    from datetime import UTC, datetime

    from asn1crypto import x509
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import async_validate_pdf_signature
    from pyhanko.sign.validation.dss import DocumentSecurityStore

    reader = PdfFileReader(BytesIO(seal))
    store = DocumentSecurityStore.read_dss(reader)
    context = store.as_validation_context(
        {
            "trust_roots": [x509.Certificate.load(pki.root("ca-i"))],
            "moment": datetime.fromtimestamp(NOW + 60, UTC),
            "allow_fetching": False,
            "revocation_mode": "soft-fail",
        },
    )
    status = asyncio.run(async_validate_pdf_signature(reader.embedded_signatures[0], context, context))
    assert status.intact and status.valid and status.trusted, status.pretty_print_details()
    assert status.timestamp_validity is not None and status.timestamp_validity.intact


def test_openssl_accepts_the_cms(pki: Kit, seal: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    import subprocess

    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    folder = tmp_path_factory.mktemp("cms")
    (one,) = read_signed(seal).signatures
    (folder / "data").write_bytes(one.covered)
    (folder / "cms").write_bytes(one.contents)
    root = x509.load_der_x509_certificate(pki.root("ca-i"))
    (folder / "root").write_bytes(root.public_bytes(Encoding.PEM))
    command = ["openssl", "cms", "-verify", "-inform", "DER", "-in", "cms", "-content", "data", "-binary"]
    command += ["-CAfile", "root", "-purpose", "any", "-attime", str(NOW), "-out", "/dev/null"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_encrypted_file_is_refused(pki: Kit) -> None:
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.pdf_utils.writer import copy_into_new_writer

    writer = copy_into_new_writer(PdfFileReader(BytesIO(document())))
    writer.encrypt("owner", "user")
    output = BytesIO()
    writer.write(output)
    assert report(pki, output.getvalue()).cause_code == "PDF_ENCRYPTED"


@pytest.mark.parametrize("name", [b"/GM.sm2seal         ", b"/ACME.sealed.detachd"])
def test_an_ses_signature_of_a_maker_of_seals_is_judged_by_its_own_rules(pki: Kit, seal: bytes, name: bytes) -> None:
    """Vendors put the blob of an OFD seal where a CMS would be."""
    require_sm2()
    foreign = seal.replace(b"/ETSI.CAdES.detached", name)
    (one,) = read_signed(foreign).signatures
    for digest, refused in ((sm3(one.covered), False), (sm3(b"another document"), True)):
        blob = signature(digest=digest).hex().encode()
        start = foreign.index(b"/Contents <") + len(b"/Contents <")
        end = foreign.index(b">", start)
        found = report(pki, foreign[:start] + blob.ljust(end - start, b"0") + foreign[end:])
        (only,) = found.seals
        assert len(only.steps) == 20
        assert ("SES_DOCUMENT" in {f.code for step in only.steps for f in step.findings}) is refused


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_mutation_escapes_as_anything_but_our_errors(seal_bytes: bytes, data: st.DataObject) -> None:
    changed = bytearray(seal_bytes)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(changed) - 1))
        changed[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=40))
    try:
        read_signed(bytes(changed))
    except InputError:
        return


@pytest.fixture(scope="session")
def seal_bytes(seal: bytes) -> bytes:
    return seal
