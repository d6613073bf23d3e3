"""Numbered registries of FORMATS: the number is what the chain stores, the word is what JSON says.

Numbers are never reused or renumbered: contracts that are already deployed hold them.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import cached_property
from typing import Self

from ledger.errors import InputError

_UNNAMED = re.compile(r"code([0-9]{1,3})")


class Registry(IntEnum):
    """An enumeration whose members are also known by a camelCase word."""

    @cached_property
    def word(self) -> str:
        head, *rest = self.name.lower().split("_")
        return head + "".join(part.capitalize() for part in rest)

    @classmethod
    def of_word(cls, value: object, path: str) -> Self:
        for member in cls:
            if member.word == value:
                return member
        raise InputError("REGISTRY_UNKNOWN", path=path, registry=cls.__name__.lower())

    @classmethod
    def of_number(cls, value: int, path: str) -> Self:
        try:
            return cls(value)
        except ValueError as e:
            raise InputError("REGISTRY_UNKNOWN", path=path, registry=cls.__name__.lower()) from e


class Kind(Registry):
    """What a record is. FREEZE is a right that an accreditation gives, never a record."""

    LICENSE = 1
    SEAL = 2
    SEAL_USE = 3
    EVIDENCE = 4
    COUNTERSIGNATURE = 5
    CUSTODY = 6
    DECISION = 7
    STATUS = 8
    CONSENT = 9
    EXCHANGE_RECEIPT = 10
    TOMBSTONE = 11
    OPERATIONS = 12
    FREEZE = 64

    @property
    def needs_accreditation(self) -> bool:
        """An office whose accreditation ended can still end its licenses and erase."""
        return self not in (Kind.STATUS, Kind.TOMBSTONE)


class Suite(Registry):
    """Algorithms of claims, batch tree and signatures. ``GM``: SM3 and SM2; ``DUAL``: both; ``INTL``: SHA-256 in tree
    and claims, signed by any algorithm."""

    INTL = 1
    GM = 2
    DUAL = 3

    @property
    def has_sm3(self) -> bool:
        """Whether records stand in a second tree, by SM3."""
        return self is not Suite.INTL

    @property
    def signatures(self) -> range:
        """How many signatures a manifest may expect."""
        return {Suite.INTL: range(1, 3), Suite.GM: range(1, 2), Suite.DUAL: range(2, 3)}[self]


class State(Registry):
    ACTIVE = 0
    SUSPENDED = 1
    REVOKED = 2
    SUPERSEDED = 3

    @property
    def ends(self) -> bool:
        return self in (State.REVOKED, State.SUPERSEDED)

    @property
    def restricts(self) -> bool:
        return self is not State.ACTIVE


class Reason(Registry):
    """Why a status changed. Codes only: free text on chain would carry names (why.md F23).

    The contract takes any number, so that later words need no other contract. A number without a word here is kept
    as it stands (``code77``): one of them must neither stop an index nor leave a gap in a history.
    """

    UNSPECIFIED = 0
    ANNULLED = 1  # 撤销, void from the start
    CANCELLED = 2  # 注销
    WITHDRAWN = 3  # 吊销, a penalty
    LAPSED = 4  # 失效
    ISSUED_IN_ERROR = 5  # 签发错误
    RENEWED = 6  # 延续、换发
    CHANGED = 7  # 变更
    DETAINED = 8  # 暂扣
    RETURNED = 9  # 暂扣发还
    TRANSFERRED = 10  # 办理转出
    KEY_COMPROMISED = 11  # 密钥失密
    SET_ASIDE = 255  # 决定被撤销；written by the contract alone, when two organisations annul an ending

    @classmethod
    def _missing_(cls, value: object) -> Reason | None:
        if type(value) is not int or not 0 <= value < cls.SET_ASIDE:
            return None
        unnamed = int.__new__(cls, value)
        unnamed._name_, unnamed._value_ = f"CODE_{value}", value
        return unnamed

    @classmethod
    def of_recorded(cls, value: object, path: str) -> Reason:
        """As ``of_word``, for a reason that stands on chain already; also ``code77``, where 77 has no word."""
        if isinstance(value, str) and (match := _UNNAMED.fullmatch(value)):
            found = cls.of_number(int(match[1]), path)
            if found.word == value:
                return found
        return cls.of_word(value, path)


class Relation(Registry):
    SUPERSEDES = 1
    COUNTERSIGNS = 2
    TAKES_CUSTODY_OF = 3
    DECIDES_ON = 4
    USES = 5
    CONSENTS_TO = 6
    CHANGES_STATUS_OF = 7
    ERASES = 8


class Permission(IntEnum):
    """Bits of an account's rights on chain."""

    ANCHOR = 1
    STATUS = 2
    RELATE = 4
