"""Parameters of JSON-RPC methods, parsed strictly. All raise InputError RPC_…"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ledger.chain.embedded.headers import GAS_LIMIT
from ledger.chain.embedded.logs import LogFilter
from ledger.chain.embedded.vm import Call
from ledger.chain.rpc import parse_data, parse_quantity
from ledger.errors import InputError

_CALL_FIELDS = frozenset({"from", "to", "gas", "gasPrice", "value", "data", "input", "nonce", "chainId", "type"})
_FILTER_FIELDS = frozenset({"fromBlock", "toBlock", "blockHash", "address", "topics"})


def parse_call(value: Any) -> Call:
    """The transaction object of eth_call and eth_estimateGas; a gas price is accepted and counts as 0."""
    fields = _object(value, _CALL_FIELDS, "transaction")
    given = [fields[name] for name in ("data", "input") if fields.get(name) is not None]
    if len(given) == 2 and given[0] != given[1]:
        raise InputError("RPC_PARAMETERS_REFUSED", what="data")
    gas = _optional_quantity(fields, "gas", GAS_LIMIT)
    return Call(
        sender=parse_data(fields["from"], 20, "from") if fields.get("from") else bytes(20),
        to=parse_data(fields["to"], 20, "to") if fields.get("to") not in (None, "", "0x") else b"",
        gas=min(gas, GAS_LIMIT),
        value=_optional_quantity(fields, "value", 0),
        data=parse_data(given[0], what="data") if given else b"",
    )


def parse_slot(value: Any) -> int:
    """A storage slot: a quantity, or data of 32 bytes; clients send both."""
    if isinstance(value, str) and len(value) == 66:
        return int.from_bytes(parse_data(value, 32, "slot"), "big")
    return parse_quantity(value, "slot")


def parse_filter(value: Any) -> Mapping[str, Any]:
    """The filter object of eth_getLogs; blocks are resolved by the caller."""
    fields = _object(value, _FILTER_FIELDS, "filter")
    if "blockHash" in fields and ("fromBlock" in fields or "toBlock" in fields):
        raise InputError("RPC_PARAMETERS_REFUSED", what="filter")
    return fields


def log_filter(fields: Mapping[str, Any], first: int, last: int) -> LogFilter:
    """Address (one or a list) and topics (each null, one, or a list of alternatives)."""
    topics = fields.get("topics") or []
    if not isinstance(topics, list | tuple) or len(topics) > 4:
        raise InputError("RPC_PARAMETERS_REFUSED", what="topics")
    columns = [_alternatives(fields.get("address"), 20, "address")]
    columns += [_alternatives(topic, 32, "topic") for topic in topics]
    columns += [()] * (4 - len(topics))
    return LogFilter(first, last, tuple(columns), len(topics))


def take(params: Sequence[Any], least: int, most: int) -> list[Any]:
    """Positional parameters, padded with None up to ``most``."""
    if not isinstance(params, list | tuple) or not least <= len(params) <= most:
        raise InputError("RPC_PARAMETERS_REFUSED", what="params")
    return [*params, *(None,) * (most - len(params))]


def _alternatives(value: Any, size: int, what: str) -> tuple[bytes, ...]:
    if value is None:
        return ()
    several = value if isinstance(value, list | tuple) else [value]
    return tuple(dict.fromkeys(parse_data(item, size, what) for item in several))


def _object(value: Any, known: frozenset[str], what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not known >= set(value):
        raise InputError("RPC_PARAMETERS_REFUSED", what=what)
    return value


def _optional_quantity(fields: Mapping[str, Any], name: str, default: int) -> int:
    return default if fields.get(name) is None else parse_quantity(fields[name], name)
