"""``bundle --qr``: what is written, and what is said where it cannot be."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from cli_kit import Cli

from ledger.core.verification_code import page_link
from ledger.errors import ZhengyinError
from ledger.outside import qr_codes

PAGE = "https://license.example"


@pytest.fixture
def paged(ledger: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.setenv("ZHENGYIN_PAGE_ADDRESS", PAGE)
    return ledger


def test_bundle_and_picture_are_written_together(paged: Cli, numbers: dict[str, str], tmp_path: Path) -> None:
    bundle, picture = tmp_path / "a.zyb", tmp_path / "a.PNG"
    done = paged("bundle", numbers["0001"], "-o", bundle, "--qr", picture, "--json")
    assert done.code == 0
    assert picture.read_bytes().startswith(b"\x89PNG\r\n")
    assert (done.json["qr"], done.json["file"]) == (str(picture), str(bundle))
    assert picture.read_bytes() == qr_codes.draw(page_link(PAGE, numbers["0001"], done.json["code"]), "png")
    assert paged("verify", bundle, "--offline", "--json").json["lines"]


def test_the_picture_alone_leaves_the_output_to_words(paged: Cli, numbers: dict[str, str], tmp_path: Path) -> None:
    done = paged("bundle", numbers["0001"], "--qr", tmp_path / "a.svg")
    assert (done.code, "zhengyin/bundle" in done.out) == (0, False)
    assert ElementTree.fromstring((tmp_path / "a.svg").read_bytes()).tag.endswith("svg")  # noqa: S314 - our own


@pytest.mark.parametrize("name", ["a.jpg", "a", "png"])
def test_another_format_is_refused_before_anything_is_written(
    paged: Cli, numbers: dict[str, str], tmp_path: Path, name: str
) -> None:
    bundle, picture = tmp_path / "a.zyb", tmp_path / name
    done = paged("bundle", numbers["0001"], "-o", bundle, "--qr", picture, "--json")
    assert (done.code, done.json["error"]["code"]) == (2, "QR_FORMAT")
    assert not bundle.exists() and not picture.exists()


def test_without_an_address_the_setting_is_named(
    ledger: Cli, numbers: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ZHENGYIN_PAGE_ADDRESS", raising=False)
    done = ledger("bundle", numbers["0001"], "--qr", tmp_path / "a.png", "--json")
    assert (done.code, done.json["error"]["code"]) == (4, "QR_NO_ADDRESS")
    assert "page_address" in ledger("bundle", numbers["0001"], "--qr", tmp_path / "a.png").err


@pytest.mark.parametrize("address", ["license.example", "https://a.example/#x", "https://a.example/?q", "ftp://a"])
def test_an_address_that_the_page_could_not_read_is_no_setting(
    ledger: Cli, numbers: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, address: str
) -> None:
    monkeypatch.setenv("ZHENGYIN_PAGE_ADDRESS", address)
    done = ledger("bundle", numbers["0001"], "--qr", tmp_path / "a.png", "--json")
    assert (done.code, done.json["error"]["code"]) == (4, "SETTINGS_INVALID")


@pytest.mark.parametrize("length", [667, 5000])
def test_what_no_phone_reads_from_paper_is_not_drawn(length: int) -> None:
    with pytest.raises(ZhengyinError) as refused:
        qr_codes.draw("a" * length, "png")
    assert refused.value.code == "QR_TOO_LONG"
    assert "page_address" in refused.value.text("en")
    assert qr_codes.draw("a" * 666, "svg")


def test_the_longest_number_at_the_longest_address_fits() -> None:
    link = page_link("https://" + "h" * 200, "9" * 256, "ABCD-EFGH-JKMN-PQRS")
    assert qr_codes.draw(link, "png")
