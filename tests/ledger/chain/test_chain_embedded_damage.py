"""A stored chain that was altered is refused when it is opened, with the block named."""

import shutil
import sqlite3

import pytest
from embedded_kit import KEYS, NODE_KEY, Clock, Kit, keccak, sign

from ledger.chain.embedded import EmbeddedEngine
from ledger.errors import ConfigError, IntegrityError, ZhengyinError


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    kit = Kit(tmp_path_factory.mktemp("damage") / "chain.db")
    contract = kit.deploy(2)
    for n in range(4):
        digest = kit.put(contract, n, n + 1, 5, 6)
        assert kit.receipt(digest)
    kit.engine.close()
    return kit


@pytest.fixture
def altered(chain, tmp_path):
    """Opens a copy of the chain on which ``script`` was run."""

    def run(script, *values, key=NODE_KEY):
        path = tmp_path / "copy.db"
        path.unlink(missing_ok=True)
        shutil.copy(chain.path, path)
        connection = sqlite3.connect(path)
        for statement in [script] if isinstance(script, str) else script:
            connection.execute(statement, values if "?" in statement else ())
        connection.commit()
        connection.close()
        EmbeddedEngine.open(path, node_key=key, clock=chain.clock).close()

    return run


def header_of(chain, number):
    connection = sqlite3.connect(chain.path)
    (raw,) = connection.execute("SELECT header FROM block WHERE number = ?", (number,)).fetchone()
    connection.close()
    return raw


def test_the_untouched_copy_opens(altered):
    altered("SELECT 1")
    altered("SELECT 1", key=None)


@pytest.mark.parametrize("number", [1, 3, 5])
def test_no_byte_of_a_header_or_seal_can_be_changed(chain, altered, number):
    raw = header_of(chain, number)
    for place in range(0, len(raw), 23 if number != 5 else 7):
        spoilt = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        with pytest.raises(IntegrityError, match="ENGINE_BLOCK_DAMAGED") as caught:
            altered("UPDATE block SET header = ? WHERE number = ?", spoilt, number)
        assert caught.value.values["block"] == number
        # A careful hand fits the hash too: then the next header, or the head's own seal, tells.
        with pytest.raises(IntegrityError, match="ENGINE_BLOCK_DAMAGED"):
            altered("UPDATE block SET header = ?, hash = ? WHERE number = ?", spoilt, keccak(spoilt), number)


def test_the_twin_seal_with_high_s_is_refused(chain, altered):
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    raw = header_of(chain, 5)
    start = raw.index(b"\xb8\x61" + bytes(32)) + 34
    s = int.from_bytes(raw[start + 32 : start + 64], "big")
    twin = raw[: start + 32] + (order - s).to_bytes(32, "big") + bytes([raw[start + 64] ^ 1])
    twin += raw[start + 65 :]
    with pytest.raises(IntegrityError, match="ENGINE_BLOCK_DAMAGED"):
        altered("UPDATE block SET header = ?, hash = ? WHERE number = 5", twin, keccak(twin))


def test_genesis_and_its_name_cannot_be_changed(chain, altered):
    raw = header_of(chain, 0)
    spoilt = raw.replace(b"91440101MA5TEST00X", b"91440101MA5TEST00Y")
    with pytest.raises(IntegrityError, match="ENGINE_BLOCK_DAMAGED"):
        altered("UPDATE block SET header = ? WHERE number = 0", spoilt)
    with pytest.raises(ConfigError, match="ENGINE_WRONG_KEY"):
        altered("UPDATE block SET header = ?, hash = ? WHERE number = 0", spoilt, keccak(spoilt))
    fit = [
        "UPDATE block SET header = ?1, hash = ?2 WHERE number = 0",
        "UPDATE meta SET value = ?2 WHERE name = 'genesis'",
    ]
    connection_values = (spoilt, keccak(spoilt))
    with pytest.raises(ZhengyinError):
        altered(fit, *connection_values)


@pytest.mark.parametrize(
    "script",
    [
        "DELETE FROM block WHERE number = 3",
        "DELETE FROM tx WHERE block = 4",
        "DELETE FROM log WHERE block = 4",
        "UPDATE log SET data = zeroblob(32) WHERE block = 4",
        "UPDATE log SET topic0 = zeroblob(32) WHERE block = 4",
        "UPDATE log SET address = zeroblob(20) WHERE block = 4",
        "UPDATE log SET position = 1 WHERE block = 4",
        "UPDATE log SET tx = 7 WHERE block = 4",
        "INSERT INTO log SELECT block, 9, 9, address, topic0, topic1, topic2, topic3, data FROM log WHERE block = 4",
        "UPDATE tx SET status = 0 WHERE block = 4",
        "UPDATE tx SET cumulative = cumulative + 1 WHERE block = 4",
        "UPDATE tx SET gas_used = gas_used + 1 WHERE block = 4",
        "UPDATE tx SET sender = zeroblob(20) WHERE block = 4",
        "UPDATE tx SET hash = zeroblob(32) WHERE block = 4",
        "UPDATE tx SET raw = zeroblob(100) WHERE block = 4",
        "UPDATE tx SET position = 3 WHERE block = 4",
        "UPDATE meta SET value = x'01' WHERE name = 'chain_id'",
        "DELETE FROM meta WHERE name = 'chain_id'",
    ],
)
def test_rows_of_recent_blocks_must_agree_with_their_headers(altered, script):
    with pytest.raises(IntegrityError, match="ENGINE_BLOCK_DAMAGED"):
        altered(script)


def test_a_damaged_or_missing_state_node_is_never_served(chain, altered):
    with pytest.raises(IntegrityError):
        altered("UPDATE state SET value = zeroblob(40)")
    with pytest.raises(IntegrityError):
        altered("DELETE FROM state")


def test_altered_transactions_of_older_blocks_and_waiting_ones_are_not_served(chain, tmp_path):
    path = tmp_path / "late.db"
    shutil.copy(chain.path, path)
    clock = Clock(chain.clock.now)
    engine = EmbeddedEngine.open(path, node_key=NODE_KEY, clock=clock)
    (digest,) = engine.request("eth_getBlockByNumber", ["0x2", False])["transactions"]
    engine.request("eth_sendRawTransaction", [sign(KEYS[5], engine.chain_id, 0, bytes(20), b"")])
    connection = sqlite3.connect(path)
    connection.execute("UPDATE tx SET raw = (SELECT raw FROM tx WHERE block = 3) WHERE block = 2")
    connection.execute("UPDATE pending SET raw = x'00'")
    connection.commit()
    connection.close()
    for method in ("eth_getTransactionByHash", "eth_getTransactionReceipt"):
        with pytest.raises(IntegrityError, match="ENGINE_BLOCK_DAMAGED"):
            engine.request(method, [digest])
    clock.now += 1
    with pytest.raises(IntegrityError, match="ENGINE_PENDING_DAMAGED"):
        engine.request("eth_blockNumber")
    engine.close()


def test_garbage_instead_of_pages_is_said_to_be_damage(chain, tmp_path):
    path = tmp_path / "torn.db"
    content = bytearray(chain.path.read_bytes())
    content[100:20000] = bytes(19900)
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match="ENGINE_FILE_DAMAGED"):
        EmbeddedEngine.open(path, node_key=NODE_KEY, clock=chain.clock)


def test_older_blocks_are_checked_on_demand(chain):
    engine = EmbeddedEngine.open(chain.path, node_key=None, clock=chain.clock)
    for number in range(6):
        engine.check(number)
    with pytest.raises(IntegrityError, match="ENGINE_BLOCK_DAMAGED"):
        engine.check(6)
    engine.close()
