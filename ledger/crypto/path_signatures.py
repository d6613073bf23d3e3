"""Signatures of certificates for pyhanko-certvalidator, by this project's own check.

``asn1crypto`` is told the names of SM2 once, when this module is imported: it is imported only where a path is judged.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from asn1crypto import algos, keys
from cryptography.exceptions import InvalidSignature

from ledger.crypto.certificates import SM2_WITH_SM3
from ledger.crypto.issuer_signatures import verify_issued
from ledger.errors import InputError

_NAME = "sm3_sm2"


class PathSignatures:
    """A ``SignatureValidator``. The library's own trips over an algorithm that is not one for the key, and takes any
    curve and any parameters of PSS."""

    def validate_signature(
        self,
        signature: bytes,
        signed_data: bytes,
        public_key_info: Any,
        signature_algorithm: Any,
        *context: Any,
    ) -> None:
        """Raises ``InvalidSignature``, also where the key is none for the scheme: then it is a namesake's that signed.
        That scheme and key are allowed was seen to before. ``ConfigError`` ``SM2_UNAVAILABLE``."""
        try:
            _verify(public_key_info.dump(), signature_algorithm.dump(), signature, signed_data)
        except InputError as error:
            raise InvalidSignature(error.code) from error


# Leaves come and go, the authorities above them stay: what one of them signed for another is checked once.
@lru_cache(256)
def _verify(spki: bytes, identifier: bytes, signature: bytes, data: bytes) -> None:
    verify_issued(spki, identifier, signature, data)


def _register(identifier: Any, dotted: str, name: str) -> None:
    identifier._map[dotted] = name
    if identifier._reverse_map is not None:
        identifier._reverse_map[name] = dotted


_register(algos.SignedDigestAlgorithmId, SM2_WITH_SM3, _NAME)
_register(algos.DigestAlgorithmId, "1.2.156.10197.1.401", "sm3")
keys.NamedCurve.register("sm2p256v1", "1.2.156.10197.1.301", 32)
