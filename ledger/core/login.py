"""The challenge that a person signs to log in: who asks, for which system, at which server, until when.

A connected system asks for it, the person's program shows it and signs its canonical bytes. FORMATS, "Login".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, cast

from ledger.core import canonical, shapes
from ledger.core.accreditations import JURISDICTION
from ledger.core.canonical import b64
from ledger.core.identifiers import organisation_id
from ledger.core.trust_services import LEVELS

TAG = "zhengyin/loginChallenge/1"
NONCE_BYTES = 32
SERVER = re.compile(r"https?://[a-z0-9.:\[\]-]{1,200}")
SYSTEM = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
SUBJECTS = ("person", "organisation")
SESSION_SECONDS = range(60, 43_201)
"""How long a login may last, seconds."""
PATH = "/v1/login/challenges/"

Subject = Literal["person", "organisation"]


@dataclass(frozen=True, slots=True)
class Audience:
    """A connected system, by the organisation that answers for it and a name among that organisation's systems."""

    organisation: str
    system: str

    def __str__(self) -> str:
        return f"{self.organisation}/{self.system}"

    def to_json(self) -> dict[str, Any]:
        return {"organisation": self.organisation, "system": self.system}

    @classmethod
    def from_json(cls, value: object, path: str) -> Audience:
        """Strict reading. Raises InputError SHAPE_…, ORGANISATION_ID, USCC_…."""
        organisation, system = shapes.members(value, path, "organisation", "system")
        return cls(
            organisation_id(shapes.text(organisation, f"{path}.organisation")),
            shapes.text(system, f"{path}.system", SYSTEM),
        )


@dataclass(frozen=True, slots=True)
class Challenge:
    """``server``: scheme, host and port at which the person's program reaches this service; ``subject``: whose
    number the certificate must bear; ``level``: least assurance of its recognition in ``jurisdiction``; ``issued``,
    ``expires``: seconds UTC, between which it may be answered, once; ``session``: seconds that the login will last."""

    server: str
    audience: Audience
    jurisdiction: str
    level: int
    subject: Subject
    session: int
    issued: int
    expires: int
    nonce: bytes

    @property
    def address(self) -> str:
        return f"{self.server}{PATH}{self.nonce.hex()}"

    def to_json(self) -> dict[str, Any]:
        return {
            "tag": TAG,
            "server": self.server,
            "audience": self.audience.to_json(),
            "jurisdiction": self.jurisdiction,
            "level": self.level,
            "subject": self.subject,
            "session": self.session,
            "issued": self.issued,
            "expires": self.expires,
            "nonce": b64(self.nonce),
        }

    def to_bytes(self) -> bytes:
        """What is signed."""
        return canonical.encode(self.to_json())

    @classmethod
    def from_json(cls, value: object, path: str = "challenge") -> Challenge:
        """Strict reading. Raises InputError SHAPE_…, ORGANISATION_ID, USCC_…."""
        server, audience, jurisdiction, level, subject, session, issued, expires, nonce = shapes.tagged(
            value,
            path,
            TAG,
            "server",
            "audience",
            "jurisdiction",
            "level",
            "subject",
            "session",
            "issued",
            "expires",
            "nonce",
        )
        found = cls(
            shapes.text(server, f"{path}.server", SERVER),
            Audience.from_json(audience, f"{path}.audience"),
            shapes.text(jurisdiction, f"{path}.jurisdiction", JURISDICTION, 32),
            shapes.integer(level, f"{path}.level", LEVELS[0], LEVELS[-1]),
            cast(Subject, shapes.choice(SUBJECTS)(subject, f"{path}.subject")),
            shapes.integer(session, f"{path}.session", SESSION_SECONDS[0], SESSION_SECONDS[-1]),
            shapes.integer(issued, f"{path}.issued"),
            shapes.integer(expires, f"{path}.expires"),
            shapes.digest(nonce, f"{path}.nonce"),
        )
        shapes.ascending((found.issued, found.expires), f"{path}.expires")
        return found

    @classmethod
    def from_bytes(cls, data: bytes) -> Challenge:
        """Raises InputError CANONICAL_… for bytes that are not those of the value; as ``from_json``."""
        return cls.from_json(canonical.decode(data))
