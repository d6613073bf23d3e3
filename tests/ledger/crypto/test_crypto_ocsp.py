"""OCSP in the judgement of revocation: whose word counts, for how long, and what must never pass for "good"."""

from __future__ import annotations

from typing import Any

import ocsp_kit as kit
import pytest
from crypto_kit import CA_USAGE, DAY, DER, NOW, RSA_KEY, Chain, at, certificate, crl, entry, p256, usage
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.x509 import ocsp as library
from cryptography.x509.oid import AuthorityInformationAccessOID
from hypothesis import given, settings
from hypothesis import strategies as st
from sm2_kit import Sm2Chain, missing, sm2_certificate

from ledger.core.bundles import ValidationData
from ledger.crypto import der, sm2
from ledger.crypto.ocsp import make_request, read_response, with_certificates
from ledger.crypto.paths import CertificatePath, build_path
from ledger.crypto.revocation import infos_about, judge
from ledger.crypto.revocation_info import read_subject
from ledger.errors import ConfigError, InputError, message

CHAIN = Chain()
PATH = build_path(CHAIN.leaf, [CHAIN.issuing], [CHAIN.root], NOW)
ROOT_CRL = crl("Root", CHAIN.root_key)
LATER = NOW + DAY
SIGN = kit.ecdsa(CHAIN.issuing_key)


def delegate(public: Any, issuer: str, key: Any, **changes: Any) -> bytes:
    """A responder's certificate with id-pkix-ocsp-nocheck, unless ``extensions`` says otherwise."""
    return certificate("Responder", public, issuer, key, **({"extensions": kit.OCSP_EKU + kit.NO_CHECK} | changes))


RESPONDER_KEY = p256()
RESPONDER = delegate(RESPONDER_KEY.public_key(), "Issuing", CHAIN.issuing_key)


def of_issuer(status: bytes = kit.GOOD, enclosed: tuple[bytes, ...] = (), **changes: Any) -> bytes:
    """A response about the office, by its CA itself."""
    outer = {name: changes.pop(name) for name in ("produced", "by_key", "algorithm") if name in changes}
    about = kit.single(CHAIN.leaf, CHAIN.issuing, status, **changes)
    return kit.response(CHAIN.issuing, SIGN, about, enclosed=enclosed, **outer)


def of_delegate(
    responder: bytes = RESPONDER, enclosed: tuple[bytes, ...] | None = None, key: Any = RESPONDER_KEY, **changes: Any
) -> bytes:
    about = kit.single(CHAIN.leaf, CHAIN.issuing, **changes)
    return kit.response(responder, kit.ecdsa(key), about, enclosed=(responder,) if enclosed is None else enclosed)


def verdict(
    *ocsps: bytes, crls: tuple[bytes, ...] = (ROOT_CRL,), moment: int = NOW, path: CertificatePath = PATH
) -> Any:
    found = judge(path, ValidationData((), crls, tuple(ocsps)), moment)
    for language in ("zh", "en"):
        assert "{" not in message(found.code, language, found.values)
    return found


def refused(*ocsps: bytes, **more: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        verdict(*ocsps, **more)
    assert "{" not in caught.value.text("zh")
    return caught.value


# ---- what counts as good -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hash_", ["sha1", "sha256", "sm3"])
@pytest.mark.parametrize("by_key", [None, "sha1", "sm3"])
def test_current_response_of_the_issuer_is_good_but_provisional(hash_: str, by_key: str | None) -> None:
    found = verdict(of_issuer(hash_=hash_, by_key=by_key))
    assert (found.outcome, found.code, found.as_of, found.unused) == ("good", "REVOCATION_PROVISIONAL", NOW - 100, ())


def test_response_taken_later_is_final() -> None:
    found = verdict(of_issuer(taken=LATER, until=None), crls=(crl("Root", CHAIN.root_key, taken=LATER),))
    assert (found.outcome, found.code, found.provisional) == ("good", "REVOCATION_GOOD", False)


def test_ocsp_for_every_certificate_needs_no_list() -> None:
    root = kit.response(CHAIN.root, kit.ecdsa(CHAIN.root_key), kit.single(CHAIN.issuing, CHAIN.root))
    assert verdict(of_issuer(), root, crls=()).outcome == "good"


def test_one_response_for_several_certificates_of_one_issuer() -> None:
    other = certificate("Other", p256().public_key(), "Issuing", CHAIN.issuing_key)
    both = kit.single(other, CHAIN.issuing, kit.revoked(NOW - 5)), kit.single(CHAIN.leaf, CHAIN.issuing)
    assert verdict(kit.response(CHAIN.issuing, SIGN, *both)).outcome == "good"


def test_response_without_an_end_never_stays_current() -> None:
    found = verdict(of_issuer(until=None))
    assert (found.outcome, found.code) == ("unknown", "REVOCATION_EXPIRED")


def test_response_that_ended_is_not_current() -> None:
    assert verdict(of_issuer(until=NOW)).code == "REVOCATION_EXPIRED"


def test_response_of_the_library() -> None:
    leaf, issuing = (x509.load_der_x509_certificate(each) for each in (CHAIN.leaf, CHAIN.issuing))
    status = library.OCSPCertStatus.GOOD
    builder = library.OCSPResponseBuilder().add_response(
        leaf, issuing, SHA256(), status, at(NOW - 100), at(NOW + DAY), None, None
    )
    made = builder.responder_id(library.OCSPResponderEncoding.HASH, issuing).sign(CHAIN.issuing_key, SHA256())
    found = verdict(made.public_bytes(DER))
    assert found.outcome == "good"


def test_response_taken_after_the_certificate_expired_says_nothing_unless_it_looks_back_far_enough() -> None:
    taken = NOW + 400 * DAY
    assert verdict(of_issuer(taken=taken, until=None)).code == "REVOCATION_EXPIRED"
    for cutoff, outcome in ((NOW + 300 * DAY, "good"), (NOW + 366 * DAY, "unknown")):
        kept = kit.extension("1.3.6.1.5.5.7.48.1.6", kit.time(cutoff))
        assert verdict(of_issuer(taken=taken, until=None, extensions=(kept,))).outcome == outcome


# ---- what must never pass for good ---------------------------------------------------------------------------------


def test_certificate_that_names_no_address_is_not_thereby_good() -> None:
    with pytest.raises(x509.ExtensionNotFound):
        read_subject(CHAIN.leaf).x509.extensions.get_extension_for_class(x509.AuthorityInformationAccess)
    assert verdict().code == "REVOCATION_MISSING"


def test_revoked_response_counts_whether_or_not_the_certificate_names_a_responder() -> None:
    url = x509.UniformResourceIdentifier("http://ocsp.example/")
    named = x509.AuthorityInformationAccess([x509.AccessDescription(AuthorityInformationAccessOID.OCSP, url)])
    chain = Chain(extensions=((named, False),))
    for each in (CHAIN, chain):
        path = build_path(each.leaf, [each.issuing], [each.root], NOW)
        about = kit.single(each.leaf, each.issuing, kit.revoked(NOW - 5, 1))
        found = verdict(
            kit.response(each.issuing, kit.ecdsa(each.issuing_key), about),
            crls=(crl("Root", each.root_key),),
            path=path,
        )
        assert (found.outcome, found.values) == (
            "revoked",
            {"position": 0, "revoked": NOW - 5, "reason": "keyCompromise"},
        )


def test_unknown_is_not_good() -> None:
    found = verdict(of_issuer(kit.UNKNOWN))
    assert (found.outcome, found.code, found.unused) == ("unknown", "REVOCATION_OCSP_UNKNOWN", ())


@pytest.mark.parametrize("status", [1, 2, 3, 5, 6])
def test_unsuccessful_response_says_nothing(status: int) -> None:
    silent = der.write(der.SEQUENCE, der.write(0x0A, bytes((status,))))
    found = verdict(silent)
    assert (found.code, found.unused) == ("REVOCATION_MISSING", (silent,))


def test_successful_response_without_an_answer() -> None:
    empty = kit.response(CHAIN.issuing, SIGN)
    assert verdict(empty).unused == (empty,)
    assert refused(der.write(der.SEQUENCE, der.write(0x0A, b"\0"))).code == "REVOCATION_OCSP_SYNTAX"


def test_response_about_another_certificate_is_unused() -> None:
    other = certificate("Other", p256().public_key(), "Issuing", CHAIN.issuing_key)
    stranger = kit.response(CHAIN.issuing, SIGN, kit.single(other, CHAIN.issuing))
    found = verdict(stranger)
    assert (found.code, found.unused) == ("REVOCATION_MISSING", (stranger,))


def test_same_number_under_another_issuer_is_unused() -> None:
    other = certificate("Issuing", p256().public_key(), "Root", CHAIN.root_key, ca=True, key_usage=CA_USAGE)
    assert verdict(kit.response(other, SIGN, kit.single(CHAIN.leaf, other))).code == "REVOCATION_MISSING"


def test_unknown_critical_extensions_forbid_the_answer() -> None:
    strange = kit.extension("1.2.3.4", b"\x05\x00", critical=True)
    assert verdict(of_issuer(extensions=(strange,))).code == "REVOCATION_SCOPE"
    outer = kit.response(CHAIN.issuing, SIGN, kit.single(CHAIN.leaf, CHAIN.issuing), extensions=(strange,))
    assert verdict(outer).code == "REVOCATION_SCOPE"
    harmless = kit.extension("1.3.6.1.5.5.7.48.1.2", b"\x04\x08nonsense")
    assert verdict(
        kit.response(CHAIN.issuing, SIGN, kit.single(CHAIN.leaf, CHAIN.issuing), extensions=(harmless,))
    ).outcome == "good"  # fmt: skip


# ---- revoked -------------------------------------------------------------------------------------------------------


def test_revoked_beats_good_whatever_said_it() -> None:
    good_list = crl("Issuing", CHAIN.issuing_key, taken=LATER)
    bad_list = crl("Issuing", CHAIN.issuing_key, revoked=(entry(CHAIN.leaf, NOW - 5),))
    assert verdict(of_issuer(kit.revoked(NOW)), crls=(ROOT_CRL, good_list)).outcome == "revoked"
    assert verdict(of_issuer(taken=LATER), of_issuer(kit.revoked(NOW))).outcome == "revoked"
    assert verdict(of_issuer(taken=LATER), crls=(ROOT_CRL, bad_list)).outcome == "revoked"


def test_revoked_after_the_moment_leaves_the_signature_and_is_told() -> None:
    found = verdict(of_issuer(kit.revoked(NOW + 7, 4), taken=LATER))
    assert (found.outcome, found.values) == ("good", {"asOf": NOW - 100})
    assert found.afterwards == ({"position": 0, "revoked": NOW + 7, "reason": "superseded"},)


def test_key_stolen_before_and_reported_after() -> None:
    stolen = kit.extension("2.5.29.24", kit.time(NOW - 500))
    found = verdict(of_issuer(kit.revoked(NOW + 7, 1), taken=LATER, extensions=(stolen,)))
    assert (found.outcome, found.values["revoked"]) == ("revoked", NOW - 500)


def test_old_response_proves_a_revocation_but_not_a_hold() -> None:
    old: dict[str, Any] = {"taken": NOW - 3 * DAY, "until": NOW - 2 * DAY}
    assert verdict(of_issuer(kit.revoked(NOW - 4 * DAY), **old)).outcome == "revoked"
    assert verdict(of_issuer(kit.revoked(NOW - 4 * DAY, 6), **old)).outcome == "unknown"
    assert verdict(of_issuer(kit.revoked(NOW - 4 * DAY, 6), **old), of_issuer()).outcome == "good"
    assert verdict(of_issuer(kit.revoked(NOW - 4 * DAY, 6))).outcome == "revoked"


# ---- who may speak -------------------------------------------------------------------------------------------------


def test_delegated_responder() -> None:
    found = verdict(of_delegate())
    assert (found.outcome, found.unused) == ("good", ())


def test_responder_that_encloses_certificates_of_the_path() -> None:
    assert verdict(of_delegate(enclosed=(RESPONDER, CHAIN.issuing, CHAIN.root))).outcome == "good"
    assert verdict(of_issuer(enclosed=(CHAIN.issuing,))).outcome == "good"


def test_response_with_a_certificate_that_nothing_needs() -> None:
    surplus = certificate("Stranger", p256().public_key(), "Stranger", p256())
    for response in (of_delegate(enclosed=(RESPONDER, surplus)), of_issuer(enclosed=(RESPONDER,))):
        assert refused(response).code == "REVOCATION_OCSP_SURPLUS"
        read = read_response(response)
        assert read is not None
    read = read_response(of_delegate(enclosed=(RESPONDER, surplus)))
    assert read is not None and with_certificates(read, (RESPONDER,)) == of_like(read)


def of_like(read: Any) -> bytes:
    """The same signed bytes in a fresh frame, as ``ocsp_kit`` writes it."""
    parts = [read.signed, read.identifier, der.write(der.BIT_STRING, b"\0", read.signature)]
    parts.append(der.write(0xA0, der.write(der.SEQUENCE, RESPONDER)))
    octets = der.write(der.OCTET_STRING, der.write(der.SEQUENCE, *parts))
    basic = der.write(der.SEQUENCE, der.write_oid("1.3.6.1.5.5.7.48.1.1"), octets)
    return der.write(der.SEQUENCE, der.write(0x0A, b"\0"), der.write(0xA0, basic))


def test_responder_whose_certificate_is_not_there() -> None:
    assert refused(of_delegate(enclosed=())).code == "REVOCATION_OCSP_SIGNATURE"


@pytest.mark.parametrize(
    "changes",
    [
        {"extensions": kit.NO_CHECK},  # any other certificate of this CA, an office's among them
        {"extensions": ((x509.ExtendedKeyUsage([x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")]), False), *kit.NO_CHECK)},
        {"extensions": ((x509.ExtendedKeyUsage([x509.ObjectIdentifier("2.5.29.37.0")]), False), *kit.NO_CHECK)},
        {"since": NOW - 3 * DAY, "until": NOW - 200},
        {"since": NOW, "until": NOW + DAY},
        {"key_usage": usage("key_encipherment")},
    ],
    ids=["no-purpose", "another-purpose", "any-purpose", "expired", "not-yet-valid", "key-usage"],
)
def test_responder_without_the_right(changes: dict[str, Any]) -> None:
    responder = delegate(RESPONDER_KEY.public_key(), "Issuing", CHAIN.issuing_key, **changes)
    error = refused(of_delegate(responder))
    assert error.code == "REVOCATION_OCSP_RESPONDER" and error.values["cause"]


def test_responder_of_another_authority() -> None:
    for issuer, key in (("Root", CHAIN.root_key), ("Issuing", p256())):  # the CA above, and a namesake
        responder = delegate(RESPONDER_KEY.public_key(), issuer, key)
        assert refused(of_delegate(responder)).code == "REVOCATION_OCSP_RESPONDER"


def test_office_does_not_vouch_for_itself() -> None:
    response = of_delegate(CHAIN.leaf, key=CHAIN.key)
    assert refused(response).code == "REVOCATION_OCSP_RESPONDER"


def test_forged_signature() -> None:
    about = kit.single(CHAIN.leaf, CHAIN.issuing)
    assert refused(kit.response(CHAIN.issuing, kit.ecdsa(p256()), about)).code == "REVOCATION_OCSP_SIGNATURE"
    assert refused(of_delegate(key=p256())).code == "REVOCATION_OCSP_SIGNATURE"


def test_broken_hash() -> None:
    assert refused(of_issuer(algorithm=kit.ECDSA_SHA1)).code == "REVOCATION_OCSP_SIGNATURE"


CHECKED = delegate(RESPONDER_KEY.public_key(), "Issuing", CHAIN.issuing_key, extensions=kit.OCSP_EKU)


def test_responder_that_may_be_revoked_needs_data_of_its_own() -> None:
    found = verdict(of_delegate(CHECKED))
    assert (found.outcome, found.code) == ("unknown", "REVOCATION_OCSP_RESPONDER_OPEN")
    lists = (ROOT_CRL, crl("Issuing", CHAIN.issuing_key))
    found = verdict(of_delegate(CHECKED), crls=lists)
    assert (found.outcome, found.unused) == ("good", ())
    own = kit.response(CHAIN.issuing, SIGN, kit.single(CHECKED, CHAIN.issuing))
    found = verdict(of_delegate(CHECKED), own)
    assert (found.outcome, found.unused) == ("good", ())


def test_responder_does_not_vouch_for_itself() -> None:
    own = kit.response(
        CHECKED, kit.ecdsa(RESPONDER_KEY), kit.single(CHECKED, CHAIN.issuing), enclosed=(CHECKED,)
    )  # fmt: skip
    found = verdict(of_delegate(CHECKED), own)
    assert (found.code, found.unused) == ("REVOCATION_OCSP_RESPONDER_OPEN", (own,))


@pytest.mark.parametrize("since", [NOW - DAY, NOW + DAY])
def test_responder_that_was_ever_revoked_says_nothing(since: int) -> None:
    lists = (ROOT_CRL, crl("Issuing", CHAIN.issuing_key, taken=NOW + 2 * DAY, revoked=(entry(CHECKED, since),)))
    for status in (kit.GOOD, kit.revoked(NOW - 5)):
        assert verdict(of_delegate(CHECKED, status=status), crls=lists[:1]).outcome == "unknown"
        data = ValidationData((), lists, (of_delegate(CHECKED, status=status),))
        gaps = [info.gap for info in infos_about(CHAIN.leaf, CHAIN.issuing, data)]
        assert gaps == [None, "REVOCATION_OCSP_RESPONDER_OPEN"]


# ---- algorithms ----------------------------------------------------------------------------------------------------


def rsa_responder(sign: Any, algorithm: bytes) -> bytes:
    responder = delegate(RSA_KEY.public_key(), "Issuing", CHAIN.issuing_key)
    about = kit.single(CHAIN.leaf, CHAIN.issuing)
    return kit.response(responder, sign, about, enclosed=(responder,), algorithm=algorithm)


def test_rsa_responders() -> None:
    null = der.write(der.NULL)
    sha512 = der.write(der.SEQUENCE, der.write_oid("1.2.840.113549.1.1.13"), null)
    plain = rsa_responder(lambda data: RSA_KEY.sign(data, padding.PKCS1v15(), SHA512()), sha512)
    assert verdict(plain).outcome == "good"
    hash_ = der.write(der.SEQUENCE, der.write_oid("2.16.840.1.101.3.4.2.1"), null)
    mgf1 = der.write(der.SEQUENCE, der.write_oid("1.2.840.113549.1.1.8"), hash_)
    salt = der.write(0xA2, der.write(der.INTEGER, b"\x20"))
    parameters = der.write(der.SEQUENCE, der.write(0xA0, hash_), der.write(0xA1, mgf1), salt)
    pss = der.write(der.SEQUENCE, der.write_oid("1.2.840.113549.1.1.10"), parameters)
    scheme = padding.PSS(padding.MGF1(SHA256()), 32)
    assert verdict(rsa_responder(lambda data: RSA_KEY.sign(data, scheme, SHA256()), pss)).outcome == "good"


@pytest.fixture(scope="module")
def sm2_chain() -> Sm2Chain:
    try:
        return Sm2Chain()
    except ConfigError as error:
        missing(str(error))


def test_sm2_responders_of_the_authority_and_delegated(sm2_chain: Sm2Chain) -> None:
    path = build_path(sm2_chain.leaf, [sm2_chain.issuing], [sm2_chain.root], NOW)
    about = {
        status: kit.single(sm2_chain.leaf, sm2_chain.issuing, status, hash_="sm3")
        for status in (kit.GOOD, kit.revoked(NOW - 5))
    }
    root = kit.response(
        sm2_chain.root, sm2_chain.root_key.sign, kit.single(sm2_chain.issuing, sm2_chain.root), algorithm=kit.SM2
    )  # fmt: skip
    key = sm2.generate()
    responder = sm2_certificate(
        "Responder", key.public_key(), "Issuing", sm2_chain.issuing_key, extensions=kit.OCSP_EKU + kit.NO_CHECK
    )
    for status, outcome in ((kit.GOOD, "good"), (kit.revoked(NOW - 5), "revoked")):
        own = kit.response(sm2_chain.issuing, sm2_chain.issuing_key.sign, about[status], algorithm=kit.SM2)
        delegated = kit.response(
            responder, key.sign, about[status], enclosed=(responder,), algorithm=kit.SM2, by_key="sm3"
        )
        assert verdict(own, root, crls=(), path=path).outcome == outcome
        assert verdict(delegated, root, crls=(), path=path).outcome == outcome
    forged = kit.response(sm2_chain.issuing, key.sign, about[kit.GOOD], algorithm=kit.SM2)
    assert refused(forged, root, crls=(), path=path).code == "REVOCATION_OCSP_SIGNATURE"


# ---- bytes ---------------------------------------------------------------------------------------------------------


def test_no_bit_of_a_response_is_slack() -> None:
    whole = of_delegate()
    for position in range(0, len(whole) * 8, 5):
        flipped = bytearray(whole)
        flipped[position // 8] ^= 1 << position % 8
        try:
            found = verdict(bytes(flipped))
        except InputError:
            continue
        assert found.outcome == "unknown" and found.unused == (bytes(flipped),)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.tuples(st.integers(0, 10_000), st.binary(max_size=8))))
def test_hostile_bytes_are_refused_or_say_nothing(offered: Any) -> None:
    if isinstance(offered, tuple):
        place, bytes_ = offered[0] % len(_SAMPLE), offered[1]
        data = _SAMPLE[:place] + bytes_ + _SAMPLE[place + len(bytes_) :]
    else:
        data = offered
    try:
        found = verdict(data)
    except InputError:
        return
    assert data == _SAMPLE or found.outcome == "unknown"


_SAMPLE = of_delegate()


def test_depth_and_number_are_bounded() -> None:
    with pytest.raises(InputError, match="REVOCATION_OCSP_SYNTAX"):
        read_response(b"\x30\x80" * 40_000)
    many = kit.response(CHAIN.issuing, SIGN, *[kit.single(CHAIN.leaf, CHAIN.issuing)] * 65)
    assert refused(many).code == "REVOCATION_OCSP_SYNTAX"
    crowd = of_issuer(enclosed=(CHAIN.issuing,) * 9)
    assert refused(crowd).code == "REVOCATION_OCSP_SYNTAX"


def test_request_is_one_that_the_library_reads() -> None:
    made = make_request(read_subject(CHAIN.leaf), read_subject(CHAIN.issuing))
    read = library.load_der_ocsp_request(made)
    leaf, issuing = (x509.load_der_x509_certificate(each) for each in (CHAIN.leaf, CHAIN.issuing))
    expected = library.OCSPRequestBuilder().add_certificate(leaf, issuing, read.hash_algorithm).build()
    assert (read.serial_number, read.issuer_key_hash) == (leaf.serial_number, expected.issuer_key_hash)
    assert read.issuer_name_hash == expected.issuer_name_hash
