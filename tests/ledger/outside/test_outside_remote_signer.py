"""The signer as a process of its own: what it signs, what it refuses, and what its client makes of it."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from key_kit import software_key
from signer_kit import SignerHome, signer_home, spoken, tls_pair

from ledger.core import merkle
from ledger.core.hashing import SM3_HASH
from ledger.core.manifests import BlockName, ChainIdentity, Expects, Manifest
from ledger.core.registries import Kind, Suite
from ledger.core.sm3_leaves import Sm3Leaves
from ledger.crypto.approvals import ApprovalKey
from ledger.crypto.certificates import fingerprint
from ledger.crypto.cms import verify_detached
from ledger.errors import ConfigError, UnavailableError, ZhengyinError
from ledger.outside.demo_authority import DemoAuthority
from ledger.outside.keystore import KeyStore
from ledger.outside.remote_keys import RemoteKey, SignerAddress
from ledger.outside.remote_signer import RemoteSigner, ask, describe
from ledger.outside.signing_service import questions
from ledger.outside.signing_service.frames import MAGIC, Message
from ledger.outside.signing_service.questions import BatchParts

NOW = 1_790_000_000
ORG, OTHER = "11430000006122244L", "91350100M000100Y43"
KEY = software_key(ec.generate_private_key(ec.SECP256R1()))
SECRET = b"a" * 32
SOURCE = ApprovalKey(SECRET)
LEAVES = tuple(merkle.leaf_hash(bytes([n])) for n in range(5))


def batch(
    leaves: tuple[bytes, ...] = LEAVES, counts: tuple[tuple[str, int], ...] = (("deed", 3), ("permit", 2))
) -> Any:
    return BatchParts(b"".join(leaves), b"".join(map(SOURCE.approve, leaves)), None, counts)


def manifest(parts: BatchParts, **other: Any) -> Manifest:
    root = merkle.root_of(merkle.build_levels(parts.leaves()))
    size = len(parts.leaves()) // 32
    chain, after = ChainIdentity(1, bytes(32), bytes(20)), BlockName(1, bytes(32))
    sm3 = parts.sm3()
    made = Manifest(
        ORG, Kind.LICENSE, parts.suite, root, size, parts.counts, NOW, after, chain, Expects(1, False),
        sm3.root() if sm3 else None,
    )  # fmt: skip
    return replace(made, **other)


def numbered(first: int, count: int, type_: str = "deed") -> BatchParts:
    """A batch that no other test has."""
    made: BatchParts = batch(
        tuple(merkle.leaf_hash(f"n{n}".encode()) for n in range(first, first + count)), ((type_, count),)
    )
    return made


@dataclass(frozen=True)
class Office:
    authority: DemoAuthority
    certificate: bytes

    def signer(self, address: str, patience: float = 20.0) -> RemoteSigner:
        where = SignerAddress.parse(address)
        return RemoteSigner(ORG, self.certificate, where, self.authority.revocation(), patience)

    def equip(self, home: SignerHome, **rules: Any) -> None:
        store = KeyStore(home.keys)
        store.import_key(ORG, "main", "signing", KEY.to_pem(None), None)
        store.put_certificate(ORG, "main", self.certificate)
        store.import_secret(ORG, "main", "approval", SECRET)
        home.write_rules(organisations=[ORG], **rules)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    authority = DemoAuthority.create(tmp_path_factory.mktemp("ca") / "a", "甲", "ecdsa-p256", NOW)
    return Office(authority, authority.certify(KEY.spki, "甲市市场监督管理局", ORG, NOW, 365))


@dataclass(frozen=True)
class Running:
    home: SignerHome
    signer: RemoteSigner
    address: str


@pytest.fixture(scope="module")
def running(office: Office) -> Iterator[Running]:
    with signer_home() as home:
        kinds, types = ["license", "status"], ["deed", "permit"]
        office.equip(home, socket="signer.sock", users=[_user()], kinds=kinds, types=types, batch_records=8)
        address = home.start(NOW)
        yield Running(home, office.signer(address), address)


def _user() -> int:
    import os

    return os.geteuid()


def refusal(signer: RemoteSigner, named: Manifest, parts: BatchParts) -> ZhengyinError:
    with pytest.raises(ZhengyinError) as caught:
        signer.sign(named, parts, NOW)
    assert "{" not in caught.value.text("zh") + caught.value.text("en")
    return caught.value


def test_a_batch_is_signed_written_down_and_told(running: Running, office: Office) -> None:
    parts = batch()
    signed = running.signer.sign(manifest(parts), parts, NOW)
    found = verify_detached(signed.cms, manifest(parts).to_bytes())
    assert (found.certificate, found.signing_time) == (office.certificate, NOW)
    assert signed.validation.crls and signed.certificate == fingerprint(office.certificate)
    entry = json.loads(running.home.log.read_text("utf-8").splitlines()[0])
    assert (entry["number"], entry["issuer"], entry["size"]) == (1, ORG, 5)
    told = running.home.said[0]
    assert told == {
        "at": NOW, "client": f"uid {_user()}", "question": "signBatch", "organisation": ORG, "issuer": ORG,
        "kind": "license", "counts": {"deed": 3, "permit": 2}, "root": manifest(parts).root.hex(), "decision": "signed",
    }  # fmt: skip


def test_the_same_manifest_is_signed_again_and_a_later_attempt_too(running: Running) -> None:
    """A signer or ledger that died in between asks for what was asked before."""
    parts = numbered(100, 2)
    for named in (manifest(parts), manifest(parts), manifest(parts, closed=NOW + 60)):
        assert verify_detached(running.signer.sign(named, parts, NOW).cms, named.to_bytes())


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "root": ({"root": bytes(32)}, {}, "SIGNER_ROOT_DIFFERS"),
    "leaf exchanged": ({}, {"leaf_bytes": b"".join((*LEAVES[:4], bytes(32)))}, "SIGNER_ROOT_DIFFERS"),
    "counts": ({"counts": (("deed", 5),)}, {}, "SIGNER_COUNTS_DIFFER"),
    "not released": ({}, {"approval_bytes": bytes(160)}, "SIGNER_APPROVAL_MISSING"),
    "one not released": ({}, {"approval_bytes": batch().approval_bytes[:128] + bytes(32)}, "SIGNER_APPROVAL_MISSING"),
    "fewer approvals": ({}, {"approval_bytes": batch().approval_bytes[:128]}, "SIGNER_APPROVAL_MISSING"),
    "another office's": ({"issuer": OTHER}, {}, "SIGNER_ISSUER_DIFFERS"),
    "kind": ({"kind": Kind.EVIDENCE}, {}, "SIGNER_KIND"),
    "as another kind": ({"kind": Kind.STATUS}, {}, "SIGNER_SIGNED_OTHERWISE"),
    "on another chain": ({"chain": ChainIdentity(2, bytes(32), bytes(20))}, {}, "SIGNER_SIGNED_OTHERWISE"),
    "second tree": ({"suite": Suite.GM, "root_sm3": bytes(32)}, {}, "SIGNER_ROOT_DIFFERS"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_it_refuses(running: Running, what: str) -> None:
    other, wrong, code = REFUSED[what]
    parts = batch()
    running.signer.sign(manifest(parts), parts, NOW)
    entries = running.home.log.read_text("utf-8").count("\n")
    error = refusal(running.signer, manifest(parts, **other), replace(parts, **wrong))
    assert error.code == code
    assert running.home.said[-1]["code"] == code
    assert running.home.log.read_text("utf-8").count("\n") == entries


def test_a_revoked_certificate_is_refused_before_the_signer_is_asked(running: Running, tmp_path: Path) -> None:
    """The signer has no network: what became of its certificates is the ledger's to know."""
    authority = DemoAuthority.create(tmp_path / "ca", "乙", "ecdsa-p256", NOW)
    office = Office(authority, authority.certify(KEY.spki, "局", ORG, NOW, 365))
    authority.revoke(office.certificate, NOW - 1)
    authority.crls(NOW)
    asked = len(running.home.said)
    error = refusal(office.signer(running.address), manifest(batch()), batch())
    assert (error.code, len(running.home.said)) == ("SIGNER_CERTIFICATE_REVOKED", asked)


def test_it_refuses_what_its_rules_do_not_name(running: Running, office: Office) -> None:
    large, strange = numbered(200, 9), numbered(210, 1, "seal")
    assert refusal(running.signer, manifest(large), large).code == "SIGNER_BATCH_LIMIT"
    assert refusal(running.signer, manifest(strange), strange).code == "SIGNER_TYPE"
    where = SignerAddress.parse(running.address)
    stranger = RemoteSigner(OTHER, office.certificate, where, office.authority.revocation())
    assert refusal(stranger, manifest(batch(), issuer=OTHER), batch()).code == "SIGNER_ORGANISATION"
    other = software_key(ec.generate_private_key(ec.SECP256R1()))
    unknown = RemoteSigner(
        ORG, office.authority.certify(other.spki, "局", ORG, NOW, 365), where, office.authority.revocation()
    )
    assert refusal(unknown, manifest(batch()), batch()).code == "SIGNER_CERTIFICATE_UNKNOWN"


def test_there_is_no_question_that_signs_bytes_of_the_askers_choice(running: Running, office: Office) -> None:
    where = SignerAddress.parse(running.address)
    for body in ({"question": "sign", "organisation": ORG}, {"question": "signBatch", "organisation": ORG}, {}):
        answer = ask(where, Message(body, (b"anything",)))
        assert answer.body["answer"] == "refused"
    with pytest.raises(ConfigError, match="SIGNER_BATCHES_ONLY"):
        RemoteKey(where, KEY.spki).sign(b"anything")


def test_it_tells_records_without_approval(running: Running) -> None:
    parts = batch()
    forged = parts.approvals()[:32] + bytes(32) + parts.approvals()[64:]
    assert running.signer.unapproved(parts.leaves(), forged) == [1]
    assert running.signer.unapproved(parts.leaves(), parts.approvals()) == []


def test_it_shows_the_certificate_of_a_key(running: Running, office: Office) -> None:
    where = SignerAddress.parse(running.address)
    assert describe(where, ORG, "main") == office.certificate
    with pytest.raises(ZhengyinError, match="KEYS_UNKNOWN"):
        describe(where, ORG, "none")


def test_hostile_bytes_cost_the_signer_one_answer(running: Running) -> None:
    path = Path(running.address.removeprefix("unix:"))
    question = questions.Describe(ORG, "main").to_message().to_bytes()
    greedy = Message({}, (b"",)).to_bytes().replace(b'"parts":[0]', b'"parts":[4294967296]')
    greedy = MAGIC + (len(greedy) - 8).to_bytes(4, "big") + greedy[8:]
    for pieces in ([b""], [b"GET / HTTP/1.1\r\n\r\n"], [MAGIC + b"\xff" * 4], [question[:20]], [greedy]):
        assert b'"refused"' in spoken(path, pieces)
    assert b'"described"' in spoken(path, [question[:9], question[9:]])


def test_nothing_secret_is_in_what_it_says(running: Running, office: Office) -> None:
    everything = running.home.log.read_bytes() + (running.home.folder / "stderr").read_bytes()
    pem = KEY.to_pem(None).splitlines()[1]
    assert not any(secret in everything for secret in (SECRET, SECRET.hex().encode(), pem, batch().approvals()))
    assert "main" not in repr(running.signer) and "RemoteSigner" in repr(running.signer)


def test_over_tls_both_sides_know_each_other_by_certificate(office: Office, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    ours, stranger, other = (tls_pair(tmp_path, name) for name in ("ledger", "stranger", "other-signer"))
    with signer_home() as home:
        own = tls_pair(home.folder, "signer")
        (home.folder / "client.pem").write_bytes(ours[0].read_bytes())
        tls = {"tls_certificate": own[0].name, "tls_key": own[1].name, "clients": ["client.pem"]}
        office.equip(home, listen="127.0.0.1:0", **tls)
        address = home.start(NOW)

        def client(server: Path, pair: tuple[Path, Path]) -> RemoteSigner:
            return office.signer(f"{address}?server={server}&certificate={pair[0]}&key={pair[1]}")

        parts = batch()
        signed = client(own[0], ours).sign(manifest(parts), parts, NOW)
        assert verify_detached(signed.cms, manifest(parts).to_bytes())
        assert home.said[-1]["client"].startswith("certificate ")
        assert refusal(client(own[0], stranger), manifest(parts), parts).code == "SIGNER_DOOR"
        assert refusal(client(other[0], ours), manifest(parts), parts).code == "SIGNER_DOOR"
        broken = client(own[0], (ours[0], stranger[1]))
        assert refusal(broken, manifest(parts), parts).code == "SIGNER_TLS_FILES"
        assert client(own[0], ours).unapproved(parts.leaves(), parts.approvals()) == []
        assert home.end() == 0
        assert refusal(client(own[0], ours), manifest(parts), parts).code == "SIGNER_UNREACHABLE"


def test_killed_between_signature_and_answer_it_is_asked_again(office: Office) -> None:
    with signer_home() as home:
        office.equip(home, socket="signer.sock", users=[_user()])
        signer = office.signer(home.start(NOW, "die"))
        assert refusal(signer, manifest(batch()), batch()).code == "SIGNER_UNREACHABLE"
        assert home.wait() == -signal.SIGKILL
        home.start(NOW + 5)  # over the socket that the dead one left
        signed = signer.sign(manifest(batch()), batch(), NOW)
        assert verify_detached(signed.cms, manifest(batch()).to_bytes()).signing_time == NOW + 5
        entries = [json.loads(line) for line in home.log.read_text("utf-8").splitlines()]
        assert [e["number"] for e in entries] == [1, 2]
        assert entries[0]["manifest"] == entries[1]["manifest"]


def test_a_silent_signer_is_given_up(office: Office, tmp_path: Path) -> None:
    import socket

    with signer_home() as home, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as mute:
        path = home.folder / "mute.sock"
        mute.bind(str(path))
        mute.listen()
        with pytest.raises(UnavailableError, match="SIGNER_LATE"):
            office.signer(f"unix:{path}", patience=0.05).unapproved(bytes(32), bytes(32))


def test_records_of_the_suites_with_sm3_keep_their_second_tree(running: Running) -> None:
    leaves = tuple(merkle.leaf_hash(bytes([n, n])) for n in range(3))
    second = tuple(merkle.leaf_hash(bytes([n, n]), SM3_HASH) for n in range(3))
    approvals = b"".join(SOURCE.approve_both(Suite.GM, a, b) for a, b in zip(leaves, second, strict=True))
    parts = BatchParts(b"".join(leaves), approvals, Sm3Leaves(Suite.GM, b"".join(second)), (("deed", 3),))
    assert running.signer.unapproved(parts.leaves(), approvals, parts.sm3()) == []
    assert running.signer.sign(manifest(parts), parts, NOW)
    turned = replace(parts, second=Sm3Leaves(Suite.GM, b"".join(reversed(second))))
    assert refusal(running.signer, manifest(parts), turned).code == "SIGNER_ROOT_DIFFERS"
