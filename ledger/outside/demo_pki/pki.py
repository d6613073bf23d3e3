"""The ten authorities with their keys. Never for real use.

Their folder, which may be the one of a ledger's other authorities, has

    pki.json                        port of the URLs, a mark, when it was made, labels of the authorities
    <label>/config.json             what certomancer is told of the authority
    <label>/keys/*.pem, *.spki      keys of its own; public keys of offices, which make theirs themselves
    <label>/certificates/root.der   what trust files list
    <label>/issued/*.der            every other certificate: a signature made again is another one
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ledger.crypto import pem
from ledger.errors import ConfigError, NotFoundError
from ledger.outside import private_files
from ledger.outside.demo_pki import plan
from ledger.outside.demo_pki.plan import DemoCa
from ledger.outside.software_keys import MAKERS

ABOUT = "pki.json"
CRL_LIFE = timedelta(days=7)


def read_about(folder: Path) -> tuple[int, str, tuple[str, ...]]:
    """Port, mark and labels of the PKI in ``folder``; asks for no certomancer.

    Raises:
        ConfigError: ``DEMO_PKI_DAMAGED``.
    """
    try:
        about = json.loads((folder / ABOUT).read_bytes())
        return int(about["port"]), str(about["mark"]), tuple(about["labels"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError("DEMO_PKI_DAMAGED", part=str(folder)) from error


class DemoPki:
    """Open a PKI made by ``create``.

    Raises:
        ConfigError: ``DEMO_PKI_UNAVAILABLE`` without certomancer; ``DEMO_PKI_DAMAGED``; ``SM2_UNAVAILABLE``.
    """

    def __init__(self, folder: Path) -> None:
        _require_certomancer()
        self._folder = folder
        self.port, self.mark, self.labels = read_about(folder)
        try:
            self._configs = {a: json.loads((folder / a / "config.json").read_bytes()) for a in self.labels}
        except (OSError, ValueError) as error:
            raise ConfigError("DEMO_PKI_DAMAGED", part=str(folder)) from error
        self._built: dict[str, Any] = {}

    @classmethod
    def create(cls, folder: Path, now: int, port: int, labels: Sequence[str], keys: Path | None = None) -> DemoPki:
        """Make keys, certificates and configurations of the authorities ``labels`` at ``now`` (seconds UTC).
        ``port``: of 127.0.0.1, written into the certificates; ``keys``: a folder of keys (``<label>-<name>.pem``)
        that are taken where they are found and put where they are not.

        Raises:
            ConfigError: ``DEMO_PKI_UNAVAILABLE``, ``SM2_UNAVAILABLE``; ConflictError: ``KEYS_EXISTS``.
        """
        _require_certomancer()
        for label in labels:
            config = plan.architecture(label, now, labels)
            for part in ("keys", "certificates", "issued"):
                private_files.make_folder(folder / label / part)
            for name in plan.keys_of(config):
                pem = _key(plan.authorities()[label].algorithm, keys and keys / f"{label}-{name}.pem")
                private_files.write_new(folder / label / "keys" / f"{name}.pem", pem)
            _write_config(folder / label, config)
        about = {"port": port, "mark": secrets.token_hex(16), "labels": list(labels)}
        private_files.write_new(folder / ABOUT, json.dumps(about).encode())
        made = cls(folder)
        for label in labels:
            for name in made._configs[label]["certs"]:
                made._keep(label, name)
        return made

    # ---- what there is

    def authority(self, label: str) -> DemoCa:
        return plan.authorities()[label]

    def certificate(self, label: str, name: str) -> bytes:
        """DER of the certificate ``name`` of an authority: root, issuing, ocsp, tsa, or one that was issued.

        Raises:
            NotFoundError: ``DEMO_PKI_CERTIFICATE``.
        """
        if name not in self._configs[label]["certs"]:
            raise NotFoundError("DEMO_PKI_CERTIFICATE", authority=label, name=name)
        return bytes(self.architecture(label).get_cert(_label("CertLabel", name)).dump())

    def intermediates(self, label: str, issuer: str | None = None) -> tuple[bytes, ...]:
        """Certificates between an office's, issued by ``issuer``, and the root: the issuing authority's first."""
        found, name = [], issuer or self.authority(label).issues_by
        while name != "root":
            found.append(self.certificate(label, name))
            name = self._configs[label]["certs"][name]["issuer-cert"]
        return tuple(found)

    def url(self, label: str, service: str) -> str:
        """Where the loopback server answers: ``tsa/tsa``, ``ocsp/issuing``, ``crls/issuing/latest.crl``."""
        return f"http://127.0.0.1:{self.port}/{label}/{service}"

    def architecture(self, label: str) -> Any:
        """The authority as certomancer's ``PKIArchitecture``."""
        if label not in self._built:
            self._built[label] = self._build(label)
        return self._built[label]

    # ---- what it makes

    def issue(self, label: str, name: str, spki: bytes, subject: Mapping[str, str], now: int, **changes: Any) -> bytes:
        """A certificate (DER) for a given key: document signing, two years. ``subject``: names as certomancer calls
        them (``organization-name``, ``organization-identifier``, ``common-name``); ``changes``: other members of its
        specification (``issuer``, ``validity``, ``extensions``, ``revocation``, ``signature_algo`` …)."""
        config, changed = self._configs[label], {k.replace("_", "-"): v for k, v in changes.items()}
        issuer = changed.pop("issuer", self.authority(label).issues_by)
        spec = {**plan.office(issuer, config, now), "subject": name, **changed}
        spec.setdefault("serial", secrets.randbits(127))
        plan.sign_by(spec, self.authority(label).algorithm)
        config["entities"][name] = dict(subject)
        config["certs"][name] = spec
        private_files.write_new(self._folder / label / "keys" / f"{name}.spki", spki)
        return self._changed(label, name)

    def renew_root(self, label: str, name: str, since: int, until: int) -> bytes:
        """Another certificate (DER) of the root's name and key, valid ``since`` … ``until`` (seconds UTC)."""
        spec = {k: v for k, v in self._configs[label]["certs"]["root"].items() if k != "serial"}
        validity = {"valid-from": plan.iso(since), "valid-to": plan.iso(until)}
        own = {"subject": "root", "subject-key": "root", "serial": secrets.randbits(127), "validity": validity}
        self._configs[label]["certs"][name] = {**spec, **own}
        return self._changed(label, name)

    def revoke(self, label: str, name: str, at: int, reason: str = "key_compromise", since: int | None = None) -> None:
        """From ``at`` on, lists and responses say so; ``since``: invalidityDate. Reasons as in RFC 5280 section
        5.3.1, in snake case."""
        self._configs[label]["certs"][name]["revocation"] = revocation(at, reason, since)
        self._changed(label, name)

    def crl(self, label: str, issuer: str, at: int) -> bytes:
        """The complete list of one of the authority's own, taken at ``at`` and good for a week, DER."""
        from certomancer.services import CRLBuilder, choose_signed_digest

        built = self.architecture(label)
        info = built.service_registry.get_crl_repo_info(_label("ServiceLabel", issuer))
        key = built.key_set.get_asym_key(info.signing_key)
        signature = choose_signed_digest(info.digest_algo, key.public, signature_algo=info.signature_algo)
        mark = built.get_cert(info.issuer_cert).key_identifier_value
        builder = CRLBuilder(built.entities[info.for_issuer], key.private, signature, mark)
        taken = datetime.fromtimestamp(at, UTC)
        revoked = list(built.get_revoked_certs_at_time(taken, info))
        listed = builder.format_tbs_crl(at, taken, revoked, taken + CRL_LIFE)
        return bytes(builder.sign_crl(_in_form(listed)).dump())

    def lists(self, label: str, at: int, issuer: str | None = None) -> tuple[bytes, ...]:
        """The lists that an office's path needs, the root's last."""
        found, name = [], issuer or self.authority(label).issues_by
        while name != "root":
            found.append(self.crl(label, name, at))
            name = self._configs[label]["certs"][name]["issuer-cert"]
        return (*found, self.crl(label, "root", at))

    def respond(self, label: str, service: str, request: bytes, at: int) -> bytes:
        """OCSPResponse to an OCSPRequest (DER each, RFC 6960), good for a day from ``at``."""
        from asn1crypto import ocsp

        services, taken = self.architecture(label).service_registry, datetime.fromtimestamp(at, UTC)
        responder = services.summon_responder(_label("ServiceLabel", service), taken)
        return bytes(responder.build_ocsp_response(ocsp.OCSPRequest.load(request)).dump())

    def stamp(self, label: str, request: bytes, at: int) -> bytes:
        """TimeStampResp to a TimeStampReq (DER each, RFC 3161) at ``at``."""
        from asn1crypto import tsp

        services, taken = self.architecture(label).service_registry, datetime.fromtimestamp(at, UTC)
        authority = services.summon_timestamper(_label("ServiceLabel", "tsa"), taken)
        return bytes(authority.request_tsa_response(tsp.TimeStampReq.load(request)).dump())

    # ---- within

    def _changed(self, label: str, name: str) -> bytes:
        self._built.pop(label, None)
        made = self._keep(label, name)
        # a crash before this leaves a certificate that no service of the authority knows
        _write_config(self._folder / label, self._configs[label])
        return made

    def _keep(self, label: str, name: str) -> bytes:
        file = self._folder / label / ("certificates" if name == "root" else "issued") / f"{name}.der"
        made = self.certificate(label, name)
        if not file.exists():
            private_files.write_new(file, made)
        return made

    def _build(self, label: str) -> Any:
        from asn1crypto import x509
        from certomancer.config_utils import ConfigurationError, SearchDir
        from certomancer.registry import KeySet, PKIArchitecture
        from certomancer.registry.entities import EntityRegistry

        config, folder = self._configs[label], self._folder / label
        files = {
            file.stem: {"path": str(file.relative_to(self._folder)), "public-only": file.suffix == ".spki"}
            for file in (folder / "keys").iterdir()
        }
        for ca in plan.authorities().values():
            if ca.partner == label and ca.label in self.labels:
                files[f"partner-{ca.label}"] = {"path": f"{ca.label}/keys/root.pem"}
        kept = [*(folder / "certificates").glob("*.der"), *(folder / "issued").glob("*.der")]
        try:
            return PKIArchitecture(
                arch_label=_label("ArchLabel", label),
                key_set=KeySet({"keys": files}, SearchDir(str(self._folder)), lazy_load_keys=True),
                entities=EntityRegistry(config["entities"], config["entity-defaults"]),  # type: ignore[no-untyped-call]
                cert_spec_config=config["certs"],
                service_config=config["services"],
                external_url_prefix=f"http://127.0.0.1:{self.port}",
                cert_cache={_label("CertLabel", f.stem): x509.Certificate.load(f.read_bytes()) for f in kept},
            )
        except ConfigurationError as error:
            raise ConfigError("DEMO_PKI_DAMAGED", part=label) from error


def revocation(at: int, reason: str, since: int | None = None) -> dict[str, Any]:
    """As the member of a certificate's specification what ``DemoPki.revoke`` does later."""
    entry: dict[str, Any] = {"revoked-since": plan.iso(at), "reason": reason}
    if since is not None:
        invalid = {"id": "invalidity_date", "smart-value": {"schema": "iso-time", "params": plan.iso(since)}}
        entry["crl-entry-extensions"] = entry["ocsp-response-extensions"] = [invalid]
    return entry


def _in_form(listed: Any) -> Any:
    """UTCTime up to 2049, and no member without revoked certificates (RFC 5280 sections 5.1.2.4 and 5.1.2.6)."""
    from asn1crypto import crl, x509

    for field in ("this_update", "next_update"):
        listed[field] = x509.Time({"utc_time": listed[field].native})
    entries = listed["revoked_certificates"]
    for entry in entries:
        entry["revocation_date"] = x509.Time({"utc_time": entry["revocation_date"].native})
    if len(entries) == 0:
        kept = ("version", "signature", "issuer", "this_update", "next_update", "crl_extensions")
        return crl.TbsCertList({name: listed[name] for name in kept})
    return listed


def _key(algorithm: str, kept: Path | None) -> bytes:
    """A private key, PEM: a new one, or that of the file ``kept``."""
    if kept is not None and kept.exists():
        return kept.read_bytes()
    made = pem.write("PRIVATE KEY", MAKERS[algorithm]()).encode()
    if kept is not None:
        private_files.write_new(kept, made)
    return made


def _label(kind: str, text: str) -> Any:
    from certomancer.registry import common

    return getattr(common, kind)(text)


def _write_config(folder: Path, config: Mapping[str, Any]) -> None:
    private_files.replace(folder / "config.json", json.dumps(config, ensure_ascii=False).encode())


def _require_certomancer() -> None:
    try:
        from ledger.outside.demo_pki import backend
    except ImportError as error:
        raise ConfigError("DEMO_PKI_UNAVAILABLE") from error
    backend.install()
