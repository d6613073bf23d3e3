"""Founding, the council, organisations, keys, types, the trust file, and upkeep."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from pathlib import Path

import pytest
from cli_kit import COUNCIL, OFFICE, Cli, business_licenses, write_csv

NOTARY = "12440100070003012L"
NEWCOMER = "11330100700008011Y"
TYPE_FILE = """
code = "11100000MB0143028R999"
kind = "license"

[name]
zh = "示范许可证"
en = "Example permit"

[identifier]
serial = "编号"

[[fields]]
name = "holder"
column = "持证人"
label = { zh = "持证人", en = "Holder" }
kind = "text"
required = true
personal = true
"""


def test_plain_init_is_a_council_of_one_and_says_so(tmp_path: Path) -> None:
    alone = Cli(tmp_path / "office")
    made = alone("init", "--org", OFFICE, "--name", "甲市示范登记中心", "--jurisdiction", "CN-440100", "--json")
    assert made.code == 0, made.err
    assert made.json["council"] == [OFFICE]
    assert "一员" in made.err
    assert "测试 CA" in made.err
    source = write_csv(tmp_path / "a.csv", business_licenses("0001"))
    assert alone("import", source, "--type", "business-license", "--wait").code == 0
    assert alone("verify", "--id", _id(alone, tmp_path), "--lang", "en").code == 0
    again = alone("init", "--org", OFFICE, "--name", "x", "--json")
    assert (again.code, again.json["error"]["code"]) == (4, "SETTINGS_EXISTS")


def _id(cli: Cli, tmp_path: Path) -> str:
    report = tmp_path / "r.csv"
    assert cli("import", tmp_path / "a.csv", "--type", "business-license", "--report", report).code == 0
    return report.read_text("utf-8-sig").splitlines()[1].split(",")[3]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--org", OFFICE),
        ("--demo", "--org", OFFICE),
        ("--org", "123", "--name", "x"),
        ("--org", OFFICE, "--name", "x", "--jurisdiction", "nowhere"),
    ],
)
def test_init_that_makes_no_sense_leaves_nothing_behind(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = Cli(tmp_path / "office")("init", *arguments)
    assert done.code == 2
    assert list(tmp_path.iterdir()) == []


def test_the_demonstration_has_its_members_and_rights(demo_home: Path) -> None:
    found = {o["organisation"]: o for o in Cli(demo_home)("org", "list", "--json").lines}
    assert len(found) == 7
    assert {a["kind"] for a in found[OFFICE]["accreditations"]} == {"license", "seal", "sealUse", "evidence"}
    assert "evidence" in {a["kind"] for a in found[NOTARY]["accreditations"]}
    assert "license" not in {a["kind"] for a in found[NOTARY]["accreditations"]}
    assert all(o["name"] and "示范" in o["name"] and o["signers"] and o["accounts"] for o in found.values())
    assert "2" in Cli(demo_home)("council", "list").out
    proposal = Cli(demo_home)("council", "list", "--json").json
    assert (proposal["state"], proposal["approvals"]) == ("executed", 2)


def test_one_member_proposes_another_approves_and_it_is_executed(demo: Cli) -> None:
    proposed = demo("council", "propose", "bar", NOTARY, "--org", COUNCIL[0], "--json")
    assert (proposed.code, proposed.json["state"], proposed.json["approvals"]) == (0, "open", 1)
    number = proposed.json["proposal"]
    assert demo("council", "execute", number).code in (2, 3)
    assert demo("council", "approve", number, "--org", COUNCIL[1]).code == 0
    done = demo("council", "execute", number, "--json")
    assert (done.code, done.json["state"]) == (0, "executed")
    assert done.json["calls"][0]["values"]["organisation"] == NOTARY
    barred = {o["organisation"] for o in demo("org", "list", "--json").lines if o["barred"]}
    assert barred == {NOTARY}
    assert demo("council", "propose", "unbar", NOTARY).code == 0
    assert not any(o["barred"] for o in demo("org", "list", "--json").lines)


def test_two_vetoes_end_a_proposal(demo: Cli) -> None:
    number = demo("council", "propose", "bar", NOTARY, "--org", COUNCIL[0], "--json").json["proposal"]
    assert demo("council", "veto", number, "--org", COUNCIL[1]).code == 0
    assert demo("council", "veto", number, "--org", COUNCIL[2], "--json").json["state"] == "vetoed"
    assert demo("council", "execute", number).code == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("council", "approve", "99"), 3),
        (("council", "approve", "1"), 4),
        (("council", "approve", "1", "--org", OFFICE), 4),
        (("council", "propose", "dance", NOTARY), 2),
        (("council", "propose", "bind-signer", NOTARY), 2),
        (("council", "propose", "set-account", NOTARY), 2),
        (("council", "propose", "set-account", NOTARY, "--account", "0x12"), 2),
        (("org", "add", OFFICE, "--name", "x", "--jurisdiction", "CN"), 2),
        (("org", "accredit", OFFICE, "--kind", "nonsense", "--jurisdiction", "CN"), 2),
        (("org", "end", NOTARY, "--kind", "license"), 3),
        (("key", "new", "nonsense"), 2),
        (("key", "new", "account"), 2),
        (("type", "show", "nonsense"), 3),
        (("trust", "show", "nothing.json"), 3),
    ],
)
def test_exit_codes_of_what_the_council_cannot_do(demo_home: Path, arguments: tuple[str, ...], code: int) -> None:
    done = Cli(demo_home)(*arguments)
    assert done.code == code, done.err
    assert done.err


def test_a_new_organisation_is_added_accredited_issues_and_is_ended(demo: Cli, tmp_path: Path) -> None:
    added = demo(
        "org",
        "add",
        NEWCOMER,
        "--name",
        "丙市示范登记中心",
        "--jurisdiction",
        "CN-330100",
        "--kind",
        "evidence",
        "--json",
    )
    assert added.code == 0, added.err
    assert added.json["state"] == "executed"
    assert demo("trust", "show", "--json").json["version"] == 2
    assert (
        demo(
            "org",
            "accredit",
            NEWCOMER,
            "--kind",
            "license",
            "--jurisdiction",
            "CN-330100",
            "--types",
            "business-license",
        ).code
        == 0
    )
    rows = [(r[0], *r[1:]) for r in business_licenses("0001")]
    source = write_csv(tmp_path / "a.csv", rows)
    assert demo("import", source, "--type", "business-license", "--org", NEWCOMER, "--wait").code == 0
    report = tmp_path / "r.csv"
    demo("import", source, "--type", "business-license", "--org", NEWCOMER, "--report", report)
    number = report.read_text("utf-8-sig").splitlines()[1].split(",")[3]
    assert NEWCOMER in number
    passed = demo("verify", "--id", number)
    assert passed.code == 0, passed.out
    assert demo("org", "end", NEWCOMER, "--kind", "license").code == 0
    current = {o["organisation"]: o for o in demo("org", "list", "--json").lines}[NEWCOMER]["accreditations"]
    assert {a["kind"] for a in current if a["current"]} == {"evidence"}
    assert demo("verify", "--id", number).code == 0  # what was issued while it held stays so
    late = write_csv(tmp_path / "b.csv", business_licenses("0002"))
    held = demo("import", late, "--type", "business-license", "--org", NEWCOMER, "--wait")
    assert (held.code, "ACCREDITATION_NONE" in held.err) == (5, True)


def test_a_new_signing_key_is_certified_bound_and_used(demo: Cli, tmp_path: Path) -> None:
    made = demo("key", "new", "signing", "--name", "next", "--certify", "--organization-name", "甲市示范不动产登记中心")
    assert made.code == 0
    certificate = tmp_path / "next.crt"
    certificate.write_text(made.out, "ascii")
    assert demo("council", "propose", "bind-signer", OFFICE, "--certificate", certificate).code == 0
    assert len({o["organisation"]: o for o in demo("org", "list", "--json").lines}[OFFICE]["signers"]) == 2
    names = {(k["organisation"], k["name"]) for k in demo("key", "list", "--json").lines if k["purpose"] == "signing"}
    assert (OFFICE, "next") in names


def test_keys_are_imported_with_their_certificate_and_never_overwritten(demo: Cli, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    pem = tmp_path / "key.pem"
    secret = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem.write_bytes(secret)
    assert demo("key", "import", pem, "--purpose", "signing", "--name", "own").code == 0
    assert (
        demo("key", "import", pem, "--purpose", "signing", "--name", "own", "--json").json["error"]["code"]
        == "KEYS_EXISTS"
    )
    assert demo("key", "import", pem, "--purpose", "certificate", "--name", "own").code == 2
    made = demo("key", "new", "signing", "--name", "fresh")
    assert made.out.startswith("-----BEGIN PUBLIC KEY-----")
    assert "PRIVATE" not in demo("key", "list").out + made.out
    assert demo("key", "new", "account", "--name", "second", "--json").json["account"].startswith("0x")
    assert demo("key", "new", "approval", "--name", "gate").code == 0


def test_a_real_ca_certifies_a_key_by_its_request(demo: Cli, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import load_der_x509_certificate, load_pem_x509_csr

    from ledger.outside.demo_authority import DemoAuthority

    request, new = tmp_path / "own.csr", ("key", "new", "signing", "--name", "own", "--csr", tmp_path / "own.csr")
    made = demo(*new, "--organization-name", "甲市示范不动产登记中心", "--json")
    assert (made.code, made.json["csr"]) == (0, str(request))
    first = load_pem_x509_csr(request.read_bytes())
    assert demo(*new).code == 0  # asked again, for the same key
    csr = load_pem_x509_csr(request.read_bytes())
    assert first.is_signature_valid and csr.public_key() == first.public_key()
    folder = next((demo.home / "authorities").iterdir())
    der = DemoAuthority(folder).issue(csr.public_key(), "中心", OFFICE, int(time.time()), 30)
    certificate = tmp_path / "own.crt"
    certificate.write_bytes(load_der_x509_certificate(der).public_bytes(Encoding.PEM))
    for _ in range(2):
        assert demo("key", "import", certificate, "--purpose", "certificate", "--name", "own").code == 0
    assert demo(*new, "--json").json["error"]["code"] == "KEYS_EXISTS"
    assert demo("council", "propose", "bind-signer", OFFICE, "--certificate", certificate).code == 0
    for wrong in (("account",), ("signing", "--certify")):
        assert demo("key", "new", *wrong, "--csr", request, "--json").json["error"]["code"] == "CLI_KEY_CSR"


def test_a_key_left_without_certificate_by_a_crash_is_certified(demo: Cli, tmp_path: Path) -> None:
    lonely = demo("key", "new", "signing", "--name", "lonely").out
    made = demo("key", "new", "signing", "--name", "lonely", "--certify")
    assert made.code == 0
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from cryptography.x509 import load_pem_x509_certificate

    assert load_pem_x509_certificate(made.out.encode()).public_key() == load_pem_public_key(lonely.encode())


def test_one_s_own_type_file_is_added_and_used(demo: Cli, tmp_path: Path) -> None:
    file = tmp_path / "permit.toml"
    file.write_text(TYPE_FILE, "utf-8")
    assert demo("type", "add", file, "--json").json["code"] == "11100000MB0143028R999"
    assert "permit" in [t["name"] for t in demo("type", "list", "--json").lines]
    assert "持证人" in demo("type", "show", "permit").out
    assert demo("type", "show", "permit", "--json").json["fields"][0]["personal"] is True
    source = write_csv(tmp_path / "a.csv", [("01", "李示范")], header=("编号", "持证人"))
    assert demo("import", source, "--type", "permit", "--wait").code == 0
    assert demo("type", "add", file).code == 2
    file.write_text(TYPE_FILE.replace("personal", "persnal"), "utf-8")
    wrong = demo("type", "add", file)
    assert wrong.code == 2
    assert "personal" in wrong.err


def test_the_trust_file_is_renewed_compared_and_never_rolled_back(demo: Cli, tmp_path: Path) -> None:
    first, second, verifier = tmp_path / "1.json", tmp_path / "2.json", Cli(tmp_path / "verifier")
    assert demo("trust", "export", "-o", first).code == 0
    assert demo("trust", "export", "--renew", "-o", second, "--json").json["version"] == 2
    printed = demo("trust", "show", second, "--fingerprint").out.strip()
    assert printed == verifier("trust", "import", second, "--json").json["fingerprint"]
    refused = verifier("trust", "import", first, "--json")
    assert (refused.code, refused.json["error"]["code"]) == (2, "TRUST_ROLLBACK")
    assert json.loads(demo("trust", "export").out)["content"]["version"] == 2
    second.write_bytes(second.read_bytes().replace(b'"threshold":2', b'"threshold":1'))
    assert verifier("trust", "import", second).code == 2


def test_a_missing_signature_is_added_by_the_member_who_has_the_key(demo: Cli, tmp_path: Path) -> None:
    file = tmp_path / "trust.json"
    assert demo("trust", "export", "-o", file).code == 0
    content = json.loads(file.read_bytes())
    content["signatures"] = content["signatures"][:1]
    file.write_text(json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False), "utf-8")
    assert demo("trust", "show", file).code == 2
    signed = demo("trust", "sign", file, "--org", COUNCIL[1], "--json").json
    assert (signed["signatures"], signed["threshold"]) == (2, 2)
    assert demo("trust", "show", file).code == 0


def test_the_rows_are_rebuilt_from_chain_and_segments(ledger: Cli, numbers: dict[str, str]) -> None:
    assert ledger("revoke", numbers["0001"], "--wait").code == 0
    before = [ledger("verify", "--id", n, "--json").json["headline"] for n in numbers.values()]
    database = sqlite3.connect(ledger.home / "rows.db")
    with database:
        database.execute("delete from records")
    database.close()
    assert ledger("verify", "--id", numbers["0002"]).code == 3
    made = ledger("rebuild", "--json")
    assert made.code == 0
    assert made.json == {"batches": 2, "records": 4, "erased": 0, "missing": []}
    assert [ledger("verify", "--id", n, "--json").json["headline"] for n in numbers.values()] == before


def test_a_lost_segment_is_named_by_the_rebuild(ledger: Cli) -> None:
    shutil.rmtree(ledger.home / "segments")
    (ledger.home / "segments").mkdir()
    made = ledger("rebuild", "--json")
    assert made.code == 5
    assert len(made.json["missing"]) == 1


def test_jobs_shows_imports_batches_and_what_waits(ledger: Cli, tmp_path: Path) -> None:
    assert (
        ledger("import", write_csv(tmp_path / "b.csv", business_licenses("0009")), "--type", "business-license").code
        == 0
    )
    value = ledger("jobs", "--json").json
    assert [j["source"] for j in value["imports"]] == ["b.csv", "first.csv"]
    assert value["waiting"] == [{"issuer": OFFICE, "kind": "license", "records": 1}]
    assert "first.csv" in ledger("jobs").out
    assert ledger("anchor", "--json").json["problems"] == []
    assert ledger("anchor", "--wait", "--json").json["open"] == 0
    assert ledger("jobs", "--json").json["waiting"] == []


def test_members_whose_keys_lie_apart_sign_a_trust_file_one_after_the_other(demo: Cli, tmp_path: Path) -> None:
    second = Cli(tmp_path / "second")
    shutil.copytree(demo.home, second.home)
    for home, gone in ((demo.home, COUNCIL[1:]), (second.home, (COUNCIL[0], COUNCIL[2]))):
        for member in gone:
            (key,) = (home / "keys" / member).glob("*.council.pem")
            key.unlink()
    half, whole = tmp_path / "half.json", tmp_path / "whole.json"
    done = demo("trust", "export", "--renew", "-o", half)
    assert done.code == 0 and "trust sign" in done.err
    assert demo("trust", "import", half).code == 2  # one of two signatures is not yet a trust file
    assert second("--json", "trust", "sign", half, "-o", whole).json["signatures"] == 2
    assert demo("trust", "import", whole).code == 0
    assert demo("--json", "trust", "show").json["version"] == 2
