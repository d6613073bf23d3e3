"""Ten authorities, one person, one identity; and whoever must not get in does not, each with its code."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from login_kit import HALL, HERE, LI, SERVER, ZHANG, Door, People, open_door, recognition
from pki_kit import CAS, DAY, NOW, YEAR, Kit, tampered
from pki_kit import OFFICE as COMPANY

from ledger.core.canonical import decode
from ledger.core.login import Audience, Challenge
from ledger.core.trust_lists import DatedState
from ledger.errors import ConflictError, InputError, NotFoundError, UnavailableError, ZhengyinError
from ledger.outside.demo_pki import plan
from ledger.outside.fetching import Fetcher
from ledger.outside.file_revocation import FileRevocation
from ledger.outside.revocation_cache import RecentAnswers
from ledger.outside.revocation_client import RevocationClient
from ledger.services.login import CHALLENGE_SECONDS, KEPT_SECONDS

if TYPE_CHECKING:
    from ledger_world import Template

SECOND = "ca-a" if "ca-a" in CAS else "ca-h"
"""An authority of another algorithm than ca-e's RSA."""


@pytest.fixture(scope="module")
def people(pki: Kit) -> People:
    return People(pki)


@pytest.fixture(scope="module")
def shared_door(founded_template: Template, pki: Kit, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    base = tmp_path_factory.mktemp("login")
    with founded_template.lend(base / "home") as world:
        yield open_door(world, pki, base / "authorities")


@pytest.fixture
def door(shared_door: Door) -> Iterator[Door]:
    """At ``NOW``, and afterwards as it was."""
    shared_door.world.clock.now = NOW + 1
    trust = shared_door.rules.trust
    yield shared_door
    shared_door.rules.trust = trust


def refused(door: Door, person: Any, **changed: Any) -> str:
    with pytest.raises(ZhengyinError) as caught:
        door.enter(person, **changed)
    assert not any(number in str(caught.value.values) for number in (ZHANG, LI))
    if isinstance(caught.value, UnavailableError):
        assert caught.value.code == "LOGIN_UNDECIDED"
        return f"? {caught.value.values['cause']}"
    assert isinstance(caught.value, InputError)
    return caught.value.code


def log(door: Door) -> list[Any]:
    with door.world.app.store.read() as unit:
        return [decode(entry) for _, entry, _ in unit.access.all_operations()]


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


# ---- challenges and responses --------------------------------------------------------------------------------------


def test_a_challenge_is_answered_once(door: Door, people: People) -> None:
    challenge, person = door.challenge(), people("ca-e")
    response = person.respond(challenge)
    door.login.answer(challenge.nonce, response)
    for again in (response, person.respond(challenge, NOW + 1)):
        with pytest.raises(ConflictError, match="LOGIN_CHALLENGE_USED"):
            door.login.answer(challenge.nonce, again)
    with pytest.raises(ConflictError, match="LOGIN_CHALLENGE_USED"):
        door.login.pending(challenge.nonce)


def test_of_many_answers_at_once_one_is_granted(door: Door, people: People) -> None:
    challenge = door.challenge()
    response, outcomes = people("ca-e").respond(challenge), []

    def answer() -> None:
        try:
            door.login.answer(challenge.nonce, response)
            outcomes.append("granted")
        except ZhengyinError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=answer) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["LOGIN_CHALLENGE_USED"] * 3 + ["granted"]


def test_a_refusal_leaves_the_challenge_to_be_answered(door: Door, people: People) -> None:
    challenge = door.challenge()
    with pytest.raises(InputError, match="CMS_SYNTAX"):
        door.login.answer(challenge.nonce, b"\x30\x00")
    assert door.login.answer(challenge.nonce, people("ca-e").respond(challenge))


def test_a_challenge_lasts_minutes_and_is_forgotten_in_hours(door: Door, people: People) -> None:
    challenge = door.challenge()
    response = people("ca-e").respond(challenge)
    door.world.clock.now += CHALLENGE_SECONDS
    for ask in (lambda: door.login.pending(challenge.nonce), lambda: door.login.answer(challenge.nonce, response)):
        with pytest.raises(InputError, match="LOGIN_CHALLENGE_EXPIRED"):
            ask()
    door.world.clock.now += KEPT_SECONDS + 1
    door.challenge()
    with pytest.raises(NotFoundError, match="LOGIN_CHALLENGE_UNKNOWN"):
        door.login.pending(challenge.nonce)


@pytest.mark.parametrize(
    "member",
    [{"server": "https://evil.example"}, {"audience": Audience(COMPANY, "bank")}, {"level": 1}, {"session": 43200},
     {"jurisdiction": "CN-320100"}, {"nonce": b"n" * 32}, {"expires": NOW + DAY}, {"subject": "organisation"}],
    ids=lambda member: next(iter(member)),
)  # fmt: skip
def test_a_signature_over_another_challenge_is_none_over_this(
    door: Door, people: People, member: dict[str, Any]
) -> None:
    """A relaying server, another system, another nonce: all of it is in what was signed."""
    challenge = door.challenge()
    with pytest.raises(InputError, match="CMS_MESSAGE_DIGEST"):
        door.login.answer(challenge.nonce, people("ca-e").respond(replace(challenge, **member)))


def test_tampered_responses_are_refused(door: Door, people: People) -> None:
    challenge, person = door.challenge(), people("ca-h")
    response = person.respond(challenge)
    other = people("ca-h", LI).signer.certificate
    for wrong, code in (
        (tampered(response), "CMS_SIGNATURE|CMS_SYNTAX"),
        (response + b"\0", "CMS_SYNTAX"),
        (response.replace(person.signer.certificate, other), "CMS_"),
        (b"", "CMS_SYNTAX"),
        (bytes(70_000), "LOGIN_RESPONSE_LARGE"),
    ):
        with pytest.raises(InputError, match=code):
            door.login.answer(challenge.nonce, wrong)


def test_what_an_office_signs_otherwise_is_no_response(door: Door, people: People) -> None:
    """Nor is a challenge anything else: it carries its own tag."""
    challenge = door.challenge()
    value = challenge.to_json() | {"tag": "zhengyin/manifest/1"}
    with pytest.raises(InputError, match="SHAPE_TAG"):
        Challenge.from_json(value)
    assert Challenge.from_bytes(door.login.pending(challenge.nonce)) == challenge
    assert challenge.address == f"{SERVER}/v1/login/challenges/{challenge.nonce.hex()}"


def test_a_ledger_without_an_address_has_no_login(door: Door) -> None:
    with pytest.raises(NotFoundError, match="LOGIN_OFF"):
        door.world.app.login.challenge(HALL, HERE, 2, "person", 3600)


# ---- sessions -------------------------------------------------------------------------------------------------------


def test_a_token_is_worth_nothing_to_another_system(door: Door, people: People) -> None:
    row, token = door.enter(people("ca-e"))
    assert door.login.introspect(HALL, token) == row
    for audience in (Audience(HALL.organisation, "till"), Audience("11320100070001017R", HALL.system)):
        assert door.login.introspect(audience, token) is None
    for wrong in ("", "zl_", token[:-1], token[:-2] + ("AA" if token[-2:] != "AA" else "EE"), token + "A"):
        assert door.login.introspect(HALL, wrong) is None


def test_a_session_ends_by_time_and_by_logout(door: Door, people: People) -> None:
    _, token = door.enter(people("ca-e"), session=60)
    door.world.clock.now += 59
    assert door.login.introspect(HALL, token)
    door.world.clock.now += 1
    assert door.login.introspect(HALL, token) is None
    row, token = door.enter(people("ca-e"))
    for _ in range(2):
        door.login.logout(token)
        assert door.login.introspect(HALL, token) is None
    door.login.logout("zl_000000000000_" + "A" * 43)
    closed = [entry for entry in log(door) if entry["act"] == "login.close"]
    assert [(e["subject"], e["who"]) for e in closed] == [(row.id, f"subject:{row.subject.hex()}")]


def test_whoever_can_only_write_rows_neither_makes_nor_changes_a_session(door: Door, people: People) -> None:
    from ledger.store.login import sessions

    row, token = door.enter(people("ca-e"))
    other, _ = door.enter(people("ca-e", LI))
    for changed in ({"until": row.until + 1}, {"subject": other.subject}, {"system": "till"}, {"level": 4}):
        (name,) = changed
        with door.world.app.store.begin() as unit:
            unit._connection.execute(sessions.update().where(sessions.c.id == row.id).values(**changed))
        audience = Audience(HALL.organisation, "till") if name == "system" else HALL
        assert door.login.introspect(audience, token) is None, name
        with door.world.app.store.begin() as unit:
            back = {name: getattr(row, name)}
            unit._connection.execute(sessions.update().where(sessions.c.id == row.id).values(**back))
    assert door.login.introspect(HALL, token) == row
