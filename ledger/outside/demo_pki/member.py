"""One of the ten as a ledger's test authority: it certifies the keys of offices, as ``DemoAuthority`` does."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from ledger.errors import ConfigError
from ledger.outside.demo_authority import DemoAuthority, certifies, short
from ledger.outside.demo_pki import plan
from ledger.outside.demo_pki.pki import DemoPki

DAY = 86_400


class PkiMember:
    """The authority ``label`` of ``pki``; lists and responses come from its server."""

    def __init__(self, pki: DemoPki, label: str) -> None:
        self._pki = pki
        self._label = label

    @property
    def time_stamping(self) -> bytes:
        """The certificate (DER) of its time-stamp authority."""
        return self._pki.certificate(self._label, "tsa")

    @property
    def time_stamping_url(self) -> str:
        return self._pki.url(self._label, "tsa/tsa")

    def certify(self, spki: bytes, organization_name: str, organization_id: str, now: int, days: int) -> bytes:
        """A signing certificate (DER) for an office, valid ``days`` from ``now``; the authority's services know it from
        now on."""
        subject = {
            "organization-name": organization_name,
            "organization-identifier": organization_id,
            "common-name": f"{short(organization_name)} (TEST)",
        }
        name = f"office-{sha256(spki + now.to_bytes(8, 'big')).hexdigest()[:16]}"
        validity = {"valid-from": plan.iso(now - 300), "valid-to": plan.iso(now + days * DAY)}
        return self._pki.issue(self._label, name, spki, subject, now, validity=validity)


def open_authority(folder: Path) -> DemoAuthority | PkiMember:
    """The test authority whose material lies in ``folder``.

    Raises:
        ConfigError: ``DEMO_AUTHORITY_DAMAGED``, ``DEMO_PKI_…``; NotFoundError: ``KEYS_UNKNOWN``.
    """
    return PkiMember(DemoPki(folder.parent), folder.name) if is_member(folder) else DemoAuthority(folder)


def choose_authority(folders: Sequence[Path], algorithm: str) -> DemoAuthority | PkiMember:
    """Of the test authorities in ``folders`` the first that certifies keys of this algorithm; for SM2 one that signs by
    it itself, and for others one that does not, so that a path is of one kind.

    Raises:
        ConfigError: ``KEYS_TEST_CA``; as ``open_authority``.
    """

    def place(folder: Path) -> tuple[bool, bool]:
        ca = plan.authorities()[folder.name] if is_member(folder) else None
        return (ca is not None and ca.algorithm == "sm2") != (algorithm == "sm2"), ca is not None and ca.role != "plain"

    able = [folder for folder in folders if is_member(folder) or certifies(algorithm)]
    if not able:
        raise ConfigError("KEYS_TEST_CA", algorithm=algorithm)
    return open_authority(min(able, key=place))


def is_member(folder: Path) -> bool:
    """Is it one of the ten?"""
    return (folder / "config.json").exists()
