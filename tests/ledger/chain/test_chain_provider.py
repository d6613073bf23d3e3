"""web3.py over the embedded engine: deploy, call, logs, errors."""

import pytest
from embedded_kit import KEYS, Kit, creation, runtime, word
from web3.exceptions import ContractLogicError, TransactionNotFound, Web3RPCError

from ledger.chain.provider import make_web3


@pytest.fixture
def kit(tmp_path):
    made = Kit(tmp_path / "chain.db")
    made.clock.now += 1
    yield made
    made.engine.close()


def test_web3_deploys_calls_and_finds_logs(kit):
    web3 = make_web3(kit.engine)
    account = web3.eth.account.from_key(KEYS[0].to_bytes())
    assert web3.is_connected() and web3.eth.chain_id == kit.engine.chain_id

    def run(**fields):
        nonce = web3.eth.get_transaction_count(account.address, "pending")
        factory = web3.eth.contract(abi=[], bytecode=fields.pop("creation", b""))
        wanted = {"from": account.address, "nonce": nonce, **fields}
        if factory.bytecode:
            wanted = factory.constructor().build_transaction(wanted)
            assert wanted["gasPrice"] == 0 and "maxFeePerGas" not in wanted
        else:
            wanted |= {"gasPrice": 0, "chainId": web3.eth.chain_id, "gas": web3.eth.estimate_gas(wanted)}
        digest = web3.eth.send_raw_transaction(account.sign_transaction(wanted).raw_transaction)
        kit.clock.now += 1
        return web3.eth.wait_for_transaction_receipt(digest, timeout=1)

    contract = run(creation=creation(runtime(2)))["contractAddress"]
    receipt = run(to=contract, data=b"".join(map(word, (5, 77, 1, 2))))
    assert receipt["status"] == 1
    assert int.from_bytes(web3.eth.call({"to": contract, "data": word(5)}), "big") == 77
    assert int.from_bytes(web3.eth.get_storage_at(contract, 5), "big") == 77
    (log,) = web3.eth.get_logs({"fromBlock": 0, "address": contract, "topics": [word(1)]})
    assert bytes(log["topics"][1]) == word(2) and log["transactionHash"] == receipt["transactionHash"]
    proof = web3.eth.get_proof(contract, [5], "latest")
    assert int.from_bytes(proof["storageProof"][0]["value"], "big") == 77
    block = web3.eth.get_block("latest", full_transactions=True)
    assert len(block["proofOfAuthorityData"]) == 97 and block["transactions"][0]["to"] == contract
    with pytest.raises(ContractLogicError) as caught:
        web3.eth.call({"to": contract, "data": b""})
    assert caught.value.data == "0xdeadbeef"


def test_web3_hears_refusals(kit):
    web3 = make_web3(kit.engine)
    with pytest.raises(TransactionNotFound):
        web3.eth.get_transaction_receipt(word(1))
    with pytest.raises(Web3RPCError, match="ENGINE_METHOD_UNKNOWN"):
        web3.manager.request_blocking("evm_mine", [])
    with pytest.raises(Web3RPCError, match="ENGINE_TX_REFUSED"):
        web3.eth.send_raw_transaction(b"\xc0")
