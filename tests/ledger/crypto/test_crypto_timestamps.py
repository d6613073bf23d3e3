"""Time-stamp tokens: by every algorithm, made by others, hostile ones; and the form in which one is kept."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from crypto_kit import CA_USAGE, NOW, RSA_KEY, certificate, crl, p256
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st
from sm2_kit import VECTORS, missing, sm2_certificate
from timestamp_kit import ESS_V1, ESS_V2, Tsa, attribute, ess_v2, granted, integer, rejected

from ledger.crypto import der, sm2
from ledger.crypto.certificates import fingerprint, read_certificate
from ledger.crypto.signed_data import DIGESTS, NULL, digest_of
from ledger.crypto.timestamp_exchange import read_response
from ledger.crypto.timestamps import MAX_KEPT, over, verify_kept, verify_token
from ledger.errors import ConfigError, InputError

DATA = b"the octets of a signature"
STAMPING = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True)
CA_KEY, TSA_KEY = p256(), p256()
SM2_KEY, SM2_CA = sm2.generate(), sm2.generate()
TSA_VECTORS = VECTORS.parent / "rfc3161" / "test_tsa"


def tsa_certificate(key: Any, *extensions: Any, subject: str = "TSA") -> bytes:
    return certificate(subject, key.public_key(), "TSA CA", CA_KEY, extensions=extensions or (STAMPING,))


CERTIFICATE = tsa_certificate(TSA_KEY)
P384, ED25519 = ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate()
AUTHORITIES = {
    "ecdsa-sha256": Tsa(TSA_KEY, CERTIFICATE),
    "ecdsa-sha384": Tsa(P384, tsa_certificate(P384)),
    "rsa-pkcs1-sha256": Tsa(RSA_KEY, tsa_certificate(RSA_KEY)),
    "ed25519": Tsa(ED25519, tsa_certificate(ED25519)),
    "sm2-sm3": Tsa(SM2_KEY, sm2_certificate("TSA", SM2_KEY.public_key(), "TSA CA", SM2_CA, extensions=(STAMPING,))),
}
GOOD = AUTHORITIES["ecdsa-sha256"].stamp(DATA, NOW)


def tsa(**how: Any) -> Tsa:
    return Tsa(TSA_KEY, CERTIFICATE, how)


def code_of(work: Callable[[], object]) -> str:
    with pytest.raises((InputError, ConfigError)) as caught:
        work()
    assert "{" not in caught.value.text("zh") + caught.value.text("en")
    return caught.value.code


def refused(token: bytes, data: bytes = DATA) -> str:
    return code_of(lambda: verify_token(token, over(data)))


@pytest.mark.parametrize("algorithm", AUTHORITIES)
@pytest.mark.parametrize("digest", DIGESTS)
def test_a_token_by_each_algorithm_over_each_digest(algorithm: str, digest: str) -> None:
    authority = AUTHORITIES[algorithm]
    found = verify_token(authority.stamp(DATA, NOW, digest, nonce=2**63), over(DATA))
    assert (found.time, found.info.accuracy, found.info.nonce) == (NOW, 1, 2**63)
    assert (found.info.digest, found.algorithm, found.certificate) == (digest, algorithm, authority.certificate)
    assert verify_kept(found.form, DATA).info == found.info


def test_a_token_about_something_else() -> None:
    assert refused(GOOD, DATA + b".") == "TIMESTAMP_IMPRINT"


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 2**20), st.sampled_from(sorted(AUTHORITIES)))
def test_no_bit_of_a_kept_token_can_be_changed(place: int, algorithm: str) -> None:
    kept = KEPT[algorithm]
    at, forged = place % (8 * len(kept)), bytearray(kept)
    forged[at // 8] ^= 1 << at % 8
    with pytest.raises(InputError):
        verify_kept(bytes(forged), DATA)


KEPT = {name: verify_token(one.stamp(DATA, NOW), over(DATA)).form for name, one in AUTHORITIES.items()}


@settings(deadline=None, max_examples=150)
@given(st.integers(0, len(GOOD)), st.integers(0, 6), st.binary(max_size=8))
def test_cut_and_spliced_tokens_raise_only_our_error(start: int, length: int, put: bytes) -> None:
    data = GOOD[:start] + put + GOOD[start + length :]
    try:
        found = verify_token(data, over(DATA))
    except InputError:
        return
    assert found.form == GOOD  # what was changed is no part of what is kept


@settings(deadline=None)
@given(st.binary(max_size=64))
def test_arbitrary_bytes_raise_only_our_error(data: bytes) -> None:
    assert refused(data).startswith("CMS_")


# ---- what is kept is one form of many


FRAMES: dict[str, dict[str, Any]] = {
    "version 1": {"version": 1},
    "digest with NULL": {"digest": der.write(der.SEQUENCE, der.write_oid(DIGESTS["sha256"][0]), NULL)},
    "the chain beside it": {
        "certificates": [certificate("TSA CA", CA_KEY.public_key(), "TSA CA", CA_KEY), CERTIFICATE]
    },
    "a list beside it": {"crls": der.write(0xA1, crl("TSA CA", CA_KEY))},
    "of GM/T 0010": {"gm": True},
}


@pytest.mark.parametrize("frame", FRAMES)
def test_frames_that_no_signature_covers_are_built_anew(frame: str) -> None:
    token = tsa(**FRAMES[frame]).stamp(DATA, NOW)
    found = verify_token(token, over(DATA))
    assert found.form != token and verify_kept(found.form, DATA).form == found.form
    beside = FRAMES[frame].get("certificates", [CERTIFICATE])
    assert list(found.certificates) == [each for each in beside if each != CERTIFICATE]
    assert code_of(lambda: verify_kept(token, DATA)) == "TIMESTAMP_FORM"


@pytest.mark.parametrize("name", ["1.2.156.10197.1.301", "1.2.156.10197.1.301.1", "1.2.156.10197.1.501"])
@pytest.mark.parametrize("parameters", [b"", NULL])
def test_names_of_sm2_in_use(name: str, parameters: bytes) -> None:
    authority = AUTHORITIES["sm2-sm3"]
    how = {"algorithm": der.write(der.SEQUENCE, der.write_oid(name), parameters), "gm": True, "version": 1}
    found = verify_token(Tsa(authority.key, authority.certificate, how).stamp(DATA, NOW, "sm3"), over(DATA))
    assert (found.algorithm, found.info.digest) == ("sm2-sm3", "sm3")
    verify_kept(found.form, DATA)


def test_rsa_named_by_its_key_alone_and_with_sha512() -> None:
    plain = der.write(der.SEQUENCE, der.write_oid("1.2.840.113549.1.1.1"), NULL)
    how = {
        "algorithm": plain,
        "digest": der.write(der.SEQUENCE, der.write_oid(DIGESTS["sha512"][0])),
        "hash": lambda data: hashlib.sha512(data).digest(),
        "sign": lambda data: RSA_KEY.sign(data, padding.PKCS1v15(), SHA512()),
    }
    found = verify_token(Tsa(RSA_KEY, AUTHORITIES["rsa-pkcs1-sha256"].certificate, how).stamp(DATA, NOW), over(DATA))
    assert found.algorithm == "rsa-pkcs1-sha512"
    assert found.form.count(plain) == 1  # the certificate's; the signer's names the digest, too
    verify_kept(found.form, DATA)


# ---- refused


def test_a_token_of_endless_length_is_not_read() -> None:
    assert code_of(lambda: verify_kept(bytes(MAX_KEPT + 1), DATA)) == "TIMESTAMP_FORM"


OTHER = tsa_certificate(TSA_KEY)
IDENTIFIERS = {
    "of another certificate": [ess_v2(OTHER)],
    "none": [],
    "by an unknown digest": [
        attribute(ESS_V2, der.write(0x30, der.write(0x30, der.write(0x30, der.write(0x30, NULL), der.write(4, b"x")))))
    ],
    "two that differ": [ess_v2(CERTIFICATE), ess_v2(OTHER).replace(ESS_V2, ESS_V1)],
    "no list": [attribute(ESS_V2, NULL)],
    "an empty list": [attribute(ESS_V2, der.write(0x30))],
}
HOSTILE: dict[str, tuple[dict[str, Any], str]] = {
    "unsigned attributes": (
        {"unsigned": der.write(0xA1, attribute(der.write_oid("1.2.3"), NULL))},
        "TIMESTAMP_UNSIGNED",
    ),
    "no signer": ({"signers": []}, "CMS_SIGNERS"),
    "content of another type": ({"content_type": der.write_oid("1.2.840.113549.1.7.1")}, "TIMESTAMP_CONTENT"),
    "content that is elsewhere": ({"detached": True}, "TIMESTAMP_CONTENT"),
    "a signature over the content itself, which names no certificate": ({"bare": True}, "TIMESTAMP_CONTENT"),
    "attributes for another type": ({"stated_type": der.write_oid("1.2.840.113549.1.7.1")}, "CMS_CONTENT_TYPE"),
    "a digest of something else": ({"hash": lambda data: bytes(32)}, "CMS_MESSAGE_DIGEST"),
    "bytes behind the end": ({"behind": b"\0"}, "CMS_SYNTAX"),
    "no certificate": ({"certificates": []}, "CMS_SIGNER_CERTIFICATE"),
    "another signer": ({"signer": der.write(0x30, der.write(0x30), integer(1))}, "CMS_SIGNER_CERTIFICATE"),
    "a signer by key identifier": ({"signer": der.write(0x80, b"12345678")}, "CMS_SIGNER_IDENTIFIER"),
    "SHA-1": ({"digest": der.write(0x30, der.write_oid("1.3.14.3.2.26"), NULL)}, "CMS_DIGEST"),
    "an algorithm of another key": ({"algorithm": der.write(0x30, der.write_oid("1.3.101.112"))}, "CMS_ALGORITHM"),
    "an algorithm of no table": ({"algorithm": der.write(0x30, der.write_oid("1.2.840.10045.4.1"))}, "CMS_ALGORITHM"),
    "ECDSA with another digest": (
        {"algorithm": der.write(0x30, der.write_oid("1.2.840.10045.4.3.3"))},
        "CMS_ALGORITHM",
    ),
    "signed by another key": ({"sign": lambda data: CA_KEY.sign(data, ec.ECDSA(SHA256()))}, "CMS_SIGNATURE"),
    **{
        f"a certificate named: {n}": ({"named": named}, "TIMESTAMP_SIGNING_CERTIFICATE")
        for n, named in IDENTIFIERS.items()
    },
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_tokens(case: str) -> None:
    how, code = HOSTILE[case]
    assert refused(tsa(**how).stamp(DATA, NOW)) == code


def test_two_signers_and_an_attribute_twice() -> None:
    signer = der.read(der.read(GOOD, 0x30).children()[1].content, 0x30).children()[-1].content
    assert refused(tsa(signers=[signer, signer]).stamp(DATA, NOW)) == "CMS_SIGNERS"
    repeated = [attribute(der.write_oid("1.2.840.113549.1.9.4"), der.write(4, bytes(32)))] * 2
    assert refused(tsa(attributes=repeated).stamp(DATA, NOW)) == "CMS_ATTRIBUTE_REPEATED"


def test_two_certificates_of_one_name_and_number() -> None:
    serial = x509.load_der_x509_certificate(CERTIFICATE).serial_number
    twin = certificate("TSA", p256().public_key(), "TSA CA", CA_KEY, serial=serial, extensions=(STAMPING,))
    assert refused(tsa(certificates=[CERTIFICATE, twin]).stamp(DATA, NOW)) == "CMS_SIGNER_AMBIGUOUS"


USAGES = {
    "none": (),
    "not critical": ((STAMPING[0], False),),
    "another one": ((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), True),),
    "another beside it": (
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING]), True),
    ),
}


@pytest.mark.parametrize("usage", USAGES)
def test_a_certificate_that_is_not_for_time_stamps_alone(usage: str) -> None:
    made = certificate("TSA", TSA_KEY.public_key(), "TSA CA", CA_KEY, extensions=USAGES[usage])
    assert refused(Tsa(TSA_KEY, made).stamp(DATA, NOW)) == "TIMESTAMP_USAGE"


def test_the_certificate_may_be_brought_along() -> None:
    bare = tsa(certificates=[]).stamp(DATA, NOW)
    found = verify_token(bare, over(DATA), [CERTIFICATE])
    assert verify_kept(found.form, DATA).certificate == CERTIFICATE


def test_named_by_sha1_as_older_authorities_do() -> None:
    digest = hashlib.sha1(CERTIFICATE, usedforsecurity=False).digest()
    first = der.write(0x30, der.write(4, digest))
    named = [attribute(ESS_V1, der.write(0x30, der.write(0x30, first)))]
    assert verify_token(tsa(named=named).stamp(DATA, NOW), over(DATA)).time == NOW


PARTS = read_certificate(CERTIFICATE)
NAMES = der.write(0x30, der.write(0xA4, PARTS.issuer))
NOBODY = der.write(0x30, der.write(0xA4, read_certificate(OTHER).subject))
TWO_NAMES = der.write(0x30, der.write(0xA4, PARTS.issuer), der.write(0xA4, PARTS.issuer))


def identified(*parts: bytes, digest: str = "sha256", algorithm: str = "") -> bytes:
    """ESSCertIDv2: the certificate by ``digest``, under the name ``algorithm`` if any, and what stands behind it."""
    named = der.write(0x30, der.write_oid(DIGESTS[algorithm][0])) if algorithm else b""
    return der.write(0x30, named, der.write(4, digest_of(digest, CERTIFICATE)), *parts)


FITTING = {
    "by SHA-512": identified(digest="sha512", algorithm="sha512"),
    "by SM3": identified(digest="sm3", algorithm="sm3"),
    "by the default, written out": identified(algorithm="sha256"),
    "with issuer and number": identified(der.write(0x30, NAMES, PARTS.serial)),
    "before another": identified() + der.write(0x30, der.write(4, bytes(32))),
}
UNFITTING = {
    "another digest than it says": identified(digest="sha256", algorithm="sm3"),
    "a digest that is not the default": identified(digest="sha512"),
    "another number": identified(der.write(0x30, NAMES, integer(1))),
    "another issuer": identified(der.write(0x30, NOBODY, PARTS.serial)),
    "two names for the issuer": identified(der.write(0x30, TWO_NAMES, PARTS.serial)),
    "something more": identified(der.write(0x30, NAMES, PARTS.serial), NULL),
    "a digest that is none": der.write(0x30, der.write(2, fingerprint(CERTIFICATE))),
    "behind another": der.write(0x30, der.write(4, bytes(32))) + identified(),
    "nothing": der.write(0x30),
}


def naming(identifier: bytes) -> bytes:
    return tsa(named=[attribute(ESS_V2, der.write(0x30, der.write(0x30, identifier)))]).stamp(DATA, NOW)


@pytest.mark.parametrize("case", FITTING)
def test_a_certificate_is_named_in_several_ways(case: str) -> None:
    assert verify_token(naming(FITTING[case]), over(DATA)).time == NOW


@pytest.mark.parametrize("case", UNFITTING)
def test_a_certificate_that_is_named_first_is_the_signer_s_in_every_part(case: str) -> None:
    assert refused(naming(UNFITTING[case])) == "TIMESTAMP_SIGNING_CERTIFICATE"


def test_a_machine_without_sm2_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> Any:
        raise ConfigError("SM2_UNAVAILABLE")

    monkeypatch.setattr(sm2, "backend", none)
    assert code_of(lambda: verify_token(KEPT["sm2-sm3"], over(DATA))) == "SM2_UNAVAILABLE"


# ---- made by others


@pytest.mark.parametrize("name", ["response.tsr", "other_response.tsr", "response-injected-certs.tsr"])
def test_answers_of_another_maker(name: str) -> None:
    if not TSA_VECTORS.is_dir():
        missing("no ../shared/vectors/rfc3161 beside the project")
    answer = (TSA_VECTORS / name).read_bytes()
    found = verify_token(read_response(answer), over(b"hello"))
    assert (found.algorithm, found.info.digest, found.info.policy) == ("ecdsa-sha256", "sha512", "1.3.6.1.4.1.57264.2")
    assert found.time in (1_728_402_032, 1_730_381_504)
    verify_kept(found.form, b"hello")


CONFIG = """
[tsa]
default_tsa = own
[own]
serial = serial
signer_cert = cert.pem
signer_key = key.pem
signer_digest = sha512
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512, sm3
accuracy = secs:1, millisecs:500
ordering = yes
ess_cert_id_alg = {ess}
"""


@pytest.mark.parametrize(("kind", "ess", "digest"), [("rsa", "sha1", "sha512"), ("ec", "sha256", "sm3")])
def test_tokens_of_openssl(kind: str, ess: str, digest: str, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        missing("openssl is not installed")
    key = RSA_KEY if kind == "rsa" else TSA_KEY
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    authority = certificate("TSA CA", CA_KEY.public_key(), "TSA CA", CA_KEY, ca=True, key_usage=CA_USAGE)
    for name, content in (
        ("cert.pem", x509.load_der_x509_certificate(tsa_certificate(key)).public_bytes(Encoding.PEM)),
        ("ca.pem", x509.load_der_x509_certificate(authority).public_bytes(Encoding.PEM)),
        ("key.pem", pem),
        ("serial", b"01"),
        ("conf", CONFIG.format(ess=ess).encode()),
        ("data", DATA),
    ):
        (tmp_path / name).write_bytes(content)

    def openssl(command: str) -> None:
        done = subprocess.run(["openssl", "ts", *command.split()], cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr

    openssl(f"-query -data data -{digest} -cert -out query")
    openssl("-reply -config conf -section own -queryfile query -out answer")
    found = verify_token(read_response((tmp_path / "answer").read_bytes()), over(DATA))
    assert found.algorithm == {"rsa": "rsa-pkcs1-sha512", "ec": "ecdsa-sha512"}[kind]
    assert (found.info.accuracy, found.info.policy, found.info.digest) == (2, "1.2.3.4.1", digest)
    verify_kept(found.form, DATA)
    # and OpenSSL takes what is kept, and what the tests' own authority writes
    for token in (found.form, Tsa(key, tsa_certificate(key)).stamp(DATA, NOW)):
        (tmp_path / "token").write_bytes(token)
        openssl(f"-verify -data data -in token -token_in -CAfile ca.pem -attime {NOW}")


ANSWERS = (granted(GOOD), granted(GOOD, 1), rejected(0, 25))


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(ANSWERS), st.integers(0, 400), st.integers(0, 8), st.binary(max_size=8))
def test_hostile_answers_raise_only_our_error(answer: bytes, start: int, length: int, put: bytes) -> None:
    try:
        read_response(answer[:start] + put + answer[start + length :])
    except InputError as error:
        assert error.code in ("TIMESTAMP_RESPONSE", "TIMESTAMP_REFUSED")


def test_what_a_refusal_says_is_told_by_its_words() -> None:
    with pytest.raises(InputError) as caught:
        read_response(rejected(0, 15, 25, text=b"\x0c\x09\xe2\x80\xaegnirob"))
    assert caught.value.values == {"status": "rejection", "reason": "badAlg, unacceptedPolicy, systemFailure"}
