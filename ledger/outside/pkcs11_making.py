"""Making keys inside a token, which they never leave."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from typing import Any

from ledger.crypto import der
from ledger.errors import ConfigError, ConflictError
from ledger.outside.pkcs11_sessions import ONE_AT_A_TIME, library, login, token_name, translated
from ledger.outside.pkcs11_uris import KeyUri

_CURVES = {
    "ecdsa-p256": der.write_oid("1.2.840.10045.3.1.7"),
    "ecdsa-p384": der.write_oid("1.3.132.0.34"),
    "ed25519": der.write(0x13, b"edwards25519"),  # PKCS #11 version 3.0 section 2.3.5: curveName
}
_RSA = {"rsa-2048": 2048, "rsa-3072": 3072, "rsa-4096": 4096}
ALGORITHMS = (*_CURVES, *_RSA)


def make_key(uri: KeyUri, algorithm: str, environment: Mapping[str, str] = os.environ) -> None:
    """Make a key pair under the label of ``uri`` and its id, or a random one: sensitive, not extractable, to sign with.

    Raises:
        ConfigError: ``PKCS11_SM2``; ``KEYS_ALGORITHM`` for one that is not in ``ALGORITHMS``; as ``login``.
        ConflictError: ``PKCS11_EXISTS`` for a label or id that is taken: a second key would make both unusable.
        UnavailableError: ``PKCS11_TOKEN``, ``PKCS11_DEVICE``.
    """
    if algorithm == "sm2":
        raise ConfigError("PKCS11_SM2")
    if algorithm not in ALGORITHMS or uri.label is None:
        raise ConfigError("KEYS_ALGORITHM", algorithm=algorithm, purpose="pkcs11")
    with ONE_AT_A_TIME, translated(uri):
        reading = login(uri, environment).session
        attribute = library().Attribute
        taken = [{attribute.LABEL: uri.label}] + ([{attribute.ID: uri.id}] if uri.id else [])
        if any(True for wanted in taken for _ in reading.get_objects(wanted)):
            raise ConflictError("PKCS11_EXISTS", token=token_name(uri), key=uri.label)
        with reading.token.open(rw=True) as writing:  # logged in as the other one is
            _generate(writing, algorithm, {"label": uri.label, "id": uri.id or secrets.token_bytes(16)})


def _generate(session: Any, algorithm: str, names: dict[str, Any]) -> None:
    pkcs11 = library()
    attribute, flag = pkcs11.Attribute, pkcs11.MechanismFlag
    options = names | {
        "store": True,
        "capabilities": flag.SIGN | flag.VERIFY,
        "private_template": {attribute.SENSITIVE: True, attribute.EXTRACTABLE: False},
    }
    if algorithm in _RSA:
        session.generate_keypair(pkcs11.KeyType.RSA, _RSA[algorithm], **options)
        return
    kind = pkcs11.KeyType.EC_EDWARDS if algorithm == "ed25519" else pkcs11.KeyType.EC
    curve = session.create_domain_parameters(kind, {attribute.EC_PARAMS: _CURVES[algorithm]}, local=True)
    curve.generate_keypair(**options)
