"""The signer believes nobody; the test authority and its revocation data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from key_kit import key, software_key

from ledger.core import merkle
from ledger.core.manifests import BlockName, ChainIdentity, Expects, Manifest
from ledger.core.registries import Kind, Suite
from ledger.crypto.approvals import ApprovalKey, approve
from ledger.crypto.cms import verify_detached
from ledger.crypto.paths import build_path
from ledger.crypto.revocation import judge
from ledger.errors import (
    ConfigError,
    ConflictError,
    InputError,
    NotFoundError,
    UnavailableError,
    ZhengyinError,
)
from ledger.outside.batch_signer import BatchSigner
from ledger.outside.demo_authority import DemoAuthority
from ledger.outside.file_revocation import FileRevocation
from ledger.outside.signing_keys import SigningKey
from ledger.ports import PrivateKey

NOW, DAY = 1_790_000_000, 86_400
ORG = "11430000006122244L"
APPROVAL = b"a" * 32
KEY = ec.generate_private_key(ec.SECP256R1())
HELD = software_key(KEY)


@dataclass(frozen=True)
class Batch:
    """A segment as the signer reads it."""

    found: tuple[bytes, ...]
    given: tuple[bytes, ...]
    counted: tuple[tuple[str, int], ...]

    def leaves(self) -> bytes:
        return b"".join(self.found)

    def sm3(self) -> None:
        return None

    def approvals(self) -> bytes:
        return b"".join(self.given)

    def types(self) -> tuple[tuple[str, int], ...]:
        return self.counted


LEAVES = tuple(merkle.leaf_hash(bytes([n])) for n in range(5))
BATCH = Batch(LEAVES, tuple(approve(APPROVAL, leaf) for leaf in LEAVES), (("deed", 3), ("permit", 2)))
MANIFEST = Manifest(
    ORG,
    Kind.LICENSE,
    Suite.INTL,
    merkle.root_of(merkle.build_levels(b"".join(LEAVES))),
    5,
    BATCH.counted,
    NOW,
    BlockName(1, bytes(32)),
    ChainIdentity(1, bytes(32), bytes(20)),
    Expects(1, False),
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> DemoAuthority:
    return DemoAuthority.create(tmp_path_factory.mktemp("ca") / "a", "甲", "ecdsa-p256", NOW)


@pytest.fixture(scope="module")
def certificate(authority: DemoAuthority) -> bytes:
    return authority.issue(KEY.public_key(), "甲市市场监督管理局", ORG, NOW, 365)


@pytest.fixture
def signer(authority: DemoAuthority, certificate: bytes) -> BatchSigner:
    return BatchSigner(ORG, SigningKey(HELD, certificate), [ApprovalKey(APPROVAL)], authority.revocation())


def refusal(signer: BatchSigner, manifest: Manifest = MANIFEST, batch: Batch = BATCH, now: int = NOW) -> Any:
    with pytest.raises(ZhengyinError) as caught:
        signer.sign(manifest, batch, now)
    assert "{" not in caught.value.text("zh") + caught.value.text("en")
    return caught.value


def test_signature_verifies_with_path_and_revocation(signer: BatchSigner, authority: DemoAuthority) -> None:
    signed = signer.sign(MANIFEST, BATCH, NOW)
    found = verify_detached(signed.cms, MANIFEST.to_bytes())
    assert found.certificate_sha256 == signed.certificate and found.organization == "甲市市场监督管理局"
    path = build_path(found.certificate, signed.validation.certificates, [authority.root], NOW + 1)
    verdict = judge(path, signed.validation, NOW + 1)
    assert (verdict.outcome, verdict.provisional, verdict.unused, path.unused) == ("good", True, (), ())


def test_manifest_of_another_root_or_size(signer: BatchSigner) -> None:
    assert refusal(signer, replace(MANIFEST, root=bytes(32))).code == "SIGNER_ROOT_DIFFERS"
    assert refusal(signer, replace(MANIFEST, size=4)).code == "SIGNER_ROOT_DIFFERS"


def test_leaf_exchanged_after_the_manifest_was_made(signer: BatchSigner) -> None:
    leaves = (*LEAVES[:4], merkle.leaf_hash(b"forged"))
    assert refusal(signer, batch=replace(BATCH, found=leaves)).code == "SIGNER_ROOT_DIFFERS"
    assert refusal(signer, batch=replace(BATCH, found=())).code == "SIGNER_ROOT_DIFFERS"


def test_counts_that_hide_a_type(signer: BatchSigner) -> None:
    assert refusal(signer, replace(MANIFEST, counts=(("deed", 5),))).code == "SIGNER_COUNTS_DIFFER"


def test_row_inserted_by_a_database_administrator(signer: BatchSigner) -> None:
    leaves = (*LEAVES, merkle.leaf_hash(b"forged"))
    root = merkle.root_of(merkle.build_levels(b"".join(leaves)))
    counts = (("deed", 4), ("permit", 2))
    for approval in (bytes(32), BATCH.given[0], approve(b"b" * 32, leaves[5])):
        batch = Batch(leaves, (*BATCH.given, approval), counts)
        error = refusal(signer, replace(MANIFEST, root=root, size=6, counts=counts), batch)
        assert (error.code, error.values) == ("SIGNER_APPROVAL_MISSING", {"index": 5})
    assert refusal(signer, batch=replace(BATCH, given=())).code == "SIGNER_APPROVAL_MISSING"


def test_manifest_of_another_office(signer: BatchSigner) -> None:
    assert refusal(signer, replace(MANIFEST, issuer="91350100M000100Y43")).code == "SIGNER_ISSUER_DIFFERS"


def test_certificate_outside_its_validity(signer: BatchSigner) -> None:
    for now in (NOW - DAY, NOW + 366 * DAY):
        assert refusal(signer, now=now).code == "SIGNER_CERTIFICATE_DATES"


def test_no_signature_without_current_revocation_data(signer: BatchSigner) -> None:
    assert refusal(signer, now=NOW + 8 * DAY).code == "REVOCATION_SOURCE_CRL"


def test_nothing_is_signed_with_what_its_own_revocation_data_call_revoked(tmp_path: Path) -> None:
    ca = DemoAuthority.create(tmp_path / "ca", "乙", "ecdsa-p256", NOW)
    held, suspended = (ca.issue(KEY.public_key(), "局", ORG, NOW, 365) for _ in range(2))
    signers = [
        BatchSigner(ORG, SigningKey(HELD, c), [ApprovalKey(APPROVAL)], ca.revocation()) for c in (held, suspended)
    ]
    signed = signers[0].sign(MANIFEST, BATCH, NOW)
    ca.revoke(held, NOW + 50, since=NOW + 20)
    ca.revoke(suspended, NOW + 50, "certificateHold")
    ca.crls(NOW + 60)
    error = refusal(signers[0], now=NOW + 60)
    assert (error.code, error.values["since"], error.values["reason"]) == (
        "SIGNER_CERTIFICATE_REVOKED", NOW + 20, "keyCompromise",
    )  # fmt: skip
    assert refusal(signers[1], now=NOW + 60).code == "SIGNER_CERTIFICATE_REVOKED"
    assert ca.revocation().collect([held], NOW + 60, NOW + 30).crls  # collecting for what was signed goes on
    path = build_path(held, signed.validation.certificates, [ca.root], NOW + 10)
    assert judge(path, ca.revocation().collect([held], NOW + 60, NOW + 30), NOW + 10).outcome == "good"


def test_keys_that_do_not_belong_together(authority: DemoAuthority, certificate: bytes) -> None:
    source, approvals = authority.revocation(), [ApprovalKey(APPROVAL)]
    with pytest.raises(ConfigError, match="SIGNER_KEY_MISMATCH"):
        SigningKey(key("ecdsa-p256"), certificate)
    with pytest.raises(ConfigError, match="APPROVAL_KEYS_EMPTY"):
        BatchSigner(ORG, SigningKey(HELD, certificate), [], source)
    odd = ec.generate_private_key(ec.SECP521R1())
    other = authority.issue(odd.public_key(), "局", ORG, NOW, 1)
    with pytest.raises(ConfigError, match="SIGNER_KEY_ALGORITHM"):
        SigningKey(software_key(odd), other)
    assert BatchSigner(ORG, SigningKey(HELD, certificate), approvals, source).certificate == certificate


@dataclass(frozen=True)
class Faulty:
    """A device that answers with something else."""

    spki: bytes

    def sign(self, data: bytes) -> bytes:
        return HELD.sign(data + b".")


def test_a_signature_that_does_not_verify_never_gets_out(authority: DemoAuthority, certificate: bytes) -> None:
    """Nobody could ever use the batch that it stands for."""
    device: PrivateKey = Faulty(HELD.spki)
    signer = BatchSigner(ORG, SigningKey(device, certificate), [ApprovalKey(APPROVAL)], authority.revocation())
    with pytest.raises(UnavailableError, match="SIGNER_SIGNATURE_WRONG"):
        signer.sign(MANIFEST, BATCH, NOW)


def test_signer_does_not_show_its_keys(signer: BatchSigner) -> None:
    assert "object at" not in repr(signer) and ORG in repr(signer)


def test_second_process_issues_and_revokes(authority: DemoAuthority, tmp_path: Path) -> None:
    DemoAuthority.create(tmp_path / "b", "乙", "rsa-3072", NOW, "SG")
    second = DemoAuthority(tmp_path / "b")
    leaf = second.issue(KEY.public_key(), "乙处", "SG:201912345A", NOW, 365)
    validation = second.revocation().collect([leaf], NOW)
    path = build_path(leaf, validation.certificates, [authority.root, second.root], NOW)
    assert path.certificates == (leaf, second.issuing, second.root)
    second.revoke(leaf, NOW + 50, since=NOW + 20)
    second.revoke(second.issuing, NOW + 60, "cACompromise")
    second.crls(NOW + 100)
    later = DemoAuthority(tmp_path / "b").revocation().collect([leaf], NOW + 100)
    assert judge(path, later, NOW + 10).code == "REVOCATION_GOOD"
    verdict = judge(path, later, NOW + 30)
    assert verdict.values == {"position": 0, "revoked": NOW + 20, "reason": "keyCompromise"}
    with pytest.raises(InputError, match="DEMO_AUTHORITY_OTHER"):
        authority.revoke(leaf, NOW)
    with pytest.raises(InputError, match="DEMO_AUTHORITY_REASON"):
        second.revoke(leaf, NOW, "whim")


def test_profile_of_an_offices_certificate(certificate: bytes) -> None:
    found = x509.load_der_x509_certificate(certificate)
    words = found.subject.rfc4514_string()
    assert "2.5.4.97=" + ORG in words and "O=甲市市场监督管理局" in words and "TEST" in words
    assert "TEST" in found.issuer.rfc4514_string()
    usage = found.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature and usage.content_commitment and not usage.key_cert_sign
    purposes = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [purpose.dotted_string for purpose in purposes] == ["1.3.6.1.5.5.7.3.36"]
    points = found.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert ".example/" in points[0].full_name[0].value  # type: ignore[index]
    assert found.not_valid_before_utc.timestamp() < NOW


def test_authority_is_made_once_and_found_again(authority: DemoAuthority, tmp_path: Path) -> None:
    DemoAuthority.create(tmp_path / "c", "丙", "ecdsa-p256", NOW)
    with pytest.raises(ConflictError, match="KEYS_EXISTS"):
        DemoAuthority.create(tmp_path / "c", "丙", "ecdsa-p256", NOW)
    with pytest.raises(NotFoundError, match="KEYS_UNKNOWN"):
        DemoAuthority(tmp_path / "none")
    with pytest.raises(ConfigError, match="KEYS_ALGORITHM"):
        DemoAuthority.create(tmp_path / "d", "丁", "dsa", NOW)
    (tmp_path / "c" / "certificates" / "root.der").write_bytes(b"")
    with pytest.raises(ConfigError, match="DEMO_AUTHORITY_DAMAGED"):
        DemoAuthority(tmp_path / "c")
    with pytest.raises(ConfigError, match="REVOCATION_SOURCE_DAMAGED"):
        FileRevocation(tmp_path / "c").collect([authority.issuing], NOW)


def test_revocation_of_an_unknown_issuer(certificate: bytes, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="REVOCATION_SOURCE_ISSUER"):
        FileRevocation(tmp_path).collect([certificate], NOW)
