"""Verifying a signed or sealed PDF: every signature in it, what each covers, and every change that came after.

Every step that can run does run. Paths, revocation and tokens are judged by whoever holds the trust list
(``Judges``); what nobody judged is undetermined, never valid by silence.
"""

from __future__ import annotations

from ledger.core.bundles import ValidationData
from ledger.core.verdicts import Finding, failed, noted, undetermined
from ledger.crypto.digests import sm3
from ledger.crypto.foreign_cms import verify_foreign
from ledger.crypto.ofd.plain_signatures import verify_cms
from ledger.crypto.ofd.reports import PackageReport
from ledger.crypto.pdf.reading import read_signed
from ledger.crypto.pdf.values import CMS_FILTERS, TOKEN_FILTER, Changes, PdfSignature, SignedPdf
from ledger.crypto.ses import verifying as ses
from ledger.crypto.ses.judging import Expected, Findings, Judges, merged
from ledger.crypto.ses.parsing import is_signature
from ledger.crypto.ses.reports import SealReport, SealStep, found_by
from ledger.crypto.signed_data import read_signed_data
from ledger.errors import InputError


def verify_pdf(data: bytes, moment: int, judges: Judges | None = None, existed: int | None = None) -> PackageReport:
    """What holds of a PDF and its signatures at ``moment`` (seconds UTC). ``existed``: an instant at which these bytes
    are proved to have existed. Nothing is raised for bad data: step 1 fails."""
    try:
        read = read_signed(data)
    except InputError as error:
        return PackageReport(SealReport("pdf", (SealStep(1, "pdf_file", (failed(error.code, **error.values),)),)))
    knowing = (judges or Judges()).knowing(_enclosed(read))
    reports = tuple(_verify(one, moment, existed, knowing) for one in read.signatures)
    steps = (
        SealStep(1, "pdf_file", (noted("PDF_LENIENT"),) if read.lenient else ()),
        SealStep(2, "pdf_signatures", _decided(read, reports)),
        SealStep(3, "pdf_coverage", _coverage(read)),
        SealStep(4, "pdf_changes", _changes(read)),
    )
    proved = {"moment": moment, "signatures": [one.field for one in read.signatures]}
    return PackageReport(SealReport("pdf", steps, proved), reports)


def _enclosed(read: SignedPdf) -> ValidationData:
    """What the file brings along for its paths: stored beside the signatures, or within them."""
    found = [read.stored]
    for one in read.signatures:
        try:
            signed = read_signed_data(one.contents)
        except InputError:
            continue  # its own report says so
        found.append(ValidationData(signed.certificates, signed.crls, signed.ocsps))
    return merged(*found)


def _verify(one: PdfSignature, moment: int, existed: int | None, judges: Judges) -> SealReport:
    report = _verify_contents(one, moment, existed, judges)
    path = "" if one.page is None else f"#page={one.page + 1}"
    box = None if one.box is None else list(one.box)
    found = {"id": one.field, "type": one.sub_filter, "path": path, "box": box, "changes": one.changes.value}
    report.proved.update(found)
    return report


def _verify_contents(one: PdfSignature, moment: int, existed: int | None, judges: Judges) -> SealReport:
    if one.sub_filter == TOKEN_FILTER:
        step = SealStep(1, "pdf_token", found_by(lambda: _token(one, judges)))
        return SealReport("timestamp", (step,))
    if one.sub_filter in CMS_FILTERS:
        return verify_cms(
            "pdf_cms", lambda: verify_foreign(one.contents, one.covered), moment, existed, judges, one.stated
        )
    if is_signature(one.contents):  # under names of their makers' own
        return ses.verify_signature(one.contents, moment, Expected(sm3(one.covered), existed=existed), judges)
    return SealReport("signature", (SealStep(1, "pdf_cms", (undetermined("PDF_FILTER", filter=one.sub_filter),)),))


def _token(one: PdfSignature, judges: Judges) -> Findings:
    """A time-stamp over the whole document."""
    if judges.token is None:
        return (undetermined("SES_TOKEN_NOT_JUDGED"),)
    return (noted("PDF_TOKEN_HOLDS", time=judges.token(one.contents, one.covered)),)


def _decided(read: SignedPdf, reports: tuple[SealReport, ...]) -> Findings:
    """What decided each signature; no vacuous truth where there is none."""
    found: list[Finding] = []
    for one, report in zip(read.signatures, reports, strict=True):
        if report.cause is None:
            found.append(noted("PDF_SIGNATURE_HOLDS", field=one.field, name=report.proved.get("name") or one.field))
        else:
            finding = report.cause[1]
            found.append(Finding(finding.code, finding.outcome, finding.values | {"field": one.field}))
    return tuple(found) or (undetermined("PDF_NO_SIGNATURES"),)


def _coverage(read: SignedPdf) -> Findings:
    """Each signature covers a whole revision: from the first byte to the end of what was the file when it was made."""
    return tuple(failed("PDF_NOT_COVERED", field=one.field) for one in read.signatures if not one.entire)


def _changes(read: SignedPdf) -> Findings:
    """What came after each signature, of which the reader shows the last state."""
    return tuple(_change(one) for one in read.signatures if one.changes is not Changes.NONE)


def _change(one: PdfSignature) -> Finding:
    if one.changes is Changes.UNCLEAR:
        return undetermined("PDF_CHANGES_UNCLEAR", field=one.field)
    if one.changes is Changes.OTHER:
        return failed("PDF_CHANGED", field=one.field)
    if not one.permitted:
        return failed("PDF_CHANGED_AGAINST", field=one.field)
    return noted("PDF_CHANGED_ARCHIVAL" if one.changes is Changes.ARCHIVAL else "PDF_CHANGED_FORM", field=one.field)
