"""``seal verify``: sealed documents, seals and seal signatures made anywhere, offline."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.files import read_all, read_file
from ledger.cli.session import Session
from ledger.cli.texts import about
from ledger.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from ledger.core.bundles import ValidationData
    from ledger.crypto.ses.judging import Judges
    from ledger.crypto.ses.reports import SealReport
    from ledger.verification.sealed import SealedReport

VERIFY = about(
    "核验盖章文件（OFD、PDF）、电子印章（.esl）或电子签章（SignedValue.dat）",
    "verify a sealed document (OFD, PDF), an e-seal (.esl) or a seal signature (SignedValue.dat)",
    "zhengyin seal verify license.ofd --trust trust.json --fetch",
    "--trust 按信任文件判断制章人、签章人与时间戳；--root 只按所给的根证书；--fetch 按数据目录的设置取吊销信息。"
    "二者都不给则不判断证书，结论至多为“尚不能判定”。印章是否已停用，见 verify（按账本）。 "
    "--trust judges makers, signers and time-stamps by the trust file; --root by these authorities alone; --fetch asks "
    "authorities for revocation data, by the settings of the data folder. Without either the answer is at best "
    "undetermined. Whether a seal is suspended, verify tells by the ledger.",
)
MOST = (64 << 20) + 1
"""Bytes read of a file: beyond every limit of the formats, so that a longer one is refused by its own rule."""


def register(app: typer.Typer) -> None:
    app.command("verify", help=VERIFY)(verify_seal)


def verify_seal(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="盖章文件、印章或签章 · document, seal or signature")],
    trust: Annotated[Path | None, typer.Option(help="信任文件 · trust file")] = None,
    jurisdiction: Annotated[
        str | None, typer.Option(help="适用何地规则，与 --trust 同用 · whose policy applies")
    ] = None,
    fetch: Annotated[
        bool, typer.Option("--fetch", help="取中间证书与吊销信息 · fetch certificates and revocation data")
    ] = False,
    roots: Annotated[list[Path] | None, typer.Option("--root", help="认可的根证书 · recognised authority")] = None,
    certificates: Annotated[
        list[Path] | None, typer.Option("--certificate", help="中间证书 · certificate between")
    ] = None,
    crls: Annotated[list[Path] | None, typer.Option("--crl", help="吊销列表 · revocation list")] = None,
    ocsps: Annotated[list[Path] | None, typer.Option("--ocsp", help="OCSP 应答 · OCSP response (DER)")] = None,
    at: Annotated[str | None, typer.Option(help="核验时间，默认现在 · instant; default: now")] = None,
    document: Annotated[
        Path | None,
        typer.Option(help="被签章的原文 · what was sealed (Signature.xml of an OFD)"),
    ] = None,
    seal: Annotated[Path | None, typer.Option("--seal", help="旁附的 Seal.esl · the seal file beside it")] = None,
    path: Annotated[str | None, typer.Option("--path", help="原文在包内的路径 · path of what was sealed")] = None,
) -> int:
    session: Session = context.obj
    from ledger.cli.values import instant
    from ledger.crypto.digests import digest_path
    from ledger.crypto.ses import verifying
    from ledger.crypto.ses.judging import Expected
    from ledger.crypto.ses.parsing import is_signature
    from ledger.verification.sealed import format_of

    data, moment = read_file(file, MOST), instant(at) if at else int(time.time())
    if jurisdiction is not None and trust is None:
        raise InputError("CLI_SEAL_JURISDICTION")
    known = _known(certificates or [], crls or [], ocsps or [])
    if not (roots or trust) and (fetch or known != _known([], [], [])):
        raise InputError("CLI_SEAL_NO_ROOT")
    if fetch:
        known = _fetched(session, data, known)
    judges = _judges(session, roots or [], trust, jurisdiction, known, moment)
    report: SealReport | SealedReport
    if (sealed := format_of(data)) is not None:
        if document or seal or path:
            raise InputError("CLI_SEAL_ALONE")
        report = sealed.verify(data, moment, None, judges)
    elif not data.startswith(b"\x30"):  # seals and their signatures are a SEQUENCE: this is something else altogether
        raise NotFoundError("CLI_SEAL_NONE", file=str(file))
    elif is_signature(data):
        digest = digest_path(document).sm3 if document else None
        beside = Expected(digest, path, read_file(seal, MOST) if seal else None)
        report = verifying.verify_signature(data, moment, beside, judges)
    elif document or seal or path:
        raise InputError("CLI_SEAL_ALONE")
    else:
        report = verifying.verify_seal(data, moment, judges)
    session.result({"file": str(file), **report.to_json()}, report.text(session.language))
    return report.exit_code


def _known(certificates: list[Path], crls: list[Path], ocsps: list[Path]) -> ValidationData:
    from ledger.core.bundles import ValidationData
    from ledger.crypto.certificate_files import read_certificates

    return ValidationData(
        read_all(certificates, read_certificates, MOST),
        tuple(_crl(f) for f in crls),
        tuple(read_file(f, MOST) for f in ocsps),
    )


def _fetched(session: Session, data: bytes, known: ValidationData) -> ValidationData:
    from ledger.services.seal_evidence import asked, parties

    with session.app() as app:
        return asked(parties(data), app.revocation, int(app.clock()), known)


def _judges(
    session: Session,
    roots: list[Path],
    trust: Path | None,
    jurisdiction: str | None,
    known: ValidationData,
    moment: int,
) -> Judges | None:
    if roots and trust:
        raise InputError("CLI_SEAL_TRUST_OR_ROOT")
    if trust is not None:
        from ledger.assembly.trust_files import read_trust_file
        from ledger.crypto.trust_signatures import fingerprint_words
        from ledger.verification.seal_trust import SealRules, judges_by

        content = read_trust_file(trust).content
        session.note("CLI_TRUST_USED", fingerprint=fingerprint_words(content.fingerprint()))
        return judges_by(SealRules(content, jurisdiction, moment, known))
    if not roots:
        return None
    from ledger.crypto.certificate_files import read_certificates
    from ledger.services.seal_judges import judges_under

    return judges_under(read_all(roots, read_certificates, MOST), known, moment)


def _crl(path: Path) -> bytes:
    """DER of a CRL in a file, PEM or DER. Raises InputError REVOCATION_CRL_SYNTAX."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    data = read_file(path, MOST)
    if not data.startswith(b"-----BEGIN"):
        return data
    try:
        return x509.load_pem_x509_crl(data).public_bytes(Encoding.DER)
    except ValueError as e:
        raise InputError("REVOCATION_CRL_SYNTAX") from e
