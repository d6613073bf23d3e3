"""The main job, end to end, on an embedded chain: `make demo`. Starts from scratch each time, and ends by serving
(`--no-serve`, or `make demo SERVE=0`, ends instead).

Two registration offices, a court, a notary and a council of three; 1,000 real-estate certificates and 50 business
licenses from CSV, two pieces of evidence, an e-seal that is put on a PDF and an OFD; then what a citizen, a clerk and a
court see of them. And offices of ten certification authorities of three jurisdictions, each with its own circumstances.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # run as a script: the package `scripts` lies beside it

from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from ledger.assembly.app import App  # noqa: E402
from ledger.assembly.demo_pki_plan import MAIN_CA, OFFICES, OTHER_CA, pki_plan  # noqa: E402
from ledger.assembly.demo_plan import COURT, NOTARY, OFFICE_A, OFFICE_B  # noqa: E402
from ledger.assembly.founding import found  # noqa: E402
from ledger.core.registries import Reason, State  # noqa: E402
from ledger.crypto.digests import digest_path  # noqa: E402
from ledger.errors import ConfigError  # noqa: E402
from ledger.services.import_rows import ImportRequest, RowOutcome  # noqa: E402
from ledger.services.offline import Question, verify_offline  # noqa: E402
from ledger.services.statuses import ChangeRequest  # noqa: E402
from ledger.settings import load_settings  # noqa: E402
from ledger.verification.report import Report  # noqa: E402
from scripts import demo_data as data  # noqa: E402
from scripts.demo_authorities import Authorities  # noqa: E402
from scripts.demo_login import log_in_twice  # noqa: E402
from scripts.demo_seals import NAME, Sealing  # noqa: E402
from scripts.demo_serving import serve_demo  # noqa: E402

LICENSES, BUSINESSES, WITH_FILES = 1000, 50, 5


@dataclass
class Demo:
    """What the parts of the demonstration hand on to each other."""

    app: App
    folder: Path
    console: Console
    ids: dict[str, list[str]] = field(default_factory=dict)
    rows: list[tuple[str, Report]] = field(default_factory=list)

    def step(self, words: str, act: Callable[[], object]) -> None:
        started = time.monotonic()
        with self.console.status(words):
            act()
        self.console.print(f"[green]✓[/] {words}  [dim]{time.monotonic() - started:.1f} s[/]")

    def leaf(self, record_id: str) -> bytes:
        with self.app.store.read() as unit:
            return unit.records.find_ids(self.app.index_key.id(record_id))[0].leaf

    def show(self, words: str, report: Report) -> None:
        self.rows.append((words, report))


def import_all(demo: Demo) -> None:
    files = demo.folder / "files"
    files.mkdir()
    for n in range(WITH_FILES):
        data.write_pdf(files / f"real-estate-{n}.pdf", ("不动产权证书（示范）", f"第{n:07d}号"))
    exports = (
        (OFFICE_A, "real-estate-certificate", data.REAL_ESTATE_HEADER, data.real_estate_rows(LICENSES, WITH_FILES)),
        (OFFICE_B, "business-license", data.BUSINESS_HEADER, data.business_rows(BUSINESSES)),
    )
    for office, name, header, rows in exports:
        source = demo.folder / f"{name}.csv"
        data.write_csv(source, header, rows)
        outcomes: list[RowOutcome] = []
        result = demo.app.importing.run(ImportRequest(office, demo.app.types.get(name), source, files), outcomes.extend)
        if result.counts.keys() != {"new"}:
            raise SystemExit(f"import of {name}: {dict(result.counts)}")
        demo.ids[name] = [o.id for o in outcomes if o.id]


def deposit(demo: Demo) -> None:
    page = demo.folder / "网页取证.html"
    page.write_text("<title>示范网页</title>", "utf-8")
    chat = demo.folder / "聊天记录.txt"
    chat.write_text("2026-11-01 甲：款已付。\n2026-11-01 乙：收到。\n", "utf-8")
    evidence = demo.app.types.get("evidence")
    for who, path, title, source in (
        (NOTARY, page, "网页取证", "示范公证处取证系统"),
        (COURT, chat, "聊天记录", "当事人在线提交"),
    ):
        values = {
            "title": title,
            "source": source,
            "submitter": "示范当事人",
            "collectedAt": "2026-11-01",
            "method": "屏幕录制与文件导出",
        }
        accepted = demo.app.issuing.deposit(who, evidence, [path], values)
        demo.ids.setdefault("evidence", []).append(accepted.id)


def seal(demo: Demo, sealing: Sealing | None) -> None:
    """Without SM2 a seal is registered by its name alone, and put on nothing."""
    if sealing is not None:
        demo.ids["seal"] = [sealing.make()]
        sealing.put_on()
        return
    told = {"name": NAME, "owner": OFFICE_A, "sealType": "业务专用章", "certificate": "demo"}
    demo.ids["seal"] = [demo.app.issuing.issue(OFFICE_A, demo.app.types.get("seal"), told).id]


def log_in(demo: Demo) -> None:
    if len(log_in_twice(demo.app)) != 1:
        raise SystemExit("one person, two identities")


def drain(demo: Demo) -> None:
    outcome = demo.app.outbox.drain(60)
    if outcome.open or outcome.problems:
        raise SystemExit(f"outbox: {outcome.open} open, {[str(p) for p in outcome.problems]}")


def change(demo: Demo) -> None:
    """Revoke, suspend and supersede one certificate each."""
    certificates, now = demo.ids["real-estate-certificate"], int(time.time())
    definition = demo.app.types.get("real-estate-certificate")
    changes = [
        ChangeRequest(OFFICE_A, demo.leaf(certificates[10]), State.REVOKED, now, Reason.CANCELLED, "注销决定 2026-1"),
        ChangeRequest(OFFICE_A, demo.leaf(certificates[11]), State.SUSPENDED, now, Reason.DETAINED, "暂扣决定 2026-2"),
    ]
    demo.app.statuses.request(OFFICE_A, changes)
    row = list(next(data.real_estate_rows(1)))
    row[0], row[-1] = "20260000012", certificates[12]  # the same serial under the next version
    renewal = demo.folder / "renewal.csv"
    data.write_csv(renewal, data.REAL_ESTATE_HEADER, iter([tuple(row)]))
    outcomes: list[RowOutcome] = []
    demo.app.importing.run(ImportRequest(OFFICE_A, definition, renewal, demo.folder), outcomes.extend)
    demo.ids["renewed"] = [o.id for o in outcomes if o.id]


def verify_all(demo: Demo, sealing: Sealing | None) -> None:
    app, ids = demo.app, demo.ids
    certificates = ids["real-estate-certificate"]
    page, chat = (digest_path(demo.folder / name) for name in ("网页取证.html", "聊天记录.txt"))
    demo.show("证据：网页取证 evidence", app.verifying.by_file(page, Question((page,))))
    demo.show("证据：聊天记录 evidence", app.verifying.by_file(chat, Question((chat,))))
    demo.show("电子印章 e-seal", app.verifying.by_id(ids["seal"][0], Question()))
    if sealing is not None:
        demo.show("盖章 PDF sealed PDF", sealing.verify("pdf"))
        demo.show("盖章 OFD sealed OFD", sealing.verify("ofd"))
    pdf = demo.folder / "files" / "real-estate-0.pdf"
    demo.show("原件 untouched license", app.verifying.by_file(digest_path(pdf), Question((digest_path(pdf),))))
    broken = demo.folder / "one-byte-changed.pdf"
    content = bytearray(pdf.read_bytes())
    content[len(content) // 2] ^= 1
    broken.write_bytes(content)
    changed = Question((digest_path(broken),))
    demo.show("改动一个字节 one byte changed", app.verifying.by_id(certificates[0], changed))
    demo.show("已注销 revoked", app.verifying.by_id(certificates[10], Question()))
    demo.show("暂扣 suspended", app.verifying.by_id(certificates[11], Question()))
    demo.show("已换发 superseded", app.verifying.by_id(certificates[12], Question()))
    demo.show("换发后的新证 its successor", app.verifying.by_id(ids["renewed"][0], Question()))
    demo.show("已到期 expired", app.verifying.by_id(ids["business-license"][7], Question()))
    unknown = certificates[0].replace("20260000000.001.", "20269999999.001.")[:-1] + "0"
    demo.show("未知编号 unknown number", app.verifying.by_id(unknown, Question()))


def verify_offline_stapled(demo: Demo) -> None:
    """A bundle with a stapled state, judged with nothing but the trust file."""
    certificate = demo.ids["real-estate-certificate"][1]
    with demo.app.store.read() as unit:
        row = unit.records.find_ids(demo.app.index_key.id(certificate))[0]
    bundle = demo.folder / "real-estate-1.zyb"
    bundle.write_bytes(demo.app.bundling.bundle(row, None, state=True).to_bytes())
    pdf = digest_path(demo.folder / "files" / "real-estate-1.pdf")
    question = Question((pdf,), as_of_bundle=True)
    report = verify_offline(bundle.read_bytes(), demo.app.trust.content(), question, int(time.time()))
    demo.show("离线核验（附状态）offline, stapled", report)


def main(console: Console, serving: bool) -> int:
    build = ROOT / "build" / "demo"
    shutil.rmtree(build, ignore_errors=True)
    build.mkdir(parents=True)
    started = time.monotonic()
    home = build / "home"
    console.print("[bold]证印 Zhengyin[/]  the main job, end to end, on an embedded chain\n")
    try:
        plan = pki_plan()
    except ConfigError as error:
        raise SystemExit(f"{error.text('zh')}\n{error.text('en')}") from error
    with console.status("founding the consortium"):
        found(home, plan)
    console.print(f"[green]✓[/] consortium founded: {len(plan.founders)} organisations, {len(plan.authorities)} test "
                  f"CAs, council 2 of 3  [dim]{time.monotonic() - started:.1f} s[/]")  # fmt: skip
    if len(plan.authorities) < len(OFFICES):
        console.print("[yellow]![/] SM2 works nowhere on this machine (zhengyin doctor): without the CAs of that kind")
    with App(load_settings(home).model_copy(update={"login_address": "http://127.0.0.1"})) as app:
        demo, ten = Demo(app, build, console), Authorities(app, build)
        sealing = Sealing(app, build) if plan.seals is not None else None
        demo.step("one person logged in by certificates of two CAs: one identity", lambda: log_in(demo))
        demo.step(f"{LICENSES:,} 不动产权证书 and {BUSINESSES} 营业执照 imported from CSV", lambda: import_all(demo))
        demo.step("2 pieces of evidence deposited", lambda: deposit(demo))
        words = "1 e-seal made, registered, put on a PDF and an OFD" if sealing else "1 e-seal registered"
        demo.step(words, lambda: seal(demo, sealing))
        demo.step("licenses by an office of each certification authority", ten.issue)
        ten.ids |= {MAIN_CA: demo.ids["real-estate-certificate"], OTHER_CA: demo.ids["business-license"]}
        demo.step("signed and anchored", lambda: drain(demo))
        demo.step("one revoked, one suspended, one superseded; each decision signed and anchored", lambda: change(demo))
        demo.step("one CA reported stolen by the council, and a license issued by it afterwards", ten.steal)
        demo.step("statuses recorded on chain", lambda: drain(demo))
        demo.step("verified", lambda: verify_all(demo, sealing))
        demo.step("verified offline with a stapled state", lambda: verify_offline_stapled(demo))
        demo.step("verified for each certification authority", ten.verify)
        console.print(table(demo))
        console.print(ten.table())
    console.print(f"\n{time.monotonic() - started:.1f} s in all. The data folder is {home.relative_to(ROOT)}: try")
    console.print(f"  .venv/bin/zhengyin --home {home.relative_to(ROOT)} show {demo.ids['real-estate-certificate'][0]}")
    wrong = check(demo, ten, sealing is not None)
    if serving and not wrong:
        serve_demo(home, demo.ids["real-estate-certificate"][0], console)
    return wrong


def table(demo: Demo) -> Table:
    shown = Table(title="核验结果 verification")
    for column in ("what", "结论 headline", "why", "exit"):
        shown.add_column(column, overflow="fold")
    for words, report in demo.rows:
        headline, *lines = report.short("zh").splitlines()
        # a passed verification says how far "in force" reaches; another one begins with its cause
        why = lines[2] if report.exit_code == 0 else lines[0]
        colour = {0: "green", 1: "red", 3: "yellow"}[report.exit_code]
        shown.add_row(words, f"[{colour}]{headline}[/]", why.strip().removeprefix("✓ "), str(report.exit_code))
    return shown


def check(demo: Demo, ten: Authorities, sealed: bool) -> int:
    """The demonstration fails if any answer is not the one that was arranged."""
    expected = [0, 0, 0, *([0, 0] if sealed else []), 0, 1, 1, 1, 1, 0, 1, 3, 0]
    found_codes = [report.exit_code for _, report in demo.rows]
    if found_codes != expected:
        Console(stderr=True).print(f"[red]expected exit codes {expected}, found {found_codes}[/]")
        return 1
    for line in ten.wrong():
        Console(stderr=True).print(f"[red]{line}[/]")
    return 1 if ten.wrong() else 0


if __name__ == "__main__":
    sys.exit(main(Console(highlight=False), "--no-serve" not in sys.argv[1:]))
