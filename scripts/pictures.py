"""The README's pictures from real output: runs the demonstration and the command line, records what they print."""

from __future__ import annotations

import re
import subprocess
import sys
from html import unescape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # run as a script: the package `scripts` lies beside it

from rich._export_format import CONSOLE_SVG_FORMAT  # noqa: E402
from rich.cells import cell_len  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.text import Text  # noqa: E402

from scripts import demo  # noqa: E402

PICTURES = ROOT / "docs"


def write(console: Console, name: str, title: str) -> None:
    """The recorded output as SVG; no font is fetched from elsewhere."""
    plain = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.S)
    PICTURES.mkdir(exist_ok=True)
    svg = re.sub(r"<!--.*?-->", "", console.export_svg(title=title, code_format=plain))
    (PICTURES / name).write_text(re.sub(r'textLength="([^"]+)"([^>]*)>([^<]*)<', _measured, svg), "utf-8")


def _measured(found: re.Match[str]) -> str:
    """rich counts characters where a Chinese one takes two cells, and squeezes them into each other."""
    length, rest, text = found.groups()
    shown = unescape(text)
    wide = float(length) * cell_len(shown) / max(1, len(shown))
    return f'textLength="{wide:g}"{rest}>{text}<'


def main() -> int:
    console = Console(record=True, width=100, highlight=False)
    code = demo.main(console, serving=False)
    write(console, "demo.svg", "make demo")
    folder = ROOT / "build" / "demo"
    words = ["verify", "files/real-estate-1.pdf", "--bundle", "real-estate-1.zyb", "--trust", "home/trust.json"]
    words += ["--offline", "--as-of", "bundle"]
    done = subprocess.run(
        [sys.executable, "-m", "ledger.cli", *words, "--lang", "en"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )
    shown = Console(record=True, width=100, highlight=False)
    shown.print(Text(f"$ zhengyin {' '.join(words)}"), Text(done.stdout.rstrip()), sep="\n")
    write(shown, "verify.svg", "zhengyin verify")
    return code


if __name__ == "__main__":
    sys.exit(main())
