"""The picture of a seal: its kind, checked against its first bytes, and its size. It is not decoded here, so its
pixels are only counted, for whoever will draw it."""

from __future__ import annotations

from ledger.crypto import der
from ledger.crypto.ses.fields import IA5_STRING, Fields, integer, text
from ledger.crypto.ses.values import MAX_MILLIMETRES, MAX_PICTURE, Picture
from ledger.errors import InputError

MAX_PIXELS = 1 << 24  # 4096 by 4096
_BEGINNINGS = {
    "GIF": (b"GIF87a", b"GIF89a"),
    "BMP": (b"BM",),
    "JPG": (b"\xff\xd8\xff",),
    "JPEG": (b"\xff\xd8\xff",),
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "SVG": (b"<svg", b"<?xml", b"\xef\xbb\xbf<"),
}
_LATER = {"SVG"}  # named since 2025; PNG is in older seals, too


def read(element: der.Element, latest: bool) -> Picture:
    """SES_ESPictrueInfo. ``latest``: by the rules of 2025.

    Raises:
        InputError: ``SES_PICTURE_TYPE`` a kind that is not allowed, or data of another kind;
            ``SES_PICTURE_SIZE`` bytes, millimetres or pixels beyond the limits; ``DER_SHAPE``.
    """
    fields = Fields(element, 4)
    kind = text(fields.take(IA5_STRING)).upper()
    data = fields.take(der.OCTET_STRING).content
    width, height = integer(fields.take(der.INTEGER)), integer(fields.take(der.INTEGER))
    fields.end()
    return checked(Picture(kind, data, width, height), latest)


def checked(picture: Picture, latest: bool) -> Picture:
    """``picture``, within the limits. Raises as ``read``."""
    if not data_fits(picture.kind, picture.data) or (picture.kind in _LATER and not latest):
        raise InputError("SES_PICTURE_TYPE", kind=picture.kind)
    sides = (picture.width, picture.height)
    if len(picture.data) > MAX_PICTURE or not all(1 <= side <= MAX_MILLIMETRES for side in sides):
        raise InputError("SES_PICTURE_SIZE")
    pixels = pixels_of(picture.kind, picture.data)
    if pixels is not None and not 1 <= pixels <= MAX_PIXELS:
        raise InputError("SES_PICTURE_SIZE")
    return picture


def data_fits(kind: str, data: bytes) -> bool:
    return data.startswith(_BEGINNINGS.get(kind, ())) if kind in _BEGINNINGS else False


def pixels_of(kind: str, data: bytes) -> int | None:
    """Width times height as the head of a PNG, GIF or BMP says; None for the other kinds. A head that is cut counts
    as nothing."""
    if kind == "PNG":
        return int.from_bytes(data[16:20], "big") * int.from_bytes(data[20:24], "big")
    if kind == "GIF":
        return int.from_bytes(data[6:8], "little") * int.from_bytes(data[8:10], "little")
    if kind == "BMP":  # a negative height turns the rows over
        height = int.from_bytes(data[22:26], "little", signed=True)
        return abs(int.from_bytes(data[18:22], "little", signed=True) * height)
    return None


def counted(page: int) -> int:
    """As people count pages: from 1, negative from the end."""
    return page if page < 0 else page + 1
