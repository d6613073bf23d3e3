"""Step 12 over OCSP responses, data taken after the signature, and what became known only later."""

from __future__ import annotations

from typing import Any

import bundle_factory as f
import ocsp_kit as kit
import pytest
from authority_factory import moment
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from ledger.core.verdicts import Indication, Outcome, Step, StepResult
from ledger.crypto.paths import build_path
from ledger.verification import verify
from ledger.verification.case import Case, SignerPath, Times
from ledger.verification.report import Report
from ledger.verification.steps import step_12_revocation

OFFICE, ISSUING = f.leaf("A"), f.certificate(f.ISSUING)
LATER = f.T + 3600
ROOT_LATER = f.crl(f.ROOT, LATER)
NUMBER = OFFICE.x509.serial_number


def response(status: bytes = kit.GOOD, taken: int = f.T - 3600, until: int | None = f.T + 3600) -> bytes:
    about = kit.single(OFFICE.der, ISSUING.der, status, taken, until)
    return kit.response(ISSUING.der, kit.ecdsa(ISSUING.key), about, produced=taken)


def report(crls: tuple[bytes, ...] = (), ocsps: tuple[bytes, ...] = (), **policy: Any) -> Report:
    validation = f.validation(crls=tuple(sorted(crls)), ocsps=tuple(sorted(ocsps)))
    trust = f.make_trust(policies=(f.make_policy(**policy),))
    return verify(f.facts(f.stapled(f.issue(validation=validation)), trust=trust))


def step(found: Report) -> StepResult:
    return next(result for result in found.steps if result.step is Step.REVOCATION)


def codes(found: Report) -> list[str]:
    return [finding.code for finding in step(found).findings]


def test_response_in_the_place_of_a_list() -> None:
    found = report((f.crl(f.ROOT),), (response(),))
    assert (found.indication, codes(found)) == (Indication.TOTAL_PASSED, ["REVOCATION_PROVISIONAL"])


def test_later_data_satisfy_the_strict_policy_and_earlier_ones_do_not() -> None:
    assert codes(report((f.crl(f.ROOT),), (response(),), revocation="final")) == ["REVOCATION_FINAL_WANTED"]
    found = report((ROOT_LATER,), (response(taken=LATER, until=None),), revocation="final")
    assert (found.indication, codes(found)) == (Indication.TOTAL_PASSED, [])


def test_taking_out_what_says_revoked_leaves_the_question_open() -> None:
    said = response(kit.revoked(f.T - 5, 1))
    for ocsps, indication in (((said,), Indication.TOTAL_FAILED), ((), Indication.INDETERMINATE)):
        assert report((f.crl(f.ROOT),), ocsps).indication is indication


def test_unsuccessful_response_is_slack() -> None:
    silent = bytes.fromhex("30030a0103")
    assert codes(report((f.crl(f.ROOT), f.crl(f.ISSUING)), (silent,))) == [
        "REVOCATION_PROVISIONAL",
        "REVOCATION_UNUSED",
    ]


def test_forged_response_is_refused() -> None:
    about = kit.single(OFFICE.der, ISSUING.der, taken=f.T - 3600, until=f.T + 3600)
    forged = kit.response(ISSUING.der, kit.ecdsa(OFFICE.key), about)
    assert codes(report((f.crl(f.ROOT), f.crl(f.ISSUING)), (forged,))) == ["REVOCATION_DATA_REFUSED"]


def responder() -> tuple[Any, bytes]:
    """Key and certificate of a delegate that nobody need ask about."""
    key, issuing = ec.generate_private_key(ec.SECP256R1()), ISSUING.x509
    builder = x509.CertificateBuilder().issuer_name(issuing.subject).public_key(key.public_key()).serial_number(5)
    builder = builder.subject_name(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Responder")]))
    builder = builder.not_valid_before(moment(f.T - 10**6)).not_valid_after(moment(f.T + 10**6))
    every = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    every += ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    usage = x509.KeyUsage(**{name: name == "digital_signature" for name in every})
    for extension, critical in ((usage, True), *kit.OCSP_EKU, *kit.NO_CHECK):
        builder = builder.add_extension(extension, critical)
    return key, builder.sign(ISSUING.key, SHA256()).public_bytes(Encoding.DER)


@pytest.mark.parametrize("since", [None, f.T - 10**5, f.T + 10**5])
def test_a_responder_whose_key_the_trust_file_calls_fallen_proves_nothing(since: int | None) -> None:
    key, made = responder()
    about = kit.single(OFFICE.der, ISSUING.der, taken=f.T - 3600, until=f.T + 3600)
    said = kit.response(made, kit.ecdsa(key), about, produced=f.T - 3600, enclosed=(made,))
    listed = f.Authority("Responder", made, (f.DatedState("granted", 0),), since, "ocsp")
    trust = f.make_trust(authorities=(f.make_authority(), listed))
    bundle = f.issue(validation=f.validation(crls=(f.crl(f.ROOT),), ocsps=(said,)))
    found = verify(f.facts(f.stapled(bundle), trust=trust))
    expected = (Indication.TOTAL_PASSED, "REVOCATION_PROVISIONAL")
    if since is not None:
        expected = (Indication.INDETERMINATE, "REVOCATION_OCSP_RESPONDER_OPEN")
    assert (found.indication, *codes(found)) == expected


@pytest.mark.parametrize("by", ["list", "response"])
def test_revoked_afterwards_is_valid_then_and_says_so(by: str) -> None:
    if by == "list":
        found = report((ROOT_LATER, f.crl(f.ISSUING, LATER, NUMBER, f.T + 60)))
    else:
        found = report((ROOT_LATER,), (response(kit.revoked(f.T + 60, 1), LATER, None),))
    assert (found.indication, codes(found)) == (Indication.TOTAL_PASSED, ["REVOCATION_LATER"])
    (finding,) = step(found).findings
    assert finding.values["revoked"] == f.T + 60


def judged(token: int, revoked: int, reason: int) -> StepResult:
    """Step 12 of a bundle whose token says ``token`` and whose block says ``f.T``."""
    data = f.validation(crls=(ROOT_LATER,), ocsps=(response(kit.revoked(revoked, reason), LATER, None),))
    bundle = f.issue(validation=data)
    case = Case(f.facts(bundle), lambda *_: pytest.fail("no statement here"))
    path = build_path(OFFICE.der, [ISSUING.der], [f.certificate(f.ROOT).der], f.T)
    case.bundle, case.times = bundle, Times(f.T - 100, token, f.T)
    case.paths = (SignerPath(path, f.make_authority()),)
    return step_12_revocation.judge(case)


@pytest.mark.parametrize(
    ("revoked", "outcome", "code"),
    [
        (f.T - 50, Outcome.FAILED, "REVOCATION_REVOKED"),
        (f.T - 5, Outcome.UNDETERMINED, "REVOCATION_COMPROMISED"),
        (f.T, Outcome.UNDETERMINED, "REVOCATION_COMPROMISED"),
        (f.T + 1, Outcome.PASSED, "REVOCATION_LATER"),
    ],
)
def test_stolen_key_before_between_and_after_token_and_block(revoked: int, outcome: Outcome, code: str) -> None:
    found = judged(f.T - 20, revoked, 1)
    assert (found.outcome, [finding.code for finding in found.findings]) == (outcome, [code])


@pytest.mark.parametrize("reason", [2, 10], ids=["the authority's key", "an attribute authority's"])
def test_every_word_for_a_stolen_key_counts_as_one(reason: int) -> None:
    assert judged(f.T - 20, f.T - 5, reason).outcome is Outcome.UNDETERMINED


def test_other_reasons_between_token_and_block_are_merely_told() -> None:
    found = judged(f.T - 20, f.T - 5, 4)
    assert (found.outcome, [finding.code for finding in found.findings]) == (Outcome.PASSED, ["REVOCATION_LATER"])


def test_of_two_signers_the_one_without_data_does_not_hide_how_old_the_other_s_are() -> None:
    other = f.leaf("B")
    lists = (f.crl(f.ROOT, f.T - 1800), f.crl(f.STRANGER))
    bundle = f.issue(validation=f.validation(crls=tuple(sorted(lists)), ocsps=(response(),)))
    case = Case(f.facts(bundle), lambda *_: pytest.fail("no statement here"))
    case.bundle, case.times = bundle, Times(f.T - 100, f.T, f.T)
    root = f.certificate(f.ROOT).der
    paths = [build_path(leaf.der, [ISSUING.der], [root], f.T) for leaf in (OFFICE, other)]
    for order in (paths, paths[::-1]):
        case.paths = tuple(SignerPath(path, f.make_authority()) for path in order)
        found = step_12_revocation.judge(case)
        assert "REVOCATION_MISSING" in [finding.code for finding in found.findings]
        assert (found.outcome, found.proved) == (Outcome.FAILED, {"asOf": f.T - 3600})


def test_data_that_a_token_needs_are_not_slack() -> None:
    foreign = f.crl(f.STRANGER)
    bundle = f.issue(validation=f.validation(crls=tuple(sorted((f.crl(f.ROOT), f.crl(f.ISSUING), foreign)))))
    path = build_path(OFFICE.der, [ISSUING.der], [f.certificate(f.ROOT).der], f.T)
    for used, outcome in ((frozenset({foreign}), Outcome.PASSED), (frozenset[bytes](), Outcome.FAILED)):
        case = Case(f.facts(bundle), lambda *_: pytest.fail("no statement here"))
        case.bundle, case.times, case.used_validation = bundle, Times(f.T - 100, f.T, f.T), used
        case.paths = (SignerPath(path, f.make_authority()),)
        assert step_12_revocation.judge(case).outcome is outcome
