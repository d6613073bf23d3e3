"""Signatures over the trust file: thresholds, versions, expiry. FORMATS, "Trust file".

The rule is that of TUF root metadata (TUF specification section 5.3): a new version needs a threshold of its
own keys *and* a threshold of the previous version's, so that neither an old file comes back nor one operator
hands out another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from ledger.core.trust import KeySignature, Trust, TrustFile
from ledger.core.trust_lists import CouncilKey
from ledger.crypto.algorithms import algorithm_of, verify_raw
from ledger.crypto.sm2_encoding import is_sm2_spki
from ledger.errors import ConfigError, ConflictError, InputError

RAW_BYTES = 64  # r ‖ s, 32 bytes each (RFC 7518 section 3.4), and Ed25519 (RFC 8032 section 5.1.6)
_ROWS = {"ES256": "ecdsa-p256-sha256", "SM2": "sm2-sm3", "Ed25519": "ed25519"}
"""Names of the trust file, and rows of ``crypto.algorithms``."""


class Key(Protocol):
    """What a council key must do (``ports.PrivateKey``)."""

    @property
    def spki(self) -> bytes: ...

    def sign(self, data: bytes) -> bytes: ...


def sign_trust(content: Trust, key_id: str, private_key: Key) -> KeySignature:
    """A council member's signature over the canonical bytes.

    Raises:
        ConfigError: ``TRUST_SIGNING_KEY`` for a key that is none of ES256, SM2 and Ed25519.
    """
    try:
        row = algorithm_of(private_key.spki).name
    except InputError as error:
        raise ConfigError("TRUST_SIGNING_KEY", key=key_id) from error
    if row not in _ROWS.values():
        raise ConfigError("TRUST_SIGNING_KEY", key=key_id)
    signature = private_key.sign(content.to_bytes())
    if row != _ROWS["Ed25519"]:
        r, s = decode_dss_signature(signature)
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return KeySignature(key_id, signature)


def verify_trust_file(file: TrustFile, previous: Trust | None, now: int | None) -> None:
    """Verify every signature, the thresholds, and, against the stored ``previous``, the succession.

    ``now``: seconds UTC, or ``None`` where expiry is not to be judged (a bundle read decades later).

    The members of the version before sign as well. Who does not hold that version cannot check them: such signatures
    are no voices, and no fault. What they would prove (nobody hands out another next version) is judged where the
    version before is at hand; who has none compares the fingerprint with the printed one.

    Raises:
        InputError: ``TRUST_KEY_UNKNOWN``, ``TRUST_KEY_REPEATED``, ``TRUST_KEY_ALGORITHM``,
        ``TRUST_SIGNATURE`` for a
            signature; ``TRUST_NOT_ENOUGH`` for too few distinct keys of this version,
            ``TRUST_NOT_ENOUGH_PREVIOUS`` of the one before.
        ConflictError: ``TRUST_ROLLBACK`` an older version; ``TRUST_FORKED`` the same version with other
        content;
            ``TRUST_EXPIRED``.
    """
    content = file.content
    # from version 2 on there is a generation before; it is known only where it is the stored one
    uncheckable = content.version > 1 and (previous is None or previous.version != content.version - 1)
    signers = _verify_signatures(file, content.keys, previous.keys if previous else (), uncheckable)
    own = {key.spki for key in content.keys} & signers
    if len(own) < content.threshold:
        raise InputError("TRUST_NOT_ENOUGH", found=len(own), threshold=content.threshold)
    if previous is not None:
        require_later(content, previous)
        old = {key.spki for key in previous.keys} & signers
        if len(old) < previous.threshold:
            raise InputError("TRUST_NOT_ENOUGH_PREVIOUS", found=len(old), threshold=previous.threshold)
    if now is not None and now >= content.expires:
        raise ConflictError("TRUST_EXPIRED", expires=content.expires)


def require_later(content: Trust, previous: Trust) -> None:
    """Raises ConflictError ``TRUST_ROLLBACK`` for an older version, ``TRUST_FORKED`` for other content of the same."""
    if content.version < previous.version:
        raise ConflictError("TRUST_ROLLBACK", version=content.version, stored=previous.version)
    if content.version == previous.version and content.to_bytes() != previous.to_bytes():
        raise ConflictError("TRUST_FORKED", version=content.version)


def _verify_signatures(
    file: TrustFile, own: Sequence[CouncilKey], old: Sequence[CouncilKey], uncheckable: bool
) -> set[bytes]:
    """Keys (SPKI) that signed. Counted by key, never by id: one key under two ids is one voice. ``uncheckable``:
    signatures by keys that are neither of ``own`` nor of ``old`` may be there, and count for nothing."""
    data, signers = file.content.to_bytes(), set()
    seen = set()
    for signature in file.signatures:
        if signature.key in seen:
            raise InputError("TRUST_KEY_REPEATED", key=signature.key)
        seen.add(signature.key)
        # The same id may name another key in each version: the signature must hold for one of them.
        named = [key for key in (*own, *old) if key.id == signature.key]
        if not named and uncheckable:
            continue
        if not named:
            raise InputError("TRUST_KEY_UNKNOWN", key=signature.key)
        found = {key.spki for key in named if _holds(key, signature.value, data)}
        if not found:
            raise InputError("TRUST_SIGNATURE", key=signature.key)
        signers |= found
    return signers


def _holds(key: CouncilKey, signature: bytes, data: bytes) -> bool:
    _require_one_form(key)
    if len(signature) != RAW_BYTES:
        return False
    if key.alg != "Ed25519":
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        signature = encode_dss_signature(r, s)
    try:
        verify_raw(key.spki, _ROWS[key.alg], signature, data)
    except InputError as error:
        if error.code == "SIGNATURE_INVALID":
            return False
        raise InputError("TRUST_KEY_ALGORITHM", key=key.id, algorithm=key.alg) from error
    return True


def _require_one_form(key: CouncilKey) -> None:
    """A point can be written compressed and in full: in one form only, or one key could be two voices."""
    if is_sm2_spki(key.spki):
        return  # whose reader knows no other form
    try:
        public = load_der_public_key(key.spki).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InputError("TRUST_KEY_ALGORITHM", key=key.id, algorithm=key.alg) from error
    if public != key.spki:
        raise InputError("TRUST_KEY_ALGORITHM", key=key.id, algorithm=key.alg)


def fingerprint_words(digest: bytes) -> str:
    """A digest (32 bytes) for print and reading aloud: 16 groups of five decimal digits and a two-digit
    check.

    Each group is two bytes of the digest as a number 00000 to 65535, so a misread group stays one wrong
    group. The check is 98 − (number × 100 mod 97) of ISO 7064 MOD 97-10 over all eighty digits.

    Raises:
        InputError: ``TRUST_FINGERPRINT`` for another length.
    """
    if len(digest) != 32:
        raise InputError("TRUST_FINGERPRINT", length=len(digest))
    groups = [f"{int.from_bytes(digest[at : at + 2], 'big'):05}" for at in range(0, 32, 2)]
    check = 98 - int("".join(groups)) * 100 % 97
    return " ".join(groups) + f" / {check:02}"
