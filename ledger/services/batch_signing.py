"""Signing a batch's manifest: one signature, in suite ``dual`` two, and where the manifest promises it a time-stamp
over each.

Whatever others must give (the signer, the time-stamp authority, the source of revocation data) is asked before anything
is written; who does not answer leaves the batch as it was. Order of writes, and what a crash after each leaves:
1. the second signature, if any   – it is kept: the next attempt makes the first one only
2. the first signature            – both are kept: the next attempt collects what is needed to verify them
3. validation data                – the batch is signed, and nothing of this is done again
A crash before 1 leaves a signature, and a time-stamp over it, that nobody will ever see: the next attempt makes others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ledger.core import canonical
from ledger.core.bundles import ValidationData
from ledger.core.manifests import Manifest
from ledger.crypto.cms import CmsSignature, verify_detached, with_timestamp
from ledger.crypto.suites import SM2_SM3, require_algorithm, require_token
from ledger.crypto.timestamps import over, stamper_of, verify_token
from ledger.errors import ConfigError, IntegrityError
from ledger.ports import RevocationSource, Segment, Signer, TimestampAuthority
from ledger.services.faultpoints import faultpoint

CMS, SECOND_CMS, VALIDATION, LATER_VALIDATION = "cms", "cms-2", "validation-1", "validation-2"
_PARTS = (CMS, SECOND_CMS)


def is_signed(segment: Segment) -> bool:
    """Is everything there that ``sign_batch`` writes?"""
    return segment.get(CMS) is not None and segment.get(VALIDATION) is not None


def sign_batch(
    segment: Segment,
    manifest: Manifest,
    signers: Sequence[Signer],
    timestamps: TimestampAuthority | None,
    revocation: Callable[[], RevocationSource],
    now: int,
) -> None:
    """Write signatures and validation data; ``signers``: in the order of the suite.

    Raises:
        ConfigError: SIGNER_NONE, with fewer signers than the manifest expects; SIGNER_…, of a time-stamp authority too
            SIGNER_CERTIFICATE_REVOKED; TIMESTAMP_NO_AUTHORITY where the manifest promises a time-stamp and nobody gives
            any. IntegrityError: SIGNER_…, SEGMENT_PART_DIFFERS.
        InputError: SIGNATURE_SUITE. UnavailableError: from a signer, an authority or the source of revocation data.
    """
    if len(signers) != manifest.expects.signatures:
        raise ConfigError("SIGNER_NONE", organisation=manifest.issuer)
    content = manifest.to_bytes()
    made: dict[int, bytes] = {}
    data: list[ValidationData] = []
    signed_by: list[bytes] = []  # certificates behind what an earlier attempt left, of which nothing is at hand yet
    stamped_by: list[bytes] = []  # of the authorities that are relied on now
    known: list[bytes] = []
    for at, signer in enumerate(signers):
        cms = segment.get(_PARTS[at])
        if cms is None:
            signed = signer.sign(manifest, segment, now)
            data.append(signed.validation)
            # whatever a signer gave: what the suite does not take must not stand in a segment for ever
            require_algorithm(manifest.suite, at, verify_detached(signed.cms, content).algorithm)
            cms, enclosed = _stamped(signed.cms, manifest, timestamps)
            made[at] = cms
            known += enclosed
            stamped_by += stampers_of([verify_detached(cms, content)])
        else:
            found = verify_detached(cms, content)
            signed_by += [found.certificate, *stampers_of([found])]
    if signed_by:  # what became of them since is for verification to say
        data.append(revocation().collect(signed_by, now, known=known))
    if stamped_by:
        data.append(revocation().collect(stamped_by, now, known=known, to_sign=True))
    for at in reversed(made):
        segment.put(_PARTS[at], made[at])
    faultpoint("anchor.validation")
    if segment.get(VALIDATION) is None:
        segment.put(VALIDATION, canonical.encode(_merged(data).to_json(), canonical.BUNDLE_LIMITS))


def stampers_of(signatures: Sequence[CmsSignature]) -> list[bytes]:
    """The certificates, DER, of the authorities that stamped the signatures."""
    return [stamper_of(signature.token) for signature in signatures if signature.token is not None]


def _stamped(cms: bytes, manifest: Manifest, timestamps: TimestampAuthority | None) -> tuple[bytes, tuple[bytes, ...]]:
    """The CMS with a token where the manifest promises one, and the certificates that came with that."""
    if not manifest.expects.token:
        return cms, ()
    if timestamps is None:
        raise ConfigError("TIMESTAMP_NO_AUTHORITY")
    content = manifest.to_bytes()
    signature = verify_detached(cms, content)
    digest = "sm3" if signature.algorithm == SM2_SM3 else "sha256"
    token = timestamps.stamp(signature.signature, digest)
    faultpoint("anchor.stamped")
    stamped = verify_token(token, over(signature.signature))
    require_token(manifest.suite, signature.algorithm, stamped.algorithm, stamped.info.digest)
    return with_timestamp(cms, content, token), stamped.certificates


def signatures_of(segment: Segment, manifest: Manifest) -> tuple[bytes, ...]:
    """The detached CMS beside the manifest, in the order of the suite; none while the batch is not signed.

    Raises:
        IntegrityError: SEGMENT_PART_MISSING.
    """
    found = [segment.get(part) for part in _PARTS[: manifest.expects.signatures]]
    if found[0] is None:
        return ()
    present = tuple(cms for cms in found if cms is not None)
    if len(present) != len(found):
        raise IntegrityError("SEGMENT_PART_MISSING", root=segment.root().hex())
    return present


def check_signatures(segment: Segment, manifest: Manifest) -> tuple[CmsSignature, ...]:
    """The signatures, each verified over the manifest and one that its suite takes.

    Raises:
        InputError: CMS_…, SIGNATURE_SUITE. IntegrityError: SEGMENT_PART_MISSING.
    """
    found = [verify_detached(cms, manifest.to_bytes()) for cms in signatures_of(segment, manifest)]
    if not found:
        raise IntegrityError("SEGMENT_PART_MISSING", root=segment.root().hex())
    for position, signature in enumerate(found):
        require_algorithm(manifest.suite, position, signature.algorithm)
    return tuple(found)


def read_validation(segment: Segment, parts: Sequence[str] = (LATER_VALIDATION, VALIDATION)) -> ValidationData:
    """The first of ``parts`` that is there: the data taken after the grace period, once there are some, say all that
    the earlier ones said and more.

    Raises:
        IntegrityError: SEGMENT_PART_MISSING. InputError: CANONICAL_…, SHAPE_….
    """
    for part in parts:
        data = segment.get(part)
        if data is not None:
            return ValidationData.from_json(canonical.decode(data, canonical.BUNDLE_LIMITS), part)
    raise IntegrityError("SEGMENT_PART_MISSING", root=segment.root().hex())


def _merged(found: Sequence[ValidationData]) -> ValidationData:
    """What all signers' paths need, each once and ascending, as a bundle carries it."""
    certificates = {der for each in found for der in each.certificates}
    crls, ocsps = {der for each in found for der in each.crls}, {der for each in found for der in each.ocsps}
    return ValidationData(*(tuple(sorted(part)) for part in (certificates, crls, ocsps)))
