"""Bodies of JSON-RPC 2.0 requests and answers (sections 4 to 6), read strictly.

An answer is taken only for the question it belongs to, by id; whatever is no such answer is ENGINE_ANSWER_REFUSED.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from ledger.chain.rpc import error_from_object
from ledger.errors import UnavailableError

Question = tuple[str, Sequence[Any]]
"""A method and its parameters."""


class BatchesRefused(Exception):
    """The node answered a whole batch with one error: it does not take batches."""


def encode_question(question: Question, id_: int) -> bytes:
    return orjson.dumps(_envelope(question, id_))


def encode_batch(questions: Sequence[Question], first: int) -> bytes:
    """A batch whose ids count up from ``first``."""
    return orjson.dumps([_envelope(each, id_) for id_, each in enumerate(questions, first)])


def decode_answer(body: bytes, id_: int) -> Any:
    """The ``result``.

    Raises:
        UnavailableError: ENGINE_ANSWER_REFUSED; the node's own error as `rpc.error_from_object` says.
    """
    return _opened(_loads(body), id_)


def decode_batch(body: bytes, first: int, count: int) -> list[Any]:
    """The ``count`` results in the order asked, wherever the node put them. An error of any one is raised.

    Raises:
        BatchesRefused. As `decode_answer`; an id that is missing, foreign or there twice is refused.
    """
    answers = _loads(body)
    if isinstance(answers, Mapping) and "error" in answers:
        raise BatchesRefused
    if not isinstance(answers, list) or len(answers) != count:
        raise UnavailableError("ENGINE_ANSWER_REFUSED")
    by_id = {each.get("id"): each for each in answers if isinstance(each, Mapping) and type(each.get("id")) is int}
    wanted = range(first, first + count)
    if by_id.keys() != set(wanted):
        raise UnavailableError("ENGINE_ANSWER_REFUSED")
    return [_opened(by_id[id_], id_) for id_ in wanted]


def _envelope(question: Question, id_: int) -> dict[str, Any]:
    method, params = question
    return {"jsonrpc": "2.0", "id": id_, "method": method, "params": list(params)}


def _loads(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:  # an HTML page of a proxy, half an answer, noise
        raise UnavailableError("ENGINE_ANSWER_REFUSED") from error


def _opened(answer: Any, id_: int) -> Any:
    if not isinstance(answer, Mapping) or answer.get("jsonrpc") != "2.0":
        raise UnavailableError("ENGINE_ANSWER_REFUSED")
    if type(answer.get("id")) is not int or answer["id"] != id_:
        raise UnavailableError("ENGINE_ANSWER_REFUSED")
    error, has_result = answer.get("error"), "result" in answer
    if error is not None and answer.get("result") is None:
        raise error_from_object(error)
    if error is not None or not has_result:
        raise UnavailableError("ENGINE_ANSWER_REFUSED")
    return answer["result"]
