"""What people are shown of a certificate, and the fields of it that extractors look through: names and extensions by
object identifier. Read leniently where nothing depends on it; whether it may be believed is for the path."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from ledger.core.canonical import FORBIDDEN
from ledger.crypto import der
from ledger.crypto.certificates import fingerprint, read_certificate, read_signed
from ledger.crypto.issuer_signatures import key_name, scheme_of
from ledger.errors import InputError

_EXTENSIONS = 0xA3
_BOOLEAN = 0x01
_BASIC_CONSTRAINTS = "2.5.29.19"
_SHORT = {
    "2.5.4.3": "CN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "street",
    "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title", "2.5.4.97": "organizationIdentifier",
    "1.2.840.113549.1.9.1": "E", "0.9.2342.19200300.100.1.25": "DC",
}  # fmt: skip
_STRINGS = {
    0x0C: "utf-8", 0x12: "ascii", 0x13: "ascii", 0x14: "latin-1", 0x16: "ascii", 0x1A: "ascii", 0x1C: "utf-32-be",
    0x1E: "utf-16-be",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Extension:
    """``value``: the octets of extnValue."""

    critical: bool
    value: bytes


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """``subject``, ``issuer``: for people, most significant part first; ``serial``: the number, in hexadecimal;
    instants in seconds UTC; ``key``, ``signature``: names of algorithms, or the object identifier of an unknown one."""

    subject: str
    issuer: str
    serial: str
    not_before: int
    not_after: int
    key: str
    signature: str
    sha256: bytes

    def to_json(self) -> dict[str, object]:
        return {
            "subject": self.subject,
            "issuer": self.issuer,
            "serial": self.serial,
            "notBefore": self.not_before,
            "notAfter": self.not_after,
            "key": self.key,
            "signature": self.signature,
            "sha256": self.sha256.hex(),
        }


def facts_of(certificate: bytes) -> CertificateFacts:
    """Raises InputError ``CERTIFICATE_SYNTAX``."""
    parts = read_certificate(certificate)
    try:
        signed, algorithm = read_signed(certificate)
        since, until = signed.children()[4].children()
        return CertificateFacts(
            shown_name(parts.subject),
            shown_name(parts.issuer),
            der.read(parts.serial, der.INTEGER).content.hex(),
            _instant(since),
            _instant(until),
            key_name(parts.spki),
            scheme_name(algorithm),
            fingerprint(certificate),
        )
    except (InputError, ValueError, IndexError) as error:
        raise InputError("CERTIFICATE_SYNTAX") from error


def _instant(element: der.Element) -> int:
    """Also a GeneralizedTime before 2050, which some authorities write against RFC 5280 section 4.1.2.5."""
    try:
        return der.read_time(element)
    except InputError:
        if element.tag != der.GENERALIZED_TIME:
            raise
        text = element.content.decode("ascii")
        return int(datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp())


def scheme_name(algorithm: der.Element) -> str:
    """Name of a scheme that authorities may use, else the object identifier. Raises InputError ``DER_…``."""
    try:
        return scheme_of(algorithm.outer).name
    except InputError:
        return der.read_oid(algorithm.children()[0])


def attributes_of(name: bytes) -> list[tuple[str, str]]:
    """(object identifier, value) of a Name (DER), in order; a value that is no text as ``#`` and hexadecimal.

    Raises:
        InputError: ``DER_…``.
    """
    found = []
    for relative in der.read(name, der.SEQUENCE).children():
        for attribute in relative.children():
            type_, value = der.read_all(attribute.content, 2)
            found.append((der.read_oid(type_), text_of(value) or f"#{value.outer.hex()}"))
    return found


def text_of(element: der.Element) -> str | None:
    """The value of a character string; ``None`` for anything else."""
    encoding = _STRINGS.get(element.tag)
    try:
        return None if encoding is None else element.content.decode(encoding)
    except ValueError:
        return None


def shown_name(name: bytes) -> str:
    """A Name (DER) for people: nothing in it can write its own verdict on a screen.

    Raises:
        InputError: ``DER_…``.
    """
    text = ", ".join(f"{_SHORT.get(oid, oid)}={value}" for oid, value in attributes_of(name))
    return FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)


def is_authority(certificate: bytes) -> bool:
    """Does the certificate say that it may issue others (RFC 5280 section 4.2.1.9)? No more than that is judged here.

    Raises:
        InputError: as `extensions_of`.
    """
    basic = extensions_of(certificate).get(_BASIC_CONSTRAINTS)
    try:
        parts = der.read(basic.value, der.SEQUENCE).children() if basic is not None else []
    except InputError as error:
        raise InputError("CERTIFICATE_SYNTAX") from error
    return bool(parts) and parts[0].tag == _BOOLEAN and parts[0].content == b"\xff"


def extensions_of(certificate: bytes) -> dict[str, Extension]:
    """By object identifier.

    Raises:
        InputError: ``CERTIFICATE_SYNTAX``; ``CERTIFICATE_EXTENSION_TWICE`` (RFC 5280 section 4.2).
    """
    read_certificate(certificate)
    try:
        last = read_signed(certificate)[0].children()[-1]
        listed = der.read(last.content, der.SEQUENCE).children() if last.tag == _EXTENSIONS else []
        found: dict[str, Extension] = {}
        for element in listed:
            type_, *rest = der.read_all(element.content, 3)
            critical = len(rest) == 2 and rest[0].tag == _BOOLEAN and rest[0].content == b"\xff"
            oid = der.read_oid(type_)
            if oid in found:
                raise InputError("CERTIFICATE_EXTENSION_TWICE", oid=oid)
            found[oid] = Extension(critical, der.read(rest[-1].outer, der.OCTET_STRING).content)
    except (ValueError, IndexError) as error:
        raise InputError("CERTIFICATE_SYNTAX") from error
    except InputError as error:
        if error.code == "CERTIFICATE_EXTENSION_TWICE":
            raise
        raise InputError("CERTIFICATE_SYNTAX") from error
    return found
