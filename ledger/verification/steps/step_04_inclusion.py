"""Step 4, inclusion. Stops: a record slipped under the manifest of a batch it is not in; two records at one place of
two trees, each true to whoever looks at one tree alone (why.md F9)."""

from __future__ import annotations

from ledger.core.hashing import SM3_HASH
from ledger.core.merkle import root_from_path
from ledger.core.verdicts import Step, StepResult, failed
from ledger.errors import InputError
from ledger.verification.case import Case, concluded, need, refused

STEP = Step.INCLUSION


def judge(case: Case) -> StepResult:
    """The record's leaf and its path give the manifest's root (RFC 9162 section 2.1.3.2); where the manifest has a root
    by SM3, both paths at the one index give both.

    Index and size are as good as the manifest's signature: an RFC 6962 root binds neither.
    """
    bundle = need(case.bundle, Step.CONTAINER)
    inclusion, manifest = bundle.inclusion, bundle.manifest
    try:
        root = root_from_path(bundle.record.leaf(), inclusion.index, manifest.size, inclusion.path)
    except InputError as e:
        return concluded(STEP, [refused("INCLUSION_PATH_REFUSED", e)])
    if root != manifest.root:
        return concluded(STEP, [failed("INCLUSION_ROOT_DIFFERS", found=root.hex(), expected=manifest.root.hex())])
    proved = {"index": inclusion.index, "size": manifest.size, "root": root.hex()}
    if manifest.root_sm3 is None:
        return concluded(STEP, [], proved)
    try:
        path = inclusion.path_sm3 or ()
        second = root_from_path(bundle.record.leaf_sm3(), inclusion.index, manifest.size, path, SM3_HASH)
    except InputError as e:
        return concluded(STEP, [refused("INCLUSION_SM3_PATH_REFUSED", e)])
    if second != manifest.root_sm3:
        values = {"found": second.hex(), "expected": manifest.root_sm3.hex()}
        return concluded(STEP, [failed("INCLUSION_SM3_ROOT_DIFFERS", **values)])
    return concluded(STEP, [], proved | {"rootSm3": second.hex()})
