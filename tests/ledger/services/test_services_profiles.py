"""Profiles gm and dual from acceptance to verdict: both trees, SM2 signers, and a change of the profile in mid-life."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from ledger_world import Template, World, check_ledger, write_rows
from pki_kit import CAS, Kit, Leaf

from ledger.assembly.auditing import auditing
from ledger.assembly.demo_plan import CITY_A, COUNCIL, OFFICE_A
from ledger.assembly.doctor import examine
from ledger.core.bundles import Bundle, ValidationData
from ledger.core.registries import State, Suite
from ledger.core.tombstones import ErasureReason
from ledger.core.trust import Trust
from ledger.core.verdicts import Indication
from ledger.crypto.algorithms import algorithm_of
from ledger.crypto.approvals import ApprovalKey
from ledger.crypto.certificates import read_certificate
from ledger.crypto.suites import takes
from ledger.errors import ConfigError, InputError, IntegrityError
from ledger.outside.batch_signer import BatchSigner
from ledger.ports import Signer
from ledger.services.auditing import Auditing
from ledger.services.batch_signing import sign_batch
from ledger.services.issuing import Accepted
from ledger.services.verifying import Question
from ledger.verification.report import Report

SM2, EC = "ca-a", "ca-h"
KINDS = ("license", "seal", "status", "tombstone", "evidence", "operations")
pytestmark = pytest.mark.skipif(SM2 not in CAS, reason="this machine has no SM2")


@dataclass(frozen=True)
class Lists:
    """``ports.RevocationSource`` of one certificate."""

    found: ValidationData

    def collect(self, certificates: Sequence[bytes], now: int, **_: Any) -> ValidationData:
        return self.found


@dataclass(frozen=True)
class Stamper:
    """``ports.TimestampAuthority`` of an authority of the test PKI."""

    pki: Kit
    ca: str
    clock: Callable[[], float]

    def stamp(self, data: bytes, digest: str) -> bytes:
        return self.pki.token(self.ca, data, int(self.clock()))


@dataclass
class Profiled:
    """A ledger whose office has an SM2 and a P-256 certificate, both bound, and the trust file that knows both."""

    world: World
    pki: Kit
    leaves: tuple[Leaf, Leaf]
    trust: Trust

    def use(self, profile: str) -> None:
        settings = self.world.home / "zhengyin.toml"
        kept = [line for line in settings.read_text("utf-8").splitlines() if not line.startswith("crypto_profile")]
        settings.write_text("\n".join([f'crypto_profile = "{profile}"', *kept, ""]), "utf-8")
        self.world.close()
        self.world.app.signers = self.signers  # type: ignore[method-assign]

    def signers(self, organisation: str, suite: Suite) -> list[Signer]:
        approvals = self.world.app.keys.approval_keys(organisation)
        return [
            BatchSigner(organisation, leaf.signer, approvals, Lists(self.pki.validation(leaf)))
            for at, leaf in enumerate(self.leaves[: suite.signatures[0]])
            if takes(suite, at, algorithm_of(read_certificate(leaf.certificate).spki).name)
        ]

    def stamp_by(self, ca: str) -> None:
        """Every manifest gets a time-stamp of ``ca``; the trust file knows the root as one of such authorities."""
        app, leaf = self.world.app, self.pki.leaf(ca)
        stamper = Stamper(self.pki, ca, self.world.clock)
        app.timestamps = lambda organisation: stamper  # type: ignore[method-assign]
        app.__dict__["revocation"] = Lists(self.pki.validation(leaf))
        listed = self.pki.authority(ca, service="tsa")
        self.trust = replace(self.trust, authorities=(*self.trust.authorities, listed))

    def bundle(self, leaf: bytes, state: bool = False) -> Bundle:
        with self.world.app.store.read() as unit:
            row = unit.records.by_leaf(leaf)
        assert row is not None
        return self.world.app.bundling.bundle(row, None, state)

    def judge(self, bundle: Bundle) -> Report:
        return self.world.app.verifying_by(lambda: self.trust).bundle(bundle.to_bytes(), Question())

    def audited(self) -> list[str]:
        sources = replace(auditing(self.world.app)._from, trust=lambda: self.trust)
        return [finding.code for finding in Auditing(sources).run().findings]

    def import_rows(self, folder: Path, count: int = 3) -> None:
        (folder / "real-estate-0.pdf").write_bytes(b"%PDF-1.7 invented")
        self.world.import_rows(write_rows(folder / "rows.csv", count, with_files=1))


@pytest.fixture
def profiled(founded_template: Template, pki: Kit, tmp_path: Path) -> Iterator[Profiled]:
    with founded_template.lend(tmp_path / "home") as world:
        app, leaves = world.app, (pki.leaf(SM2), pki.leaf(EC))
        calls = [app.consortium.bind_signer(OFFICE_A, leaf.sha256) for leaf in leaves]
        app.council.carry([app.keys.account(o, "main") for o in COUNCIL[:2]], calls)
        app.indexing.run()
        known = app.trust.content()
        cas = (SM2, EC)
        trust = replace(
            known,
            authorities=(*known.authorities, *map(pki.authority, cas)),
            recognitions=(*known.recognitions, *(pki.recognition(ca, CITY_A, kind) for ca in cas for kind in KINDS)),
        )
        yield Profiled(world, pki, leaves, trust)


def issue(profiled: Profiled) -> Accepted:
    return profiled.world.issue_seal()


@pytest.mark.parametrize(("profile", "signatures"), [("gm", 1), ("dual", 2)])
def test_a_profile_holds_from_acceptance_to_verdict(
    profiled: Profiled, tmp_path: Path, profile: str, signatures: int
) -> None:
    profiled.use(profile)
    seal = issue(profiled)
    profiled.import_rows(tmp_path)
    profiled.world.drain()
    profiled.world.change(seal.leaf, State.SUSPENDED)
    profiled.world.drain()
    bundle = profiled.bundle(seal.leaf, state=True)
    suite = Suite.of_word(profile, "profile")
    assert (bundle.record.suite, bundle.manifest.suite, len(bundle.signatures)) == (suite, suite, signatures)
    assert Bundle.from_bytes(bundle.to_bytes()) == bundle
    report = profiled.judge(bundle)
    codes = [finding.code for step in report.steps for finding in step.findings]
    assert (report.cause_code, report.headline.value) == ("STATUS_SUSPENDED", "noLongerInForce"), codes
    assert [line.code for line in report.chains] == ["LINE_NATIONAL_CHAIN_BLOCK_TIME", "LINE_LEDGER_CHAIN_YES"]
    assert "SM3" in report.detailed("zh") and "SHA-256" in report.detailed("en")
    assert check_ledger(profiled.world.app) == 5
    assert profiled.audited() == []
    profiled.world.app.rebuild()
    assert check_ledger(profiled.world.app) == 5
    assert profiled.bundle(seal.leaf).record == bundle.record


@pytest.mark.parametrize("profile", ["gm", "dual"])
def test_with_a_national_time_stamp_the_signature_chain_stands_alone(profiled: Profiled, profile: str) -> None:
    profiled.use(profile)
    profiled.stamp_by(SM2)
    seal = issue(profiled)
    profiled.world.drain()
    report = profiled.judge(profiled.bundle(seal.leaf, state=True))
    assert report.indication is Indication.TOTAL_PASSED, report.detailed("en")
    assert [line.code for line in report.chains] == ["LINE_NATIONAL_CHAIN_YES", "LINE_LEDGER_CHAIN_YES"]


def test_a_time_stamp_by_another_algorithm_is_none_for_gm(profiled: Profiled) -> None:
    profiled.use("gm")
    profiled.stamp_by(EC)
    issue(profiled)
    done = profiled.world.app.outbox.drain(30)
    assert {p.code for p in done.problems} == {"TIMESTAMP_SUITE"}


def test_records_of_two_suites_never_share_a_batch(profiled: Profiled) -> None:
    leaves = []
    for profile in ("intl", "gm", "intl", "dual"):
        profiled.use(profile)
        leaves.append(profiled.world.issue_seal(profile).leaf)
    profiled.world.drain()
    found = [profiled.bundle(leaf) for leaf in leaves]
    assert [b.manifest.suite.word for b in found] == ["intl", "gm", "intl", "dual"]
    assert found[0].manifest == found[2].manifest
    assert [b.manifest.size for b in found] == [2, 1, 2, 1]
    for bundle in found[1:]:
        assert profiled.judge(bundle).indication in (Indication.TOTAL_PASSED,) or bundle.manifest.suite is Suite.INTL
    assert profiled.judge(found[0]).chains == ()
    assert check_ledger(profiled.world.app, leaves) == 4


def test_an_erasure_leaves_its_tombstone_in_the_suite(profiled: Profiled) -> None:
    profiled.use("dual")
    seal = issue(profiled)
    profiled.world.drain()
    profiled.world.app.erasing.erase(OFFICE_A, seal.leaf, ErasureReason.PURPOSE_ENDED, None)
    profiled.world.drain()
    assert check_ledger(profiled.world.app) == 2
    assert profiled.audited() == []


def test_a_released_batch_keeps_its_suite(profiled: Profiled, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a refused batch held goes back to the spool with both leaves."""
    profiled.use("gm")
    seal = issue(profiled)
    app = profiled.world.app
    assert app.outbox._batching.close_all()[0] == 1
    with app.store.begin() as unit:
        (batch,) = unit.batches.in_states(("batched",))
        unit.batches.move(batch.row, "batched", "refused", problem="made here")
    app.outbox.retry_refused()
    profiled.world.drain()
    assert profiled.bundle(seal.leaf).manifest.suite is Suite.GM


def test_an_audit_finds_another_node_in_the_second_tree(profiled: Profiled) -> None:
    profiled.use("gm")
    seals = [profiled.world.issue_seal(name) for name in ("甲", "乙")]
    profiled.world.drain()
    with profiled.world.app.store.read() as unit:
        (batch,) = unit.batches.in_states(("receipted",))
    segment = profiled.world.app.segments.open(batch.root)
    (path,) = profiled.world.app.home.segments.rglob("body")
    data = bytearray(path.read_bytes())
    data[segment.layout.levels_sm3] ^= 1
    data[-32:] = sha256(data[:-32]).digest()
    path.chmod(0o600)
    path.write_bytes(data)
    assert "AUDIT_ROOT_DIFFERS" in profiled.audited()
    with pytest.raises(IntegrityError):
        profiled.bundle(seals[1].leaf)


def test_without_a_certificate_of_the_suite_nothing_is_signed_and_it_is_said(profiled: Profiled) -> None:
    profiled.use("gm")
    issue(profiled)
    del profiled.world.app.signers  # type: ignore[attr-defined]
    done = profiled.world.app.outbox.drain(30)
    assert {p.code for p in done.problems} == {"SIGNER_NONE_OF_SUITE"}
    with pytest.raises(ConfigError, match="gm"):
        profiled.world.app.signers(OFFICE_A, Suite.GM)
    assert len(profiled.world.app.signers(OFFICE_A, Suite.INTL)) == 1


def test_the_doctor_says_who_cannot_sign_in_the_profile(profiled: Profiled) -> None:
    profiled.use("gm")
    found = [check for check in examine(profiled.world.home, profiled.world.clock) if check.name == "profile"]
    assert {check.code for check in found} == {"SIGNER_NONE_OF_SUITE"}, "nor is it called well in the same breath"
    assert OFFICE_A in {check.values["organisation"] for check in found}
    assert "gm" in found[-1].text("zh") and "gm" in found[-1].text("en")


def test_the_keystore_gives_the_signers_of_each_suite(profiled: Profiled) -> None:
    app = profiled.world.app
    for leaf in profiled.leaves:
        app.keys.import_key(OFFICE_A, f"of-{leaf.ca}", "signing", leaf.key.to_pem(None), None)
        app.keys.put_certificate(OFFICE_A, f"of-{leaf.ca}", leaf.certificate)
    sm2, ec = (leaf.certificate for leaf in profiled.leaves)
    assert [s.certificate for s in app.signers(OFFICE_A, Suite.GM)] == [sm2]
    first, second = (s.certificate for s in app.signers(OFFICE_A, Suite.DUAL))
    assert first == sm2 and second != sm2
    assert algorithm_of(read_certificate(second).spki).name == "ecdsa-p256-sha256"
    assert ec != sm2


def test_no_signer_signs_what_is_not_the_records_in_both_trees(profiled: Profiled) -> None:
    profiled.use("gm")
    issue(profiled)
    app = profiled.world.app
    app.outbox._batching.close_all()
    with app.store.read() as unit:
        (batch,) = unit.batches.in_states(("batched",))
    segment = app.segments.open(batch.root)
    manifest = app.anchoring._manifest(batch, segment)
    now = int(profiled.world.clock())
    (signer,) = profiled.signers(OFFICE_A, Suite.GM)
    for lie in (
        replace(manifest, root_sm3=bytes(32)),
        replace(manifest, root_sm3=None, suite=Suite.INTL),
        replace(manifest, suite=Suite.DUAL),
    ):
        with pytest.raises(IntegrityError) as caught:
            signer.sign(lie, segment, now)
        assert caught.value.code == "SIGNER_ROOT_DIFFERS"
    wrong = BatchSigner(
        OFFICE_A,
        profiled.leaves[1].signer,
        app.keys.approval_keys(OFFICE_A),
        Lists(profiled.pki.validation(profiled.leaves[1])),
    )
    with pytest.raises(InputError) as refused:
        sign_batch(segment, manifest, [wrong], None, lambda: app.revocation, now)
    assert refused.value.code == "SIGNATURE_SUITE"
    assert segment.get("cms") is None


def test_an_approval_of_one_leaf_releases_no_other_in_the_second_tree(profiled: Profiled) -> None:
    """Whoever can write the spool may not put another record's leaf into the tree by SM3."""
    profiled.use("gm")
    app = profiled.world.app
    issue(profiled)
    with app.store.read() as unit:
        (row,) = [r for issuer, kind, _ in unit.records.waiting() for r in unit.records.waiting_rows(issuer, kind)]
    block = app.spool.block(row.chunk or "", row.ordinal, 1)
    signer = profiled.signers(OFFICE_A, Suite.GM)[0]
    assert block.sm3 is not None
    assert signer.unapproved(block.leaves, block.approvals, block.sm3) == []
    assert signer.unapproved(block.leaves, block.approvals, replace(block.sm3, leaves=bytes(32))) == [0]
    assert signer.unapproved(block.leaves, block.approvals, replace(block.sm3, suite=Suite.DUAL)) == [0]
    assert signer.unapproved(block.leaves, block.approvals) == [0]
    assert ApprovalKey(bytes(32)).approve_both(Suite.GM, block.leaves, block.sm3.leaves) != block.approvals
