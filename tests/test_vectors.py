"""Every vector under ``tests/vectors`` against the library, and the formulas of FORMATS against the vectors."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ledger.core.records import FileDigest
from ledger.core.trust import Trust, TrustFile
from ledger.crypto.trust_signatures import verify_trust_file
from ledger.errors import ZhengyinError
from ledger.verification import Facts, verify
from scripts.vector_cases.acts import ACTS

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "tests" / "vectors"
BUNDLES = FOLDER / "bundles"


def cases_in(name: str) -> list[Any]:
    files = sorted(p for p in FOLDER.glob(f"*/{name}.json") if p.parent != BUNDLES)
    return [
        pytest.param(case, id=f"{file.parent.name}: {case['name']}")
        for file in files
        for case in json.loads(file.read_text("utf-8"))["cases"]
    ]


def vectors(folder: str, act: str) -> list[dict[str, Any]]:
    found = [c for c in json.loads((FOLDER / folder / "valid.json").read_text("utf-8"))["cases"] if c["act"] == act]
    assert found, "a check without cases checks nothing"
    return found


@pytest.mark.parametrize("case", cases_in("valid"))
def test_a_valid_vector_gives_what_it_gave(case: dict[str, Any]) -> None:
    assert json.loads(json.dumps(ACTS[case["act"]](case["given"]))) == case["gives"]


@pytest.mark.parametrize("case", cases_in("faulty"))
def test_a_faulty_vector_is_refused_with_its_code(case: dict[str, Any]) -> None:
    with pytest.raises(ZhengyinError) as caught:
        ACTS[case["act"]](case["given"])
    assert caught.value.code == case["refused"]


def test_each_format_has_valid_and_faulty_vectors() -> None:
    folders = [p for p in FOLDER.iterdir() if p.is_dir() and p != BUNDLES]
    assert [p.name for p in folders if not (p / "valid.json").is_file() or not (p / "faulty.json").is_file()] == []
    assert len(cases_in("faulty")) >= 60


def test_the_generator_gives_the_committed_files() -> None:
    script = [sys.executable, str(ROOT / "scripts" / "make_vectors.py"), "--check"]
    done = subprocess.run(script, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stdout) == (0, "")


# ---- bundles made once: every later version must still judge them so -----------------------------------------------


@cache
def trust(name: str) -> Trust:
    file = TrustFile.from_bytes((BUNDLES / name).read_bytes())
    verify_trust_file(file, None, None)
    return file.content


def bundle_cases() -> list[Any]:
    cases = json.loads((BUNDLES / "cases.json").read_text("utf-8"))["cases"]
    return [pytest.param(case, id=case["name"]) for case in cases]


@pytest.mark.parametrize("case", bundle_cases())
def test_a_bundle_is_judged_as_it_was(case: dict[str, Any]) -> None:
    question = case["question"]
    report = verify(
        Facts(
            bundle=(BUNDLES / f"{case['name']}.zyb").read_bytes(),
            documents=tuple(FileDigest.from_json(d, "document") for d in question["documents"]),
            trust=trust(case["trust"]),
            now=question["now"],
            time_of_interest=question["timeOfInterest"],
            as_of_bundle=question["asOfBundle"],
            max_age=question["maxAge"],
            jurisdiction=question["jurisdiction"],
        )
    )
    found = {
        "indication": report.indication.value,
        "step": report.cause.step.value if report.cause else None,
        "code": report.cause_code,
        "headline": report.headline.value,
        "exitCode": report.exit_code,
    }
    assert found == case["verdict"]


def test_the_bundles_are_whole_and_all_used() -> None:
    cases = [case.values[0] for case in bundle_cases()]
    named = {f"{c['name']}.zyb" for c in cases} | {c["trust"] for c in cases} | {"cases.json"}
    assert {p.name for p in BUNDLES.iterdir()} == named
    verdicts = [c["verdict"]["indication"] for c in cases]
    assert verdicts.count("TOTAL-PASSED") >= 1
    assert verdicts.count("TOTAL-FAILED") >= 10
    assert verdicts.count("INDETERMINATE") >= 5


# ---- the formulas of FORMATS, written down a second time with nothing but the standard library ---------------------


def b64(data: bytes) -> str:
    import base64

    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def jcs(value: Any) -> bytes:
    """Under the closed grammar the standard library writes RFC 8785, too."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def salts(key: bytes, names: Iterable[str]) -> list[bytes]:
    """Of the record, then of each name, ascending."""
    ascending = sorted(names)
    stream = hashlib.shake_256(key + b"zhengyin/salts/1" + jcs(ascending)).digest(32 * (1 + len(ascending)))
    return [stream[at : at + 32] for at in range(0, len(stream), 32)]


def tree(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, as it is written there."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + tree(leaves[:split]) + tree(leaves[split:])).digest()


def test_canonical_bytes_are_those_of_the_page() -> None:
    for case in vectors("canonical", "canonical_encode"):
        assert jcs(case["given"]["value"]).decode() == case["gives"]["text"]


def test_the_tree_is_that_of_the_page() -> None:
    for case in vectors("merkle", "merkle_tree"):
        leaves = [hashlib.sha256(b"\x00" + bytes.fromhex(item)).digest() for item in case["given"]["items"]]
        assert tree(leaves).hex() == case["gives"]["root"]


def test_keys_and_claims_are_those_of_the_page() -> None:
    for case in vectors("disclosure", "claims"):
        key, values = bytes.fromhex(case["given"]["key"]), case["given"]["values"]
        for name, salt in zip(sorted(values), salts(key, values)[1:], strict=True):
            digest = hashlib.sha256(b"\x10" + jcs([b64(salt), name, values[name]])).digest()
            assert case["gives"]["claims"][name] == b64(digest)
    for case in vectors("keys", "keys"):
        key = bytes.fromhex(case["given"]["key"])
        assert case["gives"]["recordSalt"] == salts(key, case["given"]["names"])[0].hex()
        assert case["gives"]["bodyKey"] == hashlib.sha256(key + b"zhengyin/body/1").hexdigest()


def test_leaf_manifest_digest_and_accreditation_id_are_plain_hashes() -> None:
    for folder, name, prefix in (
        ("record", "leaf", b"\x00"),
        ("manifest", "sha256", b""),
        ("accreditation", "id", b""),
    ):
        for case in vectors(folder, folder):
            data = prefix + case["given"]["text"].encode()
            assert hashlib.sha256(data).hexdigest() == case["gives"][name]


def test_an_approval_is_that_of_the_page() -> None:
    for case in vectors("approval", "approval"):
        data = b"zhengyin/approval/1" + bytes.fromhex(case["given"]["leaf"])
        assert hmac.digest(bytes.fromhex(case["given"]["key"]), data, "sha256").hex() == case["gives"]["approval"]


def test_a_body_is_sealed_as_the_page_says() -> None:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    for case in vectors("body", "body"):
        given = case["given"]
        record, leaf = given["record"].encode(), bytes.fromhex(given["leaf"])
        frame = len(record).to_bytes(4, "big") + record + jcs(given["values"])
        cipher = AESGCM(hashlib.sha256(bytes.fromhex(given["key"]) + b"zhengyin/body/1").digest())
        assert cipher.encrypt(bytes(12), frame, b"zhengyin/body/1" + leaf).hex() == case["gives"]["body"]


def test_a_segment_is_laid_out_as_the_page_says() -> None:
    for case in vectors("segment", "segment"):
        given = case["given"]
        names, size = sorted(set(given["types"])), len(given["bodies"])
        about = {
            "tag": "zhengyin/segment/1",
            "issuer": given["issuer"],
            "kind": given["kind"],
            "size": size,
            "types": names,
        }
        header = jcs(about)
        leaves = [bytes.fromhex(leaf) for leaf in given["leaves"]]
        inner = hashlib.sha256(b"\x01" + leaves[0] + leaves[1]).digest()
        bodies = [bytes.fromhex(b) for b in given["bodies"]]
        ends = [sum(map(len, bodies[:n])) for n in range(size + 1)]
        data = b"ZYSEGMNT" + (1).to_bytes(2, "big") + len(header).to_bytes(4, "big") + header
        data += b"".join(names.index(t).to_bytes(2, "big") for t in given["types"])
        data += b"".join(handle.to_bytes(8, "big") for handle in given["handles"])
        data += bytes.fromhex("".join(given["approvals"]))
        data += b"".join(leaves) + inner + leaves[2] + tree(leaves)
        data += b"".join(end.to_bytes(8, "big") for end in ends) + b"".join(bodies)
        assert (data + hashlib.sha256(data).digest()).hex() == case["gives"]["body"]
