"""SM2 certificates and CRLs: ``cryptography`` builds them for other keys; key and signature are exchanged."""

from __future__ import annotations

from ledger.crypto import cms, der, path_signatures, paths, revocation
from ledger.crypto.sm2 import Sm2PrivateKey

_ECDSA = der.write(der.SEQUENCE, der.write_oid("1.2.840.10045.4.3.2"))
SM2_ALGORITHM = der.write(der.SEQUENCE, der.write_oid("1.2.156.10197.1.501"))


def signed_again(data: bytes, key: Sm2PrivateKey, old: bytes = b"", new: bytes = b"") -> bytes:
    """A certificate or CRL with the same content, signed by SM2, with the SubjectPublicKeyInfo ``new`` for ``old``."""
    signed = der.read(data, der.SEQUENCE).children()[0]
    fields = {_ECDSA: SM2_ALGORITHM} | ({old: new} if old else {})
    content = der.write(der.SEQUENCE, *(fields.get(f.outer, f.outer) for f in signed.children()))
    return der.write(der.SEQUENCE, content, SM2_ALGORITHM, der.write(der.BIT_STRING, b"\0", key.sign(content)))


def forget_signatures() -> None:
    """What was verified once is remembered; a test of a machine that cannot verify begins without memory."""
    for remembered in (cms._verified, paths._search, path_signatures._verify, revocation._judge):
        remembered.cache_clear()
