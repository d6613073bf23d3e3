"""The documents say what the code does: lists that could go stale are compared with their source."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
from test_architecture import ROWS

from ledger.core import canonical
from ledger.core.registries import Kind, Permission, Reason, Relation, State, Suite
from ledger.errors import messages
from ledger.settings import Settings
from ledger.verification.steps import STEPS
from scripts.document_errors import FILE, document, uses

ROOT = Path(__file__).resolve().parents[1]
FORMATS = (ROOT / "ledger" / "FORMATS.md").read_text("utf-8")
CONTRACTS = (ROOT / "contracts" / "README.md").read_text("utf-8")
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)`( \([^)]*\))?")


def markdown_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [p for name in listed.stdout.decode().split("\0") if name and (p := ROOT / name).is_file()]


def anchors_of(path: Path) -> set[str]:
    """Anchors as hosts make them: lower case, blanks to hyphens, other signs left out."""
    headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", h.replace("`", "").lower()).replace(" ", "-") for h in headings}


def section(title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}$(.*?)(?=^## |\Z)", FORMATS, re.M | re.S)
    assert found, title
    return found[1]


def test_errors_is_fresh() -> None:
    script = [sys.executable, str(ROOT / "scripts" / "document_errors.py"), "--check"]
    assert subprocess.run(script, cwd=ROOT, capture_output=True, check=False).returncode == 0
    assert FILE.read_text("utf-8") == document()


def test_every_link_between_documents_leads_somewhere() -> None:
    broken = []
    for path in markdown_files():
        for target in _LINK.findall(path.read_text("utf-8")):
            if "://" in target or target.startswith("mailto:"):
                continue
            name, _, anchor = unquote(target).partition("#")
            file = (path.parent / name).resolve() if name else path
            if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors_of(file)):
                broken.append(f"{path.relative_to(ROOT)}: {target}")
    assert broken == []


def test_every_setting_is_documented_with_its_default() -> None:
    table = section("Settings")
    for name, field in Settings.model_fields.items():
        row = re.search(rf"^\| `{name}` \| (.+?) \|", table, re.M)
        assert row, name
        default = field.default
        if not field.is_required() and default not in (None, ()):
            assert row[1].strip("`") == (f"{default:g}" if isinstance(default, float) else str(default)), name
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.M)) == set(Settings.model_fields)


def test_every_variable_of_the_environment_is_documented() -> None:
    pages = FORMATS + (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    sources = [p.read_text("utf-8") for top in ("ledger", "api") for p in (ROOT / top).rglob("*.py")]
    named = set(re.findall(r"ZHENGYIN_[A-Z]+(?:_[A-Z]+)*", "".join(sources)))
    settings = {f"ZHENGYIN_{name.upper()}" for name in Settings.model_fields}
    assert [name for name in sorted(named - settings) if f"`{name}`" not in pages] == []


def test_registries_are_those_of_the_code() -> None:
    text = section("Registries")
    for registry in (Kind, Suite, State, Reason, Relation):
        for member in registry:
            assert f"| {member.value} | `{member.word}`" in text, f"{registry.__name__}.{member.name}"
    assert all(f"{p.value} {p.name.lower()}" in text for p in Permission)


def test_every_event_and_error_of_the_contracts_is_documented() -> None:
    names = []
    for path in sorted((ROOT / "ledger" / "chain" / "artifacts").glob("*.json")):
        for entry in json.loads(path.read_text("utf-8"))["abi"]:
            if entry["type"] in ("event", "error"):
                names.append(f"{entry['name']}({', '.join(i['name'] for i in entry['inputs'])})")
    assert len(names) > 50
    assert [name for name in names if f"`{name}`" not in CONTRACTS] == []


def test_the_import_table_for_contributors_is_the_one_that_is_checked() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    rows = re.findall(r"^\d  (.+)$", text, re.M)
    assert [set(re.split(r"[\s|]+", row)) for row in reversed(rows)] == [set(row) for row in ROWS]


# ---- the steps of verification: every code in its place, with its outcome ------------------


def documented() -> dict[str, set[str]]:
    """Code → outcomes that FORMATS gives it (F, U, N); "(or U)" or "(U where …)" behind a code adds one."""
    outcomes: dict[str, set[str]] = {}
    letter = ""
    for word in re.finditer(r"(?<![\w`])([FUN])(?= `)|" + _CODE.pattern, section("Verification")):
        if word[1]:
            letter = word[1]
        elif letter:
            outcomes.setdefault(word[2], set()).add(letter)
            if re.search(r"\bU\b", word[3] or ""):
                outcomes[word[2]].add("U")
    return outcomes


def found_by_the_code() -> dict[str, set[str]]:
    letters = {"failed": "F", "refused": "F", "undetermined": "U", "unproved": "U", "noted": "N"}
    outcomes: dict[str, set[str]] = {}
    for path in sorted((ROOT / "ledger" / "verification").rglob("*.py")):
        for maker, code in uses(ast.parse(path.read_text("utf-8"))):
            if maker in letters:
                outcomes.setdefault(code, set()).add(letters[maker])
    return outcomes


def test_every_finding_of_the_procedure_is_documented_with_its_outcome() -> None:
    known, found = documented(), found_by_the_code()
    general = {"STEP_NEEDS_EARLIER", "STEP_REFUSED", "STEP_FAULT", "STEP_IMPOSSIBLE_HERE"}
    general |= {"NOT_KNOWN_HERE", "NOT_ISSUED"}
    assert [c for c in general if f"`{c}`" not in FORMATS] == []
    wrong = {c: (o, known.get(c)) for c, o in found.items() if c not in general and not o <= known.get(c, set())}
    assert wrong == {}


def test_every_code_named_in_formats_has_words() -> None:
    named = {code for code, _ in _CODE.findall(FORMATS) if not code.startswith("ZHENGYIN_")}
    assert named - messages().keys() == set()


def test_every_step_has_its_paragraph() -> None:
    titles = re.findall(r"^\*\*(\d+) ([A-Z][a-z ]+)\*\*", section("Verification"), re.M)
    judged = {str(step.value): step.name.replace("_", " ").lower() for step in STEPS}
    assert {number: title.lower().removesuffix(" in the file") for number, title in titles} == judged


def test_every_digest_printed_in_formats_stands_in_a_vector() -> None:
    vectors = "".join(p.read_text("utf-8") for p in (ROOT / "tests" / "vectors").rglob("*.json"))
    printed = re.findall(r"`([0-9a-f]{64}|[A-Za-z0-9_-]{43})`", FORMATS)
    assert len(printed) >= 10
    assert [value for value in printed if value not in vectors] == []


def test_every_example_in_formats_is_a_vector() -> None:
    texts = {
        case["given"].get("text")
        for path in (ROOT / "tests" / "vectors").glob("*/valid.json")
        for case in json.loads(path.read_text("utf-8"))["cases"]
    }
    examples = re.findall(r"^```json$(.*?)^```$", FORMATS, re.M | re.S)
    assert len(examples) >= 3
    assert [e for e in examples if canonical.encode(json.loads(e)).decode() not in texts] == []
