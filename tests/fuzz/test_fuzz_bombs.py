"""Small files that ask for much: refused within a second of the processor and within the memory of a child that has no
more to give."""

from __future__ import annotations

import io
import os
import resource
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from raw_pdf import RawPdf, signed
from raw_pdf import catalog as form

from ledger.core.typefiles import parse_type_file
from ledger.crypto import certificate_files, crls, der, ocsp, pem
from ledger.crypto.ofd import xml
from ledger.crypto.ofd.verifying import verify_package
from ledger.crypto.pdf.verifying import verify_pdf
from ledger.crypto.ses.pictures import Picture, checked
from ledger.errors import ZhengyinError
from ledger.outside import pkcs12_passwords
from ledger.outside.key_files import read_private_key
from ledger.outside.pkcs12 import read_pkcs12
from scripts.fuzzing.targets import KEPT, NOW, PASSPHRASE, TARGETS, replay

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 1.0  # of the processor
MEMORY = 768 << 20  # addresses of the child, most of them of the libraries it loads
BY_DER = [name for name, target in TARGETS.items() if target.form == "der"]


def nested(depth: int, head: int = der.SEQUENCE, inner: bytes = b"") -> bytes:
    heads, length = [], len(inner)
    for _ in range(depth):
        heads.append(der.write(head, bytes(length))[:-length] if length else bytes((head, 0)))
        length += len(heads[-1])
    return b"".join(reversed(heads)) + inner


def document(*objects: bytes, trailer: bytes = b"") -> bytes:
    """A PDF of these objects, of which the first is its catalog."""
    out, at = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        at.append(len(out))
        out += b"%d 0 obj\n" % number + content + b"\nendobj\n"
    table = b"".join(b"%010d 00000 n \n" % offset for offset in at)
    tail = b"trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (len(at) + 1, trailer, len(out))
    return out + b"xref\n0 %d\n0000000000 65535 f \n" % (len(at) + 1) + table + tail


def stream(data: bytes, entries: bytes) -> bytes:
    return b"<</Length %d%s>>\nstream\n" % (len(data), entries) + data + b"\nendstream"


PAGES = b"<</Type/Pages/Kids[]/Count 0>>"


def catalog(entries: bytes) -> bytes:
    return b"<</Type/Catalog/Pages 2 0 R%s>>" % entries


def stored(content: bytes) -> bytes:
    return document(catalog(b"/DSS<</Certs[3 0 R]>>"), PAGES, content)


def by_stream(entries: bytes, data: bytes) -> bytes:
    """A PDF whose table is a stream."""
    start = b"%PDF-1.7\n1 0 obj\n<</Type/Catalog>>\nendobj\n"
    table = stream(data, b"/Type/XRef/Size 10/Root 1 0 R/Filter/FlateDecode" + entries)
    return start + b"2 0 obj\n" + table + b"\nendobj\nstartxref\n%d\n%%%%EOF\n" % len(start)


@cache
def pdfs() -> dict[str, bytes]:
    zeros = zlib.compress(bytes(64 << 20), 9)
    doubled = [b"<</T(a)/Kids[%d 0 R %d 0 R]>>" % (n + 1, n + 1) for n in range(3, 40)]
    fields = catalog(b"/AcroForm<</Fields[3 0 R]>>")
    nested = signed({1: form(b"/X " + b"<</A" * 50_000)}).put(9, b"<<>>").end().bytes()
    return {
        "a stream": stored(stream(zeros, b"/Filter/FlateDecode")),
        "a stream in a stream": stored(stream(zlib.compress(zeros, 9), b"/Filter[/FlateDecode/FlateDecode]")),
        "a table that unpacks": by_stream(b"/W[1 4 1]", zeros),
        "a table without an end": by_stream(b"/W[0 0 0]/Index[0 999999999]", zlib.compress(b"")),
        "a tree of fields, each twice": document(fields, PAGES, *doubled, b"<</T(x)/FT/Tx>>"),
        "a field in itself": document(fields, PAGES, b"<</T(a)/Kids[3 0 R]>>"),
        "arrays in arrays": document(catalog(b"/AcroForm " + b"[" * 50_000), PAGES),
        "dictionaries in dictionaries": nested,
        "a long number": document(catalog(b"/AcroForm " + b"4" * 2_000_000), PAGES),
        "a table before itself": document(catalog(b""), PAGES, trailer=b"/Prev 136"),
        "entries without octets": by_stream(b"/W[0 0 0]/Index[3 90000 90003 90000]", zlib.compress(b"")),
        "a comment without an end": commented(),
        "a prediction, 250 times": stored_often(stream(zlib.compress(b"\2" * (15 << 20)), PREDICTED)),
        "hexadecimal digits": stored(stream(b"0 " * (4 << 20) + b">", b"/Filter/ASCIIHexDecode")),
        "20,000 filters": stored(stream(zlib.compress(b""), b"/Filter[" + b"/FlateDecode" * 20_000 + b"]")),
        "1,000 revisions": revised(signed(), 1000),
        "metadata, compared 90 times": revised(signed({1: form(b"/Metadata 20 0 R"), 20: METADATA}), 90),
        "ways that double": followed({number: b"[%d 0 R %d 0 R]" % ((number + 1,) * 2) for number in range(30, 70)}),
        "ways that multiply": followed(
            {number: b"[" + b"%d 0 R " % (number + 1) * 90 + b"]" for number in range(30, 99)}
        ),
    }


ONLY_SLOW = {"20,000 filters", "entries without octets", "hexadecimal digits", "ways that double", "ways that multiply"}
PREDICTED = b"/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 1023>>"
METADATA = stream(
    zlib.compress(b'<x:xmpmeta xmlns:x="adobe:ns:meta/">' + b"<a/>" * 3_000_000 + b"</x:xmpmeta>"),
    b"/Filter/FlateDecode",
)


def stored_often(content: bytes) -> bytes:
    return document(catalog(b"/DSS<</Certs[" + b"3 0 R " * 250 + b"]>>"), PAGES, content)


def commented() -> bytes:
    """An object in a stream, which is nothing but the beginning of a comment."""
    start = b"%PDF-1.7\n1 0 obj\n" + stream(b"2 0 %", b"/Type/ObjStm/N 1/First 4") + b"\nendobj\n"
    rows = b"\1\0\0\0\x09\0" + b"\2\0\0\0\1\0"
    table = stream(rows, b"/Type/XRef/Size 3/Root 2 0 R/W[1 4 1]/Index[1 2]")
    return start + b"3 0 obj\n" + table + b"\nendobj\nstartxref\n%d\n%%%%EOF\n" % len(start)


def revised(raw: RawPdf, times: int) -> bytes:
    for _ in range(times):
        raw.put(9, b"<<>>").end()
    return raw.bytes()


def followed(objects: dict[int, bytes]) -> bytes:
    """A later revision writes the last of them, to which every way is looked for."""
    last = max(objects) + 1
    return signed({1: form(b"/X 30 0 R"), last: b"<<>>"} | objects).put(last, b"<</A 1>>").end().bytes()


def packages() -> dict[str, bytes]:
    flood, many = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(flood, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("OFD.xml", bytes(64 << 20))
    with zipfile.ZipFile(many, "w") as archive:
        for number in range(16_385):
            archive.writestr(f"{number}", b"")
    return {"a flood": flood.getvalue(), "many entries": many.getvalue()}


@cache
def texts() -> dict[str, bytes]:
    root = b'<OFD xmlns="http://www.ofdspec.org/2016"'
    entities = b"".join(b'<!ENTITY %c "%s">' % (97 + n, b"&%c;" % (96 + n) * 10 if n else b"aaa") for n in range(10))
    return {
        "entities": b"<!DOCTYPE OFD [" + entities + b"]>" + root + b">&j;</OFD>",
        "deep": b"<a>" * 500_000,
        "wide": root + b">" + b"<a/>" * 100_001 + b"</OFD>",
        "attributes": root + b"".join(b' a%d="1"' % n for n in range(100_000)) + b"/>",
    }


def quick(act: Callable[[], object]) -> str:
    """The code by which it refuses, which took no longer than a second."""
    began = time.process_time()
    with pytest.raises(ZhengyinError) as caught:
        act()
    assert time.process_time() - began < SECONDS
    return caught.value.code


@cache
def library() -> None:
    """Loads it, once."""
    TARGETS["pdf"].run((KEPT / "pdf" / "none").read_bytes())


def test_a_name_in_a_file_is_not_written_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    data = document(catalog(b"/AcroForm<</Fields(somebody)/Fields(anybody)>>"), PAGES)
    assert verify_pdf(data, NOW).seals == ()
    assert caplog.records == []


@pytest.mark.parametrize("name", pdfs())
def test_a_pdf_that_unpacks_or_never_ends(name: str) -> None:
    library()
    data = pdfs()[name]
    spent: list[float] = []
    while not spent or (min(spent) >= SECONDS and len(spent) < 3):  # other work on the machine slows one, not three
        began = time.process_time()
        report = verify_pdf(data, NOW)
        spent.append(time.process_time() - began)
    assert min(spent) < SECONDS
    assert report.exit_code == 1
    assert report.cause_code in ("PDF_BOMB", "PDF_MANY", "PDF_SYNTAX")


def test_a_pdf_with_its_table_in_a_stream_is_read() -> None:
    from pyhanko.pdf_utils.writer import PdfFileWriter

    output = io.BytesIO()
    PdfFileWriter(stream_xrefs=True).write(output)
    assert verify_pdf(output.getvalue(), NOW).cause_code == "PDF_NO_SIGNATURES"


def test_packages_that_unpack_to_more() -> None:
    for name, data in packages().items():
        report = verify_package(data, NOW)
        assert report.cause_code == "OFD_ZIP_LIMIT", name


@pytest.mark.parametrize("name", texts())
def test_xml_that_unfolds(name: str) -> None:
    data = texts()[name]
    code = {"entities": "OFD_XML_DOCTYPE"}.get(name, "OFD_XML_LIMIT")
    assert quick(lambda: xml.parse(data, "OFD")) == code


@pytest.mark.parametrize("target", BY_DER)
def test_deep_and_wide_der(target: str) -> None:
    for data in (nested(4000), nested(4000, 0xA0), der.write(der.SEQUENCE, b"\x05\0" * 20_000), nested(10) * 100):
        began = time.process_time()
        replay(target, data)
        assert time.process_time() - began < SECONDS


def test_a_picture_of_more_pixels_than_a_screen_has() -> None:
    side = (1 << 16).to_bytes(4, "big")
    flood = Picture("PNG", b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + side + side, 40, 40)
    assert quick(lambda: checked(flood, True)) == "SES_PICTURE_SIZE"


def test_a_block_without_its_end_is_looked_at_once() -> None:
    for data in (b"-----BEGIN A-----" + b" " * 2_000_000 + b"!", b"-----BEGIN A-----\nAAAA" * 100_000):
        began = time.process_time()
        assert pem.read(data) == []
        assert time.process_time() - began < SECONDS
    many = der.write(der.SEQUENCE, b"\x05\0" * 1_000_000)
    assert quick(lambda: certificate_files.read_certificates(many)) == "CERTIFICATES_SYNTAX"


def test_huge_responses_and_lists() -> None:
    response = (KEPT / "ocsp" / "good").read_bytes()
    assert quick(lambda: ocsp.read_response(response + bytes(ocsp.MAX_BYTES))) == "REVOCATION_OCSP_SYNTAX"
    entry = der.write(der.SEQUENCE, b"\x02\x01\x01", der.write(der.UTC_TIME, b"260101000000Z"))
    listed, algorithm, signature = der.read((KEPT / "crl" / "issuing").read_bytes(), der.SEQUENCE).children()
    fields = [field.outer for field in listed.children()]
    inner = der.write(der.SEQUENCE, *fields[:5], der.write(der.SEQUENCE, entry * 100_000), *fields[6:])
    data = der.write(der.SEQUENCE, inner, algorithm.outer, signature.outer)
    began = time.process_time()
    replay("crl", data)
    assert time.process_time() - began < SECONDS
    assert quick(lambda: crls.read_crl(data[:-1])) == "REVOCATION_CRL_SYNTAX"
    issuer = der.write(der.SEQUENCE, der.read(fields[2], der.SEQUENCE).children()[0].outer * 60_000)
    inner = der.write(der.SEQUENCE, *fields[:2], issuer, *fields[3:])
    data = der.write(der.SEQUENCE, inner, algorithm.outer, signature.outer)
    assert quick(lambda: crls.read_crl(data)) == "REVOCATION_CRL_SYNTAX"


def test_a_container_cannot_ask_for_a_minute_in_many_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them within the limit for one."""
    effort = pkcs12_passwords.Effort()
    scheme = der.write(
        der.SEQUENCE,
        der.write_oid("1.2.840.113549.1.12.1.3"),
        der.write(der.SEQUENCE, der.write(der.OCTET_STRING, b"12345678"), der.write(der.INTEGER, b"\x07\xa1\x20")),
    )
    assert quick(lambda: pkcs12_passwords.decrypt(scheme, bytes(8), PASSPHRASE, effort)) == "KEY_ENCRYPTION"
    data = (KEPT / "pkcs12" / "legacy").read_bytes()
    monkeypatch.setattr(pkcs12_passwords, "MAX_EFFORT", 3)
    assert quick(lambda: read_pkcs12(data, PASSPHRASE)) == "KEY_ENCRYPTION"


def test_a_key_file_cannot_ask_for_hours() -> None:
    name, salt = der.write_oid("1.2.840.113549.1.5.13"), der.write(der.OCTET_STRING, b"12345678")
    rounds = der.write(der.INTEGER, (10**9).to_bytes(4, "big"))
    derived = der.write(der.SEQUENCE, der.write_oid("1.2.840.113549.1.5.12"), der.write(der.SEQUENCE, salt, rounds))
    cipher = der.write(der.SEQUENCE, der.write_oid("2.16.840.1.101.3.4.1.42"), der.write(der.OCTET_STRING, bytes(16)))
    scheme = der.write(der.SEQUENCE, name, der.write(der.SEQUENCE, derived, cipher))
    data = der.write(der.SEQUENCE, scheme, der.write(der.OCTET_STRING, bytes(32)))
    assert quick(lambda: read_private_key(data, PASSPHRASE)) == "KEY_ENCRYPTION"


@pytest.mark.parametrize("target", [name for name, target in TARGETS.items() if target.form == "json"])
def test_deep_json(target: str) -> None:
    for data in (b"[" * 200_000, b'{"a":' * 50_000, b"[" * 900 + b"]" * 900, b"9" * 200_000):
        began = time.process_time()
        replay(target, data)
        assert time.process_time() - began < SECONDS


@pytest.mark.parametrize("text", ["a=" + "[" * 50_000, "a" + ".a" * 30_000 + "=1", "a=" + "{a=" * 10_000])
def test_a_type_file_of_one_endless_key(text: str) -> None:
    assert quick(lambda: parse_type_file(text)) == "TYPEFILE_SYNTAX"


# ---- once more all that unpacks, in a process that may not grow --------------------------------------------------


def floods() -> Iterator[tuple[str, bytes]]:
    yield from (("pdf", data) for name, data in pdfs().items() if name not in ONLY_SLOW)
    yield from (("ofd", data) for data in packages().values())
    yield "xml", texts()["attributes"]


def test_bombs_do_not_need_memory() -> None:
    """The floods alone are 64 MiB each, which shows in an address space that has few left."""
    here = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    done = subprocess.run([sys.executable, __file__], env=here, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


if __name__ == "__main__":
    library()
    sys.setrecursionlimit(100_000)  # as py-evm does: not even then may the stack overflow
    bombs = list(floods())
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for name, data in bombs:
        replay(name, data)
