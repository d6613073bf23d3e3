#!/usr/bin/env python3
"""Compile the contracts into the committed artifacts, or check that these are what the sources give.

    python scripts/compile_contracts.py           writes the artifacts
    python scripts/compile_contracts.py --check   compares; exit 1 names those that differ

An artifact is JSON with sorted keys: contract, abi, bytecode and deployedBytecode (hex without 0x),
immutableReferences, storageLayout, sourceSha256, compiler, settings. Each contract is compiled with the files
it imports and no others, and without metadata in the code, so neither a comment nor a new contract changes
the digest of a deployed one. Users never need this: it takes Node, and npm once, for the compiler.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import solcx

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # run as a script: the package `scripts` lies beside it

from scripts.generated import write_or_check  # noqa: E402
from scripts.npm import install  # noqa: E402

SOLC_FOLDER = ROOT / "scripts" / "solc"
SOLC = SOLC_FOLDER / "solc.js"
ARTIFACTS = ROOT / "ledger" / "chain" / "artifacts"
TARGETS = {
    "contracts/Council.sol": ARTIFACTS,
    "contracts/Consortium.sol": ARTIFACTS,
    "contracts/Records.sol": ARTIFACTS,
    "contracts/TrustList.sol": ARTIFACTS,
    "contracts/test/BareStore.sol": ROOT / "tests" / "contracts",
}
SETTINGS: dict[str, Any] = {
    "evmVersion": "berlin",  # the level that every engine in use has reached
    "metadata": {"appendCBOR": False, "bytecodeHash": "none"},
    "optimizer": {"enabled": True, "runs": 200},
}
OUTPUTS = ["abi", "evm.bytecode.object", "evm.deployedBytecode", "storageLayout"]
# The choice of Berlin is ours; this warning has no code to know it by.
KNOWN_WARNINGS = {
    "Support for EVM versions older than london is deprecated and will be removed in the future.",
}
IMPORT = re.compile(r'^import\s+\{[^}]*\}\s+from\s+"(\.[^"]+)";', re.MULTILINE)


def install_compiler() -> None:
    """Install the pinned compiler below ``scripts/solc`` where it is missing."""
    install(SOLC_FOLDER, "solc")


def sources(path: str) -> dict[str, str]:
    """The file at ``path`` (from the root of the repository) and all it imports: ``{path: text}``, sorted."""
    found: dict[str, str] = {}
    waiting = [path]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = (ROOT / name).read_text("utf-8")
            folder = (ROOT / name).parent
            imported = [(folder / target).resolve() for target in IMPORT.findall(found[name])]
            waiting += [file.relative_to(ROOT).as_posix() for file in imported]
    return dict(sorted(found.items()))


def stable_layout(layout: dict[str, Any]) -> dict[str, Any]:
    """``layout`` without the compiler's running numbers, which change with any line of any source."""
    text = re.sub(r"\)\d+_", ")_", json.dumps(layout))
    stable: dict[str, Any] = json.loads(text, object_hook=lambda o: {k: o[k] for k in o if k != "astId"})
    return stable


def compile_contract(path: str) -> dict[str, Any]:
    """The artifact of the contract named as its file. Any warning but the known ones ends the run."""
    texts = sources(path)
    request = {
        "language": "Solidity",
        "sources": {name: {"content": text} for name, text in texts.items()},
        "settings": {**SETTINGS, "outputSelection": {path: {"*": OUTPUTS}}},
    }
    answer = solcx.compile_standard(request, solc_binary=SOLC)
    warnings = [e for e in answer.get("errors", []) if e["message"] not in KNOWN_WARNINGS]
    if warnings:
        sys.exit("\n".join(e["formattedMessage"] for e in warnings))
    contract = Path(path).stem
    output = answer["contracts"][path][contract]
    deployed = output["evm"]["deployedBytecode"]
    digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    return {
        "contract": contract,
        "abi": output["abi"],
        "bytecode": output["evm"]["bytecode"]["object"],
        "deployedBytecode": deployed["object"],
        "immutableReferences": deployed["immutableReferences"],
        "storageLayout": stable_layout(output["storageLayout"]),
        "sourceSha256": hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest(),
        "compiler": str(solcx.wrapper.get_solc_version(SOLC, with_commit_hash=True)),
        "settings": SETTINGS,
    }


def artifacts() -> Iterator[tuple[Path, str]]:
    install_compiler()
    for path, folder in TARGETS.items():
        yield folder / f"{Path(path).stem}.json", json.dumps(compile_contract(path), sort_keys=True, indent=1) + "\n"


if __name__ == "__main__":
    sys.exit(write_or_check("Compile the contracts into the committed artifacts.", artifacts()))
