"""The data folder: where everything of one ledger lies, and the small files that name chain and trust."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger.assembly.trust_files import read_trust_file
from ledger.chain.contracts import Contracts
from ledger.core import canonical, shapes
from ledger.core.identifiers import organisation_id
from ledger.core.manifests import ChainIdentity
from ledger.core.trust import Trust, TrustFile
from ledger.crypto.trust_signatures import verify_trust_file
from ledger.errors import ConfigError, InputError
from ledger.store.files import replace_file

CHAIN_TAGS = ("zhengyin/chainFile/1", "zhengyin/chainFile/2")
"""The second one where the ledger has a trust list; folders from before there was any have the first."""


@dataclass(frozen=True, slots=True)
class Home:
    """Paths below the data folder."""

    root: Path

    @property
    def chain(self) -> Path:
        return self.root / "chain.db"

    @property
    def chain_file(self) -> Path:
        return self.root / "chain.json"

    @property
    def vault(self) -> Path:
        return self.root / "vault.db"

    @property
    def epochs(self) -> Path:
        """Epoch keys of a vault that lies in a database."""
        return self.root / "vault-epochs"

    @property
    def spool(self) -> Path:
        return self.root / "spool"

    @property
    def uploads(self) -> Path:
        return self.root / "uploads"

    @property
    def audits(self) -> Path:
        """Audits that were asked for over HTTP, with what they found."""
        return self.root / "audits"

    @property
    def segments(self) -> Path:
        return self.root / "segments"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def types(self) -> Path:
        return self.root / "types"

    @property
    def authorities(self) -> Path:
        return self.root / "authorities"

    @property
    def imported_authorities(self) -> Path:
        """Certificates that came with imported keys."""
        return self.authorities / "imported"

    @property
    def revocation(self) -> Path:
        """What was fetched from certification authorities; it can be fetched again."""
        return self.root / "revocation"

    def authority_folders(self) -> list[Path]:
        """Folders with a certification authority's certificates and CRLs, by name."""
        return sorted(p for p in self.authorities.iterdir() if p.is_dir()) if self.authorities.is_dir() else []

    def authority_root(self, folder: str) -> bytes:
        """The root certificate (DER) of a certification authority whose material lies here."""
        return (self.authorities / folder / "certificates" / "root.der").read_bytes()

    @property
    def trust(self) -> Path:
        return self.root / "trust.json"

    @property
    def trust_lists(self) -> Path:
        """Lists of trusted entities that were applied last, one an operator."""
        return self.root / "trust-lists"

    @property
    def restored(self) -> Path:
        """There while the folder was restored from a backup and no audit has proved it since."""
        return self.root / "restored.json"

    @property
    def rebuilding(self) -> Path:
        """There from the beginning of a rebuild to its end, a crash in between included."""
        return self.root / "rebuilding"


@dataclass(frozen=True, slots=True)
class ChainFile:
    """``chain.json``: which chain this folder belongs to. Everything else refuses an engine of another one."""

    identity: ChainIdentity
    contracts: Contracts
    consensus: str
    operator: str

    def to_bytes(self) -> bytes:
        value: dict[str, Any] = {
            "tag": CHAIN_TAGS[self.contracts.trust_list is not None],
            "identity": self.identity.to_json(),
            "contracts": self.contracts.to_json(),
            "consensus": self.consensus,
            "operator": self.operator,
        }
        return canonical.encode(value)

    @classmethod
    def read(cls, path: Path) -> ChainFile:
        """Raises ConfigError CHAIN_FILE_INVALID."""
        try:
            value = canonical.decode(path.read_bytes())
            listed = type(value) is dict and value.get("tag") == CHAIN_TAGS[True]
            identity, contracts, consensus, operator = shapes.tagged(
                value,
                "chain",
                CHAIN_TAGS[listed],
                "identity",
                "contracts",
                "consensus",
                "operator",
            )
            return cls(
                ChainIdentity.from_json(identity, "chain.identity"),
                Contracts.from_json(contracts, "chain.contracts", listed),
                shapes.text(consensus, "chain.consensus"),
                organisation_id(shapes.text(operator, "chain.operator")),
            )
        except (OSError, InputError) as e:
            raise ConfigError("CHAIN_FILE_INVALID", file=str(path)) from e


class TrustFolder:
    """The trust file this folder believes. Only ``install`` replaces it, and only by a proper successor."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._path = path
        self._clock = clock
        self._read: tuple[tuple[int, int, int], TrustFile] | None = None

    def current(self) -> TrustFile:
        """Read again only where the file has been replaced: every verification asks."""
        try:
            found = self._path.stat()
        except OSError:
            return read_trust_file(self._path)  # which says what is wrong
        name, read = (found.st_ino, found.st_mtime_ns, found.st_size), self._read
        if read is None or read[0] != name:
            self._read = read = name, read_trust_file(self._path)
        return read[1]

    def content(self) -> Trust:
        return self.current().content

    def install(self, file: TrustFile) -> None:
        """Store a trust file after checking it against the one in force.

        Raises:
            ConflictError: TRUST_ROLLBACK, TRUST_FORKED, TRUST_EXPIRED. InputError: TRUST_….
            UnavailableError: STORE_FULL, STORE_FAILED; the file in force stays.
        """
        previous = self.content() if self._path.exists() else None
        verify_trust_file(file, previous, int(self._clock()))
        replace_file(self._path, file.to_bytes())
