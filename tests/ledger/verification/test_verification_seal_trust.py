"""Judges of makers and signers of seals by a trust file alone, as ``seal verify --trust`` and the register ask them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import attacks_on_seals as s
import bundle_factory as f
import ofd_kit as k
import pytest
import ses_kit as ses
import time_factory as t

from ledger.core.bundles import Bundle, ValidationData
from ledger.core.trust_lists import Policy
from ledger.core.verdicts import Finding, Outcome, undetermined
from ledger.crypto.certificates import fingerprint
from ledger.crypto.ofd.verifying import verify_package
from ledger.crypto.ses.judging import Judges
from ledger.crypto.ses.verifying import verify_seal
from ledger.errors import InputError, NotFoundError
from ledger.verification.case import Case
from ledger.verification.seal_trust import SealRules, judges_by, seal_judges

MOMENT = ses.NOW


@pytest.fixture(scope="module", autouse=True)
def _sm2() -> None:
    ses.require_sm2()


def rules(**changes: Any) -> SealRules:
    lists = ValidationData((), (ses.revocations(),), ())
    return replace(SealRules(s.trust(), None, MOMENT, lists), **changes)


def judges(**changes: Any) -> Judges:
    return judges_by(rules(**changes))


def refused(which: str, certificate: bytes, error: type[Exception], moment: int = MOMENT, **changes: Any) -> str:
    with pytest.raises(error) as caught:
        getattr(judges(**changes), which)(certificate, moment)
    return str(getattr(caught.value, "code", ""))


def test_a_seal_and_a_sealed_file_pass_by_the_trust_file_alone() -> None:
    assert verify_seal(ses.seal(), MOMENT, judges()).exit_code == 0
    report = verify_package(k.license(), MOMENT, judges())
    assert report.exit_code == 0, report.text("en")


def test_an_authority_that_signs_with_its_root_is_no_signer_of_seals() -> None:
    assert refused("signer", ses.authority(), InputError) == "PATH_LEAF_IS_ANCHOR"


def test_a_maker_that_certified_itself_is_believed_by_the_list_alone() -> None:
    maker, *_ = (a for a in s.trust().authorities if a.service == "sealMaker")
    alone = replace(s.trust(), authorities=(maker,))
    assert judges(trust=alone).maker(ses.authority(), MOMENT) == ()  # type: ignore[misc]
    stolen = replace(alone, authorities=(replace(maker, compromised_since=MOMENT),))
    assert refused("maker", ses.authority(), InputError, trust=stolen) == "PATH_AUTHORITY_COMPROMISED"
    later = replace(stolen, authorities=(replace(maker, compromised_since=MOMENT + 1),))
    after = {"trust": later, "existed": MOMENT + 1}
    assert refused("maker", ses.authority(), NotFoundError, **after) == "SEALS_COMPROMISED_SINCE"
    assert judges(trust=later).maker(ses.authority(), MOMENT) == ()  # type: ignore[misc]


def test_a_key_that_an_authority_certified_for_itself_is_not_believed_by_the_list_alone() -> None:
    """Who signed it could have revoked it."""
    maker, *_ = (a for a in s.trust().authorities if a.service == "sealMaker")
    alone = replace(s.trust(), authorities=(replace(maker, certificate=ses.successor()),))
    recognised = tuple(replace(r, authority=fingerprint(ses.successor())) for r in s.trust().recognitions)
    alone = replace(alone, recognitions=recognised)
    assert refused("maker", ses.successor(), NotFoundError, trust=alone) == "SEALS_ISSUER_UNLISTED"


def test_a_maker_is_no_authority_for_signers_nor_the_other_way_round() -> None:
    maker, ca = (tuple(a for a in s.trust().authorities if a.service == word) for word in ("sealMaker", "ca"))
    others = tuple(a for a in ca if a.certificate != ses.authority())
    signer = ses.party("signer").certificate
    assert refused("maker", s.MAKER, NotFoundError, trust=replace(s.trust(), authorities=ca)) == "SEALS_NO_AUTHORITY"
    only_makers = replace(s.trust(), authorities=maker)
    assert refused("signer", signer, NotFoundError, trust=only_makers) == "SEALS_NO_AUTHORITY"
    assert refused("signer", signer, NotFoundError, trust=replace(s.trust(), authorities=(*maker, *others))) == (
        "SEALS_PATH_NONE"
    )


def test_what_a_file_brings_along_is_judged_beside_what_is_at_hand() -> None:
    bare = judges(data=ValidationData((), (), ()))
    known = bare.knowing(ValidationData((), (ses.revocations(),), ()))
    assert known.maker is not None and known.maker(s.MAKER, MOMENT)
    assert refused("maker", s.MAKER, NotFoundError, data=ValidationData((), (), ())) == "REVOCATION_MISSING"


def test_the_stolen_key_of_another_changes_nothing() -> None:
    other = f.make_authority(certificate=f.certificate(f.ROOT).der, compromised_since=1)
    trust = replace(s.trust(), authorities=(*s.trust().authorities, other))
    assert judges(trust=trust).maker(s.MAKER, MOMENT)  # type: ignore[misc]
    elsewhere = replace(trust, compromised_signers=(s.stolen(1),))  # the signer's, not the maker's
    assert judges(trust=elsewhere).maker(s.MAKER, MOMENT)  # type: ignore[misc]
    assert refused("signer", ses.party("signer").certificate, InputError, trust=elsewhere) == "SIGNER_COMPROMISED"


def test_a_listed_maker_has_to_be_recognised_itself() -> None:
    listed = s.with_listed()
    unknown = tuple(r for r in listed.recognitions if r.authority != fingerprint(s.MAKER))
    assert judges(trust=listed).maker(s.MAKER, MOMENT)  # type: ignore[misc]
    assert refused("maker", s.MAKER, InputError, trust=replace(listed, recognitions=unknown)) == "PATH_NOT_RECOGNISED"


def test_of_several_paths_one_that_holds_is_enough_and_one_that_is_open_leaves_it_open() -> None:
    (maker,) = (a for a in s.trust().authorities if a.service == "sealMaker")
    renewed = replace(maker, certificate=ses.authority(ses.NOW + 901 * ses.DAY))  # which nobody recognised
    for both in ((maker, renewed), (renewed, maker)):
        trust = replace(s.trust(), authorities=both)
        assert judges(trust=trust).maker(s.MAKER, MOMENT)  # type: ignore[misc]
        bare = {"trust": trust, "data": ValidationData((), (), ())}
        assert refused("maker", s.MAKER, NotFoundError, **bare) == "REVOCATION_MISSING"


def test_a_key_that_is_listed_anew_and_granted_may_go_on() -> None:
    before = replace(s.with_listed().authorities[-1], certificate=s.BEFORE, states=s.WITHDRAWN)
    both = s.with_listed()
    assert judges(trust=replace(both, authorities=(*both.authorities, before))).maker(s.MAKER, MOMENT)  # type: ignore[misc]


def test_what_the_chain_has_taken_back_since_is_open() -> None:
    asked: list[Any] = []

    def taken_back(chain: tuple[bytes, ...], listed: bytes, times: Any) -> list[Finding]:
        asked.append((chain, listed, times.signature, times.anchored))
        return [undetermined("PATH_NOT_GRANTED_ON_CHAIN", authority="00", state="withdrawn", since=1)]

    for which, certificate in (("maker", s.MAKER), ("signer", ses.party("signer").certificate)):
        code = refused(which, certificate, NotFoundError, MOMENT - 1, shorten=taken_back)
        assert code == "PATH_NOT_GRANTED_ON_CHAIN"
        root = ses.authority()
        assert asked.pop() == ((certificate, root), fingerprint(root), MOMENT - 1, MOMENT)


def test_a_policy_that_wants_later_data_leaves_the_seal_open() -> None:
    final = replace(s.trust(), policies=(Policy("CN", "single", "optional", "final", 1),))
    crl = ses.revocations()
    early = {"trust": final, "data": ValidationData((), (crl,), ())}
    assert refused("maker", s.MAKER, NotFoundError, **early) == "REVOCATION_FINAL_WANTED"
    assert {finding.outcome for finding in judges().maker(s.MAKER, MOMENT)} == {Outcome.PASSED}  # type: ignore[misc]
    assert f.T > MOMENT


def test_certificates_and_lists_of_the_bundle_count_for_seals_in_its_files() -> None:
    honest = s.facts(seal_data=None)
    case = Case(honest, lambda *_: pytest.fail("no statement"), bundle=Bundle.from_bytes(honest.bundle))
    with pytest.raises(NotFoundError, match="REVOCATION_MISSING"):
        seal_judges(case).maker(s.MAKER, k.SIGNED)  # type: ignore[misc]
    assert case.bundle is not None
    case.bundle = replace(case.bundle, validation=s.LISTS)
    assert seal_judges(case).maker(s.MAKER, k.SIGNED)  # type: ignore[misc]


def test_a_policy_that_wants_later_data_wants_them_of_time_stamps_too() -> None:
    tsa = f.make_authority(name="时间戳", certificate=t.certificate(t.ROOT).der, service="tsa")
    trust = replace(s.trust(), authorities=(tsa,))
    data = ValidationData((t.certificate(t.ISSUING).der,), tuple(sorted((t.crl(t.ROOT), t.crl(t.ISSUING)))), ())
    token = t.tsa(t.STAMPER).stamp(b"seal", t.STAMPED)
    given = {"existed": t.STAMPED + 60, "data": data}
    judge = judges(trust=trust, **given).token
    assert judge is not None and judge(token, b"seal") == t.STAMPED
    final = replace(trust, policies=(Policy("CN", "single", "optional", "final", 1),))
    strict = judges(trust=final, **given).token
    with pytest.raises(NotFoundError, match="TIME_TOKEN_REVOCATION_PROVISIONAL"):
        strict(token, b"seal")  # type: ignore[misc]
    asked: list[Any] = []

    def taken_back(chain: Any, times: Any) -> list[Finding]:
        asked.append((times.signature, times.anchored))
        return [undetermined("TIME_TOKEN_NOT_GRANTED_ON_CHAIN", authority="00", state="withdrawn", since=1)]

    shortened = judges(trust=trust, shorten_token=taken_back, **given).token
    with pytest.raises(NotFoundError, match="TIME_TOKEN_NOT_GRANTED_ON_CHAIN"):
        shortened(token, b"seal")  # type: ignore[misc]
    assert asked[-1] == (t.STAMPED, t.STAMPED + 60)
