"""Documents of the trust list: one spelling each, and no kind passes for another."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.core.registries import Kind
from ledger.core.trust_documents import (
    Agreement,
    QualificationDocument,
    ServiceDocument,
    TrustDocument,
    agreement_id,
    agreement_reference,
    document_bytes,
    document_id,
    read_trust_document,
)
from ledger.core.trust_services import (
    OTHER_PURPOSES,
    QualificationType,
    ServiceType,
    purpose_number,
    purpose_word,
)
from ledger.errors import InputError

PROVIDER = "91440101000800219F"
DOCUMENTS: list[TrustDocument] = [
    ServiceDocument("示范 CA", b"DER", PROVIDER, ServiceType.SEAL_MAKER),
    QualificationDocument(PROVIDER, QualificationType.GOVERNMENT, "A077", 5, None),
    Agreement("CN-440100", "互认〔2026〕1 号"),
]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_reads_as_it_was_written(document: TrustDocument) -> None:
    assert read_trust_document(document_bytes(document)) == document
    assert len({document_id(d) for d in DOCUMENTS}) == 3


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"[]", "TRUST_DOCUMENT_KIND"),
        (b'{"tag":"zhengyin/accreditation/1"}', "TRUST_DOCUMENT_KIND"),
        (b'{"tag":["zhengyin/service/1"]}', "TRUST_DOCUMENT_KIND"),
        (document_bytes(DOCUMENTS[2]).replace(b"agreement/1", b"service/1"), "SHAPE_KEYS"),
        (document_bytes(DOCUMENTS[0]).replace(b"sealMaker", b"seal"), "REGISTRY_UNKNOWN"),
    ],
)
def test_another_kind_of_document_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(InputError) as refused:
        read_trust_document(data)
    assert refused.value.code == code


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=100))
def test_any_bytes_are_refused_with_a_code(data: bytes) -> None:
    with pytest.raises(InputError):
        read_trust_document(data)


@pytest.mark.parametrize("reference", ["互认〔2026〕1 号", "sha256:", "sha256:" + "zz" * 32])
def test_an_agreement_is_found_by_its_reference_with_and_without_the_document(reference: str) -> None:
    agreement = Agreement("CN-440100", reference)
    digest = document_id(agreement)
    for document in (agreement, None):
        assert agreement_id("CN-440100", agreement_reference(digest, document)) == digest


def test_a_purpose_is_a_kind_of_record_or_one_of_few_others() -> None:
    for word in [kind.word for kind in Kind] + list(OTHER_PURPOSES):
        assert purpose_word(purpose_number(word)) == word
    assert purpose_word(9_999) == "purpose9999"
    assert min(OTHER_PURPOSES.values()) > 255
    with pytest.raises(InputError, match="REGISTRY_UNKNOWN"):
        purpose_number("purpose9999")
