"""Ten authorities times what can be so with an office's certificate: the exact answer to each.

The table is the specification; every row holds for every authority, whatever its algorithms and the length of its
paths. FORMATS, "Verification" points here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import matrix_factory as m
import pytest
from matrix_factory import HOUR, Answer, Case, Token, fails, passes, stays_open
from pki_kit import CAS, DAY, NOW, OFFICE, YEAR, Kit, tampered

from ledger.core.trust import Trust
from ledger.core.trust_lists import CompromisedSigner, DatedState
from ledger.core.verdicts import Outcome
from ledger.crypto.certificates import fingerprint
from ledger.crypto.path_inquiry import inquire

STOLEN = NOW - 5 * DAY
"""Since when the key of `pki_kit`'s stolen certificate counts as lost; reported at `NOW`."""
WITHDRAWN = (DatedState("granted", NOW - 2 * YEAR), DatedState("withdrawn", NOW))
LATER = (DatedState("granted", NOW + 1),)


@dataclass(frozen=True)
class Cell:
    """What is so, and the answer. ``scenario``: which of `pki_kit`'s certificates signs; ``same_as``: the row that it
    may not be told from, because nothing of it touches the signature; the rest as in `matrix_factory.Case` or as
    members of the trust file's entries."""

    answer: Answer
    scenario: str = "good"
    moment: int = NOW
    taken: int | None = None
    by_ocsp: bool = False
    token: int | None = None
    stranger: bool = False
    bound: bool = True
    authority: dict[str, Any] = field(default_factory=dict)
    recognition: dict[str, Any] = field(default_factory=dict)
    signer_fell: int | None = None
    renewed: bool = False
    listed: bool = True
    unlisted_issuer: bool = False
    certificate: Callable[[bytes], bytes] | None = None
    asked_by: str | None = None
    same_as: str | None = None


CELLS = {
    "good": Cell(passes()),
    "good, by OCSP": Cell(passes(), by_ocsp=True, same_as="good"),
    "good, data from before the block": Cell(passes("REVOCATION_PROVISIONAL"), taken=NOW - HOUR),
    "good, with a token": Cell(passes(), token=30, same_as="good"),
    # ---- dates: judged at the proved time of the signature
    "expired since": Cell(passes(), "expired", NOW - 2 * DAY, taken=NOW - DAY - 5, same_as="good"),
    "expired before": Cell(fails(10, "PATH_REFUSED", "PATH_EXPIRED"), "expired"),
    "not yet valid": Cell(fails(10, "PATH_REFUSED", "PATH_NOT_YET_VALID"), "future"),
    # ---- revocation
    "revoked before": Cell(fails(12, "REVOCATION_REVOKED", "cessationOfOperation"), "revoked", NOW + 1),
    "revoked before, by OCSP": Cell(
        fails(12, "REVOCATION_REVOKED", "cessationOfOperation"), "revoked", NOW + 1, by_ocsp=True,
        same_as="revoked before",
    ),
    "revoked after": Cell(passes("REVOCATION_LATER"), "revoked", NOW - HOUR),
    "revoked after, by OCSP": Cell(
        passes("REVOCATION_LATER"), "revoked", NOW - HOUR, by_ocsp=True, same_as="revoked after"
    ),
    "revoked between token and block": Cell(
        passes("REVOCATION_LATER"), "revoked", NOW + 10, token=30, same_as="revoked after"
    ),
    "revocation unknown": Cell(stays_open(12, "REVOCATION_MISSING"), unlisted_issuer=True),
    "revocation unknown, list out of date": Cell(stays_open(12, "REVOCATION_EXPIRED"), taken=NOW - 8 * DAY),
    "revocation unknown, data from after its end": Cell(
        stays_open(12, "REVOCATION_EXPIRED"), "expired", NOW - 2 * DAY, taken=NOW,
        same_as="revocation unknown, list out of date",
    ),
    # ---- a key that fell: the office's, by its authority's list
    "compromised before, reported later": Cell(
        fails(12, "REVOCATION_REVOKED", "keyCompromise"), "stolen", NOW - DAY, taken=NOW
    ),
    "compromised between, reported later": Cell(
        stays_open(12, "REVOCATION_COMPROMISED", "keyCompromise"), "stolen", STOLEN + 10, taken=NOW, token=30
    ),
    "compromised after, reported later": Cell(
        passes("REVOCATION_LATER"), "stolen", STOLEN - 10, taken=NOW, same_as="revoked after"
    ),
    # ---- the office's, by the trust file
    "compromised before, the signer": Cell(fails(11, "SIGNER_COMPROMISED"), signer_fell=NOW),
    "compromised between, the signer": Cell(stays_open(11, "SIGNER_COMPROMISED"), signer_fell=NOW - 10, token=30),
    "compromised after, the signer": Cell(passes(), signer_fell=NOW + 1, same_as="good"),
    # ---- the authority's
    "compromised before": Cell(fails(10, "PATH_AUTHORITY_COMPROMISED"), authority={"compromised_since": NOW}),
    "compromised between": Cell(
        stays_open(10, "PATH_AUTHORITY_COMPROMISED"), token=30, stranger=True, authority={"compromised_since": NOW - 10}
    ),
    "compromised between, and stamped by itself": Cell(
        stays_open(9, "TIME_TOKEN_AUTHORITY_COMPROMISED", None, "PATH_AUTHORITY_COMPROMISED"),
        token=30, authority={"compromised_since": NOW - 10},
    ),
    "compromised after": Cell(passes(), authority={"compromised_since": NOW + 1}, same_as="good"),
    # ---- recognition and standing
    "not recognised here": Cell(fails(10, "PATH_NOT_RECOGNISED"), recognition={"jurisdiction": "HK"}),
    "not recognised here, but there": Cell(
        fails(10, "PATH_NOT_RECOGNISED"), recognition={"jurisdiction": "CN-32"}, asked_by="CN-44",
        same_as="not recognised here",
    ),
    "not recognised here for licenses": Cell(
        fails(10, "PATH_NOT_RECOGNISED"), recognition={"purpose": "seal"}, same_as="not recognised here"
    ),
    "recognised only later": Cell(fails(10, "PATH_RECOGNISED_LATER"), recognition={"since": NOW + 1}),
    "recognised no longer": Cell(fails(10, "PATH_RECOGNITION_ENDED"), recognition={"until": NOW}),
    "recognised for that second alone": Cell(passes(), recognition={"since": NOW, "until": NOW + 1}, same_as="good"),
    "granted from that second on": Cell(
        passes(), authority={"states": (DatedState("granted", NOW),)}, same_as="good"
    ),
    "recognised at too low a level": Cell(fails(10, "PATH_LEVEL_TOO_LOW"), recognition={"level": 1}),
    "not listed": Cell(stays_open(10, "PATH_REFUSED", "PATH_NO_ANCHORS"), listed=False),
    "listed for something else": Cell(
        stays_open(10, "PATH_REFUSED", "PATH_NO_ANCHORS"), authority={"service": "tsa"}, same_as="not listed"
    ),
    "struck from the list": Cell(fails(10, "PATH_AUTHORITY_NOT_GRANTED"), authority={"states": WITHDRAWN}),
    "granted only later": Cell(
        fails(10, "PATH_AUTHORITY_NOT_GRANTED"), authority={"states": LATER}, same_as="struck from the list"
    ),
    # ---- the certificate itself
    "wrong purpose": Cell(fails(10, "PATH_REFUSED", "PATH_KEY_USAGE"), "purpose"),
    "weak algorithm": Cell(fails(6, "SIGNATURE_REFUSED", "CMS_ALGORITHM"), "weak"),
    "weak algorithm, of its issuer": Cell(fails(10, "PATH_REFUSED", "PATH_ALGORITHM"), certificate=m.weakly_signed),
    "renewed root": Cell(passes(), renewed=True, same_as="good"),
    "not bound to the office": Cell(
        fails(5, "BINDING_SIGNERS_EVENT", None, "SIGNER_NOT_BOUND"), "impostor", bound=False
    ),
    "tampered": Cell(fails(10, "PATH_REFUSED", "PATH_SIGNATURE"), certificate=tampered),
}  # fmt: skip

ISSUE = (
    "good", "expired since", "not yet valid", "revoked before", "revoked after", "compromised before",
    "compromised between", "compromised after", "revocation unknown", "not recognised here", "recognised only later",
    "wrong purpose", "weak algorithm", "renewed root", "not bound to the office", "tampered",
)  # fmt: skip
"""What must be in the table, beside what is there as well."""


def test_the_table_is_complete() -> None:
    assert set(ISSUE) <= set(CELLS)
    assert len(CAS) == 10 or "ca-a" not in CAS  # a machine without SM2 has six


def test_no_two_rows_have_one_answer_unless_the_table_says_so() -> None:
    m.require_told_apart({name: (cell.answer, cell.same_as) for name, cell in CELLS.items()})


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("ca", CAS)
def test_cell(pki: Kit, ca: str, name: str) -> None:
    cell = CELLS[name]
    case = case_of(pki, ca, cell)
    asked = {} if cell.asked_by is None else {"jurisdiction": cell.asked_by}
    report = m.judged(pki, case, trust_for(pki, case, cell), **asked)
    assert m.answer_of(report) == cell.answer, report.detailed("en")
    if cell.answer.exit_code == 0:
        assert report.proved["path"]["authorities"] == [ca]
        assert report.proved["revocation"]["asOf"] == case.taken
        assert report.proved["time"]["source"] == ("token" if cell.token else "chain")


BY_ITSELF = (
    "good", "expired since", "expired before", "not yet valid", "revoked before", "revoked after", "revocation unknown",
    "revocation unknown, list out of date", "compromised before, reported later", "wrong purpose", "weak algorithm",
    "weak algorithm, of its issuer", "renewed root", "tampered",
)  # fmt: skip
"""Rows in which only the certificate is in question, and neither the trust file nor the record."""


@pytest.mark.parametrize("name", BY_ITSELF)
@pytest.mark.parametrize("ca", [ca for ca in CAS if ca in ("ca-c", "ca-h")])
def test_the_question_for_a_path_alone_has_the_same_answer(pki: Kit, ca: str, name: str) -> None:
    """``zhengyin ca path``."""
    cell = CELLS[name]
    case = case_of(pki, ca, cell)
    root = pki.renewed_root(ca) if cell.renewed else pki.root(ca)
    data, leaf = m.data_for(pki, case), case.certificate or case.leaf.certificate
    answer = inquire(leaf, data.certificates, [root], (data.crls, data.ocsps), cell.moment)
    wanted = {0: Outcome.PASSED, 1: Outcome.FAILED, 3: Outcome.UNDETERMINED}
    assert answer.outcome is wanted[cell.answer.exit_code]


def case_of(pki: Kit, ca: str, cell: Cell) -> Case:
    leaf = pki.leaf(ca, cell.scenario)
    return Case(
        leaf,
        cell.moment,
        NOW + HOUR if cell.taken is None else cell.taken,
        cell.by_ocsp,
        Token(cell.token, stranger_to(ca) if cell.stranger else None) if cell.token else None,
        cell.bound,
        cell.certificate(leaf.certificate) if cell.certificate else None,
        signer=pki.leaf(ca) if cell.scenario == "weak" else None,
        validation=m.without_list_of(pki, ca, leaf.issuer) if cell.unlisted_issuer else m.whole,
    )


def stranger_to(ca: str) -> str:
    return "ca-h" if ca == "ca-j" else "ca-j"


def trust_for(pki: Kit, case: Case, cell: Cell) -> Trust:
    others = [m.stamping(pki, case.stamper)] if cell.token else []
    if cell.stranger:
        others.append(pki.authority(case.stamper))
    certificate = fingerprint(case.leaf.certificate)
    fell = [] if cell.signer_fell is None else [CompromisedSigner(OFFICE, certificate, cell.signer_fell)]
    trust = m.trusting(
        pki, case.leaf.ca, *others,
        root=pki.renewed_root(case.leaf.ca) if cell.renewed else None,
        recognition=cell.recognition, authority=cell.authority, compromised_signers=tuple(fell),
    )  # fmt: skip
    return trust if cell.listed else replace(trust, authorities=trust.authorities[1:])
