"""Identifiers of things and of who issues and holds them.

- license identifiers, GB/T 36904-2018, with their check character (GB/T 17710, ISO 7064 MOD 37,36);
- unified social credit codes, GB 32100-2015, with the organisation code (GB 11714) inside;
- organisations of other countries: ISO 3166-1 alpha-2 code, colon, number in their register;
- citizen numbers, GB 11643-1999: checked here, never repeated in an error;
- URNs with 128 random bits for every record that is not a license.
"""

from __future__ import annotations

import base64
import re
from calendar import isleap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from operator import mul
from typing import Any

from ledger.errors import InputError

LICENSE_ROOT = "1.2.156.3005.2"
"""Object identifier of e-licenses (电子证照根代码)."""

URN_PREFIX = "urn:zhengyin:"
URN_RANDOM_BYTES = 16
MAX_VERSION = 999
MAX_SERIAL = 64

_LICENSE = re.compile(r"1\.2\.156\.3005\.2\.([0-9A-Z]{21})\.([0-9A-Z]{6,18})\.([0-9A-Z]{1,64})\.([0-9]{3})\.([0-9A-Z])")
_SERIAL = re.compile(r"[0-9A-Z]{1,64}")
_URN = re.compile(r"urn:zhengyin:[a-z2-7]{25}[aeimquy4]")  # last: 3 bits, and 2 spare ones that are zero
_USCC = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}")
_FOREIGN = re.compile(r"([A-Z]{2}):[0-9A-Z][0-9A-Z._/-]{0,28}")
_UNNAMED = re.compile(r"0x[0-9a-f]{64}")
_CITIZEN = re.compile(r"[1-9][0-9]{16}[0-9X]")

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_USCC_DIGITS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_CITIZEN_CHECKS = "10X98765432"
_DAYS = frozenset((date(2000, 1, 1) + timedelta(days)).strftime("%m%d") for days in range(366))
_VALUE = {character: value for value, character in enumerate(_DIGITS)}
_USCC_VALUE = {character: value for value, character in enumerate(_USCC_DIGITS)}


# ISO 7064 MOD 37,36 as an automaton: node p (1 … 36) holds at the code of each character the node that comes after
# it, and at CHECK the check character of what was read so far. One look-up a character is all that millions bear.
_CHECK = 128
_NODES: list[list[Any]] = [[None] * 128 + [_DIGITS[(37 - p) % 36]] for p in range(37)]
for _p, _node in enumerate(_NODES):
    for _c, _v in _VALUE.items():
        _node[ord(_c)] = _NODES[((_p + _v) % 36 or 36) * 2 % 37]


@dataclass(frozen=True, slots=True)
class LicenseIdentifier:
    """A license identifier (证照标识) and its parts.

    ``type_code``: 21 characters, the defining body's credit code and a number; ``issuer_code``: 18, the
    issuing body's credit code; ``serial``: 1 … 64 upper-case letters and digits; ``version``: 1 … 999.
    ``warnings``: codes of what a lenient reading let pass; the identifier is never repaired, because it
    is signed inside the license file.
    """

    type_code: str
    issuer_code: str
    serial: str
    version: int
    check: str
    warnings: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The identifier exactly as it was read."""
        body = f"{self.type_code}.{self.issuer_code}.{self.serial}.{self.version:03d}"
        return f"{LICENSE_ROOT}.{body}.{self.check}"


def parse_license_identifier(text: str, *, strict: bool = True) -> LicenseIdentifier:
    """Parts of a license identifier; ``strict`` for what we issue, lenient for what others issued.

    Raises:
        InputError: ``IDENTIFIER_FORM`` for another shape; if strict, also ``IDENTIFIER_TYPE_CODE``,
            ``IDENTIFIER_ISSUER_CODE``, ``IDENTIFIER_VERSION``, ``IDENTIFIER_CHECK``, which a
            lenient reading returns as warnings.
    """
    match = _LICENSE.fullmatch(text)
    if not match:
        raise InputError("IDENTIFIER_FORM")
    type_code, issuer_code, serial, version, check = match.groups()
    warnings = list(_code_warnings(type_code, issuer_code))
    if version == "000":
        warnings.append("IDENTIFIER_VERSION")
    if check_character(type_code, issuer_code, serial, version) != check:
        warnings.append("IDENTIFIER_CHECK")  # some production systems write another one
    if strict and warnings:
        raise InputError(warnings[0])
    return LicenseIdentifier(type_code, issuer_code, serial, int(version), check, tuple(warnings))


def make_license_identifier(type_code: str, issuer_code: str, serial: str, version: int = 1) -> str:
    """A license identifier with its check character.

    Raises:
        InputError: ``IDENTIFIER_TYPE_CODE``, ``IDENTIFIER_ISSUER_CODE``, ``IDENTIFIER_SERIAL``,
            ``IDENTIFIER_VERSION``.
    """
    return make_license_identifiers(type_code, issuer_code, (serial,), version)[0]


def make_license_identifiers(type_code: str, issuer_code: str, serials: Sequence[str], version: int = 1) -> list[str]:
    """``make_license_identifier`` for each serial.

    Raises:
        InputError: as there.
    """
    prefix = _prefix(type_code, issuer_code)
    if not all(map(_SERIAL.fullmatch, serials)):
        raise InputError("IDENTIFIER_SERIAL")
    if not 1 <= version <= MAX_VERSION:
        raise InputError("IDENTIFIER_VERSION")
    front, tail = f"{LICENSE_ROOT}.{type_code}.{issuer_code}.", f"{version:03d}"
    return [f"{front}{serial}.{tail}.{_read(prefix, serial + tail)[_CHECK]}" for serial in serials]


def check_character(type_code: str, issuer_code: str, serial: str, version: str) -> str:
    """Check character over the four parts without dots and without the root (GB/T 17710)."""
    found: str = _read(_NODES[36], type_code + issuer_code + serial + version)[_CHECK]
    return found


def _read(node: list[Any], text: str) -> list[Any]:
    for character in text.encode():
        node = node[character]
    return node


@lru_cache(1024)
def _code_warnings(type_code: str, issuer_code: str) -> tuple[str, ...]:
    """Faults of the two codes; cached, because the licenses of a batch share them."""
    found = []
    for code, name in ((type_code[:18], "IDENTIFIER_TYPE_CODE"), (issuer_code, "IDENTIFIER_ISSUER_CODE")):
        try:
            require_uscc(code)
        except InputError:
            found.append(name)
    if not re.fullmatch("[0-9]{3}", type_code[18:]) and "IDENTIFIER_TYPE_CODE" not in found:
        found.insert(0, "IDENTIFIER_TYPE_CODE")
    return tuple(found)


@lru_cache(1024)
def _prefix(type_code: str, issuer_code: str) -> list[Any]:
    for warning in _code_warnings(type_code, issuer_code):
        raise InputError(warning)
    return _read(_NODES[36], type_code + issuer_code)


def require_uscc(text: str) -> str:
    """``text`` if it is a unified social credit code: 18 characters, both check characters right.

    Raises:
        InputError: ``USCC_FORM``, ``USCC_CHECK``, or ``USCC_ORGANISATION_CODE`` for the code inside it.
    """
    if not _USCC.fullmatch(text):
        raise InputError("USCC_FORM")
    total = sum(map(mul, _USCC_WEIGHTS, map(_USCC_VALUE.__getitem__, text)))
    if _USCC_DIGITS[-total % 31] != text[17]:
        raise InputError("USCC_CHECK")
    total = sum(map(mul, _ORGANISATION_WEIGHTS, map(_VALUE.__getitem__, text[8:16])))
    if "0123456789X"[-total % 11] != text[16]:
        raise InputError("USCC_ORGANISATION_CODE")
    return text


def organisation_id(text: str) -> str:
    """``text`` if it names an organisation: a credit code, or ``CC:REGISTER-NUMBER`` (32 bytes at most).

    ``CN:`` is refused: an organisation of the mainland has a credit code, and one organisation must not
    have two names.

    Raises:
        InputError: ``ORGANISATION_ID`` or ``USCC_…``.
    """
    if ":" not in text:
        return require_uscc(text)
    match = _FOREIGN.fullmatch(text)
    if not match or match[1] == "CN":
        raise InputError("ORGANISATION_ID")
    return text


def organisation_bytes32(identifier: str) -> bytes:
    """The organisation as contracts hold it: ASCII, left-aligned, zero-padded to 32 bytes.

    Also the bytes of an actor without an id, see ``actor_id``.
    """
    if identifier.startswith("0x"):
        return bytes.fromhex(actor_id(identifier)[2:])
    return organisation_id(identifier).encode("ascii").ljust(32, b"\0")


def organisation_from_bytes32(data: bytes) -> str:
    """Inverse of ``organisation_bytes32``.

    Raises:
        InputError: ``ORGANISATION_BYTES`` unless ``data`` is exactly the form of one organisation.
    """
    try:
        identifier = data.rstrip(b"\0").decode("ascii")
        if organisation_bytes32(identifier) == data:
            return identifier
    except (UnicodeDecodeError, InputError) as error:
        raise InputError("ORGANISATION_BYTES") from error
    raise InputError("ORGANISATION_BYTES")


def actor_id(text: str) -> str:
    """``text`` if it says who changed a status: an organisation, or ``0x`` and the 64 hex digits that the contract
    holds where these are no organisation's id: the council acts under its address, right-aligned.

    Raises:
        InputError: ``ORGANISATION_ID`` or ``USCC_…``.
    """
    if not text.startswith("0x"):
        return organisation_id(text)
    if not _UNNAMED.fullmatch(text) or actor_from_bytes32(bytes.fromhex(text[2:])) != text:
        raise InputError("ORGANISATION_ID")  # one actor, one spelling
    return text


def actor_from_bytes32(data: bytes) -> str:
    """Who changed a status, from any 32 bytes; ``organisation_bytes32`` gives them back."""
    try:
        return organisation_from_bytes32(data)
    except InputError:
        return "0x" + data.hex()


def require_citizen_number(text: str) -> str:
    """``text`` if it is a citizen number: 18 characters, a birth date that exists, the check right.

    Raises:
        InputError: ``CITIZEN_NUMBER_FORM``, ``CITIZEN_NUMBER_DATE``, ``CITIZEN_NUMBER_CHECK``; the number
            itself is never among the values.
    """
    if not _CITIZEN.fullmatch(text):
        raise InputError("CITIZEN_NUMBER_FORM")
    # ISO 7064 MOD 11-2: the digits as a number to the base 2, modulo 11; 13 is 2 modulo 11 and has ten digits
    if _CITIZEN_CHECKS[int(text[:17], 13) * 2 % 11] != text[17]:
        raise InputError("CITIZEN_NUMBER_CHECK")
    if text[10:14] not in _DAYS or (text[10:14] == "0229" and not isleap(int(text[6:10]))) or text[6:10] == "0000":
        raise InputError("CITIZEN_NUMBER_DATE")
    return text


def new_urn(random: bytes) -> str:
    """Identifier of a record that is not a license, from 16 random bytes (RFC 4648 base32, lower case).

    Raises:
        InputError: ``URN_RANDOM`` for another number of bytes.
    """
    if len(random) != URN_RANDOM_BYTES:
        raise InputError("URN_RANDOM", length=len(random), expected=URN_RANDOM_BYTES)
    return URN_PREFIX + base64.b32encode(random).rstrip(b"=").decode().lower()


def require_record_id(text: str, *, strict: bool = False) -> str:
    """``text`` if it can name a record: a license identifier (``strict`` on issue) or our own URN.

    Raises:
        InputError: ``RECORD_ID`` for a malformed URN, ``IDENTIFIER_…`` for a malformed license identifier.
    """
    if not text.startswith("urn:"):
        parse_license_identifier(text, strict=strict)
    elif not _URN.fullmatch(text):
        raise InputError("RECORD_ID")
    return text
