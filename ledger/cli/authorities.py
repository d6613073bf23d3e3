"""``ca``: questions about certification authorities that need no ledger: which path stands, does their material fit."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.session import Session, described
from ledger.cli.texts import about
from ledger.errors import InputError

if TYPE_CHECKING:
    from ledger.crypto.conformance.findings import Fit
    from ledger.crypto.path_inquiry import PathAnswer
    from ledger.crypto.paths import Candidate

GROUP = about("证书认证机构", "certification authorities", "zhengyin ca path office.pem --root root.pem --crl root.crl")
PATH = about(
    "查找并核验一张证书的证书链",
    "find and judge the path of a certificate",
    "zhengyin ca path office.pem chain.p7b --root root.pem --crl issuing.crl --crl root.crl --at 2026-05-01",
    "文件可为 PEM（可含多张）、DER 或 .p7b。Files are PEM (with several certificates), DER or .p7b. "
    "没有吊销数据则结论为无法判定。Without revocation data the answer stays open.",
)
CHECK = about(
    "检查一家 CA 的材料是否合用：证书、吊销列表、OCSP、时间戳、签名样本",
    "does an authority's material fit: certificates, lists, OCSP, time-stamps, a signed sample",
    "zhengyin ca check ./from-the-ca",
    "按后缀识别：.crt .cer .pem .der .p7b、.crl、.ors、.tst .tsr、.p7s .cms；样本的原文与其同名。"
    "Files are told by their endings; what a sample is about bears its name.",
)
MOST = (4 << 20) + 1
"""Bytes read of a file: beyond every limit of what may be in it."""
EXIT = {"passed": 0, "failed": 1, "undetermined": 3}


def register(root: typer.Typer) -> None:
    app = typer.Typer(name="ca", help=GROUP, rich_markup_mode=None, no_args_is_help=True)
    app.command("path", help=PATH)(path)
    app.command("check", help=CHECK)(check)
    root.add_typer(app)


def path(
    context: typer.Context,
    leaf: Annotated[Path, typer.Argument(metavar="LEAF", help="要核验的证书 · the certificate in question")],
    others: Annotated[list[Path] | None, typer.Argument(metavar="[CERT]...", help="中间证书 · between")] = None,
    roots: Annotated[list[Path] | None, typer.Option("--root", help="认可的根证书 · recognised authority")] = None,
    crls: Annotated[list[Path] | None, typer.Option("--crl", help="吊销列表 · revocation list")] = None,
    ocsps: Annotated[list[Path] | None, typer.Option("--ocsp", help="OCSP 响应 · OCSP response")] = None,
    at: Annotated[str | None, typer.Option(help="核验时间，默认现在 · instant; default: now")] = None,
    purpose: Annotated[str, typer.Option(help="用途 · signing, login, timestamp or ocsp")] = "signing",
) -> int:
    session: Session = context.obj
    from ledger.cli.files import read_all
    from ledger.cli.values import instant
    from ledger.crypto.certificate_files import leaf_first, read_certificates, read_lists, read_responses
    from ledger.crypto.path_inquiry import PURPOSES, inquire, loose_ends

    if purpose not in PURPOSES:
        raise InputError("CA_PURPOSE", purpose=purpose, known=", ".join(PURPOSES))
    moment = instant(at) if at else int(time.time())
    if not roots:
        raise InputError("CA_NO_ROOT")
    first, *beside = read_all([leaf], lambda data: leaf_first(read_certificates(data)), MOST)
    between, anchors = [*beside, *read_all(others, read_certificates, MOST)], read_all(roots, read_certificates, MOST)
    data = read_all(crls, read_lists, MOST), read_all(ocsps, read_responses, MOST)
    answer = inquire(first, between, anchors, data, moment, PURPOSES[purpose])
    ends = loose_ends(first, between, anchors) if answer.fault and answer.fault.code == "PATH_NONE" else ()
    session.result(_value(answer, moment, purpose, ends), _text(session, answer, moment, ends))
    return EXIT[answer.outcome.value]


def check(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", exists=True, file_okay=False, help="材料 · the material")],
    at: Annotated[str | None, typer.Option(help="以何时为准，默认现在 · as of; default: now")] = None,
    detailed: Annotated[bool, typer.Option("--detailed", help="列出符合的各项 · what is met, too")] = False,
) -> int:
    session: Session = context.obj
    from ledger.cli.values import instant
    from ledger.crypto.conformance.findings import exit_code
    from ledger.crypto.conformance.material import check as check_material
    from ledger.outside.material_files import read_material

    moment = instant(at) if at else int(time.time())
    findings = check_material(read_material(folder), moment)
    code = exit_code(findings)
    value = {"exitCode": code, "at": moment, "findings": [_finding(f) for f in findings]}
    session.result(value, _page(session, findings, code, detailed))
    return code


# ---- what is shown


def _value(answer: PathAnswer, moment: int, purpose: str, ends: tuple[str, ...]) -> dict[str, Any]:
    from ledger.crypto.certificate_facts import facts_of

    verdict, unused = answer.revocation, answer.path.unused if answer.path else ()
    return {
        "outcome": answer.outcome.value,
        "exitCode": EXIT[answer.outcome.value],
        "at": moment,
        "purpose": purpose,
        "path": [facts_of(der).to_json() for der in answer.path.certificates] if answer.path else None,
        "unused": [facts_of(der).to_json() for der in unused],
        "revocation": None
        if verdict is None
        else {
            "outcome": verdict.outcome,
            "code": verdict.code,
            "asOf": verdict.as_of,
            "provisional": verdict.provisional,
            "values": verdict.values,
            "afterwards": list(verdict.afterwards),
        },
        "fault": described(answer.fault) if answer.fault else None,
        "wanted": list(ends),
        "candidates": [
            {
                "subjects": _subjects(candidate),
                "sha256": [facts_of(der).sha256.hex() for der in candidate.certificates],
                "fault": described(candidate.fault) if candidate.fault else None,
            }
            for candidate in answer.candidates
        ],
    }


def _text(session: Session, answer: PathAnswer, moment: int, ends: tuple[str, ...]) -> str:
    from ledger.crypto.certificate_facts import facts_of
    from ledger.verification.words import show

    verdict = answer.revocation
    said = None if verdict is None else show(verdict.code, session.language, verdict.values)
    reason = show(answer.fault.code, session.language, answer.fault.values) if answer.fault else said
    lines = [show(f"CA_PATH_{answer.outcome.name}", session.language, {"at": moment, "reason": reason})]
    lines += [session.words("CA_PATH_WANTED", subject=subject) for subject in ends]
    if answer.path:
        lines += _chain(session, answer.path.certificates)
        lines += [session.words("CA_PATH_REVOCATION", text=said)] if said else []
        unused = ", ".join(facts_of(der).subject for der in answer.path.unused)
        lines += [session.words("CA_PATH_UNUSED", subjects=unused)] if unused else []
    rest = [c for c in answer.candidates if answer.path is None or c.certificates != answer.path.certificates]
    if rest:
        lines.append(session.words("CA_PATH_OTHERS"))
    for candidate in rest:
        fault = candidate.fault
        why = show(fault.code, session.language, fault.values) if fault else session.words("CA_PATH_STANDS")
        lines.append(f"  {' ← '.join(_subjects(candidate))}: {why}")
    return "\n".join(lines)


def _chain(session: Session, certificates: tuple[bytes, ...]) -> list[str]:
    from ledger.crypto.certificate_facts import facts_of
    from ledger.verification.words import instant

    lines = []
    for depth, der in enumerate(certificates):
        facts = facts_of(der)
        values = {"since": instant(facts.not_before), "until": instant(facts.not_after)}
        lines.append(f"  {depth} {facts.subject}")
        lines.append(f"    {session.words('CA_PATH_PERIOD', key=facts.key, signature=facts.signature, **values)}")
        lines.append(f"    SHA-256 {facts.sha256.hex()}")
    return lines


def _subjects(candidate: Candidate) -> list[str]:
    from ledger.crypto.certificate_facts import facts_of

    return [facts_of(der).subject for der in candidate.certificates]


# ---- findings


_MARKS = {"fits": "✓", "remark": "!", "missing": "?", "misfit": "✗"}


def _finding(fit: Fit) -> dict[str, Any]:
    from ledger.verification.words import show

    return {
        "about": fit.about,
        "code": fit.code,
        "severity": fit.severity.value,
        "zh": show(fit.code, "zh", fit.values),
        "en": show(fit.code, "en", fit.values),
        "values": fit.values,
        "cause": described(fit.cause) if fit.cause else None,
    }


def _page(session: Session, findings: tuple[Fit, ...], code: int, detailed: bool) -> str:
    """A line each for what is not met, under the file it is about; files of which all is met in one line."""
    from ledger.crypto.conformance.material import WHOLE

    counts = {severity: sum(f.severity.value == severity for f in findings) for severity in _MARKS}
    totals = {"fits": "fits", "remark": "remarks", "missing": "missing", "misfit": "misfits"}
    headline = {0: "CA_CHECK_FITS", 1: "CA_CHECK_MISFITS", 3: "CA_CHECK_MISSING"}[code]
    lines = [session.words(headline, **{totals[severity]: count for severity, count in counts.items()})]
    for name in dict.fromkeys(f.about for f in findings):
        own = [f for f in findings if f.about == name]
        told = [f for f in own if detailed or f.severity.value != "fits"]
        fitting = sum(f.severity.value == "fits" for f in own)
        shown = session.words("CA_CHECK_WHOLE") if name == WHOLE else name
        lines.append(f"{shown}  ✓ {fitting}/{len(own)}")
        lines += [_line(session, f) for f in told]
    return "\n".join(lines)


def _line(session: Session, fit: Fit) -> str:
    from ledger.verification.words import show

    text = show(fit.code, session.language, fit.values)
    if fit.severity.value == "fits":
        return f"  ✓ {text}"
    codes = fit.code
    if fit.cause:
        text += f" – {show(fit.cause.code, session.language, fit.cause.values)}"
        codes += f": {fit.cause.code}"
    return f"  {_MARKS[fit.severity.value]} {session.words('CA_CHECK_NOT')}: {text} [{codes}]"
