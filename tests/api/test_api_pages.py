"""The pages as the server gives them: languages, files, the form without scripts, what is missing without npm."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from functools import cache
from typing import Any

import httpx
import pytest
from api_kit import running
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledger_world import World

from api.app import create_app
from api.routes import pages
from api.web import assets
from api.web.translations import LANGUAGES, WEB, finding_words, preferred, words
from ledger.errors import messages

NAMES = sorted(entry.name.removesuffix(".toml") for entry in WEB.joinpath("words").iterdir())


@cache
def application(world: World) -> FastAPI:
    return create_app(world.app)


def call(world: World, method: str, path: str, **named: Any) -> httpx.Response:
    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(application(world))
        async with httpx.AsyncClient(transport=transport, base_url="http://office.example") as client:
            return await client.request(method, path, **named)

    return asyncio.run(go())


@pytest.mark.parametrize(
    ("query", "accepted", "language"),
    [
        (None, None, "zh"),
        ("en", "zh", "en"),
        ("fr", "en-GB", "en"),
        (None, "en-GB,en;q=0.9,zh;q=0.8", "en"),
        (None, "fr, zh-TW;q=0.7, en;q=0.3", "zh"),
        (None, "en;q=0", "zh"),
        (None, "en;q=two, *", "zh"),
        (None, "x" * 100_000, "zh"),
    ],
)
def test_the_language_is_the_one_asked_for(query: str | None, accepted: str | None, language: str) -> None:
    assert preferred(query, accepted) == language


@pytest.mark.parametrize("path", ["/", "/office"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_says_its_language_and_loads_nothing_inline(shared_demo: World, path: str, language: str) -> None:
    answer = call(shared_demo, "GET", path, params={"lang": language})
    assert answer.status_code == 200
    assert answer.headers["content-language"] == language
    assert answer.headers["vary"] == "Accept-Language"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", answer.text)
    scripts = re.findall(r"<script[^>]*>", answer.text)
    assert all('src="/static/' in tag or 'type="application/json"' in tag for tag in scripts)


def test_files_are_cached_for_ever_under_an_address_of_their_content(shared_demo: World) -> None:
    address = re.search(r'href="(/static/[0-9a-f]{16}/css/page.css)"', call(shared_demo, "GET", "/").text)
    assert address
    answer = call(shared_demo, "GET", address[1])
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/css")
    assert call(shared_demo, "GET", address[1].replace("/static/", "/static/0")).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "css/../templates/base.html", "templates/base.html", "../deps.py", "package.json", "%2e%2e/app.py", "js",
        "/etc/passwd", "css/page.css%00", "words/citizen.toml",
    ],
)  # fmt: skip
def test_nothing_but_the_listed_files_is_given(shared_demo: World, path: str) -> None:
    assert call(shared_demo, "GET", f"/static/{assets.version()}/{path}").status_code == 404


def test_the_form_answers_like_the_interface(shared_demo: World) -> None:
    (code,) = shared_demo.app.codes.of([shared_demo.row(shared_demo.ids["filed"])])
    form = {"id": shared_demo.ids["filed"], "code": code, "lang": "en"}
    assert ">Valid</h2>" in call(shared_demo, "POST", "/", data=form).text
    other = call(shared_demo, "POST", "/", data={**form, "code": "0000-0000-0000-0000"}).text
    assert ">Not found</h2>" in other
    assert (
        call(shared_demo, "POST", "/", data={**form, "id": "1.2.156.3005.2.unknown"}).text.replace(
            "1.2.156.3005.2.unknown", form["id"]
        )
        == other
    ), "an unknown number and a wrong code look alike"


def test_what_is_not_recognised_here_is_not_called_a_mismatch(
    shared_demo: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = shared_demo.app.codes.of([shared_demo.row(shared_demo.ids["filed"])])
    unrecognised = replace(shared_demo.app.trust.content(), recognitions=())
    monkeypatch.setattr(shared_demo.app.verifying, "_trust", lambda: unrecognised)
    form = {"id": shared_demo.ids["filed"], "code": code, "lang": "en"}
    text = call(shared_demo, "POST", "/", data=form).text
    text = text[text.index('<section class="result') : text.index("</section>", text.index('<section class="result'))]
    assert ">Certificate authority not recognised here</h2>" in text
    assert "which is not recognised here" in text and "ask the office that is to accept it" in text
    assert "Does not match" not in text and "Ask for the original file" not in text


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        (b"id=", 400, "请输入证照编号"),
        (b"id=1.2.156&code=short", 400, "核验码"),
        (b"id=%ff%fe&lang=zh", 400, None),
        (b"a=1&" * 20 + b"id=1", 400, None),
        (b"id=" + b"1" * 5000, 413, None),
        (b"\x00\xff", 400, None),
        (b"id=<script>alert(1)</script>&lang=zh", 200, "&lt;script&gt;"),
    ],
)
def test_a_strange_form_is_refused_in_words(shared_demo: World, content: bytes, status: int, said: str | None) -> None:
    answer = call(shared_demo, "POST", "/", content=content)
    assert answer.status_code == status
    if said:
        assert said in answer.text
        assert "<script>alert" not in answer.text


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=60) | st.text("id=%&code+0f;\x00é", max_size=40).map(str.encode))
def test_no_form_breaks_the_page(shared_demo: World, content: bytes) -> None:
    assert call(shared_demo, "POST", "/", content=b"id=" + content).status_code in (200, 400)


def test_without_npm_the_page_says_so_and_answers_by_number(
    shared_demo: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "has_vendored", lambda: False)
    text = call(shared_demo, "GET", "/").text
    assert "文件核验已关闭" in text
    assert '"vendored": false' in text
    assert "verify.html" not in text
    answer = call(shared_demo, "GET", "/verify.html")
    assert (answer.status_code, answer.json()["code"]) == (404, "PAGE_SCRIPTS_MISSING")


def test_labels_come_from_the_type_files(shared_demo: World) -> None:
    found = call(shared_demo, "GET", "/labels/zh.json").json()
    assert found["11100000MB0143028R001"]["name"] == "营业执照"
    assert call(shared_demo, "GET", "/labels/fr.json").status_code == 422


@pytest.mark.parametrize("name", NAMES)
def test_every_text_is_in_both_languages_and_names_the_same_values(name: str) -> None:
    for part in ("page", "js", "finding"):
        zh, en = (words(name, part, language) for language in LANGUAGES)
        assert zh.keys() == en.keys()
        for code in zh:
            assert re.findall(r"\{(\w+)\}", zh[code]).sort() == re.findall(r"\{(\w+)\}", en[code]).sort()


def test_every_code_that_the_page_can_find_has_words() -> None:
    source = "".join(file.read_text("utf-8") for file in WEB.joinpath("js", "verify").iterdir())
    raised = set(re.findall(r'(?:failed|undetermined|noted|refused|unproved)\(\s*"([A-Z_0-9]+)"', source))
    source += "".join(file.read_text("utf-8") for file in WEB.joinpath("js", "lib").iterdir())
    raised |= set(re.findall(r'(?:Refusal|refuse|malformed)\("([A-Z][A-Z_0-9]+)"', source))
    assert len(raised) > 80
    assert raised - finding_words("zh").keys() == set()
    assert finding_words("zh").keys() - words("result", "finding", "zh").keys() <= messages().keys()


def test_every_word_that_a_script_says_is_there() -> None:
    for entry in ("citizen", "office", "copy"):
        known = words(entry, "js", "zh").keys() | words("result", "js", "zh").keys()
        source = WEB.joinpath("js", "page", f"{entry}.js").read_text("utf-8")
        said = re.findall(r'(?:say|tell|told)\(\s*"([A-Z_]+)"', source) + re.findall(r'Trouble\("([A-Z_]+)"', source)
        assert set(said) <= known


@pytest.mark.parametrize("path", ["/", "/office?lang=en", "/healthz", "/openapi.json", "/v1/trust", "/labels/zh.json"])
def test_head_is_get_without_the_content(shared_demo: World, path: str) -> None:
    whole, head = (call(shared_demo, method, path) for method in ("GET", "HEAD"))
    assert (head.status_code, head.content) == (200, b"")
    assert dict(head.headers) == dict(whole.headers)
    assert int(head.headers["content-length"]) == len(whole.content)


@pytest.mark.parametrize(("path", "status"), [("/v1/verifications", 405), ("/nothing", 404), ("/v1/records", 401)])
def test_head_of_what_get_refuses_is_refused_alike(shared_demo: World, path: str, status: int) -> None:
    answer = call(shared_demo, "HEAD", path)
    assert (answer.status_code, answer.content) == (status, b"")


def test_head_over_a_real_connection_leaves_it_usable(shared_demo: World) -> None:
    with running(application(shared_demo)) as (host, port), httpx.Client(base_url=f"http://{host}:{port}") as client:
        for _ in range(2):
            assert (client.head("/").status_code, client.get("/healthz").json()) == (200, {"status": "ok"})
    assert 'method="HEAD",route="/"' in call(shared_demo, "GET", "/metrics").text
