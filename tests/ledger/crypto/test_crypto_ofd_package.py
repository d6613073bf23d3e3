"""The container of an OFD has one reading, within bounds; whatever has two is refused by its name."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import ofd_kit as k
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ses_kit import require_sm2

from ledger.crypto.ofd import package as zips
from ledger.crypto.ofd.package import is_package, read_package
from ledger.crypto.ofd.xml import MAX_DEPTH, MAX_ELEMENTS, MAX_XML, parse
from ledger.errors import InputError

SMALL = k.packed(k.plain())
CENTRAL, END = b"PK\x01\x02", b"PK\x05\x06"


def refused(data: bytes) -> str:
    with pytest.raises(InputError) as caught:
        read_package(data)
    return caught.value.code


def put(data: bytes, at: int, value: bytes) -> bytes:
    return data[:at] + value + data[at + len(value) :]


def first_central(offset: int, value: bytes) -> bytes:
    return put(SMALL, SMALL.index(CENTRAL) + offset, value)


def everywhere(local: int, central: int, value: bytes) -> bytes:
    """One field of the first entry changed in its header and in the directory alike."""
    return put(first_central(central, value), local, value)


def written(*entries: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return out.getvalue()


def streamed(method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """As a writer that cannot go back leaves it: lengths after the data."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.data += bytes(data)
            return len(bytes(data))

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", method) as archive:
        for name, data in k.plain().items():
            archive.writestr(name, data)
    return bytes(pipe.data)


def link() -> bytes:
    info = zipfile.ZipInfo("OFD.xml")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    return written((info, b"/etc/passwd"))


def extra(kind: int) -> bytes:
    info = zipfile.ZipInfo("OFD.xml")
    info.extra = struct.pack("<2H", kind, 1) + b"\1"
    return written((info, b"x"))


def longer_stream() -> bytes:
    """The first entry's data with a second stream behind the first, and lengths that cover both."""
    body = b"two readings"
    packer = zlib.compressobj(wbits=-15)
    stream = packer.compress(body) + packer.flush()
    data = written(("OFD.xml", body))
    assert stream in data
    grown = data.replace(stream, stream + b"\3\0")
    length = struct.pack("<I", len(stream) + 2)
    grown = put(grown, 18, length)
    at = grown.index(CENTRAL)
    grown = put(grown, at + 20, length)
    return put(grown, len(grown) - 6, struct.pack("<I", at))


FAULTS: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "OFD_ZIP_SYNTAX"),
    "no entries": (lambda: END + bytes(18), "OFD_ZIP_LIMIT"),
    "cut": (lambda: SMALL[:-1], "OFD_ZIP_SYNTAX"),
    "a tail": (lambda: SMALL + b"%PDF-", "OFD_ZIP_SYNTAX"),
    "a comment": (lambda: SMALL[:-2] + b"\1\0x", "OFD_ZIP_SYNTAX"),
    "something before it": (lambda: b"%PDF-1.7\n" + SMALL, "OFD_ZIP_SLACK"),
    "two packages": (lambda: SMALL + SMALL, "OFD_ZIP_SLACK"),
    "several disks": (lambda: put(SMALL, len(SMALL) - 18, b"\1"), "OFD_ZIP_FEATURE"),
    "an entry nobody lists": (lambda: hidden(), "OFD_ZIP_SLACK"),
    "encrypted": (lambda: everywhere(6, 8, b"\1"), "OFD_ZIP_ENCRYPTED"),
    "another method": (lambda: everywhere(8, 10, b"\x0c"), "OFD_ZIP_FEATURE"),
    "masked headers": (lambda: everywhere(7, 9, b"\x20"), "OFD_ZIP_FEATURE"),
    "two names": (lambda: first_central(46, b"ofd.xml"), "OFD_ZIP_HEADERS"),
    "two sizes": (lambda: put(SMALL, 22, b"\1\0\0\0"), "OFD_ZIP_HEADERS"),
    "two checksums": (lambda: put(SMALL, 14, b"\1\0\0\0"), "OFD_ZIP_HEADERS"),
    "a wrong checksum": (lambda: everywhere(14, 16, b"\1\0\0\0"), "OFD_ZIP_DATA"),
    "a wrong size": (lambda: everywhere(22, 24, b"\1\0\0\0"), "OFD_ZIP_DATA"),
    "damaged data": (lambda: put(SMALL, 40, b"\xff\xff\xff"), "OFD_ZIP_DATA"),
    "two streams in one": (longer_stream, "OFD_ZIP_DATA"),
    "stored and streamed": (lambda: streamed(zipfile.ZIP_STORED), "OFD_ZIP_FEATURE"),
    "a link": (link, "OFD_ZIP_FEATURE"),
    "ZIP64": (lambda: extra(1), "OFD_ZIP_FEATURE"),
    "a second name": (lambda: extra(0x7075), "OFD_ZIP_FEATURE"),
    "upwards": (lambda: written(("../OFD.xml", b"x")), "OFD_ZIP_NAME"),
    "absolute": (lambda: written(("/OFD.xml", b"x")), "OFD_ZIP_NAME"),
    "a backslash": (lambda: put_name(b"a\\b.xml"), "OFD_ZIP_NAME"),
    "a drive": (lambda: written(("C:OFD.xml", b"x")), "OFD_ZIP_NAME"),
    "a dot": (lambda: written(("./OFD.xml", b"x")), "OFD_ZIP_NAME"),
    "an empty part": (lambda: written(("a//b", b"x")), "OFD_ZIP_NAME"),
    "no text": (lambda: put_name(b"\xd6\xa4\xd5\xd5abc"), "OFD_ZIP_NAME"),
    "turned letters": (lambda: written(("a\u202eb", b"x")), "OFD_ZIP_NAME"),
    "a long name": (lambda: written(("n" * 600, b"x")), "OFD_ZIP_NAME"),
    "deep folders": (lambda: written(("a/" * 40 + "b", b"x")), "OFD_ZIP_NAME"),
    "a folder with content": (lambda: written(("a/", b"x")), "OFD_ZIP_NAME"),
    "one name twice": (lambda: twice(), "OFD_ZIP_TWICE"),
    "names that differ in case": (lambda: written(("OFD.xml", b"x"), ("ofd.XML", b"y")), "OFD_ZIP_TWICE"),
    "a file as a folder": (lambda: written(("a", b"x"), ("a/b", b"y")), "OFD_ZIP_TWICE"),
}


def put_name(name: bytes) -> bytes:
    assert len(name) == 7
    return written(("OFD.xml", b"x")).replace(b"OFD.xml", name)


def twice() -> bytes:
    return written(("OFD.xml", b"x"), ("OFE.xml", b"y")).replace(b"OFE.xml", b"OFD.xml")


def hidden() -> bytes:
    """The first entry is taken out of the directory, and its data stay."""
    at = SMALL.index(CENTRAL)
    size = SMALL.index(CENTRAL, at + 1) - at
    here, length, start = struct.unpack_from("<H2I", SMALL, len(SMALL) - 12)
    end = END + struct.pack("<4H2IH", 0, 0, here - 1, here - 1, length - size, start, 0)
    return SMALL[:at] + SMALL[at + size : -22] + end


@pytest.mark.parametrize("name", FAULTS)
def test_what_has_two_readings_is_refused(name: str) -> None:
    make, code = FAULTS[name]
    assert refused(make()) == code


def test_packages_of_usual_writers_are_read() -> None:
    files = k.plain()
    info = zipfile.ZipInfo("OFD.xml")
    info.extra = struct.pack("<2HB", 0x5455, 1, 0)  # times of Unix
    assert read_package(SMALL).files == files
    assert read_package(streamed()).files == files
    assert read_package(k.packed(files, zipfile.ZIP_STORED)).files == files
    assert read_package(written(("Doc_0/", b""), ("附件/证照.xml", b"x"), (info, b"y"))).files == {
        "附件/证照.xml": b"x",
        "OFD.xml": b"y",
    }


def test_only_a_zip_that_lists_the_entry_file_is_taken_for_one() -> None:
    assert is_package(SMALL)
    assert is_package(streamed())
    assert not is_package(written(("word/document.xml", b"OFD.xml")))
    assert not is_package(b"%PDF-1.7" + SMALL)
    assert not is_package(b"PK\x03\x04OFD.xml")


def bombs() -> dict[str, bytes]:
    zeros = bytes(8 << 20)
    return {
        "zeros": k.packed({f"f{n}": zeros for n in range(2)}),
        "one of zeros": k.packed({"OFD.xml": zeros}),
        "a lie about its size": put(k.packed({"OFD.xml": zeros}), 22, struct.pack("<I", 100)),
        "many": k.packed({f"{n}": b"" for n in range(zips.MAX_ENTRIES + 1)}),
    }


def test_bombs_are_refused_before_they_are_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(zips, "_inflate", lambda *_: pytest.fail("unpacked"))
        assert {name: refused(bomb) for name, bomb in bombs().items()} == {
            "zeros": "OFD_ZIP_LIMIT",
            "one of zeros": "OFD_ZIP_LIMIT",
            "many": "OFD_ZIP_LIMIT",
            "a lie about its size": "OFD_ZIP_LIMIT",
        }
    overlapping = k.packed({f"f{n}": bytes(1 << 20) for n in range(2)})
    assert refused(put(overlapping, overlapping.rindex(CENTRAL) + 42, bytes(4))) == "OFD_ZIP_SLACK"
    lying = k.packed({"OFD.xml": bytes(3 << 20)})
    small = struct.pack("<I", 100)
    lying = put(put(lying, 22, small), lying.index(CENTRAL) + 24, small)
    assert refused(lying) == "OFD_ZIP_DATA"


def test_a_package_beyond_the_limit_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zips, "MAX_PACKAGE", len(SMALL) - 1)
    assert refused(SMALL) == "OFD_SIZE"


@settings(deadline=None, max_examples=150)
@given(st.integers(0, len(SMALL) - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused_or_changes_no_file(at: int, by: int) -> None:
    changed = put(SMALL, at, bytes([SMALL[at] ^ by]))
    try:
        found = read_package(changed).files
    except InputError as error:
        assert error.code.startswith("OFD_")
        return
    assert found == k.plain()  # dates, versions, attributes: what no reader shows


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=300), st.integers(0, len(SMALL)), st.integers(0, 40))
def test_garbage_raises_nothing_but_our_errors(data: bytes, at: int, cut: int) -> None:
    for given_ in (data, SMALL[:at] + data + SMALL[at + cut :]):
        try:
            read_package(given_)
        except InputError as error:
            assert error.code.startswith("OFD_")


# ---- XML ------------------------------------------------------------------------------------------------------------

O = f' xmlns="{k.NAMESPACE}"'.encode()  # noqa: E741
LAUGHS = b"<!DOCTYPE a [<!ENTITY a 'ha'>" + b"".join(
    b"<!ENTITY a%d '%s'>" % (n, b"&a%d;" % (n - 1) * 10 if n else b"&a;") for n in range(9)
)
HOSTILE: dict[str, tuple[bytes, str]] = {
    "billion laughs": (LAUGHS + b"]><a" + O + b">&a8;</a>", "OFD_XML_DOCTYPE"),
    "a file of this machine": (
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a' + O + b">&x;</a>",
        "OFD_XML_DOCTYPE",
    ),
    "a bare document type": (b"<!DOCTYPE a><a" + O + b"/>", "OFD_XML_DOCTYPE"),
    "deep": (b"<a" + O + b">" + b"<a>" * 400_000, "OFD_XML_LIMIT"),
    "wide": (b"<a" + O + b">" + b"<b/>" * (MAX_ELEMENTS + 1) + b"</a>", "OFD_XML_LIMIT"),
    "many attributes": (b"<a" + O + b" ".join(b' a%d=""' % n for n in range(99_999)) + b"/>", "OFD_XML_LIMIT"),
    "large": (b"<a" + O + b">" + b" " * MAX_XML + b"</a>", "OFD_XML_LIMIT"),
    "two roots": (b"<a" + O + b"/><a" + O + b"/>", "OFD_XML_SYNTAX"),
    "another namespace": (b"<a/>", "OFD_XML_SHAPE"),
    "another root": (b"<b" + O + b"/>", "OFD_XML_SHAPE"),
    "another encoding": (b'<?xml version="1.0" encoding="GB18030"?><a' + O + b"/>", "OFD_XML_ENCODING"),
    "wide characters": (("<a" + O.decode() + "/>").encode("utf-16"), "OFD_XML_ENCODING"),
    "nothing": (b"", "OFD_XML_SYNTAX"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_xml_is_refused(name: str) -> None:
    data, code = HOSTILE[name]
    with pytest.raises(InputError) as caught:
        parse(data, "a")
    assert caught.value.code == code


def test_xml_is_read_by_namespace_and_shape() -> None:
    found = parse(b'<o:a xmlns:o="' + k.NAMESPACE.encode() + b'" x=" 1 "><o:b> t </o:b><b/><o:c/><o:c/></o:a>', "a")
    assert (found.one("b").value(), found.need("x"), found.attribute("y")) == ("t", "1", None)
    assert [child.tag for child in found.children] == ["b", "{}b", "c", "c"]
    for ask in (lambda: found.one("c"), lambda: found.one("d"), found.value, lambda: found.need("y")):
        with pytest.raises(InputError, match="OFD_XML_SHAPE"):
            ask()
    nested = parse(b"<a" + O + b">" + b"<a>" * (MAX_DEPTH - 1) + b"</a>" * MAX_DEPTH, "a")
    assert len(nested.children) == 1
    steering = parse(b"<a" + O + b">" + "\u202e".encode() + b"</a>", "a")
    with pytest.raises(InputError, match="OFD_XML_TEXT"):
        steering.value()


@settings(deadline=None, max_examples=150)
@given(st.text(alphabet="<>/&;!?[]'\"= aO\0\u202e", max_size=60) | st.binary(max_size=60))
def test_any_xml_raises_nothing_but_our_errors(given_: str | bytes) -> None:
    data = given_ if isinstance(given_, bytes) else given_.encode()
    for text in (data, b"<a" + O + b">" + data + b"</a>"):
        try:
            parse(text, "a")
        except InputError as error:
            assert error.code.startswith("OFD_XML_")


def test_the_kit_makes_what_is_read() -> None:
    require_sm2()
    assert read_package(k.license()).files.keys() >= {"OFD.xml", k.LIST, k.PAGE}
