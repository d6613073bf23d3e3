"""Detached CMS: one template, no slack."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from crypto_kit import NOW, RSA_KEY, Chain, certificate, p256
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_der_x509_certificate
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.crypto import cms, der
from ledger.crypto.algorithms import algorithm_of, sign_raw, verify_raw
from ledger.errors import InputError

CONTENT = b'{"tag":"zhengyin/manifest/1"}'
CHAIN = Chain()


def signed(key: Any, cert: bytes, content: bytes = CONTENT, when: int = NOW) -> bytes:
    attributes = cms.signed_attributes(content, cert, when)
    return cms.assemble(cert, attributes, sign_raw(key, attributes))


GOOD = signed(CHAIN.key, CHAIN.leaf)


def code_of(data: bytes, content: bytes = CONTENT) -> str:
    with pytest.raises(InputError) as caught:
        cms.verify_detached(data, content)
    assert "{" not in caught.value.text("zh") + caught.value.text("en")
    return caught.value.code


def taken_apart(data: bytes) -> tuple[list[der.Element], list[der.Element]]:
    """Fields of SignedData, fields of the first SignerInfo."""
    fields = der.read(der.read(data, 0x30).children()[1].content, 0x30).children()
    return fields, fields[4].children()[0].children()


def rebuilt(fields: list[bytes]) -> bytes:
    wrapped = der.write(0xA0, der.write(0x30, *fields))
    return der.write(0x30, der.write_oid("1.2.840.113549.1.7.2"), wrapped)


def with_signer(data: bytes, position: int, value: bytes | None) -> bytes:
    """The CMS with one field of its SignerInfo replaced, added (position 6) or taken out."""
    fields, signer = taken_apart(data)
    parts = [part.outer for part in signer]
    parts[position : position + 1] = [] if value is None else [value]
    return rebuilt([*(f.outer for f in fields[:4]), der.write(0x31, der.write(0x30, *parts))])


@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
def test_round_trip_says_who_when_and_how(kind: str) -> None:
    key = p256() if kind == "ecdsa" else RSA_KEY
    cert = certificate("甲市市场监督管理局", key.public_key(), "CA", p256())
    found = cms.verify_detached(signed(key, cert), CONTENT)
    assert found.certificate == cert and found.organization == "甲市市场监督管理局"
    assert found.signing_time == NOW
    assert found.algorithm == {"ecdsa": "ecdsa-p256-sha256", "rsa": "rsa-pkcs1-sha256"}[kind]


@pytest.mark.parametrize("when", [0, NOW, 2_524_607_999, 2_524_608_000])
def test_signing_time_changes_form_in_2050(when: int) -> None:
    assert cms.verify_detached(signed(CHAIN.key, CHAIN.leaf, when=when), CONTENT).signing_time == when


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
def test_openssl_accepts_it_as_cades(kind: str, tmp_path: Path) -> None:
    key = CHAIN.key if kind == "ecdsa" else RSA_KEY
    cert = certificate("Office", key.public_key(), "Issuing", CHAIN.issuing_key)
    for file, data in (("cms", signed(key, cert)), ("content", CONTENT)):
        (tmp_path / file).write_bytes(data)
    both = [load_der_x509_certificate(data) for data in (CHAIN.root, CHAIN.issuing)]
    authorities = [certificate.public_bytes(Encoding.PEM) for certificate in both]
    (tmp_path / "authorities").write_bytes(b"".join(authorities))
    command = "openssl cms -verify -cades -binary -inform DER -in cms -content content -CAfile authorities"
    command += f" -purpose any -out out -attime {NOW}"
    done = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out").read_bytes() == CONTENT


def test_no_flipped_bit_verifies() -> None:
    for position in range(len(GOOD) * 8):
        flipped = bytearray(GOOD)
        flipped[position // 8] ^= 1 << position % 8
        with pytest.raises(InputError):
            cms.verify_detached(bytes(flipped), CONTENT)


@settings(deadline=None, max_examples=200)
@given(st.integers(0, len(GOOD)), st.integers(0, 4), st.binary(max_size=6))
def test_cut_and_spliced_bytes_raise_only_our_error(start: int, length: int, put: bytes) -> None:
    data = GOOD[:start] + put + GOOD[start + length :]
    if data != GOOD:
        with pytest.raises(InputError):
            cms.verify_detached(data, CONTENT)


@settings(deadline=None)
@given(st.binary(max_size=64))
def test_arbitrary_bytes_raise_only_our_error(data: bytes) -> None:
    assert code_of(data).startswith("CMS_")


def test_other_content() -> None:
    assert code_of(GOOD, CONTENT + b" ") == "CMS_MESSAGE_DIGEST"


def test_other_certificate_with_the_same_issuer_and_serial() -> None:
    serial = load_der_x509_certificate(CHAIN.leaf).serial_number
    other = certificate("Office", CHAIN.key.public_key(), "Issuing", CHAIN.issuing_key, serial=serial)
    fields, _ = taken_apart(GOOD)
    swapped = rebuilt([*(f.outer for f in fields[:3]), der.write(0xA0, other), fields[4].outer])
    assert code_of(swapped) == "CMS_SIGNING_CERTIFICATE"


def test_signer_identifier_of_another_certificate() -> None:
    _, signer = taken_apart(signed(CHAIN.key, Chain().leaf))
    assert code_of(with_signer(GOOD, 1, signer[1].outer)) == "CMS_SIGNER_IDENTIFIER"


@pytest.mark.parametrize("position", range(4))
def test_stripped_attribute(position: int) -> None:
    _, signer = taken_apart(GOOD)
    rest = [a.outer for i, a in enumerate(signer[3].children()) if i != position]
    assert code_of(with_signer(GOOD, 3, der.write(0xA0, *rest))) == "CMS_ATTRIBUTES"


def test_repeated_attribute() -> None:
    _, signer = taken_apart(GOOD)
    attributes = signer[3].children()
    twice = der.write(0xA0, *(a.outer for a in attributes), attributes[0].outer)
    assert code_of(with_signer(GOOD, 3, twice)) == "CMS_ATTRIBUTES"


def test_no_signed_attributes_at_all() -> None:
    assert code_of(with_signer(GOOD, 3, None)) == "CMS_ATTRIBUTES"


def test_attributes_in_another_order() -> None:
    _, signer = taken_apart(GOOD)
    turned = der.write(0xA0, *(a.outer for a in reversed(signer[3].children())))
    assert code_of(with_signer(GOOD, 3, turned)) == "CMS_FORM"


def test_added_unsigned_attribute() -> None:
    attribute = der.write(0x30, der.write_oid("1.2.3.4"), der.write(0x31, der.write(0x05)))
    assert code_of(with_signer(GOOD, 6, der.write(0xA1, attribute))) == "CMS_UNSIGNED"


def test_second_signer_and_none() -> None:
    fields, _ = taken_apart(GOOD)
    front = [f.outer for f in fields[:4]]
    assert code_of(rebuilt([*front, der.write(0x31, fields[4].content * 2)])) == "CMS_SIGNERS"
    assert code_of(rebuilt([*front, der.write(0x31)])) == "CMS_SIGNERS"


def test_second_certificate_and_none() -> None:
    fields, _ = taken_apart(GOOD)
    front = [f.outer for f in fields[:3]]
    two = der.write(0xA0, CHAIN.leaf, CHAIN.issuing)
    assert code_of(rebuilt([*front, two, fields[4].outer])) == "CMS_CERTIFICATES"
    assert code_of(rebuilt([*front, fields[4].outer])) == "CMS_CERTIFICATES"


def test_content_put_inside() -> None:
    fields, _ = taken_apart(GOOD)
    inside = der.write(0x30, fields[2].content, der.write(0xA0, der.write(0x04, b"other")))
    outer = [f.outer for f in fields]
    assert code_of(rebuilt([*outer[:2], inside, *outer[3:]])) == "CMS_FORM"


def test_trailing_bytes_and_long_form_of_a_length() -> None:
    assert code_of(GOOD + b"\0") == "CMS_SYNTAX"
    _, signer = taken_apart(GOOD)
    value = signer[5].content
    assert code_of(with_signer(GOOD, 5, b"\x04\x81" + bytes((len(value),)) + value)) == "CMS_SYNTAX"


def test_a_signature_of_endless_length_is_not_taken_apart() -> None:
    with pytest.raises(InputError) as caught:
        cms.verify_detached(der.write(der.SEQUENCE, b"\x05\x00" * 40_000), b"content")
    assert (caught.value.code, caught.value.values) == ("CMS_SYNTAX", {"cause": "size"})


def test_rsa_certificate_with_an_ecdsa_signature() -> None:
    cert = certificate("Office", RSA_KEY.public_key(), "CA", p256())
    attributes = cms.signed_attributes(CONTENT, cert, NOW)
    assert code_of(cms.assemble(cert, attributes, sign_raw(CHAIN.key, attributes))) == "CMS_SIGNATURE"


def test_algorithm_that_is_not_the_keys() -> None:
    rsa_identifier = algorithm_of(_spki(RSA_KEY)).identifier
    assert code_of(with_signer(GOOD, 4, rsa_identifier)) == "CMS_FORM"
    with pytest.raises(InputError, match="SIGNATURE_ALGORITHM"):
        verify_raw(_spki(CHAIN.key), "rsa-pkcs1-sha256", b"", b"")


WEAK = rsa.generate_private_key(65537, 1024)  # noqa: S505 - that it is refused is the test


@pytest.mark.parametrize("key", [WEAK, ec.generate_private_key(ec.SECP521R1())])
def test_keys_that_are_not_allowed(key: Any) -> None:
    cert = certificate("Office", key.public_key(), "CA", p256())
    fields, _ = taken_apart(GOOD)
    _, signer = taken_apart(GOOD)
    whole = der.read(cert, 0x30).children()[0].children()
    parts = [signer[0].outer, der.write(0x30, whole[3].outer, whole[1].outer), *(part.outer for part in signer[2:])]
    front = [f.outer for f in fields[:3]]
    forged = rebuilt([*front, der.write(0xA0, cert), der.write(0x31, der.write(0x30, *parts))])
    assert code_of(forged) == "CMS_ALGORITHM"
    with pytest.raises(InputError, match="SIGNATURE_KEY"):
        sign_raw(key, b"")


def test_second_spelling_of_an_ecdsa_signature() -> None:
    attributes = cms.signed_attributes(CONTENT, CHAIN.leaf, NOW)
    r, s = (n.to_bytes(34, "big") for n in decode_dss_signature(sign_raw(CHAIN.key, attributes)))
    padded = der.write(0x30, der.write(0x02, r), der.write(0x02, s))
    assert code_of(cms.assemble(CHAIN.leaf, attributes, padded)) == "CMS_SIGNATURE"


def test_signature_by_another_key() -> None:
    attributes = cms.signed_attributes(CONTENT, CHAIN.leaf, NOW)
    assert code_of(cms.assemble(CHAIN.leaf, attributes, sign_raw(p256(), attributes))) == "CMS_SIGNATURE"


def _spki(key: Any) -> bytes:
    return bytes(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
