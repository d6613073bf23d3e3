"""The pages for citizens and offices, their files, and the offline copy. They work in Chinese and English; the check by
number works without scripts."""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import parse_qs

import orjson
from fastapi import APIRouter, Request, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool

from api.deps import ServiceDep
from api.errors import status_of
from api.web.assets import assets, has_vendored, version
from api.web.single_file import hash_source, join_modules
from api.web.translations import LANGUAGES, finding_words, preferred, words
from ledger.assembly.types import TypeFolder
from ledger.core.trust import TrustFile
from ledger.crypto.trust_signatures import fingerprint_words
from ledger.errors import InputError, Language, NotFoundError, ZhengyinError, messages
from ledger.services.offline import Question

router = APIRouter(include_in_schema=False)
Labels = dict[str, dict[str, Any]]

FORM_LIMIT = 4096
SPOKEN = {"citizen": ("WORD_",), "office": ("CSV_", "IMPORT_", "ROW_", "UPLOAD_")}
"""Codes of the ledger that the scripts of a page put into words themselves."""
YEAR = 365 * 86_400


@cache
def environment() -> Environment:
    return Environment(
        loader=PackageLoader("api", "web/templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )


@router.get("/")
def citizen_page(request: Request) -> Response:
    """The citizen's page. Numbers and codes of a QR code stand behind ``#`` and never come here."""
    return _page("citizen", _language(request))


@router.post("/")
async def citizen_form(request: Request, service: ServiceDep) -> Response:
    """The check by number and code for browsers without scripts: the same answer as the API's, as a page."""
    form = await _form(request)
    number, code = form.get("id", "").strip(), form.get("code", "").strip()
    language = preferred(form.get("lang"), request.headers.get("accept-language"))
    values: dict[str, Any] = {"number": number}
    status = 200
    try:
        if not number:
            raise InputError("PAGE_NUMBER_MISSING")
        service.limit.check(request)
        verifying = service.ledger.verifying
        report = await run_in_threadpool(lambda: verifying.number(number, code or None, Question()))
        values |= {"report": report.to_json(), "labels": type_labels(service.ledger.types, language)}
    except ZhengyinError as error:
        values["refused"], status = error.text(language), status_of(error)
    return _page("citizen", language, status, **values)


@router.get("/office")
def office_page(request: Request) -> Response:
    """The office's page. It is public as such: every request that it makes carries the token typed into it."""
    return _page("office", _language(request))


@router.get("/static/{release}/{path:path}")
def static_file(release: str, path: str) -> Response:
    """A file of the pages, under an address that changes with its content."""
    asset = assets().get(path)
    if asset is None or release != version():
        raise NotFoundError("PAGE_FILE_UNKNOWN")
    cached = {"Cache-Control": f"public, max-age={YEAR}, immutable"}
    return Response(asset.content, media_type=asset.media_type, headers=cached)


@router.get("/labels/{language}.json")
def labels(language: Language, service: ServiceDep) -> Response:
    """What types of record and their fields are called, for a result."""
    content = orjson.dumps(type_labels(service.ledger.types, language))
    return Response(content, media_type="application/json", headers={"Cache-Control": "public, max-age=300"})


@cache  # as in verification: type files that change are for the next start
def type_labels(folder: TypeFolder, language: Language) -> Labels:
    """``{type code: {"name": …, "fields": {name: label}}}``."""
    return {
        definition.code: {
            "name": getattr(definition.name, language),
            "fields": {field.name: getattr(field.label, language) for field in definition.fields},
        }
        for definition in folder.all().values()
    }


@router.get("/verify.html")
def offline_copy(request: Request, service: ServiceDep) -> Response:
    """The offline copy in one file, with this ledger's trust file inside. Offered for saving, never shown from here."""
    if not has_vendored():
        raise NotFoundError("PAGE_SCRIPTS_MISSING")
    language, ledger = _language(request), service.ledger
    content = make_copy(language, ledger.trust.current(), request.url.netloc, type_labels(ledger.types, language))
    headers = {"Content-Disposition": 'attachment; filename="verify.html"', "Cache-Control": "no-cache"}
    return Response(content, media_type="text/html; charset=utf-8", headers=headers)


def make_copy(language: Language, trust: TrustFile | None, host: str, labels: Labels) -> str:
    """A page that judges bundles from ``file://``: style, scripts, words and trust file inside, each inline part named
    by its digest in a policy of its own."""

    style, script = _copy_parts()
    policy = (
        f"default-src 'none'; script-src {hash_source(script)} 'wasm-unsafe-eval'; style-src {hash_source(style)}; "
        "base-uri 'none'; form-action 'none'"
    )
    spoken = {code: text for name in ("result", "copy") for code, text in words(name, "js", language).items()}
    return (
        environment()
        .get_template("copy.html")
        .render(
            language=language,
            t=words("copy", "page", language),
            policy=policy,
            style=style,
            script=script,
            host=host,
            trust_version=trust.content.version if trust else None,
            fingerprint=fingerprint_words(trust.content.fingerprint()) if trust else None,
            data={
                "language": language,
                "words": spoken,
                "findings": finding_words(language),
                "labels": labels,
                "trust": trust.to_bytes().decode() if trust else None,
            },
        )
    )


@cache
def _copy_parts() -> tuple[str, str]:
    """Style and script of the offline copy."""

    def read(path: str) -> str:
        return assets()[path].content.decode()

    return read("css/page.css"), join_modules("js/page/copy.js", read)


def _page(name: str, language: Language, status: int = 200, **values: Any) -> Response:
    spoken = {code: texts[language] for code, texts in messages().items() if code.startswith(SPOKEN[name])}
    for part in ("result", name):
        spoken |= words(part, "js", language)
    content = (
        environment()
        .get_template(f"{name}.html")
        .render(
            {"report": None, "refused": None, "number": "", "labels": {}}
            | values
            | {
                "language": language,
                "other": next(one for one in LANGUAGES if one != language),
                "t": words(name, "page", language),
                "result_words": words("result", "js", language),
                "static": f"/static/{version()}",
                "vendored": has_vendored(),
                "data": {"language": language, "words": spoken, "vendored": has_vendored()},
            }
        )
    )
    headers = {"Content-Language": language, "Vary": "Accept-Language", "Cache-Control": "no-store"}
    return Response(content, status, headers, "text/html; charset=utf-8")


def _language(request: Request) -> Language:
    return preferred(request.query_params.get("lang"), request.headers.get("accept-language"))


async def _form(request: Request) -> dict[str, str]:
    """Fields of a urlencoded form; the first of each name."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > FORM_LIMIT:
            raise InputError("API_BODY_TOO_LARGE", limit=FORM_LIMIT)
    try:
        fields = parse_qs(data.decode(), max_num_fields=16, errors="strict")
    except ValueError as error:
        raise InputError("PAGE_FORM") from error
    return {name: values[0] for name, values in fields.items()}
