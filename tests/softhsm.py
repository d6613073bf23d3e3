"""A software token (SoftHSM2) in a folder of its own, with keys of every kind that PKCS#11 knows."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from key_kit import key, missing, self_signed

from ledger.crypto import der, pem
from ledger.crypto.certificates import read_certificate
from ledger.outside.pkcs11_sessions import restart

MODULES = [f"/usr/{place}/softhsm/libsofthsm2.so" for place in ("lib", "lib64", "local/lib")]
TOKEN, PIN = "zhengyin test", "1234-test"
CONFIGURATION = "directories.tokendir = {folder}\nobjectstore.backend = file\nlog.level = ERROR\n"


@dataclass(frozen=True)
class SoftHsm:
    """``pin``: a file with the PIN."""

    module: str
    folder: Path
    pin: Path

    def uri(self, name: str, pin: Path | None = None, token: str = TOKEN) -> str:
        return (
            f"pkcs11:token={token.replace(' ', '%20')};object={name}"
            f"?module-path={self.module}&pin-source=file:{pin or self.pin}"
        )

    def session(self) -> Any:
        """For making keys, by the library alone."""
        import pkcs11

        return pkcs11.lib(self.module).get_token(token_label=TOKEN).open(rw=True, user_pin=PIN)


@contextmanager
def softhsm(root: Path) -> Iterator[SoftHsm]:
    """The library reads its configuration when it is loaded, once a process: one token a test run."""
    module = next((path for path in MODULES if Path(path).exists()), None)
    if module is None or shutil.which("softhsm2-util") is None:
        missing("SoftHSM2 is not installed")
    import pkcs11

    folder, pin = root / "tokens", root / "pin"
    folder.mkdir(parents=True)
    (root / "softhsm2.conf").write_text(CONFIGURATION.format(folder=folder))
    pin.touch(0o600)
    pin.write_text(PIN + "\n")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(root / "softhsm2.conf")
    try:
        command = ["softhsm2-util", "--init-token", "--free", "--label", TOKEN, "--so-pin", "so-pin-1", "--pin", PIN]
        subprocess.run(command, check=True, capture_output=True)
        yield SoftHsm(module, folder, pin)
    finally:
        restart(module)
        pkcs11.unload(module)
        if before is None:
            del os.environ["SOFTHSM2_CONF"]
        else:
            os.environ["SOFTHSM2_CONF"] = before


def furnish(token: SoftHsm) -> None:
    """Keys, each under the name of its algorithm: ecdsa-p256, ecdsa-p384, rsa-2048, ed25519, one on SM2's curve; and
    ``key("rsa-2048")`` with its certificate under the name certified."""
    from pkcs11 import Attribute, CertificateType, KeyType, ObjectClass
    from pkcs11.util.ec import encode_named_curve_parameters
    from pkcs11.util.rsa import decode_rsa_private_key

    plain = pem.read(key("rsa-2048").to_pem(None))[0][1]
    octets = der.read(plain, der.SEQUENCE).children()[2].content
    certificate = {
        Attribute.CLASS: ObjectClass.CERTIFICATE, Attribute.CERTIFICATE_TYPE: CertificateType.X_509,
        Attribute.VALUE: self_signed("rsa-2048"), Attribute.SUBJECT: read_certificate(self_signed("rsa-2048")).subject,
    }  # fmt: skip
    more = {Attribute.LABEL: "certified", Attribute.ID: b"\x20", Attribute.TOKEN: True}

    with token.session() as session:
        for number, (name, kind, curve) in enumerate(
            (
                ("ecdsa-p256", KeyType.EC, encode_named_curve_parameters("secp256r1")),
                ("ecdsa-p384", KeyType.EC, encode_named_curve_parameters("secp384r1")),
                ("sm2", KeyType.EC, bytes.fromhex("06082a811ccf5501822d")),
                ("ed25519", KeyType.EC_EDWARDS, b"\x13\x0cedwards25519"),
            ),
            1,
        ):
            parameters = session.create_domain_parameters(kind, {Attribute.EC_PARAMS: curve}, local=True)
            parameters.generate_keypair(id=bytes([number]), label=name, store=True)
        session.create_object(decode_rsa_private_key(octets) | more)
        session.create_object(certificate | more)
        session.generate_keypair(KeyType.RSA, 2048, id=b"\x09", label="rsa-2048", store=True)
