"""What can be so with the certificates of a seal's maker and signer, under each authority that seals can be under: the
exact answer of step 16.

SES seals in OFD know SM2 alone, so they are under four authorities; seals on PDF (PAdES) are under all ten. The record
itself is under another authority, so that nothing but the seal is in question. FORMATS, "Verification", step 16,
points here.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any

import matrix_factory as m
import ofd_kit as ofd
import pdf_kit as pdf
import pytest
import ses_kit as ses
from matrix_factory import HOUR, Answer, Case, fails, passes, stays_open
from pki_kit import CAS, DAY, NOW, YEAR, Kit, tampered

from ledger.core.bundles import ValidationData
from ledger.core.trust import Trust
from ledger.core.trust_lists import DatedState
from ledger.core.verdicts import Step
from ledger.crypto import der
from ledger.crypto.certificates import fingerprint, read_certificate
from ledger.crypto.cms import assemble, signed_attributes
from ledger.crypto.ses.making import make_seal
from ledger.outside.pdf_seals import seal_pdf
from ledger.services.documents import read_document
from ledger.verification.sealed import SealedFile

SIGNED, EARLY, STOLEN = NOW - HOUR, NOW - 2 * DAY, NOW - 5 * DAY
WITHDRAWN = (DatedState("granted", NOW - 2 * YEAR), DatedState("withdrawn", NOW - DAY))
GM = tuple(ca for ca in CAS if ca in ("ca-a", "ca-b", "ca-c", "ca-d"))
MAKER, SIGNER, PDF = "maker", "signer", "pdf"


def no(code: str, cause: str | None = None) -> Answer:
    return fails(16, code, cause)


def open_(code: str, cause: str | None = None) -> Answer:
    return stays_open(16, code, cause)


@dataclass(frozen=True)
class Cell:
    """What is so with one party's certificate, and the answer if it is an OFD seal's ``maker``, its ``signer``, or the
    signer of a ``pdf``; None where it makes no sense. ``signed``: when the seal was put on, as it says; ``anchored``:
    the block that proves that it existed. ``same_as`` as in the other tables."""

    maker: Answer | None
    signer: Answer | None
    pdf: Answer | None
    scenario: str = "good"
    signed: int = SIGNED
    anchored: int = NOW
    taken: int = NOW + HOUR
    version: ses.Version = ses.V4
    authority: dict[str, Any] = field(default_factory=dict)
    recognition: dict[str, Any] = field(default_factory=dict)
    unlisted_issuer: bool = False
    renewed: bool = False
    listed: bool = True
    bound: bool = True
    certificate: Callable[[bytes], bytes] | None = None
    same_as: str | None = None


OK = passes()
ENDED = NOW - DAY - 5

CELLS = {
    "good": Cell(OK, OK, OK),
    "good, data from before the seal": Cell(OK, OK, OK, taken=SIGNED - HOUR, same_as="good"),
    # ---- dates: judged at the time that the seal says, which counts if the certificate was good until the block
    "expired since": Cell(OK, OK, OK, "expired", EARLY - HOUR, EARLY, ENDED, same_as="good"),
    "expired between seal and block": Cell(
        OK, open_("SES_TIME_UNPROVED"), open_("SES_TIME_UNPROVED"), "expired", EARLY, taken=ENDED
    ),
    "expired before": Cell(no("SES_MAKER_PERIOD"), no("SES_SIGNER_PERIOD"), no("PATH_EXPIRED"), "expired"),
    "expired before, a seal of 2025": Cell(OK, None, None, "expired", taken=ENDED, version=ses.V5, same_as="good"),
    "not yet valid": Cell(
        no("SES_MAKER_PERIOD"), no("SES_SIGNER_PERIOD"), no("PATH_NOT_YET_VALID"), "future", same_as="expired before"
    ),
    # ---- revocation
    "revoked before": Cell(*[no("REVOCATION_REVOKED", "cessationOfOperation")] * 3, "revoked", NOW),
    "revoked after": Cell(OK, OK, OK, "revoked", EARLY - HOUR, EARLY, same_as="good"),
    "revoked between seal and block": Cell(
        OK, open_("SES_TIME_UNPROVED"), open_("SES_TIME_UNPROVED"), "revoked", EARLY,
        same_as="expired between seal and block",
    ),
    "revocation unknown": Cell(*[open_("REVOCATION_MISSING")] * 3, unlisted_issuer=True),
    "revocation unknown, list out of date": Cell(*[open_("REVOCATION_EXPIRED")] * 3, taken=NOW - 8 * DAY),
    # ---- a key that fell: the party's, by its authority's list; its authority's, by the trust file
    "compromised before, reported later": Cell(
        *[no("REVOCATION_REVOKED", "keyCompromise")] * 3, "stolen", EARLY - HOUR, EARLY
    ),
    "compromised between, reported later": Cell(
        *[open_("REVOCATION_COMPROMISED", "keyCompromise")] * 3, "stolen", STOLEN - HOUR
    ),
    "compromised in the instant of the block, reported later": Cell(
        None, None, open_("REVOCATION_COMPROMISED", "keyCompromise"), "stolen", STOLEN - HOUR, STOLEN,
        same_as="compromised between, reported later",
    ),
    "compromised before": Cell(*[no("PATH_AUTHORITY_COMPROMISED")] * 3, authority={"compromised_since": SIGNED}),
    "compromised between": Cell(*[open_("SEALS_COMPROMISED_SINCE")] * 3, authority={"compromised_since": NOW}),
    "compromised after": Cell(OK, OK, OK, authority={"compromised_since": NOW + 1}, same_as="good"),
    # ---- recognition and standing
    "not recognised here": Cell(*[no("PATH_NOT_RECOGNISED")] * 3, recognition={"jurisdiction": "HK"}),
    "recognised only later": Cell(*[no("PATH_RECOGNISED_LATER")] * 3, recognition={"since": NOW + 1}),
    "recognised no longer": Cell(*[no("PATH_RECOGNITION_ENDED")] * 3, recognition={"until": SIGNED}),
    "recognised at too low a level": Cell(*[no("PATH_LEVEL_TOO_LOW")] * 3, recognition={"level": 1}),
    "not listed": Cell(*[open_("SEALS_PATH_NONE")] * 3, listed=False),
    "struck from the list": Cell(*[no("PATH_AUTHORITY_NOT_GRANTED")] * 3, authority={"states": WITHDRAWN}),
    # ---- the certificate itself
    "wrong purpose": Cell(no("SES_MAKER_USAGE"), no("SES_SIGNER_USAGE"), no("PATH_KEY_USAGE"), "purpose"),
    "weak algorithm, of its issuer": Cell(*[no("PATH_ALGORITHM")] * 3, certificate=m.weakly_signed),
    "weak algorithm": Cell(no("SM2_KEY"), no("SM2_KEY"), no("CMS_ALGORITHM"), "weak"),
    "renewed root": Cell(OK, OK, OK, renewed=True, same_as="good"),
    "not bound to the seal": Cell(None, no("SES_SIGNER_NOT_LISTED"), None, bound=False),
    "tampered": Cell(*[no("PATH_SIGNATURE")] * 3, certificate=tampered),
}  # fmt: skip

ISSUE = (
    "good", "expired since", "not yet valid", "revoked before", "revoked after", "compromised before",
    "compromised between", "compromised after", "revocation unknown", "not recognised here", "recognised only later",
    "wrong purpose", "weak algorithm", "renewed root", "tampered",
)  # fmt: skip
WHOLE = {MAKER: ("ca-a", "ca-c"), SIGNER: ("ca-a", "ca-c"), PDF: ("ca-a", "ca-e", "ca-h")}
"""Authorities under which every row is looked at, and not only those of ``ISSUE``: one of each algorithm and length."""
ROWS = [
    (part, ca, name)
    for part, cas in ((MAKER, GM), (SIGNER, GM), (PDF, CAS))
    for ca in cas
    for name, cell in CELLS.items()
    if getattr(cell, part) is not None and (name in ISSUE or ca in WHOLE[part])
]


def test_the_table_is_complete() -> None:
    assert all(getattr(CELLS[name], part) is not None for name in ISSUE for part in (MAKER, SIGNER, PDF))


@pytest.mark.parametrize("part", [MAKER, SIGNER, PDF])
def test_no_two_rows_have_one_answer_unless_the_table_says_so(part: str) -> None:
    rows = {name: (getattr(cell, part), cell.same_as) for name, cell in CELLS.items()}
    if part == PDF:  # where a PDF tells more
        rows["not yet valid"] = (rows["not yet valid"][0], None)
    if part == MAKER:  # whose word on the time nothing else bounds: the standards go by it
        rows |= {name: (answer, "good") for name, (answer, _) in rows.items() if answer == OK and name != "good"}
    m.require_told_apart({name: row for name, row in rows.items() if row[0] is not None})


@dataclass(frozen=True)
class Sealed:
    """The file of one row; ``other``: the authority of the party that is not in question."""

    pki: Kit
    part: str
    ca: str
    cell: Cell

    @property
    def other(self) -> str:
        return "ca-d" if self.ca == "ca-a" else "ca-a"

    @property
    def certificate(self) -> bytes:
        made = self.pki.leaf(self.ca, self.cell.scenario).certificate
        return self.cell.certificate(made) if self.cell.certificate else made

    @cached_property
    def file(self) -> SealedFile:
        data = self._pdf() if self.part == PDF else self._ofd()
        found = read_document(io.BytesIO(data))[1]
        assert found is not None
        return found

    def _ofd(self) -> bytes:
        tested = ses.Party(self.pki.leaf(self.ca).key, self.certificate)
        honest = ses.Party(self.pki.leaf(self.other).key, self.pki.leaf(self.other).certificate)
        maker, signer = (tested, honest) if self.part == MAKER else (honest, tested)
        listed = signer if self.cell.bound else maker
        shape = make_seal(
            ses.new_seal(self.cell.version, listed), ses.party("maker").certificate, ses.party("maker").sign
        )
        image = ses.signed_seal(ses.tree(shape)[0].outer, maker)
        number = der.write(der.INTEGER, bytes([self.cell.version]))

        def sign(digest: bytes, path: str, at: int) -> bytes:
            bits, place = der.write(der.BIT_STRING, b"\0", digest), der.write(0x16, path.encode())
            return ses.signed_signature(
                der.write(der.SEQUENCE, number, image, ses.generalized(at), bits, place), signer
            )

        return ofd.packed(ofd.sealed(plain(), ofd.Seal(at=self.cell.signed, image=image, sign=sign)))

    def _pdf(self) -> bytes:
        start, room, data = empty_pdf(self.pki)
        covered = data[:start] + data[start + room :]
        good, named = self.pki.leaf(self.ca), self.certificate
        if self.cell.scenario == "weak":  # a key too short to sign: the other one does, in its name
            own, other = read_certificate(good.certificate), read_certificate(named)
            attributes = signed_attributes(covered, good.certificate, self.cell.signed)
            attributes = attributes.replace(fingerprint(good.certificate), fingerprint(named))
            signed = assemble(good.certificate, attributes, good.key.sign(attributes))
            signed = m.swapped(signed, {good.certificate: named, own.serial: other.serial})
        else:
            attributes = signed_attributes(covered, named, self.cell.signed)
            signed = assemble(named, attributes, good.key.sign(attributes))
        return data[:start] + b"<" + signed.hex().encode().ljust(room - 2, b"0") + b">" + data[start + room :]


@cache
def plain() -> ofd.Files:
    return ofd.plain()


def empty_pdf(pki: Kit) -> tuple[int, int, bytes]:
    """A sealed PDF, and where in it which room is for the CMS."""
    if not EMPTY:
        leaf = pki.leaf("ca-g")
        data = seal_pdf(pdf.document(1), pdf.sealing(leaf), NOW - 9 * DAY, chain=pki.intermediates("ca-g"))
        start = data.index(b"/Contents <") + len(b"/Contents ")
        EMPTY.append((start, data.index(b">", start) + 1 - start, data))
    return EMPTY[0]


EMPTY: list[tuple[int, int, bytes]] = []


@pytest.mark.parametrize(("part", "ca", "name"), ROWS)
def test_cell(pki: Kit, part: str, ca: str, name: str) -> None:
    cell, file = CELLS[name], files_of(pki, part, ca)[name]
    office = pki.leaf("ca-i" if ca == "ca-h" else "ca-h")
    together = [
        other.document for row, other in files_of(pki, part, ca).items() if CELLS[row].anchored == cell.anchored
    ]
    case = Case(office, cell.anchored, files=tuple(dict.fromkeys(together)))
    given = {"documents": (file.document,), "sealed": (file,), "seal_data": data_for(pki, part, ca, cell)}
    report = m.judged(pki, case, trust_for(pki, part, ca, cell), **given)
    assert m.answer_of(report) == getattr(cell, part), report.detailed("en")
    if getattr(cell, part).exit_code == 0:
        (found,) = report.proved["seals"]["files"]
        assert [seal["outcome"] for seal in found["seals"]] == ["passed"]
        assert next(r for r in report.steps if r.step is Step.SEALS).outcome.value == "passed"


FILES: dict[tuple[str, str], dict[str, SealedFile]] = {}


def files_of(pki: Kit, part: str, ca: str) -> dict[str, SealedFile]:
    """Of every row: one record holds them all."""
    if (part, ca) not in FILES:
        made: dict[Any, SealedFile] = {}
        for name in (name for p, c, name in ROWS if (p, c) == (part, ca)):
            cell = CELLS[name]
            same = cell.scenario, cell.signed, cell.version, cell.bound, cell.certificate
            if same not in made:
                made[same] = Sealed(pki, part, ca, cell).file
            FILES.setdefault((part, ca), {})[name] = made[same]
    return FILES[part, ca]


def data_for(pki: Kit, part: str, ca: str, cell: Cell) -> ValidationData:
    """What the verifier brings along for the seal's certificates."""
    certificates, crls = set(pki.intermediates(ca)), set(m.lists_of(pki, ca, "issuing", cell.taken))
    tested = ValidationData(tuple(sorted(certificates)), tuple(sorted(crls)), ())
    if cell.unlisted_issuer:
        tested = m.without_list_of(pki, ca, "issuing")(tested)
    if part == PDF:
        return tested
    other = Sealed(pki, part, ca, cell).other
    certificates |= set(pki.intermediates(other))
    crls = {*tested.crls, *m.lists_of(pki, other, "issuing", NOW + HOUR)}
    return ValidationData(tuple(sorted(certificates)), tuple(sorted(crls)), ())


def trust_for(pki: Kit, part: str, ca: str, cell: Cell) -> Trust:
    office = "ca-i" if ca == "ca-h" else "ca-h"
    root = pki.renewed_root(ca) if cell.renewed else pki.root(ca)
    service, opposite = ("sealMaker", "ca") if part == MAKER else ("ca", "sealMaker")
    listed = [pki.authority(ca, **{"certificate": root, "service": service, **cell.authority})]
    known = replace(pki.recognition(ca, "CN", "seal"), authority=fingerprint(root))
    recognitions = [replace(known, **cell.recognition)]
    if not cell.listed:  # somebody else is
        listed = [pki.authority(office, service=service)]
    if part != PDF:
        other = Sealed(pki, part, ca, cell).other
        listed.append(pki.authority(other, service=opposite))
        recognitions.append(pki.recognition(other, "CN", "seal"))
    trust = m.trusting(pki, office, *listed)
    return replace(trust, recognitions=(*trust.recognitions, *recognitions))
