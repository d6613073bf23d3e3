"""Whose SM2 arithmetic is used: system libcrypto by ctypes, else gmssl-pyx.

``cryptography`` has none. Both backends sign and verify the digest e of GB/T 32918.2, which ``sm2`` makes: so
neither's own default for the signer's identifier (OpenSSL's is empty) can ever take effect. Some distributions
build libcrypto without SM2, so a backend is asked, not assumed.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Protocol

from ledger.crypto.sm2_encoding import PRIVATE_BYTES, read_private, spki_of, write_pkcs8
from ledger.errors import ConfigError

LIBRARIES = ("libcrypto.so.3", "libcrypto.so.4", "libcrypto.3.dylib", "libcrypto-3-x64.dll")
"""Versioned names only: on macOS, loading the unversioned one ends the process."""
MAX_SIGNATURE = 72  # bytes: SEQUENCE of two INTEGER of at most 33 bytes
_CACHED_KEYS = 256


class Backend(Protocol):
    """``public``: 65 bytes, a point that was found on the curve; ``digest``: 32 bytes; signatures: DER."""

    name: str

    def verify(self, public: bytes, digest: bytes, signature: bytes) -> bool: ...

    def signer(self, private: bytes, public: bytes) -> Callable[[bytes], bytes]:
        """Signs digests with a key that is taken in once."""
        ...

    def generate(self) -> tuple[bytes, bytes]:
        """A new private key (32 bytes) and its public key."""
        ...


class _Handle:
    """An EVP_PKEY, freed with its last user."""

    __slots__ = ("_free", "pointer")

    def __init__(self, pointer: int, free: Callable[[int], None]) -> None:
        self.pointer, self._free = pointer, free

    def __del__(self) -> None:
        self._free(self.pointer)


class LibcryptoBackend:
    """OpenSSL 3 (``EVP_PKEY_sign`` and ``EVP_PKEY_verify`` take the digest).

    Raises:
        ConfigError: ``SM2_UNAVAILABLE`` without a library of version 3 or later that has SM2.
    """

    def __init__(self) -> None:
        self._library = _load()
        self._names()
        self._free: Callable[[int], None] = self._function("EVP_PKEY_free", None, ctypes.c_void_p)
        version = self._function("OpenSSL_version", ctypes.c_char_p, ctypes.c_int)(0)
        self.name = f"libcrypto ({version.decode('ascii', 'replace')})"
        self._public = lru_cache(_CACHED_KEYS)(self._load_public)

    def _function(self, name: str, result: Any, *arguments: Any) -> Any:
        try:
            function = getattr(self._library, name)
        except AttributeError as error:
            raise ConfigError("SM2_UNAVAILABLE") from error
        function.restype, function.argtypes = result, arguments
        return function

    def _names(self) -> None:
        pointer, text, number, size = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t
        place = ctypes.POINTER(pointer)
        self._read_private = self._function("d2i_AutoPrivateKey", pointer, pointer, ctypes.POINTER(text), ctypes.c_long)
        self._read_public = self._function("d2i_PUBKEY", pointer, pointer, ctypes.POINTER(text), ctypes.c_long)
        self._write_private = self._function("i2d_PrivateKey", number, pointer, pointer)
        self._context = self._function("EVP_PKEY_CTX_new_from_pkey", pointer, pointer, pointer, text)
        self._named_context = self._function("EVP_PKEY_CTX_new_from_name", pointer, pointer, text, text)
        self._free_context = self._function("EVP_PKEY_CTX_free", None, pointer)
        self._sign_init = self._function("EVP_PKEY_sign_init", number, pointer)
        self._sign = self._function("EVP_PKEY_sign", number, pointer, text, ctypes.POINTER(size), text, size)
        self._verify_init = self._function("EVP_PKEY_verify_init", number, pointer)
        self._verify = self._function("EVP_PKEY_verify", number, pointer, text, size, text, size)
        self._keygen_init = self._function("EVP_PKEY_keygen_init", number, pointer)
        self._keygen = self._function("EVP_PKEY_generate", number, pointer, place)
        self._clear_errors = self._function("ERR_clear_error", None)

    def verify(self, public: bytes, digest: bytes, signature: bytes) -> bool:
        key = self._public(public)  # held until the call ends, even if the cache drops it meanwhile
        with self._working(self._context(None, key.pointer, None)) as context:
            _require(self._verify_init(context))
            return bool(self._verify(context, signature, len(signature), digest, len(digest)) == 1)

    def signer(self, private: bytes, public: bytes) -> Callable[[bytes], bytes]:
        key = self._load_key(self._read_private, write_pkcs8(private, public))

        def sign(digest: bytes) -> bytes:
            with self._working(self._context(None, key.pointer, None)) as context:
                _require(self._sign_init(context))
                length, buffer = ctypes.c_size_t(MAX_SIGNATURE), ctypes.create_string_buffer(MAX_SIGNATURE)
                _require(self._sign(context, buffer, ctypes.byref(length), digest, len(digest)))
                return buffer.raw[: length.value]

        return sign

    def generate(self) -> tuple[bytes, bytes]:
        with self._working(self._named_context(None, b"SM2", None)) as context:
            _require(self._keygen_init(context))
            made = ctypes.c_void_p()
            _require(self._keygen(context, ctypes.byref(made)))
        key = _Handle(made.value or 0, self._free)
        length = self._write_private(key.pointer, None)
        buffer = ctypes.create_string_buffer(max(length, 1))
        _require(self._write_private(key.pointer, ctypes.byref(ctypes.c_void_p(ctypes.addressof(buffer)))))
        return read_private(buffer.raw[:length])

    def _load_public(self, public: bytes) -> _Handle:
        return self._load_key(self._read_public, spki_of(public))

    def _load_key(self, read: Any, der: bytes) -> _Handle:
        pointer = read(None, ctypes.byref(ctypes.c_char_p(der)), len(der))
        if not pointer:
            self._clear_errors()
            raise ConfigError("SM2_UNAVAILABLE")
        return _Handle(pointer, self._free)

    @contextmanager
    def _working(self, context: int | None) -> Iterator[int]:
        """Free the context; leave no error behind that another user of the library would take for its own."""
        if not context:
            self._clear_errors()
            raise ConfigError("SM2_UNAVAILABLE")
        try:
            yield context
        finally:
            self._free_context(context)
            self._clear_errors()


class GmsslBackend:
    """GmSSL in the package gmssl-pyx.

    Raises:
        ConfigError: ``SM2_UNAVAILABLE`` where the package is not installed.
    """

    def __init__(self) -> None:
        try:
            import gmssl_pyx
        except ImportError as error:
            raise ConfigError("SM2_UNAVAILABLE") from error
        self._library: Any = gmssl_pyx
        self.name = f"gmssl-pyx {gmssl_pyx.version}"

    def verify(self, public: bytes, digest: bytes, signature: bytes) -> bool:
        try:
            return bool(self._library.sm2_verify_sm3_digest(public[1:], digest, signature))
        except self._library.GmsslInnerError:
            return False

    def signer(self, private: bytes, public: bytes) -> Callable[[bytes], bytes]:
        return lambda digest: bytes(self._library.sm2_sign_sm3_digest(private, digest))

    def generate(self) -> tuple[bytes, bytes]:
        public, private = self._library.sm2_key_generate()
        return bytes(private).rjust(PRIVATE_BYTES, b"\0"), b"\x04" + bytes(public)


def _load() -> ctypes.CDLL:
    for name in LIBRARIES:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise ConfigError("SM2_UNAVAILABLE")


def _require(result: int) -> None:
    if result <= 0:
        raise ConfigError("SM2_UNAVAILABLE")
