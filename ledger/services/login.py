"""Logging in to connected systems by a certificate of any recognised authority.

A system asks for a challenge by its token and leads the person to it; the person's program signs it and gets a session
token, once; the system asks what the token is worth. The system thus learns a pseudonym that is one and the same for
all certificates of a person, and nothing else about whom.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from hmac import compare_digest

from ledger.core import canonical
from ledger.core.canonical import b64, unb64
from ledger.core.login import NONCE_BYTES, Audience, Challenge, Subject
from ledger.crypto.login_key import LoginKey
from ledger.errors import ConflictError, InputError, NotFoundError
from ledger.ports.access import ServiceStore
from ledger.ports.login import ChallengeRow, SessionRow
from ledger.services.login_proof import LoginProver
from ledger.services.operations import Act, Operations, by

CHALLENGE_SECONDS = 180
"""Time to read, to find the card, and to type its PIN."""
KEPT_SECONDS = 3600
"""How long it is remembered that a challenge ran out."""
SECRET_BYTES, ID_BYTES = 32, 6
_TOKEN = re.compile(r"zl_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")


class Login:
    """``server``: scheme, host and port under which people reach this service; ``None``: it has no login."""

    def __init__(
        self,
        store: ServiceStore,
        operations: Operations,
        key: LoginKey,
        prover: LoginProver,
        server: str | None,
        clock: Callable[[], float],
        random: Callable[[int], bytes],
    ) -> None:
        self._store = store
        self._operations = operations
        self._key = key
        self._prover = prover
        self._server = server
        self._clock = clock
        self._random = random

    def challenge(self, audience: Audience, jurisdiction: str, level: int, subject: Subject, session: int) -> Challenge:
        """A new challenge, valid for ``CHALLENGE_SECONDS``; ``session``: seconds that the login will last.

        Raises:
            NotFoundError: LOGIN_OFF. InputError: SHAPE_….
        """
        if self._server is None:
            raise NotFoundError("LOGIN_OFF")
        now = int(self._clock())
        made = Challenge(
            *(self._server, audience, jurisdiction, level, subject, session),
            *(now, now + CHALLENGE_SECONDS, self._random(NONCE_BYTES)),
        )
        Challenge.from_json(made.to_json())  # whoever asked for it named some of its members
        with self._store.begin(beside=True) as unit:
            unit.logins.forget(now - KEPT_SECONDS)
            unit.logins.add_challenge(ChallengeRow(made.nonce, made.to_bytes(), made.expires))
        return made

    def pending(self, nonce: bytes) -> bytes:
        """The canonical bytes of a challenge that waits for its answer.

        Raises:
            NotFoundError: LOGIN_CHALLENGE_UNKNOWN. ConflictError: LOGIN_CHALLENGE_USED. InputError:
                LOGIN_CHALLENGE_EXPIRED.
        """
        with self._store.glance() as unit:
            row = unit.logins.challenge(nonce)
        if row is None:
            raise NotFoundError("LOGIN_CHALLENGE_UNKNOWN")
        if row.used is not None:
            raise ConflictError("LOGIN_CHALLENGE_USED")
        if self._clock() >= row.expires:
            raise InputError("LOGIN_CHALLENGE_EXPIRED")
        return row.challenge

    def answer(self, nonce: bytes, cms: bytes) -> tuple[SessionRow, str]:
        """The session of whoever signed the challenge, and its token, which is stored nowhere.

        The challenge is used up in the transaction that writes session and log: of two answers at once one is
        granted, and a crash leaves it unanswered. A refusal leaves it to be answered properly.

        Raises:
            As ``pending`` and ``LoginProver.prove``.
        """
        challenge = Challenge.from_bytes(self.pending(nonce))
        proof = self._prover.prove(challenge, cms, int(self._clock()))
        now, secret = int(self._clock()), self._random(SECRET_BYTES)
        row = SessionRow(
            id=self._random(ID_BYTES).hex(),
            digest=bytes(32),
            challenge=nonce,
            organisation=challenge.audience.organisation,
            system=challenge.audience.system,
            subject=self._key.subject(proof.identity),
            kind=proof.identity.kind,
            authority=proof.recognition.authority,
            jurisdiction=challenge.jurisdiction,
            level=proof.recognition.level,
            created=now,
            until=now + challenge.session,
        )
        row = _sealed(self._key, row, secret)
        with by(_who(row)), self._store.begin(beside=True) as unit:
            if not unit.logins.use_challenge(nonce, now):
                raise ConflictError("LOGIN_CHALLENGE_USED")
            unit.logins.add_session(row)
            self._operations.note(Act("login.open", row.organisation, row.id, None, _logged(row)))(unit)
        return row, f"zl_{row.id}_{b64(secret)}"

    def introspect(self, audience: Audience, token: str) -> SessionRow | None:
        """The session behind a token, for the system that it was made for; ``None`` for all others, for what has
        ended, and for what never was: which of them is not said."""
        row = self._session(token)
        if row is None or row.ended is not None or self._clock() >= row.until:
            return None
        return row if Audience(row.organisation, row.system) == audience else None

    def logout(self, token: str) -> None:
        """End the session of the token. One that has none is as good as ended (RFC 7009 section 2.2)."""
        row = self._session(token)
        if row is None:
            return
        now = int(self._clock())
        with by(_who(row)), self._store.begin(beside=True) as unit:
            if unit.logins.end_session(row.id, now):
                after = {"system": row.system}
                self._operations.note(Act("login.close", row.organisation, row.id, None, after))(unit)

    def _session(self, token: str) -> SessionRow | None:
        match = _TOKEN.fullmatch(token)
        if match is None:
            return None
        try:
            secret = unb64(match[2], "token", SECRET_BYTES)
        except InputError:  # a spelling that we never write
            return None
        with self._store.glance() as unit:
            row = unit.logins.session(match[1])
        if row is None or not compare_digest(_sealed(self._key, row, secret).digest, row.digest):
            return None
        return row


def _sealed(key: LoginKey, row: SessionRow, secret: bytes) -> SessionRow:
    """With the digest of all that was granted and of the secret: rows alone make no session, and change none."""
    said = _logged(row) | {"id": row.id, "organisation": row.organisation, "created": row.created}
    said |= {"subject": row.subject.hex(), "challenge": b64(row.challenge), "secret": b64(secret)}
    return replace(row, digest=key.session(canonical.encode(said)))


def _logged(row: SessionRow) -> dict[str, object]:
    return {
        "system": row.system,
        "kind": row.kind,
        "authority": row.authority.hex(),
        "jurisdiction": row.jurisdiction,
        "level": row.level,
        "until": row.until,
    }


def _who(row: SessionRow) -> str:
    return f"subject:{row.subject.hex()}"
