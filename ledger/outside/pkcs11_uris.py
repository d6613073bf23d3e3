"""Where a key lies in a token: PKCS#11 URIs (RFC 7512), and the file that holds one.

The file has the form of OpenSSL's PKCS#11 provider (PEM block ``PKCS#11 PROVIDER URI``), with the public half in a
block after it, so that a key can be listed and told apart while its device is away.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from ledger.crypto import der, pem
from ledger.errors import InputError

LABEL, PUBLIC = "PKCS#11 PROVIDER URI", "PUBLIC KEY"
ENVIRONMENT = "ZHENGYIN_TOKEN_PIN"
"""The variable that holds the PIN where the URI has no ``pin-source``."""
MAX_URI = 2048
_DESCRIPTION = der.write(0x1A, b"PKCS#11 Provider URI v1.0")
_UTF8 = 0x0C
_TOKEN = ("token", "serial", "model", "manufacturer")
_PATH = (*_TOKEN, "object", "id", "type")
_QUERY = ("module-path", "pin-source")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_ATTRIBUTE = re.compile(r"([a-z-]{1,32})=([A-Za-z0-9\-._~%:\[\]@!$'()*+,=&/]*)")


@dataclass(frozen=True, slots=True)
class KeyUri:
    """``token``: the attributes that tell the token, at least its label or serial number. ``module``: absolute path of
    the vendor's library. ``pin``: ``file:`` and an absolute path, or ``env:`` and the name of a variable."""

    module: str
    token: tuple[tuple[str, str], ...]
    label: str | None
    id: bytes | None
    pin: str

    @classmethod
    def parse(cls, text: str) -> KeyUri:
        """Of a PKCS#11 URI. The PIN itself must not stand in it: URIs are stored, shown, and in lists of processes.

        Raises:
            InputError: ``PKCS11_URI`` with the attribute that is missing, unknown or wrong; ``PKCS11_URI_PIN``.
        """
        if len(text) > MAX_URI or not text.startswith("pkcs11:"):
            raise InputError("PKCS11_URI", attribute="pkcs11:")
        path, _, query = text.removeprefix("pkcs11:").partition("?")
        where, how = _attributes(path, ";", _PATH), _attributes(query, "&", _QUERY)
        if where.get("type", b"private") != b"private":
            raise InputError("PKCS11_URI", attribute="type")
        if not {"token", "serial"} & where.keys():
            raise InputError("PKCS11_URI", attribute="token")
        if not {"object", "id"} & where.keys():
            raise InputError("PKCS11_URI", attribute="object")
        return cls(
            _module(_text("module-path", how.get("module-path", b""))),
            tuple((name, _text(name, where[name])) for name in _TOKEN if name in where),
            _text("object", where["object"]) if "object" in where else None,
            where.get("id"),
            _pin(_text("pin-source", how.get("pin-source", f"env:{ENVIRONMENT}".encode()))),
        )

    def __str__(self) -> str:
        path = [f"{name}={quote(value, safe='')}" for name, value in self.token]
        if self.label is not None:
            path.append(f"object={quote(self.label, safe='')}")
        if self.id is not None:
            path.append("id=" + "".join(f"%{byte:02X}" for byte in self.id))
        query = f"module-path={quote(self.module)}&pin-source={quote(self.pin, ':/')}"
        return f"pkcs11:{';'.join(path)};type=private?{query}"

    def to_pem(self, spki: bytes) -> bytes:
        """The file of a key whose public half is ``spki`` (DER)."""
        held = der.write(der.SEQUENCE, _DESCRIPTION, der.write(_UTF8, str(self).encode()))
        return (pem.write(LABEL, held) + pem.write(PUBLIC, spki)).encode()


def is_pkcs11_file(data: bytes) -> bool:
    return data.startswith(f"-----BEGIN {LABEL}-----".encode())


def read_pkcs11_file(data: bytes) -> tuple[KeyUri, bytes]:
    """The URI and the SubjectPublicKeyInfo (DER) of a file that ``to_pem`` made.

    Raises:
        InputError: ``PKCS11_URI``, ``PEM_BASE64``, ``DER_…``.
    """
    blocks = pem.read(data)
    if [label for label, _ in blocks] != [LABEL, PUBLIC]:
        raise InputError("PKCS11_URI", attribute=LABEL)
    description, uri = der.members(der.read(blocks[0][1], der.SEQUENCE), _DESCRIPTION[0], _UTF8)
    if description.outer != _DESCRIPTION:
        raise InputError("PKCS11_URI", attribute=LABEL)
    return KeyUri.parse(_text(LABEL, uri.content)), blocks[1][1]


def _attributes(text: str, separator: str, known: tuple[str, ...]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for part in text.split(separator) if text else ():
        match = _ATTRIBUTE.fullmatch(part)
        name = match[1] if match else part.partition("=")[0][:32]
        if name == "pin-value":
            raise InputError("PKCS11_URI_PIN")
        if match is None or name not in known or name in found:
            raise InputError("PKCS11_URI", attribute=name)
        found[name] = unquote_to_bytes(match[2])
        if not found[name]:
            raise InputError("PKCS11_URI", attribute=name)
    return found


def _text(name: str, value: bytes) -> str:
    try:
        found = value.decode()
    except UnicodeDecodeError:
        found = ""
    if not found.isprintable():
        found = ""
    if value and not found:
        raise InputError("PKCS11_URI", attribute=name)
    return found


def _module(path: str) -> str:
    if not Path(path).is_absolute():
        raise InputError("PKCS11_URI", attribute="module-path")
    return path


def _pin(source: str) -> str:
    scheme, _, rest = source.partition(":")
    if scheme == "file" and rest.startswith("///"):
        rest = rest[2:]
    if (scheme == "file" and rest.startswith("/") and not rest.startswith("//")) or (
        scheme == "env" and _VARIABLE.fullmatch(rest)
    ):
        return f"{scheme}:{rest}"
    raise InputError("PKCS11_URI", attribute="pin-source")
