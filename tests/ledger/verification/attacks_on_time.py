"""Attacks on the time-stamp token of a signature."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import bundle_factory as f
import time_factory as t
from attack_list import OPEN, attack

from ledger.core.trust_lists import DatedState
from ledger.core.verdicts import Step
from ledger.crypto.cms import verify_detached
from ledger.verification.facts import Facts

THEFT = f.T - 5  # after the token, before the anchor


@attack(Step.TIME, "TIME_TOKEN_MISSING", OPEN)
def a_token_taken_off() -> Facts:
    return t.facts(t.promised(validation=f.validation()))


@attack(Step.TIME, "TIME_TOKEN_SURPLUS")
def a_token_that_nobody_promised() -> Facts:
    return t.facts(t.stamped(f.issue()))


@attack(Step.TIME, "TIME_TOKEN_REFUSED")
def a_token_over_another_signature() -> Facts:
    return t.facts(t.with_token(t.stamped(), t.tsa().stamp(b"another signature", t.STAMPED)))


@attack(Step.TIME, "TIME_TOKEN_REFUSED")
def a_token_with_a_chain_that_nobody_reads() -> Facts:
    honest = t.stamped()
    signature = verify_detached(honest.signatures[0], honest.manifest.to_bytes()).signature
    certificates = [t.certificate(t.STAMPER).der, t.certificate(t.ISSUING).der]
    return t.facts(t.with_token(honest, t.tsa(certificates=certificates).stamp(signature, t.STAMPED)))


@attack(Step.TIME, "TIME_TOKEN_PATH_REFUSED", OPEN)
def a_token_of_an_authority_that_nobody_lists() -> Facts:
    return t.facts(t.stamped(t.promised(validation=f.validation()), by=t.tsa(t.RIVAL)))


@attack(Step.TIME, "TIME_TOKEN_PATH_REFUSED", OPEN)
def a_token_under_an_authority_that_certifies_signers_only() -> Facts:
    return t.facts(trust=t.trust(t.authority(service="ca")))


@attack(Step.TIME, "TIME_TOKEN_PATH_REFUSED", OPEN)
def a_token_without_the_certificate_above_it() -> Facts:
    return t.facts(t.stamped(t.promised(validation=t.validation(certificates=()))))


@attack(Step.TIME, "TIME_TOKEN_AUTHORITY_NOT_GRANTED")
def a_token_of_an_authority_struck_from_the_list() -> Facts:
    states = (DatedState("granted", f.T - 10**6), DatedState("withdrawn", t.STAMPED - 1))
    return t.facts(trust=t.trust(t.authority(states=states)))


@attack(Step.TIME, "TIME_TOKEN_AUTHORITY_NOT_GRANTED")
def a_token_of_one_struck_from_the_list_on_which_another_stands() -> Facts:
    struck = t.authority(states=(DatedState("withdrawn", f.T - 10**6),))
    return t.facts(trust=t.trust(struck, t.authority(t.RIVAL)))


def _by_the_rival(**changes: Any) -> Facts:
    """A token of an authority that issued its own certificate and is listed by it, changed as told."""
    bundle = t.stamped(t.promised(validation=f.validation()), by=t.tsa(t.RIVAL))
    return t.facts(bundle, trust=t.trust(t.authority(t.RIVAL, **changes)))


@attack(Step.TIME, "TIME_TOKEN_AUTHORITY_NOT_GRANTED")
def a_token_of_one_under_nobody_who_was_struck_from_the_list() -> Facts:
    return _by_the_rival(states=(DatedState("granted", f.T - 10**6), DatedState("suspended", t.STAMPED)))


@attack(Step.TIME, "TIME_TOKEN_AUTHORITY_COMPROMISED")
def a_token_of_one_under_nobody_whose_key_was_stolen() -> Facts:
    return _by_the_rival(compromised_since=t.STAMPED)


@attack(Step.TIME, "TIME_TOKEN_AUTHORITY_NOT_GRANTED")
def a_token_of_one_struck_from_the_list_who_comes_back_as_anothers_subordinate() -> Facts:
    struck = t.authority(t.ISSUING, states=(DatedState("granted", f.T - 10**6), DatedState("withdrawn", t.STAMPED)))
    return t.facts(trust=t.trust(t.authority(), struck))


@attack(Step.TIME, "TIME_TOKEN_AUTHORITY_NOT_GRANTED")
def a_token_of_one_struck_from_the_list_who_has_the_key_certified_anew() -> Facts:
    earlier = t.certificate(t.STAMPER, f.T - 200 * 86_400).der
    struck = t.authority(certificate=earlier, states=(DatedState("withdrawn", f.T - 10**6),))
    return t.facts(trust=t.trust(t.authority(), struck))


@attack(Step.TIME, "TIME_TOKEN_AUTHORITY_COMPROMISED")
def a_token_of_a_stolen_key() -> Facts:
    return t.facts(trust=t.trust(t.authority(compromised_since=t.STAMPED)))


@attack(Step.TIME, "TIME_TOKEN_AUTHORITY_COMPROMISED", OPEN)
def a_token_that_a_thief_may_have_dated_back() -> Facts:
    return t.facts(trust=t.trust(t.authority(compromised_since=THEFT)))


@attack(Step.TIME, "TIME_TOKEN_REVOKED")
def a_token_of_a_revoked_authority() -> Facts:
    lists = t.validation(t.crl(t.ROOT), t.crl(t.ISSUING, revoked=t.STAMPED - 1))
    return t.facts(t.stamped(t.promised(validation=lists)))


@attack(Step.TIME, "TIME_TOKEN_REVOKED", OPEN)
def a_token_of_a_key_stolen_before_the_anchor() -> Facts:
    lists = t.validation(t.crl(t.ROOT), t.crl(t.ISSUING, f.T + 10, THEFT, "key_compromise"))
    return t.facts(t.stamped(t.promised(validation=lists)))


@attack(Step.TIME, "TIME_TOKEN_REVOCATION_OPEN", OPEN)
def a_token_whose_authority_may_be_revoked() -> Facts:
    return t.facts(t.stamped(t.promised(validation=t.validation(t.crl(t.ROOT)))))


@attack(Step.TIME, "TIME_TOKEN_REVOCATION_REFUSED")
def a_list_in_the_authority_s_name_that_it_did_not_sign() -> Facts:
    forged = bytearray(t.crl(t.ISSUING))
    forged[-1] ^= 1
    return t.facts(t.stamped(t.promised(validation=t.validation(t.crl(t.ROOT), bytes(forged)))))


@attack(Step.TIME, "TIME_TOKEN_ORDER")
def a_token_from_before_the_manifest() -> Facts:
    return t.facts(t.stamped(time=f.T - 60 - 121))


@attack(Step.TIME, "TIME_TOKEN_ORDER")
def a_token_from_after_the_anchor() -> Facts:
    return t.facts(t.stamped(time=f.T + 121))


@attack(Step.TIME, "TIME_TOKEN_INACCURATE", OPEN)
def a_token_that_may_be_hours_off() -> Facts:
    return t.facts(t.stamped(accuracy=b"\x30\x04\x02\x02\x0e\x10"))


@attack(Step.TIME, "TIME_TOKEN_NOT_INDEPENDENT", OPEN)
def a_token_of_the_issuer_s_own_authority() -> Facts:
    policies = (f.make_policy(token="independent"),)
    return t.facts(trust=t.trust(t.authority(provider=f.OFFICE_A), policies=policies))


@attack(Step.TIME, "TIME_TOKEN_PROVIDER_UNKNOWN", OPEN)
def a_token_of_who_knows_whom() -> Facts:
    return t.facts(trust=t.trust(policies=(f.make_policy(token="independent"),)))


@attack(Step.TIME, "TIME_TOKEN_REVOCATION_PROVISIONAL", OPEN, alone=False)
def data_about_the_authority_from_before_the_token() -> Facts:
    return t.facts(trust=t.trust(policies=(f.make_policy(revocation="final"),)))


@attack(Step.TIME, "TIME_TOKEN_ISSUER_UNLISTED", OPEN)
def a_list_of_an_issuer_that_the_trust_file_does_not_have() -> Facts:
    return t.facts(trust=t.trust(t.authority(t.STAMPER)))


@attack(Step.TIME, "TIME_TOKEN_CERTIFICATE_DATES")
def a_token_from_before_its_certificate() -> Facts:
    late = t.certificate(t.RIVAL, since=t.STAMPED + 1)
    rival = t.Tsa(late.key, late.der)
    listed = replace(t.authority(t.RIVAL), certificate=late.der)
    return t.facts(t.stamped(t.promised(validation=f.validation()), by=rival), trust=t.trust(listed))


@attack(Step.PATH, "PATH_CERTIFICATE_UNUSED")
def a_certificate_that_neither_signer_nor_token_needs() -> Facts:
    extra = (t.certificate(t.ISSUING).der, f.certificate(f.STRANGER).der)
    return t.facts(t.stamped(t.promised(validation=t.validation(certificates=extra))))


@attack(Step.REVOCATION, "REVOCATION_UNUSED")
def a_list_that_neither_signer_nor_token_needs() -> Facts:
    lists = t.validation(t.crl(t.ROOT), t.crl(t.ISSUING), f.crl(f.STRANGER))
    return t.facts(t.stamped(t.promised(validation=lists)))
