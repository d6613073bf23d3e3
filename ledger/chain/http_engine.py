"""HttpEngine: the engine seam over one or more nodes by HTTP, with time-outs, back-off and failover.

A question goes to the node that answered last. Where that is silent, late or confused, the same bytes go to the
next: this is safe for a signed transaction too, because a node knows it by its hash and nothing is ever signed
here. A node is used only after it has shown the chain's id and genesis, and again after each fault: one on
another chain is an error of the settings, never a source.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from ssl import SSLContext
from typing import Any, TypeVar

from ledger.chain.endpoint import Credentials, Endpoint, HttpLimits
from ledger.chain.http_answers import (
    BatchesRefused,
    Question,
    decode_answer,
    decode_batch,
    encode_batch,
    encode_question,
)
from ledger.chain.rpc import parse_data, parse_quantity
from ledger.errors import ConfigError, ConflictError, InputError, UnavailableError

T = TypeVar("T")
_ID_STEP = 4096  # ids of a batch count up from its first: none stands in two questions
_IDENTITY: tuple[Question, ...] = (("eth_chainId", ()), ("eth_getBlockByNumber", ("0x0", False)))


@dataclass(frozen=True, slots=True)
class ChainName:
    """What tells nodes of one chain from those of another: id, and hash of the genesis block (32 bytes)."""

    id: int
    genesis: bytes


class HttpEngine:
    """Implements ``ledger.ports.Engine``. Any thread may ask.

    ``name``: the chain that every node must show; where None, what the first node shows binds the others.

    Raises (on construction):
        ConfigError: ENGINE_NO_URL, ENGINE_URL_REFUSED, ENGINE_CREDENTIALS_EXPOSED.
    """

    def __init__(
        self,
        urls: Sequence[str],
        name: ChainName | None = None,
        limits: HttpLimits | None = None,
        credentials: Credentials | None = None,
        tls: SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not urls:
            raise ConfigError("ENGINE_NO_URL")
        self._limits = limits or HttpLimits()
        self._endpoints = [Endpoint(url, self._limits, credentials, tls, clock, _jitter) for url in urls]
        self._name = name
        self._clock = clock
        self._sleep = sleep
        self._ids = itertools.count(1, _ID_STEP)
        self._preferred = self._endpoints[0]
        self._batches = True
        self._lock = threading.Lock()
        self._all_seen = False

    def close(self) -> None:
        for endpoint in self._endpoints:
            endpoint.close()

    def request(self, method: str, params: Sequence[Any] = ()) -> Any:
        """The ``result`` of a JSON-RPC method.

        Raises:
            UnavailableError: no node answers in time (ENGINE_UNREACHABLE, ENGINE_LATE, ENGINE_BUSY,
                ENGINE_BROKEN_OFF, ENGINE_HTTP_STATUS, ENGINE_ANSWER_TOO_LARGE, ENGINE_ANSWER_REFUSED).
            ConfigError: ENGINE_OTHER_CHAIN. What the node itself refuses: `rpc.error_from_object`.
        """
        return self._failover(lambda endpoint: self._ask(endpoint, (method, params)))

    def request_many(self, questions: Sequence[Question]) -> list[Any]:
        """Results in order, by JSON-RPC batches; all answers of a batch come from one node. Raises as `request`."""
        found: list[Any] = []
        for start in range(0, len(questions), self._limits.batch):
            part = questions[start : start + self._limits.batch]
            found += self._failover(partial(self._ask_many, questions=part))
        return found

    # ---- which node ----

    def _failover(self, ask: Callable[[Endpoint], T]) -> T:
        ends = self._clock() + self._limits.patience
        self._see_all()
        refused: dict[Endpoint, UnavailableError] = {}
        while True:
            endpoint = self._next(refused)
            if endpoint is None:
                if refused:  # it is the question that they do not like; time mends nothing
                    raise next(iter(refused.values()))
                self._pause(ends)
                continue
            try:
                self._admit(endpoint)
                answer = ask(endpoint)
            except UnavailableError as error:
                if error.code == "ENGINE_REFUSED":
                    refused[endpoint] = error
                else:
                    endpoint.failed(error)
                if self._clock() >= ends:
                    raise
                continue
            endpoint.worked()
            self._preferred = endpoint
            return answer

    def _next(self, refused: dict[Endpoint, UnavailableError]) -> Endpoint | None:
        now = self._clock()
        ordered = [self._preferred, *self._endpoints]
        return next((e for e in ordered if e not in refused and e.rests_until <= now), None)

    def _pause(self, ends: float) -> None:
        """Sleep until the first endpoint has rested; where that is after ``ends``, raise what its trouble was."""
        first = min(self._endpoints, key=lambda endpoint: endpoint.rests_until)
        if first.rests_until >= ends:
            trouble = first.trouble or UnavailableError("ENGINE_UNREACHABLE", endpoint=first.name)
            raise UnavailableError(trouble.code, **trouble.values) from trouble
        self._sleep(max(0.0, first.rests_until - self._clock()))

    # ---- which chain ----

    def _see_all(self) -> None:
        """Before the first question: nodes that disagree about the chain must not be found out in a failover."""
        with self._lock:
            if self._all_seen:
                return
            for endpoint in self._endpoints:
                try:
                    self._admit(endpoint)
                except UnavailableError as error:
                    endpoint.failed(error)
            self._all_seen = True

    def _admit(self, endpoint: Endpoint) -> None:
        if endpoint.admitted:
            return
        try:
            id_, genesis = (self._ask(endpoint, question) for question in _IDENTITY)
            found = ChainName(parse_quantity(id_), parse_data(genesis["hash"], 32))
        except (InputError, ConflictError, TypeError, KeyError) as error:
            raise UnavailableError("ENGINE_ANSWER_REFUSED") from error
        if self._name is None:
            self._name = found
        if found != self._name:
            raise ConfigError(
                "ENGINE_OTHER_CHAIN",
                endpoint=endpoint.name,
                expected=f"{self._name.id}, 0x{self._name.genesis.hex()}",
                found=f"{found.id}, 0x{found.genesis.hex()}",
            )
        endpoint.admitted = True

    # ---- one try ----

    def _ask(self, endpoint: Endpoint, question: Question) -> Any:
        id_ = next(self._ids)
        return decode_answer(endpoint.post(encode_question(question, id_)), id_)

    def _ask_many(self, endpoint: Endpoint, questions: Sequence[Question]) -> list[Any]:
        if self._batches:
            first = next(self._ids)
            try:
                return decode_batch(endpoint.post(encode_batch(questions, first)), first, len(questions))
            except BatchesRefused:
                self._batches = False
        return [self._ask(endpoint, question) for question in questions]


def _jitter() -> float:
    """Between a half and one: clients that lost a node together must not come back together."""
    return random.uniform(0.5, 1.0)  # noqa: S311
