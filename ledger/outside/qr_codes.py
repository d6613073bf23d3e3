"""QR codes (ISO/IEC 18004) as pictures: what is printed beside a license, for the page to read."""

from __future__ import annotations

import io
from pathlib import Path

from ledger.errors import InputError

FORMATS = ("png", "svg")
LEVEL = "m"
"""Error correction: 15 % of the symbol may be unreadable, as on paper that was folded."""
LARGEST = 20
"""Version: 97 modules a side. Phones read larger ones from paper only if they are printed larger than a stamp."""
QUIET, SCALE = 4, 8  # modules of the quiet zone that the standard asks for; pixels a module


def picture_format(path: Path) -> str:
    """``png`` or ``svg``, by the file's suffix. Raises InputError QR_FORMAT."""
    found = path.suffix.removeprefix(".").lower()
    if found not in FORMATS:
        raise InputError("QR_FORMAT", file=path.name, known=", ".join(f".{f}" for f in FORMATS))
    return found


def draw(text: str, format_: str) -> bytes:
    """A picture of the QR code that holds ``text``.

    Raises:
        InputError: QR_TOO_LONG: it would be larger than version `LARGEST`.
    """
    import segno

    try:
        code = segno.make_qr(text, error=LEVEL, boost_error=False)
    except segno.DataOverflowError as e:
        raise InputError("QR_TOO_LONG", length=len(text), version=LARGEST) from e
    if not isinstance(code.version, int) or code.version > LARGEST:
        raise InputError("QR_TOO_LONG", length=len(text), version=LARGEST)
    out = io.BytesIO()
    code.save(out, kind=format_, scale=SCALE, border=QUIET)
    return out.getvalue()
