"""What a ledger and its signer say to each other; addresses and rules."""

from __future__ import annotations

import io
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from desk_kit import ORG, asked, make_keys
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.core import canonical
from ledger.core.registries import Kind
from ledger.errors import ConfigError, InputError, IntegrityError, UnavailableError, ZhengyinError
from ledger.outside.keystore import KeyStore
from ledger.outside.remote_keys import SignerAddress, read_remote_file
from ledger.outside.signing_service import questions
from ledger.outside.signing_service.frames import HEAD_LIMITS, MAGIC, Message, read
from ledger.outside.signing_service.rules import Rules, read_rules


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyStore:
    return make_keys(tmp_path_factory.mktemp("signer"))


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


def _framed(head: dict[str, Any], tail: bytes) -> bytes:
    try:
        data = canonical.encode(head, HEAD_LIMITS)
    except ZhengyinError:
        data = b"{}"
    return MAGIC + len(data).to_bytes(4, "big") + data + tail
