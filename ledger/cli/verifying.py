"""``verify``. Offline it goes straight to the procedure: no chain, no database, no settings."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.run_codes import worst
from ledger.cli.session import Session
from ledger.cli.texts import about
from ledger.errors import InputError, ZhengyinError

if TYPE_CHECKING:
    from ledger.assembly.app import App
    from ledger.core.trust import Trust
    from ledger.services.offline import Question
    from ledger.verification.report import Report

VERIFY = about(
    "核验文件、证明包或编号",
    "verify documents, bundles (.zyb) or a number",
    "zhengyin verify license.zyb --trust trust.json --offline --as-of bundle",
    "几个文件各占一行，退出码取最重的。Several files take a line each; the gravest gives the exit code. "
    "文件按摘要查找；与 --bundle 同用时按该证明包核验。A document is looked up by its digest, or judged with --bundle. "
    "--id 供登记机关查自己的记录；加 --code 则如公众查询。--id is for the office's own records; with --code it asks as "
    "the public does.",
)
SUFFIX = ".zyb"
MOST = 2 << 20
"""Bytes read of a bundle: beyond the format's limit, so that a longer one is refused by its own rule."""

_MARKS = {0: "✓", 1: "✗"}

Judge = Callable[[], "list[Report]"]
"""Several where several offices, or records of several kinds, know one document."""


@dataclass(frozen=True, slots=True)
class _Request:
    """What to judge: (what it is about, how)."""

    files: tuple[Path, ...]
    bundle: Path | None
    number: str | None
    code: str | None
    question: Question


def register(app: typer.Typer) -> None:
    app.command("verify", help=VERIFY)(verify)


def verify(
    context: typer.Context,
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE]...", help="文件或证明包 · documents, bundles")
    ] = None,
    bundle: Annotated[Path | None, typer.Option(help="文件的证明包 · bundle of the documents")] = None,
    number: Annotated[str | None, typer.Option("--id", help="记录标识 · id of a record in this ledger")] = None,
    code: Annotated[str | None, typer.Option(help="证照上的核验码，与 --id 同用 · code beside the number")] = None,
    trust: Annotated[Path | None, typer.Option(help="信任文件 · trust file; default: that of the data folder")] = None,
    as_of: Annotated[str | None, typer.Option(help="bundle 或时间 · bundle, or an instant")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="不查询链与账本 · ask no chain and no ledger")] = False,
    max_age: Annotated[str | None, typer.Option(help="状态最久多旧 · oldest state accepted: 90, 30m, 24h, 7d")] = None,
    jurisdiction: Annotated[str | None, typer.Option(help="适用何地规则 · whose policy applies")] = None,
    seal_data: Annotated[
        list[Path] | None,
        typer.Option("--seal-data", help="核验文件内印章所用的证书、CRL、OCSP · for seals in the documents"),
    ] = None,
    detailed: Annotated[bool, typer.Option("--detailed", help="每一步的结论 · every step")] = False,
) -> int:
    session: Session = context.obj
    from ledger.cli.values import duration, instant
    from ledger.services.documents import MAX_SEAL_DATA, read_seal_data
    from ledger.services.offline import Question

    question = Question(
        time_of_interest=instant(as_of) if as_of and as_of != "bundle" else None,
        as_of_bundle=as_of == "bundle",
        max_age=duration(max_age) if max_age else None,
        jurisdiction=jurisdiction,
        seal_data=read_seal_data([_bytes(f, MAX_SEAL_DATA) for f in seal_data or ()]),
    )
    request = _Request(tuple(files or ()), bundle, number, code, question)
    _check(request)
    if not offline and not session.founded:
        session.note("CLI_VERIFY_NO_LEDGER")
        offline = True
    believed = _trust(session, trust) if trust or offline else None
    if offline:
        return _judge_all(session, _offline(request, believed or _trust(session, None)), detailed)
    with session.app() as app:
        return _judge_all(session, _online(request, app, believed), detailed)


def _check(request: _Request) -> None:
    bundles = [f for f in request.files if _is_bundle(f)]
    if request.code is not None and request.number is None:
        raise InputError("CLI_VERIFY_CODE_ALONE")
    if not request.files and request.bundle is None and request.number is None:
        raise InputError("CLI_VERIFY_NOTHING")
    if request.number is not None and (request.files or request.bundle):
        raise InputError("CLI_VERIFY_MIXED")
    if request.bundle is not None and bundles:
        raise InputError("CLI_VERIFY_MIXED")


def _trust(session: Session, path: Path | None) -> Trust:
    """The trust file brought along, or the data folder's own.

    Raises:
        NotFoundError: TRUST_FILE_MISSING. InputError: TRUST_…, SHAPE_….
    """
    from ledger.assembly.trust_files import read_trust_file
    from ledger.crypto.trust_signatures import fingerprint_words

    found = read_trust_file(path or session.home / "trust.json")
    if path is not None:
        session.note("CLI_TRUST_USED", fingerprint=fingerprint_words(found.content.fingerprint()))
    return found.content


def _offline(request: _Request, trust: Trust) -> list[tuple[str, Judge]]:
    from dataclasses import replace

    from ledger.services.offline import verify_offline

    if request.number is not None or (any(not _is_bundle(f) for f in request.files) and request.bundle is None):
        raise InputError("CLI_VERIFY_OFFLINE_NEEDS")

    def judge(data: Path, documents: tuple[Path, ...]) -> Judge:
        return lambda: [
            verify_offline(_bytes(data), trust, replace(request.question, **_read(documents)), int(time.time()))
        ]

    if request.bundle is not None:
        return [(str(request.bundle), judge(request.bundle, request.files))]
    return [(str(f), judge(f, ())) for f in request.files]


def _online(request: _Request, app: App, trust: Trust | None) -> list[tuple[str, Judge]]:
    verifying = app.verifying if trust is None else app.verifying_by(lambda: trust)
    question = request.question
    if request.number is not None:
        number, code = request.number, request.code
        if code is not None:  # as the public asks
            return [(number, lambda: [verifying.number(number, code, question)])]
        return [(number, lambda: [verifying.by_id(number, question)])]
    if request.bundle is not None:
        path = request.bundle
        return [
            (
                str(path),
                lambda: [verifying.bundle(_bytes(path), handed_in(app, question, request.files))],
            )
        ]

    def judge(file: Path) -> Judge:
        if _is_bundle(file):
            return lambda: [verifying.bundle(_bytes(file), question)]

        def documents() -> list[Report]:
            asked = handed_in(app, question, (file,))
            return verifying.all_by_file(asked.documents[0], asked)

        return documents

    return [(str(f), judge(f)) for f in request.files]


def handed_in(app: App, question: Question, files: tuple[Path, ...]) -> Question:
    """The question with these files, and with what the authorities of seals in them say now.

    Certificates in a stranger's file name any address they like: only hosts of the settings are asked unbidden.
    """
    from dataclasses import replace

    from ledger.services.seal_evidence import asked, parties_in

    read = replace(question, **_read(files))
    parties = parties_in(read.sealed or ())
    if not parties or (app.settings.revocation == "online" and not app.settings.revocation_hosts):
        return read
    return replace(read, seal_data=asked(parties, app.revocation, int(app.clock()), question.seal_data))


def _judge_all(session: Session, judges: list[tuple[str, Judge]], detailed: bool) -> int:
    from ledger.verification.report import together

    codes = []
    for number, (name, judge) in enumerate(judges):
        try:
            reports = judge()
        except ZhengyinError as e:
            codes.append(session.fail(e, file=name))
            continue
        codes += [report.exit_code for report in reports]
        values: list[dict[str, Any]] = [{"file": name, **report.to_json()} for report in reports]
        if len(reports) > 1:
            values = [value | {"together": together(reports)} for value in values]
        text = _text(session, name, reports, detailed, alone=len(judges) == 1)
        session.results(values, "\n" * (detailed and number > 0) + text)
    return worst(codes)


def _text(session: Session, name: str, reports: list[Report], detailed: bool, alone: bool) -> str:
    """All of the only report on the only file; else a line each, under the headline of those on one file."""
    from ledger.verification.report import together

    if alone and len(reports) == 1:
        return reports[0].detailed(session.language) if detailed else reports[0].short(session.language)
    several = len(reports) > 1
    lines = [f"{name}: {together(reports)[session.language]}"] if several else []
    for report in reports:
        title = _whose(report) if several else name
        lines.append(f"{title}\n{report.detailed(session.language)}" if detailed else _one_line(session, title, report))
    return "\n".join(lines)


def _whose(report: Report) -> str:
    record = report.proved.get("record", {})
    return "  ".join(str(record[key]) for key in ("issuer", "type", "id") if key in record) or "–"


def _one_line(session: Session, name: str, report: Report) -> str:
    cause = f" [{report.cause_code}]" if report.cause_code else ""
    return f"{_MARKS.get(report.exit_code, '?')} {name}: {session.words(report.headline_code)}{cause}"


def _is_bundle(path: Path) -> bool:
    return path.suffix.lower() == SUFFIX


def _bytes(path: Path, most: int = MOST) -> bytes:
    """Raises InputError CLI_FILE_MISSING."""
    try:
        with path.open("rb") as stream:
            return stream.read(most)
    except OSError as e:
        raise InputError("CLI_FILE_MISSING", file=str(path)) from e


def _read(paths: tuple[Path, ...]) -> dict[str, Any]:
    from ledger.services.documents import read_documents

    return read_documents(paths)
