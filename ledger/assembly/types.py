"""The types a data folder knows: those of the package and those of its own ``types`` folder."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from ledger.core.registries import Kind
from ledger.core.typefiles import TypeDefinition, parse_type_file
from ledger.errors import ConflictError, InputError, NotFoundError


class TypeFolder:
    """Type files by name (the file's stem) or by type code; own files come before the package's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> dict[str, TypeDefinition]:
        found: dict[str, TypeDefinition] = {}
        for file in resources.files("ledger").joinpath("types").iterdir():
            if file.name.endswith(".toml"):
                found[file.name.removesuffix(".toml")] = parse_type_file(file.read_text("utf-8"))
        if self._folder.is_dir():
            for path in sorted(self._folder.glob("*.toml")):
                found[path.stem] = parse_type_file(path.read_text("utf-8"))
        return dict(sorted(found.items()))

    def get(self, name: str) -> TypeDefinition:
        """Raises NotFoundError TYPE_UNKNOWN with the names there are."""
        known = self.all()
        for stem, definition in known.items():
            if name in (stem, definition.code):
                return definition
        raise NotFoundError("TYPE_UNKNOWN", name=name, known=", ".join(known))

    def public_fields(self) -> dict[str, tuple[str, ...]]:
        """Code of each type that is answered by number alone → the fields that everyone may see."""
        return {d.code: tuple(f.name for f in d.fields if f.public) for d in self.all().values() if d.public}

    def of_kind(self, kind: Kind) -> TypeDefinition:
        """The type of a kind that has just one: evidence, seal, status."""
        return next(d for d in self.all().values() if d.kind is kind)

    def add(self, path: Path) -> TypeDefinition:
        """Check a type file and keep a copy under its own name.

        Raises:
            InputError: TYPEFILE_…, TYPE_FILE_UNREADABLE. ConflictError: TYPE_EXISTS.
        """
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as e:
            raise InputError("TYPE_FILE_UNREADABLE", file=str(path)) from e
        definition = parse_type_file(text)
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            with (self._folder / path.name).open("x", encoding="utf-8") as stream:
                stream.write(text)
        except FileExistsError as e:
            raise ConflictError("TYPE_EXISTS", name=path.stem) from e
        return definition
