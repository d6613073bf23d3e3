"""Whose certificates the seals of a package rest on."""

from __future__ import annotations

from ledger.crypto.ofd.documents import read_documents
from ledger.crypto.ofd.package import read_package
from ledger.crypto.ofd.signatures import read_description
from ledger.crypto.ses.parties import parties_of
from ledger.errors import InputError


def package_parties(data: bytes) -> tuple[bytes, ...]:
    """As ``ses.parties.parties_of``, of every seal that can be read; signatures without a seal bring their
    certificates along."""
    try:
        package = read_package(data)
        listed = [one for document in read_documents(package) for one in document.signatures]
    except InputError:
        return ()
    found: dict[bytes, None] = {}
    for one in listed:
        try:
            value = package.files[read_description(package, one).value]
        except InputError:
            continue
        found |= dict.fromkeys(parties_of(value))
    return tuple(found)
