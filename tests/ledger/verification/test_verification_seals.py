"""Step 16: what is judged, what is passed over and said, and what of it reaches the verdict on the record."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import attacks_on_seals as s
import bundle_factory as f
import ofd_kit as k
import pytest
import ses_kit as ses
import time_factory as t

from ledger.core.bundles import ValidationData
from ledger.core.identifiers import make_license_identifier, parse_license_identifier
from ledger.core.records import FileDigest
from ledger.core.registries import Kind
from ledger.core.verdicts import Indication, Outcome, Step, StepResult
from ledger.crypto.digests import sm3
from ledger.crypto.ofd.verifying import verify_package
from ledger.crypto.ses.making import make_signature
from ledger.errors import InputError
from ledger.services.documents import read_document, read_documents, read_seal_data
from ledger.verification import Facts, sealed, verify
from ledger.verification.steps import step_16_seals


def step(facts: Facts) -> StepResult:
    report = verify(facts)
    return next(r for r in report.steps if r.step is Step.SEALS)


def codes(result: StepResult) -> list[str]:
    return [finding.code for finding in result.findings]


def test_a_sealed_license_passes_under_makers_and_authorities_of_the_trust_file() -> None:
    report = verify(s.facts())
    assert report.indication is Indication.TOTAL_PASSED
    (found,) = report.proved["seals"]["files"]
    assert (found["format"], found["licenses"], found["seals"][0]["name"]) == (
        "ofd",
        [f.make_record().id],
        "示范专用章",
    )
    assert "印章 s001（示范专用章）成立" in report.detailed("zh")
    assert report.to_json()["steps"][-1]["name"] == "seals"


def test_the_check_character_of_an_old_system_makes_no_other_license() -> None:
    ses.require_sm2()
    wrong = f.make_record().id[:-1] + ("A" if f.make_record().id[-1] != "A" else "B")
    data = k.packed(k.sealed(k.plain((("ZZBS", wrong),))))
    assert step(s.facts(data)).outcome is Outcome.PASSED


def test_another_version_of_a_license_is_another_license() -> None:
    found = parse_license_identifier(f.make_record().id)
    later = make_license_identifier(found.type_code, found.issuer_code, found.serial, found.version + 1)
    again = make_license_identifier(found.type_code, found.issuer_code, found.serial, found.version)
    assert step_16_seals._same(again, f.make_record().id)
    assert not step_16_seals._same(later, f.make_record().id)


def test_a_sealed_license_deposited_as_evidence_is_no_other_license() -> None:
    ses.require_sm2()
    report, record = verify_package(k.license(), ses.NOW), f.make_record()
    assert [finding.code for finding in step_16_seals._identity(record, report)] == ["SEALS_OTHER_LICENSE"]
    assert step_16_seals._identity(replace(record, kind=Kind.EVIDENCE), report) == []


def test_of_several_files_one_may_be_another_license() -> None:
    ses.require_sm2()
    result = step(s.facts(k.license(), others=(f.FILE,)))
    assert result.outcome is Outcome.PASSED
    assert "SEALS_OTHER_LICENSE" in codes(result)


def test_an_annotated_copy_is_said_to_be_one() -> None:
    ses.require_sm2()
    data = k.packed(k.sealed(k.plain((("ZZBS", f.make_record().id), ("JZJZZSY", "办理贷款")))))
    assert "OFD_METADATA_COPY" in codes(step(s.facts(data)))


def test_a_listed_maker_is_judged_with_its_issuer() -> None:
    ses.require_sm2()
    maker = ses.party("maker").certificate
    known = replace(s.trust().recognitions[-1], authority=s.fingerprint(maker))
    trust = s.with_maker(certificate=maker)
    assert step(s.facts(trust=replace(trust, recognitions=(*trust.recognitions, known)))).outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sealed": None}, "SEALS_NOT_CHECKED"),
        ({"documents": (), "sealed": None}, "SEALS_NOT_CHECKED"),
        ({"sealed": ()}, "SEALS_NONE"),
    ],
)
def test_what_nobody_could_look_at_is_skipped_and_said(changes: dict[str, Any], code: str) -> None:
    report = verify(s.facts(**changes))
    assert report.indication is Indication.TOTAL_PASSED
    result = report.steps[-1]
    assert (result.outcome, codes(result)) == (Outcome.SKIPPED, [code])


def test_files_without_seals_and_records_without_files_have_none_to_fail() -> None:
    plain = k.packed(k.plain((("ZZBS", f.make_record().id),), sealed=False))
    assert (step(s.facts(plain)).outcome, codes(step(s.facts(plain)))) == (Outcome.SKIPPED, ["SEALS_NONE"])
    bare = f.facts(f.stapled(f.issue(f.make_record(files=()))), documents=())
    assert codes(step(bare)) == ["SEALS_NO_FILES"]
    assert step(s.facts(k.packed(k.plain(sealed=False)))).outcome is Outcome.FAILED  # another license all the same


def test_a_file_that_the_record_does_not_bind_is_a_matter_of_step_1() -> None:
    digest, other = read_document(io.BytesIO(k.packed(k.plain(sealed=False))))
    facts = s.facts(documents=(digest,), sealed=(other,))
    assert codes(step(facts)) == ["SEALS_NONE"]
    assert verify(facts).cause_code == "BYTES_SIZE_DIFFERS"


def with_token(name: str = t.STAMPER, time: int = t.STAMPED) -> bytes:
    """The sealed license with a time-stamp over its seal signature."""
    files, signer = s.as_files(s.license_file()), ses.party("signer")
    path = k.Seal().path

    def stamp(signature: bytes) -> bytes:
        return t.tsa(name).stamp(signature, time)

    digest = sm3(files[path])
    value = make_signature(k.image(), digest, f"/{path}", k.SIGNED, signer.certificate, signer.sign, stamp)
    return k.packed(files | {path.replace("Signature.xml", "SignedValue.dat"): value})


def test_a_token_on_a_seal_is_judged_as_the_token_of_a_record() -> None:
    authority = f.make_authority(name="时间戳", certificate=t.certificate(t.ROOT).der, service="tsa")
    trust = s.trust()
    listed = replace(trust, authorities=(*trust.authorities, authority))
    above = tuple(sorted((*s.LISTS.crls, t.crl(t.ROOT), t.crl(t.ISSUING))))
    data = ValidationData((t.certificate(t.ISSUING).der,), above, ())
    honest = step(s.facts(with_token(), trust=listed, seal_data=data))
    assert (honest.outcome, codes(honest)) == (Outcome.PASSED, ["OFD_SEAL_HOLDS"])
    unlisted = step(s.facts(with_token(), seal_data=data))
    assert (unlisted.outcome, codes(unlisted)) == (Outcome.UNDETERMINED, ["TIME_TOKEN_PATH_REFUSED"])
    stranger = step(s.facts(with_token(t.RIVAL), trust=listed, seal_data=data))
    assert stranger.outcome is Outcome.UNDETERMINED
    revoked = tuple(sorted((*s.LISTS.crls, t.crl(t.ROOT), t.crl(t.ISSUING, revoked=t.STAMPED - 60))))
    fallen = step(s.facts(with_token(), trust=listed, seal_data=replace(data, crls=revoked)))
    assert (fallen.outcome, codes(fallen)) == (Outcome.FAILED, ["TIME_TOKEN_REVOKED"])


# ---- the gatherer ---------------------------------------------------------------------------------------------------


class Counted(io.BytesIO):
    most = 0

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        self.most = max(self.most, len(found))
        return found


def test_only_files_that_begin_as_sealed_ones_are_held_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Counted(bytes(3 << 20))
    assert read_document(plain)[1] is None
    assert plain.most <= 1 << 20
    package = k.packed(k.plain(sealed=False))
    digest, found = read_document(io.BytesIO(package))
    assert found == sealed.SealedFile(digest, "ofd", package)
    assert (digest.size, read_document(io.BytesIO(b"PK\x03\x04" + bytes(99)))[1]) == (len(package), None)
    small = replace(sealed.FORMATS[0], most=len(package) - 1)
    monkeypatch.setattr(sealed, "FORMATS", (small,))
    cut = read_document(io.BytesIO(package))
    assert cut == (digest, sealed.SealedFile(digest, "ofd", None))
    facts = s.facts(package)
    assert (step(facts).outcome, codes(step(facts))) == (Outcome.SKIPPED, ["SEALS_TOO_LARGE"])


@pytest.mark.parametrize("hidden", [b"/Byte#52ange", b"/#42#79#74#65#52#61#6E#67#65", b"/#62yteRange"])
def test_a_signature_whose_name_is_written_in_numbers_does_not_hide(hidden: bytes) -> None:
    data = b"%PDF-1.7\n1 0 obj <</Type /Sig " + hidden + b" [0 1 2 3]>> endobj"
    honest = b"#62" not in hidden  # which is another name
    assert (sealed.format_of(data) is not None) is honest
    assert (read_document(io.BytesIO(b"junk\n" * 200 + data))[1] is not None) is honest
    assert read_document(io.BytesIO(b"junk\n" * 205 + data))[1] is None  # no reader looks as far


def test_a_signed_pdf_that_begins_as_a_zip_does_not_hide() -> None:
    data = b"PK\x03\x04 %PDF-1.7\n1 0 obj <</Type /Sig /ByteRange [0 1 2 3]>> endobj"
    found = read_document(io.BytesIO(data))[1]
    assert found is not None and found.format == "pdf"


def test_a_document_that_only_others_can_read_is_not_said_to_bear_no_seal() -> None:
    ses.require_sm2()
    data = b"junk\n%PDF-1.7\n1 0 obj <</Type /Sig /Byte#52ange [0 1 2 3]>> endobj"
    result = step(s.facts(data))
    assert (result.outcome, codes(result)) == (Outcome.UNDETERMINED, ["SEALS_UNREADABLE"])


def test_documents_are_digested_as_they_were_judged(tmp_path: Path) -> None:
    paths = [tmp_path / "a", tmp_path / "b"]
    paths[0].write_bytes(b"text")
    paths[1].write_bytes(k.packed(k.plain(sealed=False)))
    read = read_documents(paths)
    assert [type(d) for d in read["documents"]] == [FileDigest] * 2
    assert [one.document for one in read["sealed"]] == [read["documents"][1]]
    assert read_documents([]) == {"documents": (), "sealed": None}
    with pytest.raises(InputError, match="DIGEST_FILE"):
        read_documents([tmp_path / "none"])


def test_evidence_for_seals_is_told_by_its_content() -> None:
    from ledger.crypto import pem

    ses.require_sm2()
    certificate, crl = ses.authority(), ses.revocations()
    found = read_seal_data([pem.write("X509 CRL", crl).encode(), certificate])
    assert found is not None
    assert (found.certificates, found.crls, found.ocsps) == ((certificate,), (crl,), ())
    assert read_seal_data([]) is None
    for wrong in (b"", b"text", b"-----BEGIN X-----\n"):
        with pytest.raises(InputError, match="SEALS_DATA"):
            read_seal_data([wrong])
