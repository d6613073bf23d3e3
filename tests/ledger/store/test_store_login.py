"""Challenges and sessions in the rows, on either database."""

from __future__ import annotations

from dataclasses import replace
from threading import Barrier, Thread

from ledger.ports.login import ChallengeRow, SessionRow
from ledger.store.unit import SqlStore

NONCE = b"n" * 32
CHALLENGE = ChallengeRow(NONCE, b"{}", 180)
SESSION = SessionRow(
    *("0a1b2c3d4e5f", b"d" * 32, NONCE, "114401000700000148", "hall"),
    *(b"s" * 32, "person", b"a" * 32, "CN-440100", 2, 10, 3610),
)


def test_of_many_users_of_a_challenge_one_succeeds(store: SqlStore) -> None:
    with store.begin(beside=True) as unit:
        unit.logins.add_challenge(CHALLENGE)
    start, told = Barrier(4), []

    def use() -> None:
        start.wait()
        with store.begin(beside=True) as unit:
            told.append(unit.logins.use_challenge(NONCE, 7))

    threads = [Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == [False, False, False, True]
    with store.glance() as unit:
        assert unit.logins.challenge(NONCE) == replace(CHALLENGE, used=7)
        assert unit.logins.challenge(b"m" * 32) is None


def test_a_challenge_that_nobody_made_cannot_be_used(store: SqlStore) -> None:
    with store.begin(beside=True) as unit:
        assert not unit.logins.use_challenge(NONCE, 7)


def test_a_session_ends_once_and_is_forgotten_when_it_ran_out(store: SqlStore) -> None:
    with store.begin(beside=True) as unit:
        unit.logins.add_session(SESSION)
        unit.logins.add_challenge(CHALLENGE)
        assert unit.logins.session(SESSION.id) == SESSION
        assert unit.logins.session("ffffffffffff") is None
        assert [unit.logins.end_session(SESSION.id, at) for at in (20, 21)] == [True, False]
    with store.begin(beside=True) as unit:
        unit.logins.forget(180)
        assert unit.logins.session(SESSION.id) == replace(SESSION, ended=20)
        assert unit.logins.challenge(NONCE) == CHALLENGE
        unit.logins.forget(3611)
        assert unit.logins.session(SESSION.id) is unit.logins.challenge(NONCE) is None
