"""Invented offices' exports for the demonstration and for tests: no person, company or parcel of it exists."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨"
GIVEN = ("安", "宁", "子涵", "思远", "若溪", "明轩", "雨桐", "浩然", "欣怡", "嘉懿")
USES = ("住宅", "商业", "办公", "车位")
REAL_ESTATE_HEADER = (
    "流水号", "不动产权证号", "权利人", "权利人身份证号", "共有情况", "不动产单元号", "坐落", "权利类型",
    "权利性质", "用途", "面积", "使用期限", "登记日期", "文件", "原证照标识",
)  # fmt: skip
BUSINESS_HEADER = (
    "流水号", "统一社会信用代码", "名称", "类型", "法定代表人", "注册资本", "成立日期", "营业期限至", "住所",
    "经营范围", "登记机关", "文件", "原证照标识",
)  # fmt: skip
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def citizen_number(n: int) -> str:
    """A number with a right check character (GB 11643) in an area code that was never given out."""
    body = f"449999{1950 + n % 60:04d}{1 + n % 12:02d}{1 + n % 28:02d}{n % 1000:03d}"
    return body + "10X98765432"[sum(int(c) * w for c, w in zip(body, _WEIGHTS, strict=True)) % 11]


def credit_code(n: int) -> str:
    """A credit code with right check characters (GB 32100, GB 11714) for an invented company."""
    body = "91449999" + _organisation(n)
    value = sum(_USCC.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return body + _USCC[(31 - value % 31) % 31]


def _organisation(n: int) -> str:
    inner = f"MY{n:06d}"
    check = 11 - sum(int(c, 36) * w for c, w in zip(inner, (3, 7, 9, 10, 5, 8, 4, 2), strict=True)) % 11
    return inner + {10: "X", 11: "0"}.get(check, str(check))


def person(n: int) -> str:
    return SURNAMES[n % len(SURNAMES)] + GIVEN[n % len(GIVEN)]


def real_estate_rows(count: int, with_files: int = 0) -> Iterator[tuple[str, ...]]:
    """Rows under ``REAL_ESTATE_HEADER``; the first ``with_files`` name a PDF."""
    for n in range(count):
        yield (
            f"2026{n:07d}",
            f"甲（2026）示范市不动产权第{n:07d}号",
            person(n),
            citizen_number(n),
            "单独所有",
            f"449999001001GB{n:05d}F{n % 10000:04d}{n % 10000:04d}",
            f"示范市甲区样板路{n % 300 + 1}号{n % 30 + 1}栋{n % 40 + 1:02d}01房",
            "国有建设用地使用权/房屋所有权",
            "出让/市场化商品房",
            USES[n % len(USES)],
            f"{60 + n % 120}.{n % 100:02d}平方米",
            "2090年12月31日止",
            f"2026-{1 + n % 9:02d}-{1 + n % 28:02d}",
            f"real-estate-{n}.pdf" if n < with_files else "",
            "",
        )


def business_rows(count: int) -> Iterator[tuple[str, ...]]:
    """Rows under ``BUSINESS_HEADER``; number 7's term has run out."""
    for n in range(count):
        yield (
            f"B{n:06d}",
            credit_code(n),
            f"示范市样板{n}号贸易有限公司",
            "有限责任公司",
            person(n + 5),
            f"{10 + n}万元人民币",
            "2016-03-01",
            "2026-03-01" if n == 7 else "2046-03-01",
            f"示范市乙区示例街{n + 1}号",
            "批发和零售业",
            "示范乙市登记中心",
            "",
            "",
        )


def write_csv(path: Path, header: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)


def write_pdf(path: Path, lines: tuple[str, ...]) -> None:
    """A small real PDF, the same bytes each time."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfgen.canvas import Canvas

    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    canvas = Canvas(str(path), invariant=True)
    canvas.setFont("STSong-Light", 14)
    for i, line in enumerate(lines):
        canvas.drawString(72, 760 - 28 * i, line)
    canvas.save()


def ofd(lines: tuple[str, ...]) -> bytes:
    """A small real OFD (GB/T 33190) of one page, A4, the same bytes each time."""
    from xml.sax.saxutils import escape

    from ledger.crypto.ofd.making import element, packed, xml_file

    texts = "".join(
        element(
            "TextObject",
            element("TextCode", escape(line), X="0", Y="6"),
            ID=str(10 + n),
            Boundary=f"25 {30 + 12 * n} 160 8",
            Font="2",
            Size="6",
        )
        for n, line in enumerate(lines)
    )
    area = element("PageArea", element("PhysicalBox", "0 0 210 297"))
    common = element("CommonData", element("MaxUnitID", "99") + area + element("PublicRes", "PublicRes.xml"))
    page = element("Pages", element("Page", ID="1", BaseLoc="Pages/Page_0/Content.xml"))
    font = element("Fonts", element("Font", ID="2", FontName="宋体", FamilyName="宋体"))
    info = element("DocInfo", element("DocID", "0" * 31 + "1"))
    body = element("DocBody", info + element("DocRoot", "Doc_0/Document.xml"))
    return packed(
        {
            "OFD.xml": xml_file("OFD", body, ' Version="1.1" DocType="OFD"'),
            "Doc_0/Document.xml": xml_file("Document", common + page),
            "Doc_0/PublicRes.xml": xml_file("Res", font, ' BaseLoc="Res"'),
            "Doc_0/Pages/Page_0/Content.xml": xml_file(
                "Page", element("Content", element("Layer", texts, ID="3", Type="Body"))
            ),
        }
    )


def seal_picture() -> bytes:
    """A red ring with a star, PNG: what no seal of anybody looks like."""
    from io import BytesIO
    from math import cos, pi, sin

    from PIL import Image, ImageDraw

    image = Image.new("RGBA", (400, 400), (0, 0, 0, 0))
    drawing, red = ImageDraw.Draw(image), (200, 0, 0, 255)
    drawing.ellipse((8, 8, 392, 392), outline=red, width=14)
    turns = [(k * 4 * pi / 5 - pi / 2) for k in range(5)]
    drawing.polygon([(200 + 90 * cos(turn), 200 + 90 * sin(turn)) for turn in turns], fill=red)
    output = BytesIO()
    image.save(output, "PNG")
    return output.getvalue()
