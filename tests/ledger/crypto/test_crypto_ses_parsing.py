"""Reading seals: strict, bounded, and no error but ours."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ses_kit import NOW, PNG, changed, early_seal, early_signature, generalized, require_sm2, seal, signature, tree

from ledger.crypto import der
from ledger.crypto.ses.parsing import parse_seal, parse_signature
from ledger.crypto.ses.values import MAX_EXTENSIONS, MAX_PICTURE, MAX_SEAL, MAX_SIGNERS, Version
from ledger.crypto.ses.verifying import verify_seal, verify_signature
from ledger.errors import InputError

CREATED, UNTIL = (0, 2, 4), (0, 2, 6)


@pytest.fixture(scope="module", autouse=True)
def _sm2() -> None:
    require_sm2()


def code_of(data: bytes) -> str:
    with pytest.raises(InputError) as caught:
        parse_seal(data)
    assert "{" not in caught.value.text("zh") + caught.value.text("en")
    return caught.value.code


def picture(kind: bytes, data: bytes, width: int = 40, height: int = 40) -> bytes:
    sides = (
        der.write(2, width.to_bytes(2, "big").lstrip(b"\0")),
        der.write(2, height.to_bytes(2, "big").lstrip(b"\0")),
    )
    return changed(seal(), (0, 3), der.write(0x30, der.write(0x16, kind), der.write(4, data), *sides))


def number(value: int) -> bytes:
    return changed(seal(), (0, 0, 1), der.write(2, bytes([value])))


@pytest.mark.parametrize(
    ("version", "make"), [(Version.V1, early_seal), (Version.V4, seal), (Version.V5, lambda: seal(Version.V5))]
)
def test_the_generation_is_told_by_shape_and_then_by_number(version: Version, make: Callable[[], bytes]) -> None:
    data = make()
    found = parse_seal(data)
    assert (found.version, found.info.valid_until, found.encoded) == (version, NOW + 90 * 86_400, data)


def test_numbers_of_the_2014_shape_do_not_matter_but_later_ones_are_refused() -> None:
    assert {parse_seal(early_seal(number=n)).version for n in (1, 2, 3)} == {Version.V1}
    assert code_of(early_seal(number=4)) == code_of(number(6)) == code_of(number(0)) == "SES_VERSION"


def test_only_a_seal_of_2025_carries_a_time_stamp() -> None:
    token = der.write(0xA0, der.write(3, b"\0t"))
    assert code_of(changed(seal(), (4,), token)) == "SES_VERSION"
    assert parse_seal(changed(seal(Version.V5), (4,), token)).token == b"t"


def test_a_signature_and_its_seal_are_of_one_version() -> None:
    mixed = [
        changed(signature(), (0, 0), der.write(2, b"\5")),
        changed(signature(), (0, 1), early_seal()),
        changed(early_signature(), (0, 1), seal()),
        changed(signature(), (0, 1), seal(Version.V5)),
    ]
    for data in mixed:
        with pytest.raises(InputError) as caught:
            parse_signature(data)
        assert caught.value.code == "SES_VERSION_DIFFERS"


@pytest.mark.parametrize(
    ("code", "path", "value"),
    [
        ("SES_MARK", (0, 0, 0), der.write(0x16, b"SE")),
        ("SES_SYNTAX", (0, 0, 1), der.write(2, b"\0\4")),
        ("SES_SYNTAX", (0, 0, 1), der.write(2, b"\xff")),
        ("SES_SYNTAX", (0, 0, 1), der.write(2, b"")),
        ("SES_TEXT", (0, 1), der.write(0x16, b"")),
        ("SES_TEXT", (0, 1), der.write(0x16, b"a" * 1025)),
        ("SES_TEXT", (0, 1), der.write(0x16, b"\xe7")),
        ("SES_TEXT", (0, 2, 1), der.write(0x0C, "章\u202e".encode())),
        ("SES_TEXT", (0, 2, 1), der.write(0x0C, b"\xff")),
        ("SES_SYNTAX", (0, 2, 1), der.write(0x16, b"a")),
        ("SES_SIGNERS", (0, 2, 2), der.write(2, b"\3")),
        ("SES_SYNTAX", (0, 2, 2), der.write(2, b"\2")),
        ("SES_SIGNERS", (0, 2, 3), der.write(0x30, b"")),
        ("SES_SYNTAX", (0, 2, 3), der.write(0x30, der.write(4, b"a") * (MAX_SIGNERS + 1))),
        ("SES_SYNTAX", CREATED, der.write_time(NOW)),
        ("SES_TIME", CREATED, der.write(0x18, b"20260101000000+0800")),
        ("SES_TIME", CREATED, der.write(0x18, b"20261301000000Z")),
        ("SES_TIME", CREATED, der.write(0x18, b"2026 101000000Z")),
        ("SES_TIME", CREATED, der.write(0x18, b"202601010000Z")),
        ("SES_TIME", CREATED, der.write(0x18, b"20260101000000.0Z")),
        ("SES_DATES", UNTIL, generalized(NOW - 999 * 86_400)),
        ("SES_SYNTAX", (3,), der.write(3, b"\1\0")),
        ("SES_SYNTAX", (3,), der.write(3, b"\0")),
        ("SES_SYNTAX", (1,), None),
        ("SES_SYNTAX", (0, 4), der.write(0x30, b"\5\0")),
        ("SES_SYNTAX", (0, 4), der.write(0x30, b"\x30\0" * (MAX_EXTENSIONS + 1))),
        ("SES_SYNTAX", (0, 5), der.write(0x30, b"")),
    ],
)
def test_a_faulty_field_is_named(code: str, path: tuple[int, ...], value: bytes | None) -> None:
    data = seal()
    if path == (0, 5):
        data = changed(data, (0, 4), der.write(0x30, b""))
    assert code_of(changed(data, path, value)) == code


def test_a_list_of_digests_holds_digests_of_sm3() -> None:
    short = der.write(0x30, der.write(0x30, der.write(0x13, b"SM3"), der.write(4, bytes(31))))
    assert code_of(changed(seal(by_digest=True), (0, 2, 3), short)) == "SES_DIGEST"
    assert len(parse_seal(seal(by_digest=True)).info.digests) == 1


@pytest.mark.parametrize(
    ("code", "make"),
    [
        ("SES_PICTURE_TYPE", lambda: picture(b"EXE", b"MZ")),
        ("SES_PICTURE_TYPE", lambda: picture(b"GIF", PNG)),
        ("SES_PICTURE_TYPE", lambda: picture(b"PNG", b"")),
        ("SES_PICTURE_TYPE", lambda: picture(b"SVG", b"<svg/>")),  # named since 2025 only
        ("SES_PICTURE_SIZE", lambda: picture(b"PNG", PNG, 501)),
        ("SES_PICTURE_SIZE", lambda: picture(b"PNG", PNG + bytes(MAX_PICTURE))),
        ("SES_PICTURE_SIZE", lambda: picture(b"PNG", PNG[:16] + b"\0\1\0\0" * 2 + bytes(16))),
        ("SES_PICTURE_SIZE", lambda: picture(b"PNG", PNG[:8])),
        ("SES_PICTURE_SIZE", lambda: picture(b"GIF", b"GIF89a\xff\xff\xff\xff")),
        ("SES_PICTURE_SIZE", lambda: picture(b"BMP", b"BM" + bytes(16) + b"\0\0\1\0\0\0\xff\xff")),
    ],
)
def test_pictures_are_of_allowed_kinds_and_sizes(code: str, make: Callable[[], bytes]) -> None:
    assert code_of(make()) == code


@pytest.mark.parametrize(("kind", "data"), [(b"jpg", b"\xff\xd8\xff\xe0"), (b"gif", b"GIF87a\1\0\1\0"), (b"PNG", PNG)])
def test_pictures_are_read_whatever_the_case_of_their_kind(kind: bytes, data: bytes) -> None:
    assert parse_seal(picture(kind, data)).info.picture.kind == kind.decode().upper()


def test_an_svg_is_read_in_a_seal_of_2025() -> None:
    svg = der.write(0x30, der.write(0x16, b"SVG"), der.write(4, b"<svg/>"), der.write(2, b"\x28") * 2)
    assert parse_seal(changed(seal(Version.V5), (0, 3), svg)).info.picture.kind == "SVG"


@pytest.mark.parametrize(
    ("code", "inner"),
    [("SES_TIME", der.write(4, b"x")), ("SES_SYNTAX", b"0"), ("SES_TIME", der.write(0x17, b"261301000000Z"))],
)
def test_the_time_of_2014_is_a_time_or_a_token(code: str, inner: bytes) -> None:
    with pytest.raises(InputError) as caught:
        parse_signature(early_signature(inner))
    assert caught.value.code == code


@pytest.mark.parametrize(
    "bomb",
    [
        b"",
        bytes(MAX_SEAL),
        bytes(MAX_SEAL + 1),
        der.write(0x30, b"\5\0" * (MAX_SEAL // 2 - 8)),
        der.write(0x30, *[der.write(0x30, b"\5\0" * (MAX_SEAL // 12))] * 5),
        b"\x30\x80" * 10_000,
        b"\x30\x84\xff\xff\xff\xff",
    ],
    ids=len,
)
def test_a_bomb_is_refused_after_a_few_elements(bomb: bytes) -> None:
    with pytest.raises(InputError):
        parse_seal(bomb)
    with pytest.raises(InputError):
        parse_signature(bomb)


@cache
def good_seals() -> list[bytes]:
    return [seal(), seal(Version.V5), early_seal()]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_change_of_a_seal_passes_or_raises_anything_but_ours(data: st.DataObject) -> None:
    good = data.draw(st.sampled_from(good_seals()))
    changed_bytes = bytearray(good)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(changed_bytes) - 1))
        act = data.draw(st.sampled_from(["set", "cut", "add"]))
        if act == "set":
            changed_bytes[at] = data.draw(st.integers(0, 255))
        elif act == "cut":
            del changed_bytes[at : at + data.draw(st.integers(1, 40))]
        else:
            changed_bytes[at:at] = data.draw(st.binary(min_size=1, max_size=8))
        if not changed_bytes:
            break
    report = verify_seal(bytes(changed_bytes), NOW)
    assert report.exit_code in (1, 3)
    if bytes(changed_bytes) != good:
        # what the maker's signature does not cover is the certificate that makes it and the signature's own bytes
        assert report.exit_code == 1 or parse_seal(bytes(changed_bytes)).signed == parse_seal(good).signed


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_our_words(data: bytes) -> None:
    for verify in (verify_seal, verify_signature):
        assert verify(data, NOW).exit_code == 1
        assert verify(der.write(0x30, data), NOW).exit_code == 1


def test_taken_apart_it_is_what_it_was() -> None:
    """The kit's own tools are not what refuses."""
    data = signature()
    assert changed(data, (0, 1), tree(data)[0][1].outer) == data
