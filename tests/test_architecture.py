"""House rules that no reviewer should have to remember."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.errors import messages

ROOT = Path(__file__).resolve().parents[1]

# A module imports only from rows below its own; packages that share a row never import each other.
ROWS: tuple[tuple[str, ...], ...] = (
    ("ledger.errors",),
    ("ledger.core",),
    ("ledger.crypto", "ledger.proofs"),
    ("ledger.verification",),
    ("ledger.ports",),
    ("ledger.services", "ledger.chain", "ledger.store", "ledger.outside"),
    ("ledger.settings",),
    ("ledger.assembly",),
    ("api",),
    ("ledger.cli", "scripts"),
)
HEAVY = ("web3", "sqlalchemy", "fastapi", "pyhanko.sign", "eth", "aiohttp")
REGISTRIES = ("py" + "pi.org", "python" + "hosted", "registry.np" + "mjs", "deb.deb" + "ian", "crates" + ".io")


def python_files() -> list[Path]:
    found = [p for top in ("ledger", "api", "scripts") for p in (ROOT / top).rglob("*.py")]
    return sorted(p for p in found if "node_modules" not in p.parts)


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [p for name in listed.stdout.decode().split("\0") if name and (p := ROOT / name).is_file()]


def package_of(module: str) -> str | None:
    names = [n for row in ROWS for n in row if module == n or module.startswith(n + ".")]
    return max(names, key=len) if names else None


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            found |= {node.module} | {f"{node.module}.{a.name}" for a in node.names}
    return found


def test_imports_run_one_way() -> None:
    row_of = {name: number for number, row in enumerate(ROWS) for name in row}
    wrong = []
    for path in python_files():
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        own = package_of(module)
        if own is None:
            continue
        for name in imports_of(path):
            other = package_of(name)
            if other and other != own and row_of[other] >= row_of[own]:
                wrong.append(f"{module} imports {name}")
    assert wrong == []


def test_no_file_is_longer_than_500_lines() -> None:
    files = [*python_files(), *(ROOT / "contracts").rglob("*.sol"), *(ROOT / "tests").rglob("*.py")]
    assert [str(p) for p in files if p.read_text("utf-8").count("\n") > 500] == []


def test_verifying_offline_loads_nothing_heavy() -> None:
    code = f"import sys, ledger.services.offline; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def raised_codes() -> dict[str, list[str]]:
    """Every code given as a literal to an error, a finding or ``refuse``."""
    makers = re.compile(r"(\w+Error|failed|undetermined|noted|refuse|Finding)$")
    codes: dict[str, list[str]] = {}
    for path in python_files():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0]
            code = first.value if isinstance(first, ast.Constant) else None
            if makers.search(name) and isinstance(code, str) and re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+", code):
                codes.setdefault(code, []).append(str(path.relative_to(ROOT)))
    return codes


def test_every_code_raised_has_words_in_both_languages() -> None:
    table = messages()
    assert {c: where for c, where in raised_codes().items() if c not in table} == {}
    assert [c for c, words in table.items() if not (words.get("zh") and words.get("en"))] == []


def test_every_code_with_words_is_used() -> None:
    text = "\n".join(p.read_text("utf-8") for p in python_files())
    whole = set(re.findall(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+", text))
    # families of words are put together from a prefix and a registry word: f"WORD_STATE_{…}"
    families = tuple(re.findall(r'f"([A-Z][A-Z0-9_]*_)\{', text))
    assert [c for c in messages() if c not in whole and not c.startswith(families)] == []


def test_codes_are_written_once() -> None:
    seen: dict[str, str] = {}
    for file in sorted((ROOT / "ledger" / "messages").glob("*.toml")):
        for code in re.findall(r"^\[([A-Z0-9_]+)\]", file.read_text("utf-8"), re.M):
            assert code not in seen, f"{code} in {file.name} and {seen[code]}"
            seen[code] = file.name


def test_every_code_is_documented() -> None:
    documented = (ROOT / "ledger" / "ERRORS.md").read_text("utf-8")
    assert [c for c in messages() if f"`{c}`" not in documented] == []


def test_no_registry_host_or_machine_path_in_tracked_files() -> None:
    for path in tracked_files():
        text = path.read_bytes().decode("utf-8", "ignore")
        assert [h for h in REGISTRIES if h in text] == [], path
        # authorities' addresses have a part of that name, and stand in certificates
        assert not re.search("(?<!/crls)(?<!/certs)/ro" + "ot/", text), path


def test_lock_files_name_no_download_address() -> None:
    for name in ("requirements.lock", "requirements-service.lock"):
        lock = (ROOT / name).read_text("utf-8")
        assert "http" not in re.sub(r"^(httpcore|httpx|httptools)==.*$", "", lock, flags=re.M).replace("aiohttp", "")
    for npm in (ROOT / "scripts").rglob("package-lock.json"):
        if "node_modules" not in npm.parts:
            assert '"resolved"' not in npm.read_text("utf-8")


def test_the_service_is_installed_with_the_versions_that_were_tested() -> None:
    pins = re.compile(r"^([A-Za-z0-9._-]+==\S+)", re.M)
    tested, served = (
        set(pins.findall((ROOT / name).read_text("utf-8")))
        for name in ("requirements.lock", "requirements-service.lock")
    )
    assert served and served < tested
