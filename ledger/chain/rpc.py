"""Coding of Ethereum JSON-RPC values: quantities, data and error objects.

Source: Ethereum execution APIs, "Hex value encoding": a *quantity* is ``0x`` and the shortest lower-case
hex of a non-negative integer (zero is ``0x0``); *data* is ``0x`` and two digits a byte. Used by the
embedded engine, which answers, and by clients, which read the answers of any engine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ledger.errors import ConflictError, InputError, IntegrityError, UnavailableError, ZhengyinError

_QUANTITY = re.compile(r"0x(?:0|[1-9a-fA-F][0-9a-fA-F]{0,63})")
_DATA = re.compile(r"0x(?:[0-9a-fA-F]{2})*")
TAGS = frozenset({"latest", "finalized", "safe", "earliest", "pending"})


def quantity(value: int) -> str:
    """``10`` → ``"0xa"``. Negative integers raise ``ValueError``: they cannot come from outside."""
    if value < 0:
        raise ValueError("a quantity is never negative")
    return hex(value)


def data(value: bytes) -> str:
    """``b"\\x00\\xff"`` → ``"0x00ff"``."""
    return "0x" + value.hex()


def parse_quantity(value: Any, what: str = "quantity") -> int:
    """Integer of at most 256 bits from a hex quantity; leading zeros, decimals and numbers are refused.

    Raises InputError RPC_QUANTITY_REFUSED.
    """
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise InputError("RPC_QUANTITY_REFUSED", what=what)
    return int(value, 16)


def parse_data(value: Any, size: int | None = None, what: str = "data") -> bytes:
    """Bytes from hex data, of exactly ``size`` bytes where it is given.

    Raises InputError RPC_DATA_REFUSED.
    """
    if not isinstance(value, str) or not _DATA.fullmatch(value):
        raise InputError("RPC_DATA_REFUSED", what=what, expected=size)
    raw = bytes.fromhex(value[2:])
    if size is not None and len(raw) != size:
        raise InputError("RPC_DATA_REFUSED", what=what, expected=size)
    return raw


def parse_block(value: Any) -> int | str | bytes:
    """A block parameter: a tag, a number, or (EIP-1898) an object with ``blockNumber`` or ``blockHash``.

    Returns the tag, the number, or the 32-byte hash. Raises InputError RPC_BLOCK_REFUSED.
    """
    if isinstance(value, str) and value in TAGS:
        return value
    if isinstance(value, Mapping):
        named = {key: value[key] for key in ("blockNumber", "blockHash") if key in value}
        if len(named) != 1:
            raise InputError("RPC_BLOCK_REFUSED")
        if "blockHash" in named:
            return parse_data(named["blockHash"], 32, "blockHash")
        return parse_quantity(named["blockNumber"], "blockNumber")
    try:
        return parse_quantity(value, "block")
    except InputError as error:
        raise InputError("RPC_BLOCK_REFUSED") from error


# Codes of JSON-RPC 2.0 section 5.1, of EIP-1474, and 3, which every client uses for a revert.
_REVERTED, _METHOD_UNKNOWN, _PARAMETERS, _INTERNAL, _SERVER = 3, -32601, -32602, -32603, -32000


def error_object(error: ZhengyinError) -> dict[str, Any]:
    """JSON-RPC error object for an error of an engine; a revert carries its data."""
    if error.code == "ENGINE_REVERTED":
        return {"code": _REVERTED, "message": "execution reverted", "data": error.values["data"]}
    if error.code == "ENGINE_METHOD_UNKNOWN":
        return {"code": _METHOD_UNKNOWN, "message": str(error)}
    if isinstance(error, UnavailableError | IntegrityError):
        return {"code": _INTERNAL, "message": str(error)}
    number = _PARAMETERS if error.code.startswith("RPC_") else _SERVER
    return {"code": number, "message": str(error)}


def error_from_object(answer: Any) -> ZhengyinError:
    """The error an engine meant by its JSON-RPC error object (the inverse of `error_object`).

    Reverts become InputError ENGINE_REVERTED with ``data`` (hex), unknown methods InputError
    ENGINE_METHOD_UNKNOWN, anything else ENGINE_REFUSED with the node's own code and words: as
    UnavailableError where the node says it cannot now (-32603, -32002, -32005), else ConflictError.
    """
    if not isinstance(answer, Mapping) or not isinstance(answer.get("code"), int):
        return UnavailableError("ENGINE_ANSWER_REFUSED")
    number, words = answer["code"], str(answer.get("message", ""))[:300]
    detail = answer.get("data")
    if isinstance(detail, Mapping):  # some nodes wrap the revert data once more
        detail = detail.get("data")
    hexadecimal = detail if isinstance(detail, str) and _DATA.fullmatch(detail) else None
    if number == _REVERTED or (hexadecimal is not None and "revert" in words.lower()):
        return InputError("ENGINE_REVERTED", data=(hexadecimal or "0x").lower())
    if number == _METHOD_UNKNOWN:
        return InputError("ENGINE_METHOD_UNKNOWN", method=words)
    kind = UnavailableError if number in (_INTERNAL, -32002, -32005) else ConflictError
    return kind("ENGINE_REFUSED", number=number, words=words)
