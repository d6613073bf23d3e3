"""What holds for every command: help, usage errors, languages, exit codes, a quick start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_kit import OFFICE, Cli, zhengyin

import ledger
from ledger.cli import run as running
from ledger.cli.commands import MODULES, root
from ledger.cli.run_codes import worst
from ledger.errors import ConfigError, ConflictError, InputError, IntegrityError, NotFoundError, UnavailableError

ROOT = Path(__file__).resolve().parents[3]


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*path, name))


ALL = list(commands(root(None)))


def test_every_command_of_the_design_is_there() -> None:
    words = {" ".join(path) for path in ALL}
    assert words >= {
        "seal make", "seal register", "seal stamp", "seal verify", "seal log",
        "init", "issue", "deposit", "import", "jobs", "anchor", "revoke", "suspend", "reinstate",
        "supersede", "erase", "show", "bundle", "verify", "doctor", "rebuild", "key new", "key import", "key list",
        "council propose", "council approve", "council veto", "council execute", "council list", "org add",
        "org accredit", "org end", "org list", "type add", "type list", "type show", "trust export", "trust show",
        "trust import", "trust sign", "freeze", "unfreeze", "annul", "disown", "relate", "org succeed", "org superior",
        "ca path", "ca check", "trust list", "trust add", "trust withdraw", "trust suspend", "trust reinstate",
        "trust compromise", "trust appoint", "trust recognise", "trust unrecognise", "sign", "signature verify",
        "signer", "timestamp get", "timestamp verify",
    }  # fmt: skip


def test_every_command_is_found_when_only_its_module_is_loaded() -> None:
    assert set(MODULES) == {path[0] for path in ALL if path}
    for name in MODULES:
        assert name in root(name).commands


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_help_is_bilingual_and_has_an_example(path: tuple[str, ...]) -> None:
    shown = zhengyin(*path, "--help")
    assert shown.code == 0
    assert "示例 Example:" in shown.out
    example = shown.out.split("示例 Example:")[1].split("\n")[1]
    assert "zhengyin " in example
    assert " ".join(path) in example or len(path) < 2


def test_every_option_explains_itself() -> None:
    silent = []
    for path in ALL:
        command = root(None)
        for name in path:
            command = command.commands[name]
        silent += [(path, p.name) for p in command.params if p.param_type_name == "option" and not p.help]
    assert silent == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("verfy",),
        ("verify", "--nonsense"),
        ("import",),
        ("bundle",),
        ("--lang", "fr", "jobs"),
        ("import", "no.csv", "--type", "x"),
    ],
)
def test_wrong_usage_is_2_and_says_so_on_stderr_only(arguments: tuple[str, ...]) -> None:
    done = zhengyin(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err


def test_a_misspelt_command_names_the_right_one() -> None:
    assert "verify" in zhengyin("verfy").err


def test_a_usage_error_is_an_object_with_json() -> None:
    done = zhengyin("--json", "jobs", "--nonsense")
    assert (done.code, done.json["error"]["code"], done.json["error"]["exitCode"]) == (2, "CLI_USAGE", 2)


def test_the_version_is_known_without_an_installed_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import metadata

    version = metadata.version

    def missing(name: str) -> str:
        if name == "zhengyin":
            raise metadata.PackageNotFoundError(name)
        return version(name)  # other packages ask for their own while they are imported

    monkeypatch.setattr(metadata, "version", missing)
    assert zhengyin("--version").out == f"zhengyin {ledger.__version__}\n"
    assert zhengyin("--version", "--json").json == {"version": ledger.__version__}
    assert zhengyin("--home", "/nowhere", "doctor").code == 4  # which lists the versions, too


def test_no_command_shows_the_help_and_is_a_usage_error() -> None:
    done = zhengyin()
    assert done.code == 2
    assert "Commands:" in done.out


def test_global_options_stand_anywhere_but_not_after_the_double_dash() -> None:
    assert running.hoisted(["verify", "a", "--json", "--home", "h", "--lang=en"]) == [
        "--json",
        "--home",
        "h",
        "--lang=en",
        "verify",
        "a",
    ]
    assert running.hoisted(["verify", "--", "--json"]) == ["verify", "--", "--json"]


def test_an_unfounded_folder_is_a_configuration_error_in_both_languages(tmp_path: Path) -> None:
    nowhere = Cli(tmp_path / "nowhere")
    zh, en = nowhere("jobs"), nowhere("jobs", "--lang", "en", "--json")
    assert zh.code == en.code == 4
    assert "请先运行 zhengyin init" in zh.err
    assert "run zhengyin init first" in en.err
    assert en.json["error"]["code"] == "SETTINGS_NO_HOME"
    assert en.json["error"]["exitCode"] == 4


def test_the_home_and_the_language_may_come_from_the_environment(
    demo_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ZHENGYIN_HOME", str(demo_home))
    monkeypatch.setenv("ZHENGYIN_LANGUAGE", "en")
    assert "records wait" in zhengyin("jobs").out
    assert zhengyin("jobs", "--home", tmp_path / "other").code == 4
    assert os.environ["ZHENGYIN_HOME"] == str(demo_home)


def test_the_option_outranks_the_environment_for_the_home(
    demo: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Settings read the environment too: a batch meant for one ledger must not land in another."""
    monkeypatch.setenv("ZHENGYIN_HOME", str(tmp_path / "elsewhere"))
    assert zhengyin("init", "--org", OFFICE, "--name", "示范", "--home", tmp_path / "made").code == 0
    assert zhengyin("jobs").code == 4
    evidence = tmp_path / "e.txt"
    evidence.write_bytes(b"e")
    assert demo("deposit", evidence, "--source", "示范").code == 0
    assert demo("jobs", "--json").json["waiting"][0]["records"] == 1
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError, 2),
        (ConflictError, 2),
        (NotFoundError, 3),
        (UnavailableError, 3),
        (IntegrityError, 1),
        (ConfigError, 4),
    ],
)
def test_each_kind_of_error_has_its_exit_code(
    error: type[Exception], code: int, demo_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> None:
        raise error("SETTINGS_NO_HOME", home="h")

    monkeypatch.setattr("ledger.settings.load_settings", refuse)
    assert Cli(demo_home)("jobs").code == code


def test_a_bug_is_70_and_shows_neither_values_nor_a_traceback(demo_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Path) -> None:
        raise KeyError("张三丰")

    monkeypatch.setattr("ledger.settings.load_settings", fail)
    done = Cli(demo_home)("jobs", "--json")
    assert done.code == 70
    assert done.json["error"]["code"] == "CLI_BUG"
    assert "张三丰" not in done.err + done.out
    assert "Traceback" not in done.err
    monkeypatch.setenv("ZHENGYIN_DEBUG", "1")
    assert "Traceback" in Cli(demo_home)("jobs").err


def test_a_full_disk_is_said_and_can_be_tried_again(demo_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Path) -> None:
        raise OSError(28, "No space left on device", "rows.db")

    monkeypatch.setattr("ledger.settings.load_settings", full)
    done = Cli(demo_home)("jobs", "--lang", "en")
    assert done.code == 3
    assert "No space left on device" in done.err


def test_the_worst_exit_code_wins() -> None:
    order = [70, 4, 1, 2, 3, 5, 0]
    for place, code in enumerate(order):
        assert worst(order[place:]) == code
    assert worst([]) == 0


def test_completion_knows_the_commands() -> None:
    environment = os.environ | {"_ZHENGYIN_COMPLETE": "complete_bash", "COMP_WORDS": "zhengyin ver", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "ledger.cli"],
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["verify"]


def test_verifying_offline_loads_nothing_heavy(furnished_home: Path, numbers: dict[str, str], tmp_path: Path) -> None:
    bundle, trust = tmp_path / "a.zyb", tmp_path / "trust.json"
    here = Cli(furnished_home)
    assert here("bundle", numbers["0001"], "--state", "-o", bundle).code == 0
    assert here("trust", "export", "-o", trust).code == 0
    heavy = ["web3", "sqlalchemy", "fastapi", "pyhanko.sign", "eth", "aiohttp", "rich", "ledger.chain", "ledger.store"]
    program = (
        "import sys, json; from ledger.cli import main; "
        f"code = main(['verify', {str(bundle)!r}, '--trust', {str(trust)!r}, '--offline', '--as-of', 'bundle']); "
        f"print(json.dumps([code, [m for m in {heavy!r} if m in sys.modules]]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert json.loads(done.stdout.splitlines()[-1]) == [0, []]
