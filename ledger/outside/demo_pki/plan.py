"""What the ten authorities of ``authorities.yml`` are, and the architectures of certomancer made of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

from ledger.crypto import sm2
from ledger.errors import ConfigError

_OFFSET = re.compile(r"([+-])(\d{1,4})([dy])")
_DAYS = {"d": 1, "y": 365}
_SIGNATURES = {
    "sm2": ("sm3_sm2", "sm3"),
    "rsa-2048": ("sha256_rsa", "sha256"),
    "rsa-3072": ("sha256_rsa", "sha256"),
    "ecdsa-p256": ("sha256_ecdsa", "sha256"),
    "ed25519": ("ed25519", "sha512"),  # RFC 8419: what a CMS signed by Ed25519 digests with
}


TIME_STAMPING = ("ca-e", "ca-j", "ca-a")
"""Authorities whose time-stamps a ledger asks for, in this order: what most verifiers can check comes first."""


@dataclass(frozen=True, slots=True)
class DemoCa:
    """One authority. ``role``: plain, cross-certified, deep, local, renewed, revoked-intermediate, compromised or
    evil; ``issues_by``: which of its authorities signs offices' certificates; ``partner``: the label of the authority
    that cross-certified it."""

    label: str
    name: str
    jurisdiction: str
    country: str
    algorithm: str
    role: str
    issues_by: str = "issuing"
    partner: str | None = None


@cache
def authorities() -> dict[str, DemoCa]:
    """All ten, by label.

    Raises:
        ConfigError: ``DEMO_PKI_UNAVAILABLE``.
    """
    return {
        label: DemoCa(
            label,
            entry["name"],
            entry["jurisdiction"],
            entry["country"],
            entry["algorithm"],
            entry["role"],
            entry.get("issues-by", "issuing"),
            entry.get("cross-certified-by"),
        )
        for label, entry in _file()["authorities"].items()
    }


def usable() -> tuple[str, ...]:
    """Labels of the authorities whose algorithm works on this machine: without SM2 six of the ten."""
    try:
        sm2.available()
    except ConfigError:
        return tuple(ca.label for ca in authorities().values() if ca.algorithm != "sm2")
    return tuple(authorities())


def architecture(label: str, now: int, labels: Collection[str]) -> dict[str, Any]:
    """The configuration of one authority as certomancer reads it, made at ``now`` (seconds UTC); ``labels``: of all
    authorities that are made with it."""
    ca, own = authorities()[label], _file()["authorities"][label]
    merged = _merged(_file()["base"], {k: own[k] for k in ("entities", "certs", "services") if k in own})
    merged = _merged(merged, _cross_certificates(label, labels))
    entity_defaults = {"country-name": ca.country, "organization-name": f"{ca.name} (TEST)"}
    filled = _filled({**merged, "keyset": label, "entity-defaults": entity_defaults}, ca.name, now)
    for spec in (*filled["certs"].values(), *_signers(filled["services"])):
        sign_by(spec, ca.algorithm)
    return dict(filled)


def office(issuer: str, config: Mapping[str, Any], now: int) -> dict[str, Any]:
    """The specification of an office's certificate by the authority ``issuer`` of this configuration; ``now``: the
    instant from which it counts."""
    made = _filled(deepcopy(_file()["office"]), "", now)
    urls: dict[str, Any] = {"ca-issuer-links": [{"repo": issuer}]}
    if issuer in config["services"]["ocsp"]:
        urls["ocsp-responder-names"] = [issuer]
    for extension, schema, params in (
        ("crl_distribution_points", "crl-dist-url", {"crl-repo-names": [issuer]}),
        ("authority_information_access", "aia-urls", urls),
    ):
        made["extensions"].append({"id": extension, "smart-value": {"schema": schema, "params": params}})
    return {**made, "issuer": issuer, "issuer-cert": issuer}


def sign_by(spec: dict[str, Any], algorithm: str) -> None:
    """Write the signature and digest algorithms of an authority's keys into a specification that has none."""
    signature, digest = _SIGNATURES[algorithm]
    spec.setdefault("signature-algo", signature)
    spec.setdefault("digest-algo", digest)


def iso(instant: int) -> str:
    """An instant (seconds UTC) as certomancer reads it."""
    return datetime.fromtimestamp(instant, UTC).isoformat()


def _from(offset: str, now: int) -> str:
    """The instant "-2y" or "+30d" from ``now``."""
    found = _OFFSET.fullmatch(offset)
    if found is None:
        raise ConfigError("DEMO_PKI_DAMAGED", part=offset)
    days = int(found[2]) * _DAYS[found[3]] * (1 if found[1] == "+" else -1)
    return iso(now + days * 86_400)


def keys_of(config: Mapping[str, Any]) -> list[str]:
    """Labels of the keys that an authority itself holds."""
    own = {spec.get("subject-key", spec.get("subject", label)) for label, spec in config["certs"].items()}
    return sorted(name for name in own if not name.startswith("partner-"))


def _cross_certificates(label: str, labels: Collection[str]) -> dict[str, Any]:
    """Entities and certificates by which this authority's root vouches for others' roots."""
    made: dict[str, Any] = {"entities": {}, "certs": {}}
    for ca in authorities().values():
        if ca.partner == label and ca.label in labels:
            name = f"partner-{ca.label}"
            names = {"country-name": ca.country, "organization-name": f"{ca.name} (TEST)"}
            made["entities"][name] = {**names, "common-name": f"{ca.name} Root CA"}
            made["certs"][f"cross-{ca.label}"] = {
                **deepcopy(_file()["base"]["certs"]["issuing"]),
                "subject": name,
                "profiles": [{"id": "simple-ca", "params": {"max-path-len": 1}}],
            }
    return made


def _signers(services: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [spec for kind in ("ocsp", "crl-repo", "time-stamping") for spec in services[kind].values()]


def _merged(base: Any, own: Any) -> Any:
    if not (isinstance(base, dict) and isinstance(own, dict)):
        return deepcopy(own)
    made = {key: _merged(value, own[key]) if key in own else deepcopy(value) for key, value in base.items()}
    return made | {key: deepcopy(value) for key, value in own.items() if key not in base}


def _filled(value: Any, name: str, now: int) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, name, now) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, name, now) for item in value]
    if not isinstance(value, str):
        return value
    return _from(value, now) if _OFFSET.fullmatch(value) else value.replace("{name}", name)


@cache
def _file() -> dict[str, Any]:
    try:
        import yaml
    except ImportError as error:
        raise ConfigError("DEMO_PKI_UNAVAILABLE") from error
    return dict(yaml.safe_load((resources.files(__package__) / "authorities.yml").read_bytes()))
