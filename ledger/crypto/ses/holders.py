"""What a certificate of the seal profile says about its holder's key (GM/T 0015-2023): the SM2 point, the period, the
usages. The path to an authority is no matter of this module."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.crypto import der
from ledger.crypto.certificates import read_certificate, read_signed
from ledger.crypto.sm2_encoding import read_spki
from ledger.errors import InputError

_KEY_USAGE = der.write_oid("2.5.29.15")
_EXTENSIONS = 0xA3
_MAX_EXTENSIONS = 64
_SIGNING = 0xC0  # digitalSignature and nonRepudiation, the first two bits (RFC 5280 section 4.2.1.3)


@dataclass(frozen=True, slots=True)
class Holder:
    """``point``: uncompressed public key on the SM2 curve, 65 bytes. Instants: seconds UTC, both included."""

    point: bytes
    valid_from: int
    valid_until: int
    may_sign: bool


def read_holder(certificate: bytes) -> Holder:
    """Raises InputError: ``CERTIFICATE_SYNTAX``; ``SM2_KEY`` the key is not one of SM2."""
    spki = read_certificate(certificate).spki
    try:
        fields = read_signed(certificate)[0].children()
        since, until = (der.read_time(time) for time in der.read_all(fields[4].content, 2))
        may_sign = any(value.content[0] < 8 and bool(value.content[1] & _SIGNING) for value in _key_usages(fields[7:]))
    except (InputError, ValueError, IndexError) as error:
        raise InputError("CERTIFICATE_SYNTAX") from error
    return Holder(read_spki(spki), since, until, may_sign)


def _key_usages(rest: list[der.Element]) -> list[der.Element]:
    """The KeyUsage BIT STRINGs; an extension may stand once only (RFC 5280 section 4.2)."""
    found: list[der.Element] = []
    for tagged in (field for field in rest if field.tag == _EXTENSIONS):
        (sequence,) = der.read_all(tagged.content, 1)
        for extension in der.read_all(sequence.content, _MAX_EXTENSIONS):
            oid, *_, value = der.read_all(extension.content, 3)
            if oid.outer == _KEY_USAGE:
                found.append(der.read(value.content, der.BIT_STRING))
    if len(found) > 1:
        raise InputError("DER_SHAPE")
    return found
