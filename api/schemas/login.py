"""Challenges, responses and sessions of people who log in to connected systems."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from api.schemas.common import Closed, Organisation, Shown
from ledger.core.login import SESSION_SECONDS

_AUDIENCE: JsonDict = {"organisation": "114401000700000148", "system": "hall"}
_SERVER = "https://ledger.example"
_NONCE = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_TOKEN = "zl_0a1b2c3d4e5f_n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg"  # noqa: S105 - an example
_CHALLENGE: JsonDict = {
    "tag": "zhengyin/loginChallenge/1",
    "server": _SERVER,
    "audience": _AUDIENCE,
    "jurisdiction": "CN-440100",
    "level": 2,
    "subject": "person",
    "session": 3600,
    "issued": 1790000000,
    "expires": 1790000180,
    "nonce": "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg",
}
_SESSION: JsonDict = {
    "audience": _AUDIENCE,
    "challenge": "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg",
    "subject": "5b3c0d5c0c0a4a2d8f6f3c7c6a1d7e0fbb9f6b1d0a1e2c3d4f5061728394a5b6",
    "kind": "person",
    "authority": "0f4e8c2a6d1b3957a8c6e4f20b1d3f5779a1c3e5f70921436587a9cbed0f2143",
    "jurisdiction": "CN-440100",
    "level": 2,
    "created": 1790000042,
    "until": 1790003642,
}

SystemName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")]
Token = Annotated[str, StringConstraints(max_length=128)]


class NewChallenge(Closed):
    """``organisation`` and ``system``: who asks, one of the token's organisations and a name among its systems;
    ``level``: least assurance of the authority's recognition in ``jurisdiction``; ``subject``: whose number the
    certificate must bear; ``session``: seconds that the login will last."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_AUDIENCE, "jurisdiction": "CN-440100", "level": 2}]})

    organisation: Organisation
    system: SystemName
    jurisdiction: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,12})*$", max_length=32)]
    level: Annotated[int, Field(ge=1, le=4)]
    subject: Literal["person", "organisation"] = "person"
    session: Annotated[int, Field(ge=SESSION_SECONDS[0], le=SESSION_SECONDS[-1])] = 3600


class MadeChallenge(Shown):
    """``address``: to be given to the person's program, which gets there the very bytes to sign."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"address": f"{_SERVER}/v1/login/challenges/{_NONCE}", "challenge": _CHALLENGE}]
        }
    )

    address: str
    challenge: dict[str, Any]


class ChallengeText(Shown):
    """Canonical bytes: to be signed exactly as they came."""

    model_config = ConfigDict(frozen=True, extra="allow", json_schema_extra={"examples": [_CHALLENGE]})

    tag: str
    server: str
    audience: dict[str, str]
    nonce: str
    expires: int


class LoginResponse(Closed):
    """``cms``: SignedData of one signer over the challenge's bytes, DER in base64; with the signer's certificate and
    those between it and its root."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"cms": "MIIF0gYJKoZIhvcNAQcCoIIFwzCC…"}]})

    cms: Annotated[str, StringConstraints(max_length=90_000)]


class Session(Shown):
    """``challenge``: nonce of the one that was answered, which the system MUST compare with that of the one it asked
    for in the same browser session; ``subject``: pseudonym, the same for all certificates of a person (or organisation:
    ``kind``); ``authority``: SHA-256 of the certificate of the authority that was relied on, ``level`` that of its
    recognition."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SESSION]})

    audience: dict[str, str]
    challenge: str
    subject: str
    kind: Literal["person", "organisation"]
    authority: str
    jurisdiction: str
    level: int
    created: int
    until: int


class OpenedSession(Session):
    """``token``: shown this once; to be handed to the connected system, and to nobody else."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_SESSION, "token": _TOKEN}]})

    token: str


class Question(Closed):
    """``organisation`` and ``system``: who asks, as in the challenge."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_AUDIENCE, "token": _TOKEN}]})

    organisation: Organisation
    system: SystemName
    token: Token


class Introspection(Shown):
    """``session`` is null where the token is worth nothing to who asks: it is not said why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"active": True, "session": _SESSION}]})

    active: bool
    session: Session | None


class Farewell(Closed):
    model_config = ConfigDict(json_schema_extra={"examples": [{"token": _TOKEN}]})

    token: Token
