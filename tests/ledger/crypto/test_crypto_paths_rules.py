"""What a certificate path must obey, rule by rule (RFC 5280 section 6, RFC 5937, RFC 9336)."""

from __future__ import annotations

from contextlib import suppress

import pytest
from crypto_kit import CA_USAGE, DAY, NOW, usage
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st
from paths_kit import Party, issue, raw_extension, with_second

from ledger.crypto import der
from ledger.crypto.path_rules import LOGIN, OCSP_SIGNING, SIGNING, TIME_STAMPING, Purpose
from ledger.crypto.paths import CertificatePath, build_path
from ledger.errors import InputError

ROOT, ISSUING, OFFICE = Party("Root"), Party("Issuing"), Party("Office")
ROOT_CERT = issue(ROOT, ROOT, ca=True)
ISSUING_CERT = issue(ISSUING, ROOT, ca=True)
POLICY, OTHER_POLICY, ANY_POLICY = (x509.ObjectIdentifier(o) for o in ("1.2.156.1.1", "1.2.156.1.2", "2.5.29.32.0"))


def path(
    leaf: bytes | None = None,
    *others: bytes,
    anchors: tuple[bytes, ...] = (ROOT_CERT,),
    moment: int = NOW,
    purpose: Purpose = SIGNING,
) -> CertificatePath:
    return build_path(leaf or issue(OFFICE, ISSUING), others or [ISSUING_CERT], anchors, moment, purpose)


def fault(leaf: bytes | None = None, *others: bytes, **given: object) -> str:
    with pytest.raises(InputError) as caught:
        path(leaf, *others, **given)  # type: ignore[arg-type]
    assert "{" not in caught.value.text("zh") + caught.value.text("en")
    return caught.value.code


def policies(*found: x509.ObjectIdentifier) -> x509.CertificatePolicies:
    return x509.CertificatePolicies([x509.PolicyInformation(p, None) for p in found])


def names(permitted: list[x509.GeneralName] | None = None, excluded: list[x509.GeneralName] | None = None):  # type: ignore[no-untyped-def]
    return (x509.NameConstraints(permitted, excluded), True)


def directory(name: str) -> x509.GeneralName:
    return x509.DirectoryName(Party(name).dn)


# ---- name constraints (RFC 5280 sections 4.2.1.10 and 6.1.4 g)

CITY = Party("O=市民政局,L=Guangzhou,C=CN")
ELSEWHERE = Party("O=市民政局,L=Shenzhen,C=CN")


def test_an_authority_limited_to_a_city_certifies_there_only() -> None:
    limited = issue(ISSUING, ROOT, names(permitted=[directory("L=Guangzhou,C=CN")]), ca=True)
    assert path(issue(CITY, ISSUING), limited)
    assert fault(issue(ELSEWHERE, ISSUING), limited) == "PATH_INVALID"


def test_an_excluded_name_is_refused() -> None:
    limited = issue(ISSUING, ROOT, names(excluded=[directory("L=Shenzhen,C=CN")]), ca=True)
    assert path(issue(CITY, ISSUING), limited)
    assert fault(issue(ELSEWHERE, ISSUING), limited) == "PATH_INVALID"


def test_a_constraint_binds_all_below_and_can_only_narrow() -> None:
    middle = Party("O=Middle,L=Guangzhou,C=CN")
    limited = issue(ISSUING, ROOT, names(permitted=[directory("L=Guangzhou,C=CN")]), ca=True)
    widened = issue(middle, ISSUING, names(permitted=[directory("C=CN")]), ca=True)
    assert path(issue(CITY, middle), limited, widened)
    assert fault(issue(ELSEWHERE, middle), limited, widened) == "PATH_INVALID"


def test_alternative_names_are_names_too() -> None:
    limited = issue(ISSUING, ROOT, names(permitted=[x509.DNSName("gz.gov.cn")]), ca=True)
    inside = issue(OFFICE, ISSUING, x509.SubjectAlternativeName([x509.DNSName("mzj.gz.gov.cn")]))
    outside = issue(OFFICE, ISSUING, x509.SubjectAlternativeName([x509.DNSName("gz.gov.cn.evil.example")]))
    assert path(inside, limited)
    assert fault(outside, limited) == "PATH_INVALID"


def test_a_constraint_on_names_that_nobody_reads_is_refused_and_not_passed_over() -> None:
    import ipaddress

    network = x509.IPAddress(ipaddress.ip_network("10.0.0.0/8"))
    limited = issue(ISSUING, ROOT, names(permitted=[network]), ca=True)
    leaf = issue(OFFICE, ISSUING, x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("10.0.0.1"))]))
    assert fault(leaf, limited) == "PATH_INVALID"


def test_the_anchors_own_certificate_constrains_names_and_length() -> None:
    root = issue(ROOT, ROOT, names(permitted=[directory("L=Guangzhou,C=CN")]), ca=True, length=0)
    assert path(issue(CITY, ROOT), anchors=(root,))
    assert fault(issue(ELSEWHERE, ROOT), anchors=(root,)) == "PATH_INVALID"
    below = Party("O=Issuing,L=Guangzhou,C=CN")
    assert fault(issue(CITY, below), issue(below, ROOT, ca=True), anchors=(root,)) == "PATH_INVALID"
    barred = issue(ROOT, ROOT, names(excluded=[directory("L=Guangzhou,C=CN")]), ca=True)
    assert fault(issue(CITY, ROOT), anchors=(barred,)) == "PATH_INVALID"
    assert path(issue(ELSEWHERE, ROOT), anchors=(barred,))


def test_thousands_of_names_and_constraints_are_not_compared() -> None:
    many = [x509.DNSName(f"{n}.example") for n in range(200)]
    limited = issue(ISSUING, ROOT, names(excluded=[x509.DNSName(f"{n}.test") for n in range(200)]), ca=True)
    assert fault(issue(OFFICE, ISSUING, x509.SubjectAlternativeName(many)), limited) == "PATH_NAMES_MANY"
    assert path(issue(OFFICE, ISSUING, x509.SubjectAlternativeName(many[:10])), limited)
    assert path(issue(OFFICE, ISSUING, x509.SubjectAlternativeName(many)))


# ---- policies (sections 4.2.1.4, 4.2.1.11, 4.2.1.14)

EXPLICIT = x509.PolicyConstraints(require_explicit_policy=0, inhibit_policy_mapping=None)


def test_an_authority_that_demands_a_policy() -> None:
    strict = issue(ISSUING, ROOT, policies(POLICY), (EXPLICIT, True), ca=True)
    assert path(issue(OFFICE, ISSUING, policies(POLICY)), strict)
    assert fault(issue(OFFICE, ISSUING, policies(OTHER_POLICY)), strict) == "PATH_INVALID"
    assert fault(issue(OFFICE, ISSUING), strict) == "PATH_INVALID"


def test_any_policy_can_be_forbidden_below() -> None:
    inhibit = (x509.InhibitAnyPolicy(0), True)
    open_ = issue(ISSUING, ROOT, policies(POLICY), (EXPLICIT, True), ca=True)
    closed = issue(ISSUING, ROOT, policies(POLICY), (EXPLICIT, True), inhibit, ca=True)
    leaf = issue(OFFICE, ISSUING, policies(ANY_POLICY))
    assert path(leaf, open_)
    assert fault(leaf, closed) == "PATH_INVALID"


def mapping(of: x509.ObjectIdentifier, to: x509.ObjectIdentifier) -> x509.UnrecognizedExtension:
    pair = der.write(der.SEQUENCE, der.write_oid(of.dotted_string), der.write_oid(to.dotted_string))
    return raw_extension("2.5.29.33", der.write(der.SEQUENCE, pair))


def test_a_policy_of_another_jurisdiction_counts_where_it_is_mapped_and_mapping_is_allowed() -> None:
    mapped = issue(ISSUING, ROOT, policies(POLICY), mapping(POLICY, OTHER_POLICY), (EXPLICIT, True), ca=True)
    assert path(issue(OFFICE, ISSUING, policies(OTHER_POLICY)), mapped)
    assert fault(issue(OFFICE, ISSUING, policies(POLICY)), mapped) == "PATH_INVALID"
    top = Party("Top")
    no_mapping = x509.PolicyConstraints(require_explicit_policy=None, inhibit_policy_mapping=0)
    above = issue(top, ROOT, policies(POLICY), (no_mapping, True), ca=True)
    below = issue(ISSUING, top, policies(POLICY), mapping(POLICY, OTHER_POLICY), (EXPLICIT, True), ca=True)
    assert fault(issue(OFFICE, ISSUING, policies(OTHER_POLICY)), above, below) == "PATH_INVALID"


# ---- authorities (sections 4.2.1.3, 4.2.1.9, 6.1.4 k to o)


def test_an_intermediate_without_basic_constraints_is_no_authority() -> None:
    assert fault(None, issue(ISSUING, ROOT, basic=False, usage=CA_USAGE)) == "PATH_INVALID"
    assert fault(None, issue(ISSUING, ROOT, ca=False, usage=CA_USAGE)) == "PATH_INVALID"


def test_an_intermediate_whose_key_may_not_sign_certificates() -> None:
    assert fault(None, issue(ISSUING, ROOT, ca=True, usage=usage("crl_sign", "digital_signature"))) == "PATH_INVALID"


def test_path_length() -> None:
    middle = Party("Middle")
    for length, fits in ((0, False), (1, True)):
        chain = [issue(ISSUING, ROOT, ca=True, length=length), issue(middle, ISSUING, ca=True)]
        leaf = issue(OFFICE, middle)
        assert path(leaf, *chain) if fits else fault(leaf, *chain) == "PATH_INVALID"


def test_an_unknown_critical_extension_anywhere_below_the_anchor() -> None:
    odd = (raw_extension("1.2.3.4", b"\x05\x00"), True)
    assert fault(None, issue(ISSUING, ROOT, odd, ca=True)) == "PATH_INVALID"
    assert path(None, issue(ISSUING, ROOT, odd[0], ca=True)), "one that is not critical may be passed over"
    assert path(None, ISSUING_CERT, anchors=(issue(ROOT, ROOT, odd, ca=True),)), "an anchor is a name and a key"


def test_an_expired_intermediate_and_the_same_at_a_past_time() -> None:
    short = issue(ISSUING, ROOT, ca=True, until=NOW - 1)
    assert fault(None, short) == "PATH_EXPIRED"
    assert path(issue(OFFICE, ISSUING, since=NOW - DAY), short, moment=NOW - 1)
    assert fault(None, issue(ISSUING, ROOT, ca=True, since=NOW + 1)) == "PATH_NOT_YET_VALID"


def test_an_anchors_dates_are_the_trust_files() -> None:
    assert path(anchors=(issue(ROOT, ROOT, ca=True, until=NOW - 1),))


# ---- what the key is for (sections 4.2.1.3 and 4.2.1.12, RFC 9336, RFC 3161)


def extended(*oids: str, critical: bool = False) -> tuple[x509.ExtensionType, bool]:
    return x509.ExtendedKeyUsage([x509.ObjectIdentifier(o) for o in oids]), critical


DOCUMENTS, MAIL, CLIENT, SERVER, STAMPS, CODE = (f"1.3.6.1.5.5.7.3.{n}" for n in (36, 4, 2, 1, 8, 3))
ANY = "2.5.29.37.0"


@pytest.mark.parametrize(
    "found", [(DOCUMENTS,), (CLIENT, MAIL), (ANY,), (CLIENT, DOCUMENTS), ("1.3.6.1.4.1.311.10.3.12",)]
)
def test_extended_usages_that_allow_documents(found: tuple[str, ...]) -> None:
    assert path(issue(OFFICE, ISSUING, extended(*found)))


@pytest.mark.parametrize("found", [(CLIENT,), (SERVER, CLIENT), (STAMPS,), (CODE,)])
def test_extended_usages_that_do_not(found: tuple[str, ...]) -> None:
    assert fault(issue(OFFICE, ISSUING, extended(*found))) == "PATH_PURPOSE"


def test_a_key_for_logging_in_signs_nothing_but_a_challenge() -> None:
    leaf = issue(OFFICE, ISSUING, extended(CLIENT))
    assert path(leaf, purpose=LOGIN)
    assert fault(leaf) == "PATH_PURPOSE"


def test_an_authority_licensed_for_servers_only_certifies_no_office() -> None:
    assert fault(None, issue(ISSUING, ROOT, extended(SERVER), ca=True)) == "PATH_PURPOSE"
    for found in ((SERVER, DOCUMENTS), (ANY,)):
        assert path(None, issue(ISSUING, ROOT, extended(*found), ca=True))
    # of an anchor the trust file says what it is for
    assert path(anchors=(issue(ROOT, ROOT, extended(SERVER), ca=True),))


def test_a_time_stamping_certificate_is_for_nothing_else() -> None:
    stamps = issue(OFFICE, ISSUING, extended(STAMPS, critical=True))
    assert path(stamps, purpose=TIME_STAMPING)
    assert fault(stamps) == "PATH_PURPOSE"
    for found in (extended(STAMPS), extended(STAMPS, MAIL, critical=True), extended(ANY, critical=True)):
        assert fault(issue(OFFICE, ISSUING, found), purpose=TIME_STAMPING) == "PATH_PURPOSE"
    assert fault(purpose=TIME_STAMPING) == "PATH_PURPOSE", "without the extension it is no time-stamp authority"
    assert fault(stamps, purpose=OCSP_SIGNING) == "PATH_PURPOSE"


def test_an_encryption_certificate_of_a_pair_signs_nothing() -> None:
    both = usage("key_encipherment", "data_encipherment", "key_agreement")
    assert fault(issue(OFFICE, ISSUING, usage=both)) == "PATH_KEY_USAGE"


@pytest.mark.parametrize("first", [True, False])
def test_an_extension_that_stands_twice_says_nothing(first: bool) -> None:
    """An office that is an authority to one reader and none to another; a key that signs for one, and not for the
    other."""
    office = issue(ISSUING, ROOT, usage=usage("digital_signature", "key_cert_sign"))
    authority = der.write(der.SEQUENCE, der.write(0x01, b"\xff"))
    signing = der.write(der.BIT_STRING, b"\x06\xc0")
    encrypting = issue(OFFICE, ISSUING, usage=usage("key_encipherment"))
    cases = (
        (None, with_second(office, ROOT, "2.5.29.19", authority, first)),
        (with_second(encrypting, ISSUING, "2.5.29.15", signing, first), ISSUING_CERT),
    )
    for leaf, above in cases:
        assert fault(leaf, above) == "PATH_INVALID"


# ---- extensions whose contents somebody made up, signed all the same

NUMBERED = ("14", "17", "30", "31", "32", "33", "35", "36", "37", "46", "54")
SOUND = [
    der.write(der.SEQUENCE),
    der.write(der.SEQUENCE, der.write_oid("1.2.3")),
    der.write(der.SEQUENCE, der.write(der.SEQUENCE, der.write_oid("2.5.29.32.0"))),
    der.write(der.SEQUENCE, der.write(0x80, b"\x00")),
    der.write(der.SEQUENCE, der.write(0xA0, der.write(der.SEQUENCE, der.write(0x82, b"gz.gov.cn")))),
    der.write(der.SEQUENCE, der.write(0xA1, der.write(der.SEQUENCE, der.write(0xA4, der.write(der.SEQUENCE))))),
    der.write(der.INTEGER, b"\x00"),
    der.write(0x30, b"\x30" * 60),
]


@settings(deadline=None, max_examples=120)
@given(
    st.sampled_from(NUMBERED),
    st.binary(max_size=40) | st.sampled_from(SOUND),
    st.binary(max_size=3),
    st.booleans(),
    st.sampled_from(["leaf", "issuing", "anchor"]),
)
def test_made_up_extensions_raise_nothing_else(
    number: str, value: bytes, tail: bytes, critical: bool, where: str
) -> None:
    odd = (raw_extension(f"2.5.29.{number}", value + tail), critical)
    leaf, issuing, anchor = None, ISSUING_CERT, ROOT_CERT
    if where == "leaf":
        leaf = issue(OFFICE, ISSUING, odd)
    elif where == "issuing":
        issuing = issue(ISSUING, ROOT, odd, ca=True)
    else:
        anchor = issue(ROOT, ROOT, odd, ca=True)
    with suppress(InputError):
        path(leaf, issuing, anchors=(anchor,))
