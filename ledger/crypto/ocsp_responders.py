"""Who may speak for an authority by OCSP (RFC 6960 section 4.2.2.2): itself, or whom it certified for that.

A responder that the reader trusts by his own arrangement, the RFC's third way, is not accepted: the trust would come
from whoever sends the response and not from the trust file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from ledger.crypto.issuer_signatures import verify_issued
from ledger.crypto.ocsp import OcspResponse, SingleResponse, with_certificates
from ledger.crypto.path_rules import OCSP_SIGNING
from ledger.crypto.paths import build_path
from ledger.crypto.revocation_info import RevocationInfo, Subject, read_subject
from ledger.errors import InputError

Stands = Callable[[Subject, int], bool]
"""Is nothing known against a delegated responder, and certainly not that it was revoked at an instant?"""


def responses_about(
    certificate: Subject,
    issuer: Subject,
    responses: Iterable[OcspResponse],
    path: Collection[bytes],
    stands: Stands | None,
) -> Iterator[RevocationInfo]:
    """What the responses say of the certificate. ``path``: certificates (DER) that a response may enclose beside its
    responder's; ``stands``: ``None`` leaves out what delegated responders say.

    Raises:
        InputError: ``REVOCATION_OCSP_SIGNATURE`` nobody signed it whom it names; ``REVOCATION_OCSP_RESPONDER`` whoever
            did may not speak for the issuer (``cause``); ``REVOCATION_OCSP_SURPLUS`` it encloses a certificate that
            nothing needs.
        ConfigError: ``SM2_UNAVAILABLE``.
    """
    for response in responses:
        named = [each for each in response.singles if each.certificate.names(certificate, issuer)]
        if not named:
            continue
        responder = responder_of(response, issuer)
        if responder is not issuer and stands is None:
            continue
        if any(each != responder.data and each not in path for each in response.certificates):
            raise InputError("REVOCATION_OCSP_SURPLUS")
        proved = responder is issuer or (stands is not None and stands(responder, response.produced))
        for single in named:
            yield _info(response, single, proved)


def responder_of(response: OcspResponse, issuer: Subject) -> Subject:
    """``issuer`` itself, or the delegate whose certificate the response encloses and ``issuer`` signed.

    Raises:
        InputError: ``REVOCATION_OCSP_SIGNATURE``, ``REVOCATION_OCSP_RESPONDER``. ConfigError: ``SM2_UNAVAILABLE``.
    """
    for candidate in (issuer, *(read_subject(each) for each in response.certificates)):
        if not response.is_by(candidate):
            continue
        try:
            verify_issued(candidate.parts.spki, response.identifier, response.signature, response.signed)
        except InputError:
            continue  # an authority and its responder may bear one name
        if candidate.data != issuer.data:
            _require_delegated(candidate, issuer, response.produced)
            return candidate
        return issuer
    raise InputError("REVOCATION_OCSP_SIGNATURE")


def trimmed(response: OcspResponse, issuer: Subject) -> bytes:
    """The response (DER) without certificates that nothing needs: authorities enclose their whole chains, and anyone
    may add some, since the signature does not cover them.

    Raises:
        InputError: as ``responder_of``. ConfigError: ``SM2_UNAVAILABLE``.
    """
    responder = responder_of(response, issuer)
    return with_certificates(response, () if responder is issuer else (responder.data,))


def _require_delegated(responder: Subject, issuer: Subject, produced: int) -> None:
    """Certified by the issuer itself, for this purpose, and valid when it signed."""
    try:
        usages = responder.x509.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        if ExtendedKeyUsageOID.OCSP_SIGNING not in usages:
            raise InputError("REVOCATION_OCSP_RESPONDER", cause="extendedKeyUsage")
        build_path(responder.data, (), (issuer.data,), produced, OCSP_SIGNING)
    except x509.ExtensionNotFound as error:
        raise InputError("REVOCATION_OCSP_RESPONDER", cause="extendedKeyUsage") from error
    except InputError as error:
        if error.code == "REVOCATION_OCSP_RESPONDER":
            raise
        raise InputError("REVOCATION_OCSP_RESPONDER", cause=error.code) from error


def is_never_revoked(responder: Subject) -> bool:
    """Does the delegate's authority say that nobody need ask (section 4.2.2.2.1)?"""
    return any(isinstance(extension.value, x509.OCSPNoCheck) for extension in responder.x509.extensions)


def _info(response: OcspResponse, single: SingleResponse, proved: bool) -> RevocationInfo:
    gap = None
    if not proved:
        gap = "REVOCATION_OCSP_RESPONDER_OPEN"
    elif single.status == "unknown":
        gap = "REVOCATION_OCSP_UNKNOWN"
    elif not (single.understood and response.understood):
        gap = "REVOCATION_SCOPE"
    revoked = (single.since, single.reason) if single.status == "revoked" else None
    retains = single.archive or single.this_update
    return RevocationInfo(response.data, single.this_update, single.next_update, retains, revoked, gap)
