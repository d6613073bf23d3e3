"""Lists of trusted entities that came from elsewhere: held against the last one of the same operator, and applied."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from ledger.assembly.app import App
from ledger.assembly.file_acts import install_trust
from ledger.assembly.trusting import DAY, sign
from ledger.core.trust import Trust, TrustFile
from ledger.services.operations import Act
from ledger.services.trust_difference import ServiceChange, applied, difference, require_newer
from ledger.services.trust_lote import TrustedEntities, read_lote
from ledger.store.files import replace_file, translated


@dataclass(frozen=True, slots=True)
class Incoming:
    """A list that may be applied: what it would change, and the next trust file's content with it."""

    data: bytes
    found: TrustedEntities
    changes: list[ServiceChange]
    content: Trust


def incoming(app: App, data: bytes) -> Incoming:
    """Nothing is written.

    Raises:
        InputError: LOTE_…, SHAPE_…, CERTIFICATE_SYNTAX. ConflictError: LOTE_ROLLBACK, LOTE_EXPIRED.
    """
    now, old, found = int(app.clock()), app.trust.content(), read_lote(data)
    kept = _path(app, found)
    before = read_lote(kept.read_bytes()) if kept.exists() else None
    require_newer(found, before, now)
    content = applied(old, found, before, now)
    dated = replace(content, version=old.version + 1, issued=now, expires=now + app.settings.trust_days * DAY)
    # read again as any verifier will: what could not be read must not be signed
    return Incoming(data, found, difference(old, content), Trust.from_json(dated.to_json()))


def apply(app: App, list_: Incoming) -> TrustFile:
    """The next trust file, installed where enough keys lie here; the other members sign it otherwise.

    The list is kept before the file is installed: a crash in between leaves a list that may be applied once more, for
    the same list again is no rollback.

    Raises:
        ConfigError: TRUST_NO_KEYS. UnavailableError: STORE_….
    """
    app.operations.require()
    file = sign(app, list_.content, None)
    _keep(_path(app, list_.found), list_.data)
    after = {"sequence": list_.found.sequence, "changes": len(list_.changes)}
    app.operations.record(Act("trust.list", None, hashlib.sha256(list_.data).hexdigest(), None, after))
    if len(file.signatures) >= file.content.threshold:
        install_trust(app, file)
    return file


def _path(app: App, found: TrustedEntities) -> Path:
    """One file an operator and territory, by a digest: a name from outside is no file name."""
    name = hashlib.sha256(f"{found.territory}\n{found.operator}".encode()).hexdigest()[:32]
    return app.home.trust_lists / f"{name}.json"


def _keep(path: Path, data: bytes) -> None:
    with translated():
        path.parent.mkdir(exist_ok=True)
    replace_file(path, data)
