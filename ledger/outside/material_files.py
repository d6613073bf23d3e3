"""A folder with what a certification authority handed over, sorted by the names' endings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ledger.core.canonical import FORBIDDEN
from ledger.crypto import pem
from ledger.crypto.certificate_files import read_certificates
from ledger.crypto.conformance.findings import Entry, Material
from ledger.errors import InputError

CERTIFICATES = (".crt", ".cer", ".pem", ".der", ".p7b", ".p7c")
LISTS, RESPONSES = (".crl",), (".ors", ".ocsp")
TOKENS, SIGNATURES = (".tst", ".tsr"), (".p7s", ".cms", ".sig")
MAX_FILES = 256
MAX_BYTES = 16 << 20
MAX_KEY_BYTES = 1 << 20
MAX_ENTRIES = 1024  # in one file, by blocks of PEM
_KNOWN = (*CERTIFICATES, *LISTS, *RESPONSES, *TOKENS, *SIGNATURES)


def read_material(folder: Path) -> Material:
    """Files right in ``folder``; what a token or signature is about bears its name without the ending, or its stem with
    an ending of another kind.

    Raises:
        InputError: ``CA_CHECK_EMPTY`` nothing of any kind; ``CA_CHECK_MANY`` more files than the limit.
    """
    try:
        files = sorted(file for file in folder.iterdir() if file.is_file())
    except OSError as error:
        raise InputError("CA_CHECK_EMPTY", folder=str(folder)) from error
    if len(files) > MAX_FILES:
        raise InputError("CA_CHECK_MANY", limit=MAX_FILES)
    unreadable: list[tuple[str, InputError]] = []

    def entries(endings: tuple[str, ...], read: Callable[[Path], list[Entry]]) -> tuple[Entry, ...]:
        found: list[Entry] = []
        for file in files:
            if file.suffix.lower() in endings:
                try:
                    found += read(file)
                except InputError as fault:
                    unreadable.append((_name(file), fault))
        return tuple(found)

    signed: set[Path] = set()

    def sample(file: Path) -> list[Entry]:
        about = _about(file, files)
        signed.update(about[:1])
        return [Entry(e.about, e.der, _bytes(about[0]) if about else None) for e in _plain(file)]

    material = Material(
        entries(CERTIFICATES, _certificates),
        entries(LISTS, _plain),
        entries(RESPONSES, _plain),
        entries(TOKENS, sample),
        entries(SIGNATURES, sample),
        tuple(unreadable),
    )
    if material == Material():
        raise InputError("CA_CHECK_EMPTY", folder=str(folder))
    keys = [file for file in files if _holds_key(file)]
    unknown = [f for f in files if f.suffix.lower() not in _KNOWN and f not in signed and f not in keys]
    return replace(material, unknown=tuple(map(_name, unknown)), keys=tuple(map(_name, keys)))


def _holds_key(file: Path) -> bool:
    """Does a private key lie open in it, or one that is locked by a password alone?"""
    try:
        with file.open("rb") as stream:
            return b"PRIVATE KEY-----" in stream.read(MAX_KEY_BYTES)
    except OSError:
        return False  # said where it is read


def _certificates(file: Path) -> list[Entry]:
    return _numbered(file, list(read_certificates(_filled(file))))


def _plain(file: Path) -> list[Entry]:
    """DER, or the blocks of PEM whatever they say that they hold."""
    data = _filled(file)
    return _numbered(file, [der for _, der in pem.read(data)] if pem.is_pem(data) else [data])


def _numbered(file: Path, ders: list[bytes]) -> list[Entry]:
    name = _name(file)
    if len(ders) > MAX_ENTRIES:
        raise InputError("CA_CHECK_MANY", limit=MAX_FILES)
    return [Entry(name if len(ders) == 1 else f"{name}#{n}", der) for n, der in enumerate(ders, 1)]


def _about(file: Path, files: list[Path]) -> list[Path]:
    named = [other for other in files if other.name == file.stem]
    named += [o for o in files if o.stem == file.stem and o.suffix.lower() not in _KNOWN]
    return named


def _filled(file: Path) -> bytes:
    """A file that a tool left empty when it failed is better called so than a fault of what should be in it."""
    if data := _bytes(file):
        return data
    raise InputError("CA_FILE_EMPTY")


def _bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError("CLI_FILE_MISSING", file=_name(file)) from error
    if len(data) > MAX_BYTES:
        raise InputError("CA_CHECK_MANY", limit=MAX_FILES)
    return data


def _name(file: Path) -> str:
    return FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", file.name)
