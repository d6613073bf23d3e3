"""The services of a trust file as a List of Trusted Entities (ETSI TS 119 602 version 1.1.1, by its JSON schema).

The schema wants an address and a page of every entity, which a trust file does not know: they are made of the
certificate's subject and the provider's identifier, and nobody reads anything from them. FORMATS, "List of trusted
entities".
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from ledger.core.trust import Trust
from ledger.core.trust_lists import Authority, DatedState, Recognition
from ledger.crypto import der
from ledger.crypto.certificate_facts import attributes_of, extensions_of
from ledger.crypto.certificates import fingerprint, read_certificate
from ledger.errors import InputError
from ledger.services.trust_lote import EXTENSION, SERVICES, STATES

VERSION = 1
LIST_TYPE = "urn:zhengyin:lote:trust-services"
LANGUAGE = "zh"
UNKNOWN = "–"
_KEY_IDENTIFIER = "2.5.29.14"
_COUNTRY, _LOCALITY, _PROVINCE, _STREET = "2.5.4.6", "2.5.4.7", "2.5.4.8", "2.5.4.9"


def lote(trust: Trust, operator: str, territory: str) -> bytes:
    """The services of a trust file; ``territory``: two letters (ISO 3166-1). Its number is the file's version."""
    by_provider: dict[str | None, list[Authority]] = {}
    for authority in trust.authorities:
        by_provider.setdefault(authority.provider, []).append(authority)
    value = {
        "LoTE": {
            "ListAndSchemeInformation": {
                "LoTEVersionIdentifier": VERSION,
                "LoTESequenceNumber": trust.version,
                "LoTEType": LIST_TYPE,
                "SchemeOperatorName": _named(operator),
                "SchemeTerritory": territory,
                "ListIssueDateTime": _instant(trust.issued),
                "NextUpdate": _instant(trust.expires),
            },
            "TrustedEntitiesList": [
                {
                    "TrustedEntityInformation": _entity(authorities[0], provider, territory),
                    "TrustedEntityServices": [_service(a, trust.recognitions) for a in authorities],
                }
                for provider, authorities in by_provider.items()
            ],
        }
    }
    return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"


def _entity(authority: Authority, provider: str | None, territory: str) -> dict[str, Any]:
    page = [{"lang": LANGUAGE, "uriValue": f"urn:zhengyin:organisation:{provider or 'unknown'}"}]
    return {
        "TEName": _named(_organization(authority)),
        **({"TETradeName": _named(provider)} if provider else {}),
        "TEAddress": {"TEPostalAddress": [_address(authority, territory)], "TEElectronicAddress": page},
        "TEInformationURI": page,
    }


def _address(authority: Authority, territory: str) -> dict[str, str]:
    """As far as the certificate's subject has one."""
    try:
        known = dict(attributes_of(read_certificate(authority.certificate).subject))
    except InputError:
        known = {}
    parts = {"Locality": known.get(_LOCALITY), "StateOrProvince": known.get(_PROVINCE)}
    return {
        "lang": LANGUAGE,
        "StreetAddress": known.get(_STREET) or UNKNOWN,
        **{name: value for name, value in parts.items() if value},
        "Country": known.get(_COUNTRY) or territory,
    }


def _organization(authority: Authority) -> str:
    """The printed name of an organisation is its certificate's organizationName."""
    try:
        return read_certificate(authority.certificate).organization or authority.name
    except InputError:
        return authority.name


def _service(authority: Authority, recognitions: Iterable[Recognition]) -> dict[str, Any]:
    *before, now = authority.states
    own = fingerprint(authority.certificate)
    history = [
        {"ServiceName": _named(authority.name), "ServiceDigitalIdentity": _key(authority.certificate), **_status(s)}
        for s in reversed(before)
    ]
    return {
        "ServiceInformation": {
            "ServiceName": _named(authority.name),
            "ServiceDigitalIdentity": _certificate(authority.certificate),
            "ServiceTypeIdentifier": SERVICES[authority.service],
            **_status(now),
            "ServiceInformationExtensions": [
                {
                    "type": EXTENSION,
                    "compromisedSince": None if (c := authority.compromised_since) is None else _instant(c),
                    "qualifications": [_window(q.to_json()) for q in authority.qualifications],
                    "recognitions": [
                        _window({k: v for k, v in r.to_json().items() if k != "authority"})
                        for r in recognitions
                        if r.authority == own
                    ],
                }
            ],
        },
        **({"ServiceHistory": history} if history else {}),  # the schema knows no empty array
    }


def _certificate(certificate: bytes) -> dict[str, Any]:
    return {"X509Certificates": [{"val": base64.b64encode(certificate).decode()}]}


def _key(certificate: bytes) -> dict[str, Any]:
    """Who it was then: the subject's key identifier, or the certificate where it has none."""
    try:
        found = extensions_of(certificate)[_KEY_IDENTIFIER].value
        identifier = der.read(found, der.OCTET_STRING).content
    except (InputError, KeyError):
        return _certificate(certificate)
    return {"X509SKIs": [base64.b64encode(identifier).decode()]}


def _status(state: DatedState) -> dict[str, Any]:
    return {"ServiceStatus": STATES[state.state], "StatusStartingTime": _instant(state.since)}


def _window(value: dict[str, Any]) -> dict[str, Any]:
    return value | {end: None if value[end] is None else _instant(value[end]) for end in ("from", "until")}


def _named(text: str) -> list[dict[str, str]]:
    return [{"lang": LANGUAGE, "value": text}]


def _instant(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
