"""The engine over HTTP against nodes that misbehave: failover, back-off, and never a wrong answer taken."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import orjson
import pytest
from chain_kit import NODE_KEY, Ledger, anchor_call, found_ledger
from http_kit import PATIENT, Node, Way, bent, hung_up, late, raw, trickling, truncated
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.chain.client import EngineChain
from ledger.chain.embedded import EmbeddedEngine
from ledger.chain.endpoint import Credentials, Endpoint, HttpLimits
from ledger.chain.http_answers import BatchesRefused, decode_answer, decode_batch
from ledger.chain.http_engine import ChainName, HttpEngine
from ledger.chain.provider import make_web3
from ledger.errors import ConfigError, ConflictError, InputError, UnavailableError, ZhengyinError

LATE = ("late", "never an end")
HTML = b"<!doctype html><title>502 Bad Gateway</title>"


def orjson_or_empty(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # beyond 64 bits
        return b""


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    found = found_ledger(tmp_path_factory.mktemp("chain") / "chain.db")
    yield found
    found.engine.close()


@pytest.fixture
def nodes(ledger: Ledger) -> Iterator[list[Node]]:
    made = [Node(ledger.engine) for _ in range(2)]
    yield made
    for node in made:
        node.stop()


@pytest.fixture
def connect() -> Iterator[Callable[..., HttpEngine]]:
    """HttpEngine, closed at the end."""
    made: list[HttpEngine] = []

    def build(*urls: str, limits: HttpLimits = PATIENT, **given: Any) -> HttpEngine:
        made.append(HttpEngine(urls, limits=limits, **given))
        return made[-1]

    yield build
    for engine in made:
        engine.close()


Connect = Callable[..., HttpEngine]


@pytest.fixture
def engine(nodes: list[Node], connect: Connect) -> HttpEngine:
    return settled(connect(*(node.url for node in nodes)), nodes)


def settled(engine: HttpEngine, nodes: list[Node]) -> HttpEngine:
    """The engine when both nodes are admitted and the first is in use."""
    engine.request("eth_chainId")
    for node in nodes:
        node.received.clear()
    return engine


WAYS: dict[str, tuple[Way, str]] = {
    "html": (raw(HTML), "ENGINE_ANSWER_REFUSED"),
    "nothing": (raw(b""), "ENGINE_ANSWER_REFUSED"),
    "half of it": (truncated, "ENGINE_BROKEN_OFF"),
    "hung up": (hung_up, "ENGINE_BROKEN_OFF"),
    "late": (late(1.0), "ENGINE_LATE"),
    "never an end": (trickling, "ENGINE_LATE"),
    "too large": (raw(b" " * (PATIENT.body + 1)), "ENGINE_ANSWER_TOO_LARGE"),
    "busy": (raw(b"", 429), "ENGINE_BUSY"),
    "unavailable": (raw(HTML, 503), "ENGINE_BUSY"),
    "server error": (raw(HTML, 500), "ENGINE_HTTP_STATUS"),
    "redirect": (raw(b"", 302, Location="http://127.0.0.1:1/"), "ENGINE_HTTP_STATUS"),
    "unauthorised": (raw(b"", 401), "ENGINE_HTTP_STATUS"),
    "compressed": (raw(b"\x1f\x8b\x08", Content_Encoding="gzip"), "ENGINE_ANSWER_REFUSED"),
    "another's id": (bent(lambda a: a | {"id": a["id"] + 1}), "ENGINE_ANSWER_REFUSED"),
    "id as text": (bent(lambda a: a | {"id": str(a["id"])}), "ENGINE_ANSWER_REFUSED"),
    "no id": (bent(lambda a: {k: a[k] for k in a if k != "id"}), "ENGINE_ANSWER_REFUSED"),
    "version 1": (bent(lambda a: {k: a[k] for k in a if k != "jsonrpc"}), "ENGINE_ANSWER_REFUSED"),
    "no result": (bent(lambda a: {k: a[k] for k in a if k != "result"}), "ENGINE_ANSWER_REFUSED"),
    "result and error": (bent(lambda a: a | {"error": {"code": 1, "message": ""}}), "ENGINE_ANSWER_REFUSED"),
    "malformed error": (bent(lambda a: a | {"result": None, "error": "no"}), "ENGINE_ANSWER_REFUSED"),
    "an array": (bent(lambda a: [a]), "ENGINE_ANSWER_REFUSED"),
    "internal error": (
        bent(lambda a: a | {"result": None, "error": {"code": -32603, "message": ""}}),
        "ENGINE_REFUSED",
    ),
}


@pytest.mark.parametrize("name", WAYS)
def test_a_node_that_misbehaves_gives_way_to_the_next(nodes: list[Node], connect: Connect, name: str) -> None:
    limits = replace(PATIENT, answer=0.5) if name in LATE else PATIENT
    engine = settled(connect(*(node.url for node in nodes), limits=limits), nodes)
    nodes[0].always = WAYS[name][0]
    assert engine.request("eth_chainId") == nodes[1].engine.request("eth_chainId")
    assert nodes[1].methods()


@pytest.mark.parametrize("name", WAYS)
def test_where_every_node_misbehaves_it_is_unavailable_and_never_anything_else(
    nodes: list[Node], connect: Connect, name: str
) -> None:
    way, code = WAYS[name]
    for node in nodes:
        node.always = way
    limits = replace(PATIENT, patience=0.3, answer=0.5 if name in LATE else PATIENT.answer)
    engine = connect(*(node.url for node in nodes), limits=limits)
    with pytest.raises(UnavailableError) as caught:
        engine.request("eth_chainId")
    assert caught.value.code == code


def test_a_node_that_recovers_within_the_patience_is_waited_for(
    nodes: list[Node], ledger: Ledger, connect: Connect
) -> None:
    nodes[0].ways = [raw(HTML), hung_up, raw(b"", 500)]
    alone = connect(nodes[0].url)
    assert int(alone.request("eth_chainId"), 16) == ledger.identity.id


def test_retry_after_is_kept(nodes: list[Node], ledger: Ledger, connect: Connect) -> None:
    nodes[0].ways = [raw(b"", 429, Retry_After="7")]
    slept: list[float] = []
    now = [0.0]

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    patient = HttpLimits(patience=20.0)
    alone = connect(nodes[0].url, limits=patient, clock=lambda: now[0], sleep=sleep)
    assert int(alone.request("eth_chainId"), 16) == ledger.identity.id
    assert slept == [pytest.approx(7.0)]
    nodes[0].ways = [raw(b"", 503, Retry_After=formatdate(time.time() + 12, usegmt=True))]
    alone.request("eth_chainId")
    assert 10 <= slept[1] <= 12


def test_while_all_rest_nobody_is_asked(nodes: list[Node], connect: Connect) -> None:
    now = [0.0]
    hasty = HttpLimits(patience=1.0)
    alone = connect(nodes[0].url, limits=hasty, clock=lambda: now[0], sleep=pytest.fail)
    nodes[0].always = raw(b"", 429, Retry_After="30")
    for _ in range(3):
        with pytest.raises(UnavailableError, match="ENGINE_BUSY"):
            alone.request("eth_chainId")
    assert len(nodes[0].received) == 1
    now[0] += 31
    nodes[0].always = None
    assert alone.request("eth_chainId")


# ---- sending ----


@pytest.mark.parametrize("way", [hung_up, truncated, late(2.0), raw(HTML), raw(b"", 503)])
def test_a_transaction_whose_answer_was_lost_goes_out_again_byte_for_byte(
    ledger: Ledger, nodes: list[Node], connect: Connect, way: Way
) -> None:
    """The first node took it and could not say so; the second hears the same bytes and knows them."""
    engine = connect(*(node.url for node in nodes), limits=replace(PATIENT, answer=1.0))
    chain = EngineChain(engine, ledger.identity, ledger.contracts)
    chain.check()
    account = ledger_account()
    nonce = int(ledger.engine.request("eth_getTransactionCount", ["0x" + account.address.hex(), "pending"]), 16)
    raw_, hash_ = chain.sign_anchor(account, nonce, anchor_call((way, nonce)))
    for node in nodes:
        node.received.clear()
    nodes[0].always = way
    chain.send(raw_)
    assert nodes[1].sent() == ["0x" + raw_.hex()]
    assert set(nodes[0].sent()) == {"0x" + raw_.hex()}
    ledger.clock.sleep(2)
    mined = chain.mined(hash_)
    assert mined is not None and mined.succeeded


def ledger_account() -> Any:
    from chain_kit import OFFICE, account

    return account(OFFICE)


def test_a_refusal_is_an_answer_and_is_not_asked_for_elsewhere(nodes: list[Node], engine: HttpEngine) -> None:
    with pytest.raises((ConflictError, InputError)):
        engine.request("eth_sendRawTransaction", ["0xc0"])
    with pytest.raises(InputError, match="ENGINE_METHOD_UNKNOWN"):
        engine.request("evm_mine")
    assert nodes[1].received == []


# ---- which chain ----


@pytest.fixture
def foreign(tmp_path: Any, ledger: Ledger) -> Iterator[Node]:
    """A training chain of the same id."""
    engine = EmbeddedEngine.create(
        tmp_path / "other.db", node_key=NODE_KEY, clock=ledger.clock, operator="other", chain_id=ledger.identity.id
    )
    node = Node(engine)
    yield node
    node.stop()
    engine.close()


def test_two_nodes_that_disagree_about_the_genesis_are_refused(
    nodes: list[Node], foreign: Node, connect: Connect
) -> None:
    for urls in ([nodes[0].url, foreign.url], [foreign.url, nodes[0].url]):
        with pytest.raises(ConfigError, match="ENGINE_OTHER_CHAIN"):
            connect(*urls).request("eth_blockNumber")


def test_a_node_of_another_chain_than_the_one_named_is_refused(foreign: Node, ledger: Ledger, connect: Connect) -> None:
    name = ChainName(ledger.identity.id, ledger.identity.genesis)
    with pytest.raises(ConfigError, match="ENGINE_OTHER_CHAIN"):
        connect(foreign.url, name=name).request("eth_blockNumber")


def test_a_node_that_comes_back_as_another_chain_is_refused(nodes: list[Node], foreign: Node, connect: Connect) -> None:
    alone = connect(nodes[0].url)
    alone.request("eth_chainId")
    nodes[0].ways, nodes[0].engine = [hung_up], foreign.engine
    with pytest.raises(ConfigError, match="ENGINE_OTHER_CHAIN"):
        alone.request("eth_blockNumber")


def test_a_node_that_is_away_at_first_does_not_keep_the_other_from_serving(
    nodes: list[Node], ledger: Ledger, connect: Connect
) -> None:
    first = connect("http://127.0.0.1:1", nodes[1].url)
    assert int(first.request("eth_chainId"), 16) == ledger.identity.id


# ---- batches ----


def test_a_batch_is_answered_in_the_order_asked(ledger: Ledger, nodes: list[Node], engine: HttpEngine) -> None:
    numbers = range(int(ledger.engine.request("eth_blockNumber", []), 16) + 1)
    assert len(numbers) > 3
    nodes[0].always = bent(lambda answers: answers[::-1] if isinstance(answers, list) else answers)
    questions = [("eth_getBlockByNumber", (hex(n), False)) for n in numbers]
    assert [int(block["number"], 16) for block in engine.request_many(questions)] == list(numbers)
    assert len(nodes[0].received) == 1


@pytest.mark.parametrize(
    "change",
    [lambda a: a[:-1], lambda a: [*a, a[0]], lambda a: [a[0]] * len(a), lambda a: [], lambda a: {"result": a}],
)
def test_a_batch_with_answers_missing_foreign_or_twice_is_refused(
    nodes: list[Node], engine: HttpEngine, change: Any
) -> None:
    nodes[0].always = bent(lambda a: change(a) if isinstance(a, list) else a)
    assert engine.request_many([("eth_chainId", ())] * 3)  # the other node's
    assert nodes[1].received


def test_a_node_without_batches_is_asked_one_by_one(nodes: list[Node], engine: HttpEngine) -> None:
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "no batches here"}}
    nodes[0].always = bent(lambda a: error if isinstance(a, list) else a)
    assert len(engine.request_many([("eth_chainId", ())] * 3)) == 3
    assert nodes[1].received == []


def test_events_of_many_blocks_are_dated_by_one_batch(ledger: Ledger, nodes: list[Node], engine: HttpEngine) -> None:
    chain = EngineChain(engine, ledger.identity, ledger.contracts)
    head, _ = chain.head()
    assert list(chain.events(0, head.block)) == list(ledger.chain.events(0, head.block))
    batches = [body for body in nodes[0].received if body.startswith(b"[")]
    assert len(batches) == 1 and len(orjson.loads(batches[0])) > 1


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60) | st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=9), lambda c:
       st.lists(c, max_size=3) | st.dictionaries(st.sampled_from(["id", "jsonrpc", "result", "error", "code"]), c),
       max_leaves=9).map(orjson_or_empty))  # fmt: skip
def test_no_answer_whatever_is_taken_for_another_kind_of_thing(body: bytes) -> None:
    for read in (lambda: decode_answer(body, 1), lambda: decode_batch(body, 1, 2)):
        try:
            read()
        except (ZhengyinError, BatchesRefused):
            continue
        assert b'"id"' in body


# ---- addresses and credentials ----


@pytest.mark.parametrize(
    "url", ["", "node:8545", "ftp://node", "http://", "http://user:secret@node", "http://node#x", "file:///etc/passwd"]
)
def test_an_address_of_another_form_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Endpoint(url, PATIENT)
    assert caught.value.code == "ENGINE_URL_REFUSED"
    assert "secret" not in str(caught.value)


def test_an_engine_without_address_is_refused() -> None:
    with pytest.raises(ConfigError, match="ENGINE_NO_URL"):
        HttpEngine([])


def test_credentials_go_to_loopback_or_by_tls_only_and_are_never_shown(nodes: list[Node], connect: Connect) -> None:
    credentials = Credentials("Bearer hidden")
    assert "hidden" not in repr(credentials)
    with pytest.raises(ConfigError, match="ENGINE_CREDENTIALS_EXPOSED"):
        Endpoint("http://node.example:8545", PATIENT, credentials)
    assert Endpoint("https://node.example:8545/path", PATIENT, credentials).name == "https://node.example:8545"
    seen: list[str] = []
    nodes[0].always = lambda handler, body: (seen.append(handler.headers["Authorization"]), handler.send(200, b"x"))[1]
    with pytest.raises(UnavailableError):
        connect(nodes[0].url, limits=replace(PATIENT, patience=0.3), credentials=credentials).request("eth_chainId")
    assert set(seen) == {"Bearer hidden"}


# ---- web3.py ----


def test_web3_reads_sealed_headers_over_http(ledger: Ledger, engine: HttpEngine) -> None:
    """Headers with more than 32 bytes of extraData need the proof-of-authority middleware."""
    web3 = make_web3(engine)
    assert web3.eth.chain_id == ledger.identity.id
    assert len(web3.eth.get_block("latest")["proofOfAuthorityData"]) == 97
