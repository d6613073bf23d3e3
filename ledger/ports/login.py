"""What the service keeps of logins: challenges for minutes, sessions for hours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ChallengeRow:
    """``challenge``: its canonical bytes; ``used``: when it was answered, or ``None``."""

    nonce: bytes
    challenge: bytes
    expires: int
    used: int | None = None


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A login that was granted. ``digest``: HMAC over all of it and the token's secret; ``challenge``: nonce of the one
    that was answered, 32 bytes; ``subject``: pseudonym of who logged in, 32 bytes; ``kind``: person or organisation;
    ``authority``: SHA-256 of the authority's certificate; ``level``: of its recognition; ``ended``: when it was given
    up, or ``None``."""

    id: str
    digest: bytes
    challenge: bytes
    organisation: str
    system: str
    subject: bytes
    kind: str
    authority: bytes
    jurisdiction: str
    level: int
    created: int
    until: int
    ended: int | None = None


class Logins(Protocol):
    def add_challenge(self, challenge: ChallengeRow) -> None: ...
    def challenge(self, nonce: bytes) -> ChallengeRow | None: ...
    def use_challenge(self, nonce: bytes, now: int) -> bool:
        """``False`` if there is none, or it was used already: of two at once, one is told so."""
        ...

    def add_session(self, session: SessionRow) -> None: ...
    def session(self, id_: str) -> SessionRow | None: ...
    def end_session(self, id_: str, now: int) -> bool:
        """``False`` if there is none, or it ended already."""
        ...

    def forget(self, before: int) -> None:
        """Delete challenges and sessions that ran out before that instant."""
        ...
