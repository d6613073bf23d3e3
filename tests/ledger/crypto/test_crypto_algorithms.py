"""Every algorithm through CMS, certificate path and CRL: the key of the certificate selects, nothing else does."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from crypto_kit import CA_USAGE, DAY, NOW, RSA_KEY, certificate, entry, p256
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from sm2_kit import VECTORS, Sm2Chain, missing, sm2_certificate, sm2_crl, stored_certificate
from sm2_signing import SM2_ALGORITHM, forget_signatures

from ledger.core.bundles import ValidationData
from ledger.crypto import cms, der, paths, revocation, sm2
from ledger.crypto.algorithms import ALGORITHMS, algorithm_of, sign_raw, verify_raw
from ledger.crypto.certificates import read_certificate, read_signed
from ledger.errors import ConfigError, InputError

CONTENT = b'{"tag":"zhengyin/manifest/1"}'
CHAIN = Sm2Chain()
CRLS = (sm2_crl("Issuing", CHAIN.issuing_key), sm2_crl("Root", CHAIN.root_key))
RSA_OID, PSS_OID = der.write_oid("1.2.840.113549.1.1.1"), der.write_oid("1.2.840.113549.1.1.10")


def spki_of(key: Any) -> bytes:
    return bytes(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def pss_spki(parameters: bytes = b"") -> bytes:
    """The RSA key of the tests as one for PSS alone."""
    key = der.read(spki_of(RSA_KEY), der.SEQUENCE).children()[1]
    return der.write(der.SEQUENCE, der.write(der.SEQUENCE, PSS_OID, parameters), key.outer)


def with_key(made: bytes, spki: bytes) -> bytes:
    """A certificate with another key in it; its issuer's signature is not looked at."""
    tbs, algorithm, signature = der.read(made, der.SEQUENCE).children()
    fields = [field.outer for field in tbs.children()]
    return der.write(
        der.SEQUENCE, der.write(der.SEQUENCE, *fields[:6], spki, *fields[7:]), algorithm.outer, signature.outer
    )


KEYS: dict[str, tuple[Any, bytes]] = {
    "ecdsa-p256-sha256": (key := p256(), spki_of(key)),
    "ecdsa-p384-sha384": (key := ec.generate_private_key(ec.SECP384R1()), spki_of(key)),
    "rsa-pkcs1-sha256": (RSA_KEY, spki_of(RSA_KEY)),
    "rsa-pss-sha256": (RSA_KEY, pss_spki()),
    "ed25519": (key := ed25519.Ed25519PrivateKey.generate(), spki_of(key)),
    "sm2-sm3": (CHAIN.key, spki_of(CHAIN.key)),
}
CERTIFICATES = {
    name: with_key(certificate("Office", p256().public_key(), "CA", p256()), spki) for name, (_, spki) in KEYS.items()
}


def signed(name: str, content: bytes = CONTENT) -> bytes:
    key, spki = KEYS[name]
    attributes = cms.signed_attributes(content, CERTIFICATES[name], NOW)
    return cms.assemble(CERTIFICATES[name], attributes, sign_raw(key, attributes, spki))


SIGNED = {name: signed(name) for name in KEYS}


def code_of(work: Callable[[], object]) -> str:
    with pytest.raises((InputError, ConfigError)) as caught:
        work()
    return caught.value.code


def test_every_row_is_tested() -> None:
    assert {algorithm.name for algorithm in ALGORITHMS} == set(KEYS)


@pytest.mark.parametrize("name", KEYS)
def test_a_cms_by_each_algorithm(name: str) -> None:
    found = cms.verify_detached(SIGNED[name], CONTENT)
    assert (found.algorithm, found.certificate) == (name, CERTIFICATES[name])
    assert code_of(lambda: cms.verify_detached(SIGNED[name], CONTENT + b" ")) == "CMS_MESSAGE_DIGEST"


@pytest.mark.parametrize("name", KEYS)
@settings(deadline=None, max_examples=40)
@given(place=st.integers(0, 2**20))
def test_no_bit_of_a_cms_can_be_changed(name: str, place: int) -> None:
    data = SIGNED[name]
    at, forged = place % (8 * len(data)), bytearray(data)
    forged[at // 8] ^= 1 << at % 8
    assert code_of(lambda: cms.verify_detached(bytes(forged), CONTENT)).startswith("CMS_")


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("other", KEYS)
def test_no_algorithm_passes_for_another(name: str, other: str) -> None:
    key, spki = KEYS[name]
    if name == other:
        verify_raw(spki, name, sign_raw(key, CONTENT, spki), CONTENT)
        return
    assert code_of(lambda: verify_raw(spki, other, b"", CONTENT)) == "SIGNATURE_ALGORITHM"
    foreign = sign_raw(KEYS[other][0], CONTENT, KEYS[other][1])
    assert code_of(lambda: verify_raw(spki, name, foreign, CONTENT)) == "SIGNATURE_INVALID"
    assert algorithm_of(spki).identifier != algorithm_of(KEYS[other][1]).identifier
    # the same RSA key under a certificate for PSS is another algorithm; any other key does not fit at all
    if {name, other} != {"rsa-pss-sha256", "rsa-pkcs1-sha256"}:
        assert code_of(lambda: sign_raw(key, CONTENT, KEYS[other][1])) == "SIGNATURE_KEY"


def test_openssl_verifies_what_it_can(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        missing("openssl is not installed")
    (tmp_path / "content").write_bytes(CONTENT)
    for name in ("ecdsa-p384-sha384", "rsa-pss-sha256", "rsa-pkcs1-sha256", "ecdsa-p256-sha256"):
        (tmp_path / name).write_bytes(SIGNED[name])
        command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", str(tmp_path / name), "-noverify"]
        done = subprocess.run(
            [*command, "-content", str(tmp_path / "content"), "-out", "/dev/null"], capture_output=True, check=False
        )
        assert done.returncode == 0, (name, done.stderr)


def test_the_salt_and_hash_of_pss_are_fixed() -> None:
    for hash_parameters in (b"", der.write(der.NULL)):
        sha256 = der.write(0x30, der.write_oid("2.16.840.1.101.3.4.2.1"), hash_parameters)
        mgf1 = der.write(0x30, der.write_oid("1.2.840.113549.1.1.8"), sha256)
        inside = [der.write(0xA0, sha256), der.write(0xA1, mgf1)]
        exact = der.write(0x30, *inside, der.write(0xA2, der.write(2, b"\x20")))
        assert algorithm_of(pss_spki(exact)).name == "rsa-pss-sha256"
        other = der.write(0x30, *inside, der.write(0xA2, der.write(2, b"\x14")))
        assert code_of(lambda other=other: algorithm_of(pss_spki(other))) == "SIGNATURE_KEY"
    short = RSA_KEY.sign(CONTENT, padding.PSS(padding.MGF1(SHA256()), 20), SHA256())
    assert code_of(lambda: verify_raw(pss_spki(), "rsa-pss-sha256", short, CONTENT)) == "SIGNATURE_INVALID"


WEAK = rsa.generate_private_key(65537, 1024)  # noqa: S505 - that it is refused is the test
REFUSED = {
    "RSA of 1024 bits": spki_of(WEAK),
    "P-521": spki_of(ec.generate_private_key(ec.SECP521R1())),
    "secp256k1": spki_of(ec.generate_private_key(ec.SECP256K1())),
    "Ed448": spki_of(ed448.Ed448PrivateKey.generate()),
    "nothing": b"",
    "no algorithm": der.write(0x30, der.write(0x30), der.write(3, b"\0")),
    "SM2's curve as the algorithm": der.write(
        0x30, der.write(0x30, der.write_oid("1.2.156.10197.1.301")), der.write(3, b"\0", CHAIN.key.public_key().point)
    ),
    "SM2 with an empty key": der.write(
        0x30, der.write(0x30, der.write_oid("1.2.840.10045.2.1"), der.write_oid("1.2.156.10197.1.301")), der.write(3)
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_keys_of_no_row(name: str) -> None:
    assert code_of(lambda: algorithm_of(REFUSED[name])) == "SIGNATURE_KEY"


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=120) | st.tuples(st.sampled_from(sorted(KEYS)), st.integers(0, 999)).map(
    lambda drawn: KEYS[drawn[0]][1][: drawn[1] % len(KEYS[drawn[0]][1])]
))  # fmt: skip
def test_hostile_keys(data: bytes) -> None:
    assert code_of(lambda: algorithm_of(data)) == "SIGNATURE_KEY"


# ---- paths and lists


def validation(*crls: bytes) -> ValidationData:
    return ValidationData((), crls, ())


def path(chain: Sm2Chain = CHAIN, **other: Any) -> paths.CertificatePath:
    parts = {"leaf": chain.leaf, "issuing": chain.issuing, "root": chain.root} | other
    return paths.build_path(parts["leaf"], [parts["issuing"]], [parts["root"]], NOW)


def test_a_path_of_sm2_certificates_and_its_lists() -> None:
    found = path()
    assert found.certificates == (CHAIN.leaf, CHAIN.issuing, CHAIN.root)
    assert revocation.judge(found, validation(*CRLS), NOW).outcome == "good"
    assert revocation.judge(found, validation(CRLS[0]), NOW).code == "REVOCATION_MISSING"
    revoked = sm2_crl("Issuing", CHAIN.issuing_key, revoked=(entry(CHAIN.leaf, NOW - DAY),))
    assert revocation.judge(found, validation(revoked, CRLS[1]), NOW).code == "REVOCATION_REVOKED"


def test_a_path_and_a_list_that_another_key_signed() -> None:
    forged = sm2_certificate("Office", CHAIN.key.public_key(), "Issuing", sm2.generate())
    assert code_of(lambda: path(leaf=forged)) == "PATH_SIGNATURE"
    found = path()
    for other in (sm2_crl("Issuing", sm2.generate()), CRLS[0][:-1] + bytes([CRLS[0][-1] ^ 1])):
        bad = validation(other, CRLS[1])
        assert code_of(lambda bad=bad: revocation.judge(found, bad, NOW)) == "REVOCATION_CRL_SIGNATURE"


def test_sm2_below_a_p256_authority_and_the_reverse() -> None:
    top, middle = p256(), sm2.generate()
    root = certificate("Root", top.public_key(), "Root", top, ca=True, key_usage=CA_USAGE)
    held = certificate("Issuing", p256().public_key(), "Root", top, ca=True, key_usage=CA_USAGE)
    assert code_of(lambda: path(issuing=with_key(held, spki_of(middle)), root=root)) == "PATH_SIGNATURE"
    # SM2's name over a key of another curve: no signature of anybody's can be checked by it
    named = sm2_certificate("Office", CHAIN.key.public_key(), "Issuing", sm2.generate())
    assert code_of(lambda: path(leaf=named, issuing=held, root=root)) == "PATH_SIGNATURE"
    # and the reverse: ECDSA's name over an SM2 key
    assert code_of(lambda: path(leaf=certificate("Office", top.public_key(), "Issuing", top))) == "PATH_SIGNATURE"


def test_without_sm2_nothing_is_called_forged(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> Any:
        raise ConfigError("SM2_UNAVAILABLE")

    forget_signatures()
    monkeypatch.setattr(sm2, "backend", none)
    chain_path = paths.CertificatePath((CHAIN.leaf, CHAIN.issuing, CHAIN.root), b"", ())
    assert code_of(lambda: cms.verify_detached(SIGNED["sm2-sm3"], CONTENT)) == "SM2_UNAVAILABLE"
    assert code_of(lambda: revocation.judge(chain_path, validation(*CRLS), NOW)) == "SM2_UNAVAILABLE"
    assert code_of(path) == "SM2_UNAVAILABLE"


# ---- certificates that others made

PUBLISHED = sorted(p.name for p in (VECTORS / "tongsuo_certs").glob("*") if "csr" not in p.name)


@pytest.mark.parametrize("name", PUBLISHED)
def test_certificates_of_another_maker_are_read(name: str) -> None:
    parts = read_certificate(stored_certificate(name))
    named_by_curve = name in ("sm2-cert.pem", "sm2-noza-cert.pem", "sm2-noza-root-cert.pem", "sm2-root-cert.pem")
    if named_by_curve:  # the key's algorithm is the curve itself: no spelling of GM/T 0006
        assert code_of(lambda: algorithm_of(parts.spki)) == "SIGNATURE_KEY"
    else:
        assert algorithm_of(parts.spki).name == "sm2-sm3"


def signature_of(made: bytes) -> bytes:
    return der.read(made, der.SEQUENCE).children()[2].content[1:]


def authority(subject: bytes) -> bytes:
    """The point of the published authority of that name."""
    for name in ("chain-ca.crt", "sm2-root-cert.pem", "sm2-noza-root-cert.pem", "sm2-chain-ca.crt"):
        text = (VECTORS / "tongsuo_certs" / name).read_text("utf-8")
        for number in range(text.count("-----BEGIN CERTIFICATE-----")):
            parts = read_certificate(stored_certificate(name, number))
            if parts.subject == subject:
                return parts.spki[-65:]
    raise LookupError


@pytest.mark.parametrize("name", [n for n in PUBLISHED if n.startswith(("client", "server")) and "2" not in n])
def test_signatures_of_another_maker_s_authority_verify(name: str) -> None:
    made = stored_certificate(name)
    signed_part, algorithm = read_signed(made)
    assert algorithm.outer == SM2_ALGORITHM
    point = authority(read_certificate(made).issuer)
    sm2.verify(point, signed_part.outer, signature_of(made))
    changed = signed_part.outer[:-1] + bytes([signed_part.outer[-1] ^ 1])
    assert code_of(lambda: sm2.verify(point, changed, signature_of(made))) == "SM2_SIGNATURE"


def test_a_root_signed_without_its_identifier_is_refused() -> None:
    made = stored_certificate("sm2-noza-root-cert.pem")
    point = authority(read_certificate(made).subject)
    signed_part, _ = read_signed(made)
    for identifier in (sm2.IDENTIFIER, b""):
        refused = code_of(lambda i=identifier: sm2.verify(point, signed_part.outer, signature_of(made), i))
        assert refused == "SM2_SIGNATURE"
