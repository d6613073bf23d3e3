"""The second table of the demonstration: offices of ten certification authorities issue, and a verifier answers for
each as that authority's circumstances want it; under a revoked one nothing is signed, until the office has another
certificate."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.table import Table

from ledger.assembly.adapters import MAIN
from ledger.assembly.app import App
from ledger.assembly.council_work import decide, renew_trust
from ledger.assembly.demo_pki_plan import MAIN_CA, OFFICES, OTHER_CA
from ledger.assembly.trust_work import compromise
from ledger.core.bundles import Bundle
from ledger.crypto.certificates import fingerprint
from ledger.errors import ConfigError
from ledger.outside.demo_pki import plan as pki
from ledger.outside.demo_pki.pki import DemoPki
from ledger.outside.signing_keys import SigningKey
from ledger.outside.software_keys import SoftwareKey
from ledger.services.import_rows import ImportRequest, RowOutcome
from ledger.services.offline import Question, verify_offline
from ledger.verification.report import Report
from scripts import demo_data as data

LICENSES = 3  # of each office
STOLEN = "ca-h"
REVOKED = "revoked-intermediate"
WORDS = {
    "plain": "正常 plain",
    "cross-certified": "交叉认证 cross-certified",
    "deep": "多一级机构 one more level",
    "renewed": "根已更新 renewed root",
    REVOKED: "换用另一中级 another intermediate",
}


@dataclass(frozen=True)
class Row:
    """One answer. ``wanted``: the code that has to decide it, ``None`` for a license that passes."""

    ca: pki.DemoCa
    circumstances: str
    verdict: str
    colour: str
    code: str | None
    wanted: str | None


@dataclass
class Authorities:
    """``ids``: of the licenses by authority."""

    app: App
    folder: Path
    ids: dict[str, list[str]] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)

    def issue(self) -> None:
        """A few licenses by the office of each authority that is not one of the two large ones'."""
        for label in pki.usable():
            if label in (MAIN_CA, OTHER_CA):
                continue
            if (ca := pki.authorities()[label]).role == REVOKED:
                self._refuse(ca)
                self._renew(ca)
            self._import(label, LICENSES)

    def steal(self) -> None:
        """The council learns that the key of an authority was stolen, a moment before an office issues once more."""
        root, (_, anchored) = fingerprint(self.app.home.authority_root(STOLEN)), self.app.chain.head()
        time.sleep(max(0.0, anchored + 1 - time.time()))  # later than the blocks that hold its first licenses
        decide(self.app, [compromise(self.app, root, int(time.time()))], None)
        renew_trust(self.app, ())
        self._import(STOLEN, 1, first=LICENSES)

    def verify(self) -> None:
        for ca in pki.authorities().values():
            if ca.label in self.ids:
                self._verify(ca)

    def _refuse(self, ca: pki.DemoCa) -> None:
        """The office's certificate is valid by itself; that of the authority that issued it was revoked."""
        code: str | None = None
        try:
            self.app.signing_key(OFFICES[ca.label], MAIN)
        except ConfigError as error:
            code = error.code
        words = "中级已吊销 intermediate revoked"
        self.rows.append(Row(ca, words, "拒绝签发 refused to sign", "red", code, "SIGNER_CERTIFICATE_REVOKED"))

    def _renew(self, ca: pki.DemoCa) -> None:
        """The office gets a key under another intermediate of the authority, which the council binds to it."""
        office, name, keys = OFFICES[ca.label], "renewed", self.app.keys
        spki, now = keys.create(office, name, "signing", ca.algorithm), int(time.time())
        subject = {"organization-name": f"示范登记中心（{ca.name}）", "organization-identifier": office}
        certificate = DemoPki(self.app.home.authorities).issue(ca.label, name, spki, subject, now, issuer="issuing")
        keys.put_certificate(office, name, certificate, "signing")
        decide(self.app, [self.app.consortium.bind_signer(office, fingerprint(certificate))], None)

    def _verify(self, ca: pki.DemoCa) -> None:
        first, last = self.ids[ca.label][0], self.ids[ca.label][-1]
        if ca.role == "local":
            here, there = (Question(jurisdiction=j) for j in (ca.jurisdiction, "CN-440100"))
            self._show(ca, f"一地认可 @ {ca.jurisdiction}", self.app.verifying.by_id(first, here))
            self._show(ca, "一地认可 @ CN-440100", self.app.verifying.by_id(first, there), "PATH_NOT_RECOGNISED")
        elif ca.role == "compromised":
            self._show(ca, "密钥失窃前 before theft", self.app.verifying.by_id(first, Question()))
            self._show(
                ca, "密钥失窃后 after theft", self.app.verifying.by_id(last, Question()), "PATH_AUTHORITY_COMPROMISED"
            )
        elif ca.role == "evil":
            self._show(ca, "乱发证 its own client", self.app.verifying.by_id(first, Question()))
            self._show(ca, "冒名证书 impostor", self._impostor(ca), "BINDING_SIGNERS_EVENT")
        else:
            self._show(ca, WORDS[ca.role], self.app.verifying.by_id(first, Question()))

    def _impostor(self, ca: pki.DemoCa) -> Report:
        """A license of the first office, signed again by a key that the evil authority certified in its name."""
        certifier, key = DemoPki(self.app.home.authorities), SoftwareKey.generate(ca.algorithm)
        subject = {"organization-name": "示范甲市不动产登记中心", "organization-identifier": OFFICES[MAIN_CA]}
        now, path = int(time.time()), certifier.intermediates(ca.label)
        forged = SigningKey(key, certifier.issue(ca.label, "impostor", key.spki, subject, now))
        with self.app.store.read() as unit:
            row = unit.records.find_ids(self.app.index_key.id(self.ids[MAIN_CA][0]))[0]
        true: Bundle = self.app.bundling.bundle(row, None, state=True)
        signature = forged.sign_detached(true.manifest.to_bytes(), now)
        lists = tuple(sorted(certifier.lists(ca.label, now)))
        validation = replace(true.validation, certificates=path, crls=lists, ocsps=())
        bundle = replace(true, signatures=(signature,), validation=validation)
        return verify_offline(bundle.to_bytes(), self.app.trust.content(), Question(as_of_bundle=True), now)

    def _import(self, label: str, count: int, first: int = 0) -> None:
        source = self.folder / f"{label}-{first}.csv"
        rows = list(data.business_rows(first + count))[first:]
        data.write_csv(source, data.BUSINESS_HEADER, iter(rows))
        outcomes: list[RowOutcome] = []
        definition = self.app.types.get("business-license")
        request = ImportRequest(OFFICES[label], definition, source, self.folder)
        result = self.app.importing.run(request, outcomes.extend)
        if result.counts.keys() != {"new"}:
            raise SystemExit(f"import of {label}: {dict(result.counts)}")
        self.ids.setdefault(label, []).extend(o.id for o in outcomes if o.id)

    def _show(self, ca: pki.DemoCa, circumstances: str, report: Report, wanted: str | None = None) -> None:
        headline, *lines = report.short("zh").splitlines()
        colour = {0: "green", 1: "red", 3: "yellow"}[report.exit_code]
        verdict = lines[0].strip() if report.exit_code else headline
        code = report.cause_code if report.exit_code else None
        self.rows.append(Row(ca, circumstances, verdict, colour, code, wanted))

    def table(self) -> Table:
        shown = Table(title="十家证书认证机构 ten certification authorities")
        for column in ("CA", "管辖地 of", "情况 circumstances", "结论 verdict"):
            shown.add_column(column, overflow="fold")
        for row in sorted(self.rows, key=lambda row: row.ca.label):
            name = f"{row.ca.name.removeprefix('示范 CA ')} {row.ca.algorithm.removeprefix('ecdsa-')}"
            shown.add_row(name, row.ca.jurisdiction, row.circumstances, f"[{row.colour}]{row.verdict}[/]")
        return shown

    def wrong(self) -> list[str]:
        """Answers that are not the ones arranged."""
        return [
            f"{row.ca.name} {row.circumstances}: expected {row.wanted}, found {row.code}"
            for row in self.rows
            if row.code != row.wanted
        ]
