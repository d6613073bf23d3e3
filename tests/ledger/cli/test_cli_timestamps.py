"""``timestamp get`` and ``timestamp verify`` as people type them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_kit import zhengyin
from pki_kit import Kit
from timestamp_kit import Server, Tsa, make_tsa, rejected

DATA = "合同".encode()


@pytest.fixture
def authority(tmp_path: Path) -> Tsa:
    """Its root is ``ca/certificates/root.der``, its list ``ca/crls/root.crl``."""
    return make_tsa(int(time.time()), tmp_path / "ca")[0]


@pytest.fixture
def server(authority: Tsa) -> Iterator[Server]:
    made = Server(lambda request: authority.answer(request, int(time.time())))
    yield made
    made.stop()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "contract.pdf").write_bytes(DATA)
    return tmp_path / "contract.pdf"


def test_a_time_stamp_is_got_and_verified(server: Server, file: Path, tmp_path: Path) -> None:
    token = tmp_path / "contract.tst"
    got = zhengyin("timestamp", "get", file, "--url", server.url, "--digest", "sm3", "--out", token, "--json")
    assert (got.code, got.json["digest"], got.json["authority"]) == (0, "sm3", "TSA"), got.err
    root, crl = tmp_path / "ca/certificates/root.der", tmp_path / "ca/crls/root.crl"
    known = ("timestamp", "verify", token, "--data", file, "--root", root)
    whole = zhengyin(*known, "--crl", crl, "--json")
    assert (whole.code, whole.json["indication"]) == (0, "TOTAL-PASSED"), whole.out
    assert whole.json["proved"]["time"] == got.json["time"]
    assert "时间戳有效" in zhengyin(*known, "--crl", crl).out
    without = zhengyin(*known, "--json")
    assert (without.code, without.json["findings"][-1]["code"]) == (3, "TIME_TOKEN_REVOCATION_OPEN")
    nobody = zhengyin("timestamp", "verify", token, "--data", file, "--json")
    assert (nobody.code, nobody.json["findings"][-1]["code"]) == (3, "TIMESTAMP_PATH_NOT_JUDGED")
    stranger = zhengyin(
        "timestamp",
        "verify",
        token,
        "--data",
        file,
        "--root",
        write(tmp_path / "other", make_tsa(0)[0].certificate),
        "--json",
    )
    assert (stranger.code, stranger.json["findings"][-1]["code"]) == (3, "TIME_TOKEN_PATH_REFUSED")
    file.write_bytes(DATA + b".")
    other = zhengyin(*known, "--crl", crl, "--json")
    assert (other.code, other.json["indication"]) == (1, "TOTAL-FAILED")
    assert "不是对这份数据" in other.json["findings"][0]["zh"]


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_an_answer_is_verified_like_its_token(authority: Tsa, file: Path, tmp_path: Path) -> None:
    from timestamp_kit import granted

    answer = write(tmp_path / "answer.tsr", granted(authority.stamp(DATA, int(time.time()))))
    assert zhengyin("timestamp", "verify", answer, "--data", file).code == 3
    refused = write(tmp_path / "refused.tsr", rejected(2))
    assert (
        zhengyin("timestamp", "verify", refused, "--data", file, "--json").json["error"]["code"] == "TIMESTAMP_REFUSED"
    )
    garbage = write(tmp_path / "garbage", b"%PDF")
    assert zhengyin("timestamp", "verify", garbage, "--data", file).code == 1


def test_what_is_there_is_not_written_over(server: Server, file: Path, tmp_path: Path) -> None:
    done = zhengyin("timestamp", "get", file, "--url", server.url, "--out", file, "--json")
    assert (done.code, done.json["error"]["code"], file.read_bytes()) == (2, "CLI_FILE_EXISTS", DATA)


def test_authorities_that_do_not_answer(server: Server, file: Path, tmp_path: Path) -> None:
    server.answer = lambda request: rejected(25)
    done = zhengyin("timestamp", "get", file, "--url", server.url, "--out", tmp_path / "t", "--json")
    assert (done.code, done.json["error"]["code"]) == (3, "TIMESTAMP_UNAVAILABLE")
    assert not (tmp_path / "t").exists()
    none = zhengyin("--home", tmp_path, "timestamp", "get", file, "--out", tmp_path / "t", "--json")
    assert (none.code, none.json["error"]["code"]) == (4, "TIMESTAMP_NO_AUTHORITY")


def test_lists_without_a_root_are_a_mistake(file: Path, tmp_path: Path) -> None:
    done = zhengyin("timestamp", "verify", file, "--data", file, "--crl", file, "--json")
    assert (done.code, done.json["error"]["code"]) == (2, "CLI_TIMESTAMP_NO_ROOT")


def test_the_demonstrations_authorities_answer_while_they_are_asked(file: Path, tmp_path: Path, pki: Kit) -> None:
    """As they do for every other command on such a data folder, whether it is served at that moment or not."""
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "authorities").symlink_to(pki.folder)
    url, out = pki.pki.url("ca-h", "tsa/tsa"), tmp_path / "demo.tst"
    got = zhengyin("--home", tmp_path / "demo", "timestamp", "get", file, "--url", url, "--out", out, "--json")
    assert (got.code, out.exists()) == (0, True), got.err
