"""One identity, whoever issued the certificate; what people are shown of a certificate."""

from __future__ import annotations

import pytest
from crypto_kit import DAY, NOW, p256
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st
from paths_kit import Party, issue, raw_extension

from ledger.crypto import der
from ledger.crypto.certificate_facts import extensions_of, facts_of, is_authority, shown_name
from ledger.crypto.certificates import fingerprint, read_certificate
from ledger.crypto.subject_identity import SubjectIdentity, identities_of, identity_of
from ledger.errors import InputError

CA, KEY = Party("Authority"), p256()
CODE, OTHER_CODE = "11100000000013338W", "91610800064834709T"
PERSON = "11010519491231002X"  # the specimen of GB 11643


class Named(Party):
    def __init__(self, *attributes: tuple[str, str]) -> None:
        super().__init__("", KEY)
        object.__setattr__(self, "attributes", attributes)

    @property
    def dn(self) -> x509.Name:
        listed = self.attributes or (("2.5.4.10", "局"),)  # type: ignore[attr-defined]
        return x509.Name([x509.NameAttribute(x509.ObjectIdentifier(oid), value) for oid, value in listed])


def bearing(*extensions: tuple[str, bytes], subject: tuple[tuple[str, str], ...] = ()) -> bytes:
    return issue(Named(*subject), CA, *(raw_extension(oid, value) for oid, value in extensions))


def text(value: str, tag: int = 0x0C) -> bytes:
    return der.write(tag, value.encode())


WRITTEN = {
    "GM/T 0015-2023": bearing(("1.2.156.10260.4.4", text(CODE))),
    "in the place of the organisation code": bearing(("1.2.156.10260.4.1.4", text(CODE, 0x13))),
    "without any DER": bearing(("1.2.156.10260.4.1.4", CODE.encode())),
    "tagged as GB/T 20518 does": bearing(
        ("1.2.156.10260.4.1.4", der.write(der.SEQUENCE, der.write(0x80, CODE.encode())))
    ),
    "as the register's number": bearing(("1.2.156.10260.4.1.3", text(CODE))),
    "of the RSA profile": bearing(("1.2.86.11.7.4", text(CODE, 0x16))),
    "with a tag of the authority": bearing(("1.2.156.112562.2.1.1.1", text("JJ" + CODE))),
    "organizationIdentifier": bearing(subject=(("2.5.4.97", CODE),)),
    "organizationIdentifier of ETSI": bearing(subject=(("2.5.4.97", "NTRCN-" + CODE),)),
    "in two places": bearing(("1.2.156.10260.4.1.4", text(CODE)), subject=(("2.5.4.97", "VATCN-" + CODE),)),
    "beside its organisation code": bearing(("1.2.156.10260.4.4", text(CODE)), ("1.2.86.11.7.3", text(CODE[8:17]))),
}


@pytest.mark.parametrize("how", WRITTEN)
def test_an_organisation_is_the_same_whoever_issued_the_certificate(how: str) -> None:
    found = identity_of(WRITTEN[how])
    assert (found.kind, found.scheme, found.value) == ("organisation", "uscc", CODE)


PERSONS = {
    "GM/T 0015-2023": bearing(("1.2.156.10260.4.1.1.1", text(PERSON))),
    "GM/T 0015-2012": bearing(("1.2.156.10260.4.1.1", der.write(0x80, PERSON.encode()))),
    "explicitly tagged": bearing(("1.2.156.10260.4.1.1", der.write(0xA0, text(PERSON, 0x13)))),
    "SF": bearing(("1.2.86.11.7.1.8", text("SF" + PERSON))),
    "SF with a digit": bearing(("1.2.156.1.8888.148", text("SF0" + PERSON))),
    "with numbers of forms": bearing(("1.2.156.112562.2.1.1.1", text("1@5007SF0" + PERSON))),
    "lower case": bearing(("1.2.156.10260.4.1.1", text(PERSON.lower()))),
    "ETSI": bearing(subject=(("2.5.4.5", "IDCCN-" + PERSON),)),
}


@pytest.mark.parametrize("how", PERSONS)
def test_a_person_is_the_same_whoever_issued_the_certificate(how: str) -> None:
    found = identity_of(PERSONS[how])
    assert (found.kind, found.scheme, found.value) == ("person", "citizenNumber", PERSON)


def test_the_number_of_a_person_is_not_shown() -> None:
    found = identity_of(PERSONS["SF"])
    assert PERSON not in repr(found) and found.source == "1.2.86.11.7.1.8"


def test_people_and_organisations_of_other_countries() -> None:
    assert identity_of(bearing(subject=(("2.5.4.5", "IDCHK-A1234567"),))) == SubjectIdentity(
        "person", "IDCHK", "A1234567", "2.5.4.5"
    )
    abroad = identity_of(bearing(subject=(("2.5.4.97", "VATDE-123456789"),)))
    assert (abroad.kind, abroad.scheme, abroad.value) == ("organisation", "VATDE", "123456789")
    passport = identity_of(bearing(("1.2.156.10260.4.1.1.2", text("E12345678"))))
    assert (passport.kind, passport.scheme) == ("person", "passport")


def test_an_old_organisation_code() -> None:
    found = identity_of(bearing(("1.2.156.10260.4.1.4", text(f"{CODE[8:16]}-{CODE[16]}"))))
    assert (found.scheme, found.value) == ("organisationCode", CODE[8:17])


def test_whoever_works_for_an_organisation_is_both_and_the_caller_says_which() -> None:
    both = bearing(("1.2.156.10260.4.1.1", text(PERSON)), ("1.2.156.10260.4.1.4", text(CODE)))
    assert identity_of(both, "person").value == PERSON
    assert identity_of(both, "organisation").value == CODE
    with pytest.raises(InputError, match="IDENTITY_AMBIGUOUS"):
        identity_of(both)


CONTRADICTIONS = [
    bearing(("1.2.156.10260.4.4", text(CODE)), ("1.2.156.10260.4.1.4", text(OTHER_CODE))),
    bearing(("1.2.156.10260.4.4", text(CODE)), ("1.2.86.11.7.3", text(OTHER_CODE[8:17]))),
    bearing(("1.2.156.10260.4.4", text(CODE)), subject=(("2.5.4.97", "NTRCN-" + OTHER_CODE),)),
]


@pytest.mark.parametrize("certificate", CONTRADICTIONS)
def test_numbers_that_contradict_each_other_are_no_identity(certificate: bytes) -> None:
    with pytest.raises(InputError, match="IDENTITY_AMBIGUOUS"):
        identity_of(certificate)


NOTHING = {
    "none": bearing(),
    "a wrong check character": bearing(("1.2.156.10260.4.4", text(CODE[:-1] + "A"))),
    "a person's wrong check character": bearing(("1.2.156.10260.4.1.1", text(PERSON[:-1] + "0"))),
    "a number in the middle": bearing(("1.2.156.10260.4.4", text(CODE + "X"))),
    "a person where organisations stand": bearing(("1.2.156.10260.4.4", text(PERSON))),
    "empty": bearing(("1.2.156.10260.4.4", b"")),
    "an unknown extension": bearing(("1.2.3.4", text(CODE))),
    "the name of the organisation": bearing(subject=(("2.5.4.10", CODE),)),
}


@pytest.mark.parametrize("how", NOTHING)
def test_what_is_no_identity(how: str) -> None:
    with pytest.raises(InputError, match="IDENTITY_NONE"):
        identity_of(NOTHING[how])


def test_an_extension_twice_is_refused() -> None:
    once = bearing(("1.2.156.10260.4.4", text(CODE)))
    signed, *rest = der.read(once, der.SEQUENCE).children()
    fields = signed.children()
    listed = der.read(fields[-1].content, der.SEQUENCE).children()
    twice = der.write(0xA3, der.write(der.SEQUENCE, *(e.outer for e in listed), listed[-1].outer))
    content = der.write(der.SEQUENCE, *(f.outer for f in fields[:-1]), twice)
    with pytest.raises(InputError, match="CERTIFICATE_EXTENSION_TWICE"):
        identities_of(der.write(der.SEQUENCE, content, *(r.outer for r in rest)))


@settings(deadline=None, max_examples=80)
@given(st.binary(max_size=80) | st.text(max_size=40).map(lambda t: der.write(0x0C, t.encode("utf-8", "ignore"))))
def test_hostile_values_name_nobody_and_raise_nothing_else(value: bytes) -> None:
    found = identities_of(bearing(("1.2.156.10260.4.1.1", value), ("1.2.156.1.8888.148", value)))
    assert all(i.value.encode() in value.upper() for i in found)


# ---- what is shown


def test_facts_of_a_certificate() -> None:
    made = bearing(subject=(("2.5.4.6", "CN"), ("2.5.4.10", "市民政局"), ("1.2.3.4", "x")))
    found = facts_of(made)
    assert found.subject == "C=CN, O=市民政局, 1.2.3.4=x"
    assert (found.issuer, found.key, found.signature) == ("O=Authority", "ecdsa-p256", "ecdsa-sha256")
    assert (found.not_before, found.not_after) == (NOW - DAY, NOW + 365 * DAY)
    assert found.to_json()["sha256"] == fingerprint(made).hex()
    assert extensions_of(made)["2.5.29.19"].critical and not is_authority(made)


def test_a_name_cannot_write_its_own_verdict() -> None:
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "局\u202e\n✓")])
    assert "\n" not in shown_name(name.public_bytes()) and "\u202e" not in shown_name(name.public_bytes())


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 400), st.binary(min_size=1, max_size=3))
def test_hostile_certificates_are_refused(where: int, garbage: bytes) -> None:
    base = WRITTEN["in two places"]
    where %= len(base)
    bad = base[:where] + garbage + base[where + len(garbage) :]
    for read in (facts_of, extensions_of, is_authority, identities_of, read_certificate):
        try:
            read(bad)
        except InputError as error:
            assert error.code in ("CERTIFICATE_SYNTAX", "CERTIFICATE_EXTENSION_TWICE")


@given(st.lists(st.integers(0, 2**40), min_size=0, max_size=5), st.sampled_from(["1.2", "2.5", "2.999", "0.9"]))
def test_object_identifiers_come_back(arcs: list[int], start: str) -> None:
    dotted = ".".join([start, *map(str, arcs)])
    assert der.read_oid(der.read(der.write_oid(dotted), der.OID)) == dotted


@pytest.mark.parametrize("body", [b"", b"\x80\x01", b"\x2a\x80\x01", b"\x2a\x81", bytes(65)])
def test_object_identifiers_have_one_spelling(body: bytes) -> None:
    with pytest.raises(InputError, match="DER_SHAPE"):
        der.read_oid(der.Element(der.OID, body, b""))
