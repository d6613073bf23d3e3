"""Who may speak for an authority by OCSP, and by which algorithms."""

from __future__ import annotations

from typing import Any

import ocsp_kit as kit
import pytest
from crypto_kit import DAY, NOW, RSA_KEY, certificate, crl, entry, p256, usage
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from ocsp_cases import (
    CHAIN,
    PATH,
    RESPONDER,
    RESPONDER_KEY,
    ROOT_CRL,
    SIGN,
    delegate,
    of_delegate,
    of_issuer,
    refused,
    verdict,
)
from sm2_kit import Sm2Chain, missing, sm2_certificate

from ledger.core.bundles import ValidationData
from ledger.crypto import der, sm2
from ledger.crypto.ocsp import read_response, with_certificates
from ledger.crypto.paths import build_path
from ledger.crypto.revocation import infos_about, judge
from ledger.crypto.revocation_info import read_subject
from ledger.errors import ConfigError


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
    assert error.code == "REVOCATION_OCSP_RESPONDER"
    assert error.values["cause"] in ("extendedKeyUsage", "PATH_EXPIRED", "PATH_NOT_YET_VALID", "PATH_KEY_USAGE")


def test_responder_of_another_authority() -> None:
    for issuer, key in (("Root", CHAIN.root_key), ("Issuing", p256())):  # the CA above, and a namesake
        responder = delegate(RESPONDER_KEY.public_key(), issuer, key)
        assert refused(of_delegate(responder)).code == "REVOCATION_OCSP_RESPONDER"


def test_responder_under_the_name_of_its_authority() -> None:
    own_name = certificate(
        "Issuing", RESPONDER_KEY.public_key(), "Issuing", CHAIN.issuing_key, extensions=kit.OCSP_EKU + kit.NO_CHECK
    )
    assert verdict(of_delegate(own_name)).outcome == "good"


def test_response_that_its_signer_gives_out_for_somebody_elses() -> None:
    about = kit.single(CHAIN.leaf, CHAIN.issuing)
    for named in (CHAIN.root, RESPONDER):
        assert refused(kit.response(named, SIGN, about)).code == "REVOCATION_OCSP_SIGNATURE"


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


def test_responders_that_vouch_for_one_another_do_not_silence_their_authority() -> None:
    """Whatever the order: what a delegate says of a delegate is passed over, and the next response read."""
    other_key = p256()
    other = delegate(other_key.public_key(), "Issuing", CHAIN.issuing_key)
    among = kit.response(other, kit.ecdsa(other_key), kit.single(CHECKED, CHAIN.issuing), enclosed=(other,))
    own = kit.response(CHAIN.issuing, SIGN, kit.single(CHECKED, CHAIN.issuing))
    for responses in ((among, own), (own, among)):
        found = verdict(of_delegate(CHECKED), *responses)
        assert (found.outcome, found.unused) == ("good", (among,))


def test_a_list_that_does_not_cover_the_responder_does_not_vouch_for_it() -> None:
    authorities = x509.IssuingDistributionPoint(None, None, False, True, None, False, False)
    partial = crl("Issuing", CHAIN.issuing_key, extensions=((authorities, True),))
    assert verdict(of_delegate(CHECKED), crls=(ROOT_CRL, partial)).outcome == "unknown"


def test_a_responder_whose_key_fell_says_nothing_though_its_authority_says_that_nobody_need_ask() -> None:
    """The one remedy against a thief with a certificate that is never revoked; whatever he says, and since when."""
    fallen = frozenset({read_subject(RESPONDER).parts.spki})
    for status in (kit.GOOD, kit.revoked(NOW - 5)):
        data = ValidationData((), (ROOT_CRL,), (of_delegate(status=status),))
        found = judge(PATH, data, NOW, fallen)
        assert (found.outcome, found.code) == ("unknown", "REVOCATION_OCSP_RESPONDER_OPEN")
        assert judge(PATH, data, NOW).outcome != "unknown"
    with_list = ValidationData((), (ROOT_CRL, crl("Issuing", CHAIN.issuing_key)), (of_delegate(),))
    assert judge(PATH, with_list, NOW, fallen).outcome == "good"


def test_a_clean_list_does_not_hide_the_one_that_names_the_responder() -> None:
    clean = crl("Issuing", CHAIN.issuing_key)
    naming = crl("Issuing", CHAIN.issuing_key, taken=NOW + 2 * DAY, revoked=(entry(CHECKED, NOW - DAY),))
    for lists in ((clean, naming), (naming, clean)):
        data = ValidationData((), lists, (of_delegate(CHECKED),))
        infos = infos_about(CHAIN.leaf, CHAIN.issuing, data)
        assert [info.gap for info in infos] == [None, None, "REVOCATION_OCSP_RESPONDER_OPEN"]


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
