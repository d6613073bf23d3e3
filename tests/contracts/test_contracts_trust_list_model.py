"""TrustList against a plain model that never forgets, over random histories in which time passes; and its storage."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from contracts_support import FOREVER, ZERO, Revert, word
from contracts_trust import (
    AUTHORITIES,
    CERTIFICATION,
    GRANTED,
    GUANGDONG,
    KEY,
    PROVIDER,
    ROOT,
    SUSPENDED,
    TrustWorld,
    clerk,
    listing,
    terms,
)
from contracts_world import MODEL_SETTINGS, World, address
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

CERTIFICATES = [word(f"certificate {n}") for n in range(3)]
KEYS = [word(f"key {n}") for n in range(2)]
JURISDICTIONS = list(AUTHORITIES)
offsets = st.sampled_from([-100, -1, 0, 1, 2, 5, 20, 100])


@dataclass
class Listed:
    key: bytes
    statuses: list[tuple[int, int]] = field(default_factory=list)

    @property
    def status(self) -> int:
        return self.statuses[-1][0]

    def history(self) -> bytes:
        digest = ZERO
        for status, since in self.statuses:
            digest = bytes(keccak(encode(["bytes32", "uint8", "uint40"], [digest, status, since])))
        return digest


class TrustListModel(RuleBasedStateMachine):
    """What is written stays; ends and compromises move back only; nobody writes for another."""

    trust: TrustWorld

    def __init__(self) -> None:
        super().__init__()
        self.chain = self.trust.world.chain
        self.snapshot = self.chain.snapshot()
        self.services: dict[bytes, Listed] = {}
        self.compromised: dict[bytes, int] = {}
        self.windows: dict[tuple[Any, ...], tuple[int, int]] = {}
        self.qualifications: dict[bytes, tuple[int, int]] = {}

    def teardown(self) -> None:
        self.chain.revert(self.snapshot)

    def attempt(self, allowed: bool, by: bytes | None, *write: Any) -> bool:
        try:
            if by is None:
                self.trust.council(*write)
            else:
                self.trust.authority(by, *write)
        except Revert:
            assert not allowed, write
            return False
        assert allowed, write
        return True

    @rule(certificate=st.sampled_from(CERTIFICATES), key=st.sampled_from(KEYS))
    def list_service(self, certificate: bytes, key: bytes) -> None:
        now, allowed = self.chain.time, certificate not in self.services and key not in self.compromised
        if self.attempt(allowed, None, "listService", certificate, listing(key)):
            self.services[certificate] = Listed(key, [(GRANTED, now)])

    @rule(certificate=st.sampled_from(CERTIFICATES), status=st.integers(0, 4))
    def set_status(self, certificate: bytes, status: int) -> None:
        now, found = self.chain.time, self.services.get(certificate)
        allowed = found is not None and 1 <= status <= 3 and status != found.status
        if self.attempt(allowed, None, "setServiceStatus", certificate, status) and found:
            found.statuses.append((status, now))

    @rule(certificate=st.sampled_from(CERTIFICATES))
    def bar(self, certificate: bytes) -> None:
        now, found = self.chain.time, self.services.get(certificate)
        done = self.attempt(found is not None, None, "bar", certificate)
        if done and found and found.status == GRANTED:
            found.statuses.append((SUSPENDED, now))

    @rule(key=st.sampled_from(KEYS), offset=offsets)
    def compromise(self, key: bytes, offset: int) -> None:
        now = self.chain.time
        since, known = now + offset, any(s.key == key for s in self.services.values())
        allowed = known and since <= now and since < self.compromised.get(key, FOREVER)
        if self.attempt(allowed, None, "compromiseKey", key, since):
            self.compromised[key] = since

    @rule(
        jurisdiction=st.sampled_from(JURISDICTIONS),
        by=st.sampled_from(JURISDICTIONS),
        certificate=st.sampled_from(CERTIFICATES),
        level=st.integers(1, 2),
        begin=offsets,
        length=offsets,
    )
    def recognise(
        self, jurisdiction: bytes, by: bytes, certificate: bytes, level: int, begin: int, length: int
    ) -> None:
        now, offered = self.chain.time, terms(jurisdiction, certificate, level=level)
        start, end, found = max(now, now + begin), now + begin + length, self.services.get(certificate)
        trusted = found is not None and found.status == GRANTED and found.key not in self.compromised
        allowed = by == jurisdiction and trusted and offered not in self.windows and end > start
        if self.attempt(allowed, by, "recognise", offered, now + begin, end):
            self.windows[offered] = start, end

    @rule(
        jurisdiction=st.sampled_from(JURISDICTIONS),
        by=st.sampled_from(JURISDICTIONS),
        certificate=st.sampled_from(CERTIFICATES),
        offset=offsets,
    )
    def end_recognition(self, jurisdiction: bytes, by: bytes, certificate: bytes, offset: int) -> None:
        now, offered = self.chain.time, terms(jurisdiction, certificate, level=1)
        until, found = max(now, now + offset), self.windows.get(offered)
        allowed = by == jurisdiction and found is not None and until < found[1]
        if self.attempt(allowed, by, "endRecognition", offered, now + offset) and found:
            self.windows[offered] = found[0], until

    @rule(number=st.integers(0, 1), begin=offsets, length=offsets)
    def qualify(self, number: int, begin: int, length: int) -> None:
        now, id_ = self.chain.time, word(f"qualification {number}")
        start, end = max(now, now + begin), now + begin + length
        write = ("qualify", id_, PROVIDER, CERTIFICATION, word("number"), now + begin, end)
        if self.attempt(id_ not in self.qualifications and end > start, None, *write):
            self.qualifications[id_] = start, end

    @rule(number=st.integers(0, 1), offset=offsets)
    def end_qualification(self, number: int, offset: int) -> None:
        now, id_ = self.chain.time, word(f"qualification {number}")
        until, found = max(now, now + offset), self.qualifications.get(id_)
        allowed = found is not None and until < found[1]
        if self.attempt(allowed, None, "endQualification", id_, now + offset) and found:
            self.qualifications[id_] = found[0], until

    @rule(seconds=st.sampled_from([1, 5, 50]))
    def wait(self, seconds: int) -> None:
        self.chain.time += seconds

    @invariant()
    def storage_is_the_latest_and_its_digest_the_whole(self) -> None:
        for certificate in CERTIFICATES:
            found, stored = self.services.get(certificate), self.trust.service(certificate)
            latest = (*found.statuses[-1], len(found.statuses), found.history()) if found else (0, 0, 0, ZERO)
            assert (stored["status"], stored["since"], stored["count"], stored["history"]) == latest
        for key in KEYS:
            assert self.trust.contract.view("keyOf", key)[1] == self.compromised.get(key, 0)
        for offered, window in self.windows.items():
            assert self.trust.window(*offered) == window
        for id_, window in self.qualifications.items():
            assert self.trust.contract.view("qualificationOf", id_)[1:3] == window


def test_the_trust_list_keeps_to_its_model(world: World) -> None:
    machine = type("TrustListRun", (TrustListModel,), {"trust": TrustWorld.deploy(world)})
    run_state_machine_as_test(machine, settings=MODEL_SETTINGS)


# ---- storage as slot proofs read it ----


def slot(base: int, key: bytes) -> int:
    return int.from_bytes(keccak(key + base.to_bytes(32, "big")), "big")


def test_a_trust_list_is_where_a_slot_proof_looks(world: World) -> None:
    trust = TrustWorld.deploy(world)
    since = trust.service()["since"]
    done = trust.council("setServiceStatus", ROOT, SUSPENDED)
    trust.council("setServiceStatus", ROOT, GRANTED)
    trust.council("compromiseKey", KEY, 77)

    def read(at: int) -> bytes:
        return world.chain.storage(trust.contract.address, at)

    def packed(*parts: tuple[int, int]) -> bytes:
        value = first = 0
        for part, bits in parts:
            value |= part << first
            first += bits
        return value.to_bytes(32, "big")

    service = slot(0, ROOT)
    assert read(service) == packed((1, 8), (GRANTED, 8), (done.time + 1, 40), (3, 32))
    named = ["provider", "key", "name", "document", "history"]
    assert [read(service + 1 + n) for n in range(5)] == [trust.service()[name] for name in named]
    assert read(slot(1, KEY)) == packed((since, 40), (77, 40))
    trust.council("qualify", word("id"), PROVIDER, CERTIFICATION, word("number"), 0, FOREVER)
    qualification = slot(2, word("id"))
    assert read(qualification) == packed((CERTIFICATION, 8), (trust.now - 1, 40), (FOREVER, 40))
    assert (read(qualification + 1), read(qualification + 2)) == (PROVIDER, word("number"))
    authority = slot(3, GUANGDONG)
    assert read(authority) == bytes.fromhex(address(clerk(GUANGDONG))[2:]).rjust(32, b"\0")
    assert read(authority + 1) == AUTHORITIES[GUANGDONG]
    offered = terms(certificate=CERTIFICATES[0])
    trust.council("listService", CERTIFICATES[0], listing(KEYS[0]))
    recognised = trust.authority(GUANGDONG, "recognise", offered, 0, FOREVER)
    id_ = keccak(encode(["bytes32", "bytes32", "uint16", "uint8", "bytes32"], list(offered)))
    assert read(slot(4, id_)) == packed((recognised.time, 40), (FOREVER, 40))
    published = trust.council("publish", 5, word("list"), FOREVER)
    assert read(5) == packed((5, 64), (published.time, 40), (FOREVER, 40))
    assert read(6) == word("list")
