"""The parts of the signer by themselves: its messages, rules, log, doors, and the yes of a person."""

from __future__ import annotations

import io
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from signer_kit import signer_home

from ledger.core import canonical, merkle
from ledger.core.manifests import BlockName, ChainIdentity, Expects, Manifest
from ledger.core.registries import Kind, Suite
from ledger.crypto.approvals import approve
from ledger.crypto.certificates import fingerprint
from ledger.errors import ConfigError, InputError, IntegrityError, UnavailableError, ZhengyinError
from ledger.outside.demo_authority import DemoAuthority
from ledger.outside.keystore import KeyStore
from ledger.outside.remote_keys import SignerAddress, read_remote_file
from ledger.outside.remote_signer import ask
from ledger.outside.signing_service import questions
from ledger.outside.signing_service.confirming import Confirming
from ledger.outside.signing_service.desk import Desk
from ledger.outside.signing_service.doors import UnixDoor
from ledger.outside.signing_service.frames import HEAD_LIMITS, MAGIC, Message, read
from ledger.outside.signing_service.questions import BatchParts, SignBatch
from ledger.outside.signing_service.rules import Rules, read_rules
from ledger.outside.signing_service.server import SignerServer
from ledger.outside.signing_service.signed_log import SignedLog

NOW, ORG, SECRET = 1_790_000_000, "11430000006122244L", b"a" * 32


def asked(first: int = 0, count: int = 2, **other: Any) -> SignBatch:
    leaves = [merkle.leaf_hash(f"{n}".encode()) for n in range(first, first + count)]
    parts = BatchParts(b"".join(leaves), b"".join(approve(SECRET, leaf) for leaf in leaves), None, (("deed", count),))
    root, chain = merkle.root_of(merkle.build_levels(parts.leaves())), ChainIdentity(1, bytes(32), bytes(20))
    made = Manifest(
        ORG, Kind.LICENSE, Suite.INTL, root, count, parts.counts, NOW, BlockName(1, bytes(32)), chain, Expects(1, False)
    )
    return SignBatch(ORG, bytes(32), replace(made, **other), parts)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyStore:
    folder = tmp_path_factory.mktemp("signer")
    store = KeyStore(folder / "keys")
    authority = DemoAuthority.create(folder / "ca", "甲", "ecdsa-p256", NOW)
    spki = store.create(ORG, "main", "signing")
    store.put_certificate(ORG, "main", authority.certify(spki, "局", ORG, NOW, 365))
    store.import_secret(ORG, "main", "approval", SECRET)
    return store


@contextmanager
def desk_of(
    keys: KeyStore, folder: Path, clock: Callable[[], float] = lambda: NOW, confirming: Any = None, **rules: Any
) -> Iterator[Desk]:
    made = read_rules(None, {"organisations": (ORG,), "socket": Path("s"), "log": folder / "log", **rules})
    with SignedLog(made.log) as log:
        yield Desk(made, keys, log, clock, lambda value: None, confirming)


def outcome(desk: Desk, keys: KeyStore, question: SignBatch) -> str:
    named = replace(question, certificate=fingerprint(keys.certificate(ORG, "main")))
    answer = desk.answer("test", named.to_message())
    return str(answer.body.get("code") or answer.body["answer"])


# ---- messages -------------------------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=12)
BODIES = st.dictionaries(
    st.from_regex(r"[a-z]{1,6}", fullmatch=True), st.integers(0, 99) | TEXTS | st.none(), max_size=4
)


class Sent:
    """A stream that counts what was wanted at once."""

    def __init__(self, data: bytes, piece: int = 1 << 20) -> None:
        self.stream, self.piece, self.most, self.taken = io.BytesIO(data), piece, 0, 0

    def __call__(self, length: int) -> bytes:
        self.most = max(self.most, length)
        found = self.stream.read(min(length, self.piece))
        self.taken += len(found)
        return found


@settings(deadline=None, max_examples=60)
@given(BODIES, st.lists(st.binary(max_size=300), max_size=4), st.integers(1, 50))
def test_messages_survive_the_road_in_pieces(body: dict[str, Any], parts: list[bytes], piece: int) -> None:
    message = Message(body, tuple(parts))
    assert read(Sent(message.to_bytes() + b"more", piece), 4096) == message


@settings(deadline=None, max_examples=150)
@given(
    st.binary(max_size=200)
    | st.binary(max_size=60).map(lambda tail: MAGIC + tail)
    | st.tuples(BODIES, st.integers(0, 1 << 40), st.binary(max_size=40)).map(
        lambda t: _framed({"tag": "zhengyin/signer/1", "parts": [t[1]], "body": t[0]}, t[2])
    )
)
def test_whatever_comes_is_a_message_or_our_error_in_bounded_memory(data: bytes) -> None:
    sent = Sent(data)
    try:
        message = read(sent, 1000)
    except InputError:
        pass
    else:
        assert sum(map(len, message.parts)) <= 1000
    assert sent.most <= 1 << 16 and sent.taken <= 8 + HEAD_LIMITS.size + 1000


@settings(deadline=None, max_examples=150)
@given(
    BODIES
    | st.fixed_dictionaries(
        {"question": st.sampled_from(["describe", "unapproved", "signBatch", "sign"]), "organisation": st.just(ORG)},
        optional={
            "suite": st.sampled_from(["intl", "gm", "no"]),
            "key": TEXTS,
            "certificate": st.just(canonical.b64(bytes(32))) | TEXTS,
            "counts": st.just([{"type": "deed", "count": 1}]) | st.just([]) | TEXTS,
        },
    ),
    st.lists(st.binary(max_size=64) | st.just(bytes(32)) | st.just(asked().manifest.to_bytes()), max_size=4),
)
def test_whatever_is_asked_or_answered_is_read_or_refused(body: dict[str, Any], parts: list[bytes]) -> None:
    message = Message(body, tuple(parts))
    with suppress(InputError):
        assert questions.read_question(message).to_message() == message
    with pytest.raises(UnavailableError, match="SIGNER_ANSWER"):
        questions.read_answer(message, "signed", 2)


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "SystemExit", "code": "SIGNER_KIND", "values": {}},
        {"kind": "InputError", "code": "NO_SUCH_CODE", "values": {}},
        {"kind": "InputError", "code": "SIGNER_KIND", "values": {"kind": ["x"]}},
        {"kind": "InputError", "code": 5, "values": {}},
        {},
    ],
)
def test_a_refusal_that_is_none_of_ours_is_no_answer(body: dict[str, Any]) -> None:
    with pytest.raises(UnavailableError, match="SIGNER_ANSWER"):
        questions.read_answer(Message({"answer": "refused", **body}), "signed", 2)


def test_a_refusal_arrives_as_it_was_raised_but_for_values_that_are_not_plain() -> None:
    raised = IntegrityError("SIGNER_APPROVAL_MISSING", index=3, path=Path("/x"), long="x" * 300)
    with pytest.raises(IntegrityError, match="SIGNER_APPROVAL_MISSING") as caught:
        questions.read_answer(questions.refused(raised), "signed", 2)
    assert caught.value.values == {"index": 3}


@pytest.mark.parametrize("data", [b"\0", b"\0\0\0\5", b"\0\0\0\1\0\0\0\1", b"\0\0\0\2\0\0\0\1"])
def test_indexes_out_of_place_are_no_answer(data: bytes) -> None:
    with pytest.raises(UnavailableError, match="SIGNER_ANSWER"):
        questions.read_indexes(data, 5)


# ---- desk -----------------------------------------------------------------------------------------------------------


def test_a_hijacked_ledger_is_held_to_so_many_records_an_hour(keys: KeyStore, tmp_path: Path) -> None:
    now = [float(NOW)]
    with desk_of(keys, tmp_path, lambda: now[0], hour_records=5) as desk:
        assert outcome(desk, keys, asked(0, 3)) == "signed"
        assert outcome(desk, keys, asked(0, 3)) == "signed"  # the same again counts once
        assert outcome(desk, keys, asked(10, 3)) == "SIGNER_HOUR_LIMIT"
        assert outcome(desk, keys, asked(20, 2)) == "signed"
    with desk_of(keys, tmp_path, lambda: now[0], hour_records=5) as desk:  # a restart forgets nothing
        assert outcome(desk, keys, asked(30, 1)) == "SIGNER_HOUR_LIMIT"
        now[0] += 3600
        assert outcome(desk, keys, asked(10, 3)) == "signed"


def test_the_same_records_as_something_else_after_a_restart(keys: KeyStore, tmp_path: Path) -> None:
    with desk_of(keys, tmp_path) as desk:
        assert outcome(desk, keys, asked()) == "signed"
    with desk_of(keys, tmp_path) as desk:
        assert outcome(desk, keys, asked(kind=Kind.SEAL)) == "SIGNER_SIGNED_OTHERWISE"
        assert outcome(desk, keys, asked(closed=NOW + 9)) == "signed"


def test_a_chain_that_the_rules_do_not_name(keys: KeyStore, tmp_path: Path) -> None:
    """Approvals name no chain: a ledger of the same records, made for training, asks for them too."""
    training = ChainIdentity(1, b"t" * 32, bytes(20))
    with desk_of(keys, tmp_path, chains=(bytes(32).hex(),)) as desk:
        assert outcome(desk, keys, asked(0, 1, chain=training)) == "SIGNER_CHAIN"
        assert outcome(desk, keys, asked(0, 1)) == "signed"


def test_outside_the_validity_of_the_certificate_by_the_signers_own_clock(keys: KeyStore, tmp_path: Path) -> None:
    with desk_of(keys, tmp_path, lambda: NOW + 366 * 86_400) as desk:
        assert outcome(desk, keys, asked()) == "SIGNER_CERTIFICATE_DATES"
        assert (tmp_path / "log").read_bytes() == b""


def test_a_key_that_lies_with_another_signer_is_no_key_of_this_one(keys: KeyStore, tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys")
    address = SignerAddress.parse("unix:/run/other.sock")
    store.import_remote(ORG, "main", address, keys.certificate(ORG, "main"))
    store.import_secret(ORG, "main", "approval", SECRET)
    (entry, _) = sorted(store.list(), key=lambda each: each.kept, reverse=True)
    assert (entry.kept, entry.algorithm) == ("signer", "ecdsa-p256")
    with desk_of(store, tmp_path) as desk, pytest.raises(ConfigError, match="SIGNER_SETTINGS"):
        desk.require_keys()


def test_nothing_is_signed_until_somebody_says_yes(keys: KeyStore, tmp_path: Path) -> None:
    confirming = Confirming()
    shown: list[Manifest] = []
    with desk_of(keys, tmp_path, confirming=confirming) as desk:
        assert [outcome(desk, keys, asked(n, 1)) for n in (0, 1, 0)] == ["SIGNER_UNCONFIRMED"] * 3
        assert (tmp_path / "log").read_bytes() == b""
        for said in (True, False):
            assert confirming.ask_next(partial(_say, shown, said), 0)
        assert not confirming.ask_next(lambda m: True, 0)
        assert [manifest.counts for manifest in shown] == [(("deed", 1),)] * 2
        assert [outcome(desk, keys, asked(n, 1)) for n in (0, 1)] == ["signed", "SIGNER_DECLINED"]
        assert (
            outcome(desk, keys, asked(0, 1, closed=NOW + 1)) == "SIGNER_UNCONFIRMED"
        )  # that was no yes to another one


# ---- log ------------------------------------------------------------------------------------------------------------


def test_an_entry_that_was_changed_taken_out_or_turned_stops_the_signer(keys: KeyStore, tmp_path: Path) -> None:
    with desk_of(keys, tmp_path) as desk:
        assert [outcome(desk, keys, asked(n, 1)) for n in range(3)] == ["signed"] * 3
    lines = (tmp_path / "log").read_bytes().splitlines(keepends=True)
    changed = lines[1].replace(b'"size":1', b'"size":2')
    for damaged, line in ([lines[0], changed, lines[2]], 3), (lines[1:], 1), ([lines[0], lines[2]], 2), ([b"{}\n"], 1):
        (tmp_path / "damaged").write_bytes(b"".join(damaged))
        with pytest.raises(IntegrityError, match="SIGNER_LOG_DAMAGED") as caught:
            SignedLog(tmp_path / "damaged")
        assert caught.value.values == {"line": line}
    (tmp_path / "torn").write_bytes(b"".join(lines[:2]) + lines[2][:50])  # by a crash: nothing was signed for it
    with SignedLog(tmp_path / "torn") as log:
        assert log.number == 2
    assert (tmp_path / "torn").read_bytes() == b"".join(lines[:2])


def test_two_signers_never_share_a_log(tmp_path: Path) -> None:
    with SignedLog(tmp_path / "log"), pytest.raises(ConfigError, match="SIGNER_LOG_HELD"):
        SignedLog(tmp_path / "log")


# ---- doors, addresses, rules ----------------------------------------------------------------------------------------


def test_a_user_that_is_not_named_is_told_so_and_nothing_more(keys: KeyStore, tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []
    with signer_home() as home, desk_of(keys, tmp_path) as desk:
        path = home.folder / "signer.sock"
        address = SignerAddress(path)
        with SignerServer(UnixDoor(path, frozenset({12345}), None), desk, told.append):
            assert path.stat().st_mode & 0o777 == 0o600
            answer = ask(address, questions.Describe(ORG, "main").to_message())
            assert answer.body["code"] == "SIGNER_CLIENT"
            with pytest.raises(ConfigError, match="SIGNER_BIND"):
                UnixDoor(path, frozenset(), None).close()
        assert {each["code"] for each in told} == {"SIGNER_CLIENT"}
        with SignerServer(UnixDoor(path, frozenset({12345}), os.getegid()), desk, told.append):
            assert path.stat().st_mode & 0o777 == 0o660
            assert ask(address, questions.Describe(ORG, "main").to_message()).body == {"answer": "described"}
        with pytest.raises(UnavailableError, match="SIGNER_UNREACHABLE"):
            ask(address, Message({}))


def test_a_fault_of_the_signer_costs_one_answer_and_tells_nothing(tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []

    class Faulty:
        def answer(self, client: str, message: Message) -> Message:
            raise KeyError("张三丰")

    with signer_home() as home:
        path = home.folder / "signer.sock"
        with SignerServer(UnixDoor(path, frozenset(), None), Faulty(), told.append):  # type: ignore[arg-type]
            for _ in range(2):
                assert ask(SignerAddress(path), Message({})).body["code"] == "SIGNER_FAULT"
    assert told[0] == {"client": f"uid {os.geteuid()}", "decision": "fault", "code": "KeyError"}


def test_more_askers_than_places_are_all_answered(keys: KeyStore, tmp_path: Path) -> None:
    with signer_home() as home, desk_of(keys, tmp_path) as desk:
        path, found = home.folder / "signer.sock", []
        question = questions.Describe(ORG, "main").to_message()
        with SignerServer(UnixDoor(path, frozenset(), None), desk, lambda value: None):
            many = [
                threading.Thread(target=lambda: found.append(ask(SignerAddress(path), question))) for _ in range(12)
            ]
            for each in many:
                each.start()
            for each in many:
                each.join()
    assert [answer.body["answer"] for answer in found] == ["described"] * 12


@pytest.mark.parametrize(
    "text",
    [
        "unix:/run/zhengyin/signer.sock",
        "tls://signer.example:7443?server=/a/b.pem&certificate=/c.pem&key=/d%20e.key",
        "tls://[::1]:1?server=/a&certificate=/b&key=/c",
    ],
)
def test_an_address_survives_its_file(text: str, keys: KeyStore) -> None:
    address = SignerAddress.parse(text)
    assert str(address) == text
    spki = keys.public(ORG, "main", "signing")
    found = read_remote_file(address.to_pem(spki))
    assert (found.address, found.spki) == (address, spki)
    assert "/d e.key" not in repr(found)


@pytest.mark.parametrize(
    "text",
    [
        "", "unix:", "unix:signer.sock", "http://a:1?server=/a&certificate=/b&key=/c", "tls://a?server=/a&certificate=/b&key=/c",
        "tls://a:0?server=/a&certificate=/b&key=/c", "tls://a:70000?server=/a&certificate=/b&key=/c", "tls://a:1?server=/a",
        "tls://a:1?server=/a&certificate=/b&key=c", "tls://a:1?server=/a&server=/b&key=/c", "unix:/a\nb",
        "tls://a:1?server=/a&certificate=/b&key=/c&more=/d", "tls://u@a:1?server=/a&certificate=/b&key=/c",
    ],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(InputError, match="SIGNER_ADDRESS"):
        SignerAddress.parse(text)


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=40) | st.text(max_size=40).map(lambda tail: f"tls://a:1?{tail}"))
def test_any_text_is_an_address_or_our_error(text: str) -> None:
    try:
        assert SignerAddress.parse(str(SignerAddress.parse(text)))
    except InputError as error:
        assert error.code == "SIGNER_ADDRESS"


OFFICE = f'organisations = ["{ORG}"]\n'
TLS = 'listen = "127.0.0.1:1"\ntls_certificate = "a"\ntls_key = "b"\n'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "=",
        'socket = "s"',
        'organisations = ["x"]\nsocket = "s"',
        OFFICE,
        f"{OFFICE}{TLS}",
        f'{OFFICE}socket = "s"\nlisten = "a:1"',
        f'{OFFICE}socket = "s"\nx = 1',
        f'{OFFICE}socket = "s"\nkinds = ["x"]',
        f'{OFFICE}socket = "s"\nhour_records = 0',
        f'{OFFICE}socket = "s"\nchains = ["00"]',
    ],
)
def test_rules_that_are_not_whole(text: str, tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(text, "utf-8")
    with pytest.raises(ConfigError, match="SIGNER_SETTINGS"):
        read_rules(tmp_path / "r.toml", {})


def test_the_example_is_whole() -> None:
    rules = read_rules(Path(__file__).resolve().parents[3] / "examples" / "signer.toml", {})
    assert rules.socket == Path("/run/zhengyin-signer/signer.sock")
    assert Kind.STATUS in rules.served_kinds and Kind.SEAL not in rules.served_kinds


def test_rules_name_files_beside_them_and_users_by_name(tmp_path: Path) -> None:
    text = f'organisations = ["{ORG}"]\nsocket = "s"\nusers = ["root", 7]\ngroup = "root"\nkinds = ["license"]'
    (tmp_path / "r.toml").write_text(text, "utf-8")
    rules = read_rules(tmp_path / "r.toml", {"confirm": True})
    assert (rules.socket, rules.keys, rules.log) == (tmp_path / "s", tmp_path / "keys", tmp_path / "signed.jsonl")
    assert (sorted(rules.served_users()), rules.served_group(), rules.confirm) == ([0, 7], 0, True)
    assert rules.served_kinds == {Kind.LICENSE}
    with pytest.raises(ConfigError, match="SIGNER_SETTINGS"):
        read_rules(tmp_path / "r.toml", {"users": ("no such user",)}).served_users()


def test_every_rule_is_documented_with_its_default() -> None:
    text = (Path(__file__).resolve().parents[3] / "ledger" / "FORMATS.md").read_text("utf-8")
    table = text.split("## Remote signer\n")[1].split("\n## ")[0].split("| key | default | |")[1]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", table, re.M))
    assert rows.keys() == Rules.model_fields.keys()
    for name, field in Rules.model_fields.items():
        if field.default not in (None, ()):
            assert rows[name].strip("`") == str(field.default).lower(), name


def _say(shown: list[Manifest], said: bool, manifest: Manifest) -> bool:
    shown.append(manifest)
    return said


def _framed(head: dict[str, Any], tail: bytes) -> bytes:
    try:
        data = canonical.encode(head, HEAD_LIMITS)
    except ZhengyinError:
        data = b"{}"
    return MAGIC + len(data).to_bytes(4, "big") + data + tail
