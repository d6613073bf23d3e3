"""The crypto service: what it makes, what it refuses, what it says of what others made, and what it logs."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pki_kit import CAS, DAY, NOW, OFFICE, Kit, Leaf, tampered

from ledger.core.bundles import ValidationData
from ledger.core.canonical import decode
from ledger.core.login import Audience, Challenge
from ledger.core.registries import Suite
from ledger.core.trust import Trust
from ledger.crypto import cms as cms_profile
from ledger.crypto.digests import sm3
from ledger.crypto.foreign_cms import verify_foreign
from ledger.crypto.pem import write as pem_of
from ledger.crypto.signed_data import DIGESTS, digest_of
from ledger.crypto.timestamps import over, verify_token
from ledger.errors import ZhengyinError
from ledger.outside.service_keys import ServiceKeyring
from ledger.services.crypto_content import MAX_BYTES, Content
from ledger.services.crypto_reports import Recognised
from ledger.services.crypto_service import CryptoService
from ledger.services.login_proof import LoginProver
from ledger.services.operations import by

if TYPE_CHECKING:
    from ledger_world import Template, World

DATA = "卷宗第 1 号".encode()
P256, SM2 = "ca-h", "ca-a"
NATIONAL = SM2 in CAS
needs_sm2 = pytest.mark.skipif(not NATIONAL, reason="no SM2 on this machine")
NOTHING = ValidationData((), (), ())


class PkiStamper:
    """A time-stamp authority of the test PKI, without HTTP."""

    def __init__(self, pki: Kit, ca: str) -> None:
        self.pki, self.ca = pki, ca

    def stamp(self, data: bytes, digest: str = "sha256") -> bytes:
        return self.pki.token(self.ca, data)

    def stamp_digest(self, digest_of: Callable[[str], bytes], digest: str = "sha256") -> bytes:
        from asn1crypto import tsp

        imprint = {"hash_algorithm": {"algorithm": digest}, "hashed_message": digest_of(digest)}
        request = tsp.TimeStampReq({"version": 1, "message_imprint": imprint, "cert_req": True})
        made = tsp.TimeStampResp.load(self.pki.pki.stamp(self.ca, request.dump(), NOW))
        return bytes(made["time_stamp_token"].dump())


@dataclass
class Pool:
    """The service of a ledger with the keys ``p256``, ``sm2`` and ``data``, for ``OFFICE``."""

    world: World
    pki: Kit
    trust: Trust
    stamper: PkiStamper | None
    suite: Suite = Suite.INTL

    @property
    def service(self) -> CryptoService:
        app = self.world.app
        keys = ServiceKeyring(app.keys)
        stampers: Callable[[str], Any] = lambda issuer: self.stamper  # noqa: E731
        return CryptoService(
            app.store, keys, stampers, lambda: self.trust, tuple, app.operations, self.world.clock, self.suite
        )

    def log(self) -> list[Any]:
        with self.world.app.store.read() as unit:
            return [decode(entry) for _, entry, _ in unit.access.all_operations()]

    def report(self, cms: bytes, content: Content | None = None, **changed: Any) -> Any:
        named = {"brought": NOTHING, "wanted": None} | changed
        return self.service.verify(OFFICE, cms, content or Content(DATA), **named)


def put_service_key(world: World, leaf: Leaf, name: str) -> None:
    world.app.keys.import_key(OFFICE, name, "service", leaf.key.to_pem(None), None)
    world.app.keys.put_certificate(OFFICE, name, leaf.certificate, "service")


@pytest.fixture(scope="module")
def shared_pool(founded_template: Template, pki: Kit, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    with founded_template.lend(tmp_path_factory.mktemp("crypto") / "home") as world:
        put_service_key(world, pki.leaf(P256), "p256")
        if NATIONAL:
            put_service_key(world, pki.leaf(SM2), "sm2")
        world.app.keys.data.create(OFFICE, "filing", "aes-256-gcm")
        world.app.keys.data.create(OFFICE, "national", "sm4-gcm")
        stamping = [pki.authority(ca, service="tsa") for ca in (P256, "ca-e")]
        trust = replace(
            world.app.trust.content(),
            authorities=(*(pki.authority(ca) for ca in CAS), *stamping),
            recognitions=(pki.recognition(P256, "CN-440100"),),
            issued=NOW - DAY,
            expires=NOW + 300 * DAY,
        )
        yield Pool(world, pki, trust, PkiStamper(pki, "ca-e"))


@pytest.fixture
def pool(shared_pool: Pool) -> Iterator[Pool]:
    shared_pool.world.clock.now = NOW
    yield replace(shared_pool)


def code_of(act: Callable[[], Any]) -> str:
    with pytest.raises(ZhengyinError) as caught:
        act()
    return caught.value.code


def outcomes(report: Any) -> dict[str, str]:
    return {step["name"]: step["outcome"] for step in report.to_json()["steps"]}


def codes(report: Any) -> list[str]:
    return [f["code"] for step in report.to_json()["steps"] for f in step["findings"]]


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
    prover = LoginProver(lambda: pool.trust, pool.world.app.revocation, tuple)
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


def test_a_certificate_out_of_its_dates_signs_nothing(pool: Pool) -> None:
    pool.world.clock.now = NOW + 40 * 365 * DAY
    assert code_of(lambda: pool.service.sign(OFFICE, "p256", Content(DATA))) == "CRYPTO_KEY_DATES"


# ---- verifying -------------------------------------------------------------------------------------------------------


def signed(pool: Pool, leaf: Leaf, stamped: str | None = None, at: int = NOW) -> bytes:
    """By anybody, with the chain enclosed; ``stamped``: by which authority."""
    attributes = cms_profile.signed_attributes(DATA, leaf.certificate, at)
    signature = leaf.key.sign(attributes)
    token = None if stamped is None else verify_token(pool.pki.token(stamped, signature, at), over(signature)).form
    above = pool.pki.intermediates(leaf.ca, leaf.issuer)
    return cms_profile.assemble(leaf.certificate, attributes, signature, token, above)


def stamped_lists(pool: Pool, leaf: Leaf, tsa: str) -> ValidationData:
    """Lists and certificates that leaf and token need."""
    found = pool.pki.validation(leaf, NOW)
    lists = (*found.crls, *pool.pki.pki.lists(tsa, NOW, "issuing"))
    return ValidationData(pool.pki.intermediates(tsa), tuple(sorted(set(lists))), ())


@pytest.mark.parametrize("ca", CAS)
def test_what_any_authority_certified_is_verified(pool: Pool, ca: str) -> None:
    leaf = pool.pki.leaf(ca)
    pool.trust = replace(
        pool.trust, authorities=tuple(replace(a, compromised_since=None) for a in pool.trust.authorities)
    )
    report = pool.report(signed(pool, leaf), brought=pool.pki.validation(leaf, NOW))
    assert report.indication.value == "TOTAL-PASSED", report.to_json()
    assert codes(report)[1] == "CRYPTO_TIME_NONE"
    assert report.proved["time"] is None


def test_the_services_own_signature_is_verified_and_named(pool: Pool) -> None:
    made = pool.service.sign(OFFICE, "p256", Content(DATA))
    brought = pool.pki.validation(pool.pki.leaf(P256), NOW)
    report = pool.report(made.cms, brought=brought)
    assert report.indication.value == "TOTAL-PASSED", report.to_json()
    assert "CRYPTO_BY_SERVICE" in codes(report)


def test_nothing_is_valid_by_silence(pool: Pool) -> None:
    leaf = pool.pki.leaf(P256)
    whole, bare = signed(pool, leaf), leaf.signer.sign_detached(DATA, NOW)
    silent = pool.report(whole)
    assert (silent.indication.value, codes(silent)[-1]) == ("INDETERMINATE", "REVOCATION_MISSING")
    unconnected = pool.report(bare)
    assert outcomes(unconnected) == {
        "signature": "passed", "time": "passed", "path": "undetermined", "revocation": "skipped",
    }  # fmt: skip
    pool.trust = replace(pool.trust, authorities=())
    assert pool.report(whole).indication.value == "INDETERMINATE"


def test_an_old_trust_file_decides_nothing(pool: Pool) -> None:
    leaf = pool.pki.leaf(P256)
    pool.trust = replace(pool.trust, expires=NOW)
    report = pool.report(signed(pool, leaf), brought=pool.pki.validation(leaf, NOW))
    assert (report.indication.value, "TRUST_FILE_EXPIRED" in codes(report)) == ("INDETERMINATE", True)


@pytest.mark.parametrize("scenario", ["expired", "revoked"])
def test_what_time_could_excuse_is_open_without_a_time_stamp_and_decided_with_one(pool: Pool, scenario: str) -> None:
    leaf = pool.pki.leaf(P256, scenario)
    lists = stamped_lists(pool, leaf, "ca-e")
    without = pool.report(signed(pool, leaf), brought=lists)
    assert (without.indication.value, codes(without)[-1]) == ("INDETERMINATE", "CRYPTO_BEFORE")
    early = pool.report(signed(pool, leaf, "ca-e", NOW - 2 * DAY), brought=lists)
    assert early.proved["time"] == NOW - 2 * DAY, early.to_json()
    assert outcomes(early)["path"] == "passed"
    late = pool.report(signed(pool, leaf, "ca-e", NOW), brought=lists)
    assert late.indication.value == "TOTAL-FAILED", late.to_json()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda cms: tampered(cms), "CMS_SIGNATURE"),
        (lambda cms: cms[:-1], "CMS_SYNTAX"),
        (lambda cms: cms + b"\0", "CMS_SYNTAX"),
        (lambda cms: b"", "CMS_SYNTAX"),
    ],
)
def test_what_was_changed_has_failed(pool: Pool, change: Callable[[bytes], bytes], code: str) -> None:
    report = pool.report(change(pool.service.sign(OFFICE, "p256", Content(DATA)).cms))
    assert (report.indication.value, set(outcomes(report).values())) == ("TOTAL-FAILED", {"failed", "skipped"})
    assert report.parts[0].findings[0].values["cause"] == code


def test_other_content_has_failed_and_an_unfit_digest_is_open(pool: Pool) -> None:
    made = pool.service.sign(OFFICE, "p256", Content(DATA)).cms
    for content in (Content(DATA + b"."), Content(None, "sha256", digest_of("sha256", b""))):
        assert pool.report(made, content).parts[0].findings[0].values["cause"] == "CMS_MESSAGE_DIGEST"
    unfit = pool.report(made, Content(None, "sm3", sm3(DATA)))
    assert (unfit.indication.value, unfit.parts[0].findings[0].values["cause"]) == (
        "INDETERMINATE", "CRYPTO_DIGEST_OTHER",
    )  # fmt: skip


def test_a_signature_over_the_content_itself_wants_the_content(pool: Pool, tmp_path: Path) -> None:
    """Without signed attributes there is no digest in it."""
    leaf = pool.pki.leaf(P256)
    (tmp_path / "key.pem").write_bytes(leaf.key.to_pem(None))
    (tmp_path / "crt.pem").write_text(pem_of("CERTIFICATE", leaf.certificate))
    (tmp_path / "data").write_bytes(DATA)
    named = "-signer crt.pem -inkey key.pem -in data -md sha256 -out cms"
    command = ["openssl", "cms", "-sign", "-noattr", "-binary", "-outform", "DER", *named.split()]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    made = (tmp_path / "cms").read_bytes()
    assert outcomes(pool.report(made))["signature"] == "passed"
    open_ = pool.report(made, Content(None, "sha256", digest_of("sha256", DATA)))
    assert (open_.indication.value, open_.parts[0].findings[0].values["cause"]) == (
        "INDETERMINATE",
        "CMS_CONTENT_WANTED",
    )


def test_recognition_is_judged_where_it_is_asked_for(pool: Pool) -> None:
    leaf = pool.pki.leaf(P256)
    given, brought = signed(pool, leaf), pool.pki.validation(leaf, NOW)
    here = pool.report(given, brought=brought, wanted=Recognised("license", "CN-440100", 2))
    there = pool.report(given, brought=brought, wanted=Recognised("license", "CN-320100", 2))
    assert (here.indication.value, there.indication.value) == ("TOTAL-PASSED", "TOTAL-FAILED")
    assert "CRYPTO_RECOGNITION_NOT_ASKED" not in codes(here)


# ---- time-stamps -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("digest", [name for name in DIGESTS if name in ("sha256", "sm3")])
def test_a_digest_is_stamped_and_the_token_verified(pool: Pool, digest: str) -> None:
    content = Content(None, digest, digest_of(digest, DATA))
    token, time = pool.service.timestamp(OFFICE, content)
    assert time == NOW
    brought = ValidationData(pool.pki.intermediates("ca-e"), tuple(pool.pki.pki.lists("ca-e", NOW, "issuing")), ())
    report = pool.service.verify_token(OFFICE, token, content, brought)
    assert report.indication.value == "TOTAL-PASSED", report.to_json()
    open_ = pool.service.verify_token(OFFICE, token, content, NOTHING)
    assert open_.indication.value == "INDETERMINATE"
    other = pool.service.verify_token(OFFICE, token, Content(None, digest, digest_of(digest, b"")), brought)
    assert (other.indication.value, outcomes(other)) == (
        "TOTAL-FAILED",
        {"signature": "failed", "authority": "skipped"},
    )


def test_without_an_authority_nothing_is_stamped_or_half_signed(pool: Pool) -> None:
    pool.stamper = None
    content = Content(None, "sha256", digest_of("sha256", DATA))
    assert code_of(lambda: pool.service.timestamp(OFFICE, content)) == "CRYPTO_NO_AUTHORITY"
    assert code_of(lambda: pool.service.sign(OFFICE, "p256", content, stamped=True)) == "CRYPTO_NO_AUTHORITY"


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
