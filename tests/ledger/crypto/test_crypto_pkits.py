"""NIST's Public Key Interoperability Test Suite: 223 certificates made by others, each right or wrong in one way,
judged with all certificates and revocation lists at hand. Its data come with the package ``cryptography_vectors``."""

from __future__ import annotations

import importlib.util
from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from cryptography.utils import CryptographyDeprecationWarning
from key_kit import missing

from ledger.core.verdicts import Outcome
from ledger.crypto.certificates import comparable, read_certificate
from ledger.crypto.crls import list_issuer
from ledger.crypto.path_inquiry import inquire

NEW_YEAR_2025 = 1_735_689_600
VALID_BY_TEXT = {
    *("AllCertificatesNoPoliciesTest2", "AllCertificatesSamePoliciesTest10", "AllCertificatesSamePoliciesTest13"),
    *("AllCertificatesanyPolicyTest11", "AnyPolicyTest14", "CPSPointerQualifierTest20", "DifferentPoliciesTest3"),
    *(f"UserNoticeQualifierTest{n}" for n in range(15, 20)),
    *("OverlappingPoliciesTest6", "inhibitAnyPolicyTest3"),
}
"""Names that say nothing; by the suite's text valid where no policy is demanded. The others of such names are not."""
UNDETERMINED = {
    # a list signed by a key whose certificate is not in the path
    *("ValidBasicSelfIssuedCRLSigningKeyTest6", "ValidBasicSelfIssuedNewWithOldTest4"),
    "ValidSeparateCertificateandCRLKeysTest19",
    # indirect lists
    *(f"ValidIDPwithindirectCRLTest{n}" for n in (22, 24, 25)),
    *(f"ValidcRLIssuerTest{n}" for n in (28, 29, 30, 33)),
    # names of distribution points relative to an issuer
    *(f"ValiddistributionPointTest{n}" for n in (4, 5, 7)),
    # several lists that cover all reasons together
    *(f"ValidonlySomeReasonsTest{n}" for n in (18, 19)),
}
"""Valid, by means that FORMATS leaves out: then nothing is known of revocation, and that is said."""
DSA = {"ValidDSASignaturesTest4", "ValidDSAParameterInheritanceTest5"}
"""An algorithm that is none of ours."""


@dataclass(frozen=True)
class Suite:
    root: bytes
    leaves: dict[str, bytes]
    authorities: tuple[bytes, ...]
    lists: dict[Hashable, list[bytes]]


def folder() -> Path | None:
    found = importlib.util.find_spec("cryptography_vectors")
    return Path(found.origin).parent / "x509" / "PKITS_data" if found and found.origin else None


NAMES = sorted(path.stem[:-2] for path in (folder() or Path("/nowhere")).glob("certs/*EE.crt"))


@cache
def suite() -> Suite:
    place = folder()
    if place is None:
        missing("the package cryptography_vectors is not installed: pip install -r requirements-vectors.lock")
    certificates = {path.stem: path.read_bytes() for path in sorted(place.glob("certs/*.crt"))}
    lists: dict[Hashable, list[bytes]] = defaultdict(list)
    for path in sorted(place.glob("crls/*.crl")):
        if path.stem != "BadCRLSignatureCACRL":  # not DER: spare bits in the signature
            lists[list_issuer(path.read_bytes())].append(path.read_bytes())
    root = certificates.pop("TrustAnchorRootCertificate")
    del certificates["BadSignedCACert"]  # the same
    leaves = {name[:-2]: data for name, data in certificates.items() if name.endswith("EE")}
    return Suite(root, leaves, tuple(d for n, d in certificates.items() if not n.endswith("EE")), lists)


def test_the_suite_is_whole() -> None:
    found = suite()
    assert (len(found.leaves), len(NAMES), len(found.authorities)) == (223, 223, 180)
    assert {*VALID_BY_TEXT, *UNDETERMINED, *DSA} <= set(NAMES)


@pytest.mark.filterwarnings("ignore", category=CryptographyDeprecationWarning)  # numbers below zero, which are refused
@pytest.mark.parametrize("name", NAMES)
def test_each_certificate_is_judged_as_the_suite_says(name: str) -> None:
    found = suite()
    leaf = found.leaves[name]
    chains = inquire(leaf, found.authorities, [found.root], ((), ()), NEW_YEAR_2025).candidates
    issuers = {comparable(read_certificate(data).issuer) for chain in chains for data in chain.certificates}
    lists = [data for issuer in issuers for data in found.lists[issuer]]
    answer = inquire(leaf, found.authorities, [found.root], (lists, ()), NEW_YEAR_2025)
    if name in UNDETERMINED:
        assert answer.outcome is Outcome.UNDETERMINED
    elif name in DSA:
        assert answer.fault is not None and answer.fault.code == "PATH_ALGORITHM"
    elif name.startswith("Valid") or name in VALID_BY_TEXT:
        assert answer.outcome is Outcome.PASSED
    else:
        assert answer.outcome is not Outcome.PASSED
