"""Sealing a PDF: what is refused before anything is signed, and what the sealed file has in it."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest
from pdf_kit import NOW, Kit, Stamps, document, judges, picture, sealed, sealing, verify_pdf

from ledger.core.verdicts import Outcome
from ledger.crypto.foreign_cms import verify_foreign
from ledger.crypto.pdf.reading import read_signed
from ledger.crypto.ses.values import Picture
from ledger.crypto.timestamps import over, verify_token
from ledger.errors import ConfigError, InputError, UnavailableError
from ledger.outside.pdf_seals import Placement, seal_pdf


def refused(pki: Kit, data: bytes, code: str, **changes: object) -> None:
    with pytest.raises(InputError, match=code):
        seal_pdf(data, replace(sealing(pki.leaf("ca-i")), **changes), NOW)  # type: ignore[arg-type]


def test_what_is_no_pdf_is_refused(pki: Kit) -> None:
    refused(pki, b"%PDF-1.7 and nothing more", "PDF_SYNTAX")


@pytest.mark.parametrize("page", [2, -3])
def test_a_page_that_is_not_there_is_refused(pki: Kit, page: int) -> None:
    refused(pki, document(), "PDF_PAGE", placement=Placement(page, 10, 10))


def test_a_field_is_used_once(pki: Kit) -> None:
    refused(pki, sealed(pki), "PDF_FIELD")


def test_a_picture_of_another_kind_than_it_says_is_refused(pki: Kit) -> None:
    refused(pki, document(), "SES_PICTURE_TYPE", picture=Picture("PNG", b"GIF89a" + bytes(30), 40, 40))
    refused(pki, document(), "SES_PICTURE_TYPE", picture=Picture("SVG", b"<svg/>", 40, 40))
    refused(pki, document(), "SES_PICTURE_TYPE", picture=Picture("JPG", b"\xff\xd8\xff" + bytes(30), 40, 40))


def test_a_flood_of_pixels_is_refused_before_it_is_unpacked(pki: Kit) -> None:
    from PIL import Image

    output = BytesIO()
    Image.new("1", (9000, 9000)).save(output, "PNG")
    refused(pki, document(), "SES_PICTURE_SIZE", picture=Picture("PNG", output.getvalue(), 40, 40))
    output = BytesIO()
    Image.new("L", (5000, 5000)).save(output, "JPEG", quality=1)
    refused(pki, document(), "SES_PICTURE_SIZE", picture=Picture("JPG", output.getvalue(), 40, 40))


def test_a_certificate_out_of_date_seals_nothing(pki: Kit) -> None:
    with pytest.raises(ConfigError, match="SIGNER_CERTIFICATE_DATES"):
        seal_pdf(document(), sealing(pki.leaf("ca-i", "expired")), NOW)


def test_an_authority_that_does_not_answer_leaves_no_file(pki: Kit) -> None:
    class Down:
        def stamp(self, data: bytes) -> bytes:
            raise UnavailableError("TIMESTAMP_UNAVAILABLE", reasons="down")

    with pytest.raises(UnavailableError, match="TIMESTAMP_UNAVAILABLE"):
        seal_pdf(document(), sealing(pki.leaf("ca-i")), NOW, Down())


def test_a_token_over_something_else_is_not_taken(pki: Kit) -> None:
    class Wrong(Stamps):
        def stamp(self, data: bytes) -> bytes:
            return super().stamp(b"something else")

    with pytest.raises(InputError, match="TIMESTAMP_IMPRINT"):
        seal_pdf(document(), sealing(pki.leaf("ca-i")), NOW, Wrong(pki, "ca-i"))


@pytest.mark.parametrize("stamps", [None, "ca-e"])
def test_the_cms_has_no_signing_time_and_the_token_is_over_its_signature(pki: Kit, stamps: str | None) -> None:
    (one,) = read_signed(sealed(pki, stamps=stamps)).signatures
    found = verify_foreign(one.contents, one.covered)
    assert found.signing_time is None and one.stated == NOW
    assert set(found.certificates) == set(pki.intermediates("ca-i"))
    assert (found.token is None) is (stamps is None)
    if found.token is not None:
        assert verify_token(found.token, over(found.signature)).time == NOW


def test_everything_for_later_is_in_the_file(pki: Kit) -> None:
    data = sealed(pki, stamps="ca-i")
    stored = read_signed(data).stored
    assert set(pki.intermediates("ca-i")) <= set(stored.certificates) and stored.crls
    assert verify_pdf(data, NOW + 60, judges(pki, ["ca-i"])).outcome is Outcome.PASSED


def test_the_page_shows_the_picture_where_it_was_put(pki: Kit) -> None:
    (one,) = read_signed(sealed(pki)).signatures
    assert one.page == 0 and one.box is not None
    left, bottom, right, top = one.box
    assert (round(left / 72 * 25.4), round(bottom / 72 * 25.4)) == (120, 40)
    assert (round((right - left) / 72 * 25.4), round((top - bottom) / 72 * 25.4)) == (picture().width, picture().height)


def test_a_file_that_breaks_rules_of_its_format_is_sealed_all_the_same(pki: Kit) -> None:
    """As Pillow writes it: its first cross-reference entry has no generation 65535."""
    from PIL import Image

    output = BytesIO()
    Image.new("L", (200, 200), 255).save(output, "PDF")
    data = sealed(pki, data=output.getvalue())
    found = verify_pdf(data, NOW + 60, judges(pki, ["ca-i"]))
    assert found.outcome is Outcome.PASSED, found.text("en")
