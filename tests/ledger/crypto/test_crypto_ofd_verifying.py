"""Sealed OFD documents, honest and attacked: each attack by its own code."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import ofd_kit as k
import pytest
import ses_kit as ses
from hypothesis import given, settings
from hypothesis import strategies as st
from ofd_kit import LIST, PAGE, Files, Seal, element, judged, packed, plain, sealed, xml
from ses_kit import NOW, PASSING

from ledger.core.bundles import ValidationData
from ledger.core.verdicts import Outcome
from ledger.crypto.ofd.documents import MAX_DESCRIPTIONS, MAX_DOCUMENTS, MAX_LIST, MAX_SIGNATURES
from ledger.crypto.ofd.metadata import MAX_FIELDS
from ledger.crypto.ofd.package import read_package
from ledger.crypto.ofd.signatures import MAX_STAMPS
from ledger.crypto.ofd.verifying import verify_package
from ledger.crypto.ses.judging import Judges
from ledger.crypto.ses.making import make_seal, make_signature
from ledger.crypto.ses.paths import root_judges

FAILED, OPEN, PASSED = Outcome.FAILED, Outcome.UNDETERMINED, Outcome.PASSED
ONE, TWO = Seal(), Seal("s002")
VALUE = f"{ONE.folder}/SignedValue.dat"
IMAGE = f"{ONE.folder}/Seal.esl"


@pytest.fixture(autouse=True)
def _sm2() -> None:
    ses.require_sm2()


def codes(report: Any) -> set[str]:
    return {finding.code for step in report.whole.steps for finding in step.findings}


def edited(path: str, old: str, new: str, files: Files | None = None) -> Files:
    files = dict(files or sealed())
    assert old.encode() in files[path], old
    return files | {path: files[path].replace(old.encode(), new.encode())}


def redescribed(old: str, new: str, files: Files | None = None) -> Files:
    """The description changed, and signed again by the signer: what a sealing program may do wrong."""
    files = edited(ONE.path, old, new, files)
    return k.resigned(files, ONE.path, files[ONE.path])


def without(path: str, files: Files | None = None) -> Files:
    return {name: data for name, data in (files or sealed()).items() if name != path}


def twice_listed() -> Files:
    files = sealed()
    entry = element("Signature", ID="s002", BaseLoc=f"/{ONE.path}", Type="Seal")
    return edited(LIST, "</ofd:Signatures>", f"{entry}</ofd:Signatures>", files)


def of_another(by_maker: str = "other maker") -> bytes:
    maker = ses.party(by_maker)
    return make_seal(ses.new_seal(seal_id="other"), maker.certificate, maker.sign)


def borrowed_value() -> Files:
    """A true seal signature of the same signer, over another document."""
    signer = ses.party("signer")
    value = make_signature(k.image(), ses.DOCUMENT, f"/{ONE.path}", k.SIGNED, signer.certificate, signer.sign)
    return sealed() | {VALUE: value}


def moved() -> Files:
    """The whole folder of a seal under another name: the seal says where it belongs."""
    files = {name.replace("Sign_s001", "Sign_s009"): data for name, data in sealed().items()}
    files = edited(LIST, "Sign_s001", "Sign_s009", files)
    path = "Doc_0/Signs/Sign_s009/Signature.xml"
    files = edited(path, "Sign_s001", "Sign_s009", files)
    return files | {path.replace("Signature.xml", "SignedValue.dat"): k.signed(files[path], f"/{ONE.path}")}


def taken_away() -> Files:
    """Of two seals the first is struck from the list, and its files stay because the second covers them."""
    files = sealed(None, ONE, TWO)
    entry = element("Signature", ID="s001", BaseLoc=f"/{ONE.path}", Type="Seal")
    return edited(LIST, entry, "", files)


def with_page() -> Files:
    return sealed() | {"Doc_0/Pages/Page_1/Content.xml": xml("Page", "")}


def second_document() -> Files:
    body = element("DocBody", element("DocInfo") + element("DocRoot", "Doc_1/Document.xml"))
    files = plain() | {"OFD.xml": plain()["OFD.xml"].replace(b"</ofd:OFD>", body.encode() + b"</ofd:OFD>")}
    return sealed(files | {"Doc_1/Document.xml": b"<a/>"}, Seal(leaves=("Doc_1/Document.xml",)))


def weak(method: str | None) -> Callable[[], Files]:
    return lambda: sealed(None, Seal(method=method))


TWICE = element("Reference", element("CheckValue", k.digest(None, plain()[PAGE])), FileRef=f"/{PAGE}")
NOWHERE = element("StampAnnot", PageRef="1", Boundary="1 2 3")
ATTACKS: dict[str, tuple[Callable[[], Files], str]] = {
    "a page changed": (lambda: edited(PAGE, "准予", "不予"), "OFD_REFERENCE_DIFFERS"),
    "a page taken out": (lambda: without(PAGE), "OFD_REFERENCE_MISSING"),
    "a page added": (with_page, "OFD_NOT_COVERED"),
    "a document added": (second_document, "OFD_NOT_COVERED"),
    "a page never sealed": (lambda: sealed(None, Seal(leaves=(PAGE,))), "OFD_NOT_COVERED"),
    "the entry never sealed": (lambda: sealed(None, Seal(leaves=("OFD.xml",))), "OFD_NOT_COVERED"),
    "the license's number changed": (lambda: edited("OFD.xml", "20230000403", "20230000404"), "OFD_REFERENCE_DIFFERS"),
    "the description changed": (lambda: edited(ONE.path, "120.5", "20.5"), "SES_DOCUMENT"),
    "a value of another document": (borrowed_value, "SES_DOCUMENT"),
    "another place": (moved, "SES_PROPERTY"),
    "another picture": (lambda: sealed() | {IMAGE: of_another()}, "OFD_REFERENCE_DIFFERS"),
    "another picture, uncovered": (
        lambda: sealed(None, Seal(leaves=(IMAGE,))) | {IMAGE: of_another()},
        "SES_SEAL_DIFFERS",
    ),
    "no value": (lambda: without(VALUE), "OFD_MISSING"),
    "no picture": (lambda: without(IMAGE), "OFD_MISSING"),
    "garbage for a value": (lambda: sealed() | {VALUE: b"0"}, "SES_SYNTAX"),
    "an empty list": (lambda: plain() | {LIST: xml("Signatures", "")}, "OFD_LIST_EMPTY"),
    "no list": (lambda: without(LIST), "OFD_MISSING"),
    "no entry": (lambda: without("OFD.xml"), "OFD_ENTRY"),
    "no document": (lambda: without("Doc_0/Document.xml"), "OFD_MISSING"),
    "a list outside": (lambda: edited("OFD.xml", f"/{LIST}", "../../x"), "OFD_PATH"),
    "a path with two readings": (
        lambda: (
            sealed(plain() | {"Doc_0/Signs/Doc_0/Signs/Sign_s001/Signature.xml": b"x"})
            | {LIST: sealed()[LIST].replace(b'"/Doc_0', b'"Doc_0')}
        ),
        "OFD_PATH_TWO",
    ),
    "one description listed twice": (twice_listed, "OFD_ID_TWICE"),
    "one id twice": (lambda: edited(LIST, "s002", "s001", sealed(None, ONE, TWO)), "OFD_ID_TWICE"),
    "an unknown type": (lambda: edited(LIST, '"Seal"', '"Stamp"'), "OFD_TYPE"),
    "a seal struck from the list": (taken_away, "OFD_SEAL_UNLISTED"),
    "a closed list reopened": (lambda: sealed(None, Seal(closes=True), TWO), "OFD_REFERENCE_DIFFERS"),
    "MD5 by silence": (weak(None), "OFD_DIGEST_WEAK"),
    "SHA-1": (weak("SHA1"), "OFD_DIGEST_WEAK"),
    "an unknown digest": (weak("BLAKE3"), "OFD_DIGEST_UNKNOWN"),
    "a digest that is none": (
        lambda: sealed(None, Seal(extra={"/x": "AAAA"})),
        "OFD_CHECK_VALUE",
    ),
    "no Base64": (lambda: sealed(None, Seal(extra={"/x": "!"})), "OFD_CHECK_VALUE"),
    "one file covered twice": (
        lambda: redescribed("</ofd:References>", f"{TWICE}</ofd:References>"),
        "OFD_REFERENCE_TWICE",
    ),
    "nothing covered": (lambda: nothing_covered(), "OFD_REFERENCES_NONE"),
    "nowhere": (
        lambda: sealed(None, Seal(stamps=element("StampAnnot", PageRef="1", Boundary="1 2 3"))),
        "OFD_BOUNDARY",
    ),
    "two values": (
        lambda: redescribed("<ofd:SignedValue>", "<ofd:SignedValue>/x</ofd:SignedValue><ofd:SignedValue>"),
        "OFD_XML_SHAPE",
    ),
    "an entity": (lambda: edited(LIST, "<ofd:Signatures", "<!DOCTYPE x><ofd:Signatures"), "OFD_XML_DOCTYPE"),
    "a base that nobody knows": (lambda: sealed(None, ONE, Seal("s002", base="s007")), "OFD_BASE_UNKNOWN"),
    "a base that is not covered": (
        lambda: sealed(None, ONE, Seal("s002", base="s001", leaves=(VALUE,))),
        "OFD_BASE_NOT_COVERED",
    ),
    "more documents than anybody needs": (
        lambda: edited("OFD.xml", "<ofd:DocBody>", "<ofd:DocBody/>" * MAX_DOCUMENTS + "<ofd:DocBody>"),
        "OFD_MANY",
    ),
    "more signatures than anybody needs": (lambda: many_signatures(), "OFD_MANY"),
    "an endless list": (lambda: edited(LIST, "<ofd:MaxSignId>", " " * MAX_LIST + "<ofd:MaxSignId>"), "OFD_MANY"),
    "endless descriptions": (
        lambda: edited(ONE.path, "<ofd:SignedInfo>", " " * MAX_DESCRIPTIONS + "<ofd:SignedInfo>"),
        "OFD_MANY",
    ),
    "endless metadata": (lambda: sealed(plain([("KZ_X", "x")] * (MAX_FIELDS + 1))), "OFD_MANY"),
    "more places than anybody needs": (lambda: sealed(None, Seal(stamps=ONE.stamps * (MAX_STAMPS + 1))), "OFD_MANY"),
    "two titles": (lambda: sealed(plain((*k.METADATA, ("ZZBS", "1.2.3")))), "OFD_METADATA_TWICE"),
}


def many_signatures() -> Files:
    files = sealed()
    for number in range(MAX_SIGNATURES + 1):
        seal = Seal(f"t{number}")
        files = k.with_listed(files, seal) | {seal.path: b"<a/>"}
    return files


def nothing_covered() -> Files:
    files = sealed()
    text = files[ONE.path].decode()
    start, end = text.index("<ofd:Reference "), text.index("</ofd:References>")
    return k.resigned(files, ONE.path, (text[:start] + text[end:]).encode())


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_fail_by_their_code(name: str) -> None:
    make, code = ATTACKS[name]
    report = judged(packed(make(), 0))
    assert (report.outcome, report.exit_code) == (FAILED, 1)
    found = [f.code for step in report.whole.steps for f in step.findings if f.outcome is FAILED]
    assert code in found, found
    assert "{" not in report.text("en") + report.text("zh")


def test_an_honest_package_passes_with_what_it_proves() -> None:
    report = judged(k.license())
    assert (report.indication.value, report.exit_code, report.cause_code) == ("TOTAL-PASSED", 0, None)
    assert codes(report) == {"OFD_SEAL_HOLDS", "OFD_LIST_OPEN"}
    found = report.to_json()
    (seal,) = found["seals"]
    assert (found["about"], seal["about"], len(seal["steps"])) == ("ofd", "ofdSeal", 24)
    assert seal["proved"]["stamps"] == [{"page": "1", "boundary": "120.5 200 40 40"}]
    assert (seal["proved"]["id"], seal["proved"]["name"], seal["proved"]["covered"]) == ("s001", "示范专用章", 5)
    (license_,) = found["proved"]["licenses"]
    assert (license_["identifier"], license_["issuerCode"]) == (k.IDENTIFIER, "114401000700000148")
    assert "张三" not in str(found)


@pytest.mark.parametrize("method", ["SM3", "sm3", "SHA-256", "SHA256", "1.2.156.10197.1.401"])
def test_good_digests_pass_by_any_of_their_names(method: str) -> None:
    files = sealed(None, Seal(method=method if method != "SHA256" else "SHA-256"))
    if method == "SHA256":
        files = redescribed('"SHA-256"', '"SHA256"', files)
    assert judged(files).outcome is PASSED


def test_paths_may_be_relative_and_the_type_may_be_silent() -> None:
    files = sealed(None, Seal(kind=None))
    assert judged(files).outcome is PASSED
    relative = edited(LIST, "/Doc_0/Signs/Sign", "Sign", files)
    relative = redescribed("/Doc_0/Signs/Sign_s001/", "", relative)
    assert codes(judged(relative)) == {"OFD_SEAL_HOLDS", "OFD_LIST_OPEN"} | set()


def test_every_seal_of_several_is_verified_and_their_order_told() -> None:
    report = judged(sealed(None, ONE, TWO, Seal("s003", base="s002", closes=True)))
    assert report.outcome is PASSED
    assert [seal.proved["covers"] for seal in report.seals] == [[], ["s001"], ["s001", "s002"]]
    assert codes(report) == {"OFD_SEAL_HOLDS", "OFD_SEAL_COVERS"}


def test_what_a_later_seal_adds_is_no_matter_of_the_earlier_one() -> None:
    files = sealed(sealed() | {"Doc_0/Annots/Annot.xml": b"<a/>"}, TWO)
    report = judged(files)
    assert report.outcome is PASSED
    first, second = ({f.code for step in seal.steps for f in step.findings} for seal in report.seals)
    assert "OFD_SCOPE_PART" in first - second


def test_a_later_seal_with_an_earlier_time_is_open() -> None:
    report = judged(sealed(None, ONE, Seal("s002", at=k.SIGNED - ses.DAY)))
    assert (report.outcome, report.cause_code) == (OPEN, "OFD_ORDER_TIMES")


def test_one_bad_seal_spoils_the_file_and_the_one_that_rests_on_it() -> None:
    files = sealed(None, ONE, Seal("s002", base="s001"))
    report = judged(files | {VALUE: files[f"{TWO.folder}/SignedValue.dat"]})
    assert report.outcome is FAILED
    first, second = report.seals
    assert (first.cause_code, second.outcome) == ("SES_DOCUMENT", FAILED)
    assert "OFD_BASE_REFUSED" in {f.code for step in second.steps for f in step.findings}


def test_nothing_is_valid_by_silence() -> None:
    assert verify_package(k.license(), NOW).cause_code == "SES_MAKER_NOT_JUDGED"
    assert judged(plain(sealed=False)).cause_code == "OFD_NO_SEALS"
    judges = dataclasses.replace(PASSING, signer=ses.refuse("REVOCATION_REVOKED"))
    assert (judged(k.license(), judges).outcome, judged(k.license(), judges).cause_code) == (
        FAILED,
        "REVOCATION_REVOKED",
    )
    assert judged(k.license(), Judges()).outcome is OPEN


def test_lists_that_a_file_brings_along_count_beside_those_of_the_verifier() -> None:
    nothing, lists = ValidationData((), (), ()), ValidationData((), (ses.revocations(),), ())
    judges = root_judges([ses.authority()], nothing)
    assert judged(k.license(), judges).cause_code == "REVOCATION_MISSING"
    assert judged(k.license(), judges.knowing(lists).knowing(nothing)).outcome is PASSED
    assert Judges().knowing(lists) == Judges()


def test_several_versions_are_not_decided() -> None:
    versions = element("Versions", element("Version", ID="1", Index="0", BaseLoc="x"))
    files = plain()
    files["OFD.xml"] = files["OFD.xml"].replace(b"</ofd:DocRoot>", b"</ofd:DocRoot>" + versions.encode())
    assert (judged(sealed(files)).outcome, judged(sealed(files)).cause_code) == (OPEN, "OFD_VERSIONS")


def test_a_seal_that_shows_nowhere_is_said() -> None:
    report = judged(sealed(None, Seal(stamps="")))
    assert report.outcome is PASSED
    assert "OFD_NO_STAMP" in {f.code for f in report.seals[0].steps[0].findings}


def test_an_existence_proved_later_bounds_the_time_of_signing() -> None:
    assert verify_package(k.license(), NOW, PASSING, k.SIGNED + 1).outcome is PASSED
    assert verify_package(k.license(), NOW, PASSING, k.SIGNED - 1).cause_code == "SES_SIGNED_LATER"


# ---- every byte, every mutation -------------------------------------------------------------------------------------


def test_every_byte_of_every_file_counts() -> None:
    """But those of the list itself, which stays open for further seals."""
    files = k.honest()
    for path, data in files.items():
        if path == LIST:
            continue
        for at in range(0, len(data), max(1, len(data) // 30)):
            changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            assert judged(packed(files | {path: changed}, 0)).outcome is FAILED, (path, at)


ODDITIES = st.binary(max_size=20) | st.sampled_from([b"<ofd:a>", b'"/>', b"../", b"\0"])


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(range(8)), st.floats(0, 1), st.integers(0, 30), ODDITIES)
def test_mutated_packages_are_judged_without_a_fault(which: int, place: float, cut: int, put: bytes) -> None:
    files = k.honest()
    path = sorted(files)[which]
    old = files[path]
    at = int(place * len(old))
    new = old[:at] + put + old[at + cut :]
    data = packed(files | {path: new}, 0)
    report = judged(data)
    assert path == LIST or new == old or report.outcome is FAILED
    assert report.to_json()["exitCode"] in (0, 1, 3)
    assert read_package(data).files[path] == new
