"""Keys on the command line: every algorithm made, every file and token taken over, and files signed with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_kit import OFFICE, Cli
from cryptography import x509
from key_kit import key, openssl, self_signed
from pki_kit import Kit
from softhsm import SoftHsm, furnish, softhsm

from ledger.core import canonical
from ledger.crypto import pem
from ledger.crypto.certificates import fingerprint
from ledger.crypto.foreign_cms import verify_foreign


@pytest.fixture(autouse=True)
def _no_passphrase_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ZHENGYIN_KEY_PASSPHRASE", "ZHENGYIN_IMPORT_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftHsm]:
    with softhsm(tmp_path_factory.mktemp("hsm")) as made:
        furnish(made)
        yield made


def listed(cli: Cli, name: str) -> tuple[str, str]:
    found = [e for e in cli("key", "list", "--json").lines if e["name"] == name]
    assert len(found) == 1
    return found[0]["algorithm"], found[0]["kept"]


@pytest.mark.parametrize("algorithm", ["ecdsa-p256", "ecdsa-p384", "ed25519", "sm2", "rsa-2048", "rsa-pss-2048"])
def test_a_key_of_every_algorithm_asks_a_ca_and_signs_a_file(demo: Cli, tmp_path: Path, algorithm: str) -> None:
    act = ("--org", OFFICE)
    made = demo(*act, "key", "new", "signing", "--name", "y", "--algorithm", algorithm, "--csr", tmp_path / "y.csr")
    assert made.code == 0, made.err
    assert listed(demo, "y") == (algorithm, "file")
    waiting = demo(*act, "sign", tmp_path / "y.csr", "--key", "y", "--json")
    assert (waiting.code, waiting.json["error"]["code"]) == (3, "KEYS_UNKNOWN")
    sm2 = ("-vfyopt", "distid:1234567812345678") if algorithm == "sm2" else ()
    assert "verify OK" in openssl(tmp_path, "req", "-in", "y.csr", "-verify", "-noout", *sm2)
    certify(tmp_path, sm2)
    assert demo(*act, "key", "import", tmp_path / "y.crt", "--purpose", "certificate", "--name", "y").code == 0
    signed = demo(*act, "sign", tmp_path / "y.csr", "--key", "y", "--out", tmp_path / "y.p7s", "--json")
    assert signed.code == 0, signed.err
    cms, content = (tmp_path / "y.p7s").read_bytes(), (tmp_path / "y.csr").read_bytes()
    assert signed.json["certificate"] == fingerprint(verify_foreign(cms, content).certificate).hex()
    assert signed.json["algorithm"] == verify_foreign(cms, content).algorithm


def certify(folder: Path, options: tuple[str, ...]) -> None:
    """As a CA would that looks at the request alone."""
    (folder / "ca.pem").write_bytes(key("ecdsa-p256").to_pem(None))
    (folder / "ca.crt").write_text(pem.write("CERTIFICATE", self_signed("ecdsa-p256")))
    (folder / "v3").write_text("basicConstraints=CA:FALSE\n")
    openssl(
        folder, "x509", "-req", "-in", "y.csr", "-CA", "ca.crt", "-CAkey", "ca.pem", "-set_serial", "7",
        "-extfile", "v3", "-out", "y.crt", *options,
    )  # fmt: skip


def test_the_signature_lies_beside_the_file_and_is_logged(demo: Cli, tmp_path: Path) -> None:
    file = tmp_path / "公告.pdf"
    file.write_bytes(b"notice")
    signed = demo("--org", OFFICE, "sign", file)
    assert signed.code == 0, signed.err
    made = (tmp_path / "公告.pdf.p7s").read_bytes()
    (tmp_path / "n.p7s").write_bytes(made)
    (tmp_path / "n").write_bytes(b"notice")
    openssl(tmp_path, "cms", "-verify", "-binary", "-inform", "DER", "-in", "n.p7s", "-content", "n", "-noverify")
    entry = last_entry(demo)
    assert entry["act"] == "file.sign" and entry["subject"] == openssl_digest(tmp_path)
    certificate = fingerprint(verify_foreign(made, b"notice").certificate).hex()
    assert entry["after"] == {"name": "main", "certificate": certificate, "level": "b"}


def openssl_digest(folder: Path) -> str:
    return openssl(folder, "dgst", "-sha256", "-r", "n").split()[0]


def last_entry(cli: Cli) -> dict[str, object]:
    from ledger.assembly.app import App
    from ledger.settings import load_settings

    with App(load_settings(cli.home)) as app, app.store.read() as unit:
        *_, (_, entry, _) = unit.access.all_operations()
    found: dict[str, object] = canonical.decode(entry)
    return found


def test_what_cannot_be_signed(demo: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"12")
    assert demo("--org", OFFICE, "sign", file, "--key", "none").code == 3
    monkeypatch.setattr("ledger.cli.signing.MAX_BYTES", 1)
    assert demo("--org", OFFICE, "sign", file, "--json").json["error"]["code"] == "CLI_SIGN_LARGE"
    assert not (tmp_path / "f.p7s").exists()


@pytest.mark.parametrize("options", [(), ("-legacy",)], ids=["today", "legacy"])
def test_pkcs12_of_a_ca_with_sm2(
    demo: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    (tmp_path / "k.pem").write_bytes(key("sm2").to_pem(None))
    (tmp_path / "c.pem").write_text(pem.write("CERTIFICATE", self_signed("sm2")))
    (tmp_path / "words").touch(0o600)
    (tmp_path / "words").write_text("geheim\n")
    openssl(
        tmp_path, "pkcs12", "-export", "-inkey", "k.pem", "-in", "c.pem", "-passout", "file:words",
        "-out", "office.p12", *options,
    )  # fmt: skip
    command = (
        "key",
        "import",
        tmp_path / "office.p12",
        "--purpose",
        "signing",
        "--name",
        "gm",
        "--org",
        OFFICE,
        "--json",
    )
    refused = demo(*command)
    assert (refused.code, refused.json["error"]["code"]) == (4, "KEYS_PASSPHRASE")
    monkeypatch.setenv("ZHENGYIN_IMPORT_PASSPHRASE", "other")
    assert demo(*command).json["error"]["code"] == "KEYS_PASSPHRASE"
    monkeypatch.delenv("ZHENGYIN_IMPORT_PASSPHRASE")
    monkeypatch.setenv("ZHENGYIN_IMPORT_PASSPHRASE_FILE", str(tmp_path / "words"))
    assert demo(*command).code == 0
    assert listed(demo, "gm") == ("sm2", "file")
    assert demo(*command).json["error"]["code"] == "KEYS_EXISTS"
    signed = demo("--org", OFFICE, "sign", tmp_path / "k.pem", "--key", "gm", "--json")
    assert signed.json["algorithm"] == "sm2-sm3"


def test_the_chain_in_a_pkcs12_file_is_kept_and_a_stranger_in_it_is_not(
    demo: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pki: Kit
) -> None:
    leaf, above = pki.leaf("ca-g"), (*pki.intermediates("ca-g"), pki.root("ca-g"))
    monkeypatch.setenv("ZHENGYIN_IMPORT_PASSPHRASE", "geheim")
    (tmp_path / "k.pem").write_bytes(leaf.key.to_pem(None))
    (tmp_path / "c.pem").write_text(pem.write("CERTIFICATE", leaf.certificate))
    chain = [*reversed(above), pki.root("ca-h"), self_signed("ed25519")]
    (tmp_path / "chain.pem").write_text("".join(pem.write("CERTIFICATE", each) for each in chain))
    openssl(
        tmp_path, "pkcs12", "-export", "-inkey", "k.pem", "-in", "c.pem", "-certfile", "chain.pem",
        "-passout", "pass:geheim", "-out", "office.p12",
    )  # fmt: skip
    command = ("key", "import", tmp_path / "office.p12", "--purpose", "signing", "--org", OFFICE)
    done = demo(*command, "--name", "g")
    assert done.code == 0 and "authorities/imported" in done.err, done.err
    folder = demo.home / "authorities" / "imported" / "certificates"
    assert {file.read_bytes() for file in folder.iterdir()} == set(above)
    again = demo(*command, "--name", "h", "--json")
    assert (again.code, again.json["authorities"]) == (0, 0)
    assert demo(*command, "--name", "g").code == 2  # the name is taken


def test_the_passphrase_is_asked_for_where_somebody_is_there(
    demo: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "k.pem").write_bytes(key("ed25519").to_pem("口令".encode()))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.prompt", lambda *_, **__: "口令")
    done = demo("--org", OFFICE, "key", "import", tmp_path / "k.pem", "--purpose", "signing", "--name", "typed")
    assert done.code == 0, done.err
    assert listed(demo, "typed") == ("ed25519", "file")


def test_a_key_of_a_token_is_shown_as_hardware_and_signs(demo: Cli, tmp_path: Path, token: SoftHsm) -> None:
    act = ("--org", OFFICE)
    done = demo(*act, "key", "import", "--purpose", "signing", "--name", "hsm", "--pkcs11", token.uri("certified"))
    assert done.code == 0, done.err
    assert listed(demo, "hsm") == ("rsa-2048", "pkcs11")
    assert "hardware (PKCS#11)" in demo("key", "list").out
    (tmp_path / "f").write_bytes(b"data")
    assert demo(*act, "sign", tmp_path / "f", "--key", "hsm").code == 0
    found = verify_foreign((tmp_path / "f.p7s").read_bytes(), b"data")
    assert x509.load_der_x509_certificate(found.certificate) == x509.load_der_x509_certificate(self_signed("rsa-2048"))


def test_a_key_is_made_in_a_token_and_never_leaves_it(demo: Cli, tmp_path: Path, token: SoftHsm) -> None:
    act, uri = ("--org", OFFICE, "key", "new", "signing"), token.uri("made-here")
    done = demo(*act, "--name", "y", "--algorithm", "ecdsa-p384", "--pkcs11", uri, "--csr", tmp_path / "y.csr")
    assert done.code == 0, done.err
    assert listed(demo, "y") == ("ecdsa-p384", "pkcs11")
    certify(tmp_path, ())
    put = ("--org", OFFICE, "key", "import", tmp_path / "y.crt", "--purpose", "certificate", "--name", "y")
    assert demo(*put).code == 0
    assert (
        demo("--org", OFFICE, "sign", tmp_path / "y.csr", "--key", "y", "--json").json["algorithm"].startswith("ecdsa")
    )
    again = demo(*act, "--name", "z", "--pkcs11", uri, "--json")
    assert (again.code, again.json["error"]["code"]) == (2, "PKCS11_EXISTS")
    plain = demo("--org", OFFICE, "key", "new", "council", "--name", "m", "--pkcs11", token.uri("member"), "--json")
    assert plain.json["publicKey"].startswith("-----BEGIN PUBLIC KEY-----") and listed(demo, "m") == (
        "ed25519",
        "pkcs11",
    )
    for refused in ("sm2", "rsa-pss-2048"):
        assert demo(*act, "--name", "x", "--algorithm", refused, "--pkcs11", token.uri("x")).code == 4
    for purpose in ("account", "approval"):
        done = demo("--org", OFFICE, "key", "new", purpose, "--name", "x", "--pkcs11", token.uri("x"), "--json")
        assert (done.code, done.json["error"]["code"]) == (4, "KEYS_ALGORITHM")
    done = demo("--org", OFFICE, "key", "new", "council", "--algorithm", "rsa-2048", "--pkcs11", token.uri("x"))
    assert done.code == 4
    assert demo("--org", OFFICE, "key", "import", "--purpose", "signing", "--pkcs11", token.uri("x")).code == 4, (
        "not made"
    )


def test_faults_of_a_token_have_exit_codes_of_their_kind(demo: Cli, tmp_path: Path, token: SoftHsm) -> None:
    def outcome(uri: str) -> tuple[int, str]:
        done = demo("--org", OFFICE, "key", "import", "--purpose", "signing", "--name", "h", "--pkcs11", uri, "--json")
        return done.code, done.json["error"]["code"]

    assert outcome(token.uri("ed25519", token="away")) == (3, "PKCS11_TOKEN")
    assert outcome(token.uri("none")) == (4, "PKCS11_KEY")
    assert outcome(token.uri("sm2")) == (4, "PKCS11_SM2")
    assert outcome(token.uri("ed25519") + "&pin-value=1") == (2, "PKCS11_URI_PIN")
    neither = demo("--org", OFFICE, "key", "import", "--purpose", "signing", "--json")
    assert (neither.code, neither.json["error"]["code"]) == (2, "CLI_KEY_FILE")


def test_the_test_ca_says_which_keys_it_does_not_certify(demo: Cli) -> None:
    before = demo("key", "list", "--json").lines
    done = demo("--org", OFFICE, "key", "new", "signing", "--name", "gm", "--algorithm", "sm2", "--certify", "--json")
    assert (done.code, done.json["error"]["code"]) == (4, "KEYS_TEST_CA")
    assert demo("key", "list", "--json").lines == before  # refused before there is a key
    done = demo("--org", OFFICE, "key", "new", "signing", "--name", "e", "--algorithm", "ecdsa-p384", "--certify")
    assert done.code == 0, done.err
    assert listed(demo, "e") == ("ecdsa-p384", "file")


@pytest.mark.parametrize("algorithm", ["sm2", "ed25519", "ecdsa-p256"])
def test_council_keys_of_every_algorithm_of_the_trust_file(demo: Cli, algorithm: str) -> None:
    done = demo("--org", OFFICE, "key", "new", "council", "--name", "member-9", "--algorithm", algorithm)
    assert done.code == 0, done.err
    assert listed(demo, "member-9") == (algorithm, "file")
