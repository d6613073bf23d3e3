"""The embedded engine as its callers see it: blocks, clock, transactions, answers."""

import coincurve
import pytest
import rlp
from embedded_kit import KEYS, NODE_KEY, START, Clock, Kit, creation, keccak, runtime, sign, word

from ledger.chain.embedded import EmbeddedEngine
from ledger.chain.embedded.hashing import EMPTY_ROOT
from ledger.errors import ConfigError, ConflictError, InputError, UnavailableError


@pytest.fixture
def kit(tmp_path):
    made = Kit(tmp_path / "chain.db")
    yield made
    made.engine.close()


def refused(kind, code, run):
    with pytest.raises(kind) as caught:
        run()
    assert caught.value.code == code
    return caught.value


def test_genesis_names_operator_and_sealer_and_chain_id_is_random(tmp_path):
    chains = [Kit(tmp_path / name) for name in "ab"]
    one, other = (kit.engine for kit in chains)
    assert one.chain_id != other.chain_id and 0 < one.chain_id < 2**53
    block = chains[0].ask("eth_getBlockByNumber", "earliest", False)
    extra = bytes.fromhex(block["extraData"][2:])
    sealer = keccak(coincurve.PrivateKey(NODE_KEY).public_key.format(compressed=False)[1:])[12:]
    assert extra == b"91440101MA5TEST00X".ljust(32, b"\0") + sealer + bytes(65)
    assert (one.operator, one.sealer) == ("91440101MA5TEST00X", sealer)
    assert int(block["timestamp"], 16) == START and block["hash"] == "0x" + one.genesis_hash.hex()
    for kit in chains:
        kit.engine.close()


def test_block_hash_and_seal_follow_from_the_raw_header(kit):
    kit.deploy()
    raw = bytes.fromhex(kit.ask("debug_getRawHeader", "0x1")[2:])
    block = kit.ask("eth_getBlockByNumber", "0x1", True)
    fields = rlp.decode(raw)
    assert len(fields) == 15 and block["hash"] == "0x" + keccak(raw).hex()
    extra = fields[12]
    assert len(extra) == 97 and extra[96] in (0, 1)
    digest = keccak(rlp.encode([*fields[:12], extra[:-65], *fields[13:]]))
    public = coincurve.PublicKey.from_signature_and_message(extra[32:], digest, hasher=None)
    assert keccak(public.format(compressed=False)[1:])[12:] == kit.engine.sealer
    assert fields[2] == bytes(20) and fields[7] == b"\1" and fields[13:] == [bytes(32), bytes(8)]
    assert fields[0].hex() == kit.ask("eth_getBlockByNumber", "0x0", False)["hash"][2:]
    assert block["transactions"][0]["blockHash"] == block["hash"]
    assert kit.ask("eth_getBlockByHash", block["hash"], False)["transactions"] == [block["transactions"][0]["hash"]]


def test_many_transactions_share_one_block_and_receipts_add_up(kit):
    contract = kit.deploy()
    hashes = [kit.put(contract, n, n + 1, 7, 8, n, key=KEYS[n % 3]) for n in range(30)]
    assert kit.ask("eth_getTransactionReceipt", hashes[0]) is None  # its second has not come
    assert kit.ask("eth_getTransactionByHash", hashes[0])["blockHash"] is None
    receipts = [kit.receipt(digest) if n == 0 else None for n, digest in enumerate(hashes)]
    receipts = kit.ask("eth_getBlockReceipts", receipts[0]["blockHash"] and "0x2")
    assert [r["transactionHash"] for r in receipts] == hashes
    total = 0
    for place, receipt in enumerate(receipts):
        total += int(receipt["gasUsed"], 16)
        assert int(receipt["cumulativeGasUsed"], 16) == total and receipt["status"] == "0x1"
        assert [log["logIndex"] for log in receipt["logs"]] == [hex(place)]
        assert receipt == kit.ask("eth_getTransactionReceipt", hashes[place])
    assert int(kit.ask("eth_getBlockByNumber", "latest", False)["gasUsed"], 16) == total
    slot = kit.ask("eth_getStorageAt", "0x" + contract.hex(), "0x5", "latest")
    assert slot == "0x" + word(6).hex()


def test_one_block_a_second_never_ahead_of_the_clock(kit):
    contract = kit.deploy()
    for n in range(40):
        kit.put(contract, n, n, 1, 2, 3)
        kit.clock.now += 0.3
        kit.ask("eth_blockNumber")
        head = kit.ask("eth_getBlockByNumber", "latest", False)
        assert int(head["timestamp"], 16) <= kit.clock.now
    times = [
        int(kit.ask("eth_getBlockByNumber", hex(n), False)["timestamp"], 16)
        for n in range(int(kit.ask("eth_blockNumber"), 16) + 1)
    ]
    assert times == sorted(set(times)) and len(times) >= 10


def test_no_idle_blocks_but_an_empty_one_on_demand(kit):
    contract = kit.deploy()
    kit.clock.now += 3600
    assert kit.ask("eth_blockNumber") == "0x1"
    assert kit.ask("zhengyin_makeBlock", 7200) == "0x1"
    assert kit.ask("zhengyin_makeBlock", 5) == "0x2"
    assert kit.ask("zhengyin_makeBlock", "0x5") == "0x2"
    block = kit.ask("eth_getBlockByNumber", "latest", False)
    assert block["transactions"] == [] and int(block["timestamp"], 16) == kit.clock.now
    assert block["transactionsRoot"] == block["receiptsRoot"] == "0x" + EMPTY_ROOT.hex()
    assert kit.ask("eth_getCode", "0x" + contract.hex(), "latest") == "0x" + runtime(3).hex()


def test_clock_a_day_behind_is_said_and_the_transaction_kept(kit):
    contract = kit.deploy()
    kit.clock.now -= 86_400
    digest = kit.put(contract, 1, 2, 3, 4, 5)
    error = refused(UnavailableError, "ENGINE_CLOCK_BEHIND", lambda: kit.receipt(digest))
    assert error.values["behind"] > 86_000
    refused(UnavailableError, "ENGINE_CLOCK_BEHIND", lambda: kit.ask("zhengyin_makeBlock", 0))
    assert kit.ask("eth_blockNumber") == "0x1"  # reading goes on
    kit.clock.now += 86_400
    assert kit.receipt(digest)["status"] == "0x1"


def test_nonces_out_of_order_wait_for_the_gap(kit):
    chain, key = kit.engine.chain_id, KEYS[0]
    raws = [sign(key, chain, nonce, bytes(20), b"") for nonce in range(4)]
    hashes = {n: kit.ask("eth_sendRawTransaction", raws[n]) for n in (2, 3, 1)}
    assert kit.receipt(hashes[1]) is None
    address = key.public_key.to_checksum_address()
    assert kit.ask("eth_getTransactionCount", address, "pending") == "0x0"
    kit.ask("eth_sendRawTransaction", raws[0])
    assert kit.ask("eth_getTransactionCount", address, "pending") == "0x4"
    assert kit.receipt(hashes[3])["transactionIndex"] == "0x3"
    assert kit.ask("eth_getTransactionCount", address, "latest") == "0x4"
    assert kit.ask("eth_getTransactionCount", address, "0x0") == "0x0"


def test_same_bytes_again_are_success_other_bytes_are_not(kit):
    contract = kit.deploy()
    raw = kit.raw(contract, b"".join(map(word, (1, 2, 3, 4, 5))))
    digest = kit.ask("eth_sendRawTransaction", raw)
    assert kit.ask("eth_sendRawTransaction", raw) == digest
    other = sign(KEYS[0], kit.engine.chain_id, 1, contract, b"\1")
    refused(ConflictError, "ENGINE_NONCE_TAKEN", lambda: kit.ask("eth_sendRawTransaction", other))
    assert kit.receipt(digest)["blockNumber"] == "0x2"
    assert kit.ask("eth_sendRawTransaction", raw) == digest
    refused(ConflictError, "ENGINE_NONCE_TOO_LOW", lambda: kit.ask("eth_sendRawTransaction", other))
    far = sign(KEYS[0], kit.engine.chain_id, 9999, contract, b"\1")
    refused(ConflictError, "ENGINE_NONCE_TOO_HIGH", lambda: kit.ask("eth_sendRawTransaction", far))


def test_replay_from_another_chain_or_none_is_refused(kit):
    for chain_id in (kit.engine.chain_id + 1, 1, 0):
        raw = sign(KEYS[0], chain_id, 0, bytes(20), b"")
        refused(InputError, "ENGINE_WRONG_CHAIN", lambda raw=raw: kit.ask("eth_sendRawTransaction", raw))
    assert kit.ask("eth_getTransactionCount", KEYS[0].public_key.to_address(), "pending") == "0x0"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw[:-1],
        lambda raw: raw + b"\0",
        lambda raw: b"\x01" + raw,
        lambda raw: b"\x02" + raw,
        lambda raw: b"",
        lambda raw: b"\xc0",
        lambda raw: b"\xf9\0" + raw[1:],  # length not minimal
    ],
)
def test_malformed_transactions_are_refused(kit, spoil):
    raw = bytes.fromhex(sign(KEYS[0], kit.engine.chain_id, 0, bytes(20), b"")[2:])
    refused(InputError, "ENGINE_TX_REFUSED", lambda: kit.ask("eth_sendRawTransaction", "0x" + spoil(raw).hex()))


def test_high_s_gas_and_price_rules(kit):
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    chain = kit.engine.chain_id
    fields = rlp.decode(bytes.fromhex(sign(KEYS[0], chain, 0, bytes(20), b"")[2:]))
    v, s = int.from_bytes(fields[6], "big"), int.from_bytes(fields[8], "big")
    flipped = (v - 35) ^ 1
    fields[6] = (flipped + 35).to_bytes(8, "big").lstrip(b"\0")
    fields[8] = (order - s).to_bytes(32, "big")
    twin = "0x" + rlp.encode(fields).hex()
    for raw in (
        twin,
        sign(KEYS[0], chain, 0, bytes(20), b"", gas=20_999),
        sign(KEYS[0], chain, 0, bytes(20), b"", gas=60_000_001),
    ):
        refused(InputError, "ENGINE_TX_REFUSED", lambda raw=raw: kit.ask("eth_sendRawTransaction", raw))
    priced = sign(KEYS[0], chain, 0, bytes(20), b"", price=1)
    refused(InputError, "ENGINE_FUNDS", lambda: kit.ask("eth_sendRawTransaction", priced))


def test_calls_see_their_block_and_reverts_carry_data(kit):
    contract = kit.deploy()
    to = "0x" + contract.hex()
    read = {"to": to, "data": "0x" + word(9).hex()}
    kit.receipt(kit.put(contract, 9, 100, 0, 0, 0))
    kit.receipt(kit.put(contract, 9, 200, 0, 0, 0))
    answers = [kit.ask("eth_call", read, at) for at in ("0x1", "0x2", {"blockNumber": "0x3"}, "latest")]
    assert [int(answer, 16) for answer in answers] == [0, 100, 200, 200]
    for method in ("eth_call", "eth_estimateGas"):
        error = refused(InputError, "ENGINE_REVERTED", lambda m=method: kit.ask(m, {"to": to}))
        assert error.values["data"] == "0xdeadbeef"
    refused(InputError, "ENGINE_BLOCK_UNKNOWN", lambda: kit.ask("eth_call", read, "0x99"))
    starved = read | {"gas": hex(21_600)}
    refused(InputError, "ENGINE_EXECUTION_FAILED", lambda: kit.ask("eth_call", starved))


def test_estimates_suffice_and_see_the_time_of_the_next_block(kit):
    contract = kit.deploy()
    to, clock = "0x" + contract.hex(), {"to": "0x" + contract.hex(), "data": "0x00"}
    kit.clock.now += 5000
    head = int(kit.ask("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    assert int(kit.ask("eth_call", clock, "latest"), 16) == head
    assert int(kit.ask("eth_call", clock, "pending"), 16) == kit.clock.now
    words = b"".join(map(word, (1, 2, 3, 4, 5)))
    for data in (words, words.replace(word(2), word(0))):  # a new word, then one cleared (refund)
        gas = int(kit.ask("eth_estimateGas", {"to": to, "data": "0x" + data.hex()}), 16)
        receipt = kit.receipt(kit.send(contract, data, gas=gas))
        assert receipt["status"] == "0x1"
        assert gas <= 2.05 * int(receipt["gasUsed"], 16) + 2400  # half may have come back as refund
    assert kit.ask("eth_estimateGas", {"to": "0x" + "11" * 20}) == hex(21_000)
    deploy = int(kit.ask("eth_estimateGas", {"data": "0x" + creation(runtime(1)).hex()}), 16)
    assert kit.receipt(kit.send(b"", creation(runtime(1)), gas=deploy))["status"] == "0x1"


def test_failed_transaction_is_in_a_block_with_status_0(kit):
    contract = kit.deploy()
    receipt = kit.receipt(kit.send(contract, b""))
    assert receipt["status"] == "0x0" and receipt["logs"] == []


def test_block_gas_is_capped_and_the_rest_follows(kit):
    hashes = [kit.send(bytes(20), b"", key, gas=60_000_000) for key in KEYS[:3]]
    for place, digest in enumerate(hashes):
        assert kit.receipt(digest)["blockNumber"] == hex(place + 1)


def test_constants_and_refusals(kit):
    assert kit.ask("eth_chainId") == hex(kit.engine.chain_id)
    assert kit.ask("net_version") == str(kit.engine.chain_id)
    assert kit.ask("eth_gasPrice") == "0x0" and kit.ask("web3_clientVersion").startswith("zhengyin")
    assert kit.ask("eth_getBalance", "0x" + "00" * 20, "latest") == "0x0"
    assert kit.ask("eth_getBlockByNumber", "0x5", False) is None
    assert kit.ask("eth_getBlockByHash", "0x" + "11" * 32, False) is None
    assert kit.ask("eth_getTransactionReceipt", "0x" + "11" * 32) is None
    assert kit.ask("eth_getBlockReceipts", "finalized") == []
    refused(InputError, "ENGINE_METHOD_UNKNOWN", lambda: kit.ask("evm_snapshot"))
    refused(InputError, "RPC_PARAMETERS_REFUSED", lambda: kit.ask("eth_getLogs"))
    refused(InputError, "RPC_BLOCK_REFUSED", lambda: kit.ask("eth_getBlockByNumber", "newest", False))
    refused(InputError, "RPC_DATA_REFUSED", lambda: kit.ask("eth_getBalance", "0x00", "latest"))


def test_read_only_wrong_key_missing_foreign_and_existing_files(kit, tmp_path):
    contract = kit.deploy()
    with pytest.raises(ConfigError, match="ENGINE_FILE_EXISTS"):
        EmbeddedEngine.create(kit.path, node_key=NODE_KEY, clock=kit.clock, operator="x")
    reader = kit.reopen(None)
    assert reader.request("eth_getCode", ["0x" + contract.hex(), "latest"]) == "0x" + runtime(3).hex()
    raw = sign(KEYS[0], reader.chain_id, 1, bytes(20), b"")
    for method, param in (("eth_sendRawTransaction", raw), ("zhengyin_makeBlock", 0)):
        with pytest.raises(ConfigError, match="ENGINE_READ_ONLY"):
            reader.request(method, [param])
    for path, key, code in (
        (kit.path, b"\5" * 32, "ENGINE_WRONG_KEY"),
        (tmp_path / "none.db", NODE_KEY, "ENGINE_FILE_MISSING"),
    ):
        refused(ConfigError, code, lambda p=path, k=key: EmbeddedEngine.open(p, node_key=k, clock=kit.clock))
    import sqlite3

    foreign = sqlite3.connect(tmp_path / "foreign.db")
    foreign.execute("CREATE TABLE t (x)")
    foreign.commit()
    foreign.close()
    refused(
        ConfigError,
        "ENGINE_FILE_FOREIGN",
        lambda: EmbeddedEngine.open(tmp_path / "foreign.db", node_key=None, clock=kit.clock),
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"node_key": bytes(32)}, "ENGINE_KEY_REFUSED"),
        ({"node_key": b"short"}, "ENGINE_KEY_REFUSED"),
        ({"operator": ""}, "ENGINE_OPERATOR_REFUSED"),
        ({"operator": "证" * 11}, "ENGINE_OPERATOR_REFUSED"),
        ({"chain_id": 0}, "ENGINE_CHAIN_ID_REFUSED"),
        ({"chain_id": 2**53}, "ENGINE_CHAIN_ID_REFUSED"),
    ],
)
def test_creation_refuses_bad_arguments_and_leaves_no_file(tmp_path, change, code):
    good = {"node_key": NODE_KEY, "clock": Clock(), "operator": "证印", "chain_id": 7}
    refused(InputError, code, lambda: EmbeddedEngine.create(tmp_path / "c.db", **good | change))
    assert list(tmp_path.iterdir()) == []
    engine = EmbeddedEngine.create(tmp_path / "c.db", **good)
    assert (engine.chain_id, engine.operator) == (7, "证印")
    engine.close()
