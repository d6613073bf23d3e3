"""Ten authorities times what can be so with the certificate of their time-stamp service: the exact answer to each.

The office signs under another authority, so that nothing but the token is in question. Recognition is no matter of
tokens: the trust file lists who is believed. FORMATS, "Verification", step 9, points here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import matrix_factory as m
import pytest
from matrix_factory import HOUR, Answer, Case, Token, fails, passes, stays_open
from pki_kit import CAS, DAY, NOW, YEAR, Kit, Leaf, tampered
from timestamp_kit import Tsa, ess_v2

from ledger.core.trust import Trust
from ledger.core.trust_lists import DatedState
from ledger.crypto import der
from ledger.crypto.algorithms import algorithm_of
from ledger.crypto.certificates import read_certificate

STOLEN = NOW - 5 * DAY
WITHDRAWN = (DatedState("granted", NOW - 2 * YEAR), DatedState("withdrawn", NOW - 30))


@dataclass(frozen=True)
class Cell:
    """What is so, and the answer. ``scenario``: which certificate the service has, by `pki_kit`'s names and
    "signing", one for documents; ``before``: seconds from the token to the block; ``authority``: members of its entry
    in the trust file; ``same_as``: the row that it may not be told from."""

    answer: Answer
    scenario: str = "good"
    moment: int = NOW
    taken: int | None = None
    before: int = 30
    authority: dict[str, Any] = field(default_factory=dict)
    renewed: bool = False
    itself: bool = False
    unlisted_issuer: bool = False
    certificate: Callable[[bytes], bytes] | None = None
    token: Callable[[bytes], bytes] | None = None
    of_another: bool = False
    same_as: str | None = None


def refused(cause: str) -> Answer:
    return fails(9, "TIME_TOKEN_REFUSED", cause)


CELLS = {
    "good": Cell(passes()),
    "good, listed itself": Cell(passes(), itself=True, same_as="good"),
    "good, data from before the token": Cell(
        passes("TIME_TOKEN_REVOCATION_PROVISIONAL", "REVOCATION_PROVISIONAL"), taken=NOW - HOUR
    ),
    # ---- dates: judged at the token's own time
    "expired since": Cell(passes(), "expired", NOW - 2 * DAY, taken=NOW - DAY - 5, same_as="good"),
    "expired between token and block": Cell(
        passes(), "expired", NOW - DAY + 10, taken=NOW - DAY - 5, same_as="good"
    ),
    "expired before": Cell(fails(9, "TIME_TOKEN_PATH_REFUSED", "PATH_EXPIRED"), "expired"),
    "not yet valid": Cell(fails(9, "TIME_TOKEN_PATH_REFUSED", "PATH_NOT_YET_VALID"), "future"),
    # ---- revocation
    "revoked before": Cell(fails(9, "TIME_TOKEN_REVOKED", "cessationOfOperation"), "revoked", NOW + 31),
    "revoked after": Cell(passes("TIME_TOKEN_REVOKED_LATER"), "revoked", NOW - HOUR),
    "revoked between token and block": Cell(
        passes("TIME_TOKEN_REVOKED_LATER"), "revoked", NOW + 10, same_as="revoked after"
    ),
    "revocation unknown": Cell(
        stays_open(9, "TIME_TOKEN_REVOCATION_OPEN", "REVOCATION_MISSING"), unlisted_issuer=True
    ),
    "revocation unknown, data from after its end": Cell(
        stays_open(9, "TIME_TOKEN_REVOCATION_OPEN", "REVOCATION_EXPIRED"), "expired", NOW - 2 * DAY, taken=NOW
    ),
    "revocation unknown, list out of date": Cell(
        stays_open(9, "TIME_TOKEN_REVOCATION_OPEN", "REVOCATION_EXPIRED", "REVOCATION_EXPIRED"), taken=NOW - 8 * DAY
    ),
    # ---- a key that fell: the service's, by its authority's list
    "compromised before, reported later": Cell(
        fails(9, "TIME_TOKEN_REVOKED", "keyCompromise"), "stolen", NOW - DAY, taken=NOW
    ),
    "compromised between, reported later": Cell(
        stays_open(9, "TIME_TOKEN_REVOKED", "keyCompromise"), "stolen", STOLEN + 10, taken=NOW
    ),
    "compromised after, reported later": Cell(
        passes("TIME_TOKEN_REVOKED_LATER"), "stolen", STOLEN - 10, taken=NOW, same_as="revoked after"
    ),
    # ---- its authority's, by the trust file
    "compromised before": Cell(
        fails(9, "TIME_TOKEN_AUTHORITY_COMPROMISED"), authority={"compromised_since": NOW - 30}
    ),
    "compromised between": Cell(
        stays_open(9, "TIME_TOKEN_AUTHORITY_COMPROMISED"), authority={"compromised_since": NOW - 10}
    ),
    "compromised after": Cell(passes(), authority={"compromised_since": NOW + 1}, same_as="good"),
    "compromised before, listed itself": Cell(
        fails(9, "TIME_TOKEN_AUTHORITY_COMPROMISED"), authority={"compromised_since": NOW - 30}, itself=True,
        same_as="compromised before",
    ),
    # ---- standing
    "not listed for time-stamps": Cell(
        stays_open(9, "TIME_TOKEN_PATH_REFUSED", "PATH_NO_ANCHORS"), authority={"service": "ca"}
    ),
    "struck from the list": Cell(fails(9, "TIME_TOKEN_AUTHORITY_NOT_GRANTED"), authority={"states": WITHDRAWN}),
    # ---- the certificate and the token themselves
    "wrong purpose": Cell(fails(9, "TIME_TOKEN_PATH_REFUSED", "PATH_KEY_USAGE"), "purpose"),
    "wrong purpose, for documents": Cell(refused("TIMESTAMP_USAGE"), "signing"),
    "weak algorithm": Cell(refused("CMS_ALGORITHM"), "weak"),
    "weak algorithm, of its issuer": Cell(
        fails(9, "TIME_TOKEN_PATH_REFUSED", "PATH_ALGORITHM"), certificate=m.weakly_signed
    ),
    "renewed root": Cell(passes(), renewed=True, same_as="good"),
    "tampered certificate": Cell(fails(9, "TIME_TOKEN_PATH_REFUSED", "PATH_SIGNATURE"), certificate=tampered),
    "tampered": Cell(refused("CMS_SIGNATURE"), token=tampered),
    "over another signature": Cell(refused("TIMESTAMP_IMPRINT"), of_another=True),
    "dated before the block that the manifest names": Cell(fails(9, "TIME_TOKEN_ORDER"), before=181),
    "dated after the anchor": Cell(fails(9, "TIME_TOKEN_ORDER"), before=-121,
        same_as="dated before the block that the manifest names"),
}  # fmt: skip

ISSUE = (
    "good", "expired since", "not yet valid", "revoked before", "revoked after", "compromised before",
    "compromised between", "compromised after", "revocation unknown", "wrong purpose", "weak algorithm",
    "renewed root", "tampered",
)  # fmt: skip
"""What must be in the table: of the matrix for certificates all but recognition and binding."""


def test_the_table_is_complete() -> None:
    assert set(ISSUE) <= set(CELLS)


def test_no_two_rows_have_one_answer_unless_the_table_says_so() -> None:
    m.require_told_apart({name: (cell.answer, cell.same_as) for name, cell in CELLS.items()})


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("ca", CAS)
def test_cell(pki: Kit, ca: str, name: str) -> None:
    cell = CELLS[name]
    office, service = pki.leaf("ca-i" if ca == "ca-h" else "ca-h"), service_of(pki, ca, cell)
    case = Case(
        office,
        cell.moment,
        NOW + HOUR if cell.taken is None else cell.taken,
        token=Token(cell.before, ca, lambda data, time: stamp(pki, service, cell, data, time), as_is(cell)),
        validation=m.without_list_of(pki, ca, "issuing") if cell.unlisted_issuer else m.whole,
    )
    report = m.judged(pki, case, trust_for(pki, office, service, cell))
    assert m.answer_of(report) == cell.answer, report.detailed("en")
    if cell.answer.exit_code == 0:
        (told,) = report.proved["time"]["tokens"]
        assert (told["time"], told["authority"]) == (cell.moment - cell.before, f"TSA {ca}")
        assert told["asOf"] == case.taken


def as_is(cell: Cell) -> bool:
    """What nobody would keep as a token."""
    return cell.scenario in ("weak", "signing") or cell.token is not None or cell.of_another


def trust_for(pki: Kit, office: Leaf, service: Leaf, cell: Cell) -> Trust:
    root = pki.renewed_root(service.ca) if cell.renewed else pki.root(service.ca)
    listed = service.certificate if cell.itself else root
    above = [pki.authority(service.ca)] if cell.itself else []
    members = {"certificate": listed, "service": "tsa", "name": f"TSA {service.ca}", **cell.authority}
    trust = m.trusting(pki, office.ca, pki.authority(service.ca, **members), *above)
    if members["service"] == "ca":  # then none is listed for time-stamps
        assert not any(a.service == "tsa" for a in trust.authorities)
    return trust


def service_of(pki: Kit, ca: str, cell: Cell) -> Leaf:
    made = m.services_of(pki, ca)[cell.scenario]
    return replace(made, certificate=cell.certificate(made.certificate)) if cell.certificate else made


def stamp(pki: Kit, service: Leaf, cell: Cell, data: bytes, time: int) -> bytes:
    """By the service's key, whoever the certificate says that it is of."""
    parts, algorithm = read_certificate(service.certificate), algorithm_of(service.key.spki)
    how = {
        "sign": service.key.sign,
        "signer": der.write(der.SEQUENCE, parts.issuer, parts.serial),
        "named": [ess_v2(service.certificate)],
        "certificates": [service.certificate],
    }
    digest = "sm3" if algorithm.name == "sm2-sm3" else "sha256"
    token = Tsa(service.key, pki.leaf(service.ca).certificate, how).stamp(data + b"?" * cell.of_another, time, digest)
    return cell.token(token) if cell.token else token
