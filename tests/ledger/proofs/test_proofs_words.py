"""Every code raised has words in two languages and a test; the package stays light."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import ledger.proofs

PACKAGE = Path(ledger.proofs.__file__).parent
CODE = re.compile(r'InputError\(\s*"([A-Z0-9_]+)"((?:,\s*\w+=)?.*?)\)\n', re.S)
WORDS = tomllib.loads((PACKAGE.parent / "messages" / "proofs.toml").read_text("utf-8"))


def raised():
    for file in PACKAGE.glob("*.py"):
        for code, values in CODE.findall(file.read_text("utf-8")):
            yield code, set(re.findall(r"\b(\w+)=", values))


def test_codes_raised_are_the_codes_documented():
    assert {code for code, _ in raised()} == set(WORDS)


def test_words_use_only_values_that_are_raised():
    for code, values in raised():
        for language in ("zh", "en"):
            assert set(re.findall(r"{(\w+)}", WORDS[code][language])) <= values, code


def test_every_code_is_named_by_a_test():
    tests = "".join(file.read_text("utf-8") for file in Path(__file__).parent.glob("test_proofs_*.py"))
    assert not [code for code in WORDS if code not in tests]


def test_package_loads_neither_web3_nor_the_oracles():
    modules = [f"ledger.proofs.{file.stem}" for file in PACKAGE.glob("*.py") if file.stem != "__init__"]
    heavy = ("rlp", "eth_utils", "pydantic", "trie", "eth", "web3", "ledger.core", "ledger.crypto")
    script = f"import sys, {', '.join(modules)}; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
