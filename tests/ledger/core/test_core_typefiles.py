"""Type files read strictly, and rows read by them: every refusal names the column and never the cell."""

from __future__ import annotations

from contextlib import suppress
from importlib import resources
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.core.cells import INDEFINITE
from ledger.core.disclosures import make_claims
from ledger.core.identifiers import make_license_identifier, parse_license_identifier
from ledger.core.keys import RecordKey
from ledger.core.registries import Kind
from ledger.core.rows import ParsedRow, RowReader
from ledger.core.typefiles import TypeDefinition, parse_type_file
from ledger.errors import InputError, ZhengyinError

ISSUER = "11430000006122244L"
BUILT_IN = ("real-estate-certificate", "business-license", "seal", "evidence", "status")
CITIZENS = ("11010519491231002X", "440524188001010014")

MINIMAL = """
code = "11100000MB03271699001"
kind = "license"
[name]
zh = "证"
en = "License"
[identifier]
column = "证照标识"
[valid]
rule = "none"
[[fields]]
name = "holder"
column = "持证人"
label = { zh = "持证人", en = "Holder" }
kind = "text"
"""


def built_in(name: str) -> TypeDefinition:
    return parse_type_file(resources.files("ledger").joinpath("types", f"{name}.toml").read_text("utf-8"))


def refusal(text: str) -> InputError:
    with pytest.raises(InputError) as caught:
        parse_type_file(text)
    return caught.value


REAL_ESTATE = built_in("real-estate-certificate")
ROW = {
    "流水号": "440106202600000001",
    "不动产权证号": "粤（2026）广州市不动产权第0000001号",
    "权利人": "张三、李四",
    "权利人身份证号": "、".join(CITIZENS),
    "不动产单元号": "440106004003GB00001F00010001",
    "坐落": "广州市天河区体育西路１号",
    "权利类型": "国有建设用地使用权",
    "登记日期": "2026/4/28",
    "文件": "pdf/1.pdf",
    "原证照标识": "",
}
SERIAL_ONLY = {name: cell for name, cell in ROW.items() if name not in ("文件", "原证照标识")}


def read(change: dict[str, str] | None = None, definition: TypeDefinition = REAL_ESTATE) -> ParsedRow:
    row = ROW | (change or {})
    return RowReader(definition, list(row), ISSUER).read(list(row.values()))


def row_refusal(change: dict[str, str]) -> tuple[str, str]:
    with pytest.raises(InputError) as caught:
        read(change)
    for cell in change.values():
        assert len(cell) < 4 or cell not in f"{caught.value.values}"
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value.code, caught.value.values.get("column", "")


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_types_are_read(name: str) -> None:
    definition = built_in(name)
    assert definition.fields and len(definition.digest()) == 32
    if definition.kind is Kind.LICENSE:
        parse_license_identifier(make_license_identifier(definition.code, ISSUER, "1"))
    else:
        assert definition.code == definition.kind.word
    assert definition.public is (name == "business-license")


def test_digests_tell_definitions_apart() -> None:
    digests = {built_in(name).digest() for name in BUILT_IN}
    changed = (
        MINIMAL.replace('"持证人"\n', '"持有人"\n', 1),
        MINIMAL + "personal = true",
        MINIMAL + "length = 3",
    )
    digests |= {parse_type_file(text.replace('"text"', '"code"')).digest() for text in (MINIMAL, *changed)}
    assert len(digests) == len(BUILT_IN) + 4
    assert parse_type_file(MINIMAL).digest() == parse_type_file("# a comment\n" + MINIMAL).digest()


def test_a_misspelt_key_is_refused_with_the_nearest() -> None:
    error = refusal(MINIMAL + "personnal = true")
    assert (error.code, error.values) == (
        "TYPEFILE_KEY",
        {"path": "fields[0]", "key": "personnal", "near": "personal"},
    )
    assert "personal" in error.text("zh") and "personal" in error.text("en")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("code = ", "TYPEFILE_SYNTAX"),
        ("", "TYPEFILE_MISSING"),
        (MINIMAL.replace('kind = "license"', 'kind = "permit"'), "REGISTRY_UNKNOWN"),
        (MINIMAL.replace("MB0327", "MB_0327"), "SHAPE_TEXT"),
        (MINIMAL.replace('en = "License"', ""), "TYPEFILE_MISSING"),
        (MINIMAL.replace('[identifier]\ncolumn = "证照标识"', ""), "TYPEFILE_MISSING"),
        (MINIMAL.replace('column = "证照标识"', 'column = "a"\nserial = "b"'), "TYPEFILE_TWICE"),
        (MINIMAL.replace('"text"', '"number"'), "TYPEFILE_VALUE"),
        (MINIMAL.replace('"none"', '"years:0"'), "SHAPE_TEXT"),
        (MINIMAL.replace('"none"', '"years:5"'), "TYPEFILE_VALUE"),
        (MINIMAL.replace('"none"', '"field"'), "TYPEFILE_VALUE"),
        (MINIMAL.replace('"none"', '"none"\nfrom = "holder"'), "TYPEFILE_VALUE"),
        (MINIMAL.replace('"none"', '"field"\nfrom = "holder"'), "TYPEFILE_VALUE"),
        (MINIMAL.replace('"none"', '"field"\nfrom = "nobody"'), "TYPEFILE_FIELD_UNKNOWN"),
        (MINIMAL + "personal = true\npublic = true", "TYPEFILE_PERSONAL_PUBLIC"),
        (MINIMAL + "required = 1", "SHAPE_TYPE"),
        (MINIMAL + "length = 3", "TYPEFILE_VALUE"),
        (MINIMAL + "max_length = 0", "SHAPE_RANGE"),
        (MINIMAL + 'aliases = ["持证人"]', "TYPEFILE_TWICE"),
        (MINIMAL + MINIMAL[MINIMAL.index("[[fields]]") :], "TYPEFILE_TWICE"),
        (MINIMAL.replace('name = "holder"', 'name = "Holder"'), "SHAPE_TEXT"),
        (MINIMAL.replace('zh = "证"', 'zh = "证\\u202e"'), "CANONICAL_CHARACTER"),
        (MINIMAL[: MINIMAL.index("[[fields]]")].replace("kind =", "fields = []\nkind ="), "SHAPE_RANGE"),
    ],
)
def test_faulty_type_files_are_refused(text: str, code: str) -> None:
    assert refusal(text).code == code


@settings(deadline=None, max_examples=60)
@given(st.integers(0, len(MINIMAL)), st.text(max_size=6))
def test_fuzzed_type_files_raise_only_our_error(at: int, text: str) -> None:
    with suppress(ZhengyinError):
        assert parse_type_file(MINIMAL[:at] + text + MINIMAL[at:]).fields


def test_a_row_becomes_identifier_values_and_validity() -> None:
    found = read()
    assert found.identifier == make_license_identifier(REAL_ESTATE.code, ISSUER, ROW["流水号"])
    assert list(found.values) == [field.name for field in REAL_ESTATE.fields]
    assert found.values["holderName"] == ["张三", "李四"]
    assert found.values["holderCode"] == list(CITIZENS)
    assert found.values["location"] == "广州市天河区体育西路１号"  # full-width digits of an address stay
    assert found.values["area"] is None
    assert (found.valid_from, found.valid_until) == ("2026-04-28", None)
    assert (found.file, found.supersedes, found.warnings) == ("pdf/1.pdf", None, ())
    assert set(make_claims(RecordKey(bytes(32)), found.values)) == set(found.values)


def test_an_alias_blanks_and_column_order_change_nothing() -> None:
    renamed = {
        ("证照编号" if name == "不动产权证号" else f"\u3000{name} "): f" {cell}\u00a0" for name, cell in ROW.items()
    }
    reversed_row = dict(reversed(renamed.items()))
    assert RowReader(REAL_ESTATE, list(reversed_row), ISSUER).read(list(reversed_row.values())) == read()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"权利人身份证号": "4.40524E+17"}, "CELL_SCIENTIFIC"),
        ({"权利人身份证号": "440524188001010015"}, "CITIZEN_NUMBER_CHECK"),
        ({"权利人身份证号": f"{CITIZENS[0]}、440524188001010000"}, "CELL_PRECISION"),
        ({"不动产单元号": "44010600400300001"}, "CELL_LEADING_ZERO"),
        ({"登记日期": "46140"}, "CELL_DATE_SERIAL"),
        ({"权利人": "\u3000"}, "ROW_REQUIRED"),
        ({"权利人": "张\ue000三"}, "CELL_CHARACTER"),
        ({"流水号": "粤2026号"}, "IDENTIFIER_SERIAL"),
        ({"流水号": ""}, "ROW_REQUIRED"),
        ({"原证照标识": "1.2.3.4.5"}, "IDENTIFIER_FORM"),
        ({"文件": "../../1.pdf"}, "CELL_FILE_NAME"),
    ],
)
def test_a_faulty_cell_is_refused_by_column(change: dict[str, str], code: str) -> None:
    assert row_refusal(change) == (code, next(iter(change)))


def test_headers_that_do_not_fit_are_refused() -> None:
    header = ["坐落地址" if name == "坐落" else name for name in ROW]
    with pytest.raises(InputError) as caught:
        RowReader(REAL_ESTATE, header, ISSUER)
    assert (caught.value.code, caught.value.values) == (
        "ROW_COLUMN_MISSING",
        {"column": "坐落", "near": "坐落地址"},
    )
    with pytest.raises(InputError, match="ROW_COLUMN_TWICE"):
        RowReader(REAL_ESTATE, [*ROW, "不动产坐落"], ISSUER)
    with pytest.raises(InputError, match="ROW_ISSUER"):
        RowReader(REAL_ESTATE, list(ROW))
    assert RowReader(REAL_ESTATE, [*ROW, "备注", ""], ISSUER).unused == ("备注",)


def test_excel_leaves_out_blank_cells_at_the_end_but_adds_none_that_hold_text() -> None:
    reader = RowReader(REAL_ESTATE, list(ROW), ISSUER)
    assert reader.read(list(ROW.values())[:-1]) == read()
    assert reader.read([*ROW.values(), "", " "]) == read()
    with pytest.raises(InputError, match="ROW_CELLS"):
        reader.read([*ROW.values(), "5"])


def test_a_renewal_of_the_same_serial_is_the_next_version() -> None:
    old = read().identifier or ""
    renewed = read({"原证照标识": old})
    assert parse_license_identifier(renewed.identifier or "").version == 2
    assert renewed.supersedes == old
    other = read({"原证照标识": make_license_identifier(REAL_ESTATE.code, ISSUER, "OTHER")})
    assert other.identifier == old


def test_identifiers_of_other_systems_are_kept_with_a_warning() -> None:
    reader = RowReader(parse_type_file(MINIMAL), ["证照标识", "持证人"])
    good = make_license_identifier("11100000MB03271699001", ISSUER, "1")
    wrong = good[:-1] + ("A" if good[-1] != "A" else "B")
    assert reader.read([good, "张三"]).warnings == ()
    found = reader.read([wrong, "张三"])
    assert (found.identifier, found.warnings) == (wrong, ("IDENTIFIER_CHECK",))
    for cell, code in (
        (make_license_identifier("11100000MB03271699022", ISSUER, "1"), "ROW_TYPE"),
        ("", "ROW_REQUIRED"),
        ("1.001.A", "IDENTIFIER_FORM"),
    ):
        with pytest.raises(InputError, match=code):
            reader.read([cell, "张三"])


def validity(rule: str, start: str, end: str = "") -> Any:
    fields = "".join(
        f'[[fields]]\nname = "{name}"\ncolumn = "{name}"\nkind = "date"\nlabel = {{ zh = "日", en = "D" }}\n'
        for name in ("start", "end")
    )
    text = MINIMAL.replace('rule = "none"', rule) + fields
    reader = RowReader(
        parse_type_file(text.replace('column = "证照标识"', 'serial = "号"')), ["号", "start", "end"], ISSUER
    )
    found = reader.read(["1", start, end])
    return found.valid_from, found.valid_until, found.values["end"]


def test_validity_by_fields_and_by_years() -> None:
    both = 'rule = "field"\nfrom = "start"\nuntil = "end"'
    assert validity(both, "2026/4/28", "20310427") == ("2026-04-28", "2031-04-27", "2031-04-27")
    assert validity(both, "2026/4/28", "长期") == ("2026-04-28", None, INDEFINITE)
    assert validity(both, "2026/4/28") == ("2026-04-28", None, None)
    five = 'rule = "years:5"\nfrom = "start"'
    assert validity(five, "2026-04-28")[:2] == ("2026-04-28", "2031-04-27")
    assert validity(five, "2024-02-29")[:2] == ("2024-02-29", "2029-02-28")
    assert validity(five, "2026-01-01")[1] == "2030-12-31"
    assert validity(five, "")[:2] == (None, None)
    for rule, start, end in ((both, "2026-04-28", "2026-04-27"), (five, "9998-01-01", "")):
        with pytest.raises(InputError, match="ROW_VALIDITY"):
            validity(rule, start, end)


def test_a_type_without_identifier_leaves_it_to_the_caller() -> None:
    reader = RowReader(built_in("evidence"), ["证据名称", "来源", "提交人", "取证日期", "取证方式"])
    found = reader.read(["聊天记录", "手机", "张三", "2026年4月28日", "截屏"])
    assert found.identifier is None
    assert found.values["collectedAt"] == "2026-04-28"


def test_an_unknown_field_is_refused() -> None:
    assert REAL_ESTATE.field("location").personal
    with pytest.raises(InputError, match="TYPEFILE_FIELD_UNKNOWN"):
        REAL_ESTATE.field("salary")


cell_texts = st.sampled_from(
    ["", " ", "'1", "１２", "4.42E+17", "a\nb", "x" * 300, "2026/4/28", "长期", "-", "是", "\u3000张 "]
)


@settings(deadline=None, max_examples=150)
@given(st.data(), st.integers(1, 6))
def test_rows_read_by_columns_are_those_read_one_by_one(data: st.DataObject, count: int) -> None:
    """Faults in none, one or all of the rows: the same values, and the same refusals with the same columns."""
    definition, row = data.draw(st.sampled_from([(REAL_ESTATE, ROW), (REAL_ESTATE, SERIAL_ONLY)]))
    reader = RowReader(definition, list(row), ISSUER)
    rows = []
    for number in range(count):
        cells = [*(row | {"流水号": f"{number:010d}"}).values()]
        for at in data.draw(st.sets(st.integers(0, len(cells) - 1), max_size=2)):
            cells[at] = data.draw(cell_texts)
        rows.append(cells[: len(cells) - data.draw(st.sampled_from([0, 0, 0, 1]))])

    def alone(cells: list[str]) -> Any:
        try:
            return reader.read(cells)
        except InputError as error:
            return error.code, error.values

    together = reader.read_all(rows)
    assert [(e.code, e.values) if isinstance(e, InputError) else e for e in together] == [alone(r) for r in rows]
