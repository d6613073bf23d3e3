"""Every command and every program of the README runs as it stands there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.S | re.M)


def commands() -> list[list[str]]:
    lines = [line.split("#")[0].split() for block in blocks("sh") for line in block.splitlines()]
    return [words for words in lines if words]


def run(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=120)


def test_the_two_make_commands_do_what_the_readme_says() -> None:
    assert [c for c in commands() if c[0] == "make"] == [["make", "demo"], ["make", "test"]]
    assert "scripts/demo.py" in run(["make", "-n", "demo"], ROOT).stdout
    assert "pytest" in run(["make", "-n", "test"], ROOT).stdout
    assert "make test" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_the_demonstration_runs_checks_itself_and_serves() -> None:
    command = [sys.executable, "scripts/demo.py"]
    with subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        shown = ""
        while "openapi.json" not in shown and (line := process.stdout.readline()):
            shown += line
        try:
            address = re.search(r"API +(http://\S+)openapi.json", shown)
            assert address is not None, shown
            assert "证印" in httpx.get(address[1], timeout=30).text
        finally:
            process.terminate()
    assert process.returncode == 0, shown


def test_the_day_of_an_office_and_the_library_example(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    for words in commands():
        if words[0] == "zhengyin":
            done = run([sys.executable, "-m", "ledger.cli", *words[1:]], tmp_path)
            assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    assert (tmp_path / "report.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    (program,) = blocks("python")
    done = run([sys.executable, "-c", program], tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Valid\n")


def test_an_unknown_language_is_no_way_past_this_file() -> None:
    assert set(re.findall(r"^```(\w+)$", README, flags=re.M)) == {"sh", "python"}


@pytest.mark.parametrize("picture", re.findall(r"!\[.*?\]\((.*?)\)", README))
def test_pictures_exist_and_fetch_nothing(picture: str) -> None:
    if picture.endswith(".png"):
        assert (ROOT / picture).read_bytes().startswith(b"\x89PNG")
        return
    svg = (ROOT / picture).read_text("utf-8")
    assert set(re.findall(r"https?://[^\s\"')]+", svg)) <= {"http://www.w3.org/2000/svg"}
