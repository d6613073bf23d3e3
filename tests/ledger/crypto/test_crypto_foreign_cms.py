"""CMS of other makers: RFC 5652 and GM/T 0010, with attributes and without, and what could be read in two ways."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from crypto_kit import NOW, RSA_KEY, Chain, certificate, p256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import SubjectKeyIdentifier, load_der_x509_certificate
from hypothesis import given, settings
from hypothesis import strategies as st
from sm2_kit import VECTORS, Sm2Chain, missing
from timestamp_kit import attribute, integer

from ledger.crypto import cms, der
from ledger.crypto import signed_data as sd
from ledger.crypto.algorithms import algorithm_of, sign_raw
from ledger.crypto.certificates import fingerprint, read_certificate
from ledger.crypto.digests import sm3
from ledger.crypto.foreign_cms import verify_digest, verify_foreign
from ledger.errors import InputError, NotFoundError

CONTENT = b"Signature.xml"
GM, PLAIN = Sm2Chain(), Chain()
FACTS = VECTORS.parents[1] / "facts" / "standards_examples.json"
SM2_NAMES = ("1.2.156.10197.1.301.1", "1.2.156.10197.1.501", "1.2.156.10197.1.301")


def oid(dotted: str, parameters: bytes = b"") -> bytes:
    return der.write(der.SEQUENCE, der.write_oid(dotted), parameters)


def encode(key: Any, cert: bytes, content: bytes | None = CONTENT, signed: bytes = CONTENT, **how: Any) -> bytes:
    """SignedData as others make it. ``content``: what is enclosed; ``signed``: what is signed."""
    parts = read_certificate(cert)
    algorithm, gm = algorithm_of(parts.spki), how.get("gm", True)
    type_ = how.get("content_type", sd.GM_DATA if gm else sd.DATA)
    digest = how.get("digest", algorithm.digest.identifier)
    attributes = how.get("attributes")
    if attributes is True:
        hashed = der.write(der.OCTET_STRING, algorithm.digest.of(signed))
        attributes = [attribute(sd.CONTENT_TYPE, type_), attribute(sd.MESSAGE_DIGEST, hashed), *how.get("more", [])]
    tbs = der.write_set(*attributes) if attributes else signed
    signer = der.write(
        der.SEQUENCE,
        integer(1),
        der.write(der.SEQUENCE, parts.issuer, parts.serial),
        digest,
        der.write(0xA0, der.read(tbs, der.SET).content) if attributes else b"",
        how.get("algorithm", algorithm.identifier),
        der.write(der.OCTET_STRING, sign_raw(key, tbs, parts.spki)),
        how.get("unsigned", b""),
    )
    octets = b"" if content is None else der.write(0xA0, der.write(der.OCTET_STRING, content))
    whole = der.write(
        der.SEQUENCE,
        integer(1),
        der.write(der.SET, digest),
        der.write(der.SEQUENCE, type_, octets),
        der.write(0xA0, *how.get("certificates", [cert])),
        how.get("crls", b""),
        der.write(der.SET, signer),
    )
    return der.write(der.SEQUENCE, sd.GM_SIGNED_DATA if gm else sd.SIGNED_DATA, der.write(0xA0, whole))


def gm(content: bytes | None = CONTENT, signed: bytes = CONTENT, **how: Any) -> bytes:
    return encode(GM.key, GM.leaf, content, signed, **how)


def code_of(work: Callable[[], object]) -> str:
    with pytest.raises(InputError) as caught:
        work()
    assert "{" not in caught.value.text("zh") + caught.value.text("en")
    return caught.value.code


@pytest.mark.parametrize("name", SM2_NAMES)
@pytest.mark.parametrize("null", [b"", sd.NULL])
@pytest.mark.parametrize("attributes", [None, True])
def test_gm_t_0010_in_its_spellings(name: str, null: bytes, attributes: bool | None) -> None:
    digest = oid("1.2.156.10197.1.401", null)
    data = gm(algorithm=oid(name, null), digest=digest, attributes=attributes, certificates=[GM.root, GM.leaf])
    found = verify_foreign(data)
    assert (found.content, found.algorithm, found.organization) == (CONTENT, "sm2-sm3", "Office")
    assert (found.certificate, found.certificates, found.token) == (GM.leaf, (GM.root,), None)


@pytest.mark.parametrize("attributes", [None, True])
def test_a_seal_of_an_ofd_of_type_sign(attributes: bool | None) -> None:
    """GB/T 35275 over SM3 of Signature.xml as content; or over the document, which is elsewhere."""
    digest = sm3(CONTENT)
    assert verify_foreign(gm(digest, digest, attributes=attributes)).content == digest
    detached = gm(None, attributes=attributes)
    assert verify_foreign(detached, CONTENT).content == CONTENT
    assert code_of(lambda: verify_foreign(detached)) == "CMS_CONTENT_ABSENT"
    wrong = code_of(lambda: verify_foreign(detached, CONTENT + b" "))
    assert wrong == ("CMS_MESSAGE_DIGEST" if attributes else "CMS_SIGNATURE")
    assert code_of(lambda: verify_foreign(gm(attributes=attributes), b"other")) == "CMS_CONTENT_DIFFERS"


def test_the_own_form_with_a_token_is_read_too() -> None:
    attributes = cms.signed_attributes(CONTENT, PLAIN.leaf, NOW)
    made = cms.assemble(PLAIN.leaf, attributes, sign_raw(PLAIN.key, attributes), der.write(0x30))
    found = verify_foreign(made, CONTENT)
    assert (found.signing_time, found.token, found.algorithm) == (NOW, der.write(0x30), "ecdsa-sha256")


NAMED = der.write_oid("1.2.840.113549.1.9.16.2.47")


def ess(digest: bytes, algorithm: bytes = b"") -> bytes:
    identifier = der.write(0x30, algorithm, der.write(4, digest))
    return attribute(NAMED, der.write(0x30, der.write(0x30, identifier)))


def test_a_content_known_by_its_digest() -> None:
    """A large file is read once; what is enclosed beside it must be that file."""

    def judged(data: bytes, content: bytes = CONTENT) -> bytes:
        return verify_digest(data, lambda name: sd.digest_of(name, content)).content

    assert judged(gm(None, attributes=True)) == b""
    assert judged(gm(attributes=True)) == CONTENT
    assert code_of(lambda: judged(gm(None, attributes=True), b"other")) == "CMS_MESSAGE_DIGEST"
    assert code_of(lambda: judged(gm(attributes=True), b"other")) == "CMS_CONTENT_DIFFERS"
    assert code_of(lambda: judged(gm(b"other", attributes=True))) == "CMS_CONTENT_DIFFERS"
    with pytest.raises(NotFoundError, match="CMS_CONTENT_WANTED"):
        judged(gm(None))


def test_a_signing_certificate_attribute_must_name_the_signer() -> None:
    by_sm3 = ess(sm3(GM.leaf), oid("1.2.156.10197.1.401"))
    for good in (ess(fingerprint(GM.leaf)), by_sm3):
        assert verify_foreign(gm(attributes=True, more=[good])).content == CONTENT
    for bad in (
        ess(fingerprint(GM.root)),
        ess(sm3(GM.leaf)),
        attribute(NAMED, sd.NULL),
        attribute(NAMED, der.write(0x30)),
    ):
        refused = code_of(lambda bad=bad: verify_foreign(gm(attributes=True, more=[bad])))
        assert refused == "CMS_SIGNING_CERTIFICATE"


def _valued(*values: bytes) -> bytes:
    return der.write(der.SEQUENCE, der.write_oid("1.2.3.4.5"), der.write(der.SET, *values))


OTHER = attribute(der.write_oid("1.2.3.4"), sd.NULL)
HOSTILE: dict[str, tuple[dict[str, Any], str]] = {
    "an unsigned attribute": ({"unsigned": der.write(0xA1, OTHER)}, "CMS_UNSIGNED"),
    "a counter-signature": (
        {"unsigned": der.write(0xA1, attribute(der.write_oid("1.2.840.113549.1.9.6"), sd.NULL))},
        "CMS_UNSIGNED",
    ),
    "no certificate of the signer": ({"certificates": [GM.root]}, "CMS_SIGNER_CERTIFICATE"),
    "content that is no data": ({"content_type": der.write_oid("1.2.840.113549.1.9.16.1.4")}, "CMS_CONTENT_TYPE"),
    "SHA-256 before SM2": ({"digest": oid("2.16.840.1.101.3.4.2.1")}, "CMS_ALGORITHM"),
    "ECDSA for SM2": ({"algorithm": oid("1.2.840.10045.4.3.2")}, "CMS_ALGORITHM"),
    "an algorithm nobody knows": ({"algorithm": oid("1.2.3.4")}, "CMS_ALGORITHM"),
    "the key agreement's name": ({"algorithm": oid("1.2.156.10197.1.301.2")}, "CMS_ALGORITHM"),
    "attributes of another type": (
        {"attributes": [attribute(sd.CONTENT_TYPE, sd.DATA), attribute(sd.MESSAGE_DIGEST, der.write(4, sm3(CONTENT)))]},
        "CMS_CONTENT_TYPE",
    ),
    "attributes without a digest": ({"attributes": [attribute(sd.CONTENT_TYPE, sd.GM_DATA)]}, "CMS_MESSAGE_DIGEST"),
    "an attribute twice": ({"attributes": [OTHER, OTHER]}, "CMS_ATTRIBUTE_REPEATED"),
    "an attribute of two values": ({"attributes": [OTHER, _valued(sd.NULL, sd.NULL)]}, "CMS_ATTRIBUTE_REPEATED"),
    "no attribute at all": ({"unsigned": der.write(0xA1)}, "CMS_SYNTAX"),
    "an attribute of no value": ({"attributes": [OTHER, _valued()]}, "CMS_ATTRIBUTE_REPEATED"),
    "revocation information of a kind of its own": (
        {"crls": der.write(0xA1, der.write(0xA1, der.write_oid("1.2.3.4"), der.write(0x30)))},
        "CMS_SYNTAX",
    ),
    "too many certificates": ({"certificates": [GM.leaf] * 33}, "CMS_CERTIFICATES_MANY"),
    "too many lists": ({"crls": der.write(0xA1, *[der.write(0x30)] * 33)}, "CMS_CERTIFICATES_MANY"),
    "another kind of certificate": ({"certificates": [GM.leaf, der.write(0xA1)]}, "CMS_SYNTAX"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_signatures(case: str) -> None:
    how, code = HOSTILE[case]
    assert code_of(lambda: verify_foreign(gm(**how))) == code


def test_attributes_that_pass_for_a_content() -> None:
    """Who has a signature over attributes could show them as the content that was signed (RFC 5652 section 5.4)."""
    hashed = der.write(der.OCTET_STRING, sm3(CONTENT))
    attributes = der.write_set(attribute(sd.CONTENT_TYPE, sd.GM_DATA), attribute(sd.MESSAGE_DIGEST, hashed))
    assert code_of(lambda: verify_foreign(gm(attributes, attributes))) == "CMS_CONTENT_AMBIGUOUS"
    refused_as_such = der.write_set(_valued(sd.NULL, sd.NULL), attribute(sd.MESSAGE_DIGEST, hashed))
    assert code_of(lambda: verify_foreign(gm(refused_as_such, refused_as_such))) == "CMS_CONTENT_AMBIGUOUS"
    assert verify_foreign(gm(b"1 is a digit", b"1 is a digit")).content == b"1 is a digit"
    assert verify_foreign(gm(attributes, attributes, attributes=True)).content == attributes


def test_another_message_in_the_form_of_signed_data() -> None:
    """The frame is covered by no signature; what it says it is must be that all the same."""
    enveloped = der.write_oid("1.2.156.10197.6.1.4.2.3")
    whole = gm()
    assert code_of(lambda: verify_foreign(whole.replace(sd.GM_SIGNED_DATA, enveloped))) == "CMS_SYNTAX"
    version = whole.index(integer(1))
    assert code_of(lambda: verify_foreign(whole[:version] + b"\x04" + whole[version + 1 :])) == "CMS_SYNTAX"


@pytest.mark.parametrize(
    ("place", "put", "code"),
    [
        (5, der.write(der.SET), "CMS_SYNTAX"),  # something behind the signers
        (2, der.write(0x30, sd.GM_DATA, der.write(0xA1, der.write(4, CONTENT))), "CMS_SYNTAX"),
        (4, der.write(der.SET, der.write(0x30, integer(1), der.write(4, b"x"))), "CMS_SIGNER_IDENTIFIER"),
        (4, der.write(der.SET, der.write(0x30, integer(1), der.write(0x30), der.write(4, b"x"))), "CMS_SYNTAX"),
    ],
)
def test_frames_of_another_shape(place: int, put: bytes, code: str) -> None:
    type_, explicit = der.read(gm(), der.SEQUENCE).children()
    fields = [field.outer for field in der.read(explicit.content, der.SEQUENCE).children()]
    fields[place : place + 1] = [put]
    whole = der.write(der.SEQUENCE, type_.outer, der.write(0xA0, der.write(der.SEQUENCE, *fields)))
    assert code_of(lambda: verify_foreign(whole)) == code


def test_a_signature_of_endless_length_is_not_taken_apart() -> None:
    with pytest.raises(InputError) as caught:
        verify_foreign(bytes(sd.MAX_BYTES + 1))
    assert (caught.value.code, caught.value.values["cause"]) == ("CMS_SYNTAX", "size")


@pytest.mark.parametrize("attributes", [None, True])
def test_another_signature_and_bytes_behind_the_end(attributes: bool | None) -> None:
    whole = gm(attributes=attributes)
    assert code_of(lambda: verify_foreign(whole[:-1] + bytes([whole[-1] ^ 1]))) == "CMS_SIGNATURE"
    assert code_of(lambda: verify_foreign(whole + b"\0")) == "CMS_SYNTAX"


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 2000), st.integers(0, 6), st.binary(max_size=8))
def test_hostile_bytes_raise_only_our_error_and_never_other_content(start: int, length: int, put: bytes) -> None:
    whole = GOOD[:start] + put + GOOD[start + length :]
    with suppress(InputError):
        assert verify_foreign(whole).content == CONTENT


GOOD = gm(attributes=True)


@pytest.mark.parametrize("kind", ["rsa", "ec"])
@pytest.mark.parametrize(
    "options", ["", "-noattr", "-nodetach -cades -md sha512", "-stream -keyid", "-stream -nodetach -noattr"]
)
def test_signatures_by_openssl(kind: str, options: str, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        missing("openssl is not installed")
    key = RSA_KEY if kind == "rsa" else p256()
    identifier = (SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    made = load_der_x509_certificate(certificate("Office", key.public_key(), "CA", p256(), extensions=(identifier,)))
    (tmp_path / "cert").write_bytes(made.public_bytes(Encoding.PEM))
    (tmp_path / "key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "content").write_bytes(CONTENT)
    command = f"openssl cms -sign -binary -signer cert -inkey key -in content -outform DER -out cms {options}"
    done = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    found = verify_foreign((tmp_path / "cms").read_bytes(), CONTENT)
    assert found.organization == "Office" and found.algorithm.endswith("512" if "512" in options else "256")


def test_a_signer_is_the_one_certificate_with_the_key_identifier() -> None:
    key = p256()
    identifier = (SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    first, renewed = (certificate("Office", key.public_key(), "CA", p256(), extensions=(identifier,)) for _ in range(2))
    named = identifier[0].digest
    data = encode(key, first, gm=False, attributes=True)
    signer = der.write(der.SEQUENCE, read_certificate(first).issuer, read_certificate(first).serial)
    assert (
        code_of(lambda: verify_foreign(_renamed(data, signer, der.write(0x80, b"another")))) == "CMS_SIGNER_CERTIFICATE"
    )
    by_key = _renamed(data, signer, der.write(0x80, named))
    assert verify_foreign(by_key).certificate == first
    assert code_of(lambda: verify_foreign(by_key, certificates=[renewed])) == "CMS_SIGNER_AMBIGUOUS"


def _renamed(data: bytes, old: bytes, new: bytes) -> bytes:
    """``data`` with ``new`` for ``old``, in an innermost place, and all lengths around it right again."""
    if data == old:
        return new
    element = der.read(data, data[0])
    if old not in element.content or not data[0] & 0x20:
        return data
    return der.write(data[0], *(_renamed(child.outer, old, new) for child in element.children()))


def test_a_signature_of_another_maker() -> None:
    if not FACTS.is_file():
        missing("no ../shared/facts beside the project")
    examples = json.loads(FACTS.read_text("utf-8"))["ses_and_cms"]
    found = verify_foreign(bytes.fromhex(examples["gbt35275_signed_data_over_digest_der_hex"]))
    assert (found.algorithm, found.content.hex()) == ("sm2-sm3", examples["document_sm3"])
