"""Nothing is signed with a certificate that its own revocation data call revoked, or that is out of its dates; what was
signed before is for verification to judge."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any

import pytest
from key_kit import self_signed
from ledger_world import World, check_ledger

from ledger.assembly.challenge_signing import sign_challenge
from ledger.assembly.council_work import certify
from ledger.assembly.demo_plan import OFFICE_A
from ledger.assembly.file_signing import sign_file
from ledger.assembly.standing import AGAIN, REVOKED, SECONDS, Standing
from ledger.core.bundles import ValidationData
from ledger.core.canonical import encode
from ledger.core.login import Audience, Challenge
from ledger.crypto.certificates import fingerprint, read_certificate
from ledger.crypto.cms import verify_detached
from ledger.errors import ConfigError, InputError, UnavailableError, ZhengyinError
from ledger.outside.demo_authority import DemoAuthority
from ledger.services.batch_signing import CMS

NOW = 1_790_000_000


def revoke(world: World, *certificates: bytes, reason: str = "keyCompromise") -> None:
    authority = DemoAuthority(world.home / "authorities" / "ca-a")
    for certificate in certificates:
        authority.revoke(certificate, int(world.clock()) - 1, reason)
    authority.crls(int(world.clock()))


def refusal(act: Callable[[], Any]) -> str:
    with pytest.raises(ZhengyinError) as caught:
        act()
    assert "{" not in caught.value.text("zh") + caught.value.text("en")
    return caught.value.code


def test_a_revoked_certificate_signs_no_batch_and_its_successor_takes_over(world: World) -> None:
    app = world.app
    old = app.keys.certificate(OFFICE_A, "main")
    first = world.issue_seal()
    world.drain()
    revoke(world, old, reason="cessationOfOperation")
    second = world.issue_seal()
    held = app.outbox.drain(30)
    assert [problem.code for problem in held.problems] == [REVOKED]
    with app.store.read() as unit:
        (waiting,) = unit.batches.in_states(("batched",))
    assert app.segments.open(waiting.root).get(CMS) is None
    new = certify(app, OFFICE_A, "示范", "next", None)  # "main" stays bound, and its name comes first
    world.decree(app.consortium.bind_signer(OFFICE_A, fingerprint(new)))
    world.drain()
    signed = app.bundling.bundle(world.row(second.id), None, False)
    assert verify_detached(signed.signatures[0], signed.manifest.to_bytes()).certificate == new
    check_ledger(app, [first.leaf, second.leaf])  # what the old one signed before it was revoked stands


def test_files_and_logins_are_refused_before_anything_is_made(world: World) -> None:
    app, now = world.app, int(world.clock())
    challenge = Challenge(
        *("https://ledger.example", Audience(OFFICE_A, "hall"), "CN-440100", 1, "organisation", 600),
        *(now, now + 180, bytes(32)),
    )
    before = sign_file(app, OFFICE_A, "main", b"before").found
    issuing = DemoAuthority(world.home / "authorities" / "ca-a").issuing
    assert before.organization and before.certificates == (issuing,)  # who has the root alone can verify it
    revoke(world, app.keys.certificate(OFFICE_A, "main"))
    world.clock.sleep(SECONDS)
    app.settings = app.settings.model_copy(update={"timestamp_urls": ("http://127.0.0.1:1/",)})
    entries = app.operations.verify_chain().entries
    acts: list[Callable[[], Any]] = [
        lambda: sign_file(app, OFFICE_A, "main", b"notice"),
        lambda: sign_file(app, OFFICE_A, "main", b"notice", "t"),
        lambda: sign_file(app, OFFICE_A, "main", b"notice", "lt"),  # the authority, which is away, is not asked
        lambda: sign_challenge(app, OFFICE_A, "main", challenge),
    ]
    assert [refusal(act) for act in acts] == [REVOKED] * 4
    assert app.operations.verify_chain().entries == entries


def test_without_an_answer_the_path_is_enclosed_as_far_as_it_is_at_hand(world: World) -> None:
    for crl in (world.home / "authorities" / "ca-a" / "crls").iterdir():
        crl.unlink()
    (world.home / "authorities" / "ca-a" / "keys").rename(world.home / "keys-of-ca")  # nobody makes new lists
    made = sign_file(world.app, OFFICE_A, "main", b"notice").found
    assert [read_certificate(each).subject for each in made.certificates] == [read_certificate(made.certificate).issuer]


def test_a_revoked_authority_above_counts_and_so_do_dates(world: World) -> None:
    app = world.app
    revoke(world, DemoAuthority(world.home / "authorities" / "ca-a").issuing)
    assert refusal(lambda: sign_file(app, OFFICE_A, "main", b"notice")) == REVOKED
    for years in (-1, 30):
        world.clock.now = NOW + years * 365 * 86_400
        assert refusal(lambda: sign_file(app, OFFICE_A, "main", b"notice")) == "SIGNER_CERTIFICATE_DATES"


def test_a_long_term_signature_is_not_begun_without_revocation_data(world: World) -> None:
    app = world.app
    app.settings = app.settings.model_copy(update={"timestamp_urls": ("http://127.0.0.1:1/",)})
    folder = world.home / "authorities"
    folder.rename(folder.with_name("gone"))
    assert sign_file(app, OFFICE_A, "main", b"notice").found  # of B-B nobody expects any
    assert refusal(lambda: sign_file(app, OFFICE_A, "main", b"notice", "lt")) == "REVOCATION_SOURCE_ISSUER"


def test_a_manifest_or_a_login_given_out_as_a_file_is_not_signed(world: World) -> None:
    """The confused deputy: whoever has a clerk sign his "notice" would log in, or issue, as the office."""
    app = world.app
    for content in (
        encode({"tag": "zhengyin/loginChallenge/1"}),
        b'\n {"issuer": "x", "tag": "zhengyin/manifest/1"}',
        b"zhengyin/key/proof/1",
    ):
        with pytest.raises(InputError, match="CRYPTO_CONTENT_OURS"):
            sign_file(app, OFFICE_A, "main", content)
    assert sign_file(app, OFFICE_A, "main", b'{"tag": "minutes", "about": "zhengyin/manifest/1"}').found


# ---- what is known for how long --------------------------------------------------------------------------------------


@dataclass
class Source:
    """``ports.RevocationSource`` that answers as it is told."""

    trouble: ZhengyinError | None = None
    asked: list[int] = field(default_factory=list)

    def collect(self, certificates: Sequence[bytes], now: int, *_: Any, to_sign: bool = False, **__: Any) -> Any:
        assert to_sign
        self.asked.append(now)
        if self.trouble is not None:
            raise self.trouble
        return ValidationData((), (), ())


def test_an_answer_is_relied_on_for_minutes_and_silence_for_one() -> None:
    certificate, now = self_signed("ecdsa-p256"), int(time.time())
    source = Source()
    standing, began = Standing(source, tuple), now
    for at in (now, now + SECONDS - 1):
        standing.require(certificate, at)
    assert source.asked == [began]
    source.trouble = UnavailableError("REVOCATION_SOURCE_CRL", issuer="CN")
    now += SECONDS
    for at in (now, now + AGAIN - 1, now + AGAIN):
        standing.require(certificate, at)  # silence stops nobody
    assert source.asked[1:] == [now, now + AGAIN]
    now += 2 * AGAIN
    source.trouble = ConfigError(REVOKED, certificate="", since=0, reason="keyCompromise")
    for _ in range(2):  # and a refusal is not kept: a hold may be lifted
        with pytest.raises(ConfigError, match=REVOKED):
            standing.require(certificate, now)
    source.trouble = None
    standing.require(certificate, now)
    assert source.asked[3:] == [now] * 3


def test_an_authority_that_takes_its_time_holds_up_one_caller_and_not_all() -> None:
    certificate, now = self_signed("ecdsa-p256"), int(time.time())
    begun, answer = Event(), Event()

    class Slow(Source):
        def collect(self, certificates: Sequence[bytes], now: int, *_: Any, **named: Any) -> Any:
            if self.asked:
                begun.set()
                assert answer.wait(20)
            return super().collect(certificates, now, **named)

    source = Slow()
    standing = Standing(source, tuple)
    standing.require(certificate, now)
    thread = Thread(target=standing.require, args=(certificate, now + SECONDS))
    thread.start()
    try:
        assert begun.wait(20)
        for _ in range(3):
            standing.require(certificate, now + SECONDS)
        assert source.asked == [now]
    finally:
        answer.set()
        thread.join()
    standing.require(certificate, now + SECONDS)
    assert source.asked == [now, now + SECONDS]
