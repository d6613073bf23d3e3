"""Whose certificate is it? The number by which the state knows its subject, whoever issued the certificate.

Authorities write that number in places and forms of their own (GM/T 0015-2012 and -2023, older RSA profiles, house
extensions, ETSI EN 319 412-1), so there is a table of places; what stands there must be a number whose check is right.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from ledger.core.identifiers import require_citizen_number, require_uscc
from ledger.crypto import der
from ledger.crypto.certificate_facts import attributes_of, extensions_of, text_of
from ledger.crypto.certificates import read_certificate
from ledger.errors import InputError

Kind = Literal["person", "organisation"]
USCC, ORGANISATION_CODE, CITIZEN, PASSPORT = "uscc", "organisationCode", "citizenNumber", "passport"

_DEPTH = 4
# What authorities put before a number: tags of its kind, numbers of their forms ("SF", "1@5007SF0", "ID:").
_TAGGED = r"(?:[0-9A-Z]{0,8}[@:=-])?(?:[0-9]{0,4}[A-Z]{2}[0-9]?)?"
_CORES = {
    USCC: re.compile(_TAGGED + r"([0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10})"),
    ORGANISATION_CODE: re.compile(_TAGGED + r"([0-9A-Z]{8})-?([0-9X])"),
    CITIZEN: re.compile(_TAGGED + r"([1-9][0-9]{16}[0-9X])"),
    PASSPORT: re.compile(r"([A-Z0-9]{6,12})"),
}
_ETSI = re.compile(r"(VAT|NTR|LEI|PAS|IDC|PNO|TIN)([A-Z]{2})-([0-9A-Z._/ -]{1,64})")
_PERSONAL = {"PAS", "IDC", "PNO", "TIN"}
_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


@dataclass(frozen=True, slots=True)
class SubjectIdentity:
    """``scheme``: ``uscc``, ``organisationCode`` (GB 11714), ``citizenNumber``, ``passport``, or the type and country
    of ETSI (``IDCHK``, ``VATDE``); ``value``: upper case, without the authority's tags; personal for a person, so never
    shown. ``source``: object identifier of the extension or attribute it was found in."""

    kind: Kind
    scheme: str
    value: str = field(repr=False)
    source: str


@dataclass(frozen=True, slots=True)
class _Place:
    """Where: an extension, or an attribute of the subject's name. ``schemes``: what may stand there, surest first."""

    oid: str
    schemes: tuple[str, ...]


_EXTENSIONS = (
    _Place("1.2.156.10260.4.4", (USCC,)),  # GM/T 0015-2023
    _Place("1.2.156.10260.4.1.4", (USCC, ORGANISATION_CODE)),
    _Place("1.2.156.10260.4.1.3", (USCC,)),  # the register's number, since 2015 the same
    _Place("1.2.156.10260.4.1.5", (USCC,)),  # the tax number, likewise
    _Place("1.2.156.10260.4.1.1.1", (CITIZEN,)),
    _Place("1.2.156.10260.4.1.1.2", (PASSPORT,)),
    _Place("1.2.156.10260.4.1.1", (CITIZEN,)),
    _Place("1.2.86.11.7.4", (USCC, ORGANISATION_CODE)),  # the profile before SM2
    _Place("1.2.86.11.7.3", (USCC, ORGANISATION_CODE)),
    _Place("1.2.86.11.7.1", (CITIZEN,)),
    _Place("1.2.86.11.7.1.8", (USCC, CITIZEN, ORGANISATION_CODE)),  # Beijing
    _Place("1.2.156.112562.2.1.1.1", (USCC, CITIZEN, ORGANISATION_CODE)),
    _Place("1.2.156.1.8888.148", (USCC, CITIZEN, ORGANISATION_CODE)),  # Shanghai
)
_ATTRIBUTES = (
    _Place("2.5.4.97", (USCC, ORGANISATION_CODE)),  # organizationIdentifier
    _Place("2.5.4.5", (USCC, CITIZEN)),  # serialNumber
)


def identity_of(certificate: bytes, kind: Kind | None = None) -> SubjectIdentity:
    """The one identity of a certificate (DER), or its one identity of ``kind``.

    Raises:
        InputError: ``IDENTITY_NONE`` it names none; ``IDENTITY_AMBIGUOUS`` it names a person and an organisation and
            ``kind`` is open, or two of one kind that differ; ``CERTIFICATE_SYNTAX``, ``CERTIFICATE_EXTENSION_TWICE``.
    """
    found = [identity for identity in identities_of(certificate) if kind in (None, identity.kind)]
    if not found:
        raise InputError("IDENTITY_NONE")
    kinds = {identity.kind for identity in found}
    first = found[0]
    if len(kinds) > 1 or any(not _agree(first, other) for other in found[1:]):
        raise InputError("IDENTITY_AMBIGUOUS")
    return first


def identities_of(certificate: bytes) -> tuple[SubjectIdentity, ...]:
    """All that a certificate (DER) names, the surest scheme first.

    Raises:
        InputError: ``CERTIFICATE_SYNTAX``, ``CERTIFICATE_EXTENSION_TWICE``.
    """
    extensions = extensions_of(certificate)
    try:
        attributes = attributes_of(read_certificate(certificate).subject)
    except (InputError, ValueError) as error:
        raise InputError("CERTIFICATE_SYNTAX") from error
    found: list[SubjectIdentity] = []
    for place in _EXTENSIONS:
        if place.oid in extensions:
            found += _read(place, _texts(extensions[place.oid].value))
    for place in _ATTRIBUTES:
        found += _read(place, [value for oid, value in attributes if oid == place.oid])
    order = (USCC, CITIZEN, PASSPORT, ORGANISATION_CODE)
    unique = {(i.kind, i.scheme, i.value): i for i in reversed(found)}
    return tuple(sorted(unique.values(), key=lambda i: order.index(i.scheme) if i.scheme in order else len(order)))


def _agree(one: SubjectIdentity, other: SubjectIdentity) -> bool:
    """An organisation code is the ninth to seventeenth character of its credit code; a person's passport stands beside
    the citizen number; numbers of other countries stand beside both."""
    if one.scheme == other.scheme:
        return one.value == other.value
    if (one.scheme, other.scheme) == (USCC, ORGANISATION_CODE):
        return one.value[8:17] == other.value
    return True


def _read(place: _Place, texts: list[str]) -> Iterator[SubjectIdentity]:
    for text in texts:
        cleaned = text.strip("\0 \t\r\n").upper()
        etsi = _ETSI.fullmatch(cleaned)
        if etsi is not None:
            yield _by_etsi(place, *etsi.groups())
            continue
        for scheme in place.schemes:
            value = _value(scheme, cleaned)
            if value is not None:
                yield SubjectIdentity(_kind(scheme), scheme, value, place.oid)
                break


def _by_etsi(place: _Place, type_: str, country: str, value: str) -> SubjectIdentity:
    """EN 319 412-1 section 5.1; of China in the scheme that its own authorities use."""
    if country == "CN":
        scheme = CITIZEN if type_ in _PERSONAL else USCC
        number = _value(scheme, value)
        if number is not None:
            return SubjectIdentity(_kind(scheme), scheme, number, place.oid)
    kind: Kind = "person" if type_ in _PERSONAL else "organisation"
    return SubjectIdentity(kind, type_ + country, value.strip(), place.oid)


def _kind(scheme: str) -> Kind:
    return "person" if scheme in (CITIZEN, PASSPORT) else "organisation"


def _value(scheme: str, text: str) -> str | None:
    match = _CORES[scheme].fullmatch(text)
    if match is None:
        return None
    value = "".join(match.groups())
    check = _CHECKS.get(scheme)
    try:
        return value if check is None else check(value)
    except InputError:
        return None


def _organisation_code(text: str) -> str:
    total = sum(weight * int(digit, 36) for weight, digit in zip(_WEIGHTS, text[:8], strict=True))
    if "0123456789X"[-total % 11] != text[8]:
        raise InputError("IDENTITY_NONE")
    return text


_CHECKS: dict[str, Callable[[str], str]] = {
    USCC: require_uscc,
    ORGANISATION_CODE: _organisation_code,
    CITIZEN: require_citizen_number,
}


def _texts(value: bytes, depth: int = 0) -> list[str]:
    """All texts in an extension: a string, a CHOICE or SEQUENCE of tagged ones (GB/T 20518), or bare characters."""
    try:
        elements = der.read_all(value, 16)
    except InputError:
        elements = []
    if not elements or depth == _DEPTH:
        text = _bare(value)
        return [text] if text else []
    found: list[str] = []
    for element in elements:
        text = text_of(element)
        if text is not None:
            found.append(text)
        elif element.tag & 0xA0 or element.tag in (der.OCTET_STRING, der.SET):
            found += _texts(element.content, depth + 1)
    return found


def _bare(value: bytes) -> str | None:
    try:
        return value.decode("ascii")
    except ValueError:
        return None
