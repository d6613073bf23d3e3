"""What signatures cost: the second record of a batch, paths, and seals on PDF.

Certificates are those of the demonstration's authorities.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from unittest.mock import patch

from ledger.core.bundles import ValidationData
from ledger.core.identifiers import make_license_identifier
from ledger.core.verdicts import Indication, Step, StepResult
from ledger.crypto.paths import find_paths
from ledger.crypto.ses.values import Picture
from ledger.outside.demo_pki.pki import DemoPki
from ledger.outside.pdf_seals import Placement, Sealing, seal_pdf
from ledger.outside.signing_keys import SigningKey
from ledger.outside.software_keys import SoftwareKey
from ledger.verification.case import Case
from ledger.verification.facts import Facts
from ledger.verification.procedure import verify
from ledger.verification.steps import STEPS, Judge
from scripts.benchmarks.office import OFFICE, TYPE, Office, office, values
from scripts.benchmarks.pairs import Result, Sizes, against, seconds

RECORDS = 16
SECOND_RECORD = 1 / 1.1
"""Share of the speed without a signature."""
PATHS, PDFS, LEAVES = 800, 15, 400
"""What a second of CPU is to do."""
OF_THE_MANIFEST = (Step.SIGNATURE, Step.PATH, Step.REVOCATION)
AUTHORITIES = {"P-256": "ca-i", "SM2": "ca-a"}


def run(sizes: Sizes) -> Iterator[Result]:
    with office() as place:
        yield second_record(place, sizes)
    with tempfile.TemporaryDirectory(prefix="zhengyin-bench-") as folder:
        now = int(time.time())
        made = DemoPki.create(Path(folder) / "pki", now, 1, tuple(AUTHORITIES.values()))
        for name, label in AUTHORITIES.items():
            yield paths(name, made, label, now, sizes)
        yield pdf_seals(made, now, sizes)


def second_record(place: Office, sizes: Sizes) -> Result:
    """Every check of a record whose manifest another record has proved, against the same without those of the
    manifest's signature."""
    facts = batch(place)
    without = {step: _known(facts[0], step) for step in OF_THE_MANIFEST}
    times = range(max(1, sizes.checks // (RECORDS * 10)))

    def work() -> None:
        for _ in times:
            for one in facts:
                require_passed(one)

    def yardstick() -> None:
        with patch.dict(STEPS, without):
            work()

    name = "record of a batch proved before / one without signature"
    return against(name, SECOND_RECORD, yardstick, work, sizes.pairs)


def batch(place: Office) -> list[Facts]:
    """Questions about the records of one batch."""
    place.new_table(RECORDS)
    place.import_table(RECORDS)
    trust = place.app.trust.content()
    with place.app.store.read() as unit:
        rows = [row for id_ in begun(place) for row in unit.records.find_ids(place.app.index_key.id(id_))]
    bundles = [place.app.bundling.bundle(row, None, state=True).to_bytes() for row in rows]
    return [Facts(bundle, (), trust, int(time.time()), as_of_bundle=True) for bundle in bundles]


def begun(place: Office) -> list[str]:
    """The table's records that hold already: its dates are spread over a year, of which the end may lie ahead."""
    today = time.strftime("%Y-%m-%d")
    with place.table.open(encoding="utf-8") as file:
        numbers = [int(line.split(",")[0]) for line in list(file)[1:]]
    return [make_license_identifier(TYPE, OFFICE, f"{n:010d}") for n in numbers if values(n)["registeredOn"] <= today]


def require_passed(facts: Facts) -> None:
    if verify(facts).indication is not Indication.TOTAL_PASSED:
        raise RuntimeError("a record that should pass did not")


def _known(facts: Facts, step: Step) -> Judge:
    """The step as if somebody had remembered what it found."""
    kept: list[tuple[Case, StepResult]] = []
    judge = STEPS[step]

    def watched(case: Case) -> StepResult:
        kept.append((case, judge(case)))
        return kept[-1][1]

    with patch.dict(STEPS, {step: watched}):
        require_passed(facts)
    proved, result = kept[0]

    def known(case: Case) -> StepResult:
        case.signatures, case.paths = proved.signatures, proved.paths
        return result

    return known


def paths(name: str, made: DemoPki, label: str, now: int, sizes: Sizes) -> Result:
    """Of three certificates, for so many leaves that none is remembered from the last round."""
    root, others = made.certificate(label, "root"), made.intermediates(label)
    key = SoftwareKey.generate(made.authority(label).algorithm)
    leaves = [made.issue(label, f"bench-{n}", key.spki, {"common-name": f"bench {n}"}, now) for n in range(LEAVES)]

    def work() -> None:
        for number in range(PATHS):
            find_paths(leaves[number % LEAVES], others, (root,), now)

    return seconds(f"{PATHS} paths of three certificates ({name}), CPU seconds", 1.0, work, sizes.pairs)


def pdf_seals(made: DemoPki, now: int, sizes: Sizes) -> Result:
    """A picture, a signature by P-256 and validation data on a letter of one page, without a time-stamp: that is the
    authority's work."""
    label = AUTHORITIES["P-256"]
    key = SoftwareKey.generate("ecdsa-p256")
    certificate = made.issue(label, "sealer", key.spki, {"common-name": "sealer"}, now)
    stored = ValidationData(tuple(sorted(made.intermediates(label))), tuple(sorted(made.lists(label, now))), ())
    sealing = Sealing(SigningKey(key, certificate), picture(), Placement(0, 120, 40), "Seal", None)
    letter = document()

    def work() -> None:
        for _ in range(PDFS):
            seal_pdf(letter, sealing, now + 60, collect=lambda *_: stored)

    return seconds(f"{PDFS} PDFs sealed, CPU seconds", 1.0, work, sizes.pairs)


def document() -> bytes:
    from reportlab.pdfgen.canvas import Canvas

    output = BytesIO()
    canvas = Canvas(output)
    canvas.drawString(72, 720, "Letter")
    canvas.save()
    return output.getvalue()


def picture() -> Picture:
    from PIL import Image

    output = BytesIO()
    Image.frombytes("RGB", (300, 300), os.urandom(270_000)).resize((300, 300)).save(output, "PNG")
    return Picture("PNG", output.getvalue(), 40, 40)
