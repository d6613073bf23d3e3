"""``trust`` on the command line: the council's acts on the list, a jurisdiction's, and lists from elsewhere."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from cli_kit import COUNCIL, Cli

from ledger.outside.demo_authority import DemoAuthority

PROVIDER = "91440101000800219F"


def good(done: Any) -> Any:
    assert done.code == 0, done.err
    return done.json


def test_a_service_is_listed_recognised_suspended_and_the_file_follows(demo: Cli, tmp_path: Path) -> None:
    DemoAuthority.create(tmp_path / "ca", "示范 CA 丙", "ecdsa-p256", int(time.time()))
    root = tmp_path / "ca" / "certificates" / "root.der"
    listed = good(
        demo(
            *("--json", "trust", "add", root, "--name", "示范 CA 丙", "--provider", PROVIDER),
            *("--qualification", "certification:ECP1:2026-01-01:2036-01-01"),
        )
    )
    assert [c["call"] for c in listed["calls"]] == ["TrustList.listService", "TrustList.qualify"]
    terms = ("--jurisdiction", "CN-320100", "--purpose", "license", "--level", "3", "--reference", "互认 1 号")
    good(demo("--json", "trust", "recognise", root, *terms))
    assert demo("trust", "recognise", root, *terms).code != 0  # written once
    good(demo("--json", "trust", "suspend", root))
    ours = next(v for v in demo("--json", "trust", "list").lines if v["file"]["provider"] == PROVIDER)
    assert (ours["file"]["state"], ours["chain"]["state"]) == ("suspended", "suspended")
    (recognised,) = ours["recognised"]
    assert {k: recognised[k] for k in ("jurisdiction", "purpose", "level", "until", "reference")} == {
        "jurisdiction": "CN-320100", "purpose": "license", "level": 3, "until": None, "reference": "互认 1 号",
    }  # fmt: skip
    assert "CN-320100(license)" in demo("trust", "list").out
    assert ours["file"]["qualifications"][0]["number"] == "ECP1"
    assert "示范 CA 丙" in demo("trust", "list").out
    # one member alone proposes; nothing is carried, and the file stays
    version = good(demo("--json", "trust", "show"))["version"]
    alone = good(demo("--json", "--org", COUNCIL[0], "trust", "withdraw", ours["certificate"]))
    assert alone["state"] == "open"
    assert good(demo("--json", "trust", "show"))["version"] == version


def test_what_nobody_listed_or_cannot_be_read_is_refused(demo: Cli, tmp_path: Path) -> None:
    unknown = demo("--json", "trust", "withdraw", "ab" * 32)
    assert (unknown.code, unknown.json["error"]["code"]) == (3, "TRUST_LIST_SERVICE_UNKNOWN")
    (tmp_path / "x.pem").write_bytes(b"no certificate")
    assert demo("--json", "trust", "withdraw", tmp_path / "x.pem").json["error"]["code"] == "CERTIFICATE_FILE"
    root = demo.home / "authorities" / "ca-a" / "certificates" / "root.der"
    for text, code in (("a:b", "CLI_QUALIFICATION"), ("iso:1:2026-01-01", "CLI_TRUST_WORD")):
        named = ("--name", "x", "--provider", PROVIDER, "--qualification", text)
        assert demo("--json", "trust", "add", root, *named).json["error"]["code"] == code
    assert demo("--json", "trust", "export", "--format", "pdf").json["error"]["code"] == "CLI_TRUST_FORMAT"


def test_a_list_is_shown_first_and_applied_with_yes(demo: Cli, tmp_path: Path) -> None:
    file = tmp_path / "list.json"
    assert demo("trust", "export", "--format", "lote", "--operator", "某机构", "-o", file).code == 0
    same = good(demo("--json", "trust", "import", file))
    assert (same["changes"], same["applied"]) == ([], False)
    value = json.loads(file.read_bytes())
    information = value["LoTE"]["TrustedEntitiesList"][0]["TrustedEntityServices"][0]["ServiceInformation"]
    information["ServiceName"][0]["value"] = "改名"
    file.write_text(json.dumps(value, ensure_ascii=False), "utf-8")
    shown = demo("trust", "import", file)
    assert shown.code == 0 and "改名" in shown.out and "--yes" in shown.err
    assert good(demo("--json", "trust", "show"))["version"] == 1
    made = tmp_path / "trust.json"
    done = good(demo("--json", "trust", "import", file, "--yes", "-o", made))
    assert (done["applied"], done["version"], done["changes"][0]["change"]) == (True, 2, "changed")
    verifier = Cli(tmp_path / "verifier")
    good(verifier("--json", "trust", "import", made))
    assert "改名" in good(verifier("--json", "trust", "show"))["authorities"]


def test_a_new_trust_file_shows_what_it_changes(demo: Cli, tmp_path: Path) -> None:
    first, second, verifier = tmp_path / "1.json", tmp_path / "2.json", Cli(tmp_path / "verifier")
    assert demo("trust", "export", "-o", first).code == 0
    assert good(verifier("--json", "trust", "import", first))["changes"] == []
    good(demo("--json", "trust", "compromise", _root(demo), "--since", "2026-01-01"))
    assert demo("trust", "export", "-o", second).code == 0
    (change,) = good(verifier("--json", "trust", "import", second))["changes"]
    assert (change["change"], list(change["fields"])) == ("changed", ["compromisedSince"])


def _root(demo: Cli) -> Path:
    return demo.home / "authorities" / "ca-a" / "certificates" / "root.der"
