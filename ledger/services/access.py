"""Callers of the service: tokens ``zy_<id>_<secret>``, and what each may do for whom.

The secret is 256 random bits, so its SHA-256 is enough in the database: there is nothing to guess that a slow hash
would slow down, and every request pays for it. The token is shown once, when it is made.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hmac import compare_digest

from ledger.core.canonical import FORBIDDEN, b64, unb64
from ledger.core.identifiers import organisation_id
from ledger.errors import ConflictError, InputError, NotFoundError
from ledger.ports.access import AnswerRow, ServiceStore, TokenRow
from ledger.services.operations import Act, Operations

ACTIONS = ("issue", "status", "read", "deposit", "relate", "audit", "login", "crypto", "operate")
SECRET_BYTES = 32
ID_BYTES = 6
MAX_LABEL = 64
MAX_SECONDS = 3650 * 86_400
_TOKEN = re.compile(r"zy_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_KEY = re.compile(r"[\x21-\x7e]{1,128}")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who holds a valid token."""

    id: str
    organisations: tuple[str, ...]
    actions: tuple[str, ...]

    @property
    def who(self) -> str:
        """As the log of operations names it."""
        return f"token:{self.id}"

    def require(self, action: str) -> None:
        """Raises InputError ACCESS_ACTION."""
        if action not in self.actions:
            raise InputError("ACCESS_ACTION", action=action)

    def require_organisation(self, organisation: str) -> None:
        """Raises InputError ACCESS_ORGANISATION. For what is named by the caller; what is found by its leaf is
        "not found" instead, so that nobody learns what other offices have."""
        if organisation not in self.organisations:
            raise InputError("ACCESS_ORGANISATION")


class Access:
    def __init__(
        self,
        store: ServiceStore,
        operations: Operations,
        clock: Callable[[], float],
        random: Callable[[int], bytes],
    ) -> None:
        self._store = store
        self._operations = operations
        self._clock = clock
        self._random = random

    def add(
        self, label: str, organisations: Sequence[str], actions: Sequence[str], seconds: int
    ) -> tuple[TokenRow, str]:
        """A new token and its text, which is stored nowhere. ``seconds``: until it expires.

        Raises:
            InputError: ACCESS_LABEL, ACCESS_ACTION_UNKNOWN, ACCESS_EMPTY, ACCESS_SECONDS; USCC_…, ORGANISATION_ID.
        """
        if len(label) > MAX_LABEL or FORBIDDEN.search(label):
            raise InputError("ACCESS_LABEL", limit=MAX_LABEL)
        unknown = sorted(set(actions) - set(ACTIONS))
        if unknown:
            raise InputError("ACCESS_ACTION_UNKNOWN", actions=unknown, known=", ".join(ACTIONS))
        if not organisations or not actions:
            raise InputError("ACCESS_EMPTY")
        if not 0 < seconds <= MAX_SECONDS:
            raise InputError("ACCESS_SECONDS", limit=MAX_SECONDS)
        now, secret = int(self._clock()), self._random(SECRET_BYTES)
        row = TokenRow(
            self._random(ID_BYTES).hex(),
            hashlib.sha256(secret).digest(),
            label,
            tuple(sorted({organisation_id(o) for o in organisations})),
            tuple(a for a in ACTIONS if a in actions),
            now,
            now + seconds,
        )
        after = {
            "digest": row.digest.hex(),  # whoever exchanges it in the rows contradicts the log
            "organisations": list(row.organisations),
            "actions": list(row.actions),
            "until": row.until,
        }
        with self._store.begin() as unit:
            unit.access.add_token(row)
            self._operations.note(Act("token.add", None, row.id, None, after))(unit)
        return row, f"zy_{row.id}_{b64(secret)}"

    def revoke(self, id_: str) -> None:
        """From this moment every request with it is refused. Raises NotFoundError TOKEN_UNKNOWN."""
        now = int(self._clock())
        with self._store.begin() as unit:
            if not unit.access.revoke_token(id_, now):
                raise NotFoundError("TOKEN_UNKNOWN")
            self._operations.note(revocation(id_))(unit)

    def tokens(self) -> list[TokenRow]:
        with self._store.read() as unit:
            return unit.access.tokens()

    def usable(self) -> bool:
        """Is there a token that would be taken now?"""
        now = self._clock()
        return any(t.revoked is None and now < t.until for t in self.tokens())

    def authenticate(self, authorization: str | None) -> Caller:
        """The caller behind an ``Authorization`` header (RFC 6750, section 2.1).

        Raises:
            InputError: ACCESS_TOKEN_MISSING; ACCESS_TOKEN_INVALID (malformed, unknown, wrong, revoked: which of them is
                not said); ACCESS_TOKEN_EXPIRED, only to who knows the secret.
        """
        if not authorization:
            raise InputError("ACCESS_TOKEN_MISSING")
        scheme, _, text = authorization.partition(" ")
        match = _TOKEN.fullmatch(text.strip()) if scheme.lower() == "bearer" else None
        if match is None:
            raise InputError("ACCESS_TOKEN_INVALID")
        with self._store.glance() as unit:
            row = unit.access.token(match[1])
        same = compare_digest(_digest(match[2]), row.digest if row else bytes(32))
        if row is None or not same or row.revoked is not None:
            raise InputError("ACCESS_TOKEN_INVALID")
        if self._clock() >= row.until:
            raise InputError("ACCESS_TOKEN_EXPIRED", until=row.until)
        return Caller(row.id, row.organisations, row.actions)

    # ---- answered requests -----------------------------------------------------------------------------------------

    def answered(self, caller: Caller, key: str, request: bytes) -> AnswerRow | None:
        """What this key made before, or ``None``.

        Raises:
            InputError: ACCESS_KEY. ConflictError: ACCESS_KEY_REUSED, when the key came with another request.
        """
        with self._store.read() as unit:
            found = unit.access.answer(caller.id, key_digest(key))
        if found is not None and found.request != request:
            raise ConflictError("ACCESS_KEY_REUSED")
        return found

    def answer(self, caller: Caller, key: str, request: bytes, subject: bytes) -> AnswerRow:
        """The row that remembers it; to be stored in the transaction that makes ``subject``."""
        return AnswerRow(caller.id, key_digest(key), request, subject, int(self._clock()))

    def forget(self, days: int) -> int:
        """Drop answers that nobody will ask for again."""
        with self._store.begin() as unit:
            return unit.access.forget_answers(int(self._clock()) - days * 86_400)


def revocation(id_: str) -> Act:
    """What the log says of a token that ends."""
    return Act("token.revoke", None, id_, {"revoked": False}, {"revoked": True})


def key_digest(key: str) -> bytes:
    """Keys are digested: callers make them of anything, license numbers too. Raises InputError ACCESS_KEY."""
    if not _KEY.fullmatch(key):
        raise InputError("ACCESS_KEY")
    return hashlib.sha256(b"zhengyin/idempotencyKey/1\n" + key.encode()).digest()


def _digest(secret: str) -> bytes:
    try:
        return hashlib.sha256(unb64(secret, "token", SECRET_BYTES)).digest()
    except InputError as e:  # a spelling that we never write
        raise InputError("ACCESS_TOKEN_INVALID") from e
