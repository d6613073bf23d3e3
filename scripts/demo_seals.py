"""The seal of the demonstration: a maker under a certification authority makes it, an office registers it and puts it
on a PDF and an OFD, and a verifier judges both by the trust file."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path

from ledger.assembly.adapters import MAIN
from ledger.assembly.app import App
from ledger.assembly.demo_pki_plan import SEAL_MAKER
from ledger.assembly.demo_plan import OFFICE_A
from ledger.assembly.founding_seals import SEAL
from ledger.assembly.seal_judging import read_for_register
from ledger.assembly.seal_making import SealOrder, make_seal_file
from ledger.assembly.stamping import Stamped, StampOrder, digest_of, stamp
from ledger.core.registries import Kind
from ledger.core.verdicts import Outcome, Step
from ledger.crypto.ofd.making import Place
from ledger.crypto.ses.values import Picture, Version
from ledger.services.documents import read_document
from ledger.services.forms import parse
from ledger.services.offline import Question
from ledger.services.seal_evidence import asked, parties_in
from ledger.services.seal_files import claims_of
from ledger.verification.report import Report
from scripts import demo_data as data

YEAR = 365 * 86_400
NAME = "示范甲市不动产登记专用章"
PLACE = Place(0, 120, 40)


@dataclass
class Sealing:
    """``sealed``: the files, by the name of their form."""

    app: App
    folder: Path
    seal: bytes = b""
    sealed: dict[str, Path] = field(default_factory=dict)

    def make(self) -> str:
        """A seal for the office's key ``seal``, made by the maker and registered; the id of its record."""
        now = int(self.app.clock())
        signer = self.app.keys.certificate(OFFICE_A, SEAL)
        picture = Picture("PNG", data.seal_picture(), 40, 40)
        order = SealOrder(
            *(Version.V5, "ZY", "4499990000001", 1, NAME, (signer,), now, now + YEAR, picture, False, MAIN)
        )
        self.seal = make_seal_file(self.app, SEAL_MAKER, order).data
        (self.folder / "Seal.esl").write_bytes(self.seal)
        found = read_for_register(self.app, OFFICE_A, self.seal)
        definition = self.app.types.of_kind(Kind.SEAL)
        row = parse(definition, claims_of(found, None, "业务专用章"), OFFICE_A)
        valid = (row.valid_from, row.valid_until)
        return self.app.issuing.issue(OFFICE_A, definition, row.values, valid=valid, files=[digest_of(self.seal)]).id

    def put_on(self) -> list[Stamped]:
        """On a PDF and on an OFD; each use is entered."""
        data.write_pdf(self.folder / "license.pdf", ("不动产权证书（示范）", "加盖电子印章"))
        (self.folder / "license.ofd").write_bytes(data.ofd(("不动产权证书（示范）", "加盖电子印章")))
        done = []
        for form in ("pdf", "ofd"):
            document = (self.folder / f"license.{form}").read_bytes()
            order = StampOrder(self.seal, document, SEAL, "登记发证", "示范经办人", PLACE)
            done.append(stamp(self.app, OFFICE_A, order))
            self.sealed[form] = self.folder / f"license-sealed.{form}"
            self.sealed[form].write_bytes(done[-1].data)
        return done

    def verify(self, form: str) -> Report:
        """The file by the record of the use, with every seal in it."""
        document, found = read_document(io.BytesIO(self.sealed[form].read_bytes()))
        held = (found,) if found is not None else ()
        material = asked(parties_in(held), self.app.revocation, int(self.app.clock()))
        report = self.app.verifying.by_file(document, Question((document,), sealed=held, seal_data=material))
        if not any(step.step is Step.SEALS and step.outcome is Outcome.PASSED for step in report.steps):
            raise SystemExit(f"the sealed {form}: {report.detailed('en')}")
        return report
