"""Who signed a challenge: the signature, the way to a recognised authority, revocation as of now, the person's number.

Cheap refusals come first, and nothing is fetched for a certificate before it is proved to be an authority's: the
addresses that are asked stand in it. What cannot be decided now lets nobody in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ledger.core.bundles import ValidationData
from ledger.core.login import Challenge
from ledger.core.trust import Trust
from ledger.core.trust_lists import Recognition
from ledger.core.trust_services import IDENTITY
from ledger.crypto.foreign_cms import ForeignSignature, verify_foreign
from ledger.crypto.path_rules import LOGIN
from ledger.crypto.paths import CertificatePath, find_paths
from ledger.crypto.revocation import judge
from ledger.crypto.subject_identity import SubjectIdentity, identity_of
from ledger.errors import ConfigError, InputError, UnavailableError
from ledger.ports import RevocationSource
from ledger.verification.authority_keys import fallen_keys
from ledger.verification.case import Times
from ledger.verification.listed import ListOnChain
from ledger.verification.shortening import Recognised, recognition_ended, recognitions_left, taken_back
from ledger.verification.standing import anchors, require_standing

MAX_CMS = 64 * 1024
"""Bytes of a response: a signature, a few certificates of 16 KiB at most, perhaps a list."""


@dataclass(frozen=True, slots=True)
class Proof:
    """``identity`` is personal: it goes no further than the pseudonym made of it. ``recognition``: of the authority."""

    identity: SubjectIdentity
    recognition: Recognition


@dataclass(frozen=True, slots=True)
class LoginProver:
    """``known``: authorities' certificates (DER) that the office has, beside those that a response encloses;
    ``listed(trust, certificates, now)``: the trust list on chain as of now, proved for these (DER), or ``None`` where
    the ledger has none (`listed_now.ListedNow`)."""

    trust: Callable[[], Trust]
    revocation: RevocationSource
    known: Callable[[], Sequence[bytes]]
    listed: Callable[[Trust, Sequence[bytes], int], ListOnChain | None]

    def prove(self, challenge: Challenge, cms: bytes, now: int) -> Proof:
        """``cms``: DER, over the canonical bytes of ``challenge``, detached or not; ``now``: seconds UTC.

        Raises:
            InputError: the response is refused: ``LOGIN_RESPONSE_LARGE``, ``LOGIN_BY_SERVICE``; ``CMS_…``; ``PATH_…``,
                ``LOGIN_PATH``; ``REVOCATION_…``; ``IDENTITY_…``.
            UnavailableError: ``LOGIN_UNDECIDED`` with the code of what is missing.
        """
        if len(cms) > MAX_CMS:
            raise InputError("LOGIN_RESPONSE_LARGE", limit=MAX_CMS)
        trust = self.trust()
        if now >= trust.expires:
            raise UnavailableError("LOGIN_UNDECIDED", cause="TRUST_FILE_EXPIRED")
        with _decided():
            signature = verify_foreign(cms, challenge.to_bytes())
            if signature.by_service:  # what a caller had signed under an office's key, perhaps by its digest alone
                raise InputError("LOGIN_BY_SERVICE")
            paths = self._paths(trust, signature, now)
            recognition = self._any(trust, challenge, paths, signature, now)
        return Proof(identity_of(signature.certificate, challenge.subject), recognition)

    def _paths(self, trust: Trust, signature: ForeignSignature, now: int) -> tuple[CertificatePath, ...]:
        others = tuple(dict.fromkeys((*signature.certificates, *self.known())))
        try:
            return find_paths(signature.certificate, others, anchors(trust), now, LOGIN)
        except InputError as error:
            if error.code == "PATH_INVALID":  # its reason may quote a name out of the certificate
                raise InputError("LOGIN_PATH") from error
            raise

    def _any(
        self,
        trust: Trust,
        challenge: Challenge,
        paths: Sequence[CertificatePath],
        signature: ForeignSignature,
        now: int,
    ) -> Recognition:
        """Any path that holds is enough. Where none does: what is open before what is refused, for with what is
        missing it may yet be granted."""
        faults: list[InputError | UnavailableError] = []
        for path in paths:
            try:
                found = self._recognition(trust, challenge, path, now)
                self._require_unrevoked(trust, path, signature, now)
                return found
            except (InputError, UnavailableError) as fault:
                faults.append(fault)
        raise min(faults, key=lambda fault: isinstance(fault, InputError))

    def _recognition(self, trust: Trust, challenge: Challenge, path: CertificatePath, now: int) -> Recognition:
        """By the trust file, as far as nothing of it was taken back on chain since: that says no more than that a newer
        file decides, and until then nobody gets in by it."""
        found = require_standing(trust, path, IDENTITY, challenge.jurisdiction, challenge.level, now)
        above = path.certificates[1:]
        listed = self.listed(trust, above, now)
        if listed is None:
            return found
        wanted = Recognised(path.anchor_sha256, IDENTITY, challenge.jurisdiction, challenge.level)
        against = taken_back(listed, trust, above, Times(now, now, now), above)
        for finding in against + recognition_ended(listed, trust, wanted, now):
            raise UnavailableError("LOGIN_UNDECIDED", cause=finding.code)
        return max(recognitions_left(listed, trust, wanted, now), key=lambda r: r.level)

    def _require_unrevoked(self, trust: Trust, path: CertificatePath, signature: ForeignSignature, now: int) -> None:
        """What the authorities say now; lists in the response only where they do not answer: those may be from before
        a revocation that is already known."""
        missing = None
        try:
            data = self.revocation.collect(path.certificates[:1], now, known=path.certificates[1:])
        except (UnavailableError, ConfigError) as error:
            missing, data = error.code, ValidationData((), signature.crls, signature.ocsps)
        verdict = judge(path, data, now, fallen_keys(trust.authorities))
        if verdict.outcome == "revoked":
            raise InputError("LOGIN_REVOKED", position=verdict.values["position"], reason=verdict.values["reason"])
        if verdict.outcome != "good":
            raise UnavailableError("LOGIN_UNDECIDED", cause=missing or verdict.code)


@contextmanager
def _decided() -> Iterator[None]:
    """A machine that cannot check an algorithm has decided nothing."""
    try:
        yield
    except ConfigError as error:
        raise UnavailableError("LOGIN_UNDECIDED", cause=error.code) from error
