"""What the signer does with a question: checks all of it, writes down what it will sign, and only then signs.

It believes nothing about a batch that it did not compute: the root is built again, each record needs the approval of a
releasing source, whose keys the signer holds itself. The numbers by type are the ledger's word, held against the
manifest, limited and shown; leaves do not tell their types.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from ledger.core.manifests import Manifest
from ledger.crypto.approvals import check_approvals, missing_approvals
from ledger.crypto.certificates import fingerprint
from ledger.errors import ConfigError, NotFoundError, UnavailableError, ZhengyinError
from ledger.outside.batch_signer import require_manifest
from ledger.outside.keystore import KeyStore
from ledger.outside.remote_keys import RemoteKey
from ledger.outside.signing_keys import SigningKey
from ledger.outside.signing_service import questions
from ledger.outside.signing_service.confirming import Confirming
from ledger.outside.signing_service.frames import Message
from ledger.outside.signing_service.rules import Rules
from ledger.outside.signing_service.signed_log import SignedLog

Announce = Callable[[dict[str, Any]], None]


class Desk:
    """``announce`` is told of every question: who, what, how many, what became of it; never a secret or a person."""

    def __init__(
        self,
        rules: Rules,
        keys: KeyStore,
        log: SignedLog,
        clock: Callable[[], float],
        announce: Announce,
        confirming: Confirming | None = None,
    ) -> None:
        self._rules, self._keys, self._log = rules, keys, log
        self._clock, self._announce, self._confirming = clock, announce, confirming
        self._organisations, self._kinds = frozenset(rules.organisations), rules.served_kinds
        self._chains = rules.served_chains
        self._one_at_a_time = threading.Lock()

    def require_keys(self) -> int:
        """Open every key that may be asked for, so that none is found missing when a batch waits for it. How many.

        Raises:
            ConfigError: ``KEYS_…``, ``SIGNER_SETTINGS``, ``SIGNER_…``. NotFoundError: ``KEYS_UNKNOWN``.
        """
        count = 0
        for organisation in self._rules.organisations:
            self._keys.approval_keys(organisation)
            for name in self._keys.names(organisation, "signing"):
                self._open(organisation, name)
                count += 1
        if not count:
            raise ConfigError("SIGNER_SETTINGS", key="keys", reason="no signing key")
        return count

    def answer(self, client: str, message: Message) -> Message:
        """The answer to whatever came; never raises on purpose."""
        said: dict[str, Any] = {"at": int(self._clock()), "client": client}
        try:
            with self._one_at_a_time:
                answer = self._answer(client, message, said)
        except ZhengyinError as error:
            self._announce(said | {"decision": "refused", "code": error.code})
            return questions.refused(error)
        self._announce(said | {"decision": answer.body["answer"]})
        return answer

    def _answer(self, client: str, message: Message, said: dict[str, Any]) -> Message:
        question = questions.read_question(message)
        said |= {"question": message.body["question"], "organisation": question.organisation}
        if question.organisation not in self._organisations:
            raise ConfigError("SIGNER_ORGANISATION", organisation=question.organisation)
        match question:
            case questions.Describe(organisation, name):
                return questions.described(self._open(organisation, name).certificate)
            case questions.Unapproved(organisation, batch):
                keys = self._keys.approval_keys(organisation)
                found = missing_approvals(batch.leaves(), batch.approvals(), keys, batch.sm3())
                said |= {"records": len(batch.leaves()) // 32, "missing": len(found)}
                return questions.unapproved(found)
            case _:
                return self._sign(client, question, said)

    def _sign(self, client: str, question: questions.SignBatch, said: dict[str, Any]) -> Message:
        now, manifest = int(self._clock()), question.manifest
        said |= {
            "issuer": manifest.issuer,
            "kind": manifest.kind.word,
            "counts": dict(manifest.counts),
            "root": manifest.root.hex(),
        }
        key = self._of_certificate(question.organisation, question.certificate)
        key.require_valid(now)
        self._require_allowed(manifest)
        batch, keys = question.batch, self._keys.approval_keys(question.organisation)
        require_manifest(manifest, question.organisation, batch.leaves(), batch.sm3(), batch.types())
        check_approvals(batch.leaves(), batch.approvals(), keys, batch.sm3())
        self._log.require_consistent(manifest)
        before = self._log.records_in_hour(manifest.issuer, now, manifest.sha256())
        if before + manifest.size > self._rules.hour_records:
            raise UnavailableError("SIGNER_HOUR_LIMIT", limit=self._rules.hour_records, signed=before)
        if self._confirming is not None:
            self._confirming.require(manifest)
        self._log.append(manifest, question.certificate, client, now)
        return questions.signed(*key.sign_parts(manifest.to_bytes(), now))

    def _require_allowed(self, manifest: Manifest) -> None:
        """What may be signed here at all, whoever released it."""
        if manifest.kind not in self._kinds:
            raise ConfigError("SIGNER_KIND", kind=manifest.kind.word)
        if self._chains and manifest.chain.genesis not in self._chains:
            raise ConfigError("SIGNER_CHAIN", genesis=manifest.chain.genesis.hex())
        types = self._rules.types
        for type_, _ in manifest.counts:
            if types and type_ not in types:
                raise ConfigError("SIGNER_TYPE", type=type_)
        if manifest.size > self._rules.batch_records:
            raise ConfigError("SIGNER_BATCH_LIMIT", limit=self._rules.batch_records, size=manifest.size)

    def _of_certificate(self, organisation: str, wanted: bytes) -> SigningKey:
        for name in self._keys.names(organisation, "signing"):
            try:
                found = self._keys.certificate(organisation, name)
            except NotFoundError:
                continue  # a key that still waits for its certificate
            if fingerprint(found) == wanted:
                return self._open(organisation, name)
        raise ConfigError("SIGNER_CERTIFICATE_UNKNOWN", certificate=wanted.hex()[:16])

    def _open(self, organisation: str, name: str) -> SigningKey:
        found = self._keys.signing(organisation, name)
        if isinstance(found.private_key, RemoteKey):  # a signer that asks another, or itself, decides nothing
            raise ConfigError("SIGNER_SETTINGS", key="keys", reason=name)
        return found
