"""Running the real command line in process, and the tables it is fed with."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger.cli import main

OFFICE = "114401000700000148"
COUNCIL = ("114401000700040158", "11320100070005018R", "114401000700060107")
HEADER = ("流水号", "统一社会信用代码", "名称", "类型", "法定代表人", "成立日期", "住所", "登记机关")


@dataclass(frozen=True)
class Run:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        (line,) = self.out.splitlines()
        return json.loads(line)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True)
class Cli:
    """``zhengyin --home HOME``."""

    home: Path

    def __call__(self, *arguments: object) -> Run:
        return zhengyin("--home", self.home, *arguments)


def zhengyin(*arguments: object) -> Run:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main([str(a) for a in arguments])
    return Run(code, out.getvalue(), err.getvalue())


def business_licenses(*serials: str) -> list[tuple[str, ...]]:
    return [
        (s, OFFICE, f"示范{s}公司", "有限责任公司", "张三丰", "2020-01-02", "示范路1号", "示范市场监督管理局")
        for s in serials
    ]


def write_csv(
    path: Path, rows: list[tuple[str, ...]], encoding: str = "utf-8", header: tuple[str, ...] = HEADER
) -> Path:
    path.write_bytes("".join(",".join(row) + "\r\n" for row in [header, *rows]).encode(encoding))
    return path
