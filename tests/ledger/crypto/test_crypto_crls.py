"""Certificate revocation lists: what one covers, what is read of it, and what must not be passed over."""

from __future__ import annotations

from typing import Any

import pytest
from crypto_kit import DAY, NOW, RSA_KEY, Chain, at, certificate, crl
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from paths_kit import Party, issue, raw_extension

from ledger.core.bundles import ValidationData
from ledger.crypto import der
from ledger.crypto.paths import CertificatePath, build_path
from ledger.crypto.revocation import judge
from ledger.errors import InputError

CHAIN = Chain()
PATH = build_path(CHAIN.leaf, [CHAIN.issuing], [CHAIN.root], NOW)
ROOT_CRL = crl("Root", CHAIN.root_key)
REASON, STRANGE = "2.5.29.21", "1.2.3.4"


def issuing_crl(**changes: Any) -> bytes:
    return crl("Issuing", CHAIN.issuing_key, **changes)


GOOD = issuing_crl()


def verdict(*crls: bytes, moment: int = NOW, path: CertificatePath = PATH) -> Any:
    return judge(path, ValidationData((), crls, ()), moment)


def refused(*crls: bytes, path: CertificatePath = PATH) -> str:
    with pytest.raises(InputError) as caught:
        verdict(*crls, path=path)
    return caught.value.code


def listed(*extensions: tuple[x509.ExtensionType, bool], serial: int = 1) -> x509.RevokedCertificate:
    """An entry, of a certificate that nobody asks about, with extensions and whether each is critical."""
    builder = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at(NOW - 5))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.build()


# ---- what a list covers


def point(**changes: Any) -> x509.IssuingDistributionPoint:
    parts: dict[str, Any] = dict.fromkeys(("full_name", "relative_name", "only_some_reasons"))
    parts |= dict.fromkeys(("only_contains_user_certs", "only_contains_ca_certs"), False)
    parts |= dict.fromkeys(("indirect_crl", "only_contains_attribute_certs"), False)
    return x509.IssuingDistributionPoint(**(parts | changes))


URL = [x509.UniformResourceIdentifier("http://crl.example/1.crl")]


@pytest.mark.parametrize(
    "extension",
    [
        x509.DeltaCRLIndicator(1),
        point(indirect_crl=True),
        point(only_contains_ca_certs=True),
        point(only_contains_attribute_certs=True),
        point(only_some_reasons=frozenset({x509.ReasonFlags.key_compromise})),
        point(full_name=URL),
        point(relative_name=x509.RelativeDistinguishedName([x509.NameAttribute(x509.NameOID.COMMON_NAME, "1")])),
        x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"),
    ],
)
def test_delta_indirect_and_partial_lists_do_not_count(extension: x509.ExtensionType) -> None:
    found = verdict(ROOT_CRL, issuing_crl(extensions=((extension, True),)))
    assert (found.outcome, found.code) == ("unknown", "REVOCATION_SCOPE")


def test_a_delta_list_that_calls_itself_uncritical_is_no_complete_one() -> None:
    delta = issuing_crl(extensions=((x509.DeltaCRLIndicator(1), False),))
    assert verdict(ROOT_CRL, delta).code == "REVOCATION_SCOPE"


def test_list_for_authorities_alone_covers_an_authority() -> None:
    authorities = ((point(only_contains_ca_certs=True), True),)
    assert verdict(crl("Root", CHAIN.root_key, extensions=authorities), GOOD).outcome == "good"


def test_list_for_users_covers_an_office_that_says_nothing_of_being_one() -> None:
    bare = issue(Party("Office", CHAIN.key), Party("Issuing", CHAIN.issuing_key), basic=False)
    path = build_path(bare, [CHAIN.issuing], [CHAIN.root], NOW)
    users = issuing_crl(extensions=((point(only_contains_user_certs=True), True),))
    assert verdict(ROOT_CRL, users, path=path).outcome == "good"


def test_list_for_users_alone_covers_an_office_and_not_an_authority() -> None:
    users = ((point(only_contains_user_certs=True), True),)
    assert verdict(ROOT_CRL, issuing_crl(extensions=users)).outcome == "good"
    assert verdict(crl("Root", CHAIN.root_key, extensions=users), GOOD).values == {"position": 1}


def test_partitioned_list_counts_where_the_certificate_names_it() -> None:
    elsewhere = x509.UniformResourceIdentifier("http://crl.example/2.crl")
    # a point may name nothing but who issues a list
    other = x509.DistributionPoint(None, None, None, [x509.DirectoryName(x509.Name([]))])
    named = x509.CRLDistributionPoints([other, x509.DistributionPoint([elsewhere, *URL], None, None, None)])
    leaf = certificate("Office", CHAIN.key.public_key(), "Issuing", CHAIN.issuing_key, extensions=((named, False),))
    path = build_path(leaf, [CHAIN.issuing], [CHAIN.root], NOW)
    partition = issuing_crl(extensions=((point(full_name=URL), True),))
    assert verdict(ROOT_CRL, partition, path=path).outcome == "good"
    third = [x509.UniformResourceIdentifier("http://crl.example/3.crl")]
    foreign = issuing_crl(extensions=((point(full_name=third), True),))
    assert verdict(ROOT_CRL, foreign, path=path).code == "REVOCATION_SCOPE"


def test_unknown_critical_entry_extension_forbids_the_list() -> None:
    issuer = x509.CertificateIssuer([x509.DirectoryName(x509.Name([]))])
    foreign = (
        x509.RevokedCertificateBuilder().serial_number(1).revocation_date(at(NOW)).add_extension(issuer, True).build()
    )
    assert verdict(ROOT_CRL, issuing_crl(revoked=(foreign,))).code == "REVOCATION_SCOPE"


# ---- what may be passed over, and what not


def test_what_is_known_may_be_critical_and_what_is_unknown_may_not() -> None:
    known = (
        (x509.AuthorityKeyIdentifier(b"key", None, None), True),
        (x509.CRLNumber(7), True),
        (raw_extension(STRANGE, b"\x05\x00"), False),
    )
    assert verdict(ROOT_CRL, issuing_crl(extensions=known)).outcome == "good"
    reason, date = x509.CRLReason(x509.ReasonFlags.superseded), x509.InvalidityDate(at(NOW - 9))
    for extensions in (((reason, True), (date, True)), ((raw_extension(STRANGE, b"\x05\x00"), False),)):
        assert verdict(ROOT_CRL, issuing_crl(revoked=(listed(*extensions),))).outcome == "good"


def test_an_entry_with_something_unknown_beside_it_is_still_a_revocation() -> None:
    serial = x509.load_der_x509_certificate(CHAIN.leaf).serial_number
    odd = listed((raw_extension(STRANGE, b"\x05\x00"), False), serial=serial)
    assert verdict(ROOT_CRL, issuing_crl(revoked=(odd,))).outcome == "revoked"


@pytest.mark.parametrize("where", ["list", "entry"])
def test_an_extension_that_cannot_be_read_is_refused_and_no_fault(where: str) -> None:
    """In a list of somebody else, too: what it says is told by nobody else."""
    broken = (raw_extension(REASON if where == "entry" else "2.5.29.28", b"\xff"), False)
    changes: dict[str, Any] = {"revoked": (listed(broken),)} if where == "entry" else {"extensions": (broken,)}
    assert refused(ROOT_CRL, issuing_crl(**changes)) == "REVOCATION_CRL_SYNTAX"


def resigned(data: bytes, fields: list[bytes], key: Any = CHAIN.issuing_key) -> bytes:
    """A list of these fields with the algorithm of ``data``, signed anew."""
    algorithm, content = der.read(data, der.SEQUENCE).children()[1].outer, der.write(der.SEQUENCE, *fields)
    signature = key.sign(content, ec.ECDSA(SHA256()))
    return der.write(der.SEQUENCE, content, algorithm, der.write(der.BIT_STRING, b"\0", signature))


def test_a_list_without_an_end_never_stays_current() -> None:
    def endless(data: bytes) -> bytes:
        fields = [field.outer for field in der.read(data, der.SEQUENCE).children()[0].children()]
        return resigned(data, [*fields[:4], *fields[5:]])

    assert verdict(ROOT_CRL, endless(GOOD)).code == "REVOCATION_EXPIRED"
    assert verdict(ROOT_CRL, endless(issuing_crl(taken=NOW + DAY))).outcome == "good"


def test_spare_bits_of_a_signature_are_refused_before_a_library_passes_over_them() -> None:
    signed, algorithm, signature = der.read(GOOD, der.SEQUENCE).children()
    spare = der.write(der.BIT_STRING, b"\x01", signature.content[1:])
    assert refused(ROOT_CRL, der.write(der.SEQUENCE, signed.outer, algorithm.outer, spare)) == "REVOCATION_CRL_SYNTAX"


# ---- who signed it


def test_an_algorithm_outside_the_signature_repeats_the_one_inside() -> None:
    """RSA with and without NULL is one scheme: the bytes that no signature covers could be changed unnoticed."""
    root = certificate("Root", RSA_KEY.public_key(), "Root", RSA_KEY, ca=True, key_usage=None)
    leaf = certificate("Office", CHAIN.key.public_key(), "Root", RSA_KEY)
    path = build_path(leaf, [], [root], NOW)
    whole = crl("Root", RSA_KEY)
    assert verdict(whole, path=path).outcome == "good"  # an issuer without key usage may sign lists
    signed, algorithm, signature = der.read(whole, der.SEQUENCE).children()
    bare = der.write(der.SEQUENCE, algorithm.children()[0].outer)
    assert refused(der.write(der.SEQUENCE, signed.outer, bare, signature.outer), path=path) == "REVOCATION_CRL_SYNTAX"
