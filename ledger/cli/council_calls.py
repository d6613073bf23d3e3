"""The actions of ``council propose``: from what was typed to the call that the proposal makes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ledger.cli.subjects import digest
from ledger.errors import InputError

if TYPE_CHECKING:
    from ledger.assembly.app import App
    from ledger.chain.calls import CouncilCall


@dataclass(frozen=True, slots=True)
class Asked:
    """The options as typed. ``organisation``: whom the action concerns, an issuer for annul and disown."""

    action: str
    organisation: str | None
    certificate: Path | None = None
    account: str | None = None
    to: str | None = None
    since: str | None = None
    leaf: str | None = None
    batch: str | None = None
    statement: str | None = None
    chain: str | None = None

    def whose(self) -> str:
        from ledger.core.identifiers import organisation_id

        return organisation_id(self.need(self.organisation, "ORGANISATION"))

    def need(self, value: str | None, option: str) -> str:
        if value is None:
            raise InputError("CLI_COUNCIL_NEEDS", action=self.action, option=option)
        return value


def make_call(app: App, asked: Asked) -> CouncilCall:
    """Raises InputError CLI_COUNCIL_ACTION, CLI_COUNCIL_NEEDS, CLI_ADDRESS, CLI_DIGEST, CLI_CHAIN, ORGANISATION_ID."""
    make = ACTIONS.get(asked.action)
    if make is None:
        raise InputError("CLI_COUNCIL_ACTION", known=", ".join(ACTIONS))
    return make(app, asked)


def _signer(app: App, asked: Asked) -> CouncilCall:
    from ledger.cli.certificates import read_certificate_file
    from ledger.crypto.certificates import fingerprint

    if asked.certificate is None:
        raise InputError("CLI_COUNCIL_NEEDS", action=asked.action, option="--certificate")
    act = app.consortium.bind_signer if asked.action == "bind-signer" else app.consortium.end_signer
    return act(asked.whose(), fingerprint(read_certificate_file(asked.certificate)))


def _account(app: App, asked: Asked) -> CouncilCall:
    address = parse_address(asked.need(asked.account, "--account"))
    if asked.action == "set-account":
        return app.consortium.account(address, asked.whose())
    return app.consortium.account(address, asked.whose(), 0)


def _succeed(app: App, asked: Asked) -> CouncilCall:
    from ledger.cli.values import instant
    from ledger.core.identifiers import organisation_id

    successor = organisation_id(asked.need(asked.to, "--to"))
    return app.consortium.succeed(asked.whose(), successor, instant(asked.since) if asked.since else 0)


def _superior(app: App, asked: Asked) -> CouncilCall:
    from ledger.core.identifiers import organisation_id

    return app.consortium.superior(asked.whose(), organisation_id(asked.to) if asked.to else None)


def _annul(app: App, asked: Asked) -> CouncilCall:
    leaf, statement = asked.need(asked.leaf, "--leaf"), asked.need(asked.statement, "--statement")
    return app.records_calls.annul(asked.whose(), digest(leaf, "--leaf"), digest(statement, "--statement"))


def _disown(app: App, asked: Asked) -> CouncilCall:
    root, statement = asked.need(asked.batch, "--batch"), asked.need(asked.statement, "--statement")
    return app.records_calls.disown(asked.whose(), digest(root, "--batch"), digest(statement, "--statement"))


def _retire(app: App, asked: Asked) -> CouncilCall:
    from ledger.core.manifests import ChainIdentity

    parts = asked.need(asked.chain, "--chain").split(":")
    try:
        number, genesis, records = parts
        identity = ChainIdentity(int(number), _bytes(genesis), _bytes(records))
    except ValueError as e:
        raise InputError("CLI_CHAIN") from e
    if (len(identity.genesis), len(identity.records)) != (32, 20) or identity.id <= 0:
        raise InputError("CLI_CHAIN")
    return app.records_calls.retire(identity)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def parse_address(text: str) -> bytes:
    """20 bytes of a chain account or contract. Raises InputError CLI_ADDRESS."""
    try:
        found = _bytes(text)
    except ValueError:
        found = b""
    if len(found) != 20:
        raise InputError("CLI_ADDRESS")
    return found


ACTIONS: dict[str, Callable[[App, Asked], CouncilCall]] = {
    "bar": lambda app, asked: app.consortium.bar(asked.whose()),
    "unbar": lambda app, asked: app.consortium.unbar(asked.whose()),
    "bind-signer": _signer,
    "end-signer": _signer,
    "set-account": _account,
    "end-account": _account,
    "succeed": _succeed,
    "superior": _superior,
    "annul": _annul,
    "disown": _disown,
    "retire": _retire,
}
