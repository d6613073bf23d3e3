"""Batches with time-stamps: the token is there before the signature is, and whoever does not give one delays nothing
else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest
from ledger_world import World, check_ledger
from timestamp_kit import Server, Tsa, make_tsa, rejected

from ledger.assembly.demo_plan import OFFICE_A
from ledger.core.bundles import Bundle
from ledger.core.manifests import Manifest
from ledger.core.trust import Trust
from ledger.core.trust_lists import Authority, DatedState
from ledger.core.verdicts import Indication
from ledger.crypto.cms import verify_detached
from ledger.errors import ConfigError, UnavailableError
from ledger.services.anchoring import MANIFEST
from ledger.services.batch_signing import CMS, LATER_VALIDATION, VALIDATION
from ledger.verification import Facts, verify
from ledger.verification.report import Report


@pytest.fixture
def authority(world: World) -> tuple[Tsa, bytes]:
    """A time-stamp authority and its root; its lists lie in the data folder."""
    return make_tsa(int(world.clock()), world.home / "authorities" / "tsa")


@pytest.fixture
def server(world: World, authority: tuple[Tsa, bytes]) -> Iterator[Server]:
    """The authority, by whose address the world's settings name it."""
    made = Server(lambda request: authority[0].answer(request, int(world.clock())))
    name(world, made)
    yield made
    made.stop()


def name(world: World, *servers: Server) -> None:
    """Write the addresses into the settings."""
    file = world.home / "zhengyin.toml"
    kept = [line for line in file.read_text("utf-8").splitlines() if not line.startswith("timestamp_urls")]
    urls = ", ".join(f'"{server.url}"' for server in servers)
    file.write_text("\n".join([*kept, f"timestamp_urls = [{urls}]", ""]), "utf-8")
    world.close()


def trust_with(world: World, root: bytes, wanted: str = "required", provider: str | None = None) -> Trust:
    content: Trust = world.app.trust.content()
    since = (DatedState("granted", 0),)
    listed = Authority("TSA", root, since, None, "tsa", provider)
    policies = tuple(replace(policy, token=wanted) for policy in content.policies)
    return replace(content, authorities=(*content.authorities, listed), policies=policies)


def bundle_of(world: World, id_: str) -> Bundle:
    return world.app.bundling.bundle(world.row(id_), None, state=True)


def judged(world: World, id_: str, trust: Trust) -> Report:
    return verify(Facts(bundle_of(world, id_).to_bytes(), (), trust, int(world.clock())))


def segment(world: World) -> Path:
    (receipt,) = (world.home / "segments").glob("*/*/*/body")
    return receipt.parent


def test_a_batch_has_a_token_over_its_signature(world: World, server: Server, authority: tuple[Tsa, bytes]) -> None:
    accepted = world.issue_seal()
    world.drain()
    assert len(server.seen) == 1
    report = judged(world, accepted.id, trust_with(world, authority[1]))
    assert report.indication is Indication.TOTAL_PASSED
    assert report.proved["time"]["source"] == "token"
    manifest = Manifest.from_bytes((segment(world) / MANIFEST).read_bytes())
    assert manifest.expects.token
    check_ledger(world.app, [accepted.leaf])
    # without it the bundle is a part of what was promised
    bundle = bundle_of(world, accepted.id)
    assert verify_detached(bundle.signatures[0], manifest.to_bytes()).token is not None


def test_data_after_the_grace_period_are_about_the_authority_too(
    world: World, server: Server, authority: tuple[Tsa, bytes]
) -> None:
    accepted = world.issue_seal()
    world.drain()
    world.clock.sleep(90_000)
    authority[0].publish(int(world.clock()))
    done = world.app.late_validation.run_due()
    assert (done.written, done.problems) == (1, [])
    assert (segment(world) / LATER_VALIDATION).exists()
    trust = trust_with(world, authority[1])
    final = replace(trust, policies=tuple(replace(p, revocation="final") for p in trust.policies))
    assert judged(world, accepted.id, final).indication is Indication.TOTAL_PASSED


def test_a_revoked_authority_s_token_is_not_taken(world: World, server: Server, authority: tuple[Tsa, bytes]) -> None:
    """A batch that bears it would stay without a proved time for ever."""
    authority[0].publish(int(world.clock()), authority[0].certificate)
    world.issue_seal()
    held = world.app.outbox.drain(30)
    assert [problem.code for problem in held.problems] == ["SIGNER_CERTIFICATE_REVOKED"]
    assert not (segment(world) / CMS).exists()
    authority[0].publish(int(world.clock()))
    world.drain()


def test_an_authority_that_is_silent_holds_the_batch_and_loses_nothing(
    world: World, server: Server, authority: tuple[Tsa, bytes]
) -> None:
    answer, server.answer = server.answer, lambda request: rejected(25)
    accepted = world.issue_seal()
    held = world.app.outbox.drain(60)
    assert [problem.code for problem in held.problems] == ["TIMESTAMP_UNAVAILABLE"]
    with world.app.store.read() as unit:
        (batch,) = unit.batches.in_states(("batched",))
    assert not (segment(world) / CMS).exists() and not (segment(world) / VALIDATION).exists()
    name(world)  # a promise stands, whatever the settings say now
    held = world.app.outbox.drain(60)
    assert [(type(p), p.code) for p in held.problems] == [(ConfigError, "TIMESTAMP_NO_AUTHORITY")]
    server.answer = answer
    name(world, server)
    world.drain()
    with world.app.store.read() as unit:
        assert unit.batches.get(batch.row).state == "receipted"
    assert judged(world, accepted.id, trust_with(world, authority[1])).indication is Indication.TOTAL_PASSED


def test_killed_between_signature_and_token(world: World, server: Server, authority: tuple[Tsa, bytes]) -> None:
    accepted = world.issue_seal()
    world.worker("drain", fault="anchor.stamped")
    assert not (segment(world) / CMS).exists()
    world.drain()
    assert len(server.seen) == 2  # the first token stands over a signature that nobody will see
    assert judged(world, accepted.id, trust_with(world, authority[1])).indication is Indication.TOTAL_PASSED
    check_ledger(world.app, [accepted.leaf])


def test_a_batch_begun_without_a_token_stays_without(
    world: World, authority: tuple[Tsa, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_reach(*_: object) -> NoReturn:
        raise UnavailableError("CHAIN_UNREACHABLE")

    accepted = world.issue_seal()
    monkeypatch.setattr(world.app.anchoring, "_signers", out_of_reach)
    world.app.outbox.drain(60)
    made = Server(lambda request: authority[0].answer(request, int(world.clock())))
    name(world, made)
    world.drain()
    made.stop()
    assert made.seen == []
    trust = trust_with(world, authority[1], "optional")
    assert judged(world, accepted.id, trust).indication is Indication.TOTAL_PASSED


def test_an_authority_of_the_issuer_is_passed_over_where_an_independent_one_is_wanted(
    world: World, server: Server, authority: tuple[Tsa, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    independent, root = make_tsa(int(world.clock()), world.home / "authorities" / "tsa2")
    other = Server(lambda request: independent.answer(request, int(world.clock())))
    name(world, server, other)
    own = trust_with(world, authority[1], "independent", OFFICE_A)
    other_provider = Authority("TSA 2", root, (DatedState("granted", 0),), None, "tsa", "HK:12345678")
    trust = replace(own, authorities=(*own.authorities, other_provider))
    monkeypatch.setattr(world.app.trust, "content", lambda: trust)
    accepted = world.issue_seal()
    world.drain()
    other.stop()
    assert (len(server.seen), len(other.seen)) == (1, 1)
    report = judged(world, accepted.id, trust)
    assert report.indication is Indication.TOTAL_PASSED
    assert report.proved["time"]["tokens"][0]["provider"] == "HK:12345678"
