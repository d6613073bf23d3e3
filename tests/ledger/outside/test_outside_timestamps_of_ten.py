"""Time-stamps of ten authorities, made by somebody else's software: RSA, P-256, Ed25519, and SM2 with SM3."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pki_kit import CAS, NOW, Kit

from ledger.core.bundles import ValidationData
from ledger.core.verdicts import Outcome, worst
from ledger.crypto.timestamps import over, verify_kept, verify_token
from ledger.outside.timestamp_client import TimestampClient
from ledger.verification.tokens import judge_token

DATA = b"the octets of a signature"


def validation(pki: Kit, ca: str) -> ValidationData:
    return ValidationData(tuple(sorted(pki.intermediates(ca))), tuple(sorted(pki.pki.lists(ca, NOW, "issuing"))), ())


@pytest.mark.parametrize("ca", CAS)
def test_a_token_of_each_is_read_kept_and_judged(pki: Kit, ca: str) -> None:
    token = verify_token(pki.token(ca, DATA), over(DATA))
    algorithm = pki.pki.authority(ca).algorithm
    assert (token.time, token.info.digest) == (NOW, "sm3" if algorithm == "sm2" else "sha256")
    assert verify_kept(token.form, DATA).certificate == token.certificate
    data = validation(pki, ca)
    judged = judge_token(token, [pki.authority(ca, service="tsa")], data, NOW + 5)
    assert worst(judged.findings) is Outcome.PASSED, judged.findings
    assert judged.used >= {*data.certificates, *data.crls}
    assert [f.code for f in judge_token(token, [pki.authority(ca)], data, NOW + 5).findings] == [
        "TIME_TOKEN_PATH_REFUSED"
    ]
    # listed by its own certificate, beside the root that certifies signers
    own = replace(pki.authority(ca, service="tsa"), certificate=token.certificate)
    both = judge_token(token, [pki.authority(ca), own], data, NOW + 5)
    assert (worst(both.findings), both.authority, both.used) == (Outcome.PASSED, own, judged.used)


def test_they_answer_over_http(pki: Kit) -> None:
    with pki.serving() as served:
        for ca in [each for each in CAS if each in ("ca-a", "ca-e")]:
            sm2 = served.authority(ca).algorithm == "sm2"
            client = TimestampClient([served.url(ca, "tsa/tsa")], lambda: NOW)
            token = verify_token(client.stamp(DATA, "sm3" if sm2 else "sha512"), over(DATA))
            assert token.certificate == served.certificate(ca, "tsa")
