"""Step 5, binding. Stops: a record of office B under the manifest of office A, a consent in a batch of
licenses, a manifest signed for another event or another chain. Hashes alone compare none of these (one code a
pair)."""

from __future__ import annotations

from ledger.core.bundles import Bundle
from ledger.core.identifiers import organisation_bytes32
from ledger.core.verdicts import Finding, Outcome, Step, StepResult, failed, noted, undetermined
from ledger.crypto.cms import CmsSignature
from ledger.proofs.events import AnchoredEvent
from ledger.verification.blocks import find_chain
from ledger.verification.case import Case, concluded, need

STEP = Step.BINDING


def judge(case: Case) -> StepResult:
    """Issuer, kind, type, chain, batch and signing certificates are the same wherever they are named.

    Runs after steps 6 to 8, which read the signatures and the event. What these could not read is left out
    here; if nothing contradicts then, the step is skipped and not passed, since not every pair was compared.
    """
    bundle = need(case.bundle, Step.CONTAINER)
    findings = _in_bundle(bundle)
    if find_chain(case.facts.trust, bundle.manifest.chain) is None:
        findings.append(undetermined("BINDING_CHAIN_UNKNOWN", **_chain_values(bundle)))
    if case.event is not None:
        findings += _with_event(bundle, case.event)
        if case.signatures is not None:
            findings += _signers(bundle, case.signatures, case.event)
    if not findings and (case.event is None or case.signatures is None):
        absent = Step.ANCHOR if case.event is None else Step.SIGNATURE
        return StepResult(STEP, Outcome.SKIPPED, (noted("STEP_NEEDS_EARLIER", step=absent.value),))
    return concluded(STEP, findings)


def _in_bundle(bundle: Bundle) -> list[Finding]:
    record, manifest, accreditation = bundle.record, bundle.manifest, bundle.anchor.accreditation
    found = []
    if record.issuer != manifest.issuer:
        found.append(failed("BINDING_ISSUER_MANIFEST", record=record.issuer, manifest=manifest.issuer))
    if record.kind is not manifest.kind:
        found.append(failed("BINDING_KIND_MANIFEST", record=record.kind.word, manifest=manifest.kind.word))
    if record.suite is not manifest.suite:
        found.append(failed("BINDING_SUITE_MANIFEST", record=record.suite.word, manifest=manifest.suite.word))
    if record.type not in dict(manifest.counts):
        found.append(failed("BINDING_TYPE_MANIFEST", type=record.type))
    if accreditation is None:
        return found
    if accreditation.organisation != manifest.issuer:
        values = {"manifest": manifest.issuer, "accreditation": accreditation.organisation}
        found.append(failed("BINDING_ISSUER_ACCREDITATION", **values))
    if accreditation.kind is not manifest.kind:
        values = {"manifest": manifest.kind.word, "accreditation": accreditation.kind.word}
        found.append(failed("BINDING_KIND_ACCREDITATION", **values))
    if not accreditation.covers(record.type):
        found.append(failed("BINDING_TYPE_ACCREDITATION", type=record.type))
    return found


def _with_event(bundle: Bundle, event: AnchoredEvent) -> list[Finding]:
    manifest = bundle.manifest
    pairs = [
        ("BINDING_ISSUER_EVENT", organisation_bytes32(manifest.issuer), event.issuer),
        ("BINDING_KIND_EVENT", manifest.kind.value, event.kind),
        ("BINDING_SUITE_EVENT", manifest.suite.value, event.suite),
        ("BINDING_SIZE_EVENT", manifest.size, event.size),
        ("BINDING_ROOT_EVENT", manifest.root, event.root),
        ("BINDING_MANIFEST_EVENT", manifest.sha256(), event.manifest_sha256),
        ("BINDING_SM3_EVENT", manifest.sm3(), event.manifest_sm3),
    ]
    return [failed(code, manifest=_shown(a), event=_shown(b)) for code, a, b in pairs if a != b]


def _signers(bundle: Bundle, signatures: tuple[CmsSignature, ...], event: AnchoredEvent) -> list[Finding]:
    """Certificates as sets. With fewer signatures than expected (step 6) those present must be among the
    named."""
    signed, named = {s.certificate_sha256 for s in signatures}, set(event.signers)
    complete = len(signatures) >= bundle.manifest.expects.signatures
    if (signed == named) if complete else (signed <= named):
        return []
    shown = {"signatures": sorted(d.hex() for d in signed), "event": sorted(d.hex() for d in named)}
    return [failed("BINDING_SIGNERS_EVENT", **shown)]


def _chain_values(bundle: Bundle) -> dict[str, object]:
    chain = bundle.manifest.chain
    return {"chain": chain.id, "genesis": chain.genesis.hex(), "records": chain.records.hex()}


def _shown(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else value
