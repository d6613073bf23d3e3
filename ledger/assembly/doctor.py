"""What can be wrong with an installation or a data folder, each in one line with its remedy. Nothing is changed, but
revocation data are fetched, or made by a test CA, where they are needed."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from ledger import __version__
from ledger.assembly import doctor_keys
from ledger.assembly.app import App
from ledger.assembly.doctor_keys import FAILED, OK, SOON, WARNING, Line
from ledger.assembly.trusting import with_listed
from ledger.core.registries import Suite
from ledger.core.trust import Trust
from ledger.crypto import sm2
from ledger.errors import ConfigError, Language, NotFoundError, ZhengyinError, message
from ledger.outside.timestamp_client import host_of
from ledger.proofs.headers import UNSEALED
from ledger.settings import load_settings
from ledger.store.segments import SegmentFolders
from ledger.verification.words import instant

LEAST_DISK = 1 << 30
AHEAD = 120
"""Seconds that the chain's newest block may lie after this machine's clock."""
ASKED = b"zhengyin/doctor"
"""What time-stamp authorities are asked to stamp."""
QUIET = 30 * 86_400
"""Seconds without a block after which the clock is asked about."""
STALE = 86_400
"""Seconds: trust or chain dated that far after the clock means the clock is wrong, not merely late."""


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    outcome: str
    code: str
    values: dict[str, Any]

    def text(self, language: Language) -> str:
        return message(self.code, language, self.values)


def examine(home: Path, clock: Callable[[], float] = time.time) -> list[Check]:
    """Every check that can run; what a broken part keeps from being checked is left out."""
    found = [_versions(), _sm2(), _disk(home)]
    try:
        settings = load_settings(home)
    except ZhengyinError as e:
        return [*found, _problem("settings", e)]
    found.append(Check("settings", OK, "DOCTOR_SETTINGS", {"home": str(home)}))
    with App(settings, clock) as app:
        for name, look in (
            ("keys", doctor_keys.keys), ("certificates", doctor_keys.certificates),
            ("signers", doctor_keys.signers), ("profile", _profile),
            ("crls", doctor_keys.crls), ("time-stamps", _timestamps),
            ("chain", _chain), ("store", _store),
            ("segments", _segments), ("trust", _trust), ("trust list", _trust_list), ("lock", _lock),
            ("outbox", _outbox),
        ):  # fmt: skip
            try:
                found += [Check(name, *line) for line in look(app)]
            except ZhengyinError as e:
                found.append(_problem(name, e))
            except OSError as e:
                found.append(Check(name, FAILED, "CLI_SYSTEM", {"reason": e.strerror, "file": e.filename}))
    return found


def _problem(name: str, error: ZhengyinError) -> Check:
    return Check(name, FAILED, error.code, error.values)


def _versions() -> Check:
    names = ("cryptography", "SQLAlchemy", "py-evm")
    known = [f"zhengyin {__version__}"]
    for name in names:
        try:
            known.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            known.append(f"{name} –")
    python = ".".join(map(str, sys.version_info[:3]))
    return Check("versions", OK, "DOCTOR_VERSIONS", {"python": python, "packages": ", ".join(known)})


def _sm2() -> Check:
    """Only a warning: without SM2, what it signed stays undetermined, and everything else goes on."""
    try:
        return Check("sm2", OK, "DOCTOR_SM2", {"backend": sm2.available()})
    except ConfigError as error:
        return Check("sm2", WARNING, error.code, error.values)


def _disk(home: Path) -> Check:
    place = next(p for p in (home.absolute(), *home.absolute().parents) if p.exists())
    free = shutil.disk_usage(place).free
    values = {"free": f"{free / 2**30:.1f}"}
    return (
        Check("disk", OK, "DOCTOR_DISK", values)
        if free >= LEAST_DISK
        else Check("disk", WARNING, "DOCTOR_DISK_LOW", values)
    )


def _profile(app: App) -> Iterator[Line]:
    """Can each office here sign what it makes in the profile? A record that was accepted waits for its signer."""
    suite, lacking = app.suite, False
    offices = {organisation for organisation, _ in app.keys.held("signing")} if suite.has_sm3 else set()
    for organisation in sorted(offices):
        try:
            app.signers(organisation, suite)
        except ConfigError as e:
            lacking = True
            yield WARNING, e.code, e.values
    if not lacking:
        yield OK, "DOCTOR_PROFILE", {"profile": suite.word}


def _timestamps(app: App) -> Iterator[Line]:
    """Does each time-stamp authority answer one real request? Only a warning: a batch takes a token of any of them."""
    digest = "sm3" if app.suite is Suite.GM else "sha256"
    for url in app.settings.timestamp_urls:
        try:
            client = app.timestamps(app.chain_file.operator, (url,))
            if client is not None:
                client.stamp(ASKED, digest)
                yield OK, "DOCTOR_TIMESTAMP", {"host": host_of(url)}
        except ZhengyinError as e:
            yield WARNING, e.code, e.values


def _chain(app: App) -> Iterator[Line]:
    """A head dated after the clock proves it slow. An old one does not prove it fast, for idle blocks are not made, so
    that is only asked about."""
    head, timestamp = app.chain.head()
    ahead = timestamp - int(app.clock())
    if ahead > AHEAD:
        yield FAILED, "DOCTOR_CLOCK_BEHIND", {"seconds": ahead}
    elif -ahead > QUIET:
        yield WARNING, "DOCTOR_CLOCK_AHEAD", {"days": -ahead // 86_400, "time": instant(timestamp)}
    consensus = app.chain_file.consensus
    if consensus == "embedded":
        yield OK, "DOCTOR_CHAIN", {"block": head.block, "operator": app.chain_file.operator}
    elif consensus == UNSEALED:
        yield WARNING, "DOCTOR_CHAIN_UNSEALED", {"block": head.block}
    else:
        yield OK, "DOCTOR_CHAIN_NETWORK", {"block": head.block, "consensus": consensus}


def _store(app: App) -> Iterator[Line]:
    with app.store.read() as unit:
        counts = unit.records.counts()
        cursor = unit.chain.cursor()
    yield OK, "DOCTOR_STORE", {"records": sum(counts.values()), "block": cursor.block if cursor else "–"}


def _segments(app: App) -> Iterator[Line]:
    copy = app.settings.copy_root
    if copy is None:
        yield WARNING, "DOCTOR_SEGMENTS_ONE", {}
        return
    roots = set(SegmentFolders(app.home.segments).roots())
    behind = len(roots - set(SegmentFolders(copy).roots())) if copy.is_dir() else len(roots)
    if behind:
        yield WARNING, "DOCTOR_SEGMENTS_BEHIND", {"count": behind, "copy": str(copy)}
    else:
        yield OK, "DOCTOR_SEGMENTS", {"count": len(roots), "copy": str(copy)}


def _trust(app: App) -> Iterator[Line]:
    content, now = app.trust.content(), app.clock()
    if content.issued - now > STALE:
        yield FAILED, "DOCTOR_CLOCK_BEHIND", {"seconds": int(content.issued - now)}
        return  # how many days are left nobody knows
    left = content.expires - now
    values = {"version": content.version, "days": int(left // 86_400)}
    if left <= 0:
        yield FAILED, "DOCTOR_TRUST_EXPIRED", values
    elif left < SOON:
        yield WARNING, "DOCTOR_TRUST_ENDS", values
    else:
        yield OK, "DOCTOR_TRUST", values


def _trust_list(app: App) -> Iterator[Line]:
    """Does the trust file say what the chain's list says? Verifiers offline see nothing else."""
    content = app.trust.content()
    if app.chain_file.contracts.trust_list is None:
        yield OK, "DOCTOR_TRUST_LIST_NONE", {}
    elif with_listed(app, content) != content:
        yield WARNING, "DOCTOR_TRUST_LIST_AHEAD", {"version": content.version}
    else:
        yield OK, "DOCTOR_TRUST_LIST", {"services": len(content.authorities)}
    if app.chain_file.contracts.trust_list is not None:
        yield from _published(app, content)


def _published(app: App, content: Trust) -> Iterator[Line]:
    """What the council published on chain tells an older file, and another one under the same number, from its own."""
    try:
        found = app.trust_list.published()
    except NotFoundError:
        return
    values = {"published": found.number, "version": content.version}
    if found.number > content.version:
        yield WARNING, "DOCTOR_TRUST_PUBLISHED_NEWER", values
    elif found.number == content.version and found.document != content.fingerprint():
        yield FAILED, "DOCTOR_TRUST_PUBLISHED_OTHER", values
    else:
        yield OK, "DOCTOR_TRUST_PUBLISHED", values


def _lock(app: App) -> Iterator[Line]:
    """Restored and not audited since, or in the midst of a rebuild: nothing is accepted."""
    app.permit()
    yield OK, "DOCTOR_LOCK_NONE", {}


def _outbox(app: App) -> Iterator[Line]:
    with app.store.read() as unit:
        waiting = sum(n for _, _, n in unit.records.waiting())
        refused = len(unit.batches.in_states(("refused",)))
    if refused:
        yield WARNING, "DOCTOR_OUTBOX_REFUSED", {"refused": refused, "waiting": waiting}
    else:
        yield OK, "DOCTOR_OUTBOX", {"waiting": waiting}
