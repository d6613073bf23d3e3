"""``ports.Signer`` whose key lies in the signer, a process of its own. FORMATS, "Remote signer".

Nothing is lost with a signer that is away or dies: the batch stays as it is, and its outbox asks again. A signer killed
after it signed leaves a signature that nobody saw; the second one is over the very same manifest, which stands in the
segment from before the first question, and the chain takes one of them once.
"""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import suppress
from pathlib import Path

from ledger.core.manifests import Manifest
from ledger.core.merkle import HASH_BYTES
from ledger.core.sm3_leaves import Sm3Leaves
from ledger.crypto import cms
from ledger.crypto.certificates import fingerprint
from ledger.errors import ConfigError, InputError, UnavailableError
from ledger.outside.remote_keys import RemoteKey, SignerAddress, TlsPlace
from ledger.outside.signing_keys import SigningKey
from ledger.outside.signing_service import questions
from ledger.outside.signing_service.doors import read_pinned, receiver, tls_context
from ledger.outside.signing_service.frames import Message, read
from ledger.ports import RevocationSource, SegmentReader, Signed

PATIENCE = 10.0
"""Seconds from connecting to the end of an answer: less than an outbox may hold its lease without a sign of life."""
_GONE = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


class RemoteSigner:
    """The key of ``certificate`` (DER), as the signer at ``address`` has it."""

    def __init__(
        self,
        organisation: str,
        certificate: bytes,
        address: SignerAddress,
        revocation: RevocationSource,
        patience: float = PATIENCE,
    ) -> None:
        self._organisation, self._certificate = organisation, certificate
        self._address, self._revocation, self._patience = address, revocation, patience

    def __repr__(self) -> str:
        return f"RemoteSigner({self._organisation!r}, {self._address.shown})"

    @property
    def certificate(self) -> bytes:
        return self._certificate

    def unapproved(self, leaves: bytes, approvals: bytes, sm3: Sm3Leaves | None = None) -> list[int]:
        """As the port. Raises as ``ask``."""
        question = questions.Unapproved(self._organisation, questions.BatchParts(leaves, approvals, sm3))
        (found,) = questions.read_answer(self._ask(question), "unapproved", 1)
        return questions.read_indexes(found, len(leaves) // HASH_BYTES)

    def sign(self, manifest: Manifest, segment: SegmentReader, now: int) -> Signed:
        """As the port; the signature bears the time of the signer's clock. What comes back is verified.

        Raises:
            As ``ask``; IntegrityError, ConfigError and others that the signer refused with; ConfigError
            ``SIGNER_CERTIFICATE_REVOKED``; UnavailableError ``SIGNER_SIGNATURE_WRONG``, and from the source of
            revocation data.
        """
        name = fingerprint(self._certificate)
        parts = questions.BatchParts(segment.leaves(), segment.approvals(), segment.sm3(), segment.types())
        # As in one's own process: what nobody could verify or rely on is not signed.
        validation = self._revocation.collect([self._certificate], now, to_sign=True)
        answer = self._ask(questions.SignBatch(self._organisation, name, manifest, parts))
        attributes, signature = questions.read_answer(answer, "signed", 2)
        try:
            made = cms.assemble(self._certificate, attributes, signature)
            cms.verify_detached(made, manifest.to_bytes())
        except InputError as error:
            raise UnavailableError("SIGNER_SIGNATURE_WRONG") from error
        return Signed(made, name, validation)

    def _ask(self, question: questions.Question) -> Message:
        return ask(self._address, question.to_message(), self._patience)


def describe(address: SignerAddress, organisation: str, key: str, patience: float = PATIENCE) -> bytes:
    """The certificate (DER) of the organisation's key of this name at the signer.

    Raises:
        As ``ask``; what the signer refused with: NotFoundError ``KEYS_UNKNOWN``, ConfigError ``SIGNER_ORGANISATION``.
    """
    answer = ask(address, questions.Describe(organisation, key).to_message(), patience)
    return questions.read_answer(answer, "described", 1)[0]


def require_at_signer(key: SigningKey, organisation: str, name: str, patience: float = PATIENCE) -> SignerAddress:
    """Where the key of this name lies: the signer there has it, under the certificate that is known here.

    Raises:
        As ``describe``; ConfigError: ``SIGNER_CERTIFICATE_UNKNOWN`` for another certificate, or a key that is here.
    """
    held = key.private_key
    if not isinstance(held, RemoteKey) or describe(held.address, organisation, name, patience) != key.certificate:
        raise ConfigError("SIGNER_CERTIFICATE_UNKNOWN", certificate=fingerprint(key.certificate).hex()[:16])
    return held.address


def ask(address: SignerAddress, message: Message, patience: float = PATIENCE) -> Message:
    """One question, one answer, on a connection of their own.

    Raises:
        UnavailableError: ``SIGNER_UNREACHABLE``, ``SIGNER_LATE``, ``SIGNER_ANSWER`` for bytes that are none.
        ConfigError: ``SIGNER_DOOR`` where one is not let in, or another signer's certificate is shown;
            ``SIGNER_TLS_FILES``, ``KEYS_PERMISSIONS``. NotFoundError: ``KEYS_UNKNOWN``.
    """
    data, until = message.to_bytes(), time.monotonic() + patience
    try:
        with _connect(address, patience) as connection:
            _send(connection, data, until - time.monotonic())
            return read(receiver(connection, until - time.monotonic()), questions.MAX_ANSWER)
    except InputError as error:
        if error.values.get("cause") == "end":  # it was killed, or told to stop
            raise UnavailableError("SIGNER_UNREACHABLE", address=address.shown) from error
        raise UnavailableError("SIGNER_ANSWER") from error
    except _GONE as error:
        raise UnavailableError("SIGNER_UNREACHABLE", address=address.shown) from error
    except (PermissionError, ssl.SSLError) as error:
        raise ConfigError("SIGNER_DOOR", address=address.shown) from error
    except TimeoutError as error:
        raise UnavailableError("SIGNER_LATE", address=address.shown, seconds=int(patience)) from error
    except OSError as error:
        raise UnavailableError("SIGNER_UNREACHABLE", address=address.shown) from error


def _connect(address: SignerAddress, patience: float) -> socket.socket:
    if isinstance(address.where, Path):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(patience)
        try:
            connection.connect(str(address.where))
        except BaseException:
            connection.close()
            raise
        return connection
    return _connect_tls(address.where, patience)


def _connect_tls(place: TlsPlace, patience: float) -> socket.socket:
    context = tls_context(ssl.PROTOCOL_TLS_CLIENT, place.certificate, place.key, [place.server])
    pinned = fingerprint(read_pinned(place.server))
    connection = socket.create_connection((place.host, place.port), timeout=patience)
    try:
        wrapped = context.wrap_socket(connection)
    except BaseException:
        connection.close()
        raise
    if fingerprint(wrapped.getpeercert(binary_form=True) or b"") != pinned:
        wrapped.close()
        raise ssl.SSLError("another certificate")
    return wrapped


def _send(connection: socket.socket, data: bytes, patience: float) -> None:
    connection.settimeout(max(patience, 0.001))
    # who is not let in is told so before all was said: that answer is still there to be read
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.sendall(data)
