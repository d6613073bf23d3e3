"""Ten authorities, one person, one identity; and whoever must not get in does not, each with its code."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from login_kit import HALL, HERE, LI, ZHANG, Door, People, log, open_door, recognition, refused
from pki_kit import CAS, DAY, NOW, YEAR
from pki_kit import OFFICE as COMPANY

from ledger.core.trust_lists import DatedState
from ledger.errors import InputError, UnavailableError
from ledger.outside.demo_pki import plan
from ledger.outside.fetching import Fetcher
from ledger.outside.file_revocation import FileRevocation
from ledger.outside.revocation_cache import RecentAnswers
from ledger.outside.revocation_client import RevocationClient

SECOND = "ca-a" if "ca-a" in CAS else "ca-h"
"""An authority of another algorithm than ca-e's RSA."""


# ---- one identity -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ca", CAS)
def test_a_person_has_one_identity_whoever_issued_the_certificate(door: Door, people: People, ca: str) -> None:
    known, _ = door.enter(people("ca-e"))
    row, token = door.enter(people(ca))
    assert (row.subject, row.kind) == (known.subject, "person")
    assert row.authority == recognition(door.rules.pki, ca).authority
    assert door.login.introspect(HALL, token) == row
    entry = log(door)[-1]
    assert (entry["act"], entry["who"]) == ("login.open", f"subject:{row.subject.hex()}")
    assert (entry["after"]["authority"], entry["at"]) == (row.authority.hex(), NOW + 1)


def test_another_person_has_another_identity_and_so_has_another_ledger(door: Door, people: People) -> None:
    rows = [door.enter(people(ca, LI))[0] for ca in ("ca-e", SECOND)]
    assert rows[0].subject == rows[1].subject != door.enter(people("ca-e"))[0].subject


def test_the_way_in_which_an_authority_writes_the_number_is_no_part_of_the_identity(door: Door, people: People) -> None:
    plain = door.enter(people("ca-e"))[0].subject
    for number, attribute in ((f"SF{ZHANG}", "serial-number"), (f"IDCCN-{ZHANG}", "serial-number")):
        assert door.enter(people("ca-e", number, attribute))[0].subject == plain


def test_a_company_is_known_by_its_credit_code_as_by_the_organisation_code_within(door: Door, people: People) -> None:
    row, _ = door.enter(people("ca-e", COMPANY, "organization-identifier"), subject="organisation")
    older, _ = door.enter(people(SECOND, COMPANY[8:17], "organization-identifier"), subject="organisation")
    assert (row.kind, row.subject) == ("organisation", older.subject)


def test_a_certificate_of_another_kind_of_subject_is_refused(door: Door, people: People) -> None:
    assert refused(door, people("ca-e"), subject="organisation") == "IDENTITY_NONE"
    assert refused(door, people("ca-e", COMPANY, "organization-identifier")) == "IDENTITY_NONE"
    assert refused(door, people("ca-e", "440106199001011236")) == "IDENTITY_NONE"  # its check is wrong


def test_no_number_is_in_rows_or_log_or_sessions(door: Door, people: People) -> None:
    row, token = door.enter(people("ca-e"))
    shown = repr((row, token, log(door), door.world.app.login_key))
    assert ZHANG not in shown
    assert row.subject.hex() in shown
    database = door.world.home / "rows.db"
    assert ZHANG.encode() not in b"".join(f.read_bytes() for f in database.parent.glob("rows.db*"))


# ---- who is refused -----------------------------------------------------------------------------------------


def validity(since: int, until: int) -> dict[str, str]:
    return {"valid-from": plan.iso(since), "valid-to": plan.iso(until)}


def usages(usage: str, *extended: str) -> dict[str, Any]:
    smart = {"schema": "key-usage", "params": [usage]}
    found: list[dict[str, Any]] = [{"id": "key_usage", "critical": True, "smart-value": smart}]
    return {"extensions": [*found, *([{"id": "extended_key_usage", "value": list(extended)}] if extended else [])]}


CERTIFICATES: dict[str, tuple[dict[str, Any], str]] = {
    "revoked": ({"revoked": True}, "LOGIN_REVOKED"),
    "expired": ({"validity": validity(NOW - YEAR, NOW - DAY)}, "PATH_EXPIRED"),
    "not yet valid": ({"validity": validity(NOW + DAY, NOW + YEAR)}, "PATH_NOT_YET_VALID"),
    "for encryption": (usages("key_encipherment"), "PATH_KEY_USAGE"),
    "for servers": (usages("digital_signature", "server_auth"), "PATH_PURPOSE"),
}


@pytest.mark.parametrize("name", CERTIFICATES)
def test_a_certificate_that_does_not_stand_now_lets_nobody_in(door: Door, people: People, name: str) -> None:
    changed, code = CERTIFICATES[name]
    person = people("ca-h", **changed)
    door.rules.publish("ca-h")
    assert refused(door, person) == code


def test_a_certificate_for_clients_alone_will_do(door: Door, people: People) -> None:
    assert door.enter(people("ca-h", **usages("digital_signature", "client_auth")))


def test_a_revoked_authority_between_is_revoked(door: Door, people: People) -> None:
    person = people("ca-g", issuer="second")
    door.rules.publish("ca-g")
    extra = door.rules.folder / "ca-g" / "crls" / "second.crl"
    extra.write_bytes(door.rules.pki.crl("ca-g", "second"))
    assert refused(door, person) == "LOGIN_REVOKED"


def changed_authority(door: Door, ca: str, **changed: Any) -> None:
    listed = tuple(replace(a, **changed) if a.name == ca else a for a in door.rules.trust.authorities)
    door.rules.trust = replace(door.rules.trust, authorities=listed)


def changed_recognition(door: Door, ca: str, **changed: Any) -> None:
    own = recognition(door.rules.pki, ca).authority
    listed = tuple(replace(r, **changed) if r.authority == own else r for r in door.rules.trust.recognitions)
    door.rules.trust = replace(door.rules.trust, recognitions=listed)


def test_what_the_trust_file_says_of_the_authority_decides(door: Door, people: People) -> None:
    person, trust = people("ca-e"), door.rules.trust
    cases: list[tuple[Any, dict[str, Any], str]] = [
        (changed_recognition, {"purpose": "license"}, "PATH_NOT_RECOGNISED"),
        (changed_recognition, {"jurisdiction": "CN-320100"}, "PATH_NOT_RECOGNISED"),
        (changed_recognition, {"since": NOW + 2}, "PATH_RECOGNISED_LATER"),
        (changed_recognition, {"until": NOW + 1}, "PATH_RECOGNITION_ENDED"),
        (changed_recognition, {"level": 1}, "PATH_LEVEL_TOO_LOW"),
        (changed_authority, {"states": (DatedState("granted", 1), DatedState("suspended", NOW))},
         "PATH_AUTHORITY_NOT_GRANTED"),
        (changed_authority, {"states": (DatedState("granted", NOW + 2),)}, "PATH_AUTHORITY_NOT_GRANTED"),
        (changed_authority, {"compromised_since": NOW}, "PATH_AUTHORITY_COMPROMISED"),
        (changed_authority, {"service": "tsa"}, "PATH_NONE"),
    ]  # fmt: skip
    for change, values, code in cases:
        change(door, "ca-e", **values)
        assert refused(door, person) == code, values
        door.rules.trust = trust
    changed_recognition(door, "ca-e", jurisdiction="CN")  # a national one holds in every city
    assert door.enter(person)[0].level == 2
    changed_recognition(door, "ca-e", jurisdiction=HERE, level=4)
    assert door.enter(person, level=3)[0].level == 4


def test_an_authority_that_nobody_lists_is_a_stranger(door: Door, people: People) -> None:
    others = tuple(a for a in door.rules.trust.authorities if a.name != "ca-e")
    door.rules.trust = replace(door.rules.trust, authorities=others)
    assert refused(door, people("ca-e")) == "PATH_NONE"


def test_a_struck_authority_does_not_come_back_as_anothers_subordinate(door: Door, people: People) -> None:
    """ca-b's root is certified by ca-a's as well."""
    if "ca-b" not in CAS:
        pytest.skip("no SM2 on this machine")
    states = (DatedState("granted", 1), DatedState("withdrawn", NOW))
    changed_authority(door, "ca-b", states=states)
    person = people("ca-b")
    person = replace(person, above=(*person.above, door.rules.pki.cross_certificate))
    assert refused(door, person) == "PATH_AUTHORITY_NOT_GRANTED"


# ---- what cannot be decided now ------------------------------------------------------------------------------------


def test_without_word_on_revocation_nobody_is_let_in(door: Door, people: People) -> None:
    door.rules.silence("ca-j")
    assert refused(door, people("ca-j")) == "? REVOCATION_SOURCE_CRL"
    door.rules.publish("ca-j", at=NOW - 8 * DAY)  # a list that has run out
    assert refused(door, people("ca-j")) == "? REVOCATION_SOURCE_CRL"
    door.rules.publish("ca-j")
    assert door.enter(people("ca-j"))


def with_lists(cms: bytes, *lists: bytes) -> bytes:
    from asn1crypto import cms as asn1
    from asn1crypto import crl

    whole = asn1.ContentInfo.load(cms)
    whole["content"]["crls"] = [asn1.RevocationInfoChoice({"crl": crl.CertificateList.load(der)}) for der in lists]
    return bytes(whole.dump(force=True))


def test_lists_that_a_response_brings_along_count_only_where_the_authority_is_silent(
    door: Door, people: People
) -> None:
    pki, good = door.rules.pki, people("ca-h", LI)
    before = pki.pki.lists("ca-h", NOW)
    revoked = people("ca-h", ZHANG, revoked=True, validity=validity(NOW - YEAR, NOW + YEAR))
    stale = pki.pki.lists("ca-h", NOW - 8 * DAY)
    door.rules.publish("ca-h")
    challenge = door.challenge()
    with pytest.raises(InputError, match="LOGIN_REVOKED"):
        door.login.answer(challenge.nonce, with_lists(revoked.respond(challenge), *before))
    door.rules.silence("ca-h")
    with pytest.raises(UnavailableError, match="LOGIN_UNDECIDED"):
        door.login.answer(challenge.nonce, with_lists(good.respond(challenge), *stale))
    now = pki.pki.lists("ca-h", NOW)
    with pytest.raises(InputError, match="LOGIN_REVOKED"):
        door.login.answer(challenge.nonce, with_lists(revoked.respond(challenge), *now))
    assert door.login.answer(challenge.nonce, with_lists(good.respond(challenge), *now))
    door.rules.publish("ca-h")


def test_nothing_is_fetched_for_a_certificate_of_nobody_known(door: Door, people: People) -> None:
    """The addresses stand in the certificate: whoever made it up would choose whom this server calls."""
    asked = door.rules.asked
    others = tuple(a for a in door.rules.trust.authorities if a.name != "ca-e")
    door.rules.trust = replace(door.rules.trust, authorities=others)
    assert refused(door, people("ca-e")) == "PATH_NONE"
    assert refused(door, people("ca-h", validity=validity(NOW + DAY, NOW + YEAR))) == "PATH_NOT_YET_VALID"
    assert door.rules.asked == asked


def test_an_authority_is_asked_again_soon(door: Door, people: People) -> None:
    """Its answers hold for a day; a card stolen in the morning must not open doors until the evening."""
    pki, person, seconds = door.rules.pki, people("ca-j", LI), [0.0]
    cache = RecentAnswers(600, clock=lambda: seconds[0])
    client = RevocationClient(FileRevocation, Fetcher(), cache, lambda: [pki.root("ca-j")])
    asking = open_door(door.world, pki, door.rules.folder, CAS, client)
    with pki.serving(lambda: NOW):
        assert asking.enter(person)
    pki.pki.revoke("ca-j", person.name, NOW - 60)
    with pki.serving(lambda: NOW):
        seconds[0] += 599
        assert asking.enter(person)
        seconds[0] += 1
        assert refused(asking, person) == "LOGIN_REVOKED"
    seconds[0] += 600
    assert refused(asking, person) == "? REVOCATION_FETCH_NONE"


def test_an_old_trust_file_decides_nothing(door: Door, people: People) -> None:
    door.rules.trust = replace(door.rules.trust, expires=NOW + 1)
    assert refused(door, people("ca-e")) == "? TRUST_FILE_EXPIRED"
