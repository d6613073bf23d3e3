"""Trust services as JSON in the shape of a List of Trusted Entities (ETSI TS 119 602), read.

Members have the names of that standard's JSON schema; statuses and types of services are the URIs of ETSI TS 119 612
where it has one, else URNs of our own. What the standard has no place for stands in ``ServiceInformationExtensions``.
FORMATS, "List of trusted entities", says what was checked against the schema and what was not.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from ledger.core import shapes
from ledger.core.canonical import FORBIDDEN, b64
from ledger.core.trust_lists import Authority, DatedState, ProviderQualification, Recognition, organisation
from ledger.core.trust_services import ServiceStatus, ServiceType
from ledger.crypto.certificates import fingerprint, read_certificate
from ledger.errors import InputError

MAX_BYTES = 4 << 20
SERVICES = {
    ServiceType.CA.word: "http://uri.etsi.org/TrstSvc/Svctype/CA/PKC",
    ServiceType.OCSP.word: "http://uri.etsi.org/TrstSvc/Svctype/Certstatus/OCSP",
    ServiceType.TSA.word: "http://uri.etsi.org/TrstSvc/Svctype/TSA",
    ServiceType.SEAL_MAKER.word: "urn:zhengyin:service:seal-maker",
}
STATES = {
    ServiceStatus.GRANTED.word: "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/granted",
    ServiceStatus.SUSPENDED.word: "urn:zhengyin:status:suspended",
    ServiceStatus.WITHDRAWN.word: "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/withdrawn",
}
EXTENSION = "urn:zhengyin:trust-service"


@dataclass(frozen=True, slots=True)
class TrustedEntities:
    """A list read: who made it for which territory, its number and dates (seconds UTC), and what it says."""

    operator: str
    territory: str
    sequence: int
    issued: int
    next_update: int
    authorities: tuple[Authority, ...]
    recognitions: tuple[Recognition, ...]


def read_lote(data: bytes) -> TrustedEntities:
    """A list that this or another program made. Members that are not known are passed over, as the standard's own
    readers do; of those that decide whom one trusts none may be missing or odd.

    Raises:
        InputError: LOTE_SYNTAX, LOTE_TYPE, LOTE_STATUS, LOTE_TERRITORY (a recognition by a jurisdiction that is not
        of the list's territory), LOTE_REPEATED, CERTIFICATE_SYNTAX, SHAPE_….
    """
    whole = _object(_json(data), "LoTE")
    whole = _object(whole["LoTE"], "LoTE") if "LoTE" in whole else whole
    scheme = _object(_member(whole, "ListAndSchemeInformation"), "ListAndSchemeInformation")
    territory = shapes.text(_member(scheme, "SchemeTerritory"), "SchemeTerritory", high=2)
    authorities: list[Authority] = []
    recognitions: list[Recognition] = []
    for number, entity in enumerate(_array(_member(whole, "TrustedEntitiesList"), "TrustedEntitiesList")):
        path = f"TrustedEntitiesList[{number}]"
        told = _object(entity, path)
        provider = _provider(_object(_member(told, "TrustedEntityInformation"), path))
        for service in _array(_member(told, "TrustedEntityServices"), path):
            authority, own = _read_service(_object(service, path), provider, territory, path)
            authorities.append(authority)
            recognitions += own
    if len({a.certificate for a in authorities}) < len(authorities):
        raise InputError("LOTE_REPEATED")
    return TrustedEntities(
        _name(scheme, "SchemeOperatorName"),
        territory,
        shapes.integer(_member(scheme, "LoTESequenceNumber"), "LoTESequenceNumber", 1),
        _seconds(_member(scheme, "ListIssueDateTime"), "ListIssueDateTime"),
        _seconds(_member(scheme, "NextUpdate"), "NextUpdate"),
        tuple(authorities),
        tuple(recognitions),
    )


def _read_service(
    service: dict[str, Any], provider: str | None, territory: str, path: str
) -> tuple[Authority, list[Recognition]]:
    info = _object(_member(service, "ServiceInformation"), path)
    identity = _object(_member(info, "ServiceDigitalIdentity"), path)
    certificates = _array(_member(identity, "X509Certificates"), f"{path}.X509Certificates")
    if len(certificates) != 1:
        shapes.refuse("SHAPE_RANGE", f"{path}.X509Certificates", low=1, high=1)
    certificate = _der(certificates[0], path)
    history = [_object(h, path) for h in _array(service.get("ServiceHistory", []), path, low=0)]
    states = tuple(sorted((_read_status(one, path) for one in (info, *history)), key=lambda s: s.since))
    shapes.ascending(tuple(s.since for s in states), f"{path}.ServiceHistory")
    more = _extension(info, path)
    since = more.get("compromisedSince")
    authority = Authority(
        _name(info, "ServiceName"),
        certificate,
        states,
        None if since is None else _seconds(since, path),
        _word(SERVICES, _member(info, "ServiceTypeIdentifier"), "LOTE_TYPE"),
        provider,
        tuple(
            ProviderQualification.from_json(_dated(q, path), path)
            for q in _array(more.get("qualifications", []), path, low=0)
        ),
    )
    own = _array(more.get("recognitions", []), path, low=0)
    return authority, [_read_recognition(r, certificate, territory, path) for r in own]


def _read_recognition(value: object, certificate: bytes, territory: str, path: str) -> Recognition:
    found = Recognition.from_json(_dated(value, path) | {"authority": b64(fingerprint(certificate))}, path)
    if found.jurisdiction.split("-")[0] != territory:
        raise InputError("LOTE_TERRITORY", jurisdiction=found.jurisdiction, territory=territory)
    return found


def _read_status(value: dict[str, Any], path: str) -> DatedState:
    word = _word(STATES, _member(value, "ServiceStatus"), "LOTE_STATUS")
    return DatedState(word, _seconds(_member(value, "StatusStartingTime"), path))


def _extension(info: dict[str, Any], path: str) -> dict[str, Any]:
    for one in _array(info.get("ServiceInformationExtensions", []), path, low=0):
        if type(one) is dict and one.get("type") == EXTENSION:
            return one
    return {}


def _provider(info: dict[str, Any]) -> str | None:
    if "TETradeName" not in info:
        return None
    try:
        return organisation(_name(info, "TETradeName"), "TETradeName")
    except InputError:
        return None  # somebody else's list gives a name there, no identifier


def _der(value: object, path: str) -> bytes:
    text = value.get("val") if type(value) is dict else value
    try:
        found = base64.b64decode(shapes.text(text, f"{path}.X509Certificates", high=65_536), validate=True)
    except (binascii.Error, ValueError) as e:
        raise InputError("CERTIFICATE_SYNTAX") from e
    read_certificate(found)
    return found


def _dated(value: object, path: str) -> dict[str, Any]:
    found = dict(_object(value, path))
    for end in ("from", "until"):
        if found.get(end) is not None:
            found[end] = _seconds(found[end], f"{path}.{end}")
    return found


def _word(table: dict[str, str], uri: object, code: str) -> str:
    for word, known in table.items():
        if uri == known:
            return word
    raise InputError(code, found=str(uri)[:200])


def _json(data: bytes) -> Any:
    if len(data) > MAX_BYTES:
        raise InputError("LOTE_SYNTAX")
    try:
        orjson.loads(data)  # which bounds the depth itself: py-evm lifts the limit of recursion that saves ``json``
        return json.loads(data, parse_constant=lambda _: _refuse(), object_pairs_hook=_once)
    except (ValueError, RecursionError) as e:
        raise InputError("LOTE_SYNTAX") from e


def _refuse() -> Any:
    raise ValueError


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError  # a member twice reads differently everywhere
    return found


def _object(value: object, path: str) -> dict[str, Any]:
    if type(value) is not dict:
        shapes.refuse("SHAPE_TYPE", path, expected="object")
    return value


def _array(value: object, path: str, low: int = 1) -> list[Any]:
    return list(shapes.array(value, path, lambda item, _: item, low))


def _member(value: dict[str, Any], name: str) -> Any:
    if name not in value:
        shapes.refuse("SHAPE_KEYS", name, missing=[name], unknown=[])
    return value[name]


def _name(value: dict[str, Any], member: str) -> str:
    """The Chinese name, else the first one."""
    names = [_object(n, member) for n in _array(_member(value, member), member)]
    chosen = next((n for n in names if n.get("lang") == "zh"), names[0])
    found = shapes.text(chosen.get("value"), member)
    if FORBIDDEN.search(found):
        shapes.refuse("SHAPE_TEXT", member, pattern="text without control characters")
    return found


def _seconds(value: object, path: str) -> int:
    text = shapes.text(value, path, high=64)
    try:
        found = datetime.fromisoformat(text)
    except ValueError as e:
        raise InputError("SHAPE_DATE", path=path) from e
    if found.tzinfo is None:
        raise InputError("SHAPE_DATE", path=path)
    return shapes.integer(int(found.timestamp()), path)
