"""Putting seals on OFD documents: what is made is verified, covers what is there, and breaks no earlier seal."""

from __future__ import annotations

from dataclasses import replace

import ofd_kit as kit
import pytest
import ses_kit as ses
from ofd_kit import element, judged, packed, xml

from ledger.crypto.ofd.making import Place, stamp_ofd
from ledger.crypto.ofd.package import read_package
from ledger.crypto.ses.values import Version
from ledger.errors import InputError

PLACE = Place(0, 120, 50)
AREA = element("PhysicalBox", "0 0 210 297")


@pytest.fixture(autouse=True)
def _needs_sm2() -> None:
    ses.require_sm2()


def plain(own: str = "", common: str = AREA) -> kit.Files:
    """A document of one page that is 297 mm high, with ``own`` said by the page."""
    pages = element("Pages", element("Page", ID="1", BaseLoc="Pages/Page_0/Content.xml"))
    data = element("CommonData", element("PageArea", common)) if common else ""
    page = (element("Area", own) if own else "") + element("Content", "准予登记")
    files = kit.plain(sealed=False) | {kit.PAGE: xml("Page", page)}
    return files | {"Doc_0/Document.xml": xml("Document", data + pages)}


def stamped(data: bytes, seal: bytes | None = None, place: Place = PLACE, by: str = "signer") -> bytes:
    signer = ses.party(by)
    return stamp_ofd(data, seal or ses.seal(), signer.certificate, signer.sign, ses.NOW - ses.DAY, place, "zhengyin")


@pytest.mark.parametrize("version", [Version.V4, Version.V5])
def test_a_stamped_document_verifies_and_every_file_of_it_is_covered(version: Version) -> None:
    report = judged(stamped(packed(plain()), ses.seal(version)))
    assert report.whole.cause is None
    (seal,) = report.seals
    assert seal.proved["id"] == "s001"
    assert seal.proved["stamps"] == [{"page": "1", "boundary": "120.00 207.00 40 40"}]
    assert report.identifiers == (kit.IDENTIFIER,)


def test_what_is_changed_or_added_later_is_seen() -> None:
    files = dict(read_package(stamped(packed(plain()))).files)
    assert judged(files | {kit.PAGE: xml("Page", "")}).whole.cause_code == "OFD_REFERENCE_DIFFERS"
    assert judged(files | {"Doc_0/new.xml": b"<a/>"}).whole.cause_code == "OFD_NOT_COVERED"


def test_a_second_seal_covers_the_first_and_leaves_it_whole() -> None:
    once = stamped(packed(plain()))
    twice = stamped(once)
    report = judged(twice)
    assert report.whole.cause is None
    assert [seal.proved["id"] for seal in report.seals] == ["s001", "s002"]
    assert report.seals[1].proved["covers"] == ["s001"]
    before, after = read_package(once).files, read_package(twice).files
    assert {name for name in before if before[name] != after[name]} == {kit.LIST}


def test_a_seal_made_elsewhere_stays_and_a_closed_list_is_not_touched() -> None:
    report = judged(stamped(packed(kit.sealed(plain() | {"OFD.xml": kit.entry()}))))
    assert [seal.cause for seal in report.seals] == [None, None]
    closed = packed(kit.sealed(plain() | {"OFD.xml": kit.entry()}, kit.Seal(closes=True)))
    with pytest.raises(InputError, match="OFD_REFERENCE_DIFFERS"):
        stamped(closed)


def test_the_page_says_its_own_size_before_the_document() -> None:
    (seal,) = judged(stamped(packed(plain(element("PhysicalBox", "0 0 100 150.5"))), place=Place(-1, 1.5, 10))).seals
    assert seal.proved["stamps"][0]["boundary"] == "1.50 100.50 40 40"


@pytest.mark.parametrize(
    ("data", "place", "code"),
    [
        (packed(plain(common="")), PLACE, "OFD_PAGE_SIZE"),
        (packed(plain()), replace(PLACE, page=1), "OFD_PAGE"),
        (packed(plain(element("PhysicalBox", "wide"))), PLACE, "OFD_BOUNDARY"),
        (packed({"OFD.xml": xml("OFD", "")}), PLACE, "OFD_MANY"),
        (b"PK", PLACE, "OFD_ZIP_SYNTAX"),
    ],
)
def test_what_cannot_be_stamped_is_refused(data: bytes, place: Place, code: str) -> None:
    with pytest.raises(InputError, match=code):
        stamped(data, place=place)


def test_a_signer_whom_the_seal_does_not_name_stamps_nothing() -> None:
    with pytest.raises(InputError, match="SES_SIGNER_NOT_LISTED"):
        stamped(packed(plain()), by="other")
    over = ses.seal(valid_until=ses.NOW - 2 * ses.DAY)
    with pytest.raises(InputError, match="SES_SEAL_EXPIRED"):
        stamped(packed(plain()), over)
