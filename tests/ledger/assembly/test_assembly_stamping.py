"""Seals made, registered and used with keys of a data folder: no sealed file without its use, no use without a seal in
force, and what is sealed is accepted by our own verification and by others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import ofd_kit
import pdf_kit
import pytest
from ledger_world import World, check_ledger
from pki_kit import OFFICE, OTHER_OFFICE, Kit, Leaf
from ses_kit import require_sm2
from timestamp_kit import Server, make_tsa

from ledger.assembly import stamping
from ledger.assembly.demo_plan import CITY_A
from ledger.assembly.seal_making import SealOrder, make_seal_file
from ledger.assembly.stamping import Stamped, StampOrder, digest_of
from ledger.assembly.trusting import sign
from ledger.core.bundles import ValidationData
from ledger.core.registries import Kind, State
from ledger.core.seal_uses import day_of
from ledger.core.trust_lists import DatedState
from ledger.crypto.ofd.making import Place, packed
from ledger.crypto.ofd.verifying import verify_package
from ledger.crypto.pdf.verifying import verify_pdf
from ledger.crypto.ses.judging import merged
from ledger.crypto.ses.parsing import parse_seal
from ledger.crypto.ses.values import Version
from ledger.errors import ConflictError, InputError, NotFoundError, UnavailableError, ZhengyinError
from ledger.outside.file_revocation import FileRevocation
from ledger.services.forms import parse
from ledger.services.issuing import Accepted
from ledger.services.seal_files import claims_of, read_seal_file
from ledger.services.seal_judges import judges_under

YEAR = 365 * 86_400
PLACE = Place(0, 120, 40)
MAKER = "sealMaker"


@dataclass
class Bureau:
    """An office with a registered seal, for its keys ``sm2`` and ``p256``."""

    world: World
    pki: Kit
    seal: bytes
    record: Accepted

    def order(self, document: bytes, key: str, **changes: object) -> StampOrder:
        order = StampOrder(self.seal, document, key, "办理登记", "张三", PLACE)
        return replace(order, **changes)  # type: ignore[arg-type]

    def stamp(self, document: bytes, key: str, user: str = OFFICE, **changes: object) -> Stamped:
        return stamping.stamp(self.world.app, user, self.order(document, key, **changes))

    def uses(self) -> int:
        app = self.world.app
        return sum(count for _, count in app.seals.counts(app.seals.find(self.record.id)))


def take_over(world: World, leaf: Leaf, name: str) -> None:
    world.app.keys.import_key(OFFICE, name, "signing", leaf.key.to_pem(None), None)
    world.app.keys.put_certificate(OFFICE, name, leaf.certificate)


def publish(world: World, pki: Kit, ca: str) -> None:
    """The authority's certificates and lists, as an office keeps them."""
    folder = world.home / "authorities" / f"kit-{ca}"
    for name, files in (
        ("certificates", {"root.der": pki.root(ca), "issuing.der": pki.intermediates(ca)[0]}),
        ("crls", {f"{issuer}.crl": pki.crl(ca, issuer) for issuer in ("root", "issuing")}),
    ):
        (folder / name).mkdir(parents=True)
        for file, data in files.items():
            (folder / name / file).write_bytes(data)


def made(world: World, signers: tuple[bytes, ...], version: Version = Version.V5, by_digest: bool = False) -> bytes:
    since, until = int(world.clock()), int(world.clock()) + YEAR
    picture = pdf_kit.picture()
    order = SealOrder(
        version, "ZY", "4401000000001", 1, "登记专用章", signers, since, until, picture, by_digest, "maker", True
    )
    return make_seal_file(world.app, OFFICE, order).data


def registered(world: World, seal: bytes, owner: str | None = None) -> Accepted:
    definition = world.app.types.get("seal")
    row = parse(definition, claims_of(read_seal_file(seal, int(world.clock())), owner, "业务专用章"), OFFICE)
    valid = row.valid_from, row.valid_until
    return world.app.issuing.issue(OFFICE, definition, row.values, valid=valid, files=[digest_of(seal)])


@pytest.fixture
def bureau(world: World, pki: Kit) -> Bureau:
    require_sm2()
    for name, ca in (("sm2", "ca-a"), ("p256", "ca-i"), ("maker", "ca-b")):
        take_over(world, pki.leaf(ca), name)
    publish(world, pki, "ca-i")
    seal = made(world, (pki.leaf("ca-a").certificate, pki.leaf("ca-i").certificate))
    found = Bureau(world, pki, seal, registered(world, seal))
    world.drain()
    return found


@pytest.fixture
def authority(bureau: Bureau) -> Iterator[bytes]:
    """Root of a time-stamp authority that the settings name."""
    world = bureau.world
    tsa, root = make_tsa(int(world.clock()), world.home / "authorities" / "tsa")
    server = Server(lambda request: tsa.answer(request, int(world.clock())))
    file = world.home / "zhengyin.toml"
    file.write_text(f'{file.read_text("utf-8")}\ntimestamp_urls = ["{server.url}"]\n', "utf-8")
    world.close()
    yield root
    server.stop()


def ofd() -> bytes:
    return packed(ofd_kit.plain(sealed=False, high=297))


def test_a_seal_is_made_and_its_record_says_what_the_file_says(bureau: Bureau) -> None:
    info = parse_seal(bureau.seal).info
    opened = bureau.world.app.bundling.open(bureau.world.row(bureau.record.id))
    assert (
        (opened.values["name"], opened.values["sealId"]) == ("登记专用章", "4401000000001") == (info.name, info.seal_id)
    )
    assert (opened.values["owner"], opened.values["maker"]) == (OFFICE, "示范登记中心")
    assert opened.values["certificates"] == [bureau.pki.leaf(ca).sha256.hex() for ca in ("ca-a", "ca-i")]
    assert (opened.record.valid_from, opened.record.valid_until) == ("2026-09-21", "2027-09-21")
    assert opened.record.files == (digest_of(bureau.seal),)


def test_a_seal_is_registered_once_and_only_for_whom_its_certificates_name(bureau: Bureau) -> None:
    app, now = bureau.world.app, int(bureau.world.clock())
    with pytest.raises(ConflictError, match="SEAL_REGISTERED"):
        app.seals.require_new(digest_of(bureau.seal).sha256)
    file = read_seal_file(bureau.seal, now)
    with pytest.raises(InputError, match="SEAL_OWNER_DIFFERS"):
        claims_of(file, OTHER_OFFICE, "x")
    hidden = read_seal_file(made(bureau.world, (bureau.pki.leaf("ca-a").certificate,), Version.V4, True), now)
    with pytest.raises(InputError, match="SEAL_OWNER_NEEDED"):
        claims_of(hidden, None, "x")
    assert claims_of(hidden, OFFICE, "x")["owner"] == OFFICE
    two = made(bureau.world, (bureau.pki.leaf("ca-a").certificate, bureau.pki.leaf("ca-i", "impostor").certificate))
    with pytest.raises(InputError, match="SEAL_HOLDERS"):
        read_seal_file(two, now)
    with pytest.raises(InputError, match="SES_SEAL_EXPIRED"):
        read_seal_file(bureau.seal, now + 2 * YEAR)
    with pytest.raises(InputError, match="SES_SEAL_SIGNATURE"):
        read_seal_file(bureau.seal[:-1] + bytes([bureau.seal[-1] ^ 1]), now)


def test_a_stamped_pdf_is_accepted_here_and_by_others(bureau: Bureau, authority: bytes) -> None:
    from asn1crypto import x509
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import async_validate_pdf_signature
    from pyhanko.sign.validation.dss import DocumentSecurityStore

    done = bureau.stamp(pdf_kit.document(), "p256", place=Place(-1, 20, 20))
    assert (done.form, done.timestamped) == ("pdf", True)
    roots = [bureau.pki.root("ca-i"), authority]
    moment = int(bureau.world.clock()) + 60
    nothing = ValidationData((), (), ())  # the file brings it all along
    report = verify_pdf(done.data, moment, judges_under(roots, nothing, moment))
    assert report.exit_code == 0, report.text("en")
    reader = PdfFileReader(BytesIO(done.data))
    context = DocumentSecurityStore.read_dss(reader).as_validation_context(
        {
            "trust_roots": [x509.Certificate.load(root) for root in roots],
            "moment": datetime.fromtimestamp(moment, UTC),
            "allow_fetching": False,
            "revocation_mode": "soft-fail",
        },
    )
    status = asyncio.run(async_validate_pdf_signature(reader.embedded_signatures[0], context, context))
    assert status.intact and status.valid and status.trusted, status.pretty_print_details()
    assert status.timestamp_validity is not None and status.timestamp_validity.intact


def test_a_stamped_ofd_is_accepted_and_both_its_files_lead_to_the_use(bureau: Bureau, authority: bytes) -> None:
    document = ofd()
    done = bureau.stamp(document, "sm2")
    assert (done.form, done.timestamped) == ("ofd", True)
    moment = int(bureau.world.clock()) + 60
    known = (
        bureau.pki.validation(bureau.pki.leaf("ca-a"), moment),
        bureau.pki.validation(bureau.pki.leaf("ca-b"), moment),
    )
    roots = [bureau.pki.root("ca-a"), bureau.pki.root("ca-b"), authority]
    tsa = FileRevocation(bureau.world.home / "authorities" / "tsa", anchors=[authority])
    stamper = ValidationData(tuple(tsa.certificates()), tuple(tsa.crls()), ())
    report = verify_package(done.data, moment, judges_under(roots, merged(merged(*known), stamper), moment))
    assert report.whole.cause is None, report.text("en")
    bureau.world.drain()
    with bureau.world.app.store.read() as unit:
        for data in (document, done.data):
            found = unit.records.by_file(bureau.world.app.index_key.file(digest_of(data).sha256))
            assert [(row.kind, row.leaf) for row in found] == [(Kind.SEAL_USE, done.use.leaf)]
    assert bureau.uses() == 1
    page = bureau.world.app.seals.uses(done.seal, day_of(int(bureau.world.clock())), 0, 10)
    assert (page.count, page.next, page.uses[0].values["reason"]) == (1, None, "办理登记")
    assert "张三" not in str(page)
    check_ledger(bureau.world.app)


def test_a_stopped_seal_seals_nothing(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    since = int(bureau.world.clock())
    bureau.world.change(bureau.record.leaf, State.SUSPENDED)
    monkeypatch.setattr(stamping, "_sealed", lambda *_: pytest.fail("something was sealed"))
    with pytest.raises(ConflictError) as caught:
        bureau.stamp(pdf_kit.document(), "p256")
    assert caught.value.code == "SEAL_NOT_IN_FORCE"
    assert (caught.value.values["state"], caught.value.values["since"]) == ("suspended", since)
    assert bureau.uses() == 0


def test_a_second_registration_does_not_revive_a_stopped_seal(bureau: Bureau) -> None:
    registered(bureau.world, bureau.seal)  # by software that does not ask
    bureau.world.change(bureau.record.leaf, State.REVOKED)
    with pytest.raises(ConflictError, match="SEAL_NOT_IN_FORCE"):
        bureau.stamp(pdf_kit.document(), "p256")


def test_a_seal_stopped_while_it_is_put_on_gives_no_file(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    seal = stamping._sealed

    def stopped_meanwhile(*given: object) -> tuple[str, bytes]:
        done = seal(*given)  # type: ignore[arg-type]
        bureau.world.change(bureau.record.leaf, State.SUSPENDED)
        return done

    monkeypatch.setattr(stamping, "_sealed", stopped_meanwhile)
    with pytest.raises(ConflictError, match="SEAL_NOT_IN_FORCE"):
        bureau.stamp(ofd(), "sm2")
    assert bureau.uses() == 0


def test_what_cannot_be_sealed_enters_no_use(bureau: Bureau) -> None:
    for document, code in ((b"text", "SEAL_DOCUMENT_FORM"), (b"%PDF-1.7", "PDF_SYNTAX")):
        with pytest.raises(InputError, match=code):
            bureau.stamp(document, "p256")
    with pytest.raises(InputError, match="SEAL_FIELD_FORM"):
        bureau.stamp(ofd(), "sm2", field="Seal1")
    with pytest.raises(InputError, match="PDF_PAGE"):
        bureau.stamp(pdf_kit.document(), "p256", place=Place(9, 0, 0))
    with pytest.raises(InputError, match="SES_SIGNER_NOT_LISTED"):
        bureau.stamp(pdf_kit.document(), "maker")
    with pytest.raises(InputError, match="SM2_KEY"):
        bureau.stamp(ofd(), "p256")
    with pytest.raises(NotFoundError, match="SEAL_UNKNOWN"):
        bureau.stamp(pdf_kit.document(), "p256", seal=made(bureau.world, (bureau.pki.leaf("ca-i").certificate,)))
    with pytest.raises(ConflictError, match="SEAL_NOT_HELD"):
        bureau.stamp(pdf_kit.document(), "p256", OTHER_OFFICE)
    with pytest.raises(UnavailableError, match="REVOCATION"):
        bureau.stamp(pdf_kit.document(), "sm2")  # its authority's lists are not here
    assert bureau.uses() == 0
    assert bureau.stamp(pdf_kit.document(), "sm2", validation=False).form == "pdf"
    assert bureau.uses() == 1


def test_an_office_whose_uses_nobody_would_anchor_seals_nothing(bureau: Bureau) -> None:
    app = bureau.world.app
    with app.store.read() as unit:
        (accreditation,) = [a.id for a in unit.chain.accreditations(OFFICE) if a.kind is Kind.SEAL_USE]
    bureau.world.decree(app.consortium.end_accreditation(accreditation))
    bureau.world.clock.now += 10
    with pytest.raises(ConflictError, match="SEAL_USE_NOT_ACCREDITED"):
        bureau.stamp(ofd(), "sm2")
    assert bureau.uses() == 0


# ---- the maker, asked again at each use ----------------------------------------------------------------------------


def believe(bureau: Bureau, **changes: Any) -> None:
    """The next trust file: it lists the maker's authority, recognised for seals, with these changes."""
    app = bureau.world.app
    old = app.trust.content()
    maker = replace(bureau.pki.authority("ca-b", name="maker", service=MAKER), **changes)
    others = tuple(a for a in old.authorities if a.service != MAKER)
    recognitions = tuple(r for r in old.recognitions if r.reference != MAKER)
    recognised = replace(bureau.pki.recognition("ca-b", CITY_A, "seal"), level=2, reference=MAKER)
    content = replace(
        old, version=old.version + 1, authorities=(*others, maker), recognitions=(*recognitions, recognised)
    )
    app.trust.install(sign(app, content, None))


def refused(bureau: Bureau) -> ZhengyinError:
    with pytest.raises((InputError, NotFoundError)) as caught:
        bureau.stamp(pdf_kit.document(), "sm2", validation=False)
    assert bureau.uses() == 0
    return caught.value


def test_a_seal_whose_maker_fell_since_it_was_registered_is_not_used(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(bureau.world, bureau.pki, "ca-b")
    bureau.world.clock.now += 100
    now = int(bureau.world.clock())
    granted = DatedState("granted", 1)
    seal = stamping._sealed
    monkeypatch.setattr(stamping, "_sealed", lambda *_: pytest.fail("something was sealed"))
    for changes, code in (
        ({"states": (granted, DatedState("withdrawn", now - 10))}, "PATH_AUTHORITY_NOT_GRANTED"),
        ({"states": (granted, DatedState("suspended", now - 10))}, "PATH_AUTHORITY_NOT_GRANTED"),
        ({"compromised_since": now - 10}, "SEALS_COMPROMISED_SINCE"),
        ({"compromised_since": 1}, "PATH_AUTHORITY_COMPROMISED"),
    ):
        believe(bureau, **changes)
        assert refused(bureau).code == code, changes
    monkeypatch.setattr(stamping, "_sealed", seal)
    believe(bureau, states=(granted, DatedState("suspended", now - 50), DatedState("granted", now - 10)))
    assert bureau.stamp(pdf_kit.document(), "sm2", validation=False).doubts == ()
    assert bureau.uses() == 1


def test_what_cannot_be_told_of_the_maker_is_said_and_stops_nothing(bureau: Bureau) -> None:
    done = bureau.stamp(pdf_kit.document(), "sm2", validation=False)
    assert "SEALS_NO_AUTHORITY" in {doubt.code for doubt in done.doubts}
    assert bureau.uses() == 1
