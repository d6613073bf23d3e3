"""An issuing authority that two roots certify: any path that the trust file allows is enough."""

from __future__ import annotations

from typing import Any

import bundle_factory as f
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from ledger.core.registries import Kind
from ledger.core.trust import Trust
from ledger.core.trust_lists import DatedState
from ledger.core.verdicts import Indication, Step
from ledger.verification import verify

WITHDRAWN = (DatedState("granted", f.T - 1000), DatedState("withdrawn", f.T - 10))


def certified_by(root: str) -> bytes:
    """The issuing authority's name and key, certified by another root."""
    held, parent = f.certificate(f.ISSUING).x509, f.certificate(root)
    builder = x509.CertificateBuilder().subject_name(held.subject).issuer_name(parent.x509.subject)
    builder = builder.public_key(held.public_key()).serial_number(77)
    builder = builder.not_valid_before(held.not_valid_before_utc).not_valid_after(held.not_valid_after_utc)
    for extension in held.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(parent.key, hashes.SHA256()).public_bytes(Encoding.DER)


ACROSS = certified_by(f.STRANGER)
BOTH = tuple(sorted((f.certificate(f.ISSUING).der, ACROSS)))


def trust(root: dict[str, Any] | None = None, stranger: dict[str, Any] | None = None) -> Trust:
    """Both roots are listed and recognised, changed as told."""
    authorities = (f.make_authority(f.ROOT, **root or {}), f.make_authority(f.STRANGER, **stranger or {}))
    digests = (f.certificate(f.ROOT).sha256, f.certificate(f.STRANGER).sha256)
    recognitions = tuple(f.make_recognition(Kind.LICENSE, authority=digest) for digest in digests)
    return f.make_trust(authorities=authorities, recognitions=recognitions)


def judged(trusted: Trust, certificates: tuple[bytes, ...], *crls: bytes) -> tuple[Indication, set[str], list[str]]:
    bundle = f.issue(validation=f.validation(certificates=certificates, crls=tuple(sorted(crls))))
    report = verify(f.facts(f.stapled(bundle), trust=trusted))
    steps = {result.step: result for result in report.steps}
    codes = {finding.code for result in report.steps for finding in result.findings}
    return report.indication, codes, (steps[Step.PATH].proved or {}).get("authorities", [])


LEAF_LIST = f.crl(f.ISSUING)


def test_the_path_is_found_that_ends_in_the_authority_that_was_granted() -> None:
    across = (LEAF_LIST, f.crl(f.STRANGER))
    assert judged(trust(), (ACROSS,), *across)[0] is Indication.TOTAL_PASSED
    assert judged(trust(root={"states": WITHDRAWN}), (ACROSS,), *across)[2] == [f.STRANGER]
    indication, codes, _ = judged(trust(stranger={"states": WITHDRAWN}), (ACROSS,), *across)
    assert indication is Indication.TOTAL_FAILED and "PATH_AUTHORITY_NOT_GRANTED" in codes


def listed_with(**issuing: Any) -> Trust:
    listed = trust()
    recognitions = (*listed.recognitions, *issuing.pop("recognitions", ()))
    authorities = (*listed.authorities, f.make_authority(f.ISSUING, **issuing))
    return f.make_trust(authorities=authorities, recognitions=recognitions)


def test_an_authority_that_was_struck_does_not_come_back_as_anothers_subordinate() -> None:
    for certificates, issuer in (((f.certificate(f.ISSUING).der,), f.ROOT), ((ACROSS,), f.STRANGER)):
        indication, codes, _ = judged(listed_with(states=WITHDRAWN), certificates, LEAF_LIST, f.crl(issuer))
        assert indication is Indication.TOTAL_FAILED and "PATH_AUTHORITY_NOT_GRANTED" in codes


def test_an_authority_struck_under_one_certificate_stands_while_another_of_its_key_is_granted() -> None:
    listed, lists = trust(), (LEAF_LIST, f.crl(f.ROOT))
    struck = f.make_authority(f.ISSUING, states=WITHDRAWN)
    for state, expected in (("granted", Indication.TOTAL_PASSED), ("withdrawn", Indication.TOTAL_FAILED)):
        other = f.make_authority(certificate=ACROSS, states=(DatedState(state, f.T - 1000),))
        trusted = f.make_trust(authorities=(*listed.authorities, struck, other), recognitions=listed.recognitions)
        indication, codes, _ = judged(trusted, (f.certificate(f.ISSUING).der,), *lists)
        assert indication is expected, codes


def test_a_listed_authority_that_is_not_recognised_itself_stands_under_its_root() -> None:
    lists = (LEAF_LIST, f.crl(f.ROOT))
    indication, _, authorities = judged(listed_with(), (f.certificate(f.ISSUING).der,), *lists)
    assert (indication, authorities) == (Indication.TOTAL_PASSED, [f.ROOT])


def test_a_renewed_certificate_is_granted_where_the_old_one_is_not() -> None:
    renewed = f.renewed(f.ROOT)
    authorities = (f.make_authority(states=WITHDRAWN), f.make_authority(certificate=renewed.der))
    recognitions = tuple(
        f.make_recognition(Kind.LICENSE, authority=d) for d in (renewed.sha256, f.certificate(f.ROOT).sha256)
    )
    trusted = f.make_trust(authorities=authorities, recognitions=recognitions)
    indication, codes, _ = judged(trusted, (f.certificate(f.ISSUING).der,), LEAF_LIST, f.crl(f.ROOT))
    assert indication is Indication.TOTAL_PASSED, codes


@pytest.mark.parametrize(("known", "indication"), [(True, Indication.TOTAL_FAILED), (False, Indication.INDETERMINATE)])
def test_a_jurisdiction_of_which_the_file_knows_nothing_has_refused_nobody(known: bool, indication: Indication) -> None:
    policies = (f.make_policy(), *((f.make_policy(jurisdiction="HK"),) if known else ()))
    trusted = f.make_trust(policies=policies)
    report = verify(f.facts(f.stapled(), trust=trusted, jurisdiction="HK"))
    assert report.indication is indication
    found = {x.code for result in report.steps for x in result.findings}
    assert "PATH_NOT_RECOGNISED" in found and ("POLICY_UNKNOWN" in found) is not known


def test_an_intermediate_revoked_by_one_root_still_stands_under_the_other() -> None:
    revoked = f.crl(f.ROOT, f.T - 50, f.certificate(f.ISSUING).x509.serial_number)
    indication, codes, authorities = judged(trust(), BOTH, LEAF_LIST, revoked, f.crl(f.STRANGER))
    assert authorities == [f.STRANGER]
    # what belongs to the other path is slack; without it the record is good
    assert indication is Indication.TOTAL_FAILED and codes >= {"PATH_CERTIFICATE_UNUSED", "REVOCATION_UNUSED"}
    assert judged(trust(), (ACROSS,), LEAF_LIST, f.crl(f.STRANGER))[0] is Indication.TOTAL_PASSED


def test_a_fallen_key_is_fallen_on_every_path() -> None:
    fallen = f.make_authority(f.ISSUING, compromised_since=f.T - 100)
    listed = trust()
    trusted = f.make_trust(authorities=(*listed.authorities, fallen), recognitions=listed.recognitions)
    indication, codes, _ = judged(trusted, (ACROSS,), LEAF_LIST, f.crl(f.STRANGER))
    assert indication is Indication.TOTAL_FAILED and "PATH_AUTHORITY_COMPROMISED" in codes
