"""``trust describe``, ``qualify``, ``unqualify``, ``publish`` and ``deploy``, on a clock that nobody waits for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cli_kit import COUNCIL, Cli
from ledger_world import World

from ledger.assembly.app import App
from ledger.assembly.demo_plan import PROVIDERS
from ledger.assembly.home import ChainFile
from ledger.assembly.trusting import sign
from ledger.cli.session import Session
from ledger.settings import load_settings

PROVIDER = PROVIDERS[0]


@pytest.fixture
def cli(world: World, monkeypatch: pytest.MonkeyPatch) -> Cli:
    @contextmanager
    def app(session: Session) -> Iterator[App]:
        world.close()
        with App(load_settings(session.home), world.clock, world.clock.wait) as opened:
            yield opened

    monkeypatch.setattr(Session, "app", app)
    return Cli(world.home)


def good(done: Any) -> Any:
    assert done.code == 0, done.err
    return done.json


def calls(value: Any) -> list[str]:
    return [one["call"] for one in value["calls"]]


def ours(cli: Cli) -> Any:
    return next(v for v in cli("--json", "trust", "list").lines if v["file"]["provider"] == PROVIDER)["file"]


def test_a_service_is_named_anew_by_its_certificate_or_its_digest(cli: Cli) -> None:
    root = cli.home / "authorities" / "ca-a" / "certificates" / "root.der"
    assert calls(good(cli("--json", "trust", "describe", root, "--name", "甲"))) == ["TrustList.describeService"]
    assert ours(cli)["name"] == "甲"
    digest = cli("--json", "trust", "list").lines[0]["certificate"]
    done = cli("trust", "describe", "甲", "--name", "乙")
    assert done.code == 0 and "信任文件已随链上列表更新" in done.err
    assert "乙" in cli("trust", "list").out
    alone = good(cli("--json", "--org", COUNCIL[0], "trust", "describe", digest[:8], "--name", "丙"))
    assert (alone["state"], ours(cli)["name"] == "丙") == ("open", False)
    for text in ("丁", digest[:7], "0" * 16):
        unknown = cli("--json", "trust", "withdraw", text)
        assert (unknown.code, unknown.json["error"]["code"]) == (3, "TRUST_LIST_SERVICE_UNNAMED")
    good(cli("--json", "--org", COUNCIL[1], "council", "approve", alone["proposal"]))
    executed = cli("council", "execute", alone["proposal"])
    assert "信任文件已随链上列表更新" in executed.err and ours(cli)["name"] == "丙"


def test_a_stolen_key_stands_in_the_list_and_odd_words_are_answered_with_the_known_ones(cli: Cli) -> None:
    good(cli("--json", "trust", "compromise", "ca-a", "--since", "2026-01-01"))
    assert "已失密（自 2026-01-01" in cli("trust", "list").out
    terms = ("--jurisdiction", "CN-440100", "--level", "3", "--reference", "x")
    odd = cli("--json", "trust", "recognise", "ca-a", "--purpose", "licence", *terms)
    assert odd.json["error"]["code"] == "CLI_TRUST_WORD" and "license" in odd.err
    root = cli.home / "authorities" / "ca-a" / "certificates" / "root.der"
    named = ("--name", "x", "--provider", PROVIDER)
    assert cli("--json", "trust", "add", root, "--service", "foo", *named).json["error"]["code"] == "CLI_TRUST_WORD"
    refused = cli("--json", "trust", "add", next((cli.home / "keys").rglob("*.signing.crt")), *named)
    assert refused.json["error"]["code"] == "TRUST_LIST_NO_AUTHORITY"


def test_a_qualification_is_written_and_ended(cli: Cli) -> None:
    text = "certification:ECP1:2036-01-01:2037-01-01"
    assert calls(good(cli("--json", "trust", "qualify", PROVIDER, "--qualification", text))) == ["TrustList.qualify"]
    (held,) = ours(cli)["qualifications"]
    assert held["number"] == "ECP1"
    again = cli("--json", "trust", "qualify", PROVIDER, "--qualification", text)
    assert (again.code, again.json["error"]["code"]) == (2, "TRUST_LIST_QUALIFICATION_KNOWN")
    end = ("trust", "unqualify", PROVIDER, "--number", "ECP1", "--until", "2036-06-01")
    assert calls(good(cli("--json", *end, "--type", "certification"))) == ["TrustList.endQualification"]
    assert ours(cli)["qualifications"][0]["until"] < held["until"]
    other = cli("--json", *end, "--type", "government")
    assert other.json["error"]["code"] == "TRUST_LIST_QUALIFICATION_UNKNOWN"
    assert cli("--json", *end, "--type", "iso").json["error"]["code"] == "CLI_TRUST_WORD"


def test_what_is_published_stays_in_force(cli: Cli) -> None:
    version = good(cli("--json", "trust", "show"))["version"]
    assert calls(good(cli("--json", "trust", "publish"))) == ["TrustList.publish"]
    assert good(cli("--json", "trust", "show"))["version"] == version
    assert cli("--json", "trust", "publish").json["error"]["code"] == "CHAIN_REFUSED"


def test_a_list_is_deployed_once_named_by_both_files_and_filled(cli: Cli, world: World) -> None:
    chain, old = ChainFile.read(world.home / "chain.json"), world.app.trust.content()
    bare = replace(old, chains=tuple(replace(c, trust_list=None) for c in old.chains))
    (world.home / "trust.json").write_bytes(sign(world.app, bare, None).to_bytes())
    (world.home / "chain.json").write_bytes(
        replace(chain, contracts=replace(chain.contracts, trust_list=None)).to_bytes()
    )
    assert cli("--json", "trust", "publish").json["error"]["code"] == "TRUST_LIST_NONE"
    assert cli("--json", "trust", "deploy", "--address", "0x12").json["error"]["code"] == "CLI_ADDRESS"
    done = cli("--json", "--org", COUNCIL[0], "trust", "deploy")
    value = good(done)
    assert (calls(value), value["state"]) == (["TrustList.listService"] * 2, "open")
    address = value["trustList"]
    assert address in done.err and address != "0x" + (chain.contracts.trust_list or b"").hex()
    again = good(cli("--json", "--org", COUNCIL[0], "trust", "deploy", "--address", address))
    assert (again["proposal"], again["trustList"]) == (value["proposal"], address)  # proposed once
    good(cli("--json", "--org", COUNCIL[1], "council", "approve", value["proposal"]))
    good(cli("--json", "council", "execute", value["proposal"]))
    last = good(cli("--json", "trust", "deploy"))
    assert (last["proposal"], last["withoutProvider"]) == (None, [])
    assert {v["chain"]["state"] for v in cli("--json", "trust", "list").lines} == {"granted"}
    assert (
        cli("--json", "trust", "deploy", "--address", "0x" + "12" * 20).json["error"]["code"] == "TRUST_LIST_DEPLOYED"
    )


def test_whoever_signs_sees_what_changes_and_signs_nothing_older(cli: Cli, world: World, tmp_path: Path) -> None:
    old = tmp_path / "1.json"
    assert cli("trust", "export", "-o", old).code == 0
    good(cli("--json", "trust", "describe", "ca-a", "--name", "甲"))
    assert cli("--json", "trust", "sign", old).json["error"]["code"] == "TRUST_ROLLBACK"
    now = world.app.trust.content()
    forked = tmp_path / "2.json"
    forked.write_bytes(sign(world.app, replace(now, expires=now.expires + 1), None).to_bytes())
    assert cli("--json", "trust", "sign", forked).json["error"]["code"] == "TRUST_FORKED"
    policies = tuple(replace(p, token="required") for p in now.policies)
    first, *_ = now.authorities
    renamed = (replace(first, name="乙"), *now.authorities[1:])
    later = replace(now, version=now.version + 1, policies=policies, authorities=renamed, keys=now.keys[:2])
    draft, done = tmp_path / "3.json", tmp_path / "3-signed.json"
    one = sign(world.app, later, [COUNCIL[0]])
    draft.write_bytes(one.to_bytes())
    shown = good(cli("--json", "trust", "sign", draft, "-o", done))
    assert shown["otherChanges"] == ["keys", "policies"]
    assert [list(c["fields"]) for c in shown["changes"]] == [["name"]]
    assert shown["added"] == [k.id for k in now.keys[1:]]  # also the one that the next version lists no more
    assert "policies" in cli("trust", "sign", draft, "-o", done).out
    imported = good(cli("--json", "trust", "import", done))
    assert (imported["version"], imported["otherChanges"]) == (later.version, ["keys", "policies"])
