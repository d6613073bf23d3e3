"""``seal make``, ``register``, ``stamp``, ``log``: an e-seal from its making to the count of its uses."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import ofd_kit
import pdf_kit
import pytest
from cli_kit import OFFICE, Cli, Run
from cryptography.hazmat.primitives.serialization import Encoding
from ses_kit import key, party, require_sm2

from ledger.crypto.ofd.making import packed
from ledger.outside.keystore import KeyStore

DAY = 86_400


@dataclass(frozen=True)
class Bureau:
    """A demonstration ledger whose office has the keys ``seal`` and ``maker``."""

    cli: Cli
    folder: Path

    def __call__(self, *arguments: object) -> Run:
        return self.cli("--org", OFFICE, "--json", *arguments)

    def make(self, *options: object) -> Run:
        signer, image = self.folder / "seal.crt", self.folder / "seal.png"
        given = ("--name", "登记专用章", "--id", "4401000000001", "--signer", signer, "--image", image)
        until = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 300 * DAY))
        return self("seal", "make", *given, "--until", until, "--key", "maker", "--out", self.seal, *options)

    def main(self) -> Path:
        """The certificate by which the office issues, which is not of SM2."""
        certificate = KeyStore(self.cli.home / "keys", None).certificate(OFFICE, "main")
        (self.folder / "main.crt").write_bytes(certificate)
        return self.folder / "main.crt"

    @property
    def seal(self) -> Path:
        return self.folder / "Seal.esl"

    def table(self, seal: str, count: int) -> Path:
        """Uses of the last minutes, as another system writes them."""
        now = int(time.time())
        lines = ["印章,用印时间,原文SHA-256,原文SM3,原文字节数,用印事由,经办人"]
        lines += [f"{seal},{now - n},{n:064x},{n:064x},9,批量,李四" for n in range(count)]
        (self.folder / "uses.csv").write_text("\n".join(lines), "utf-8")
        return self.folder / "uses.csv"

    def stamp(self, *options: object) -> Run:
        given = ("--key", "seal", "--reason", "办理登记", "--operator", "张三", "--no-validation", *options)
        return self("seal", "stamp", self.seal, self.folder / "a.pdf", "--out", self.folder / "s.pdf", *given)


@pytest.fixture
def bureau(demo: Cli, tmp_path: Path) -> Bureau:
    require_sm2()
    since = int(time.time()) // DAY * DAY - 30 * DAY
    keys = KeyStore(demo.home / "keys", None)
    for name in ("seal", "maker"):
        keys.import_key(OFFICE, name, "signing", key(name).to_pkcs8(Encoding.PEM), None)
        certificate = party(name, since, since + 900 * DAY).certificate
        keys.put_certificate(OFFICE, name, certificate)
        (tmp_path / f"{name}.crt").write_bytes(certificate)
    (tmp_path / "seal.png").write_bytes(pdf_kit.picture().data)
    (tmp_path / "a.pdf").write_bytes(pdf_kit.document())
    (tmp_path / "a.ofd").write_bytes(packed(ofd_kit.plain(sealed=False, high=297)))
    return Bureau(demo, tmp_path)


def test_a_seal_from_its_making_to_its_suspension(bureau: Bureau) -> None:
    made = bureau.make("--from", int(time.time()) - 3 * DAY)
    assert (made.code, made.json["version"]) == (0, 5), made.err
    assert bureau("seal", "register", bureau.seal).json["error"]["code"] == "SEAL_OWNER_NEEDED"
    record = bureau("seal", "register", bureau.seal, "--owner", OFFICE, "--wait")
    assert record.code == 0, record.err
    assert "SEALS_NO_AUTHORITY" in record.err, "whether its maker may make seals could not be told, and that is said"
    assert bureau("seal", "register", bureau.seal, "--owner", OFFICE).json["error"]["code"] == "SEAL_REGISTERED"
    assert bureau("seal", "register", bureau.seal, "--name", "x").json["error"]["code"] == "CLI_SEAL_FILE_ALONE"

    none = bureau.stamp("--page", 9).json["error"]
    assert (none["code"], none["values"]["page"]) == ("PDF_PAGE", 9)
    stamped = bureau.stamp("--wait", "--page", 1)
    assert (stamped.code, stamped.json["form"], stamped.json["seal"]) == (0, "pdf", record.json["leaf"]), stamped.err
    assert "SEALS_NO_AUTHORITY" in stamped.err, "asked again, and said again"
    sealed = bureau.folder / "s.pdf"
    verified = bureau("seal", "verify", sealed)
    assert verified.json["cause"]["code"] == "SES_SIGNER_NOT_JUDGED"
    assert verified.json["seals"][0]["steps"][0]["outcome"] == "passed"
    assert not [path for path in bureau.folder.iterdir() if path.suffix == ".part"]

    counted = bureau("seal", "log", bureau.seal).json
    assert (counted["uses"], counted["holder"], counted["name"]) == (1, OFFICE, "登记专用章")
    (day,) = counted["days"]
    for name in (bureau.seal, record.json["id"], record.json["leaf"]):
        listed = bureau("seal", "log", name, "--day", day["day"]).json
        assert [(use["id"], use["reason"]) for use in listed["list"]] == [(stamped.json["use"]["id"], "办理登记")]
        assert "张三" not in str(listed)
    words = bureau.cli("--org", OFFICE, "seal", "log", bureau.seal, "--day", day["day"]).out
    assert "共用印 1 次" in words and stamped.json["use"]["id"] in words

    flat = bureau("seal", "stamp", bureau.seal, bureau.folder / "a.ofd", "--out", bureau.folder / "s.ofd",
                  "--key", "seal", "--reason", "办理登记")  # fmt: skip
    assert (flat.code, flat.json["form"]) == (0, "ofd"), flat.err
    verified = bureau("seal", "verify", bureau.folder / "s.ofd")
    assert (verified.code, verified.json["cause"]["code"]) == (3, "SES_MAKER_NOT_JUDGED")
    assert "failed" not in {step["outcome"] for step in verified.json["seals"][0]["steps"]}

    imported = bureau("import", bureau.table(record.json["id"], 300), "--type", "seal-use")
    assert (imported.code, imported.json["new"]) == (0, 300), imported.err
    assert bureau("seal", "log", bureau.seal).json["uses"] == 302

    assert bureau("suspend", record.json["id"], "--reason", "detained").code == 0
    sealed.unlink()
    refused = bureau.stamp()
    assert (refused.code, refused.json["error"]["code"]) == (2, "SEAL_NOT_IN_FORCE")
    assert refused.json["error"]["values"]["state"] == "suspended"
    assert not sealed.exists()
    assert bureau("seal", "log", bureau.seal).json["uses"] == 302


def test_what_is_asked_wrongly_seals_nothing(bureau: Bureau) -> None:
    assert bureau.make("--version", "4", "--by-digest").json["version"] == 4
    made = bureau.seal.read_bytes()
    assert bureau.make("--version", "5").json["error"]["code"] == "CLI_FILE_EXISTS"
    assert bureau.seal.read_bytes() == made
    bureau.seal.unlink()
    assert bureau.make("--from", "2099-01-01").json["error"]["code"] == "SES_DATES"
    assert bureau.make("--key", "main").json["error"]["code"] == "SEAL_MAKER_ALGORITHM"
    assert bureau.make("--signer", bureau.main()).json["error"]["code"] == "SEAL_SIGNER_ALGORITHM"
    assert not bureau.seal.exists()
    assert bureau.make("--signer", bureau.main(), "--for-pdf").code == 0
    bureau.seal.write_bytes(made)
    assert bureau.stamp().json["error"]["code"] == "SEAL_UNKNOWN"
    assert bureau.stamp("--page", 0).json["error"]["code"] == "CLI_SEAL_PAGE"
    assert bureau("seal", "log", "urn:zhengyin:none").json["error"]["code"] == "SEAL_UNKNOWN"
    assert bureau("seal", "log", bureau.seal, "--day", "yesterday").json["error"]["code"] == "SEAL_DAY"
    out = ("seal", "stamp", bureau.seal, bureau.folder / "a.pdf", "--reason", "x", "--out")
    assert bureau(*out, bureau.folder / "a.pdf").json["error"]["code"] == "CLI_SEAL_OUT_SAME"
    assert bureau(*out, bureau.folder / "none" / "s.pdf").json["error"]["code"] == "CLI_FOLDER_MISSING"
    assert bureau(*out, bureau.folder / "a.ofd").json["error"]["code"] == "CLI_FILE_EXISTS"
    assert {path.name for path in bureau.folder.iterdir() if path.is_file()} == {
        *("seal.crt", "maker.crt", "main.crt", "seal.png", "a.pdf", "a.ofd", "Seal.esl")
    }
