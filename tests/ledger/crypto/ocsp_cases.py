"""An office of one chain and what responders say of it, for the tests of OCSP."""

from __future__ import annotations

from typing import Any

import ocsp_kit as kit
import pytest
from crypto_kit import NOW, Chain, certificate, crl, p256

from ledger.core.bundles import ValidationData
from ledger.crypto.paths import CertificatePath, build_path
from ledger.crypto.revocation import judge
from ledger.errors import InputError, message

CHAIN = Chain()
PATH = build_path(CHAIN.leaf, [CHAIN.issuing], [CHAIN.root], NOW)
ROOT_CRL = crl("Root", CHAIN.root_key)
SIGN = kit.ecdsa(CHAIN.issuing_key)


def delegate(public: Any, issuer: str, key: Any, **changes: Any) -> bytes:
    """A responder's certificate with id-pkix-ocsp-nocheck, unless ``extensions`` says otherwise."""
    return certificate("Responder", public, issuer, key, **({"extensions": kit.OCSP_EKU + kit.NO_CHECK} | changes))


RESPONDER_KEY = p256()
RESPONDER = delegate(RESPONDER_KEY.public_key(), "Issuing", CHAIN.issuing_key)


def of_issuer(status: bytes = kit.GOOD, enclosed: tuple[bytes, ...] = (), **changes: Any) -> bytes:
    """A response about the office, by its CA itself."""
    outer = {name: changes.pop(name) for name in ("produced", "by_key", "algorithm") if name in changes}
    about = kit.single(CHAIN.leaf, CHAIN.issuing, status, **changes)
    return kit.response(CHAIN.issuing, SIGN, about, enclosed=enclosed, **outer)


def of_delegate(
    responder: bytes = RESPONDER, enclosed: tuple[bytes, ...] | None = None, key: Any = RESPONDER_KEY, **changes: Any
) -> bytes:
    about = kit.single(CHAIN.leaf, CHAIN.issuing, **changes)
    return kit.response(responder, kit.ecdsa(key), about, enclosed=(responder,) if enclosed is None else enclosed)


def verdict(
    *ocsps: bytes, crls: tuple[bytes, ...] = (ROOT_CRL,), moment: int = NOW, path: CertificatePath = PATH
) -> Any:
    found = judge(path, ValidationData((), crls, tuple(ocsps)), moment)
    for language in ("zh", "en"):
        assert "{" not in message(found.code, language, found.values)
    return found


def refused(*ocsps: bytes, **more: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        verdict(*ocsps, **more)
    assert "{" not in caught.value.text("zh")
    return caught.value
