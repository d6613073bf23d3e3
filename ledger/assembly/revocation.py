"""Where an office's revocation data come from: the folders below ``authorities/``, and by the setting ``revocation``
also the authorities' own addresses."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ledger.assembly.home import Home
from ledger.core.bundles import ValidationData
from ledger.core.trust import Trust
from ledger.core.trust_services import ServiceType
from ledger.outside.demo_authority import DemoAuthority
from ledger.outside.demo_pki.member import is_member
from ledger.outside.fetching import Fetcher
from ledger.outside.file_revocation import FileRevocation
from ledger.outside.revocation_cache import RecentAnswers, RevocationCache
from ledger.outside.revocation_client import RevocationClient
from ledger.ports import RevocationSource
from ledger.settings import Settings

DAY = 86_400
_ANCHORS = (ServiceType.CA.word, ServiceType.TSA.word)


class OfficeRevocation:
    """``ports.RevocationSource`` of one data folder. ``cache``: of what is fetched; if not said, the folder's."""

    def __init__(
        self,
        home: Home,
        settings: Settings,
        trust: Callable[[], Trust],
        ready: Callable[[], None] = lambda: None,
        cache: RevocationCache | RecentAnswers | None = None,
    ) -> None:
        self._home = home
        self._trust = trust
        self._ready = ready
        self._client: RevocationClient | None = None
        if settings.revocation == "online":
            fetcher = Fetcher(settings.revocation_hosts)
            kept = RevocationCache(home.revocation) if cache is None else cache
            # by now there may be more folders than when the process began
            self._client = RevocationClient(self._files, fetcher, kept, self._anchors)

    def collect(
        self,
        certificates: Sequence[bytes],
        now: int,
        after: int | None = None,
        known: Sequence[bytes] = (),
        *,
        to_sign: bool = False,
    ) -> ValidationData:
        """As the port; raises as ``FileRevocation`` and ``RevocationClient``."""
        self._ready()
        self._publish(now, after)
        source: RevocationSource = self._client or self._files()
        return source.collect(certificates, now, after, known, to_sign=to_sign)

    def certificates(self) -> list[bytes]:
        """Of authorities (DER), as they lie in the folders. Raises ConfigError ``REVOCATION_SOURCE_DAMAGED``."""
        return self._files().certificates()

    def _files(self) -> FileRevocation:
        return FileRevocation(*self._home.authority_folders(), anchors=self._anchors())

    def _anchors(self) -> list[bytes]:
        return [each.certificate for each in self._trust().authorities if each.service in _ANCHORS]

    def _publish(self, now: int, after: int | None) -> None:
        """A small test CA of this folder publishes new lists daily, and whenever newer ones are wanted; a real CA's are
        put there by its own means."""
        for folder in self._home.authority_folders():
            if not (folder / "keys").is_dir() or is_member(folder):
                continue
            taken = [span.since for span in FileRevocation(folder).spans()]
            oldest = min((since for since in taken if since is not None), default=None)
            if oldest is None or None in taken or oldest < now - DAY or (after is not None and oldest <= after < now):
                DemoAuthority(folder).crls(now)
