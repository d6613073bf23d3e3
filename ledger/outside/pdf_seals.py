"""Putting a visible e-seal on a PDF: PAdES B-B, with a time-stamp B-T, with validation data B-LT (ETSI EN 319 142-1
clause 6). pyHanko places the seal and writes the revision; the CMS is this project's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from ledger.core.bundles import ValidationData
from ledger.crypto import cms
from ledger.crypto.algorithms import algorithm_of, verify_raw
from ledger.crypto.certificates import fingerprint, read_certificate
from ledger.crypto.pdf.bounds import open_reader, require_few_fields
from ledger.crypto.pdf.metering import Meter, metered
from ledger.crypto.pdf.reading import MAX_FILE, translated
from ledger.crypto.pdf.values import Rules
from ledger.crypto.ses.judging import merged
from ledger.crypto.ses.pictures import MAX_PIXELS, checked, counted
from ledger.crypto.ses.values import Picture
from ledger.crypto.timestamps import over, verify_token
from ledger.errors import InputError, UnavailableError
from ledger.outside.signing_keys import SigningKey
from ledger.ports import TimestampAuthority

POINTS = 72 / 25.4  # in a millimetre
ROOM, TOKEN_ROOM = 2048, 12_288  # bytes kept free for the CMS beside its certificates, and for a token with its chain
DRAWN = ("PNG", "JPG", "JPEG", "GIF", "BMP")


@dataclass(frozen=True, slots=True)
class Placement:
    """``page`` from 0, negative from the end; ``left``, ``bottom``: millimetres from the page's lower left corner."""

    page: int
    left: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Sealing:
    """Who seals with what. ``picture``: as in an SES seal, its size in millimetres; ``field``: name of the signature
    field; ``reason``: what the seal is for, shown by readers."""

    key: SigningKey
    picture: Picture
    placement: Placement
    field: str
    reason: str | None = None


def seal_pdf(
    data: bytes,
    sealing: Sealing,
    now: int,
    authority: TimestampAuthority | None = None,
    collect: Callable[[bytes, bytes | None], ValidationData] | None = None,
    chain: Sequence[bytes] = (),
) -> bytes:
    """``data`` with one more revision that holds the seal. ``now``: seconds UTC, the time it claims.

    ``collect(certificate, token)`` gives the certificates, CRLs and OCSP responses that are stored beside it (its own
    and those of the token's authority); without it nothing is stored, and ``chain`` has the certificates above the
    signer's.

    Raises:
        InputError: ``PDF_SIZE``, ``PDF_SYNTAX``, ``PDF_BOMB``, ``PDF_MANY``, ``PDF_ENCRYPTED``, ``PDF_PAGE``,
            ``PDF_FIELD``, ``SES_PICTURE_…``.
        ConfigError, UnavailableError: from the key, the authority and ``collect``; ``SIGNER_SIGNATURE_WRONG``;
            ``PDF_ROOM`` a token with an unusually long chain.
    """
    if len(data) > MAX_FILE:
        raise InputError("PDF_SIZE", length=len(data), limit=MAX_FILE)
    sealing.key.require_valid(now)
    picture = checked(sealing.picture, latest=True)
    if picture.kind not in DRAWN:
        raise InputError("SES_PICTURE_TYPE", kind=picture.kind)
    known = collect(sealing.key.certificate, None) if collect else ValidationData(tuple(chain), (), ())
    room = ROOM + sum(map(len, (sealing.key.certificate, *known.certificates))) + (TOKEN_ROOM if authority else 0)
    with metered(len(data)) as meter:
        output, prepared, session = translated(lambda: _prepare(data, sealing, picture, now, room, meter))
    octets = output.getbuffer()
    covered = bytes(octets[: prepared.reserved_region_start]) + bytes(octets[prepared.reserved_region_end :])
    octets.release()
    signed, token = _sign(sealing.key, covered, known.certificates, authority)
    if len(signed) > room:
        raise UnavailableError("PDF_ROOM", size=len(signed), room=room)
    translated(lambda: session.send(signed))
    if collect is None:
        return bytes(output.getvalue())
    stored = merged(known, collect(sealing.key.certificate, token)) if token else known
    return bytes(translated(lambda: _store(output, stored)))


def _prepare(
    data: bytes, sealing: Sealing, picture: Picture, now: int, room: int, meter: Meter
) -> tuple[BytesIO, Any, Any]:
    """The new revision with ``room`` bytes for the CMS, and the session that will fill it."""
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
    from pyhanko.sign.signers import cms_embedder as embedder
    from pyhanko.sign.signers.pdf_byterange import SignatureObject

    reader = open_reader(data, Rules.NONE, meter)
    if reader.encrypted:
        raise InputError("PDF_ENCRYPTED")
    require_few_fields(reader)
    _require_free(reader, sealing)
    writer = IncrementalPdfFileWriter.from_reader(reader)
    left, bottom = sealing.placement.left * POINTS, sealing.placement.bottom * POINTS
    right, top = left + picture.width * POINTS, bottom + picture.height * POINTS
    box = (round(left), round(bottom), round(right), round(top))
    spec = SigFieldSpec(sealing.field, on_page=sealing.placement.page, box=box)
    at = datetime.fromtimestamp(now, UTC)
    placeholder = SignatureObject(
        timestamp=at, subfilter=SigSeedSubFilter.PADES, reason=sealing.reason, bytes_reserved=2 * room
    )
    session = embedder.PdfCMSEmbedder(new_field_spec=spec).write_cms(field_name=sealing.field, writer=writer)
    next(session)
    session.send(
        embedder.SigObjSetup(
            sig_placeholder=placeholder,
            appearance_setup=embedder.SigAppearanceSetup(style=_style(picture), timestamp=at, name=None),
        )
    )
    output = BytesIO()
    prepared, _ = session.send(embedder.SigIOSetup(md_algorithm="sha256", output=output))
    return output, prepared, session


def _require_free(reader: Any, sealing: Sealing) -> None:
    from pyhanko.sign.fields import enumerate_sig_fields

    pages = int(reader.root["/Pages"]["/Count"])
    if not -pages <= sealing.placement.page < pages:
        raise InputError("PDF_PAGE", page=counted(sealing.placement.page), pages=pages)
    if any(name == sealing.field for name, _, _ in enumerate_sig_fields(reader)):
        raise InputError("PDF_FIELD", field=sealing.field)


def _style(picture: Picture) -> Any:
    from PIL import Image
    from pyhanko.pdf_utils.images import PdfImage
    from pyhanko.stamp import StaticStampStyle

    try:
        image = Image.open(BytesIO(picture.data), formats=["PNG", "JPEG", "GIF", "BMP"])
        if image.width * image.height > MAX_PIXELS:  # before anything is unpacked
            raise InputError("SES_PICTURE_SIZE")
        image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError("SES_PICTURE_TYPE", kind=picture.kind) from error
    return StaticStampStyle(background=PdfImage(image), border_width=0)


def _sign(
    key: SigningKey, covered: bytes, chain: tuple[bytes, ...], authority: TimestampAuthority | None
) -> tuple[bytes, bytes | None]:
    """The CMS, and its token. Without a signing time: a PDF has a place of its own for it (ETSI EN 319 142-1 clause
    6.3)."""
    certificate, spki = key.certificate, key.private_key.spki
    attributes = cms.signed_attributes(covered, certificate, None)
    signature = key.private_key.sign(attributes)
    try:
        verify_raw(spki, algorithm_of(spki).name, signature, attributes)
    except InputError as error:
        raise UnavailableError("SIGNER_SIGNATURE_WRONG") from error
    token = verify_token(authority.stamp(signature), over(signature)).received if authority else None
    others = tuple(other for other in chain if other != certificate and not _is_root(other))
    return cms.assemble(certificate, attributes, signature, token, others), token


def _is_root(certificate: bytes) -> bool:
    parts = read_certificate(certificate)
    return parts.issuer == parts.subject


def _store(output: BytesIO, stored: ValidationData) -> bytes:
    """The Document Security Store, in a revision of its own."""
    from asn1crypto import crl, ocsp, x509
    from pyhanko.sign.validation.dss import DocumentSecurityStore

    DocumentSecurityStore.add_dss(
        output,
        None,
        certs=[x509.Certificate.load(der) for der in stored.certificates],
        crls=[crl.CertificateList.load(der) for der in stored.crls],
        ocsps=[ocsp.OCSPResponse.load(der) for der in stored.ocsps],
        strict=False,
    )
    return output.getvalue()


def field_name(certificate: bytes, now: int) -> str:
    """A name for the field that no earlier seal of this certificate has."""
    return f"Seal-{fingerprint(certificate).hex()[:8]}-{now}"
