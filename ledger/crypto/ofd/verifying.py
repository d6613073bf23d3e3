"""Verifying a sealed OFD document: every signature of every document in the package, and what none of them covers.

Every step that can run does run. Paths, revocation and tokens are judged by whoever holds the trust list
(``Judges``); what nobody judged is undetermined, never valid by silence.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from ledger.core.identifiers import parse_license_identifier
from ledger.core.verdicts import Finding, failed, noted, undetermined
from ledger.crypto.ofd.documents import Document, Listed, read_documents
from ledger.crypto.ofd.metadata import LicenseMetadata, read_metadata
from ledger.crypto.ofd.package import Package, read_package
from ledger.crypto.ofd.reports import PackageReport
from ledger.crypto.ofd.seals import Sealing, covers, make_digest, names, unread, verify_seal_of
from ledger.crypto.ofd.signatures import Description, read_description
from ledger.crypto.ses.judging import Findings, Judges
from ledger.crypto.ses.reports import SealReport, SealStep, found_by
from ledger.errors import InputError

CLOCKS = 300
"""Seconds by which the clocks of two signers may differ."""
_PARTS = frozenset({"signature.xml", "signedvalue.dat"})


def verify_package(data: bytes, moment: int, judges: Judges | None = None, existed: int | None = None) -> PackageReport:
    """What holds of an OFD document and its seals at ``moment`` (seconds UTC). ``existed``: an instant at which these
    bytes are proved to have existed. Nothing is raised for bad data: step 1 or 2 fails."""
    try:
        package = read_package(data)
    except InputError as error:
        return PackageReport(SealReport("ofd", (_refused(1, "ofd_container", error),)))
    steps = [SealStep(1, "ofd_container", ())]
    try:
        documents = read_documents(package)
    except InputError as error:
        return PackageReport(SealReport("ofd", (*steps, _refused(2, "ofd_documents", error))))
    steps.append(SealStep(2, "ofd_documents", _documents(documents)))
    sealing, faults = _sealing(package, documents)
    reports = _verify_all(sealing, faults, moment, existed, judges or Judges())
    seals = [(listed, reports[listed.path]) for signatures in sealing.lists for listed in signatures]
    metadata: list[LicenseMetadata] = []
    steps += [
        SealStep(3, "ofd_seals", _seals(seals)),
        SealStep(4, "ofd_coverage", _coverage(sealing, documents)),
        SealStep(5, "ofd_order", _order(sealing, reports)),
        SealStep(6, "ofd_metadata", found_by(lambda: _metadata(documents, metadata))),
    ]
    proved = {
        "moment": moment,
        "documents": [document.root for document in documents],
        "files": len(package.files),
        "licenses": [found.public() for found in metadata],
    }
    return PackageReport(SealReport("ofd", tuple(steps), proved), tuple(report for _, report in seals), tuple(metadata))


def _refused(number: int, name: str, error: InputError) -> SealStep:
    return SealStep(number, name, (failed(error.code, **error.values),))


def _documents(documents: tuple[Document, ...]) -> Findings:
    """Of several versions a reader shows the one it likes; which files that takes is not followed here."""
    return (undetermined("OFD_VERSIONS"),) if any(d.versions for d in documents) else ()


def _sealing(package: Package, documents: tuple[Document, ...]) -> tuple[Sealing, dict[str, Finding]]:
    """The seals as far as they can be read, and why the others cannot."""
    lists = tuple(document.signatures for document in documents)
    described: dict[str, Description] = {}
    faults: dict[str, Finding] = {}
    for listed in _flat(lists):
        try:
            described[listed.path] = read_description(package, listed)
        except InputError as error:
            faults[listed.path] = failed(error.code, **error.values)
    own = {d.list_path for d in documents if d.list_path} | {listed.path for listed in _flat(lists)}
    for description in described.values():
        own |= {description.value} | ({description.seal} if description.seal else set())
    return Sealing(package, lists, described, frozenset(own), make_digest(package)), faults


def _flat(lists: tuple[tuple[Listed, ...], ...]) -> Iterator[Listed]:
    for signatures in lists:
        yield from signatures


def _verify_all(
    sealing: Sealing, faults: dict[str, Finding], moment: int, existed: int | None, judges: Judges
) -> dict[str, SealReport]:
    reports: dict[str, SealReport] = {}
    for signatures in sealing.lists:
        before: dict[str, tuple[Listed, SealReport]] = {}
        for listed in signatures:
            if listed.path in faults:
                report = unread(listed, faults[listed.path])
            else:
                report = verify_seal_of(sealing, listed, before, moment, existed, judges)
            reports[listed.path] = report
            before[listed.id] = (listed, report)
    return reports


def _seals(seals: list[tuple[Listed, SealReport]]) -> Findings:
    """What decided each seal; no vacuous truth where there is none."""
    found = tuple(_decided(listed, report) for listed, report in seals)
    return found or (undetermined("OFD_NO_SEALS"),)


def _decided(listed: Listed, report: SealReport) -> Finding:
    if report.cause is None:
        return noted("OFD_SEAL_HOLDS", seal=listed.id, name=report.proved.get("name", listed.id))
    finding = report.cause[1]
    return Finding(finding.code, finding.outcome, finding.values | {"seal": listed.id})


def _coverage(sealing: Sealing, documents: tuple[Document, ...]) -> Findings:
    """Every file but those that seals consist of is covered by a seal: else anybody could have added it."""
    if not any(sealing.lists):
        return ()
    files = sealing.package.files.keys()
    covered = frozenset[str]().union(*(d.covered for d in sealing.described.values()))
    found: list[Finding] = []
    if left := sorted(files - covered - sealing.own):
        found.append(failed("OFD_NOT_COVERED", **names(left)))
    if stray := sorted(path for path in files - sealing.own if _is_of_a_seal(path)):
        found.append(failed("OFD_SEAL_UNLISTED", **names(stray)))
    if any(d.list_path and d.list_path not in covered for d in documents):
        found.append(noted("OFD_LIST_OPEN"))
    return tuple(found)


def _is_of_a_seal(path: str) -> bool:
    """Left behind by a seal that was taken off the list."""
    name = posixpath.basename(path).casefold()
    return name in _PARTS or name.endswith(".esl")


def _order(sealing: Sealing, reports: dict[str, SealReport]) -> Findings:
    """A seal that covers another one was made after it, whatever time it claims."""
    found: list[Finding] = []
    for signatures in sealing.lists:
        for later in signatures:
            covered = [one for one in signatures if one is not later and covers(sealing, later, one)]
            if covered:
                found.append(noted("OFD_SEAL_COVERS", seal=later.id, covered=", ".join(one.id for one in covered)))
            found += [
                undetermined("OFD_ORDER_TIMES", seal=later.id, covered=earlier.id)
                for earlier in covered
                if _contradict(reports[earlier.path], reports[later.path])
            ]
    return tuple(found)


def _contradict(earlier: SealReport, later: SealReport) -> bool:
    first, second = (report.proved.get("signedAt") for report in (earlier, later))
    return first is not None and second is not None and second < first - CLOCKS


def _metadata(documents: tuple[Document, ...], into: list[LicenseMetadata]) -> Findings:
    found: list[Finding] = []
    for metadata in (read_metadata(document.info) for document in documents):
        if metadata is None:
            continue
        into.append(metadata)
        if metadata.misspelt:
            found.append(noted("OFD_METADATA_MISSPELT"))
        if metadata.unread:
            found.append(noted("OFD_METADATA_DATE", names=", ".join(metadata.unread)))
        if metadata.copy:
            found.append(noted("OFD_METADATA_COPY"))
        if metadata.identifier is not None:
            found += _identifier(metadata.identifier)
    return tuple(found) if into else (noted("OFD_METADATA_NONE"),)


def _identifier(text: str) -> list[Finding]:
    """Systems in use write wrong check characters: said, and left as it is, since it is what was sealed."""
    try:
        warnings = parse_license_identifier(text, strict=False).warnings
    except InputError as error:
        warnings = (error.code,)
    return [noted("OFD_METADATA_IDENTIFIER", cause=code) for code in warnings]
