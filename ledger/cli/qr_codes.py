"""The QR code beside a license: the page's address with number and code behind ``#``, where no server sees them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ledger.errors import ConfigError

if TYPE_CHECKING:
    from ledger.assembly.app import App


def picture_form(path: Path | None) -> str:
    """Of the picture, by the file's suffix. Raises InputError QR_FORMAT."""
    from ledger.outside.qr_codes import picture_format

    return "" if path is None else picture_format(path)


def write_qr(app: App, record_id: str, code: str | None, path: Path, form: str) -> None:
    """The picture holds the code: whoever has it may ask for the record.

    Raises:
        ConfigError: QR_NO_ADDRESS. InputError: QR_TOO_LONG.
    """
    from ledger.core.verification_code import page_link
    from ledger.outside.qr_codes import draw

    page = app.settings.page_address
    if page is None:
        raise ConfigError("QR_NO_ADDRESS")
    path.write_bytes(draw(page_link(page, record_id, code), form))
