"""What the matrices of authorities share: bundles signed under any of ten authorities, and the exact answer to each.

Answers are written as a specification reads: whether the record passes, which step decided and by which finding, and
whatever else steps 5 to 12 say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import bundle_factory as f
from pki_kit import DAY, NOW, SCENARIOS, Kit, Leaf

from ledger.core.bundles import Bundle, StateProof, ValidationData
from ledger.core.manifests import Expects
from ledger.core.records import FileDigest
from ledger.core.trust import Trust
from ledger.core.verdicts import Finding, Indication, Outcome, Step
from ledger.crypto import der
from ledger.crypto.certificates import fingerprint, read_certificate
from ledger.crypto.cms import assemble, signed_attributes, verify_detached, with_timestamp
from ledger.crypto.path_rules import TIME_STAMPING
from ledger.outside.demo_pki import plan
from ledger.outside.demo_pki.pki import revocation
from ledger.verification.procedure import verify
from ledger.verification.report import Report

HOUR, CONSTRUCTED = 3600, 0x20
LOOKED_AT = tuple(step for step in Step if Step.BINDING.value <= step.value <= Step.REVOCATION.value)
STAMPERS = ("good", "expired", "future", "revoked", "stolen", "purpose")
USUAL = {"TIME_NO_TOKEN", "STEP_NEEDS_EARLIER"}
SHA1_WITH_RSA = der.write(der.SEQUENCE, der.write_oid("1.2.840.113549.1.1.5"), der.write(der.NULL))


@dataclass(frozen=True)
class Answer:
    """``step``, ``code``: what decided; ``cause``: the broken rule or the reason that it carries; ``also``: other
    findings of steps 5 to 12, but for the usual."""

    indication: str
    exit_code: int
    step: int | None = None
    code: str | None = None
    cause: str | None = None
    also: tuple[str, ...] = ()


def passes(*also: str) -> Answer:
    return Answer("TOTAL-PASSED", 0, also=also)


def fails(step: int, code: str, cause: str | None = None, *also: str) -> Answer:
    return Answer("TOTAL-FAILED", 1, step, code, cause, also)


def stays_open(step: int, code: str, cause: str | None = None, *also: str) -> Answer:
    return Answer("INDETERMINATE", 3, step, code, cause, also)


def require_told_apart(rows: Mapping[str, tuple[Answer, str | None]]) -> None:
    """No two rows have one answer, unless the one says (second) that it may not be told from the other."""
    first: dict[Answer, str] = {}
    for name, (answer, same_as) in rows.items():
        if same_as is None:
            assert first.setdefault(answer, name) == name, (name, first[answer])
    for name, (answer, same_as) in rows.items():
        assert same_as is None or first.get(answer) == same_as, (name, same_as)


def answer_of(report: Report) -> Answer:
    decided = report.cause_finding
    said = [g for result in report.steps if result.step in LOOKED_AT for g in result.findings if g is not decided]
    also = tuple(g.code for g in said if g.code not in USUAL)
    step = report.cause.step.value if report.cause else None
    if report.cause is not None:
        failed = report.indication is Indication.TOTAL_FAILED
        assert report.cause.outcome is (Outcome.FAILED if failed else Outcome.UNDETERMINED)
    cause = cause_of(decided) if decided else None
    return Answer(report.indication.value, report.exit_code, step, report.cause_code, cause, also)


def cause_of(finding: Finding) -> str | None:
    return finding.values.get("cause") or finding.values.get("reason")


@dataclass(frozen=True)
class Token:
    """The time-stamp over the signature: ``before`` the block by so many seconds; ``by``: an authority, whose services
    the trust file then lists; the office's own where None; ``stamp(data, time)`` where another hand makes it;
    ``as_is``: put where tokens are although it may be none."""

    before: int = 30
    by: str | None = None
    stamp: Callable[[bytes, int], bytes] | None = None
    as_is: bool = False


def whole(data: ValidationData) -> ValidationData:
    return data


@dataclass(frozen=True)
class Case:
    """``moment``: of the block; ``taken``: when the revocation data were; ``certificate``, ``validation``: what is
    brought along in place of the honest; ``bound``: the anchor names the certificate; ``trust``: what else the trust
    file says."""

    leaf: Leaf
    moment: int = NOW
    taken: int = NOW + HOUR
    by_ocsp: bool = False
    token: Token | None = None
    bound: bool = True
    certificate: bytes | None = None
    signer: Leaf | None = None
    files: tuple[FileDigest, ...] = (f.FILE,)
    validation: Callable[[ValidationData], ValidationData] = whole

    @property
    def stamper(self) -> str:
        return (self.token and self.token.by) or self.leaf.ca


LISTS: dict[tuple[str, str, int], tuple[bytes, ...]] = {}
RESPONSES: dict[tuple[bytes, int], bytes] = {}
STATES: dict[tuple[bytes, bytes, int], StateProof] = {}
BUNDLES: dict[Case, Bundle] = {}
SERVICES: dict[str, dict[str, Leaf]] = {}
"""Many cells bring along the same."""


def judged(pki: Kit, case: Case, trust: Trust, **asked: Any) -> Report:
    """Asked at NOW or, of later blocks, a while after them."""
    if case not in BUNDLES:
        BUNDLES[case] = made(pki, case)
    bundle, now = BUNDLES[case], max(NOW, case.moment) + 2 * HOUR
    known = bundle.record.leaf(), bundle.manifest.root, now
    if known not in STATES:
        STATES[known] = f.make_state(bundle, time=now - 60)
    return verify(f.facts(replace(bundle, state=STATES[known]), trust=trust, now=now, **asked))


def made(pki: Kit, case: Case) -> Bundle:
    certificate = case.certificate or case.leaf.certificate
    bundle = f.issue(
        f.make_record(issued=case.moment - 500, valid_from="2020-01-01", valid_until="2045-12-31", files=case.files),
        time=case.moment,
        after_time=case.moment - 60,
        validation=data_for(pki, case),
        manifest={"expects": Expects(1, case.token is not None)},
        event={"signers": (fingerprint(certificate),)} if case.bound else {},
    )
    content = bundle.manifest.to_bytes()
    # for who cannot sign (a key too short) somebody else does: the certificate is judged before the signature
    named = case.signer.certificate if case.signer else certificate
    attributes = signed_attributes(content, named, case.moment - 40)
    cms = assemble(named, attributes, case.leaf.key.sign(attributes))
    if case.token is not None:
        signature, at = verify_detached(cms, content).signature, case.moment - case.token.before
        token = case.token.stamp(signature, at) if case.token.stamp else pki.token(case.stamper, signature, at)
        as_is = case.token.as_is
        cms = assemble(named, attributes, signature, token) if as_is else with_timestamp(cms, content, token)
    return replace(bundle, signatures=(swapped(cms, {named: certificate}) if case.signer else cms,))


def data_for(pki: Kit, case: Case) -> ValidationData:
    """For the signer's path, and the stamper's where it is another authority."""
    leaf, taken = case.leaf, case.taken
    lists = lists_of(pki, leaf.ca, leaf.issuer, taken)
    certificates, crls = set(pki.intermediates(leaf.ca, leaf.issuer)), set(lists[1:] if case.by_ocsp else lists)
    if case.stamper != leaf.ca:
        certificates |= set(pki.intermediates(case.stamper))
        crls |= set(lists_of(pki, case.stamper, "issuing", taken))
    ocsps = (response_for(pki, leaf, taken),) if case.by_ocsp else ()
    return case.validation(ValidationData(tuple(sorted(certificates)), tuple(sorted(crls)), ocsps))


def lists_of(pki: Kit, ca: str, issuer: str, taken: int) -> tuple[bytes, ...]:
    """Of each authority on the path, the issuer's first; made when every certificate is that a row may ask for."""
    for scenario in SCENARIOS:
        pki.leaf(ca, scenario)
    services_of(pki, ca)
    if (ca, issuer, taken) not in LISTS:
        LISTS[ca, issuer, taken] = pki.pki.lists(ca, taken, issuer)
    return LISTS[ca, issuer, taken]


def response_for(pki: Kit, leaf: Leaf, taken: int) -> bytes:
    if (leaf.certificate, taken) not in RESPONSES:
        RESPONSES[leaf.certificate, taken] = pki.ocsp(leaf, taken)
    return RESPONSES[leaf.certificate, taken]


def services_of(pki: Kit, ca: str) -> dict[str, Leaf]:
    """Time-stamp services of the authority by what is so with their certificates, as `SCENARIOS`; "signing" has one for
    documents."""
    if ca not in SERVICES:
        own = {scenario: _service(pki, ca, scenario) for scenario in STAMPERS}
        SERVICES[ca] = {**own, "signing": pki.leaf(ca), "weak": pki.leaf(ca, "weak")}
    return SERVICES[ca]


def _service(pki: Kit, ca: str, scenario: str) -> Leaf:
    wanted, name, key = dict(SCENARIOS[scenario]), f"tsa-{scenario}", pki.leaf(ca).key
    usage = {"schema": "key-usage", "params": ["digital_signature"]}
    extensions = wanted.pop("extensions", [{"id": "key_usage", "critical": True, "smart-value": usage}])
    purpose = {"id": "extended_key_usage", "critical": True, "value": list(TIME_STAMPING.extended)}
    if "validity" in wanted:
        since, until = wanted["validity"]
        wanted["validity"] = {"valid-from": plan.iso(since), "valid-to": plan.iso(until)}
    if "revoked" in wanted:
        wanted["revocation"] = revocation(*wanted.pop("revoked"))
    certificate = pki.pki.issue(
        ca, name, key.spki, {"common-name": name}, NOW, issuer="issuing", extensions=[*extensions, purpose], **wanted
    )
    return Leaf(ca, name, certificate, key, "issuing")


def without_list_of(pki: Kit, ca: str, issuer: str) -> Callable[[ValidationData], ValidationData]:
    name = read_certificate(pki.pki.certificate(ca, issuer)).subject

    def cut(data: ValidationData) -> ValidationData:
        return replace(data, crls=tuple(crl for crl in data.crls if name not in crl))

    return cut


def swapped(data: bytes, changes: Mapping[bytes, bytes]) -> bytes:
    """DER with other elements in place of some, wherever they stand."""
    if data in changes:
        return changes[data]
    (element,) = der.read_all(data)
    if not element.tag & CONSTRUCTED:
        return data
    return der.write(element.tag, *(swapped(child.outer, changes) for child in element.children()))


def weakly_signed(certificate: bytes) -> bytes:
    """The certificate as if its issuer had signed it by RSA with SHA-1."""
    tbs, algorithm, signature = der.read(certificate, der.SEQUENCE).children()
    inner = [SHA1_WITH_RSA if p.outer == algorithm.outer else p.outer for p in tbs.children()]
    return der.write(der.SEQUENCE, der.write(der.SEQUENCE, *inner), SHA1_WITH_RSA, signature.outer)


def trusting(pki: Kit, ca: str, *others: Any, root: bytes | None = None, recognition: Any = None, **file: Any) -> Trust:
    """A trust file that lists the authority, recognised in CN for licenses, and ``others`` (``Authority``)."""
    anchor = root or pki.root(ca)
    known = replace(pki.recognition(ca, "CN"), authority=fingerprint(anchor), **(recognition or {}))
    authority = replace(pki.authority(ca, certificate=anchor), **file.pop("authority", {}))
    return f.make_trust(issued=NOW - DAY, authorities=(authority, *others), recognitions=(known,), **file)


def stamping(pki: Kit, ca: str, **changes: Any) -> Any:
    """An authority's own time-stamp service, as a trust file lists it."""
    tsa = pki.pki.certificate(ca, "tsa")
    return pki.authority(ca, **{"certificate": tsa, "service": "tsa", "name": f"TSA {ca}", **changes})
