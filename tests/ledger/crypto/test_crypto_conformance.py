"""Requirements on an authority's certificates and lists, one by one: what breaks each, and how grave that is."""

from __future__ import annotations

from typing import Any

import pytest
from crypto_kit import DAY, NOW, crl, p256, usage
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st
from paths_kit import Party, issue, raw_extension, resigned

from ledger.crypto import der
from ledger.crypto.conformance.certificates import read, role_of
from ledger.crypto.conformance.findings import Entry, Fit, Material, Severity, exit_code
from ledger.crypto.conformance.material import check
from ledger.crypto.path_rules import KNOWN_CRITICAL

ROOT, ISSUING = Party("Root"), Party("Issuing")
OFFICE = Party("O=市民政局,2.5.4.97=11100000000013338W", p256())
AKI = x509.AuthorityKeyIdentifier.from_issuer_public_key(ISSUING.key.public_key())
LISTS_AT = x509.CRLDistributionPoints(
    [x509.DistributionPoint([x509.UniformResourceIdentifier("http://ca.example/1.crl")], None, None, None)]
)
ISSUER_AT = x509.AuthorityInformationAccess(
    [x509.AccessDescription(x509.OID_CA_ISSUERS, x509.UniformResourceIdentifier("http://ca.example/1.crt"))]
)
LINKS = (AKI, LISTS_AT, ISSUER_AT)


def identified(party: Party, *more: Any) -> tuple[Any, ...]:
    return (x509.SubjectKeyIdentifier.from_public_key(party.key.public_key()), *more)


ROOT_AKI = x509.AuthorityKeyIdentifier.from_issuer_public_key(ROOT.key.public_key())
ROOT_CERT = issue(ROOT, ROOT, *identified(ROOT), ca=True)
ISSUING_CERT = issue(ISSUING, ROOT, *identified(ISSUING, ROOT_AKI, LISTS_AT, ISSUER_AT), ca=True)
NUMBERED = ((x509.CRLNumber(7), False), (ROOT_AKI, False))
ROOT_LIST = crl("Root", ROOT.key, extensions=NUMBERED)
ISSUING_LIST = crl("Issuing", ISSUING.key, extensions=((x509.CRLNumber(7), False), (AKI, False)))


def judged(
    leaf: bytes, *lists: bytes, chain: tuple[bytes, ...] = (ROOT_CERT, ISSUING_CERT), **more: Any
) -> tuple[Fit, ...]:
    certificates = [Entry(f"ca{n}", data) for n, data in enumerate(chain)] + [Entry("leaf", leaf)]
    given = lists or (ROOT_LIST, ISSUING_LIST)
    entries = tuple(Entry(f"list{n}", data) for n, data in enumerate(given))
    return check(Material(tuple(certificates), entries, **more), NOW)


def unmet(findings: tuple[Fit, ...], about: str = "leaf") -> dict[str, str]:
    fits = (Severity.FITS,)
    return {f.code: f.severity.value for f in findings if f.about == about and f.severity not in fits}


def test_an_honest_certificate_fits() -> None:
    findings = judged(issue(OFFICE, ISSUING, *LINKS))
    remarks = {f.code for f in findings if f.severity is not Severity.FITS}
    assert remarks == {"CA_HAS_SAMPLE", "CA_HAS_TOKEN"} and exit_code(findings) == 0


def extended(*oids: str, critical: bool = False) -> tuple[Any, bool]:
    return x509.ExtendedKeyUsage([x509.ObjectIdentifier(o) for o in oids]), critical


STRANGE = (raw_extension("1.2.3.4", b"\x05\x00"), True)
OTHER_AKI = x509.AuthorityKeyIdentifier.from_issuer_public_key(p256().public_key())
LEAVES: dict[str, tuple[bytes, dict[str, str]]] = {
    "no links": (
        issue(OFFICE, ISSUING),
        {"CA_CERT_AKI": "remark", "CA_CERT_ADDRESS": "misfit", "CA_CERT_ISSUER_ADDRESS": "remark"},
    ),
    "another issuer's key identifier": (
        issue(OFFICE, ISSUING, OTHER_AKI, LISTS_AT, ISSUER_AT),
        {"CA_CERT_AKI_FITS": "misfit"},
    ),
    "for encryption, too": (
        issue(OFFICE, ISSUING, *LINKS, usage=usage("digital_signature", "key_encipherment")),
        {"CA_CERT_USAGE_APART": "remark"},
    ),
    "for logging in alone": (
        issue(OFFICE, ISSUING, *LINKS, extended("1.3.6.1.5.5.7.3.2")),
        {"CA_CERT_PURPOSE": "misfit", "CA_PATH": "misfit"},
    ),
    "a strange critical extension": (
        issue(OFFICE, ISSUING, *LINKS, STRANGE),
        {"CA_CERT_CRITICAL": "misfit", "CA_PATH": "misfit"},
    ),
    "expired": (issue(OFFICE, ISSUING, *LINKS, until=NOW - 1), {"CA_CERT_PERIOD": "remark"}),
    "nobody's number": (issue(Party("局"), ISSUING, *LINKS), {"CA_CERT_IDENTITY": "remark"}),
    "no name that can be shown": (
        issue(Party("2.5.4.97=11100000000013338W"), ISSUING, *LINKS),
        {"CA_CERT_ORGANISATION": "remark"},
    ),
    "a time-stamp authority whose purpose is not critical": (
        issue(OFFICE, ISSUING, *LINKS, extended("1.3.6.1.5.5.7.3.8")),
        {"CA_CERT_STAMPS": "misfit", "CA_PATH": "misfit"},
    ),
    "a responder that must be asked about itself": (
        issue(OFFICE, ISSUING, *LINKS, extended("1.3.6.1.5.5.7.3.9")),
        {"CA_CERT_NO_CHECK": "remark"},
    ),
    "signed by SHA-1": (
        resigned(
            issue(OFFICE, ISSUING, *LINKS),
            der.write(der.SEQUENCE, der.write_oid("1.2.840.10045.4.1")),
            lambda data: b"\x30\x06\x02\x01\x01\x02\x01\x01",
        ),
        {"CA_CERT_SCHEME": "misfit", "CA_PATH": "misfit"},
    ),
}


@pytest.mark.parametrize("what", LEAVES)
def test_a_requirement_that_is_not_met(what: str) -> None:
    leaf, expected = LEAVES[what]
    findings = judged(leaf)
    assert unmet(findings) == expected
    assert (exit_code(findings) == 1) == ("misfit" in expected.values())


def test_an_authority_that_may_not_sign() -> None:
    lame = issue(ISSUING, ROOT, *identified(ISSUING, ROOT_AKI, LISTS_AT, ISSUER_AT), ca=True, usage=usage("crl_sign"))
    findings = judged(issue(OFFICE, ISSUING, *LINKS), chain=(ROOT_CERT, lame))
    assert unmet(findings, "ca1") == {"CA_CERT_CERTIFIES": "misfit"}
    assert unmet(findings)["CA_PATH"] == "misfit"


def test_roles() -> None:
    found = [role_of(read(Entry("", data))) for data in (ROOT_CERT, ISSUING_CERT, issue(OFFICE, ISSUING))]
    assert found == ["root", "authority", "signing"]
    pair = issue(OFFICE, ISSUING, usage=usage("key_encipherment", "data_encipherment"))
    assert role_of(read(Entry("", pair))) == "encryption"


def test_extensions_that_may_be_critical_are_those_that_paths_understand() -> None:
    from asn1crypto.x509 import ExtensionId
    from pyhanko_certvalidator.validate import SUPPORTED_EXTENSIONS

    statements = {"qc_statements", "1.3.6.1.5.5.7.1.3"}  # the name is known once PDFs were read
    assert KNOWN_CRITICAL & statements
    names = {ExtensionId._map.get(oid, oid) for oid in KNOWN_CRITICAL}
    assert names | statements == SUPPORTED_EXTENSIONS | statements


LISTS: dict[str, tuple[bytes, dict[str, str]]] = {
    "neither number nor key identifier": (
        crl("Issuing", ISSUING.key),
        {"CA_CRL_NUMBER": "remark", "CA_CRL_AKI": "remark"},
    ),
    "another's key": (
        crl("Issuing", p256(), extensions=((x509.CRLNumber(7), False), (AKI, False))),
        {"CA_CRL_SIGNED": "misfit"},
    ),
    "a stranger's": (
        crl("Stranger", p256(), extensions=((x509.CRLNumber(7), False), (AKI, False))),
        {"CA_CRL_ISSUER": "missing"},
    ),
    "out of date": (
        crl("Issuing", ISSUING.key, NOW - 9 * DAY, NOW - DAY, extensions=((x509.CRLNumber(7), False), (AKI, False))),
        {"CA_CRL_CURRENT": "remark"},
    ),
    "a delta": (
        crl(
            "Issuing",
            ISSUING.key,
            extensions=((x509.CRLNumber(8), False), (AKI, False), (x509.DeltaCRLIndicator(7), True)),
        ),
        {"CA_CRL_WHOLE": "misfit"},
    ),
    "not a list": (b"\x30\x00", {"CA_CRL_READ": "misfit"}),
}


@pytest.mark.parametrize("what", LISTS)
def test_a_list_that_does_not_fit(what: str) -> None:
    data, expected = LISTS[what]
    assert unmet(judged(issue(OFFICE, ISSUING, *LINKS), ROOT_LIST, ISSUING_LIST, data), "list2") == expected


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 3), st.integers(0, 600), st.binary(min_size=1, max_size=3))
def test_hostile_material_raises_nothing(which: int, where: int, garbage: bytes) -> None:
    pieces = [ISSUING_CERT, issue(OFFICE, ISSUING, *LINKS), ISSUING_LIST, b""]
    where %= max(len(pieces[which]), 1)
    pieces[which] = pieces[which][:where] + garbage + pieces[which][where + len(garbage) :]
    issuing, leaf, listed, other = pieces
    extra = (Entry("other", other),)
    findings = judged(
        leaf, ROOT_LIST, listed, chain=(ROOT_CERT, issuing), responses=extra, tokens=extra, signatures=extra
    )
    assert exit_code(findings) == 1, "what is in it is not a response, a token or a signature"


OIDS = [*sorted(KNOWN_CRITICAL - {"2.5.29.15", "2.5.29.19"}), "1.2.156.10260.4.1.1", "1.2.156.1.8888.148"]


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(OIDS), st.binary(max_size=40), st.booleans())
def test_made_up_extensions_raise_nothing(oid: str, value: bytes, critical: bool) -> None:
    odd = (raw_extension(oid, value), critical)
    chain = (ROOT_CERT, issue(ISSUING, ROOT, odd, ca=True))
    assert judged(issue(OFFICE, ISSUING, odd), chain=chain)
