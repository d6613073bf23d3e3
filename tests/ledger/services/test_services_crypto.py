"""The crypto service: what it makes, what it refuses, and what it logs."""

from __future__ import annotations

import subprocess
from functools import partial
from pathlib import Path
from typing import NoReturn

import pytest
from crypto_pool import DATA, NOTHING, P256, Pool, code_of, needs_sm2
from pki_kit import DAY, NOW, OFFICE, tampered

from ledger.core.login import Audience, Challenge
from ledger.core.registries import Suite
from ledger.crypto import cms as cms_profile
from ledger.crypto.digests import sm3
from ledger.crypto.foreign_cms import verify_foreign
from ledger.crypto.pem import write as pem_of
from ledger.crypto.signed_data import digest_of
from ledger.crypto.timestamps import over, verify_token
from ledger.errors import ConfigError
from ledger.services.crypto_content import MAX_BYTES, Content
from ledger.services.login_proof import LoginProver
from ledger.services.operations import by

# ---- signing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["p256", pytest.param("sm2", marks=needs_sm2)])
def test_data_and_their_digest_are_signed_alike(pool: Pool, name: str) -> None:
    digest = "sm3" if name == "sm2" else "sha256"
    for content in (Content(DATA), Content(None, digest, digest_of(digest, DATA))):
        made = pool.service.sign(OFFICE, name, content)
        found = verify_foreign(made.cms, DATA)
        assert (found.signing_time, found.by_service) == (NOW, True)
        assert (made.algorithm == "sm2-sm3") is (name == "sm2")


def test_openssl_verifies_what_is_signed(pool: Pool, tmp_path: Path) -> None:
    made = pool.service.sign(OFFICE, "p256", Content(DATA))
    (tmp_path / "data").write_bytes(DATA)
    (tmp_path / "cms").write_bytes(made.cms)
    chain = [pool.pki.root(P256), *pool.pki.intermediates(P256)]
    (tmp_path / "ca.pem").write_text("".join(pem_of("CERTIFICATE", der) for der in chain))
    done = subprocess.run(
        ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", tmp_path / "cms", "-content",
         tmp_path / "data", "-CAfile", tmp_path / "ca.pem", "-purpose", "any", "-attime", str(NOW)],
        capture_output=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, DATA), done.stderr


def test_a_signature_with_a_time_stamp_is_proved_in_time(pool: Pool) -> None:
    made = pool.service.sign(OFFICE, "p256", Content(DATA), stamped=True)
    found = verify_foreign(made.cms, DATA)
    assert found.token is not None and made.time == NOW
    assert verify_token(found.token, over(found.signature)).time == NOW


def test_a_digest_by_another_algorithm_than_the_keys_is_refused(pool: Pool) -> None:
    other = Content(None, "sha384", digest_of("sha384", DATA))
    assert code_of(lambda: pool.service.sign(OFFICE, "p256", other)) == "CRYPTO_DIGEST_OTHER"
    assert code_of(lambda: Content(None, "sha256", bytes(48))) == "CRYPTO_DIGEST_LENGTH"
    assert code_of(lambda: Content(bytes(MAX_BYTES + 1))) == "CRYPTO_SIZE"


# ---- nothing that the ledger believes --------------------------------------------------------------------------------


OURS = [
    b'{"tag":"zhengyin/manifest/1"}',
    b' {\n"x": 1, "tag" : "zhengyin/trust/2"}',
    b'{"tag":"\\u007ahengyin/loginChallenge/1"}',
    b"zhengyin/idempotencyKey/1\n",
]


@pytest.mark.parametrize("content", OURS)
def test_an_object_of_the_ledgers_own_is_not_signed(pool: Pool, content: bytes) -> None:
    assert code_of(lambda: pool.service.sign(OFFICE, "p256", Content(content))) == "CRYPTO_CONTENT_OURS"


CHALLENGE = Challenge(
    "https://ledger.example", Audience(OFFICE, "hall"), "CN-440100", 2, "organisation", 3600, NOW, NOW + 180, bytes(32)
)


def test_a_login_challenge_is_not_signed(pool: Pool) -> None:
    assert code_of(lambda: pool.service.sign(OFFICE, "p256", Content(CHALLENGE.to_bytes()))) == "CRYPTO_CONTENT_OURS"


def test_a_challenge_known_by_its_digest_logs_nobody_in(pool: Pool) -> None:
    made = pool.service.sign(OFFICE, "p256", Content(None, "sha256", digest_of("sha256", CHALLENGE.to_bytes())))
    prover = LoginProver(lambda: pool.trust, pool.world.app.revocation, tuple, lambda *_: None)
    assert code_of(lambda: prover.prove(CHALLENGE, made.cms, NOW)) == "LOGIN_BY_SERVICE"


def test_even_a_manifest_known_by_its_digest_is_no_signature_of_a_batch(pool: Pool) -> None:
    """Whoever may sign digests could have one of a manifest signed: what comes out is no CMS of the template."""
    manifest = b'{"tag":"zhengyin/manifest/1"}'
    made = pool.service.sign(OFFICE, "p256", Content(None, "sha256", digest_of("sha256", manifest)))
    assert verify_foreign(made.cms, manifest).by_service
    assert code_of(lambda: cms_profile.verify_detached(made.cms, manifest)) == "CMS_ATTRIBUTES"


def test_without_the_hint_the_signature_is_another_ones(pool: Pool) -> None:
    """The attribute that says so is signed: taken out, nothing is left that verifies."""
    made = pool.service.sign(OFFICE, "p256", Content(DATA))
    found = verify_foreign(made.cms, DATA)
    plain = cms_profile.signed_attributes(DATA, found.certificate, made.signing_time)
    forged = cms_profile.assemble(found.certificate, plain, found.signature)
    assert code_of(lambda: cms_profile.verify_detached(forged, DATA)) == "CMS_SIGNATURE"


def test_keys_that_issue_are_no_keys_of_the_service(pool: Pool) -> None:
    keys = pool.world.app.keys
    (name, *_) = keys.names(OFFICE, "signing")
    assert code_of(lambda: pool.service.sign(OFFICE, name, Content(DATA))) == "CRYPTO_KEY_UNKNOWN"
    issuing = keys.signing(OFFICE, name)
    keys.import_key(OFFICE, "bound", "service", issuing.private_key.to_pem(None), None)  # type: ignore[attr-defined]
    keys.put_certificate(OFFICE, "bound", issuing.certificate, "service")
    assert code_of(lambda: pool.service.sign(OFFICE, "bound", Content(DATA))) == "CRYPTO_KEY_BOUND"


def test_a_certificate_that_is_known_to_be_revoked_signs_nothing(pool: Pool) -> None:
    def standing(certificate: bytes, now: int) -> NoReturn:
        raise ConfigError("SIGNER_CERTIFICATE_REVOKED", certificate="", since=now, reason="keyCompromise")

    pool.standing = standing
    entries = len(pool.log())
    for stamped in (False, True):
        assert code_of(partial(pool.service.sign, OFFICE, "p256", Content(DATA), stamped)) == "CRYPTO_KEY_REVOKED"
    assert [entry["after"]["outcome"] for entry in pool.log()[entries:]] == ["CRYPTO_KEY_REVOKED"] * 2


def test_a_certificate_bound_for_another_office_is_refused_too(pool: Pool) -> None:
    """A city that keeps many offices' keys in one folder must not sign by one's key in the service of another."""
    from ledger_world import OFFICE_B

    keys = pool.world.app.keys
    issuing = keys.signing(OFFICE_B, "main")
    keys.import_key(OFFICE, "theirs", "service", issuing.private_key.to_pem(None), None)  # type: ignore[attr-defined]
    keys.put_certificate(OFFICE, "theirs", issuing.certificate, "service")
    assert code_of(lambda: pool.service.sign(OFFICE, "theirs", Content(DATA))) == "CRYPTO_KEY_BOUND"


def test_a_certificate_out_of_its_dates_signs_nothing(pool: Pool) -> None:
    pool.world.clock.now = NOW + 40 * 365 * DAY
    assert code_of(lambda: pool.service.sign(OFFICE, "p256", Content(DATA))) == "CRYPTO_KEY_DATES"


# ---- encrypting ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["filing", "national"])
def test_what_is_encrypted_opens_for_its_organisation_and_context_alone(pool: Pool, name: str) -> None:
    made, version = pool.service.encrypt(OFFICE, name, DATA, "table=a")
    data, head = pool.service.decrypt(OFFICE, made, "table=a")
    assert (data, head.name, head.version) == (DATA, name, version)
    assert code_of(lambda: pool.service.decrypt(OFFICE, made, "table=b")) == "ENVELOPE_DAMAGED"
    assert code_of(lambda: pool.service.decrypt(OFFICE, tampered(made), "table=a")) == "ENVELOPE_DAMAGED"
    assert code_of(lambda: pool.service.decrypt(OFFICE, made[:-1], "table=a")) == "ENVELOPE_DAMAGED"
    assert code_of(lambda: pool.service.decrypt(OFFICE, made[:30], "table=a")) == "KEY_ENVELOPE_FORM"
    assert DATA not in made


def test_an_envelope_of_one_organisation_opens_for_no_other_that_has_the_same_key(pool: Pool) -> None:
    from ledger_world import OFFICE_B

    keys, made = pool.world.home / "keys", pool.service.encrypt(OFFICE, "filing", DATA, "")[0]
    (keys / OFFICE_B / "filing.data.1.pem").write_bytes((keys / OFFICE / "filing.data.1.pem").read_bytes())
    (keys / OFFICE_B / "filing.data.1.pem").chmod(0o600)
    assert code_of(lambda: pool.service.decrypt(OFFICE_B, made, "")) == "ENVELOPE_DAMAGED"


def test_old_versions_decrypt_and_a_retired_key_encrypts_nothing(pool: Pool) -> None:
    data = pool.world.app.keys.data
    data.create(OFFICE, "turned", "sm4-gcm")
    first, version = pool.service.encrypt(OFFICE, "turned", DATA, "")
    assert (version, data.rotate(OFFICE, "turned")) == (1, 2)
    second, version = pool.service.encrypt(OFFICE, "turned", DATA, "")
    assert version == 2
    data.retire(OFFICE, "turned")
    assert code_of(lambda: pool.service.encrypt(OFFICE, "turned", DATA, "")) == "KEYS_RETIRED"
    assert [pool.service.decrypt(OFFICE, made, "")[1].version for made in (first, second)] == [1, 2]
    renumbered = first.replace(b"\0\0\0\x01", b"\0\0\0\x02", 1)
    assert code_of(lambda: pool.service.decrypt(OFFICE, renumbered, "")) == "ENVELOPE_DAMAGED"
    beyond = first.replace(b"\0\0\0\x01", b"\0\0\0\x03", 1)
    assert code_of(lambda: pool.service.decrypt(OFFICE, beyond, "")) == "CRYPTO_KEY_UNKNOWN"


# ---- the log ---------------------------------------------------------------------------------------------------------


def test_each_use_is_one_entry_without_data_and_without_secrets(pool: Pool) -> None:
    before, app = len(pool.log()), pool.world.app
    content = Content(DATA)
    with by("token:0a1b2c3d4e5f"):
        pool.service.digested(OFFICE, 4, {"sm3": sm3(DATA)})
        cms = pool.service.sign(OFFICE, "p256", content).cms
        pool.service.verify(OFFICE, cms, content, NOTHING, None)
        pool.service.timestamp(OFFICE, Content(None, "sha256", digest_of("sha256", DATA)))
        envelope, _ = pool.service.encrypt(OFFICE, "filing", DATA, "某人的档案")
        pool.service.decrypt(OFFICE, envelope, "某人的档案")
        code_of(lambda: pool.service.decrypt(OFFICE, envelope, "别处"))
        code_of(lambda: pool.service.encrypt(OFFICE, "zhangsan", DATA, ""))
    entries = pool.log()[before:]
    operations = ["digest", "sign", "verify", "timestamp", "encrypt", "decrypt", "decrypt", "encrypt"]
    assert [e["act"] for e in entries] == [f"crypto.{name}" for name in operations]
    assert {(e["who"], e["organisation"], e["before"]) for e in entries} == {("token:0a1b2c3d4e5f", OFFICE, None)}
    assert [e["after"]["outcome"] for e in entries] == [
        "done", "done", "INDETERMINATE", "done", "done", "done", "ENVELOPE_DAMAGED", "CRYPTO_KEY_UNKNOWN",
    ]  # fmt: skip
    assert [e["subject"] for e in entries[4:]] == [None] * 4
    assert entries[1]["subject"] == digest_of("sha256", DATA).hex()
    assert entries[4]["after"] == {"size": len(DATA), "outcome": "done", "key": "filing", "version": 1}
    assert "zhangsan" not in str(entries) and "档案" not in str(entries)
    app.operations.verify_chain()


def test_the_profile_chooses_the_digests(pool: Pool) -> None:
    for suite, names in ((Suite.INTL, ["sha256", "sm3"]), (Suite.DUAL, ["sha256", "sm3"]), (Suite.GM, ["sm3"])):
        pool.suite = suite
        digester = pool.service.digester()
        digester.update(DATA[:3])
        digester.update(DATA[3:])
        size, found = digester.finish()
        assert (size, list(found)) == (len(DATA), names)
        assert all(found[name] == digest_of(name, DATA) for name in names)
