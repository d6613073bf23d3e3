"""Write ``tests/vectors``: what every implementation of FORMATS must give, and must refuse.

The inputs are fixed, so two runs give the same files; ``--check`` compares and writes nothing. The folders ``bundles``,
``signatures``, ``signature-algorithms`` and ``timestamp-tokens`` are not made here: their signatures were made once,
and every later version must judge them as it did (``tests/vectors/README.md``).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # run as a script: the package `scripts` lies beside it

from scripts.generated import write_or_check  # noqa: E402
from scripts.vector_cases import (  # noqa: E402
    chain,
    codes,
    containers,
    envelopes,
    records,
    suites,
    tables,
    trust_lists,
    values,
)
from scripts.vector_cases.cases import Case  # noqa: E402

FOLDER = ROOT / "tests" / "vectors"
FORMATS: dict[str, Callable[[], list[Case]]] = {
    "canonical": values.canonical_cases,
    "base64url": values.base64_cases,
    "merkle": values.merkle_cases,
    "identifiers": values.identifier_cases,
    "organisations": values.organisation_cases,
    "keys": records.key_cases,
    "verification-code": codes.code_cases,
    "tombstone": codes.tombstone_cases,
    "record": records.record_cases,
    "disclosure": records.disclosure_cases,
    "body": records.body_cases,
    "manifest": records.manifest_cases,
    "accreditation": records.accreditation_cases,
    "approval": records.approval_cases,
    "container": containers.container_cases,
    "commit-seals": chain.commit_seal_cases,
    "contract-storage": chain.layout_cases,
    "trust": lambda: chain.trust_cases() + trust_lists.form_2_cases(),
    "trust-documents": trust_lists.trust_document_cases,
    "type": tables.type_cases,
    "row": tables.row_cases,
    "csv": tables.table_cases,
    "segment": tables.segment_cases,
    "suites": suites.suite_cases,
    "key-envelopes": envelopes.envelope_cases,
}


def texts() -> dict[Path, str]:
    """File → content: the valid cases of a format in one file, the faulty ones in another."""
    found = {}
    for name, make in FORMATS.items():
        cases = make()
        if len({c.name for c in cases}) != len(cases):
            raise SystemExit(f"{name}: two cases of one name")
        for file, chosen in (
            ("valid", [c for c in cases if c.refused is None]),
            ("faulty", [c for c in cases if c.refused is not None]),
        ):
            content = {"format": name, "cases": [c.to_json() for c in chosen]}
            found[FOLDER / name / f"{file}.json"] = json.dumps(content, ensure_ascii=True, indent=1) + "\n"
    return found


if __name__ == "__main__":
    sys.exit(write_or_check("Write the test vectors of FORMATS.", texts().items()))
