"""OCSP in the judgement of revocation: what counts, for how long, and what must never pass for "good"."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ocsp_kit as kit
import pytest
from crypto_kit import CA_USAGE, DAY, DER, NOW, Chain, at, certificate, crl, entry, p256
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import ocsp as library
from cryptography.x509.oid import AuthorityInformationAccessOID
from hypothesis import given, settings
from hypothesis import strategies as st
from ocsp_cases import CHAIN, ROOT_CRL, SIGN, of_delegate, of_issuer, refused, verdict

from ledger.crypto import der
from ledger.crypto.ocsp import make_request, read_response, with_certificates
from ledger.crypto.paths import build_path
from ledger.crypto.revocation_info import read_subject
from ledger.errors import InputError

LATER = NOW + DAY


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


def test_nothing_enclosed_has_one_form() -> None:
    """No signature covers that part: two forms would be two responses that say the same."""
    assert refused(of_issuer(enclosed=(b"",))).code == "REVOCATION_OCSP_SYNTAX"


@pytest.mark.parametrize("reason", [7, 11, 0xF6, 0xFF])
def test_a_reason_that_no_standard_knows_is_no_other_one(reason: int) -> None:
    """Counted from the end of the table, -1 would be a theft."""
    assert refused(of_issuer(kit.revoked(NOW - 5, reason))).code == "REVOCATION_OCSP_SYNTAX"


def test_a_version_that_is_written_out_is_read() -> None:
    plain = read_response(of_issuer())
    assert plain is not None
    version = der.write(0xA0, der.write(der.INTEGER, b"\0"))
    signed = der.write(der.SEQUENCE, version, der.read(plain.signed, der.SEQUENCE).content)
    written = with_certificates(replace(plain, signed=signed, signature=SIGN(signed)), ())
    assert verdict(written).outcome == "good"
    signed = der.write(der.SEQUENCE, version.replace(b"\0", b"\1"), der.read(plain.signed, der.SEQUENCE).content)
    other = with_certificates(replace(plain, signed=signed, signature=SIGN(signed)), ())
    assert refused(other).code == "REVOCATION_OCSP_SYNTAX"


def test_request_is_one_that_the_library_reads() -> None:
    made = make_request(read_subject(CHAIN.leaf), read_subject(CHAIN.issuing))
    read = library.load_der_ocsp_request(made)
    leaf, issuing = (x509.load_der_x509_certificate(each) for each in (CHAIN.leaf, CHAIN.issuing))
    expected = library.OCSPRequestBuilder().add_certificate(leaf, issuing, read.hash_algorithm).build()
    assert (read.serial_number, read.issuer_key_hash) == (leaf.serial_number, expected.issuer_key_hash)
    assert read.issuer_name_hash == expected.issuer_name_hash
