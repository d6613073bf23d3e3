"""No key, passphrase, PIN or token is in what its holder shows: representation, pickle, errors, what the signer
tells.

``HOLDERS`` has an entry for every class that holds a secret; a class whose name says that it might, and that stands in
neither table, fails here.
"""

from __future__ import annotations

import ast
import base64
import json
import logging
import pickle
import pprint
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from desk_kit import NOW, ORG, SECRET, asked, make_keys
from key_kit import key, self_signed

from ledger.chain.endpoint import Credentials
from ledger.core.keys import RecordKey
from ledger.crypto import sm2
from ledger.crypto.approvals import ApprovalKey
from ledger.crypto.blind_index import BlindIndex
from ledger.crypto.certificates import fingerprint
from ledger.crypto.login_key import LoginKey
from ledger.crypto.mac import PreparedMac
from ledger.errors import ZhengyinError
from ledger.outside.accounts import AccountKey, make_account
from ledger.outside.batch_signer import BatchSigner
from ledger.outside.data_keys import DataKeys, StoredDataKey, UseCounter
from ledger.outside.held_keys import HeldKeys
from ledger.outside.key_files import read_private_key
from ledger.outside.key_folders import KeyFolders
from ledger.outside.keystore import KeyStore
from ledger.outside.login_client import OpenedLogin
from ledger.outside.pkcs11_sessions import Login as TokenLogin
from ledger.outside.pkcs12 import KeyFile
from ledger.outside.service_keys import ServiceKeyring
from ledger.outside.signing_keys import SigningKey
from ledger.outside.signing_service.desk import Desk
from ledger.outside.signing_service.frames import Message
from ledger.outside.signing_service.questions import Describe, Unapproved
from ledger.outside.signing_service.rules import read_rules
from ledger.outside.signing_service.signed_log import SignedLog
from ledger.outside.software_keys import SoftwareKey
from ledger.store.vault_epochs import EpochKeys

ROOT = Path(__file__).resolve().parents[3]
RAW = bytes(range(101, 133))
PASSPHRASE = b"correct horse battery"
Holder = Callable[[Path], Any]


def stored(folder: Path) -> KeyStore:
    made = KeyStore(folder / "keys", PASSPHRASE)
    made.import_secret(ORG, "main", "approval", RAW)
    made.data.create(ORG, "data", "aes-256-gcm")
    made.secret(ORG, "main", "approval")
    made.data.current(ORG, "data")
    return made


def signing(_: Path) -> SigningKey:
    return SigningKey(key("ecdsa-p256"), self_signed("ecdsa-p256"))


HOLDERS: dict[type, Holder] = {
    RecordKey: lambda _: RecordKey(RAW),
    PreparedMac: lambda _: PreparedMac(RAW, b""),
    ApprovalKey: lambda _: ApprovalKey(RAW),
    BlindIndex: lambda _: BlindIndex(RAW),
    LoginKey: lambda _: LoginKey(RAW),
    AccountKey: lambda _: AccountKey(RAW),
    StoredDataKey: lambda _: StoredDataKey("aes-256-gcm", 1, RAW, UseCounter(), Path("uses")),
    DataKeys: lambda folder: stored(folder).data,
    KeyStore: stored,
    HeldKeys: lambda folder: HeldKeys(folder / "keys", PASSPHRASE),
    ServiceKeyring: lambda folder: ServiceKeyring(stored(folder)),
    SoftwareKey: lambda _: key("ecdsa-p256"),
    SigningKey: signing,
    BatchSigner: lambda folder: BatchSigner(ORG, signing(folder), [ApprovalKey(RAW)], None),  # type: ignore[arg-type]
    TokenLogin: lambda _: TokenLogin(None, RAW),
    KeyFile: lambda _: KeyFile(RAW, None, ()),
    OpenedLogin: lambda _: OpenedLogin("https://a", RAW.hex(), NOW, {}),
    Credentials: lambda _: Credentials(RAW.hex()),
    EpochKeys: lambda folder: EpochKeys(folder / "epochs"),
    KeyFolders: lambda folder: KeyFolders(folder),
}
CARRIERS = (TokenLogin, KeyFile, OpenedLogin, Credentials)
"""Values on their way, which are not shown; others do not even leave the process."""
PUBLIC = {
    "JudgedToken", "TimestampToken", "Sm2PublicKey", "CouncilKey", "CompromisedSigner", "Account", "RemoteKey",
    "RemoteSigner", "Pkcs11Key", "SqlChainIndex", "VaultTable", "VaultFile", "Login", "_PssKey", "_Key", "Key",
    "ServiceSigner", "DataKey", "ServiceKeys", "Vault", "ChainIndex", "PrivateKey", "Signer", "SignerKey",
}  # fmt: skip
"""Public halves, protocols, and what asks others for secrets when it needs them."""
NAMES = ("Key", "Keys", "Keyring", "Mac", "Signer", "Secret", "Vault", "Token", "Login", "Credentials", "Index")


def spellings(secret: bytes) -> Iterator[str]:
    yield secret.hex()
    yield secret.decode("latin-1")
    yield repr(secret)[2:-1]
    yield str(int.from_bytes(secret, "big"))
    yield hex(int.from_bytes(secret, "big"))[2:]
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(secret).decode().rstrip("=")[:40]


def secrets_here() -> list[bytes]:
    found = [RAW, SECRET, PASSPHRASE]
    for name in ("ecdsa-p256", "ed25519"):
        pkcs8 = read_private_key(key(name).to_pem(None), None)
        found.append(pkcs8[-100:-68] if name == "ecdsa-p256" else pkcs8[-32:])
    return found


def assert_silent(shown: str) -> None:
    for secret in secrets_here():
        for form in spellings(secret):
            assert len(form) >= 20 and form not in shown


def test_the_search_finds_a_key_that_is_shown() -> None:
    plain = key("ecdsa-p256").to_pem(None)
    for shown in (repr(RAW), RAW.hex().upper().lower(), str(int.from_bytes(RAW, "big")), repr({"a": [RAW]})):
        with pytest.raises(AssertionError):
            assert_silent(shown)
    with pytest.raises(AssertionError):
        assert_silent(read_private_key(plain, None).hex())


@pytest.mark.parametrize("kind", HOLDERS, ids=lambda kind: kind.__name__)
def test_no_holder_shows_or_hands_on_its_secret(kind: type, tmp_path: Path) -> None:
    made = HOLDERS[kind](tmp_path)
    assert type(made) is kind
    record = logging.LogRecord("zhengyin", logging.ERROR, __file__, 1, "%s %r", (made, made), None)
    shown = [repr(made), str(made), f"{made}", pprint.pformat(made), repr({"a": [made]}), record.getMessage()]
    try:
        raise ValueError(made)
    except ValueError as error:
        shown += traceback.format_exception(error)
    for text in shown:
        assert_silent(text)
    if kind not in CARRIERS:
        with suppress(TypeError, AttributeError, pickle.PicklingError):  # which is better still
            assert_silent(pickle.dumps(made).decode("latin-1"))


def test_an_account_and_an_sm2_key_are_as_silent() -> None:
    assert_silent(repr(make_account(RAW)))
    try:
        made = sm2.generate()
    except ZhengyinError:
        pytest.skip("no SM2 on this machine")
    with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
        pickle.dumps(made)
    assert repr(made) == "Sm2PrivateKey(…)"


def test_every_class_that_may_hold_a_secret_is_in_one_of_the_tables() -> None:
    known = {kind.__name__ for kind in HOLDERS} | PUBLIC | {"Sm2PrivateKey"}
    for file in (ROOT / "ledger").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and node.name.endswith(NAMES):
                assert node.name in known, f"{file.name}: {node.name}"


# ---- errors ----------------------------------------------------------------------------------------------------------


def told(act: Callable[[], Any]) -> str:
    """All that an error and those behind it say of themselves, as a log would show it."""
    try:
        act()
    except ZhengyinError as error:
        return "".join(traceback.format_exception(error)) + repr((error.args, error.values, error.text("zh")))
    raise AssertionError("no error")


def test_errors_about_keys_tell_nothing_of_them(tmp_path: Path) -> None:
    store = stored(tmp_path)
    store.import_key(ORG, "k", "signing", key("ecdsa-p256").to_pem(None), None)
    folder = tmp_path / "keys" / ORG
    for file in (folder / "k.signing.pem", folder / "data.data.1.pem", folder / "main.approval.hex"):
        whole = file.read_bytes()
        for broken in (whole[: len(whole) // 2], whole[:-60], b"\xff" * 9, RAW.hex().encode()[1:]):
            file.write_bytes(broken)
            assert_silent(told(lambda: KeyStore(tmp_path / "keys", PASSPHRASE).list()))
        file.write_bytes(whole)
    for wrong in (b"wrong", b"\xff\xfe", None):
        assert_silent(told(lambda wrong=wrong: KeyStore(tmp_path / "keys", wrong).public(ORG, "k", "signing")))
    plain = key("ecdsa-p256").to_pem(None)
    for given in (plain.replace(b"PRIVATE", b"PUBLIC"), plain[:-60], plain + plain, read_private_key(plain, None)[:-3]):
        assert_silent(told(lambda given=given: SoftwareKey(read_private_key(given, None))))
    for make in (RecordKey, LoginKey, BlindIndex, ApprovalKey, AccountKey):
        assert_silent(told(lambda make=make: make(RAW + RAW)))


# ---- the signer ------------------------------------------------------------------------------------------------------


def test_what_the_signer_tells_writes_down_and_answers_has_no_secret(tmp_path: Path) -> None:
    keys, heard = make_keys(tmp_path / "signer"), list[dict[str, Any]]()
    rules = read_rules(None, {"organisations": (ORG,), "socket": Path("s"), "log": tmp_path / "log"})
    own, question = fingerprint(keys.certificate(ORG, "main")), asked()
    with SignedLog(rules.log) as log:
        desk = Desk(rules, keys, log, lambda: NOW, heard.append)
        for message in (
            replace(question, certificate=own).to_message(),
            question.to_message(),
            replace(question, batch=replace(question.batch, approval_bytes=SECRET * 2)).to_message(),
            Describe(ORG, "main").to_message(),
            Describe(ORG, "none").to_message(),
            Unapproved(ORG, question.batch).to_message(),
            Message({"question": "sign", "key": SECRET.decode()}),
        ):
            answer = desk.answer("uid 7", message)
            assert_silent(json.dumps(answer.body))
            assert not any(SECRET in part for part in answer.parts)
    assert [entry["decision"] for entry in heard] == [
        "signed", "refused", "refused", "described", "refused", "unapproved", "refused",
    ]  # fmt: skip
    assert_silent(json.dumps(heard))
    assert_silent(rules.log.read_text("utf-8"))
