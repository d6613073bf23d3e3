"""A small consortium deployed once: offices, a superior, two courts, and a plain account as council."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from contracts_support import FOREVER, ZERO, Chain, Contract, Done, Revert, name32, word
from eth_keys.datatypes import PrivateKey
from hypothesis import settings

# Few examples of some length: a transaction takes milliseconds, and the histories overlap anyway.
MODEL_SETTINGS = settings(deadline=None, max_examples=15, stateful_step_count=30)
ANCHOR, STATUS, RELATE, ALL = 1, 2, 4, 7
LICENSE, STATUS_KIND, TOMBSTONE, FREEZE = 1, 8, 11, 64
ACTIVE, SUSPENDED, REVOKED, SUPERSEDED = range(4)

OFFICE, OTHER, SUPERIOR, COURT, COURT2, STRANGER = map(
    name32, (f"11110000MB000000{tail}" for tail in ("1A", "2B", "3C", "4D", "5E", "6F"))
)
ORGANISATIONS = (OFFICE, OTHER, SUPERIOR, COURT, COURT2, STRANGER)


def key(name: str | bytes) -> PrivateKey:
    return PrivateKey(word(name if isinstance(name, str) else name.hex()))


def address(name: str | bytes) -> str:
    return str(key(name).public_key.to_checksum_address())


def accreditation(organisation: bytes, kind: int = LICENSE) -> bytes:
    return word(f"accreditation {organisation.hex()} {kind}")


def certificate(organisation: bytes) -> bytes:
    return word(f"certificate {organisation.hex()}")


@dataclass(frozen=True)
class World:
    chain: Chain = field(default_factory=Chain)

    def __post_init__(self) -> None:
        council = key("council")
        consortium = self.chain.deploy(council, "Consortium", address("council"))
        records = self.chain.deploy(council, "Records", consortium.address)
        object.__setattr__(self, "consortium", consortium)
        object.__setattr__(self, "records", records)
        for organisation in ORGANISATIONS:
            self.council("registerOrganisation", organisation)
            self.council("setAccount", address(organisation), organisation, ALL)
            self.council("bindSigner", organisation, certificate(organisation), 0, FOREVER)
            kind = FREEZE if organisation in (COURT, COURT2) else LICENSE
            self.council(
                "accredit",
                accreditation(organisation, kind),
                organisation,
                kind,
                word("CN-11"),
                word("*"),
                0,
                FOREVER,
            )
        self.council("setSuperior", OFFICE, SUPERIOR)

    consortium: Contract = field(init=False)
    records: Contract = field(init=False)

    def council(self, function: str, *arguments: Any) -> Done:
        return self.consortium.send(key("council"), function, *arguments)

    def act(self, organisation: str | bytes, function: str, *arguments: Any) -> Done:
        """Records, by the account of this name."""
        return self.records.send(key(organisation), function, *arguments)

    def status(self, leaf: bytes, issuer: bytes = OFFICE) -> tuple[Any, ...]:
        return tuple(self.records.view("statusOf", issuer, leaf))

    def set_status(self, leaf: bytes, state: int, by: bytes = OFFICE, statement: bytes = word("decision")) -> Done:
        return self.act(by, "setStatus", OFFICE, [(leaf, statement)], state, self.chain.time, 1)


def batch(issuer: bytes = OFFICE, **changes: Any) -> tuple[Any, ...]:
    """A batch of the issuer's that would be anchored, but for the changes."""
    values: dict[str, Any] = {
        "accreditation": accreditation(issuer),
        "kind": LICENSE,
        "suite": 1,
        "size": 3,
        "root": word("root"),
        "manifestSha256": word("manifest"),
        "manifestSm3": ZERO,
        "signers": [certificate(issuer)],
    }
    assert changes.keys() <= values.keys()
    values |= changes
    values["signers"] = tuple(values["signers"])  # as it is decoded
    return tuple(values.values())


@contextmanager
def reverts(name: str, *values: Any) -> Iterator[None]:
    """The block must revert with this custom error and exactly these values."""
    with pytest.raises(Revert) as caught:
        yield
    assert (caught.value.name, caught.value.values) == (name, values)
