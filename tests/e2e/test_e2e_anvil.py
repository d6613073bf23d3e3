"""The ledger on a network's node by HTTP: reorganisations, lost transactions, stolen nonces, a node that is away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from anvil_world import DEPTH, AnvilTemplate, AnvilWorld, found_on_anvil
from ledger_world import check_ledger

from ledger.assembly.demo_plan import OFFICE_A
from ledger.assembly.doctor import examine
from ledger.core.registries import Permission, State
from ledger.core.verdicts import Outcome
from ledger.errors import UnavailableError
from ledger.ports import AnchorCall
from ledger.services.offline import Question


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnvilTemplate]:
    made = found_on_anvil(tmp_path_factory.mktemp("anvil"))
    yield made
    made.node.stop()


@pytest.fixture
def world(template: AnvilTemplate, tmp_path: Path) -> Iterator[AnvilWorld]:
    """The founded ledger on the node as it was then."""
    mark = template.node.request("evm_snapshot")
    made = template.copy(tmp_path / "home")
    yield made
    made.close()
    template.node.thaw()
    template.node.request("evm_revert", [mark])


def broadcast(world: AnvilWorld) -> tuple[bytes, bytes, bytes]:
    """(leaf, raw transaction, its hash) of a record whose batch was sent and is in no block yet."""
    leaf = world.issue_seal().leaf
    world.one_pass("broadcast")
    ((raw, hash_),) = world.transactions("sent")
    return leaf, raw, hash_


def test_a_record_is_receipted_when_its_block_is_final_and_not_before(world: AnvilWorld) -> None:
    leaf, _, hash_ = broadcast(world)
    world.node.mine(DEPTH)
    for _ in range(2):
        world.one_pass("broadcast")
    world.node.mine()
    world.one_pass("receipted")
    assert world.block_of(hash_) == int(world.node.head()["number"], 16) - DEPTH
    assert check_ledger(world.app, [leaf]) == 1


def test_a_chain_that_nobody_seals_proves_nothing_however_deep(world: AnvilWorld) -> None:
    """Whoever reaches such a node rewrites it: no bundle from it may pass. (Its state cannot be stapled at all: anvil
    keeps slots of value zero in its tries, which is no proof.)"""
    issued = world.issue_seal()
    world.drain()
    assert "DOCTOR_CHAIN_UNSEALED" in {check.code for check in examine(world.home, world.clock)}
    bundle = world.app.bundling.bundle(world.row(issued.id), None, state=False)
    report = world.app.verifying.bundle(bundle.to_bytes(), Question())
    assert report.exit_code == 3
    causes = {f.values.get("cause") for step in report.steps for f in step.findings if f.code == "FINALITY_NOT_SEALED"}
    assert causes == {"COMMIT_SEAL_NONE"}
    assert not any(step.outcome is Outcome.FAILED for step in report.steps)


@pytest.mark.parametrize("depth", range(1, DEPTH + 1))
def test_a_reorganisation_puts_the_same_bytes_into_another_block(world: AnvilWorld, depth: int) -> None:
    leaf, raw, hash_ = broadcast(world)
    world.node.mine(depth)
    world.one_pass("broadcast")
    before = world.block_of(hash_)
    world.node.reorganise(depth)
    assert world.block_of(hash_) is None
    world.one_pass("broadcast")  # it goes out again
    assert world.transactions("sent") == [(raw, hash_)]
    world.drain()
    after = world.block_of(hash_)
    assert before is not None and after is not None and after > before
    assert world.transactions("mined") == [(raw, hash_)]
    assert check_ledger(world.app, [leaf]) == 1


def test_a_reorganisation_above_a_final_block_changes_nothing(world: AnvilWorld) -> None:
    leaf, _, _ = broadcast(world)
    world.node.mine(DEPTH + 1)
    world.one_pass("receipted")
    world.node.reorganise(DEPTH)
    world.drain()
    assert check_ledger(world.app, [leaf]) == 1


def test_a_transaction_that_the_node_dropped_is_sent_again_byte_for_byte(world: AnvilWorld) -> None:
    leaf, raw, hash_ = broadcast(world)
    for _ in range(3):
        world.node.request("anvil_dropTransaction", ["0x" + hash_.hex()])
        assert world.node.request("eth_getTransactionByHash", ["0x" + hash_.hex()]) is None
        world.one_pass("broadcast")
        assert world.node.request("eth_getTransactionByHash", ["0x" + hash_.hex()]) is not None
    world.drain()
    assert world.transactions("mined") == [(raw, hash_)]
    assert check_ledger(world.app, [leaf]) == 1


def test_while_no_block_is_made_everything_waits_and_nothing_is_made_anew(world: AnvilWorld) -> None:
    world.clock.mining = False
    leaf, raw, hash_ = broadcast(world)
    leaves = [leaf, world.issue_seal("乙").leaf]
    with pytest.raises(UnavailableError, match="OUTBOX_TIMEOUT"):
        world.app.outbox.drain(2)
    assert world.states() == ["broadcast", "broadcast"]
    assert (raw, hash_) in world.transactions("sent")
    world.clock.mining = True
    world.drain()
    assert check_ledger(world.app, leaves) == 2


def test_a_nonce_used_elsewhere_gives_other_bytes_only_when_a_final_block_shows_it(world: AnvilWorld) -> None:
    leaf, raw, hash_ = broadcast(world)
    world.node.request("anvil_dropTransaction", ["0x" + hash_.hex()])
    use_nonce(world)
    world.node.mine(DEPTH)
    for _ in range(2):  # not final yet: it could still be reorganised away, and ours come in
        world.one_pass("broadcast")
        assert world.transactions("sent") == [(raw, hash_)]
    world.node.mine()
    world.one_pass("broadcast")
    assert world.transactions("replaced") == [(raw, hash_)]
    ((other, _),) = world.transactions("sent")
    assert other != raw
    world.drain()
    assert check_ledger(world.app, [leaf], drained=False) == 1


def test_a_theft_of_the_nonce_that_is_reorganised_away_lets_ours_in(world: AnvilWorld) -> None:
    leaf, raw, hash_ = broadcast(world)
    world.node.request("anvil_dropTransaction", ["0x" + hash_.hex()])
    use_nonce(world)
    world.node.mine(3)
    world.app.outbox.run_once()
    world.node.reorganise(3)
    world.drain()
    assert world.transactions("mined") == [(raw, hash_)]
    assert check_ledger(world.app, [leaf]) == 1


def use_nonce(world: AnvilWorld) -> None:
    """The office's account key is shared: somebody else uses the nonce that ours was signed with."""
    app = world.app
    account = app.account(OFFICE_A, Permission.ANCHOR)
    with app.store.read() as unit:
        accreditation = next(a for a in unit.chain.accreditations(OFFICE_A) if a.kind.word == "seal")
        signer = unit.chain.signers(OFFICE_A)[0].certificate
    call = AnchorCall(accreditation.id, accreditation.kind, 1, 1, b"\x07" * 32, b"\x08" * 32, (signer,))
    app.chain.send(app.chain.sign_anchor(account, app.chain.chain_nonce(account.address), call)[0])


def test_while_the_node_is_silent_issuing_goes_on_and_verification_says_so(
    world: AnvilWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = world.issue_seal()
    world.drain()
    world.close()
    world.node.freeze()
    monkeypatch.setenv("ZHENGYIN_ENGINE_PATIENCE", "0.5")
    leaves = [known.leaf, *(world.issue_seal(f"第{n}枚").leaf for n in range(3))]
    with pytest.raises(UnavailableError, match="ENGINE_LATE"):
        world.app.outbox.drain(5)
    bundle = world.app.bundling.bundle(world.row(known.id), None, state=False)
    report = world.app.verifying.bundle(bundle.to_bytes(), Question())
    assert report.exit_code == 3
    assert not any(step.outcome is Outcome.FAILED for step in report.steps)
    assert "ENGINE_LATE" in {f.code for step in report.steps for f in step.findings}
    monkeypatch.delenv("ZHENGYIN_ENGINE_PATIENCE")
    world.close()
    world.node.thaw()
    world.clock.sleep(61)
    world.drain()
    assert check_ledger(world.app, leaves) == 4


def test_a_status_changes_when_its_statement_is_final(world: AnvilWorld) -> None:
    issued = world.issue_seal()
    world.drain()
    world.clock.sleep(1)
    world.change(issued.leaf, State.REVOKED)
    world.drain()
    with world.app.store.read() as unit:
        assert [e.entry.state for e in unit.chain.entries(OFFICE_A, issued.leaf)] == [State.REVOKED]
    assert check_ledger(world.app, [issued.leaf]) == 2
