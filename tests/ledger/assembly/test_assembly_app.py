"""The data folder: founded whole or not at all, opened only on its own chain, believing only a proper trust file."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from ledger_world import Clock, World, check_ledger

from ledger.assembly import founding
from ledger.assembly.demo_plan import COUNCIL, NOTARY, demo_plan
from ledger.assembly.home import ChainFile
from ledger.assembly.trust_files import read_trust_file
from ledger.assembly.trusting import renewed_trust, sign
from ledger.core.registries import Permission
from ledger.core.trust import TrustFile
from ledger.errors import ConfigError, ConflictError, InputError, IntegrityError, NotFoundError, UnavailableError
from ledger.services.offline import Question, verify_offline

# ---- founding -------------------------------------------------------------------------------------------------------


def test_founding_never_overwrites(world: World) -> None:
    before = sorted(p.name for p in world.home.iterdir())
    with pytest.raises(ConfigError) as refused:
        founding.found(world.home, demo_plan(), world.clock, world.clock.sleep)
    assert refused.value.code == "SETTINGS_EXISTS"
    assert sorted(p.name for p in world.home.iterdir()) == before


def test_founding_that_fails_leaves_no_half_a_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(founding, "upgrade", broken)
    clock = Clock()
    with pytest.raises(UnavailableError) as refused:
        founding.found(tmp_path / "home", demo_plan(), clock, clock.sleep)
    assert refused.value.code == "STORE_FULL"
    assert list(tmp_path.iterdir()) == []


def test_what_is_founded_speaks_for_every_organisation(shared_demo: World) -> None:
    app = shared_demo.app
    with app.store.read() as unit:
        known = {name for name, _, barred in unit.chain.organisations() if not barred}
    assert known == {f.organisation for f in demo_plan().founders}
    for organisation in known:
        assert app.account(organisation, Permission.ANCHOR).address == app.keys.account(organisation, "main").address
        assert app.signer(organisation).certificate


# ---- opening --------------------------------------------------------------------------------------------------------


def test_a_chain_file_of_another_genesis_is_refused(world: World) -> None:
    file = ChainFile.read(world.home / "chain.json")
    other = replace(file, identity=replace(file.identity, genesis=bytes(range(32))))
    (world.home / "chain.json").write_bytes(other.to_bytes())
    with pytest.raises(ConfigError) as refused:
        world.app.chain.head()
    assert refused.value.code == "CHAIN_OTHER_GENESIS"


def test_a_chain_file_that_names_another_contract_is_refused(world: World) -> None:
    file = ChainFile.read(world.home / "chain.json")
    stranger = file.contracts.council
    other = replace(
        file,
        identity=replace(file.identity, records=stranger),
        contracts=replace(file.contracts, records=stranger),
    )
    (world.home / "chain.json").write_bytes(other.to_bytes())
    with pytest.raises(ConfigError) as refused:
        world.app.chain.head()  # looked at when it is first asked for anything: a network's node may be away until then
    assert refused.value.code == "CHAIN_CODE_DIFFERS"


@pytest.mark.parametrize("content", [b"", b"{}", b'{"tag":"zhengyin/chainFile/2"}', b"\xff"])
def test_a_damaged_chain_file_is_said_to_be_so(world: World, content: bytes) -> None:
    (world.home / "chain.json").write_bytes(content)
    with pytest.raises(ConfigError) as refused:
        _ = world.app.chain
    assert refused.value.code == "CHAIN_FILE_INVALID"


def test_a_damaged_block_stops_the_ledger_when_it_opens(demo: World) -> None:
    demo.close()
    connection = sqlite3.connect(demo.home / "chain.db")
    with connection:
        connection.execute("UPDATE block SET header = zeroblob(length(header)) WHERE number = 3")
    connection.close()
    with pytest.raises(IntegrityError) as refused:
        _ = demo.app.chain
    assert refused.value.code == "ENGINE_BLOCK_DAMAGED"


def test_an_organisation_without_keys_here_cannot_act(world: World) -> None:
    world.close()
    for entry in (world.home / "keys" / NOTARY).rglob("*"):
        if entry.is_file():
            entry.unlink()
    for act, code in (
        (lambda: world.app.account(NOTARY, Permission.ANCHOR), "ACCOUNT_NONE"),
        (lambda: world.app.signer(NOTARY), "SIGNER_NONE"),
    ):
        with pytest.raises(ConfigError) as refused:
            act()
        assert refused.value.code == code


def test_an_office_whose_keys_lie_elsewhere_holds_back_only_itself(world: World) -> None:
    ours = world.issue_seal()
    theirs = world.issue_seal("公证处章", "11320100070001017R")
    world.close()
    for entry in (world.home / "keys" / "11320100070001017R").rglob("*signing*"):
        if entry.is_file():
            entry.unlink()
    done = world.app.outbox.drain(60)
    assert [p.code for p in done.problems] == ["SIGNER_NONE"]
    assert check_ledger(world.app, [ours.leaf, theirs.leaf], drained=False) == 1


# ---- trust ----------------------------------------------------------------------------------------------------------


def test_a_renewed_trust_file_follows_and_still_proves_what_was_anchored(demo: World) -> None:
    app = demo.app
    first = app.trust.current()
    demo.clock.sleep(100)
    second = renewed_trust(app)
    app.trust.install(second)
    assert app.trust.content().version == first.content.version + 1
    bundle = app.bundling.bundle(demo.row(demo.ids["plain"]), None, state=True).to_bytes()
    now = int(demo.clock())
    for trust in (first.content, second.content):
        assert verify_offline(bundle, trust, Question(as_of_bundle=True), now).exit_code == 0


def test_an_older_trust_file_is_a_rollback(demo: World) -> None:
    app = demo.app
    first = app.trust.current()
    app.trust.install(renewed_trust(app))
    with pytest.raises(ConflictError) as refused:
        app.trust.install(first)
    assert refused.value.code == "TRUST_ROLLBACK"
    assert app.trust.content().version == 2


def test_another_file_of_the_same_version_is_a_fork(demo: World) -> None:
    app = demo.app
    content = app.trust.content()
    forked = sign(app, replace(content, expires=content.expires + 1), COUNCIL)
    with pytest.raises(ConflictError) as refused:
        app.trust.install(forked)
    assert refused.value.code == "TRUST_FORKED"


def test_a_successor_without_enough_signatures_is_refused(demo: World) -> None:
    app = demo.app
    good = renewed_trust(app)
    for bad in (TrustFile(good.content, good.signatures[:1]), TrustFile(good.content, ())):
        with pytest.raises(InputError) as refused:
            app.trust.install(bad)
        assert refused.value.code.startswith("TRUST_")
    assert app.trust.content().version == 1


def test_an_expired_trust_file_is_not_installed(demo: World) -> None:
    app = demo.app
    renewed = renewed_trust(app)
    demo.clock.now = renewed.content.expires + 1.0
    with pytest.raises(ConflictError) as refused:
        app.trust.install(renewed)
    assert refused.value.code == "TRUST_EXPIRED"


def test_a_missing_trust_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as refused:
        read_trust_file(tmp_path / "trust.json")
    assert refused.value.code == "TRUST_FILE_MISSING"


# ---- types ----------------------------------------------------------------------------------------------------------


def test_a_type_file_is_checked_kept_and_never_replaced(world: World, tmp_path: Path) -> None:
    types = world.app.types
    source = tmp_path / "own-seal.toml"
    shipped = Path(founding.__file__).parents[1] / "types" / "seal.toml"
    source.write_text(shipped.read_text("utf-8").replace('code = "seal"', 'code = "ownSeal"'), "utf-8")
    assert types.add(source).code == "ownSeal"
    assert types.get("own-seal") == types.get("ownSeal")
    with pytest.raises(ConflictError) as refused:
        types.add(source)
    assert refused.value.code == "TYPE_EXISTS"
    source.write_text("not = [toml", "utf-8")
    with pytest.raises(InputError):
        types.add(source.rename(tmp_path / "broken.toml"))
    assert not (world.home / "types" / "broken.toml").exists()
    with pytest.raises(NotFoundError) as unknown:
        types.get("nothing")
    assert unknown.value.code == "TYPE_UNKNOWN"
