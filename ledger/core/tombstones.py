"""Tombstones: the anchored records that say which leaves were erased, and for what reason. Nothing personal.

The id of a tombstone is made from the leaf it erases. A leaf has one tombstone, then, however often its erasure is
asked for or taken up again; whoever finds a leaf without a key looks up one id to learn why; and a rebuild needs no
table of erasures.
"""

from __future__ import annotations

from hashlib import sha256

from ledger.core.identifiers import new_urn
from ledger.core.registries import Registry

TYPE = "tombstone"
TAG = b"zhengyin/tombstone/1"


class ErasureReason(Registry):
    """Why the content of a record was erased: the cases of article 47 of the Personal Information Protection Law."""

    PURPOSE_ENDED = 1  # 处理目的已实现、无法实现或者不再必要
    RETENTION_ENDED = 2  # 停止提供服务，或者保存期限已届满
    CONSENT_WITHDRAWN = 3  # 个人撤回同意
    UNLAWFUL = 4  # 违反法律、行政法规或者约定处理
    ORDERED = 5  # 法律、行政法规规定的其他情形：依裁判或者决定


def tombstone_id(leaf: bytes) -> str:
    """Id of the tombstone of ``leaf`` (32 bytes)."""
    return new_urn(sha256(TAG + leaf).digest()[:16])
