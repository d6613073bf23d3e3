"""Attacks on the seals in a license's own file (step 16): the record is true, its file is not what it seems."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import cache
from typing import Any

import bundle_factory as f
import ofd_kit as k
import ses_kit as ses
from attack_list import OPEN, attack

from ledger.core.bundles import ValidationData
from ledger.core.registries import Kind
from ledger.core.trust import Trust
from ledger.core.trust_lists import CompromisedSigner, DatedState, Recognition
from ledger.core.verdicts import Step
from ledger.crypto.certificates import fingerprint
from ledger.services.documents import read_document
from ledger.verification.facts import Facts

LISTS = ValidationData((), (ses.revocations(until=f.T + 90 * ses.DAY),), ())

MAKER = ses.party("maker").certificate if ses.has_sm2() else b""
BEFORE = ses.party("maker", until=ses.NOW + 399 * ses.DAY).certificate if ses.has_sm2() else b""
"""Another certificate of the maker's key."""
LONG_AGO = ses.NOW - 900 * ses.DAY
WITHDRAWN = (DatedState("withdrawn", LONG_AGO),)


def trust(**changes: Any) -> Trust:
    """The usual trust file, in which the authority of ``ses_kit`` is a maker of seals and a CA, recognised for them."""
    made = f.make_trust()
    granted = (DatedState("granted", LONG_AGO),)
    own = f.make_authority(name="印章", certificate=ses.authority(), states=granted)
    known = replace(f.make_recognition(Kind.SEAL), authority=fingerprint(ses.authority()), since=LONG_AGO)
    values: dict[str, Any] = {
        "authorities": (*made.authorities, replace(own, service="sealMaker"), own),
        "recognitions": (*made.recognitions, known),
    }
    return replace(made, **(values | changes))


def with_maker(**changes: Any) -> Trust:
    usual = trust()
    *others, maker, ca = usual.authorities
    return replace(usual, authorities=(*others, replace(maker, **changes), ca))


def with_listed(**changes: Any) -> Trust:
    """The maker is listed itself, too, beside the authority that certifies it, and recognised."""
    usual = trust()
    own = replace(usual.authorities[-2], name="制章人", certificate=MAKER, **changes)
    known = replace(usual.recognitions[-1], authority=fingerprint(own.certificate))
    return replace(usual, authorities=(*usual.authorities, own), recognitions=(*usual.recognitions, known))


@cache
def license_file() -> bytes:
    """A sealed license that says the record's own number."""
    ses.require_sm2()
    return k.packed(k.sealed(k.plain((("ZZBS", f.make_record().id),))))


def facts(data: bytes | None = None, others: tuple[Any, ...] = (), **changes: Any) -> Facts:
    """The record of a license file, and the file handed in with it."""
    digest, sealed = read_document(io.BytesIO(license_file() if data is None else data))
    bundle = f.stapled(f.issue(f.make_record(files=(digest, *others))))
    given: dict[str, Any] = {
        "documents": (digest,), "trust": trust(), "sealed": (sealed,) if sealed else (), "seal_data": LISTS,
    }  # fmt: skip
    return f.facts(bundle, **(given | changes))


def as_files(data: bytes) -> k.Files:
    from ledger.crypto.ofd.package import read_package

    return dict(read_package(data).files)


@attack(Step.SEALS, "OFD_REFERENCE_DIFFERS")
def a_page_changed_after_sealing_and_before_anchoring() -> Facts:
    files = as_files(license_file())
    return facts(k.packed(files | {k.PAGE: files[k.PAGE].replace("准予".encode(), "不予".encode())}))


@attack(Step.SEALS, "OFD_NOT_COVERED")
def a_page_added_after_sealing() -> Facts:
    return facts(k.packed(as_files(license_file()) | {"Doc_0/Pages/Page_1/Content.xml": b"<a/>"}))


@attack(Step.SEALS, "SES_DOCUMENT")
def a_seal_cut_out_of_another_document() -> Facts:
    value = f"{k.Seal().folder}/SignedValue.dat"
    return facts(k.packed(as_files(license_file()) | {value: as_files(k.license())[value]}))


@attack(Step.SEALS, "SEALS_OTHER_LICENSE")
def the_file_of_another_license() -> Facts:
    ses.require_sm2()
    return facts(k.license())


@attack(Step.SEALS, "REVOCATION_REVOKED")
def a_seal_put_on_after_its_certificate_was_revoked() -> Facts:
    revoked = ses.revocations(k.SIGNED - ses.DAY, f.T + 90 * ses.DAY)
    return facts(seal_data=ValidationData((), (revoked,), ()))


@attack(Step.SEALS, "SES_TIME_UNPROVED", OPEN)
def a_seal_that_may_have_been_put_on_after_its_certificate_was_revoked() -> Facts:
    revoked = ses.revocations(k.SIGNED + ses.DAY, f.T + 90 * ses.DAY)
    return facts(seal_data=ValidationData((), (revoked,), ()))


@attack(Step.SEALS, "REVOCATION_MISSING", OPEN)
def a_seal_whose_lists_are_left_out() -> Facts:
    return facts(seal_data=None)


@attack(Step.SEALS, "SEALS_NO_AUTHORITY", OPEN)
def a_seal_of_whoever() -> Facts:
    return facts(trust=f.make_trust())


@attack(Step.SEALS, "SEALS_PATH_NONE", OPEN)
def a_seal_by_a_maker_that_is_not_listed() -> Facts:
    return facts(trust=with_maker(certificate=f.certificate(f.ROOT).der))


@attack(Step.SEALS, "PATH_NOT_RECOGNISED")
def a_maker_that_nobody_recognised_for_seals() -> Facts:
    return facts(trust=trust(recognitions=f.make_trust().recognitions))


@attack(Step.SEALS, "PATH_LEVEL_TOO_LOW")
def a_maker_below_the_level_asked_for() -> Facts:
    known = [r for r in trust().recognitions if r.purpose == Kind.SEAL.word]
    low: list[Recognition] = [replace(r, level=1) for r in known]
    return facts(trust=trust(recognitions=(*f.make_trust().recognitions, *low)))


@attack(Step.SEALS, "PATH_AUTHORITY_NOT_GRANTED")
def a_maker_struck_from_the_list() -> Facts:
    return facts(trust=with_maker(states=(DatedState("withdrawn", LONG_AGO),)))


@attack(Step.SEALS, "PATH_AUTHORITY_COMPROMISED")
def a_seal_by_a_maker_whose_key_had_fallen() -> Facts:
    return facts(trust=with_maker(compromised_since=k.SIGNED - 1))


@attack(Step.SEALS, "SEALS_COMPROMISED_SINCE", OPEN)
def a_seal_that_may_have_been_made_with_a_fallen_key() -> Facts:
    return facts(trust=with_maker(compromised_since=k.SIGNED + 1))


@attack(Step.SEALS, "REVOCATION_REVOKED")
def a_listed_maker_whose_issuer_revoked_it() -> Facts:
    revoked = ses.revocations(k.SIGNED - ses.DAY, f.T + 90 * ses.DAY)
    return facts(trust=with_listed(), seal_data=ValidationData((), (revoked,), ()))


@attack(Step.SEALS, "REVOCATION_MISSING", OPEN)
def a_listed_maker_without_what_tells_of_its_revocation() -> Facts:
    return facts(trust=with_listed(), seal_data=None)


@attack(Step.SEALS, "SEALS_ISSUER_UNLISTED", OPEN)
def a_listed_maker_whose_issuer_nobody_lists() -> Facts:
    known = with_listed()
    return facts(trust=replace(known, authorities=tuple(a for a in known.authorities if a.name != "印章")))


@attack(Step.SEALS, "PATH_AUTHORITY_NOT_GRANTED")
def a_listed_maker_struck_from_the_list() -> Facts:
    return facts(trust=with_listed(states=(DatedState("withdrawn", LONG_AGO),)))


@attack(Step.SEALS, "PATH_AUTHORITY_NOT_GRANTED")
def a_maker_struck_from_the_list_under_a_new_certificate() -> Facts:
    struck = replace(with_listed().authorities[-1], certificate=BEFORE, states=(DatedState("withdrawn", LONG_AGO),))
    return facts(trust=trust(authorities=(*trust().authorities, struck)))


@attack(Step.SEALS, "PATH_AUTHORITY_COMPROMISED")
def a_makers_stolen_key_under_a_new_certificate() -> Facts:
    fallen = replace(with_listed().authorities[-1], certificate=BEFORE, compromised_since=k.SIGNED - 1)
    return facts(trust=trust(authorities=(*trust().authorities, fallen)))


@attack(Step.SEALS, "SIGNER_COMPROMISED")
def a_seal_put_on_with_a_key_that_the_trust_file_calls_stolen() -> Facts:
    return facts(trust=trust(compromised_signers=(stolen(k.SIGNED),)))


@attack(Step.SEALS, "SIGNER_COMPROMISED", OPEN)
def a_seal_that_may_have_been_put_on_with_a_stolen_key() -> Facts:
    return facts(trust=trust(compromised_signers=(stolen(k.SIGNED + 1),)))


def stolen(since: int) -> CompromisedSigner:
    return CompromisedSigner(f.make_record().issuer, fingerprint(ses.party("signer").certificate), since)


@attack(Step.SEALS, "SEALS_UNREADABLE", OPEN)
def a_container_that_cannot_be_read() -> Facts:
    data = bytearray(license_file())
    data[14] ^= 1  # the checksum in a local header
    return facts(bytes(data))
