"""Making seals and seal signatures of GB/T 38540-2020 (version 4) and GM/T 0031-2025 (version 5).

What is made is read and verified like anybody else's before it is handed out: so what a verifier would refuse is never
made, be it a signer that the seal does not name, a period that is over or a key that is not the certificate's
(GM/T 0031 section 6.2.2). Only what nobody judged (see ``Judges``) stays open.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from ledger.core.verdicts import Outcome
from ledger.crypto import der
from ledger.crypto.digests import sm3
from ledger.crypto.ses.fields import EXPLICIT_0, IA5_STRING, PRINTABLE_STRING, UTF8_STRING
from ledger.crypto.ses.judging import Expected, Judges
from ledger.crypto.ses.parsing import parse_seal
from ledger.crypto.ses.reports import SealReport
from ledger.crypto.ses.values import SM2_WITH_SM3, Picture, Version
from ledger.crypto.ses.verifying import verify_seal, verify_signature
from ledger.errors import InputError

Sign = Callable[[bytes], bytes]
"""SM2 signature (DER) over the bytes given, with the common identifier."""


@dataclass(frozen=True, slots=True)
class NewSeal:
    """``kind``: 1 organisation, 2 person. ``signers``: certificates, DER. ``by_digest``: list them by SM3 digests, so
    that the seal does not show who may use it. Instants: seconds UTC."""

    version: Version
    vendor: str
    seal_id: str
    kind: int
    name: str
    signers: tuple[bytes, ...]
    created: int
    valid_from: int
    valid_until: int
    picture: Picture
    by_digest: bool = False


def make_seal(new: NewSeal, maker: bytes, sign: Sign, stamp: Sign | None = None, judges: Judges | None = None) -> bytes:
    """A seal (``.esl``) signed by ``maker`` (certificate, DER). ``stamp`` gets a time-stamp token over the
    signature's bytes; version 5 only.

    Raises:
        InputError: the code of the step that refuses it; ``SES_VERSION`` for another generation.
    """
    _require_version(new.version)
    info = _info(new)
    signature = sign(info)
    parts = [info, *_named(maker), _bits(signature)]
    if stamp is not None:
        parts.append(_token(stamp(signature)))
    made = der.write(der.SEQUENCE, *parts)
    _require(verify_seal(made, new.created, judges))
    return made


def make_signature(
    seal: bytes,
    digest: bytes,
    property_info: str,
    signed_at: int,
    signer: bytes,
    sign: Sign,
    stamp: Sign | None = None,
    judges: Judges | None = None,
) -> bytes:
    """A seal signature over ``digest`` (SM3 of the document, 32 bytes) by ``signer`` (certificate, DER).
    ``property_info``: path of the signed file in its package. ``signed_at``: seconds UTC. ``stamp`` as in
    ``make_seal``.

    Raises:
        InputError: the code of the step that refuses it; ``SES_VERSION`` for a seal of 2014.
    """
    found = parse_seal(seal)
    _require_version(found.version)
    tbs = der.write(
        der.SEQUENCE,
        _integer(found.info.number),
        seal,
        _time(signed_at),
        _bits(digest),
        der.write(IA5_STRING, _ascii(property_info)),
    )
    signature = sign(tbs)
    parts = [tbs, *_named(signer), _bits(signature)]
    if stamp is not None:
        parts.append(_token(stamp(signature)))
    made = der.write(der.SEQUENCE, *parts)
    _require(verify_signature(made, signed_at, Expected(digest, property_info, seal), judges))
    return made


def _require_version(version: Version) -> None:
    if version is Version.V1:
        raise InputError("SES_VERSION", number=int(version))


def _require(report: SealReport) -> None:
    cause = report.cause
    if cause is not None and cause[1].outcome is Outcome.FAILED:
        raise InputError(cause[1].code, **cause[1].values)


def _info(new: NewSeal) -> bytes:
    header = (der.write(IA5_STRING, b"ES"), _integer(new.version), der.write(IA5_STRING, _ascii(new.vendor)))
    picture = (
        der.write(IA5_STRING, _ascii(new.picture.kind)),
        der.write(der.OCTET_STRING, new.picture.data),
        _integer(new.picture.width),
        _integer(new.picture.height),
    )
    return der.write(
        der.SEQUENCE,
        der.write(der.SEQUENCE, *header),
        der.write(IA5_STRING, _ascii(new.seal_id)),
        der.write(der.SEQUENCE, *_property(new)),
        der.write(der.SEQUENCE, *picture),
    )


def _property(new: NewSeal) -> tuple[bytes, ...]:
    if new.by_digest:
        signers = [
            der.write(der.SEQUENCE, der.write(PRINTABLE_STRING, b"SM3"), der.write(der.OCTET_STRING, sm3(signer)))
            for signer in new.signers
        ]
    else:
        signers = [der.write(der.OCTET_STRING, signer) for signer in new.signers]
    return (
        _integer(new.kind),
        der.write(UTF8_STRING, new.name.encode("utf-8", "surrogatepass")),
        _integer(2 if new.by_digest else 1),
        der.write(der.SEQUENCE, *signers),
        _time(new.created),
        _time(new.valid_from),
        _time(new.valid_until),
    )


def _named(certificate: bytes) -> tuple[bytes, bytes]:
    return der.write(der.OCTET_STRING, certificate), der.write_oid(SM2_WITH_SM3)


def _ascii(text: str) -> bytes:
    try:
        return text.encode("ascii")
    except UnicodeEncodeError as error:
        raise InputError("SES_TEXT") from error


def _integer(value: int) -> bytes:
    if not 0 <= value < 1 << 31:
        raise InputError("DER_SHAPE")
    return der.write(der.INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _bits(data: bytes) -> bytes:
    return der.write(der.BIT_STRING, b"\0", data)


def _token(token: bytes) -> bytes:
    return der.write(EXPLICIT_0, _bits(token))


def _time(instant: int) -> bytes:
    try:
        moment = datetime.fromtimestamp(instant, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise InputError("SES_TIME") from error
    return der.write(der.GENERALIZED_TIME, f"{moment.year:04}{moment:%m%d%H%M%SZ}".encode())
