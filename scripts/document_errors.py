"""Write ``ledger/ERRORS.md`` from the words of the codes; ``--check`` compares and writes nothing."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # run as a script: the package `scripts` lies beside it

from scripts.generated import write_or_check  # noqa: E402

FILE = ROOT / "ledger" / "ERRORS.md"
CLASSES = {
    "InputError": ("input", 2),
    "ConflictError": ("conflict", 2),
    "NotFoundError": ("not found", 3),
    "UnavailableError": ("unavailable", 3),
    "IntegrityError": ("integrity", 1),
    "ConfigError": ("configuration", 4),
}
FINDINGS = {
    "failed": "failed",
    "refused": "failed",
    "undetermined": "undetermined",
    "unproved": "undetermined",
    "noted": "noted",
}
INDIRECT = {
    "CELL_LEADING_ZERO": "input (2)",
    "CSV_LINE_ENDS": "input (2)",
    "ENGINE_REFUSED": "conflict (2), unavailable (3)",
    "IDENTIFIER_CHECK": "input (2)",
    "IDENTIFIER_ISSUER_CODE": "input (2)",
    "IDENTIFIER_TYPE_CODE": "input (2)",
    "STATUS_REFUSED": "kept with the change that the contract refused",
}
"""Codes that their sources choose first and raise then."""
NAMES = ("AGE_", "CLI_", "DECIDED_", "DOCTOR_", "HEADLINE_", "LINE_", "REPORT_", "STEP_", "WORD_")
_CODE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")
_HEAD = """\
# Errors and findings

Written by `python scripts/document_errors.py` from `ledger/messages/*.toml`; do not edit. One table for each file of
words. A code is stable: programs may rely on it, on its class and on the names of its values, never on its words.

"What" is the class of an error, with the exit code of a command that ends with it, or the outcome of a finding of the
verification procedure ([FORMATS](FORMATS.md#verification)); a code may be both. "finding" is one
whose outcome the step decides by what it found. "–" marks words that are no error: names, headlines, lines and notes.

| class | meaning | exit |
|---|---|---|
| input | what was offered breaks a rule | 2 |
| conflict | well-formed, but the state of things refuses it | 2 |
| not found | nothing known under that name; never "forged" | 3 |
| unavailable | the outside did not answer; try again | 3 |
| integrity | stored bytes contradict each other; work stops | 1 |
| configuration | settings, keys, chain or contracts are not what was named | 4 |
"""
_CONTRACTS = """
## Errors of the contracts

What a contract answers when it refuses; a command shows it inside `CHAIN_REFUSED`.
[contracts/README.md](../contracts/README.md) says when each is raised.

| error | 中文 | English |
|---|---|---|
"""


def uses(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """(maker, code) of every call that gives a code as its first argument (``unique``: its second)."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        maker = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if maker == "unique" and len(node.args) < 2:
            continue
        for part in ast.walk(node.args[1] if maker == "unique" else node.args[0]):
            if isinstance(part, ast.Constant) and isinstance(part.value, str) and _CODE.fullmatch(part.value):
                yield maker, part.value


def classes() -> dict[str, set[str]]:
    """Code → what it is, as the sources raise or find it."""
    found: dict[str, set[str]] = {}
    for top in ("ledger", "api"):
        for path in sorted((ROOT / top).rglob("*.py")):
            for maker, code in uses(ast.parse(path.read_text("utf-8"))):
                if maker in CLASSES:
                    name, exit_code = CLASSES[maker]
                    found.setdefault(code, set()).add(f"{name} ({exit_code})")
                elif maker in ("refuse", "unique"):
                    found.setdefault(code, set()).add("input (2)" if maker == "refuse" else "conflict (2)")
                elif maker in FINDINGS:
                    found.setdefault(code, set()).add(FINDINGS[maker])
    return found


def what(code: str, known: dict[str, set[str]]) -> str:
    """Class or outcome of ``code``: as found, as written down here, "finding" for the rest of the procedure's."""
    if code in INDIRECT:
        return INDIRECT[code]
    if code in known:
        return ", ".join(sorted(known[code]))
    return "–" if code.startswith(NAMES) else "finding"


def document() -> str:
    """The whole file."""
    known, parts = classes(), [_HEAD]
    for file in sorted((ROOT / "ledger" / "messages").glob("*.toml")):
        parts.append(f"\n## {file.stem.replace('_', ' ')}\n\n| code | what | 中文 | English |\n|---|---|---|---|\n")
        for code, words in sorted(tomllib.loads(file.read_text("utf-8")).items()):
            parts.append(f"| `{code}` | {what(code, known)} | {_cell(words['zh'])} | {_cell(words['en'])} |\n")
    parts.append(_CONTRACTS)
    for name, words in tomllib.loads((ROOT / "ledger" / "chain" / "reverts.toml").read_text("utf-8")).items():
        parts.append(f"| `{name}` | {_cell(words['zh'])} | {_cell(words['en'])} |\n")
    return "".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    sys.exit(write_or_check("Write ledger/ERRORS.md from the messages.", [(FILE, document())]))
