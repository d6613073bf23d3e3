"""A case: valid ones name what the act must give, faulty ones the code with which it must refuse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ledger.errors import ZhengyinError
from scripts.vector_cases.acts import ACTS


@dataclass(frozen=True, slots=True)
class Case:
    """``refused``: the expected code; None where ``act`` must succeed on ``given``."""

    name: str
    act: str
    given: dict[str, Any]
    refused: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The case as it is stored. What a valid one gives is computed here, and stands in the repository from then on.

        Raises:
            AssertionError: the library does not refuse it, or with another code than the one written down.
        """
        stored: dict[str, Any] = {"name": self.name, "act": self.act, "given": self.given}
        if self.refused is None:
            return stored | {"gives": ACTS[self.act](self.given)}
        try:
            ACTS[self.act](self.given)
        except ZhengyinError as error:
            if error.code == self.refused:
                return stored | {"refused": self.refused}
            raise AssertionError(f"{self.name}: {self.refused} expected, {error.code} found") from error
        raise AssertionError(f"{self.name}: {self.refused} expected, and it was accepted")
