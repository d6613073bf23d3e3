"""Suites gm and dual: two trees, two digests, two signatures, and no way to make do with half of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import authority_factory
import bundle_factory as f
import orjson
import pytest
import time_factory as t
from authority_factory import ISSUING, ROOT, SECOND_ISSUING, SECOND_ROOT, Certificate
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from sm2_signing import signed_again
from test_verification_removal import places, taken_out
from timestamp_kit import Tsa

from ledger.core import canonical
from ledger.core.bundles import Bundle, ValidationData
from ledger.core.disclosures import claim
from ledger.core.keys import RecordKey
from ledger.core.manifests import Expects
from ledger.core.registries import Reason, State, Suite
from ledger.core.trust_lists import Authority
from ledger.core.verdicts import Indication, Outcome
from ledger.crypto import der, sm2
from ledger.crypto.algorithms import sign_raw
from ledger.crypto.certificates import fingerprint
from ledger.errors import InputError
from ledger.verification import verify
from ledger.verification.batch import prove_batch
from ledger.verification.report import Report

PASSED, FAILED, OPEN = Indication.TOTAL_PASSED, Indication.TOTAL_FAILED, Indication.INDETERMINATE
SECRET = b"\x05" * 32
OFFICE = "Office SM2"
PARENTS = {SECOND_ROOT: SECOND_ROOT, SECOND_ISSUING: SECOND_ROOT, OFFICE: SECOND_ISSUING}
KEYS = {name: sm2.generate() for name in PARENTS}


def spki(key: Any) -> bytes:
    return bytes(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def national(name: str) -> Certificate:
    """The certificate with an SM2 key, issued by SM2."""
    held, key = authority_factory.certificate(name, SECOND_ISSUING), KEYS[name]
    return Certificate(key, signed_again(held.der, KEYS[PARENTS[name]], spki(held.key), spki(key)))  # type: ignore[arg-type]


def half_national(held: Certificate, above: Certificate) -> Certificate:
    """An SM2 key that an authority of P-256 certified."""
    key = KEYS[OFFICE]
    signed, algorithm, _ = der.read(held.der, der.SEQUENCE).children()
    old, new = spki(held.key), spki(key)
    content = der.write(der.SEQUENCE, *(new if field.outer == old else field.outer for field in signed.children()))
    signature = der.write(der.BIT_STRING, b"\0", sign_raw(above.key, content))
    return Certificate(key, der.write(der.SEQUENCE, content, algorithm.outer, signature))  # type: ignore[arg-type]


SM2 = {name: national(name) for name in PARENTS}
EC = authority_factory.leaf("A")
BOTH = (SM2[OFFICE], EC)


def validation(*signers: Certificate) -> ValidationData:
    """Of the SM2 authorities, of the P-256 ones, or of both."""
    certificates, crls = set(), set()
    if SM2[OFFICE] in signers:
        certificates.add(SM2[SECOND_ISSUING].der)
        crls |= {signed_again(authority_factory.crl(name), KEYS[name]) for name in (SECOND_ROOT, SECOND_ISSUING)}
    if any(signer is not SM2[OFFICE] for signer in signers):
        certificates.add(authority_factory.certificate(ISSUING).der)
        crls |= {authority_factory.crl(name) for name in (ROOT, ISSUING)}
    return ValidationData(tuple(sorted(certificates)), tuple(sorted(crls)), ())


def trust() -> Any:
    known = f.make_trust()
    own = known.authorities[0]
    both: tuple[Authority, ...] = (own, replace(own, certificate=SM2[SECOND_ROOT].der, name="国密根"))
    recognised = [replace(r, authority=fingerprint(a.certificate)) for r in known.recognitions for a in both]
    return replace(known, authorities=both, recognitions=tuple(recognised))


def make(suite: Suite, **changes: Any) -> Bundle:
    signers = changes.pop("signers", BOTH if suite is Suite.DUAL else (SM2[OFFICE],))
    changes.setdefault("validation", validation(*signers))
    record = changes.pop("record", None) or f.make_record(suite=suite)
    return f.issue(record, signers=signers, **changes)


def judge(bundle: Bundle | bytes) -> Report:
    return verify(f.facts(bundle, trust=trust()))


def codes(report: Report, outcome: Outcome = Outcome.FAILED) -> set[str]:
    return {finding.code for step in report.steps for finding in step.findings if finding.outcome is outcome}


@pytest.mark.parametrize("suite", [Suite.GM, Suite.DUAL])
def test_an_honest_license_passes_and_both_chains_are_named(suite: Suite) -> None:
    bundle = f.stapled(make(suite))
    assert Bundle.from_bytes(bundle.to_bytes()) == bundle
    report = judge(bundle)
    assert report.indication is PASSED, report.detailed("en")
    shown = {line["topic"]: line for line in report.to_json()["chains"]}
    assert shown["nationalChain"]["code"] == "LINE_NATIONAL_CHAIN_BLOCK_TIME"
    assert shown["ledgerChain"]["code"] == "LINE_LEDGER_CHAIN_YES"
    assert all(line["zh"] and line["en"] and "{" not in line["zh"] + line["en"] for line in shown.values())


def stamped(tsa: Tsa, **info: Any) -> Report:
    """A license in gm with a token by an authority that issued its own certificate and is listed by it."""
    bundle = t.stamped(make(Suite.GM, manifest={"expects": Expects(1, True)}), by=tsa, **info)
    known = trust()
    known = replace(known, authorities=(*known.authorities, t.authority(certificate=tsa.certificate)))
    return verify(f.facts(f.stapled(bundle), trust=known))


def test_a_time_stamp_over_a_national_signature_is_national_throughout() -> None:
    held, key = t.certificate(t.RIVAL), sm2.generate()
    by_sm2 = Tsa(key, signed_again(held.der, key, spki(held.key), spki(key)))
    report = stamped(by_sm2, digest="sm3")
    assert report.indication is PASSED, report.detailed("en")
    assert {line["code"] for line in report.to_json()["chains"]} >= {"LINE_NATIONAL_CHAIN_YES"}
    for tsa, digest in ((by_sm2, "sha256"), (t.tsa(t.RIVAL), "sm3"), (t.tsa(t.RIVAL), "sha256")):
        refused = stamped(tsa, digest=digest)
        assert refused.indication is FAILED
        (finding,) = [x for step in refused.steps for x in step.findings if x.code == "TIME_TOKEN_REFUSED"]
        assert finding.values["cause"] == "TIMESTAMP_SUITE"


def test_a_time_stamp_under_an_authority_that_is_not_national_is_none_either() -> None:
    half = half_national(t.certificate(t.STAMPER), t.certificate(t.ISSUING))
    own, beside = validation(SM2[OFFICE]), t.validation()
    both = ValidationData(
        tuple(sorted({*own.certificates, t.certificate(t.ISSUING).der})),
        tuple(sorted({*own.crls, *(crl for crl in beside.crls if crl not in f.validation().crls)})),
        (),
    )
    bundle = t.stamped(
        make(Suite.GM, manifest={"expects": Expects(1, True)}, validation=both),
        by=Tsa(half.key, half.der),
        digest="sm3",
    )
    known = trust()
    report = verify(f.facts(f.stapled(bundle), trust=replace(known, authorities=(*known.authorities, t.authority()))))
    assert report.indication is PASSED, report.detailed("en")
    assert report.chains[0].code == "LINE_NATIONAL_CHAIN_MIXED"


def test_a_status_in_a_suite_of_its_own_still_counts() -> None:
    base = make(Suite.GM)
    statement = f.make_statement(base.record, State.REVOKED, f.T + 30, Reason.CANCELLED)
    entry = f.entry_for(statement, State.REVOKED, f.T + 30, Reason.CANCELLED)
    report = judge(replace(base, state=f.make_state(base, [entry], [statement])))
    assert report.cause_code == "STATUS_REVOKED"
    assert report.headline.value == "noLongerInForce"


def test_a_record_of_the_international_suite_names_no_chains() -> None:
    assert verify(f.facts(f.stapled())).chains == ()


# ---- two roots, two truths ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suite", [Suite.GM, Suite.DUAL])
def test_another_record_at_the_place_in_the_second_tree(suite: Suite) -> None:
    other = f.make_record(suite=suite, type="food-license")
    report = judge(f.stapled(make(suite, in_sm3=other)))
    assert (report.indication, report.cause_code) == (FAILED, "INCLUSION_SM3_ROOT_DIFFERS")
    assert report.chains[0].outcome is Outcome.FAILED


def test_the_second_root_of_another_tree() -> None:
    report = judge(f.stapled(make(Suite.GM, manifest={"root_sm3": b"\x07" * 32})))
    assert report.cause_code == "INCLUSION_SM3_ROOT_DIFFERS"


def test_the_two_paths_exchanged() -> None:
    honest = f.stapled(make(Suite.DUAL))
    way = honest.inclusion
    assert way.path_sm3 is not None
    swapped = replace(way, path=way.path_sm3, path_sm3=way.path)
    assert judge(replace(honest, inclusion=swapped)).cause_code == "INCLUSION_ROOT_DIFFERS"
    twice = replace(way, path_sm3=way.path)
    assert judge(replace(honest, inclusion=twice)).cause_code == "INCLUSION_SM3_ROOT_DIFFERS"
    short = replace(way, path_sm3=way.path_sm3[:-1])
    assert judge(replace(honest, inclusion=short)).cause_code == "INCLUSION_SM3_PATH_REFUSED"


def test_a_path_for_each_root_and_no_more() -> None:
    dual, intl = f.stapled(make(Suite.DUAL)), f.stapled()
    without = replace(dual, inclusion=replace(dual.inclusion, path_sm3=None))
    beyond = replace(intl, inclusion=replace(intl.inclusion, path_sm3=intl.inclusion.path))
    for bundle in (without, beyond):
        assert judge(bundle).cause_code == "CONTAINER_REFUSED"


# ---- digests of claims ----------------------------------------------------------------------------------------------


def test_a_value_that_opens_only_one_of_two_digests() -> None:
    honest = f.make_record(suite=Suite.DUAL)
    lie = claim(RecordKey(SECRET), f.CLAIMS | {"name": "李四"}, Suite.DUAL).claims["name"]
    true = honest.claims["name"]
    assert isinstance(true, list) and isinstance(lie, list)
    for mixed in ([true[0], lie[1]], [lie[0], true[1]], [true[1], true[0]]):
        record = replace(honest, claims=honest.claims | {"name": mixed})
        assert judge(f.stapled(make(Suite.DUAL, record=record))).cause_code == "DISCLOSURE_DIFFERS"


@pytest.mark.parametrize("suite", [Suite.GM, Suite.DUAL])
def test_digests_of_another_suite_are_no_claims(suite: Suite) -> None:
    honest = f.make_record(suite=suite)
    for other in set(Suite) - {suite}:
        claims = claim(RecordKey(SECRET), f.CLAIMS, other).claims
        bundle = f.stapled(make(suite, record=replace(honest, claims=claims)))
        assert judge(bundle).indication is FAILED


# ---- suites that differ ---------------------------------------------------------------------------------------------


def test_record_manifest_and_event_are_of_one_suite() -> None:
    gm = f.make_record(suite=Suite.GM)
    in_dual = make(Suite.GM, record=gm, signers=BOTH, manifest={"suite": Suite.DUAL})
    assert "BINDING_SUITE_MANIFEST" in codes(judge(f.stapled(in_dual)))
    plain = f.issue(manifest={"suite": Suite.GM, "root_sm3": b"\x07" * 32})
    path = replace(plain.inclusion, path_sm3=plain.inclusion.path)
    assert "BINDING_SUITE_MANIFEST" in codes(judge(f.stapled(replace(plain, inclusion=path))))
    for event, code in (
        ({"suite": 1}, "BINDING_SUITE_EVENT"),
        ({"suite": 3}, "BINDING_SUITE_EVENT"),
        ({"manifest_sm3": bytes(32)}, "BINDING_SM3_EVENT"),
        ({"manifest_sm3": b"\x01" * 32}, "BINDING_SM3_EVENT"),
    ):
        assert judge(f.stapled(make(Suite.GM, event=event))).cause_code == code


# ---- signatures -----------------------------------------------------------------------------------------------------


def test_gm_takes_sm2_alone() -> None:
    report = judge(f.stapled(make(Suite.GM, signers=(EC,))))
    assert report.cause_code == "SIGNATURE_REFUSED"
    assert report.cause_finding is not None
    assert report.cause_finding.values["cause"] == "SIGNATURE_SUITE"


@pytest.mark.parametrize("signers", [(EC, SM2[OFFICE]), (SM2[OFFICE], SM2[OFFICE])], ids=["exchanged", "twice SM2"])
def test_dual_takes_sm2_first_and_an_international_one_second(signers: tuple[Certificate, ...]) -> None:
    report = judge(f.stapled(make(Suite.DUAL, signers=signers)))
    assert report.indication is FAILED
    assert "SIGNATURE_REFUSED" in codes(report)


@pytest.mark.parametrize("gone", [0, 1])
def test_one_of_two_signatures_taken_away_is_open_and_never_passes(gone: int) -> None:
    honest = f.stapled(make(Suite.DUAL))
    kept = tuple(cms for at, cms in enumerate(honest.signatures) if at != gone)
    report = judge(replace(honest, signatures=kept))
    assert report.indication is not PASSED
    assert "SIGNATURE_MISSING" in codes(report, Outcome.UNDETERMINED)
    assert not any(line.outcome is Outcome.PASSED for line in report.chains[:1])


def test_one_wrong_signature_of_two_fails() -> None:
    honest, other = f.stapled(make(Suite.DUAL)), f.stapled(make(Suite.DUAL, others=5))
    for at in (0, 1):
        mixed = tuple((other if at == n else honest).signatures[n] for n in (0, 1))
        assert judge(replace(honest, signatures=mixed)).cause_code == "SIGNATURE_REFUSED"


def test_dual_cannot_be_made_international_by_dropping_the_national_parts() -> None:
    """Manifest, record and signatures as a careless verifier might take them: what was signed says otherwise."""
    honest = f.stapled(make(Suite.DUAL))
    manifest = replace(honest.manifest, suite=Suite.INTL, root_sm3=None, expects=Expects(1, False))
    claims = {name: both[0] for name, both in honest.record.claims.items()}
    record = replace(honest.record, suite=Suite.INTL, claims=claims)
    bare = replace(honest.inclusion, path_sm3=None)
    for lie in (
        replace(honest, manifest=manifest, inclusion=bare, signatures=honest.signatures[1:]),
        replace(honest, manifest=manifest, inclusion=bare, signatures=honest.signatures[1:], record=record),
        replace(honest, record=record),
        replace(honest, manifest=replace(honest.manifest, expects=Expects(1, False))),
    ):
        assert judge(lie).indication is FAILED


def test_a_national_key_that_an_international_authority_certified() -> None:
    """The record is genuine; that its chain were complete in national algorithms is not said."""
    report = judge(
        f.stapled(
            make(
                Suite.GM,
                signers=(half_national(authority_factory.leaf("half"), authority_factory.certificate(ISSUING)),),
            )
        )
    )
    assert report.indication is PASSED, report.detailed("en")
    assert (report.chains[0].code, report.chains[0].outcome) == ("LINE_NATIONAL_CHAIN_MIXED", Outcome.UNDETERMINED)
    assert "ecdsa-p256-sha256" in report.chains[0].text("en")


# ---- many records ---------------------------------------------------------------------------------------------------


def test_each_record_of_a_proved_batch_needs_both_paths() -> None:
    bundle = make(Suite.GM)
    proved = prove_batch(f.facts(bundle, trust=trust()))
    record, way = bundle.record.to_bytes(), bundle.inclusion
    assert proved.check(record, way.index, way.path, way.path_sm3) == bundle.record.leaf()
    for second in (None, way.path, ()):
        with pytest.raises(InputError):
            proved.check(record, way.index, way.path, second)
    other = f.make_record(suite=Suite.DUAL).to_bytes()
    with pytest.raises(InputError) as caught:
        proved.check(other, way.index, way.path, way.path_sm3)
    assert caught.value.code == "BATCH_RECORD_REFUSED"


def test_nothing_can_be_taken_out_of_the_national_parts() -> None:
    tree = orjson.loads(HONEST.to_bytes())
    parts = ("record", "inclusion", "manifest", "signatures")
    chosen = [path for path in places(tree) if path[0] in parts]
    assert len(chosen) > 40
    for path in chosen:
        assert judge(canonical.encode(taken_out(tree, path), canonical.BUNDLE_LIMITS)).indication is not PASSED, path


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_a_flipped_character_never_passes(data: st.DataObject) -> None:
    honest = HONEST.to_bytes()
    at = data.draw(st.integers(0, len(honest) - 1))
    changed = bytes([*honest[:at], honest[at] ^ 1, *honest[at + 1 :]])
    assert judge(changed).indication is not PASSED


HONEST = f.stapled(make(Suite.DUAL))
