"""Textual encodings (RFC 7468): blocks of base64 between lines that say what they hold."""

from __future__ import annotations

import base64
import binascii
import re

from ledger.errors import InputError

_LINE = 64
# one blank, and no way back into the body: a block without its end must not be tried once for each of its characters
_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9# ]++)-----\s([A-Za-z0-9+/=\s]++)-----END \1-----")


def write(label: str, der: bytes) -> str:
    """One block, with a line break at its end."""
    text = base64.b64encode(der).decode()
    lines = [text[at : at + _LINE] for at in range(0, len(text), _LINE)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----"]) + "\n"


def is_pem(data: bytes) -> bool:
    """Text may stand before the first block (RFC 7468 section 2); DER begins with its tag."""
    return b"-----BEGIN " in data and data[:1] != b"\x30"


def read(data: bytes) -> list[tuple[str, bytes]]:
    """(label, DER) of the blocks, in order. Blocks with headers (RFC 1421, as old encrypted keys have them) are passed
    over like the text between blocks.

    Raises:
        InputError: ``PEM_BASE64``.
    """
    try:
        return [
            (label.decode("ascii"), base64.b64decode(b"".join(body.split()), validate=True))
            for label, body in _BLOCK.findall(data)
        ]
    except binascii.Error:
        raise InputError("PEM_BASE64") from None  # no cause: the block may be a secret
