"""Signatures that the crypto service makes for other systems: CMS with one signed attribute more than the template.

What callers bring is not what the office says. The content-hints attribute (RFC 2634 section 2.9; ETSI EN 319 122-1
clause 5.2.4.3) says so under the signature itself, so that no such CMS is one of ``cms`` whatever it is over: that
template has exactly four signed attributes. This holds for a content known by its digest, too, which nobody can read.
"""

from __future__ import annotations

from collections.abc import Mapping

from ledger.crypto import der
from ledger.crypto.algorithms import algorithm_of
from ledger.crypto.certificates import read_certificate
from ledger.crypto.cms import attributes_over
from ledger.crypto.signed_data import DATA, digest_name
from ledger.errors import InputError

HINT = "zhengyin/service/1"
CONTENT_HINTS = der.write_oid("1.2.840.113549.1.9.16.2.4")
_UTF8 = 0x0C
_HINTS = der.write(der.SEQUENCE, der.write(_UTF8, HINT.encode()), DATA)
_ATTRIBUTE = der.write(der.SEQUENCE, CONTENT_HINTS, der.write(der.SET, _HINTS))


def digest_for(certificate: bytes) -> str:
    """The name (``signed_data.DIGESTS``) of the digest by which a certificate's key (DER) signs a content.

    Raises:
        InputError: ``CERTIFICATE_SYNTAX``, ``SIGNATURE_KEY``.
    """
    found = digest_name(algorithm_of(read_certificate(certificate).spki).digest.identifier)
    if found is None:
        raise InputError("SIGNATURE_KEY")
    return found


def service_attributes(digest: bytes, certificate: bytes, signing_time: int) -> bytes:
    """SET OF Attribute, DER, to be signed; ``digest``: of the content by ``digest_for``.

    Raises:
        InputError: ``CERTIFICATE_SYNTAX``, ``SIGNATURE_KEY``.
    """
    return attributes_over(digest, certificate, signing_time, _ATTRIBUTE)


def made_by_service(attributes: Mapping[bytes, der.Element] | None) -> bool:
    """Do the signed attributes of a verified CMS say so? What a caller had signed is no declaration of the office."""
    found = (attributes or {}).get(CONTENT_HINTS)
    return found is not None and found.outer == _HINTS
