"""The crypto service: questions and answers. Bytes are base64url without padding, digests hexadecimal."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints, model_validator
from pydantic.config import JsonDict

from api.schemas.common import Closed, Organisation, Shown
from ledger.services.crypto_content import MAX_BYTES

_WHO: JsonDict = {"organisation": "114401000700000148"}
_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_SM3 = "55e12e91650d2fec56ec74e1d3e4ddbfce2ef3a65890c2a19ecf88a307e76a23"
_DIGEST: JsonDict = {"algorithm": "sha256", "value": _SHA256}
_CMS = "MIIF0gYJKoZIhvcNAQcCoIIFwzCC"
_ENVELOPE = "WllLRQEBAAAAAQZmaWxpbmcBAgMEBQYHCAkKCwzp"

_BASE64 = "base64url，不带填充 · base64url without padding (RFC 4648 section 5)"
Base64 = StringConstraints(pattern=r"^[A-Za-z0-9_-]*$", max_length=(MAX_BYTES * 4 + 2) // 3)
Data = Annotated[str, Base64, Field(description=_BASE64)]
Sealed = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=(MAX_BYTES + 256) * 4 // 3),
    Field(description=_BASE64),
]
KeyName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,63}$")]
Context = Annotated[str, StringConstraints(max_length=1024)]
DigestName = Literal["sha256", "sm3"]
MAX_PARTS = 32
Parts = Annotated[tuple[Data, ...], Field(max_length=MAX_PARTS)]


class Digested(Closed):
    model_config = ConfigDict(json_schema_extra={"examples": [_DIGEST]})

    algorithm: Literal["sha256", "sha384", "sha512", "sm3"]
    value: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})$")]


class About(Closed):
    """What is signed: exactly one of ``data`` and ``digest``."""

    data: Data | None = None
    digest: Digested | None = None

    @model_validator(mode="after")
    def _one(self) -> About:
        if (self.data is None) == (self.digest is None):
            raise ValueError("exactly one of data and digest")
        return self


class Digests(Shown):
    """Of the body; those that were asked for. ``size`` in bytes."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"size": 4, "sha256": _SHA256, "sm3": _SM3}]})

    size: int
    sha256: str | None = None
    sm3: str | None = None


class SignRequest(About):
    """``key``: a key of purpose ``service``; ``digest`` must be by the algorithm of that key; ``timestamp``: with one
    over the signature (CAdES-B-T)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{**_WHO, "key": "filing", "data": "dGVzdA"}, {**_WHO, "key": "filing", "digest": _DIGEST}]
        }
    )

    organisation: Organisation
    key: KeyName
    timestamp: bool = False


class MadeCms(Shown):
    """``cms``: detached, DER; ``certificate``: SHA-256 of the signer's; ``time``: that of the time-stamp, where one was
    asked for."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "cms": _CMS,
                    "certificate": _SHA256,
                    "algorithm": "sm2-sm3",
                    "signingTime": 1790000000,
                    "time": 1790000001,
                }
            ]
        }
    )

    cms: str
    certificate: str
    algorithm: str
    signingTime: int
    time: int | None


class Wanted(Closed):
    """For what, where and how strongly the authority must have been recognised at that time."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"purpose": "license", "jurisdiction": "CN-440100", "level": 2}]}
    )

    purpose: Annotated[str, StringConstraints(pattern=r"^[a-z][A-Za-z0-9]{0,31}$")]
    jurisdiction: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,12})*$", max_length=32)]
    level: Annotated[int, Field(ge=1, le=4)]


class VerifyRequest(About):
    """Exactly one of ``cms`` and ``token``; ``certificates``, ``crls``, ``ocsps``: what helps to judge, DER. Nothing is
    fetched."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {**_WHO, "data": "dGVzdA", "cms": _CMS},
                {**_WHO, "digest": _DIGEST, "token": _CMS, "crls": [_CMS]},
            ]
        }
    )

    organisation: Organisation
    cms: Data | None = None
    token: Data | None = None
    recognised: Wanted | None = None
    certificates: Parts = ()
    crls: Parts = ()
    ocsps: Parts = ()

    @model_validator(mode="after")
    def _either(self) -> VerifyRequest:
        if (self.cms is None) == (self.token is None):
            raise ValueError("exactly one of cms and token")
        return self


class CryptoStep(Shown):
    name: str
    outcome: Literal["passed", "failed", "undetermined", "skipped"]
    findings: list[dict[str, Any]]


class CryptoReport(Shown):
    """``exitCode`` as of ``verify``; ``time``: proved by a time-stamp, ``stated``: the signer's word."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "indication": "INDETERMINATE",
                    "exitCode": 3,
                    "steps": [{"name": "signature", "outcome": "passed", "findings": []}],
                    "proved": {"algorithm": "sm2-sm3", "certificate": _SHA256, "stated": 1790000000, "time": None},
                }
            ]
        }
    )

    indication: Literal["TOTAL-PASSED", "TOTAL-FAILED", "INDETERMINATE"]
    exitCode: int
    steps: list[CryptoStep]
    proved: dict[str, Any]


class StampRequest(Closed):
    model_config = ConfigDict(json_schema_extra={"examples": [{**_WHO, "digest": _DIGEST}]})

    organisation: Organisation
    digest: Digested


class MadeToken(Shown):
    """``token``: RFC 3161, DER, as its authority wrote it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"token": _CMS, "time": 1790000001}]})

    token: str
    time: int


class EncryptRequest(Closed):
    """``key``: a key of purpose ``data``; ``context``: must be said again to decrypt, is not kept."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_WHO, "key": "filing", "data": "dGVzdA", "context": "table=filing"}]}
    )

    organisation: Organisation
    key: KeyName
    data: Data
    context: Context = ""


class MadeEnvelope(Shown):
    model_config = ConfigDict(json_schema_extra={"examples": [{"envelope": _ENVELOPE, "version": 1}]})

    envelope: str
    version: int


class DecryptRequest(Closed):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_WHO, "envelope": _ENVELOPE, "context": "table=filing"}]}
    )

    organisation: Organisation
    envelope: Sealed
    context: Context = ""


class OpenedEnvelope(Shown):
    """``key`` and ``version``: under which it was; encrypt anew what is under an old version."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"data": "dGVzdA", "key": "filing", "version": 1}]})

    data: str
    key: str
    version: int
