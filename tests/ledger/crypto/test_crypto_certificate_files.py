"""Files of certificates, lists and responses: bundles, disorder, and whatever else people hand over."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from crypto_kit import NOW, crl
from hypothesis import given, settings
from hypothesis import strategies as st
from paths_kit import Party, issue

from ledger.crypto import der, pem
from ledger.crypto.certificate_files import leaf_first, read_certificates, read_lists, read_responses
from ledger.crypto.path_inquiry import inquire
from ledger.errors import InputError

ROOT, ISSUING, OFFICE = Party("Root"), Party("Issuing"), Party("Office")
CHAIN = (issue(OFFICE, ISSUING), issue(ISSUING, ROOT, ca=True), issue(ROOT, ROOT, ca=True))
LIST = crl("Root", ROOT.key)


def bundle(*certificates: bytes, oid: str = "1.2.840.113549.1.7.2") -> bytes:
    content = der.write(der.SEQUENCE, der.write_oid("1.2.840.113549.1.7.1"))
    members = [der.write(der.INTEGER, b"\x01"), der.write(der.SET), content]
    signed = der.write(der.SEQUENCE, *members, der.write(0xA0, *certificates), der.write(der.SET))
    return der.write(der.SEQUENCE, der.write_oid(oid), der.write(0xA0, signed))


@pytest.mark.parametrize("oid", ["1.2.840.113549.1.7.2", "1.2.156.10197.6.1.4.2.2"])
def test_bundles_of_either_standard(oid: str) -> None:
    assert read_certificates(bundle(*CHAIN, oid=oid)) == CHAIN
    assert read_certificates(pem.write("PKCS7", bundle(*CHAIN, oid=oid)).encode()) == CHAIN


def test_one_certificate_or_many_in_a_file() -> None:
    assert read_certificates(CHAIN[0]) == CHAIN[:1]
    text = "Bag Attributes\n" + "".join(pem.write("CERTIFICATE", c) for c in CHAIN) + pem.write("X509 CRL", LIST)
    assert read_certificates(text.encode()) == CHAIN
    assert read_lists(text.encode()) == (LIST,)


def test_the_leaf_of_a_chain_in_any_order() -> None:
    assert leaf_first(CHAIN[::-1])[0] == CHAIN[0]
    assert leaf_first(CHAIN[:1]) == CHAIN[:1]
    two = (issue(OFFICE, ISSUING), CHAIN[0])
    assert leaf_first(two) == two, "of two leaves the first that was named"


EMPTY = [b"", b"text", b"\x30\x00", bundle(), bundle(b"\x30\x00"), bundle(*CHAIN)[:-1], bundle(*CHAIN, oid="1.2.3")]


@pytest.mark.parametrize("data", EMPTY)
def test_files_without_certificates(data: bytes) -> None:
    with pytest.raises(InputError, match="CERTIFICATES_SYNTAX"):
        read_certificates(data)


def test_more_certificates_than_anybody_has() -> None:
    with pytest.raises(InputError, match="CERTIFICATES_MANY"):
        read_certificates(pem.write("CERTIFICATE", CHAIN[0]).encode() * 257)
    with pytest.raises(InputError, match="CERTIFICATES_MANY"):
        read_certificates(bytes((4 << 20) + 1))


def test_a_response_that_says_try_later_is_none() -> None:
    with pytest.raises(InputError, match="OCSPS_SYNTAX"):
        read_responses(der.write(der.SEQUENCE, der.write(0x0A, b"\x03")))


READERS: list[Callable[[bytes], tuple[bytes, ...]]] = [read_certificates, read_lists, read_responses]


@settings(deadline=None, max_examples=80)
@given(st.sampled_from([bundle(*CHAIN), CHAIN[0], LIST, b"-----BEGIN CMS-----\nAAAA\n-----END CMS-----"]), st.data())
def test_hostile_files(base: bytes, data: st.DataObject) -> None:
    where = data.draw(st.integers(0, len(base)))
    garbage = data.draw(st.binary(max_size=6))
    bad = base[:where] + garbage + base[where + data.draw(st.integers(0, 6)) :]
    for read in READERS:
        try:
            found = read(bad)
        except InputError as error:
            assert error.code.startswith(("CERTIFICATES_", "CRLS_", "OCSPS_", "REVOCATION_", "PEM_"))
        else:
            assert found


def test_an_answer_without_roots_is_no_answer() -> None:
    with pytest.raises(InputError, match="PATH_NO_ANCHORS"):
        inquire(CHAIN[0], CHAIN[1:], [], ([], []), NOW)
