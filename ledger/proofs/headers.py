"""Block headers: strict parsing of the forms in use from Berlin to Prague (Yellow Paper, section 4.4).

Fifteen fields, then by fork: base fee (London), withdrawals root (Shanghai), blob gas used, excess blob gas
and parent beacon root (Cancun), requests hash (Prague). Which bytes make the *block hash* depends on the
consensus: see ``commit_seals.block_hash``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from ledger.errors import InputError
from ledger.proofs.keccak import keccak
from ledger.proofs.rlp import Item, decode_strict, encode, to_int

UNSEALED = "unsealed"
CONSENSUS = ("embedded", "qbft", UNSEALED)
"""Names of the rules that ``commit_seals`` knows. ``unsealed``: a development chain, whose blocks nobody seals."""

_FORMS = (15, 16, 17, 20, 21)  # Berlin, London, Shanghai, Cancun, Prague
_EXTRA = 12
_HASH, _INT64, _INT256 = range(32, 33), range(9), range(33)
_FIELDS = (
    ("parent_hash", _HASH),
    ("ommers_hash", _HASH),
    ("coinbase", range(20, 21)),
    ("state_root", _HASH),
    ("transactions_root", _HASH),
    ("receipts_root", _HASH),
    ("logs_bloom", range(256, 257)),
    ("difficulty", _INT256),
    ("number", _INT64),
    ("gas_limit", _INT64),
    ("gas_used", _INT64),
    ("timestamp", _INT64),
    ("extra_data", range(1 << 16)),
    ("mix_hash", _HASH),
    ("nonce", range(8, 9)),
    ("base_fee", _INT256),
    ("withdrawals_root", _HASH),
    ("blob_gas_used", _INT64),
    ("excess_blob_gas", _INT64),
    ("parent_beacon_root", _HASH),
    ("requests_hash", _HASH),
)


@dataclass(frozen=True, slots=True)
class Header:
    """A parsed header. Hashes and roots are 32 bytes, ``coinbase`` 20, ``logs_bloom`` 256, ``nonce`` 8;
    ``timestamp`` is in seconds UTC; ``rest`` holds the raw fields of later forks; ``rlp`` the bytes parsed.
    """

    parent_hash: bytes
    ommers_hash: bytes
    coinbase: bytes
    state_root: bytes
    transactions_root: bytes
    receipts_root: bytes
    logs_bloom: bytes
    difficulty: int
    number: int
    gas_limit: int
    gas_used: int
    timestamp: int
    extra_data: bytes
    mix_hash: bytes
    nonce: bytes
    rest: tuple[bytes, ...]
    rlp: bytes

    @property
    def hash(self) -> bytes:
        """Keccak-256 of the bytes as received: the block hash of an embedded chain, but *not* of QBFT."""
        return keccak(self.rlp)

    def hash_with_extra(self, extra_data: bytes) -> bytes:
        """Keccak-256 of this header with another ``extraData``: what consensus rules hash and sign."""
        fields = cast("list[Item]", decode_strict(self.rlp))
        return keccak(encode([*fields[:_EXTRA], extra_data, *fields[_EXTRA + 1 :]]))


def parse_header(data: bytes) -> Header:
    """The header that ``data`` (RLP) encodes.

    Raises ``InputError``: HEADER_FIELD_COUNT, HEADER_FIELD (a wrong length or an integer with leading zeros),
    or RLP_… where the bytes are not canonical RLP.
    """
    fields = decode_strict(data)
    if not isinstance(fields, list) or len(fields) not in _FORMS:
        raise InputError("HEADER_FIELD_COUNT", count=len(fields) if isinstance(fields, list) else 0)
    raw: list[bytes] = []
    for item, (field, lengths) in zip(fields, _FIELDS, strict=False):
        if not isinstance(item, bytes) or len(item) not in lengths:
            raise InputError("HEADER_FIELD", field=field)
        if lengths in (_INT64, _INT256) and item[:1] == b"\0":
            raise InputError("HEADER_FIELD", field=field)
        raw.append(item)
    return Header(
        parent_hash=raw[0],
        ommers_hash=raw[1],
        coinbase=raw[2],
        state_root=raw[3],
        transactions_root=raw[4],
        receipts_root=raw[5],
        logs_bloom=raw[6],
        difficulty=to_int(raw[7]),
        number=to_int(raw[8]),
        gas_limit=to_int(raw[9]),
        gas_used=to_int(raw[10]),
        timestamp=to_int(raw[11]),
        extra_data=raw[12],
        mix_hash=raw[13],
        nonce=raw[14],
        rest=tuple(raw[15:]),
        rlp=data,
    )
