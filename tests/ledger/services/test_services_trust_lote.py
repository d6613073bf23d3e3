"""Lists of trusted entities from outside: read strictly where trust hangs on it, refused with a code otherwise."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import InputError
from ledger.services.trust_lote import MAX_BYTES, read_lote

KEY = ec.generate_private_key(ec.SECP256R1())
NAME = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "A CA")])
CERTIFICATE = base64.b64encode(
    x509.CertificateBuilder(NAME, NAME, KEY.public_key(), 5, datetime(2026, 1, 1), datetime(2036, 1, 1))
    .sign(KEY, SHA256())
    .public_bytes(Encoding.DER)
).decode()


def a_list(**changes: Any) -> dict[str, Any]:
    """As another program would write it, with what the standard asks for and nothing of ours."""
    service = {
        "ServiceInformation": {
            "ServiceName": [{"lang": "en", "value": "A CA"}],
            "ServiceDigitalIdentity": {"X509Certificates": [{"val": CERTIFICATE}]},
            "ServiceTypeIdentifier": "http://uri.etsi.org/TrstSvc/Svctype/CA/PKC",
            "ServiceStatus": "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/granted",
            "StatusStartingTime": "2026-01-02T00:00:00Z",
        },
        "ServiceHistory": [
            {
                "ServiceStatus": "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/withdrawn",
                "StatusStartingTime": "2026-01-01T00:00:00Z",
            }
        ],
    }
    scheme = {
        "LoTEVersionIdentifier": 1,
        "LoTESequenceNumber": 3,
        "SchemeOperatorName": [{"lang": "en", "value": "An Operator"}, {"lang": "zh", "value": "某机构"}],
        "SchemeTerritory": "HK",
        "ListIssueDateTime": "2026-01-01T00:00:00Z",
        "NextUpdate": "2026-07-01T00:00:00+08:00",
        "SomethingOfALaterVersion": {"x": 1.5},
    }
    entity = {
        "TrustedEntityInformation": {"TEName": [{"lang": "en", "value": "Provider"}]},
        "TrustedEntityServices": [service],
    }
    return {"ListAndSchemeInformation": scheme | changes, "TrustedEntitiesList": [entity]}


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize("value", [a_list(), {"LoTE": a_list()}])
def test_a_list_of_another_program_is_read(value: dict[str, Any]) -> None:
    found = read_lote(encoded(value))
    assert (found.operator, found.sequence, found.next_update - found.issued) == ("某机构", 3, 15_609_600)
    (authority,) = found.authorities
    assert [s.state for s in authority.states] == ["withdrawn", "granted"]
    assert (authority.service, authority.provider, authority.compromised_since) == ("ca", None, None)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"LoTE": [',
        b'{"LoTE": NaN}',
        b'{"LoTE": {}, "LoTE": {}}',
        b'{"a":' * 100_000,
        b" " * (MAX_BYTES + 1),
        encoded(a_list(SchemeTerritory="HKG")),
        encoded(a_list(LoTESequenceNumber=0)),
        encoded(a_list(LoTESequenceNumber=True)),
        encoded(a_list(NextUpdate="2026-07-01T00:00:00")),
        encoded(a_list(NextUpdate="tomorrow")),
        encoded(a_list(SchemeOperatorName=[])),
        encoded(a_list(SchemeOperatorName=[{"lang": "zh", "value": "a\u202eb"}])),
    ],
)
def test_what_cannot_be_a_list_is_refused(data: bytes) -> None:
    with pytest.raises(InputError) as refused:
        read_lote(data)
    assert "{" not in refused.value.text("zh") + refused.value.text("en")


def test_a_certificate_that_is_none_is_refused() -> None:
    data = encoded(a_list()).replace(CERTIFICATE.encode(), base64.b64encode(b"no certificate"))
    with pytest.raises(InputError, match="CERTIFICATE_SYNTAX"):
        read_lote(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(p for k, v in inner for p in places(v, (*path, k)))]


PLACES = places(a_list())[1:]


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(PLACES), JSON)
def test_anything_anywhere_is_read_or_refused_with_a_code(path: tuple[Any, ...], put: Any) -> None:
    value = a_list()
    inside: Any = value
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = put
    try:
        read_lote(encoded(value))
    except InputError as refused:
        assert refused.code


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_a_code(data: bytes) -> None:
    with pytest.raises(InputError):
        read_lote(data)
