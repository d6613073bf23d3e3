"""SM2 for pyhanko-certvalidator: signatures of certificates, by this project's own check.

``asn1crypto`` is told the names once, when this module is imported: it is imported only where a path is judged.
"""

from __future__ import annotations

from typing import Any

from asn1crypto import algos, keys
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from pyhanko_certvalidator.sig_validate import DEFAULT_SIGNATURE_VALIDATOR

from ledger.crypto.algorithms import verify_raw
from ledger.crypto.certificates import SM2_WITH_SM3
from ledger.errors import InputError

_NAME = "sm3_sm2"


class PathSignatures:
    """A ``SignatureValidator``: the library's own, and SM2 with SM3. The name in a certificate selects the check, and
    the issuer's key must fit it."""

    def validate_signature(
        self,
        signature: bytes,
        signed_data: bytes,
        public_key_info: Any,
        signature_algorithm: Any,
        *context: Any,
    ) -> None:
        """Raises ``InvalidSignature``; ``UnsupportedAlgorithm`` for another key; ``ConfigError``
        ``SM2_UNAVAILABLE``."""
        if signature_algorithm["algorithm"].native != _NAME:
            DEFAULT_SIGNATURE_VALIDATOR.validate_signature(
                signature, signed_data, public_key_info, signature_algorithm, *context
            )
            return
        try:
            verify_raw(public_key_info.dump(), "sm2-sm3", signature, signed_data)
        except InputError as error:
            fault = InvalidSignature if error.code == "SIGNATURE_INVALID" else UnsupportedAlgorithm
            raise fault(error.code) from error


def _register(identifier: Any, dotted: str, name: str) -> None:
    identifier._map[dotted] = name
    if identifier._reverse_map is not None:
        identifier._reverse_map[name] = dotted


_register(algos.SignedDigestAlgorithmId, SM2_WITH_SM3, _NAME)
_register(algos.DigestAlgorithmId, "1.2.156.10197.1.401", "sm3")
keys.NamedCurve.register("sm2p256v1", "1.2.156.10197.1.301", 32)
