"""Lengths that a CMS left open (ITU-T X.690 section 8.1.3.6), closed: it is streamed so by Bouncy Castle, and by
``openssl cms -stream``.

Only frames are written so. What is signed is DER in every CMS (RFC 5652 section 5.4), and so is a certificate: an
element of definite length is taken as it is, and whether it is DER is for whoever reads it.
"""

from __future__ import annotations

from ledger.crypto import der
from ledger.errors import InputError

MAX_DEPTH = 12
MAX_ELEMENTS = 4096
_OPEN, _CONSTRUCTED, _HIGH_TAG = 0x80, 0x20, 0x1F
_END = b"\0\0"
_OCTETS_IN_PIECES = der.OCTET_STRING | _CONSTRUCTED


def closed(data: bytes) -> bytes:
    """``data`` with definite lengths, octets in pieces joined; untouched where its own length is definite.

    Raises:
        InputError: ``DER_SYNTAX`` no element, bytes behind its end, or more of them and deeper than any CMS has.
    """
    if len(data) < 2 or data[1] != _OPEN:
        return data
    element, end = _Reader(data).element(0, 0)
    if end != len(data):
        raise InputError("DER_SYNTAX")
    return element


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = MAX_ELEMENTS

    def element(self, at: int, depth: int) -> tuple[bytes, int]:
        """The element that begins ``at``, and where it ends."""
        data, self._left = self._data, self._left - 1
        if depth > MAX_DEPTH or not self._left or len(data) < at + 2 or data[at] & _HIGH_TAG == _HIGH_TAG:
            raise InputError("DER_SYNTAX")
        tag, first = data[at], data[at + 1]
        if first != _OPEN:
            start = at + 2 + (first & 0x7F if first > _OPEN else 0)
            end = start + (first if first < _OPEN else int.from_bytes(data[at + 2 : start], "big"))
            if end > len(data):
                raise InputError("DER_SYNTAX")
            return data[at:end], end
        if not tag & _CONSTRUCTED:
            raise InputError("DER_SYNTAX")
        return self._open(tag, at + 2, depth)

    def _open(self, tag: int, at: int, depth: int) -> tuple[bytes, int]:
        children: list[bytes] = []
        while self._data[at : at + 2] != _END:
            child, at = self.element(at, depth + 1)
            children.append(child)
        if tag == _OCTETS_IN_PIECES:  # section 8.7.3
            return der.write(der.OCTET_STRING, *(der.read(c, der.OCTET_STRING).content for c in children)), at + 2
        return der.write(tag, *children), at + 2
