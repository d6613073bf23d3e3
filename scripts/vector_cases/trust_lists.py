"""Cases of the trust file's second form, and of the documents that a trust list on chain names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ledger.core import canonical
from ledger.core.trust import CONTENT_TAGS, Trust
from ledger.core.trust_documents import (
    Agreement,
    QualificationDocument,
    ServiceDocument,
    TrustDocument,
    document_bytes,
)
from ledger.core.trust_lists import Authority, DatedState, Policy, ProviderQualification
from ledger.core.trust_services import QualificationType, ServiceType
from ledger.core.trusted_chains import TrustListPin
from scripts.vector_cases.cases import Case
from scripts.vector_cases.chain import TIME, content_text, make_trust, signed
from scripts.vector_cases.values import OFFICE


def make_trust_2(**changes: Any) -> Trust:
    """All that form 2 can say."""
    first = make_trust()
    licence = ProviderQualification("certification", "ECP44010215003", TIME - 9, None)
    office = ProviderQualification("government", "A077", TIME - 9, TIME + 31_536_000)
    states = *first.authorities[0].states, DatedState("suspended", TIME + 20)
    made: dict[str, Any] = {
        "form": 2,
        "chains": (replace(first.chains[0], trust_list=TrustListPin(bytes([18]) * 20, bytes([19]) * 32)),),
        "authorities": (
            replace(first.authorities[0], states=states, provider=OFFICE, qualifications=(licence, office)),
            Authority("示范时间戳机构", b"TSA", states[:1], None, "tsa"),
        ),
        "policies": (Policy("CN", "single", "independent", "provisional", 1),),
    }
    return make_trust(**(made | changes))


def form_2_cases() -> list[Case]:
    content = make_trust_2()
    value = content.to_json()
    chain, (authority, other), policy = value["chains"][0], value["authorities"], value["policies"][0]
    empty = authority["qualifications"][1] | {"until": TIME - 9}
    contents: dict[str, tuple[dict[str, Any], str]] = {
        "form 1 with what only form 2 has": ({"tag": CONTENT_TAGS[1]}, "SHAPE_KEYS"),
        "a third form": ({"tag": "zhengyin/trust/3"}, "SHAPE_TAG"),
        "an unknown service": ({"authorities": [authority | {"service": "oracle"}]}, "SHAPE_TEXT"),
        "a provider without an identifier": ({"authorities": [authority | {"provider": "某公司"}]}, "USCC_FORM"),
        "an unknown qualification": (
            {"authorities": [authority | {"qualifications": [empty | {"type": "iso"}]}]},
            "SHAPE_TEXT",
        ),
        "a qualification that ends as it begins": (
            {"authorities": [authority | {"qualifications": [empty]}]},
            "SHAPE_ORDER",
        ),
        "a certificate twice": (
            {"authorities": [authority, other | {"certificate": authority["certificate"]}]},
            "TRUST_AUTHORITY_REPEATED",
        ),
        "a trust list without code": (
            {"chains": [chain | {"trustList": {"address": chain["trustList"]["address"]}}]},
            "SHAPE_KEYS",
        ),
        "a policy for tokens that nobody knows": ({"policies": [policy | {"token": "two"}]}, "SHAPE_TEXT"),
    }
    first = make_trust().to_json()
    states = [first["authorities"][0] | {"states": [{"state": "suspended", "since": TIME}]}]
    old: dict[str, tuple[dict[str, Any], str]] = {
        "suspended in form 1": ({"authorities": states}, "SHAPE_TEXT"),
        "independent in form 1": ({"policies": [first["policies"][0] | {"token": "independent"}]}, "SHAPE_TEXT"),
    }
    return [
        Case("a content of form 2", "trust_content", {"text": content_text({}, content)}),
        Case("form 2 signed by two of three", "trust_file", {"text": signed(content, 1, 2), "now": TIME + 1}),
        Case(
            "form 2 after form 1",
            "trust_file",
            {"text": signed(make_trust_2(version=2), 1, 2), "previous": signed(make_trust(), 1, 2), "now": TIME + 1},
        ),
        *(Case(n, "trust_content", {"text": content_text(c, content)}, code) for n, (c, code) in contents.items()),
        *(Case(n, "trust_content", {"text": content_text(c)}, code) for n, (c, code) in old.items()),
    ]


def trust_document_cases() -> list[Case]:
    service = ServiceDocument("示范认证机构", b"DER", OFFICE, ServiceType.CA)
    qualification = QualificationDocument(OFFICE, QualificationType.GOVERNMENT, "A077", TIME, None)
    agreement = Agreement("CN-440100", "互认〔2026〕1 号")
    valid: dict[str, TrustDocument] = {
        "a service": service,
        "a qualification": qualification,
        "an agreement": agreement,
    }
    changes: dict[str, tuple[dict[str, Any], str]] = {
        "of another kind": (agreement.to_json() | {"tag": "zhengyin/accreditation/1"}, "TRUST_DOCUMENT_KIND"),
        "an agreement as a service": (agreement.to_json() | {"tag": "zhengyin/service/1"}, "SHAPE_KEYS"),
        "an unknown service": (service.to_json() | {"service": "oracle"}, "REGISTRY_UNKNOWN"),
        "a service without a certificate": (service.to_json() | {"certificate": ""}, "SHAPE_RANGE"),
        "a provider without an identifier": (service.to_json() | {"provider": "某公司"}, "USCC_FORM"),
        "an unknown qualification": (qualification.to_json() | {"type": "iso"}, "REGISTRY_UNKNOWN"),
        "a jurisdiction in lower case": (agreement.to_json() | {"jurisdiction": "cn"}, "SHAPE_TEXT"),
    }
    return [
        *(Case(name, "trust_document", {"text": document_bytes(d).decode()}) for name, d in valid.items()),
        *(
            Case(name, "trust_document", {"text": canonical.encode(value).decode()}, code)
            for name, (value, code) in changes.items()
        ),
    ]
