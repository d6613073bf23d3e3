"""Which engine a folder uses, with what credentials, and whom a first trust file pins."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from coincurve import PrivateKey

from ledger.assembly.chains import http_engine, pinned_validators
from ledger.assembly.demo_plan import OFFICE_A
from ledger.chain.http_engine import HttpEngine
from ledger.core.trusted_chains import TrustedChain
from ledger.errors import ConfigError, InputError
from ledger.proofs.commit_seals import commit_seal_hash
from ledger.proofs.headers import parse_header
from ledger.proofs.keccak import keccak
from ledger.proofs.rlp import Item, encode, from_int
from ledger.settings import Settings, load_settings, write_settings

KEYS = [PrivateKey(bytes([n]) * 32) for n in range(1, 5)]


def address(key: PrivateKey) -> bytes:
    return keccak(key.public_key.format(compressed=False)[1:])[12:]


def qbft_header(listed: list[bytes], sealers: list[PrivateKey]) -> bytes:
    """Block 7 of a QBFT chain that lists ``listed`` and was sealed by ``sealers``."""

    def made(seals: list[Item]) -> bytes:
        validators: list[Item] = [*sorted(listed)]
        extra = encode([bytes(32), validators, [], b"", seals])
        roots: list[Item] = [bytes(32), bytes(32), bytes(20), bytes(32), bytes(32), bytes(32), bytes(256)]
        numbers: list[Item] = [from_int(n) for n in (1, 7, 30_000_000, 0, 1_800_000_000)]
        return encode([*roots, *numbers, extra, bytes(32), bytes(8)])

    digest = commit_seal_hash(parse_header(made([])), "qbft")
    return made([key.sign_recoverable(digest, hasher=None) for key in sealers])


def network(header: bytes) -> Any:
    chain = SimpleNamespace(state_header=lambda _: header)
    return SimpleNamespace(chain_file=SimpleNamespace(operator=OFFICE_A, consensus="qbft"), engine=None, chain=chain)


def test_the_validators_of_a_network_are_those_its_newest_block_lists_and_is_sealed_by() -> None:
    listed = [address(key) for key in KEYS]
    found = pinned_validators(network(qbft_header(listed, KEYS[:3])))
    assert {v.address for v in found} == set(listed)
    assert {(v.organisation, v.from_block, v.until_block) for v in found} == {(OFFICE_A, 7, None)}


def test_a_set_that_did_not_seal_the_block_that_lists_it_is_not_pinned() -> None:
    listed = [address(key) for key in KEYS]
    with pytest.raises(InputError, match="COMMIT_SEAL_QUORUM"):
        pinned_validators(network(qbft_header(listed, KEYS[:2])))
    with pytest.raises(InputError, match="COMMIT_SEAL_NOT_MEMBER"):
        pinned_validators(network(qbft_header(listed[:3], KEYS[1:])))


def trusted(**changes: Any) -> dict[str, Any]:
    from ledger.core.canonical import b64

    identity = {"genesis": b64(bytes(32)), "id": 9, "records": b64(bytes(20))}
    chain = {"identity": identity, "council": b64(bytes(20)), "consortium": b64(bytes(20)), "successor": None}
    chain |= {"recordsCode": b64(bytes(32)), "consensus": "unsealed", "validators": [], "checkpoints": []}
    return chain | changes


def test_an_unsealed_chain_has_no_validators_and_every_other_has() -> None:
    assert TrustedChain.from_json(trusted(), "chain", 1).validators == ()
    from ledger.core.canonical import b64

    one = [{"address": b64(bytes(20)), "organisation": OFFICE_A, "fromBlock": 1, "untilBlock": None}]
    for wrong in ({"validators": one}, {"consensus": "qbft"}, {"consensus": "embedded"}, {"consensus": "none"}):
        with pytest.raises(InputError):
            TrustedChain.from_json(trusted(**wrong), "chain", 1)
    assert TrustedChain.from_json(trusted(consensus="qbft", validators=one), "chain", 1).validators


# ---- settings ----


def folder(tmp_path: Path, line: str | None, mode: int = 0o600) -> Settings:
    values: dict[str, Any] = {"engine": ("http://127.0.0.1:1",), "engine_credentials": "credentials"}
    write_settings(tmp_path, values)
    if line is not None:
        (tmp_path / "credentials").write_text(line)
        (tmp_path / "credentials").chmod(mode)
    return load_settings(tmp_path)


@pytest.mark.parametrize(
    ("line", "header"),
    [
        ("office:pass word\n", "Basic b2ZmaWNlOnBhc3Mgd29yZA=="),
        ("office:", "Basic b2ZmaWNlOg=="),
        ("Bearer abc.def", "Bearer abc.def"),
    ],
)
def test_credentials_are_read_from_their_file_and_never_shown(tmp_path: Path, line: str, header: str) -> None:
    settings = folder(tmp_path, line)
    assert line.strip() not in repr(settings)
    engine = http_engine(settings, None)
    assert engine._endpoints[0]._client.headers["Authorization"] == header
    engine.close()


@pytest.mark.parametrize("line", ["", "Bearer ", "no colon", "two\nlines:x", "Bearer a b", None])
def test_a_file_that_holds_no_credentials_is_named(tmp_path: Path, line: str | None) -> None:
    with pytest.raises(ConfigError) as refused:
        http_engine(folder(tmp_path, line), None)
    assert refused.value.code == "ENGINE_CREDENTIALS_REFUSED"


def test_credentials_that_others_may_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="KEYS_PERMISSIONS"):
        http_engine(folder(tmp_path, "office:x", 0o644), None)


def test_a_ca_file_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    write_settings(tmp_path, {"engine": ("https://127.0.0.1:1",), "engine_ca": "ca.pem"})
    with pytest.raises(ConfigError, match="ENGINE_CA_REFUSED"):
        http_engine(load_settings(tmp_path), None)


def test_an_office_without_node_opens_and_issues(tmp_path: Path, world: Any) -> None:
    """Nothing is listening there: the record is accepted, and waits."""
    world.close()
    with (world.home / "zhengyin.toml").open("a") as stream:
        stream.write('engine = ["http://127.0.0.1:1"]\nengine_patience = 0.2\n')
    issued = world.issue_seal()
    assert isinstance(world.app.engine, HttpEngine)
    with world.app.store.read() as unit:
        assert unit.records.by_leaf(issued.leaf) is not None
