"""Which signatures a suite takes. FORMATS, "Registries".

``gm``: SM2 with SM3 alone; ``dual``: first one by SM2 with SM3, then one by any other algorithm; ``intl``: any. Where a
suite demands SM2 of a signature, a time-stamp over it is by SM2 and over its SM3, too.
"""

from __future__ import annotations

from collections.abc import Iterable

from ledger.core.registries import Suite
from ledger.crypto.algorithms import algorithm_of
from ledger.crypto.certificates import read_certificate
from ledger.errors import InputError

SM2_SM3 = "sm2-sm3"
"""``name`` of the row of ``algorithms``."""


def takes(suite: Suite, position: int, algorithm: str) -> bool:
    """Whether ``algorithm`` is one for the signature at ``position`` (from 0) of a manifest of the suite: to choose a
    signer by. What was signed is judged by ``require_algorithm``."""
    return suite is Suite.INTL or (algorithm == SM2_SM3) is (suite is Suite.GM or position == 0)


def require_algorithm(suite: Suite, position: int | None, algorithm: str) -> None:
    """Whether the signature at ``position`` (from 0; ``None``: at any, where others are missing) of a manifest of the
    suite may be by ``algorithm``.

    Raises:
        InputError: ``SIGNATURE_SUITE``.
    """
    places = range(suite.signatures[0]) if position is None else [position]
    if not any([takes(suite, place, algorithm) for place in places]):
        raise InputError("SIGNATURE_SUITE", suite=suite.word, position=position, algorithm=algorithm)


def require_token(suite: Suite, signature: str, token: str, digest: str) -> None:
    """Whether a time-stamp by the algorithm ``token`` over the ``digest`` of a signature by ``signature`` is one for
    the suite.

    Raises:
        InputError: ``TIMESTAMP_SUITE``.
    """
    if suite.has_sm3 and signature == SM2_SM3 and (token, digest) != (SM2_SM3, "sm3"):
        raise InputError("TIMESTAMP_SUITE", suite=suite.word, algorithm=token, digest=digest)


def key_algorithms(certificates: Iterable[bytes]) -> set[str]:
    """Names of the algorithms of the keys in certificates (DER), or the code of why a key is of none."""
    found = set()
    for certificate in certificates:
        try:
            found.add(algorithm_of(read_certificate(certificate).spki).name)
        except InputError as e:
            found.add(e.code)
    return found
