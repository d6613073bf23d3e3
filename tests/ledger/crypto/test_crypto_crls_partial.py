"""Lists that cover a part: what they say counts, what they do not say does not. And authorities that change keys."""

from __future__ import annotations

from typing import Any

import pytest
from crypto_kit import CA_USAGE, DAY, NOW, Chain, certificate, crl, entry, p256
from cryptography import x509

from ledger.core.bundles import ValidationData
from ledger.crypto.paths import CertificatePath, build_path
from ledger.crypto.revocation import RevocationVerdict, judge
from ledger.errors import InputError

CHAIN = Chain()
PATH = build_path(CHAIN.leaf, [CHAIN.issuing], [CHAIN.root], NOW)
ROOT_CRL = crl("Root", CHAIN.root_key)
Flags = x509.ReasonFlags
URL = [x509.UniformResourceIdentifier("http://crl.example/1.crl")]
STRANGE = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"), True


def reason(flag: x509.ReasonFlags) -> x509.CRLReason:
    return x509.CRLReason(flag)


def point(**changes: Any) -> tuple[x509.IssuingDistributionPoint, bool]:
    parts: dict[str, Any] = dict.fromkeys(("full_name", "relative_name", "only_some_reasons"))
    parts |= dict.fromkeys(("only_contains_user_certs", "only_contains_ca_certs"), False)
    parts |= dict.fromkeys(("indirect_crl", "only_contains_attribute_certs"), False)
    return x509.IssuingDistributionPoint(**(parts | changes)), True


def listed(instant: int = NOW - DAY, *extensions: x509.ExtensionType) -> tuple[x509.RevokedCertificate, ...]:
    return (entry(CHAIN.leaf, instant, *extensions),)


def whole(number: int = 5, **changes: Any) -> bytes:
    extensions = ((x509.CRLNumber(number), False), *changes.pop("extensions", ()))
    return crl("Issuing", CHAIN.issuing_key, **({"taken": NOW - 200} | changes), extensions=extensions)


def delta(number: int = 7, start: int = 5, **changes: Any) -> bytes:
    extensions = ((x509.DeltaCRLIndicator(start), True), *changes.pop("extensions", ()))
    return whole(number, **({"taken": NOW - 100} | changes), extensions=extensions)


def verdict(*crls: bytes, moment: int = NOW, path: CertificatePath = PATH, root: bytes = ROOT_CRL) -> RevocationVerdict:
    return judge(path, ValidationData((), (root, *crls), ()), moment)


# ---- delta lists (RFC 5280 section 5.2.4)


def test_a_delta_makes_a_list_that_has_run_out_current() -> None:
    old = whole(taken=NOW - 9 * DAY, until=NOW - 2 * DAY)
    assert verdict(old).code == "REVOCATION_EXPIRED"
    found = verdict(old, delta())
    assert (found.outcome, found.unused) == ("good", ())
    assert found.as_of == NOW - 100


def test_a_revocation_that_only_the_delta_has_is_not_passed_over() -> None:
    assert verdict(whole(), delta(revoked=listed())).outcome == "revoked"
    assert verdict(delta(revoked=listed())).outcome == "revoked"  # its base may have been left out on purpose


def test_a_hold_that_a_delta_lifts_stands_only_until_then() -> None:
    hold = whole(revoked=listed(NOW - DAY, reason(Flags.certificate_hold)))
    lifted = delta(revoked=listed(NOW - 150, reason(Flags.remove_from_crl)))
    assert verdict(hold).outcome == "revoked"
    assert verdict(hold, lifted).outcome == "good"
    assert verdict(hold, lifted, moment=NOW - 150).outcome == "revoked"


def test_a_hold_that_a_later_list_no_longer_names_was_lifted() -> None:
    hold = whole(revoked=listed(NOW - DAY, reason(Flags.certificate_hold)))
    later = whole(6, taken=NOW - 100)
    assert verdict(hold, later).outcome == "good"
    assert verdict(hold, later, moment=NOW - 150).outcome == "revoked"
    assert verdict(hold, whole(6, taken=NOW + DAY)).outcome == "revoked"  # it stood when the signature was made


def test_a_hold_is_lifted_by_a_list_that_is_younger_and_nothing_else() -> None:
    hold = whole(9, taken=NOW - 50, revoked=listed(NOW - DAY, reason(Flags.certificate_hold)))
    for taken in (NOW - DAY, NOW - 50):  # kept from before it, or made in the same second
        assert verdict(hold, whole(taken=taken)).outcome == "revoked"
    assert verdict(hold, whole(10, taken=NOW)).outcome == "good"
    dated_ahead = whole(10, taken=NOW, revoked=listed(NOW + DAY, reason(Flags.certificate_hold)))
    assert verdict(hold, dated_ahead).outcome == "revoked"


def test_a_delta_that_does_not_name_a_hold_lifts_none() -> None:
    hold = whole(revoked=listed(NOW - DAY, reason(Flags.certificate_hold)))
    assert verdict(hold, delta()).outcome == "revoked"
    again = delta(revoked=listed(NOW - 150, reason(Flags.certificate_hold)))
    assert verdict(hold, again).outcome == "revoked"


def test_nothing_but_a_hold_is_lifted_by_a_list_that_no_longer_names_it() -> None:
    stolen = whole(revoked=listed(NOW - DAY, reason(Flags.key_compromise)))
    assert verdict(stolen, whole(6, taken=NOW - 100)).outcome == "revoked"


@pytest.mark.parametrize(
    "other",
    [
        delta(start=6),  # begins after the base
        delta(number=5),  # no younger than the base
        delta(extensions=(point(only_contains_user_certs=True),)),  # of another scope
        delta(extensions=((x509.AuthorityKeyIdentifier(b"key", None, None), False),)),  # by another key
        delta(extensions=(STRANGE,)),
        crl("Issuing", CHAIN.issuing_key, extensions=((x509.DeltaCRLIndicator(5), True),)),  # without a number
    ],
)
def test_a_delta_completes_no_other_list(other: bytes) -> None:
    assert verdict(whole(taken=NOW - 9 * DAY, until=NOW - 2 * DAY), other).outcome == "unknown"


def test_a_delta_completes_no_list_that_has_no_number_or_something_unknown_in_it() -> None:
    unnumbered = crl("Issuing", CHAIN.issuing_key, taken=NOW - 9 * DAY, until=NOW - 2 * DAY)
    assert verdict(unnumbered, delta()).outcome == "unknown"
    assert verdict(whole(extensions=(STRANGE,)), delta()).code == "REVOCATION_SCOPE"


def test_two_deltas_complete_nothing() -> None:
    assert verdict(delta(), delta(8, 6)).code == "REVOCATION_SCOPE"


def test_a_delta_beside_a_list_of_another_distribution_point_completes_nothing() -> None:
    elsewhere = (point(full_name=URL),)
    assert verdict(whole(extensions=elsewhere), delta(extensions=elsewhere)).code == "REVOCATION_SCOPE"


# ---- lists of a part


@pytest.mark.parametrize(
    "part",
    [
        point(only_some_reasons=frozenset({Flags.key_compromise})),
        point(full_name=URL),
        point(only_contains_ca_certs=True),
    ],
)
def test_whom_a_partial_list_names_is_revoked_whatever_a_complete_one_leaves_out(part: Any) -> None:
    found = verdict(whole(), whole(6, extensions=(part,), revoked=listed()))
    assert (found.outcome, found.code) == ("revoked", "REVOCATION_REVOKED")
    alone = verdict(whole(6, extensions=(part,), revoked=listed(NOW + DAY), until=NOW + 3 * DAY))
    assert alone.outcome == "unknown"  # revoked since; of the time before, a part says nothing


def test_an_entry_that_lifts_a_hold_is_no_revocation() -> None:
    assert verdict(whole(), delta(9, 8, revoked=listed(NOW - 150, reason(Flags.remove_from_crl)))).outcome == "good"


def test_a_hold_that_only_a_part_or_a_delta_alone_names_stands_while_that_is_current() -> None:
    hold = listed(NOW - DAY, reason(Flags.certificate_hold))
    for part in (delta(9, 8, revoked=hold), whole(6, extensions=(point(full_name=URL),), revoked=hold)):
        assert verdict(whole(), part).outcome == "revoked"
        later = whole(10, taken=NOW - 50)
        assert verdict(later, part).outcome == "good"  # lifted since
    ended = delta(9, 8, revoked=hold, taken=NOW - 150, until=NOW - 1)
    assert verdict(whole(), ended).outcome == "good"


def test_an_indirect_list_may_name_another_authoritys_certificate_of_that_number() -> None:
    indirect = whole(6, extensions=(point(indirect_crl=True),), revoked=listed())
    assert verdict(whole(), indirect).outcome == "good"
    assert verdict(indirect).code == "REVOCATION_SCOPE"


def test_a_list_with_something_critical_and_unknown_says_nothing_even_of_whom_it_names() -> None:
    assert verdict(whole(6, extensions=(STRANGE,), revoked=listed())).code == "REVOCATION_SCOPE"


# ---- whose list it is


def names_key(key: Any) -> tuple[x509.AuthorityKeyIdentifier, bool]:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), False


def authority(subject: str, key: Any, issuer: str, issuer_key: Any) -> bytes:
    own = (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    return certificate(subject, key.public_key(), issuer, issuer_key, ca=True, key_usage=CA_USAGE, extensions=(own,))


OLD, NEW, OFFICE = p256(), p256(), p256()
ROOT = authority("Root", CHAIN.root_key, "Root", CHAIN.root_key)
LEAF = certificate("Office", OFFICE.public_key(), "Issuing", OLD)
RENEWED = build_path(LEAF, [authority("Issuing", OLD, "Root", CHAIN.root_key)], [ROOT], NOW)


def test_a_list_by_another_key_of_the_authoritys_name_is_passed_over() -> None:
    """Authorities renew their keys, and bring lists by each; neither is a forgery of the other."""
    namesake = crl("Issuing", NEW, extensions=(names_key(NEW),))
    own = crl("Issuing", OLD, extensions=(names_key(OLD),))
    found = verdict(own, namesake, path=RENEWED)
    assert (found.outcome, found.unused) == ("good", (namesake,))
    assert verdict(namesake, path=RENEWED).code == "REVOCATION_MISSING"


def test_a_list_may_name_its_key_by_the_issuer_and_number_of_a_certificate_alone() -> None:
    named = x509.AuthorityKeyIdentifier(None, [x509.DirectoryName(x509.Name([]))], 5), False
    assert verdict(crl("Issuing", OLD, extensions=(named,)), path=RENEWED).outcome == "good"


def test_a_list_that_names_the_authoritys_key_and_is_not_signed_by_it_is_forged() -> None:
    for named in ((), (names_key(OLD),)):
        with pytest.raises(InputError, match="REVOCATION_CRL_SIGNATURE"):
            verdict(crl("Issuing", NEW, extensions=named), path=RENEWED)


@pytest.mark.parametrize(("lower", "upper"), [(OLD, NEW), (NEW, OLD)])
def test_an_authority_that_changed_its_key_signs_lists_by_either(lower: Any, upper: Any) -> None:
    leaf = certificate("Office", OFFICE.public_key(), "Issuing", lower)
    others = [authority("Issuing", lower, "Issuing", upper), authority("Issuing", upper, "Root", CHAIN.root_key)]
    path = build_path(leaf, others, [ROOT], NOW)
    assert len(path.certificates) == 4
    assert verdict(crl("Issuing", upper), path=path).outcome == "good"  # which names no key
    named = (names_key(upper),)
    assert verdict(crl("Issuing", upper, extensions=named), path=path).outcome == "good"
    assert verdict(crl("Issuing", upper, extensions=named, revoked=(entry(leaf, NOW - 5),)), path=path).values == {
        "position": 0,
        "revoked": NOW - 5,
        "reason": "unspecified",
    }


def test_an_authority_of_the_same_name_with_another_between_is_not_the_same() -> None:
    """Nothing says that both keys are one authority's."""
    root = authority("Issuing", NEW, "Issuing", NEW)
    others = [
        authority("Issuing", OLD, "Middle", CHAIN.issuing_key),
        authority("Middle", CHAIN.issuing_key, "Issuing", NEW),
    ]
    path = build_path(LEAF, others, [root], NOW)
    lists = crl("Issuing", NEW, extensions=(names_key(NEW),)), crl("Middle", CHAIN.issuing_key)
    assert verdict(*lists, path=path).code == "REVOCATION_MISSING"


def test_names_are_compared_as_those_of_certificates_whatever_their_case_and_spaces() -> None:
    assert verdict(crl(" ISSUING ", CHAIN.issuing_key)).outcome == "good"
