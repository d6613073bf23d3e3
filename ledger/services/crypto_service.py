"""Cryptography for the city's other systems: signatures, time-stamps and encryption under named keys.

Each use is one entry in the log of operations, written before the answer is given: a use that cannot be logged gives
nothing out. Keys are of purposes of their own; what is signed here can be nothing that the ledger itself believes
(``crypto.service_cms``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from ledger.core.bundles import ValidationData
from ledger.core.registries import Suite
from ledger.core.trust import Trust
from ledger.crypto import cms
from ledger.crypto.algorithms import algorithm_of
from ledger.crypto.certificates import fingerprint, read_certificate
from ledger.crypto.foreign_cms import ForeignSignature, verify_digest, verify_foreign
from ledger.crypto.key_envelopes import KeyHead, read_key_envelope
from ledger.crypto.service_cms import digest_for, service_attributes
from ledger.crypto.timestamps import DigestOf, over, verify_token
from ledger.errors import ConfigError, ConflictError, InputError, NotFoundError, ZhengyinError
from ledger.ports import TimestampAuthority
from ledger.ports.access import ServiceStore
from ledger.ports.crypto import ServiceKeys, ServiceSigner
from ledger.services.crypto_content import MAX_BYTES, Content, Digester
from ledger.services.crypto_reports import CryptoReport, Judge, Recognised
from ledger.services.operations import Act, Operations
from ledger.services.use_log import UseLog

DONE = "done"
_UNUSABLE = {"SIGNER_CERTIFICATE_DATES": "CRYPTO_KEY_DATES", "SIGNER_CERTIFICATE_REVOKED": "CRYPTO_KEY_REVOKED"}
Key = TypeVar("Key")


class Stamper(TimestampAuthority, Protocol):
    def stamp_digest(self, digest_of: DigestOf, digest: str = "sha256") -> bytes:
        """As ``stamp``, over what is known by its digest."""
        ...


@dataclass(frozen=True, slots=True)
class MadeSignature:
    """``cms``: detached, DER; ``certificate``: SHA-256 of the signer's; ``time``: of the time-stamp in it, seconds UTC,
    or ``None``."""

    cms: bytes
    certificate: bytes
    algorithm: str
    signing_time: int
    time: int | None


class CryptoService:
    """``organisation`` is everywhere one for which the caller may act: that has been judged before. ``standing``:
    refuses a certificate (DER) that is known to be revoked at an instant (``SIGNER_CERTIFICATE_REVOKED``), and tells
    those between it and its root.

    Every method raises UnavailableError ``STORE_…`` where the use cannot be logged, and those with a key NotFoundError
    ``CRYPTO_KEY_UNKNOWN``, ConfigError ``KEYS_…``.
    """

    def __init__(
        self,
        store: ServiceStore,
        keys: ServiceKeys,
        stampers: Callable[[str], Stamper | None],
        trust: Callable[[], Trust],
        known: Callable[[], Sequence[bytes]],
        standing: Callable[[bytes, int], Sequence[bytes]],
        operations: Operations,
        clock: Callable[[], float],
        suite: Suite,
    ) -> None:
        self._store = store
        self._keys = keys
        self._stampers = stampers
        self._trust = trust
        self._known = known
        self._standing = standing
        self._log = UseLog(store, operations)
        self._clock = clock
        self._suite = suite

    def digester(self, names: Sequence[str] = ()) -> Digester:
        """Without names both; in the profile ``gm`` SM3 alone."""
        return Digester(tuple(dict.fromkeys(names)) or (("sm3",) if self._suite is Suite.GM else ("sha256", "sm3")))

    def digested(self, organisation: str, size: int, digests: dict[str, bytes]) -> None:
        """Log what a ``Digester`` was used for."""
        with self._logged("digest", organisation, next(iter(digests.values())).hex(), size):
            pass

    def sign(self, organisation: str, name: str, content: Content, stamped: bool = False) -> MadeSignature:
        """A detached CMS, CAdES-B-B or, ``stamped``, B-T.

        Raises:
            InputError: ``CRYPTO_CONTENT_OURS``, ``CRYPTO_DIGEST_OTHER``. ConflictError: ``CRYPTO_KEY_DATES``,
                ``CRYPTO_KEY_REVOKED``; ``CRYPTO_KEY_BOUND`` the certificate is one that issues;
                ``CRYPTO_NO_AUTHORITY``.
            UnavailableError: from the key; ``TIMESTAMP_UNAVAILABLE``.
        """
        with self._logged("sign", organisation, content.subject, _size(content)) as after:
            content.require_foreign()
            key, now = self._signer(organisation, name, after), int(self._clock())
            certificate, digest = key.certificate, digest_for(key.certificate)
            attributes = service_attributes(content.of(digest), certificate, now)
            stamper = self._stamper(organisation) if stamped else None
            with _usable():
                above = self._standing(certificate, now)
                signature = key.sign_attributes(attributes, now)
            token = None
            if stamper is not None:
                received = stamper.stamp(signature, "sm3" if digest == "sm3" else "sha256")
                token = verify_token(received, over(signature))
            made = cms.assemble(certificate, attributes, signature, token.form if token else None, above)
            after["certificate"] = fingerprint(certificate).hex()
            algorithm = algorithm_of(read_certificate(certificate).spki).name
            return MadeSignature(made, fingerprint(certificate), algorithm, now, token.time if token else None)

    def verify(
        self, organisation: str, data: bytes, content: Content, brought: ValidationData, wanted: Recognised | None
    ) -> CryptoReport:
        """A report on a CMS, its content enclosed or not."""

        def read(certificates: Sequence[bytes]) -> ForeignSignature:
            if content.data is not None:
                return verify_foreign(data, content.data, certificates)
            return verify_digest(data, content.of, certificates)

        with self._logged("verify", organisation, content.subject, len(data)) as after:
            report = self._judge().signature(read, brought, wanted)
            after["outcome"] = report.indication.value
            return report

    def verify_token(self, organisation: str, data: bytes, content: Content, brought: ValidationData) -> CryptoReport:
        """A report on a time-stamp token."""
        with self._logged("verify", organisation, content.subject, len(data)) as after:
            report = self._judge().token(data, content.of, brought)
            after["outcome"] = report.indication.value
            return report

    def timestamp(self, organisation: str, content: Content) -> tuple[bytes, int]:
        """A token over a digest as its authority wrote it, DER, and its time, seconds UTC.

        Raises:
            ConflictError: ``CRYPTO_NO_AUTHORITY``. UnavailableError: ``TIMESTAMP_UNAVAILABLE``.
        """
        with self._logged("timestamp", organisation, content.subject, None):
            token = self._stamper(organisation).stamp_digest(content.of, content.algorithm)
            return token, verify_token(token, content.of).time

    def encrypt(self, organisation: str, name: str, data: bytes, context: str) -> tuple[bytes, int]:
        """A key envelope under the newest version of the key, and that version.

        Raises:
            InputError: ``CRYPTO_SIZE``. ConflictError: ``KEYS_RETIRED``, ``KEYS_USED_UP``, ``KEYS_RESTORED``.
        """
        with self._logged("encrypt", organisation, None, len(data)) as after:
            if len(data) > MAX_BYTES:
                raise InputError("CRYPTO_SIZE", limit=MAX_BYTES)
            key = _known_key(lambda: self._keys.newest_data_key(organisation, name))
            after |= {"key": name, "version": key.version}
            head = KeyHead(key.algorithm, name, key.version)
            return head.to_bytes() + key.encrypt(data, head.associated(organisation, context)), key.version

    def decrypt(self, organisation: str, envelope: bytes, context: str) -> tuple[bytes, KeyHead]:
        """The data and which key they were under.

        Raises:
            InputError: ``KEY_ENVELOPE_FORM``; ``ENVELOPE_DAMAGED``: changed, of another organisation or context.
        """
        with self._logged("decrypt", organisation, None, len(envelope)) as after:
            head, sealed = read_key_envelope(envelope)
            key = _known_key(lambda: self._keys.data_key(organisation, head.name, head.version))
            after |= {"key": head.name, "version": head.version}
            if key.algorithm != head.algorithm:
                raise InputError("ENVELOPE_DAMAGED", length=len(sealed))
            return key.decrypt(sealed, head.associated(organisation, context)), head

    def _judge(self) -> Judge:
        return Judge(self._trust(), self._known(), int(self._clock()))

    def _signer(self, organisation: str, name: str, after: dict[str, Any]) -> ServiceSigner:
        key = _known_key(lambda: self._keys.service(organisation, name))
        after["key"] = name
        with self._store.read() as unit:
            bound = {signer.certificate for signer in unit.chain.signers()}  # for whomever
        if fingerprint(key.certificate) in bound:
            raise ConflictError("CRYPTO_KEY_BOUND")
        return key

    def _stamper(self, organisation: str) -> Stamper:
        found = self._stampers(organisation)
        if found is None:
            raise ConflictError("CRYPTO_NO_AUTHORITY")
        return found

    @contextmanager
    def _logged(
        self, operation: str, organisation: str, subject: str | None, size: int | None
    ) -> Iterator[dict[str, Any]]:
        """What is put into the yielded object stands in the entry. The name of a key is, once there is such a key:
        what callers write else could be anything."""
        after: dict[str, Any] = {"size": size, "outcome": DONE}
        act = f"crypto.{operation}"
        try:
            yield after
        except ZhengyinError as error:
            self._log.record(Act(act, organisation, subject, None, after | {"outcome": error.code}))
            raise
        self._log.record(Act(act, organisation, subject, None, after))


def _size(content: Content) -> int | None:
    return None if content.data is None else len(content.data)


def _known_key(find: Callable[[], Key]) -> Key:
    try:
        return find()
    except NotFoundError as error:
        raise NotFoundError("CRYPTO_KEY_UNKNOWN") from error


@contextmanager
def _usable() -> Iterator[None]:
    try:
        yield
    except ConfigError as error:
        if error.code in _UNUSABLE:
            raise ConflictError(_UNUSABLE[error.code]) from error
        raise
