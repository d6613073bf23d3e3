"""Private keys in tokens and hardware security modules, by PKCS#11 (OASIS PKCS #11 version 3.0).

The key never leaves its token: the digest or the attributes go in, the signature comes out.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

from ledger.crypto import der
from ledger.crypto.algorithms import algorithm_of, verify_raw
from ledger.crypto.certificates import read_certificate
from ledger.crypto.sm2_encoding import CURVE, EC_KEY
from ledger.errors import ConfigError, InputError
from ledger.outside.key_material import RSA_ALGORITHM, algorithm_name, certified_key
from ledger.outside.pkcs11_sessions import ONE_AT_A_TIME, Login, library, login, restart, token_name, translated
from ledger.outside.pkcs11_uris import KeyUri

Result = TypeVar("Result")
_ED25519 = der.write(der.SEQUENCE, der.write_oid("1.3.101.112"))


class Pkcs11Key:
    """``ports.PrivateKey`` in a token, whose public half is ``spki``. Its session is opened when it first signs.

    Raises:
        ConfigError: ``PKCS11_SM2``; ``KEYS_ALGORITHM`` for another key that this project does not use.
    """

    __slots__ = ("_place", "spki")

    def __init__(self, place: Place, spki: bytes) -> None:
        name = algorithm_name(spki)
        if name == "sm2":
            raise ConfigError("PKCS11_SM2")
        try:
            algorithm_of(spki)
        except InputError as error:
            raise ConfigError("KEYS_ALGORITHM", algorithm=name, purpose="pkcs11") from error
        self._place, self.spki = place, spki

    def __repr__(self) -> str:
        return f"Pkcs11Key({algorithm_name(self.spki)})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a private key is not pickled")

    def certified_as(self, spki: bytes) -> Pkcs11Key:
        """As of ``SoftwareKey``. Raises InputError ``SIGNATURE_KEY``."""
        return Pkcs11Key(self._place, certified_key(self.spki, spki))

    def sign(self, data: bytes) -> bytes:
        """Raises ConfigError ``PKCS11_MODULE``, ``PKCS11_PIN``, ``PKCS11_PIN_LOCKED``, ``PKCS11_PIN_MISSING``,
        ``PKCS11_KEY``, ``PKCS11_AMBIGUOUS``, ``PKCS11_MECHANISM``; UnavailableError ``PKCS11_TOKEN``,
        ``PKCS11_DEVICE``."""
        return self._place.use(lambda private: _SIGNERS[algorithm_of(self.spki).name](private, data))


class Place:
    """Where one private key lies, and its object in the session with the token."""

    def __init__(self, uri: KeyUri, environment: Mapping[str, str] = os.environ) -> None:
        self.uri, self._environment = uri, environment
        self._held: tuple[Login, Any] | None = None

    def use(self, work: Callable[[Any], Result]) -> Result:
        """What ``work`` makes of the private key's object."""
        with ONE_AT_A_TIME, translated(self.uri):
            try:
                return work(self._key())
            except library().PKCS11Error:
                if not restart(self.uri.module):
                    raise
            # The session went with a device that may be back: once more on a new one.
            return work(self._key())

    def look(self) -> tuple[bytes | None, bytes | None]:
        """Public half (SubjectPublicKeyInfo) and certificate (DER) that lie beside the key, as far as they do."""

        def public(private: Any) -> tuple[bytes | None, bytes | None]:
            certificate = _certificate(private.session, self.uri)
            spki = read_certificate(certificate).spki if certificate else _public(private.session, self.uri)
            return spki, certificate

        return self.use(public)

    def _key(self) -> Any:
        if self._held is None or not self._held[0].alive:
            found = login(self.uri, self._environment)
            self._held = found, _one(found.session, self.uri, "PRIVATE_KEY")
        return self._held[1]


def open_key(
    uri: KeyUri, certificate_spki: bytes | None = None, environment: Mapping[str, str] = os.environ
) -> tuple[Pkcs11Key, bytes | None]:
    """The key at ``uri`` and, if one lies beside it under the same label or id, its certificate (DER).

    The public half is that of the certificate, given or found, else that of the public key object; a signature proves
    that it belongs to the private key.

    Raises:
        ConfigError: as ``sign``; ``PKCS11_PUBLIC`` if no public half is there or it is another key's; ``PKCS11_SM2``.
        UnavailableError: as ``sign``. InputError: ``CERTIFICATE_SYNTAX`` for the certificate of the token.
    """
    place = Place(uri, environment)
    spki, certificate = (certificate_spki, None) if certificate_spki else place.look()
    if spki is None:
        raise ConfigError("PKCS11_PUBLIC")
    found = Pkcs11Key(place, spki)
    data = b"zhengyin/key/proof/1"
    try:
        verify_raw(spki, algorithm_of(spki).name, found.sign(data), data)
    except InputError as error:
        raise ConfigError("PKCS11_PUBLIC") from error
    return found, certificate


# ---- objects in the token -------------------------------------------------------------------------------------------


def _one(session: Any, uri: KeyUri, kind: str) -> Any:
    """The only object of its kind with the label and id of the URI."""
    found = _objects(session, uri, kind)
    if not found:
        raise ConfigError("PKCS11_KEY", token=token_name(uri), key=uri.label or (uri.id or b"").hex())
    if len(found) > 1:
        raise ConfigError("PKCS11_AMBIGUOUS", token=token_name(uri))
    return found[0]


def _objects(session: Any, uri: KeyUri, kind: str) -> list[Any]:
    pkcs11 = library()
    wanted = {pkcs11.Attribute.CLASS: pkcs11.ObjectClass[kind]}
    if uri.label is not None:
        wanted[pkcs11.Attribute.LABEL] = uri.label
    if uri.id is not None:
        wanted[pkcs11.Attribute.ID] = uri.id
    return list(session.get_objects(wanted))


# ---- public halves -------------------------------------------------------------------------------------------------


def _certificate(session: Any, uri: KeyUri) -> bytes | None:
    found = _objects(session, uri, "CERTIFICATE")
    return bytes(found[0][library().Attribute.VALUE]) if len(found) == 1 else None


def _public(session: Any, uri: KeyUri) -> bytes | None:
    pkcs11 = library()
    attribute, found = pkcs11.Attribute, _objects(session, uri, "PUBLIC_KEY")
    if len(found) != 1:
        return None
    key, kind = found[0], found[0][attribute.KEY_TYPE]
    if kind == pkcs11.KeyType.RSA:
        numbers = (_integer(key[attribute.MODULUS]), _integer(key[attribute.PUBLIC_EXPONENT]))
        return _spki(RSA_ALGORITHM, der.write(der.SEQUENCE, *numbers))
    if kind == pkcs11.KeyType.EC_EDWARDS:
        return _spki(_ED25519, _point(key[attribute.EC_POINT]))
    if kind == pkcs11.KeyType.EC:
        if key[attribute.EC_PARAMS] == CURVE:
            raise ConfigError("PKCS11_SM2")
        return _spki(der.write(der.SEQUENCE, EC_KEY, key[attribute.EC_PARAMS]), _point(key[attribute.EC_POINT]))
    return None


def _spki(algorithm: bytes, key: bytes) -> bytes:
    return der.write(der.SEQUENCE, algorithm, der.write(der.BIT_STRING, b"\0", key))


def _integer(value: bytes) -> bytes:
    number = int.from_bytes(value, "big")
    return der.write(der.INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _point(value: bytes) -> bytes:
    """Points stand in an OCTET STRING; some libraries write them bare."""
    try:
        return der.read(value, der.OCTET_STRING).content
    except InputError:
        return value


# ---- signatures ----------------------------------------------------------------------------------------------------


def _ecdsa(digest: Callable[[bytes], Any]) -> Callable[[Any, bytes], bytes]:
    def sign(private: Any, data: bytes) -> bytes:
        raw = bytes(private.sign(digest(data).digest(), mechanism=library().Mechanism.ECDSA))
        half = len(raw) // 2
        return der.write(der.SEQUENCE, _integer(raw[:half]), _integer(raw[half:]))

    return sign


def _rsa(private: Any, data: bytes) -> bytes:
    return bytes(private.sign(data, mechanism=library().Mechanism.SHA256_RSA_PKCS))


def _pss(private: Any, data: bytes) -> bytes:
    pkcs11 = library()
    parameters = (pkcs11.Mechanism.SHA256, pkcs11.MGF.SHA256, 32)
    return bytes(private.sign(data, mechanism=pkcs11.Mechanism.SHA256_RSA_PKCS_PSS, mechanism_param=parameters))


def _eddsa(private: Any, data: bytes) -> bytes:
    return bytes(private.sign(data, mechanism=library().Mechanism.EDDSA))


_SIGNERS: dict[str, Callable[[Any, bytes], bytes]] = {
    "ecdsa-p256-sha256": _ecdsa(hashlib.sha256),
    "ecdsa-p384-sha384": _ecdsa(hashlib.sha384),
    "rsa-pkcs1-sha256": _rsa,
    "rsa-pss-sha256": _pss,
    "ed25519": _eddsa,
}
"""By the row of ``crypto.algorithms``. The digest of ECDSA is made here: not every token hashes."""
