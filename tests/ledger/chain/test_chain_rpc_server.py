"""The read-only port of the embedded engine: what it answers, and to whom it does not speak."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from chain_kit import OFFICE, Ledger, account, anchor_call, found_ledger
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.chain.client import EngineChain
from ledger.chain.embedded.rpc_server import MOST_BYTES, MOST_QUESTIONS, RpcServer, answer
from ledger.chain.http_engine import HttpEngine
from ledger.errors import ConfigError, InputError


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    found = found_ledger(tmp_path_factory.mktemp("chain") / "chain.db")
    yield found
    found.engine.close()


@pytest.fixture(scope="module")
def server(ledger: Ledger) -> Iterator[RpcServer]:
    with RpcServer(ledger.engine) as started:
        yield started


def ask(server: RpcServer, body: bytes, method: str = "POST", path: str = "/", **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    given = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, body, given)
        found = connection.getresponse()
        return found.status, found.read()
    finally:
        connection.close()


def question(method: str, *params: Any, id_: Any = 1) -> bytes:
    return orjson.dumps({"jsonrpc": "2.0", "id": id_, "method": method, "params": params})


def test_an_auditor_reads_the_whole_chain_through_it(ledger: Ledger, server: RpcServer) -> None:
    engine = HttpEngine([server.url])
    chain = EngineChain(engine, ledger.identity, ledger.contracts)
    head, _ = chain.head()
    assert list(chain.events(0, head.block)) == list(ledger.chain.events(0, head.block))
    assert chain.state_header(0) == ledger.chain.state_header(None)  # a reader cannot make the node seal a block
    engine.close()


@pytest.mark.parametrize("method", ["eth_sendRawTransaction", "zhengyin_makeBlock", "evm_mine", "", "__init__"])
def test_nothing_is_written_through_it(ledger: Ledger, server: RpcServer, method: str) -> None:
    head = ledger.chain.head()
    raw, _ = ledger.chain.sign_anchor(account(OFFICE), 0, anchor_call("port"))
    status, body = ask(server, question(method, "0x" + raw.hex()))
    assert (status, orjson.loads(body)["error"]["code"]) == (200, -32601)
    ledger.clock.sleep(2)
    assert ledger.chain.head() == head


def test_a_writer_over_the_port_is_told_so(ledger: Ledger, server: RpcServer) -> None:
    engine = HttpEngine([server.url])
    raw, _ = ledger.chain.sign_anchor(account(OFFICE), 0, anchor_call("port"))
    with pytest.raises(InputError, match="ENGINE_METHOD_UNKNOWN"):
        EngineChain(engine, ledger.identity, ledger.contracts).send(raw)
    engine.close()


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_give_nothing(server: RpcServer, method: str) -> None:
    assert ask(server, b"", method) == (405, b"")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),  # a name rebound to loopback
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Host": ""}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Content_Type": "text/plain"}, 415),  # what a form may send without asking first
        ({"Content_Length": str(MOST_BYTES + 1)}, 413),
        ({"Content_Length": "-1"}, 411),
        ({"Content_Length": "١"}, 411),
        ({"Transfer_Encoding": "chunked"}, 411),
    ],
)
def test_a_web_page_and_a_flood_are_refused(server: RpcServer, headers: dict[str, str], status: int) -> None:
    found = {name: value.encode().decode("latin-1") for name, value in headers.items()}
    assert ask(server, question("eth_chainId"), **found) == (status, b"")


def test_another_path_is_not_there(server: RpcServer) -> None:
    assert ask(server, question("eth_chainId"), path="/x")[0] == 404


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_loopback_is_answered_by_any_of_its_names(ledger: Ledger, server: RpcServer, host: str) -> None:
    status, body = ask(server, question("eth_chainId"), Host=f"{host}:{server.port}")
    assert (status, orjson.loads(body)["result"]) == (200, hex(ledger.identity.id))


def test_batches_are_answered_in_order_and_up_to_a_limit(ledger: Ledger) -> None:
    one = orjson.loads(question("eth_chainId"))
    found = orjson.loads(answer(ledger.engine, orjson.dumps([one | {"id": n} for n in range(3)])) or b"")
    assert [each["id"] for each in found] == [0, 1, 2]
    for refused in (b"[]", orjson.dumps([one] * (MOST_QUESTIONS + 1))):
        assert "error" in orjson.loads(answer(ledger.engine, refused) or b"")


def test_a_notification_gets_no_answer(server: RpcServer) -> None:
    assert ask(server, b'{"jsonrpc":"2.0","method":"eth_chainId"}') == (204, b"")
    assert ask(server, b'[{"jsonrpc":"2.0","method":"eth_chainId"}]') == (204, b"")


def test_a_port_that_is_taken_is_said(server: RpcServer, ledger: Ledger) -> None:
    with pytest.raises(ConfigError, match="RPC_SERVER_PORT"):
        RpcServer(ledger.engine, server.port)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.fixed_dictionaries(
            {},
            optional={
                "jsonrpc": st.just("2.0") | inner,
                "id": inner,
                "method": st.sampled_from(["eth_getLogs", "eth_call", "eth_getProof", "eth_getBlockByNumber"]) | inner,
                "params": inner,
                "fromBlock": inner,
                "address": inner,
            },
        )
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=80) | _VALUES.map(orjson.dumps))
def test_whatever_is_asked_gets_a_json_rpc_answer(ledger: Ledger, body: bytes) -> None:
    found = answer(ledger.engine, body)
    if found is None:
        return
    parsed = orjson.loads(found)
    for each in parsed if isinstance(parsed, list) else [parsed]:
        assert each["jsonrpc"] == "2.0"
        assert ("result" in each) != ("error" in each)
