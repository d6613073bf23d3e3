"""Certificate paths as of a moment."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from crypto_kit import CA_USAGE, DAY, NOW, Chain, certificate, p256, usage
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from ledger.crypto.certificates import read_certificate
from ledger.crypto.paths import CertificatePath, build_path, find_paths
from ledger.errors import InputError

CHAIN = Chain()


def code_of(leaf: bytes, others: list[bytes], anchors: list[bytes], moment: int = NOW) -> str:
    with pytest.raises(InputError) as caught:
        build_path(leaf, others, anchors, moment)
    assert "{" not in caught.value.text("zh") + caught.value.text("en")
    return caught.value.code


def issued(**changes: Any) -> bytes:
    """A leaf of the chain's issuing authority."""
    return certificate("Office", CHAIN.key.public_key(), "Issuing", CHAIN.issuing_key, **changes)


def test_path_over_an_intermediate_authority() -> None:
    found = build_path(CHAIN.leaf, [CHAIN.issuing], [Chain().root, CHAIN.root], NOW)
    assert isinstance(found, CertificatePath)
    assert found.certificates == (CHAIN.leaf, CHAIN.issuing, CHAIN.root) and found.unused == ()


def test_supplied_certificates_that_are_not_needed_are_named() -> None:
    stranger = Chain().issuing
    assert build_path(CHAIN.leaf, [stranger, CHAIN.issuing], [CHAIN.root], NOW).unused == (stranger,)
    assert build_path(CHAIN.leaf, [CHAIN.issuing], [CHAIN.issuing], NOW).unused == ()


def test_no_anchor_is_never_trust_in_everything() -> None:
    assert code_of(CHAIN.leaf, [CHAIN.issuing], []) == "PATH_NO_ANCHORS"


def test_supplied_root_is_not_an_anchor() -> None:
    other = certificate("Other", p256().public_key(), "Other", p256(), ca=True, key_usage=CA_USAGE)
    assert code_of(CHAIN.leaf, [CHAIN.issuing, CHAIN.root], [other]) == "PATH_NONE"
    assert len(find_paths(CHAIN.leaf, [CHAIN.issuing, CHAIN.root], [CHAIN.root], NOW)) == 1  # nor a step before itself


def test_missing_intermediate() -> None:
    assert code_of(CHAIN.leaf, [], [CHAIN.root]) == "PATH_NONE"


def test_authority_of_the_same_name_with_another_key() -> None:
    assert code_of(CHAIN.leaf, [CHAIN.issuing], [Chain().root]) == "PATH_SIGNATURE"


def test_self_made_intermediate_in_an_authoritys_name() -> None:
    forged = Chain()
    assert code_of(forged.leaf, [forged.issuing], [CHAIN.root]) == "PATH_SIGNATURE"


def test_authority_certificate_as_signing_certificate() -> None:
    assert code_of(CHAIN.root, [], [CHAIN.root]) == "PATH_LEAF_IS_ANCHOR"


def test_judged_at_the_moment_and_not_today() -> None:
    leaf = issued(since=NOW - DAY, until=NOW + DAY)
    assert build_path(leaf, [CHAIN.issuing], [CHAIN.root], NOW + DAY)
    assert code_of(leaf, [CHAIN.issuing], [CHAIN.root], NOW + DAY + 1) == "PATH_EXPIRED"
    assert build_path(leaf, [CHAIN.issuing], [CHAIN.root], NOW - DAY)
    assert code_of(leaf, [CHAIN.issuing], [CHAIN.root], NOW - DAY - 1) == "PATH_NOT_YET_VALID"


@pytest.mark.parametrize("key_usage", [None, usage("key_encipherment"), CA_USAGE])
def test_key_that_may_not_sign(key_usage: x509.KeyUsage | None) -> None:
    assert code_of(issued(key_usage=key_usage), [CHAIN.issuing], [CHAIN.root]) == "PATH_KEY_USAGE"


@pytest.mark.parametrize("key_usage", [usage("digital_signature"), usage("content_commitment")])
def test_either_usage_is_enough(key_usage: x509.KeyUsage) -> None:
    assert build_path(issued(key_usage=key_usage), [CHAIN.issuing], [CHAIN.root], NOW)


def test_office_that_acts_as_an_authority() -> None:
    leaf = certificate("Sub", p256().public_key(), "Office", CHAIN.key)
    assert code_of(leaf, [CHAIN.leaf, CHAIN.issuing], [CHAIN.root]) == "PATH_INVALID"


def test_unknown_critical_extension() -> None:
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    assert code_of(issued(extensions=((odd, True),)), [CHAIN.issuing], [CHAIN.root]) == "PATH_INVALID"


def test_short_rsa_key() -> None:
    key = rsa.generate_private_key(65537, 1024)  # noqa: S505 - that it is refused is the test
    leaf = certificate("Office", key.public_key(), "Issuing", CHAIN.issuing_key)
    assert code_of(leaf, [CHAIN.issuing], [CHAIN.root]) == "PATH_ALGORITHM"


def test_unreadable_certificates() -> None:
    assert code_of(b"\x30\x00", [], [CHAIN.root]) == "PATH_CERTIFICATE"
    assert code_of(CHAIN.leaf, [CHAIN.issuing + b"\0"], [CHAIN.root]) == "PATH_CERTIFICATE"


def test_no_flipped_bit_in_the_intermediate_passes() -> None:
    for position in range(0, len(CHAIN.issuing) * 8, 5):
        flipped = bytearray(CHAIN.issuing)
        flipped[position // 8] ^= 1 << position % 8
        with pytest.raises(InputError):
            build_path(CHAIN.leaf, [bytes(flipped)], [CHAIN.root], NOW)


def test_crowd_of_cross_certificates_is_refused_soon() -> None:
    keys = [p256() for _ in range(12)]
    others = [certificate("Issuing", k.public_key(), "Issuing", k, ca=True, key_usage=CA_USAGE) for k in keys]
    assert code_of(CHAIN.leaf, others, [CHAIN.root]) == "PATH_TOO_COMPLEX"


def test_offline_verification_loads_nothing_heavy() -> None:
    heavy = ["web3", "sqlalchemy", "fastapi", "pyhanko", "requests", "asn1crypto", "pyhanko_certvalidator"]
    modules = ["cms", "paths", "revocation", "trust_signatures", "digests", "envelope", "approvals"]
    words = f"import sys; import {','.join(f'ledger.crypto.{m}' for m in modules)};"
    words += f"print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"


@pytest.mark.parametrize("unreadable", [b"", b"\x30\x00", b"\xff" * 40])
def test_an_authority_that_cannot_be_read_spoils_no_path_to_another(unreadable: bytes) -> None:
    assert build_path(CHAIN.leaf, [CHAIN.issuing], [unreadable, CHAIN.root], NOW).certificates[-1] == CHAIN.root
    assert code_of(CHAIN.leaf, [CHAIN.issuing], [unreadable]) == "PATH_NONE"


def test_a_certificate_of_endless_length_is_not_read() -> None:
    padding = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), bytes(20_000))
    assert code_of(issued(extensions=((padding, False),)), [CHAIN.issuing], [CHAIN.root]) == "PATH_CERTIFICATE"


@pytest.mark.parametrize("text", ["局\x1b[2J", "局\n✓ 真实有效", "局\u202e"])
def test_a_name_that_writes_its_own_verdict_on_the_screen_is_not_shown(text: str) -> None:
    def shown(name: str) -> str | None:
        made = certificate(name, CHAIN.key.public_key(), "Issuing", CHAIN.issuing_key)
        return read_certificate(made).organization

    assert shown(text) is None
    assert shown("局") == "局"
