"""Asking a time-stamp authority: request and answer (RFC 3161 sections 2.4.1 and 2.4.2; GM/T 0033 has the same)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.crypto import der
from ledger.crypto.signed_data import DIGESTS, NULL
from ledger.crypto.timestamps import MAX_BYTES, TimestampToken, verify_token
from ledger.crypto.tst_info import DigestOf, read_integer
from ledger.errors import InputError

STATUSES = ("granted", "grantedWithMods", "rejection", "waiting", "revocationWarning", "revocationNotification")
FAILURES = {
    0: "badAlg",
    2: "badRequest",
    5: "badDataFormat",
    14: "timeNotAvailable",
    15: "unacceptedPolicy",
    16: "unacceptedExtension",
    17: "addInfoNotAvailable",
    25: "systemFailure",
}
"""Bits of PKIFailureInfo."""
NONCE_BYTES = 8
MAX_RESPONSE = MAX_BYTES + 4096
_GIVEN = ("granted", "grantedWithMods")
_TRUE = b"\x01\x01\xff"


@dataclass(frozen=True, slots=True)
class TimestampRequest:
    """``digest``: name in ``signed_data.DIGESTS``; ``nonce``: a fresh positive number; ``policy``: OID, dotted, or
    ``None`` for the authority's own."""

    digest: str
    imprint: bytes
    nonce: int
    policy: str | None = None

    def to_bytes(self) -> bytes:
        """TimeStampReq, DER; the authority is asked for its certificate. The digest's parameters are written as NULL,
        as most clients do: authorities that cannot read them left out are still in use."""
        algorithm = der.write(der.SEQUENCE, der.write_oid(DIGESTS[self.digest][0]), NULL)
        return der.write(
            der.SEQUENCE,
            der.write(der.INTEGER, b"\x01"),
            der.write(der.SEQUENCE, algorithm, der.write(der.OCTET_STRING, self.imprint)),
            b"" if self.policy is None else der.write_oid(self.policy),
            der.write(der.INTEGER, self.nonce.to_bytes(self.nonce.bit_length() // 8 + 1, "big")),
            _TRUE,
        )


def make_request(digest: str, digest_of: DigestOf, random: bytes, policy: str | None = None) -> TimestampRequest:
    """``random``: ``NONCE_BYTES`` fresh ones."""
    return TimestampRequest(digest, digest_of(digest), int.from_bytes(random[:NONCE_BYTES], "big") or 1, policy)


def read_response(data: bytes) -> bytes:
    """The token of a TimeStampResp, DER. What the authority says in words is left unread: it is anybody's text.

    Raises:
        InputError: ``TIMESTAMP_RESPONSE`` no such answer; ``TIMESTAMP_REFUSED`` the authority gives no token, with
            its ``status`` and ``reason``.
    """
    if len(data) > MAX_RESPONSE:
        raise InputError("TIMESTAMP_RESPONSE", cause="size")
    try:
        info, *token = der.read(data, der.SEQUENCE).children()
        status, reason = _status(info)
        if status not in _GIVEN:
            raise InputError("TIMESTAMP_REFUSED", status=status, reason=reason)
        if [one.tag for one in token] != [der.SEQUENCE]:
            raise InputError("DER_SHAPE")
    except (InputError, ValueError) as error:
        if isinstance(error, InputError) and error.code == "TIMESTAMP_REFUSED":
            raise
        cause = error.code if isinstance(error, InputError) else "DER_SHAPE"
        raise InputError("TIMESTAMP_RESPONSE", cause=cause) from error
    return token[0].outer


def accept_response(
    data: bytes, request: TimestampRequest, digest_of: DigestOf, certificates: Sequence[bytes] = ()
) -> TimestampToken:
    """The verified token of an answer to ``request``.

    Raises:
        InputError: as ``read_response`` and ``timestamps.verify_token``; ``TIMESTAMP_NONCE`` another nonce or none, an
            answer to somebody else or an old one; ``TIMESTAMP_POLICY`` another policy than the one asked for.
        ConfigError: ``SM2_UNAVAILABLE``.
    """
    token = verify_token(read_response(data), digest_of, certificates)
    if token.info.digest != request.digest:
        raise InputError("TIMESTAMP_IMPRINT")
    if token.info.nonce != request.nonce:
        raise InputError("TIMESTAMP_NONCE")
    if request.policy is not None and token.info.policy != request.policy:
        raise InputError("TIMESTAMP_POLICY")
    return token


def _status(info: der.Element) -> tuple[str, str]:
    """Status, and the failures named, "–" for none."""
    number, *rest = info.children()
    value = read_integer(number)
    if number.tag != der.INTEGER or not 0 <= value < len(STATUSES):
        raise InputError("DER_SHAPE")
    if rest and rest[0].tag == der.SEQUENCE:
        rest.pop(0)
    if rest and (len(rest) > 1 or rest[0].tag != der.BIT_STRING or not rest[0].content):
        raise InputError("DER_SHAPE")
    octets = rest[0].content[1:] if rest else b""
    bits = [at for at in range(8 * len(octets)) if octets[at // 8] & 0x80 >> at % 8]
    return STATUSES[value], ", ".join(FAILURES.get(bit, str(bit)) for bit in bits[:8]) or "–"
