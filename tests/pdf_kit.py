"""PDF documents and seals on them, for the tests of ``ledger.crypto.pdf`` and ``ledger.outside.pdf_seals``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from io import BytesIO

from pki_kit import NOW, Kit, Leaf

from ledger.core.bundles import ValidationData
from ledger.crypto.pdf.verifying import verify_pdf
from ledger.crypto.ses.judging import Judges, merged
from ledger.crypto.ses.paths import path_judge
from ledger.crypto.ses.values import Picture
from ledger.crypto.timestamps import over, verify_token
from ledger.outside.pdf_seals import Placement, Sealing, seal_pdf


@cache
def document(pages: int = 2) -> bytes:
    from reportlab.pdfgen.canvas import Canvas

    output = BytesIO()
    canvas = Canvas(output, pageCompression=1, invariant=True)
    for number in range(pages):
        canvas.drawString(72, 720, f"Page {number}: the license says so.")
        canvas.showPage()
    canvas.save()
    return output.getvalue()


@cache
def picture() -> Picture:
    from PIL import Image, ImageDraw

    image = Image.new("RGBA", (200, 200), (0, 0, 0, 0))
    ImageDraw.Draw(image).ellipse((5, 5, 195, 195), outline=(200, 0, 0, 255), width=8)
    output = BytesIO()
    image.save(output, "PNG")
    return Picture("PNG", output.getvalue(), 40, 40)


class Stamps:
    """``ports.TimestampAuthority`` by an authority of the kit."""

    def __init__(self, pki: Kit, ca: str, at: int = NOW) -> None:
        self._pki, self._ca, self._at = pki, ca, at

    def stamp(self, data: bytes) -> bytes:
        return self._pki.token(self._ca, data, self._at)


def sealing(leaf: Leaf, field: str = "Seal1", page: int = 0) -> Sealing:
    return Sealing(leaf.signer, picture(), Placement(page, 120, 40), field, "证照专用")


def sealed(pki: Kit, ca: str = "ca-i", stamps: str | None = None, stored: bool = True, data: bytes | None = None,
           field: str = "Seal1", now: int = NOW) -> bytes:  # fmt: skip
    leaf = pki.leaf(ca)

    def collect(certificate: bytes, token: bytes | None) -> ValidationData:
        return pki.validation(leaf, now)

    authority = Stamps(pki, stamps, now) if stamps else None
    chain = pki.intermediates(ca)
    return seal_pdf(data or document(), sealing(leaf, field), now, authority, collect if stored else None, chain)


def judges(pki: Kit, cas: Sequence[str], data: ValidationData | None = None) -> Judges:
    """By the roots of these authorities; what a file brings along is believed as far as it proves itself."""
    known = data or ValidationData((), (), ())
    judge = path_judge([pki.root(ca) for ca in cas], known.certificates, known.crls, known.ocsps)

    def token(token: bytes, stamped: bytes) -> int:
        return verify_token(token, over(stamped), known.certificates).time

    return Judges(judge, judge, token, lambda more: judges(pki, cas, merged(known, more)))


__all__ = ["NOW", "Kit", "Stamps", "document", "judges", "picture", "sealed", "sealing", "verify_pdf"]
