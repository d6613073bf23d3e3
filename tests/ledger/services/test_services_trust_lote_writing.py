"""What is exported has the members that the JSON schema of ETSI TS 119 602 asks for, and no others."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from ledger.core.trust import Trust
from ledger.core.trust_lists import Authority, CouncilKey, DatedState, Policy, ProviderQualification, Recognition
from ledger.crypto.certificates import fingerprint
from ledger.services.trust_lote import read_lote
from ledger.services.trust_lote_writing import lote

PROVIDER = "91440101000800219F"
REQUIRED: dict[str, set[str]] = {
    "": {"LoTE"},
    "LoTE": {"ListAndSchemeInformation"},
    "ListAndSchemeInformation": {
        "LoTEVersionIdentifier", "LoTESequenceNumber", "SchemeOperatorName", "ListIssueDateTime", "NextUpdate",
    },
    "TrustedEntitiesList": {"TrustedEntityInformation", "TrustedEntityServices"},
    "TrustedEntityInformation": {"TEName", "TEAddress", "TEInformationURI"},
    "TEAddress": {"TEPostalAddress", "TEElectronicAddress"},
    "TEPostalAddress": {"lang", "StreetAddress", "Country"},
    "TrustedEntityServices": {"ServiceInformation"},
    "ServiceInformation": {"ServiceName", "ServiceDigitalIdentity"},
    "ServiceHistory": {"ServiceName", "ServiceDigitalIdentity", "ServiceStatus", "StatusStartingTime"},
    "ServiceDigitalIdentity": set(),
    "X509Certificates": {"val"},
    **{key: {"lang", "value"} for key in ("SchemeOperatorName", "TEName", "TETradeName", "ServiceName")},
    **{key: {"lang", "uriValue"} for key in ("TEElectronicAddress", "TEInformationURI")},
}  # fmt: skip
OPTIONAL: dict[str, set[str]] = {
    "LoTE": {"TrustedEntitiesList"},
    "ListAndSchemeInformation": {"LoTEType", "SchemeTerritory"},
    "TrustedEntityInformation": {"TETradeName"},
    "TEPostalAddress": {"Locality", "StateOrProvince", "PostalCode"},
    "TrustedEntityServices": {"ServiceHistory"},
    "ServiceInformation": {
        "ServiceTypeIdentifier", "ServiceStatus", "StatusStartingTime", "ServiceInformationExtensions",
    },
    "ServiceDigitalIdentity": {"X509Certificates", "X509SKIs"},
}  # fmt: skip
FREE = {"ServiceInformationExtensions"}
"""Whose content the schema leaves to whoever defines it."""


def conforms(name: str, value: Any) -> None:
    if isinstance(value, list):
        assert value, name  # every array of the schema has an item at least
        for item in value:
            conforms(name, item)
    elif isinstance(value, dict):
        missing, odd = REQUIRED[name] - value.keys(), value.keys() - REQUIRED[name] - OPTIONAL.get(name, set())
        assert not missing and not odd, (name, missing, odd)
        for member, inner in value.items():
            if member not in FREE:
                conforms(member, inner)


def certificate(*subject: x509.NameAttribute, identified: bool = True) -> bytes:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name(subject)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 5, datetime(2026, 1, 1), datetime(2036, 1, 1))
    if identified:
        builder = builder.add_extension(x509.SubjectKeyIdentifier(b"\x07" * 20), False)
    return builder.sign(key, SHA256()).public_bytes(Encoding.DER)


PLACED = certificate(
    x509.NameAttribute(NameOID.COUNTRY_NAME, "HK"),
    x509.NameAttribute(NameOID.LOCALITY_NAME, "香港"),
    x509.NameAttribute(NameOID.STREET_ADDRESS, "示范路 1 号"),
    x509.NameAttribute(NameOID.ORGANIZATION_NAME, "示范 CA"),
)
BARE = certificate(x509.NameAttribute(NameOID.COMMON_NAME, "x"), identified=False)
STATES = (DatedState("granted", 10), DatedState("suspended", 20), DatedState("withdrawn", 30))
HELD = (ProviderQualification("certification", "ECP1", 5, None), ProviderQualification("government", "A1", 5, 9))


def exported(*authorities: Authority) -> Any:
    recognitions = tuple(Recognition("CN", fingerprint(a.certificate), "license", 2, 1, 9, "1 号") for a in authorities)
    policy, key = Policy("CN", "single", "optional", "provisional", 1), CouncilKey("k", "Ed25519", b"spki")
    trust = Trust(4, 100, 200, (key,), 1, (), authorities, recognitions, (policy,), ())
    found = json.loads(lote(trust, "某机构", "CN"))
    assert read_lote(json.dumps(found).encode()).authorities == authorities
    return found


def first(found: Any) -> Any:
    return found["LoTE"]["TrustedEntitiesList"][0]


@pytest.mark.parametrize("der", [PLACED, BARE])
@pytest.mark.parametrize("states", [STATES, STATES[:1]])
@pytest.mark.parametrize("provider", [PROVIDER, None])
def test_every_export_has_the_members_of_the_schema(
    der: bytes, states: tuple[DatedState, ...], provider: str | None
) -> None:
    conforms("", exported(Authority("甲", der, states, 15, "tsa", provider, HELD if provider else ())))


def test_an_address_is_the_certificates_as_far_as_it_has_one() -> None:
    (placed,) = first(exported(Authority("甲", PLACED, STATES, None)))["TrustedEntityInformation"]["TEAddress"][
        "TEPostalAddress"
    ]
    assert placed == {"lang": "zh", "StreetAddress": "示范路 1 号", "Locality": "香港", "Country": "HK"}
    information = first(exported(Authority("甲", BARE, STATES, None, "ca", PROVIDER)))["TrustedEntityInformation"]
    assert information["TEAddress"]["TEPostalAddress"] == [{"lang": "zh", "StreetAddress": "–", "Country": "CN"}]
    assert information["TEInformationURI"][0]["uriValue"] == f"urn:zhengyin:organisation:{PROVIDER}"


def test_what_was_before_names_the_key_and_is_left_out_where_nothing_was() -> None:
    (service,) = first(exported(Authority("甲", PLACED, STATES, None)))["TrustedEntityServices"]
    assert [h["StatusStartingTime"][-3:-1] for h in service["ServiceHistory"]] == ["20", "10"]
    (identifier,) = service["ServiceHistory"][0]["ServiceDigitalIdentity"]["X509SKIs"]
    assert base64.b64decode(identifier) == b"\x07" * 20
    (bare,) = first(exported(Authority("甲", BARE, STATES, None)))["TrustedEntityServices"]
    assert "X509Certificates" in bare["ServiceHistory"][0]["ServiceDigitalIdentity"]
    (new,) = first(exported(Authority("甲", PLACED, STATES[:1], None)))["TrustedEntityServices"]
    assert "ServiceHistory" not in new
