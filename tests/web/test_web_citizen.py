"""The citizen's page in Chromium: each way to ask, in both languages and at both widths; by keyboard; and that nothing
leaves it but digests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import segno
from web_kit import ARGUMENTS, CHROMIUM, HOSTILE, Served, Visit

from api.routes import pages
from ledger.core.verification_code import link_fragment
from ledger.errors import UnavailableError
from ledger.services.offline import Question

PHONE, DESKTOP = {"width": 360, "height": 760}, {"width": 1200, "height": 900}
MARKUP_NAME = "<img src=x onerror=alert(1)>'\"&.pdf"


def open_details(page: Any) -> None:
    for summary in page.query_selector_all("details:not([open]) > summary"):
        summary.click()


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_and_its_result_have_no_barriers(
    chromium: Any, served: Served, language: str, viewport: dict[str, int], scheme: str
) -> None:
    with Visit(chromium, viewport=viewport, color_scheme=scheme, reduced_motion="reduce") as visit:
        visit.page.goto(f"{served.address}/?lang={language}")
        assert visit.axe() == []
        visit.page.fill("#number", served.world.ids["revoked"])
        visit.page.fill("#code", served.code("revoked"))
        visit.page.click("#number-form button")
        visit.result()
        open_details(visit.page)
        assert visit.axe() == []
        wide = visit.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, "the page scrolls sideways"
        visit.require_quiet(served.address)


@pytest.mark.parametrize(
    ("name", "headline", "zh"),
    [
        ("filed", "valid", "真实有效"),
        ("revoked", "noLongerInForce", "真实，现已失效"),
        ("business", "valid", "真实有效"),
    ],
)
def test_a_number_with_its_code_is_answered(chromium: Any, served: Served, name: str, headline: str, zh: str) -> None:
    with Visit(chromium, locale="zh-CN") as visit:
        visit.page.goto(served.address)
        visit.page.fill("#number", served.world.ids[name])
        visit.page.fill("#code", served.code(name))
        visit.page.keyboard.press("Enter")
        assert visit.result().startswith(zh)
        assert visit.page.query_selector(f".result.{headline}")
        assert visit.page.locator(".lines").first.locator("li").count() == 4
        visit.require_quiet(served.address)


def test_another_code_is_not_found_which_is_not_forged(chromium: Any, served: Served) -> None:
    with Visit(chromium, locale="zh-CN") as visit:
        visit.page.goto(served.address)
        visit.page.fill("#number", served.world.ids["filed"])
        visit.page.fill("#code", served.code("revoked"))
        visit.page.keyboard.press("Enter")
        text = visit.result()
        assert text.startswith("未查到")
        assert "不等于伪造" in text


def test_it_works_by_keyboard_alone(chromium: Any, served: Served) -> None:
    with Visit(chromium) as visit:
        page = visit.page
        page.goto(f"{served.address}/?lang=en")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        page.keyboard.press("Enter")
        seen = []
        for _ in range(30):
            page.keyboard.press("Tab")
            seen.append(page.evaluate("document.activeElement.id"))
            if seen[-1] == "number":
                break
        assert "files" in seen
        page.keyboard.type(served.world.ids["filed"])
        page.keyboard.press("Tab")
        page.keyboard.type(served.code("filed").lower().replace("-", " "))
        page.keyboard.press("Enter")
        page.wait_for_selector(".result")
        assert page.evaluate("document.activeElement.id") == "result-heading"
        assert page.inner_text("#status") == "Done: Valid"
        assert page.get_attribute("#status", "role") == "status"
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_of_a_file_only_digests_and_size_leave_the_page(chromium: Any, served: Served, tmp_path: Path) -> None:
    content = b"%PDF-1.7 invented"
    file = tmp_path / "秘密 name.pdf"
    file.write_bytes(content)
    with Visit(chromium, locale="zh-CN") as visit:
        visit.page.goto(served.address)
        visit.page.set_input_files("#files", str(file))
        assert visit.result().startswith("真实有效")
        sent = [r for r in visit.requests if r.method == "POST"]
        assert len(sent) == 1
        body = json.loads(sent[0].post_data)
        assert body.keys() == {"sha256", "sm3", "size"}
        assert body["size"] == len(content)
        assert all("秘密" not in r.url and b"PDF" not in (r.post_data_buffer or b"") for r in visit.requests)
        visit.require_quiet(served.address)


def test_a_bundle_and_its_file_are_checked_together(chromium: Any, served: Served, tmp_path: Path) -> None:
    bundle = served.bundle("filed", tmp_path)
    file, appended = tmp_path / "license.pdf", tmp_path / "appended.pdf"
    file.write_bytes(b"%PDF-1.7 invented")
    appended.write_bytes(b"%PDF-1.7 invented\n%%EOF")
    with Visit(chromium, locale="zh-CN") as visit:
        visit.page.goto(served.address)
        visit.page.set_input_files("#files", [str(bundle), str(file)])
        assert "未被改动：内容与登记的一致" in visit.result()
        visit.page.set_input_files("#files", [str(bundle), str(appended)])
        visit.page.wait_for_selector(".result.doesNotMatch")
        assert "被追加了内容" in visit.result()
        assert visit.page.inner_text(".lines li:nth-child(3)").startswith("–")
        visit.page.set_input_files("#files", [str(bundle), str(served.bundle("revoked", tmp_path))])
        visit.page.wait_for_selector("#status.bad")
        assert visit.page.inner_text("#status") == "一次只能核验一个证明包"
        visit.require_quiet(served.address)


def test_a_file_that_several_records_know_shows_each_under_one_headline(
    chromium: Any, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verifying, ids = served.world.app.verifying, served.world.ids
    both = [verifying.by_id(ids[name], Question()) for name in ("filed", "revoked")]
    monkeypatch.setattr(verifying, "all_by_file", lambda *_: both)
    file = tmp_path / "license.pdf"
    file.write_bytes(b"%PDF-1.7 invented")
    with Visit(chromium, locale="en") as visit:
        visit.page.goto(f"{served.address}?lang=en")
        visit.page.set_input_files("#files", str(file))
        visit.page.wait_for_selector(".result.noLongerInForce")
        assert visit.page.inner_text("#status") == "Done: Several records, which differ: read each of them"
        said = visit.page.inner_text("#result > p.notice")
        assert said == "2 records know the file license.pdf: Several records, which differ: read each of them"
        assert [s.inner_text() for s in visit.page.query_selector_all(".result h2")] == [
            "Valid", "Genuine but no longer in force",
        ]  # fmt: skip
        assert visit.axe() == []


def test_a_changed_bundle_does_not_match(chromium: Any, served: Served, tmp_path: Path) -> None:
    bundle = served.bundle("filed", tmp_path)
    bundle.write_bytes(bundle.read_bytes().replace("赵安".encode(), "钱安".encode()))
    with Visit(chromium, locale="zh-CN") as visit:
        visit.page.goto(served.address)
        visit.page.set_input_files("#files", str(bundle))
        visit.page.wait_for_selector(".result.doesNotMatch")
        assert "钱安" not in visit.result()


def test_while_the_service_is_silent_the_page_judges_in_part(
    chromium: Any, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: object) -> Any:
        raise UnavailableError("CHAIN_BEHIND", block=1)

    bundle = served.bundle("filed", tmp_path)
    monkeypatch.setattr(served.world.app.verifying, "bundle", silent)
    with Visit(chromium, locale="zh-CN") as visit:
        visit.page.goto(served.address)
        visit.page.set_input_files("#files", str(bundle))
        text = visit.result()
        assert text.startswith("暂时无法判定")
        assert "核验服务暂时不可用" in text
        assert "第 10, 12, 16 步未在此核验" in text
        visit.page.fill("#number", "1.2.156.3005.2.1")
        visit.context.set_offline(True)
        visit.page.keyboard.press("Enter")
        visit.page.click("#number-form button")
        visit.page.wait_for_selector("#status.bad")
        assert "未作任何结论" in visit.page.inner_text("#status")
        assert visit.page.query_selector(".result") is None


def test_without_the_fetched_scripts_files_are_declined_and_bundles_answered(
    chromium: Any, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "has_vendored", lambda: False)
    file = tmp_path / "license.pdf"
    file.write_bytes(b"%PDF-1.7 invented")
    with Visit(chromium, locale="zh-CN") as visit:
        visit.page.goto(served.address)
        assert "文件核验已关闭" in visit.page.inner_text("#file-off")
        assert not visit.page.is_visible("#scan")
        assert visit.axe() == []
        visit.page.set_input_files("#files", str(file))
        visit.page.wait_for_selector("#status.bad")
        assert "未安装文件核验组件" in visit.page.inner_text("#status")
        visit.page.set_input_files("#files", str(served.bundle("filed", tmp_path)))
        assert visit.result().startswith("真实有效")
        assert not any("/vendor/" in request.url for request in visit.requests)
        visit.require_quiet(served.address)


def test_a_qr_code_is_read_from_a_picture_and_its_secret_reaches_no_log(
    chromium: Any, served: Served, tmp_path: Path
) -> None:
    fragment = link_fragment(served.world.ids["filed"], served.code("filed"))
    picture, foreign, other = (tmp_path / f"{name}.png" for name in ("own", "foreign", "other"))
    segno.make(f"{served.address}/#{fragment}", micro=False).save(str(picture), scale=5, border=4)
    segno.make("https://elsewhere.example/login", micro=False).save(str(foreign), scale=5, border=4)
    segno.make(f"https://elsewhere.example/#{fragment}", micro=False).save(str(other), scale=5, border=4)
    with Visit(chromium, locale="zh-CN") as visit:
        page = visit.page
        page.goto(served.address)
        page.set_input_files("#picture", str(picture))
        assert visit.result().startswith("真实有效")
        page.set_input_files("#picture", str(foreign))
        page.wait_for_selector("#status.bad")
        assert "不是证照核验码" in page.inner_text("#status")
        page.set_input_files("#picture", str(other))
        page.wait_for_selector(".result")
        assert "elsewhere.example" in visit.result()
        assert served.address in page.url
        visit.require_quiet(served.address)
    with Visit(chromium, locale="zh-CN") as visit:
        visit.page.goto(f"{served.address}/#{fragment}")
        assert visit.result().startswith("真实有效")
        assert visit.page.url == f"{served.address}/"
        secret = (served.code("filed"), served.world.ids["filed"])
        sent = [request.url.partition("#")[0] for request in visit.requests]
        assert not any(part in url for url in sent for part in secret)


def film(text: str, path: Path) -> Path:
    """A camera's view of a QR code: uncompressed video (YUV4MPEG2, 4:2:0) of one frame, which Chromium repeats."""
    width, height, scale = 640, 480, 6
    code = segno.make(text, micro=False, error="m")
    rows = [[255 - 255 * int(dark) for dark in row] for row in code.matrix_iter(border=4)]
    luma = bytearray([255]) * (width * height)
    for y, row in enumerate(rows[: height // scale]):
        line = b"".join(bytes([shade]) * scale for shade in row)[:width]
        for at in range(y * scale, y * scale + scale):
            luma[at * width : at * width + len(line)] = line
    frame = b"FRAME\n" + bytes(luma) + b"\x80" * (width * height // 2)
    path.write_bytes(b"YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420jpeg\n" + frame * 3)
    return path


def test_a_license_is_read_by_the_camera(chromium: Any, served: Served, tmp_path: Path) -> None:
    fragment = link_fragment(served.world.ids["filed"], served.code("filed"))
    view = film(f"{served.address}/#{fragment}", tmp_path / "view.y4m")
    with (
        started(chromium, "--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={view}") as browser,
        Visit(browser, locale="zh-CN", permissions=["camera"]) as visit,
    ):
        visit.page.goto(served.address)
        visit.page.click("#camera")
        assert visit.result().startswith("真实有效")
        assert not visit.page.is_visible("#viewfinder")
        visit.require_quiet(served.address)


def test_a_camera_that_is_not_permitted_is_said(chromium: Any, served: Served) -> None:
    with Visit(chromium, locale="zh-CN", permissions=[]) as visit:
        visit.page.goto(served.address)
        visit.page.click("#camera")
        visit.page.wait_for_selector("#status.bad")
        assert "没有得到摄像头许可" in visit.page.inner_text("#status")
        assert not visit.page.is_visible("#viewfinder")


def test_on_a_plain_http_host_the_page_says_why_the_camera_is_off_and_still_hashes(
    chromium: Any, served: Served, tmp_path: Path
) -> None:
    file = tmp_path / "license.pdf"
    file.write_bytes(b"%PDF-1.7 invented")
    with (
        started(chromium, "--host-resolver-rules=MAP office.test 127.0.0.1") as browser,
        Visit(browser, locale="zh-CN") as visit,
    ):
        address = f"http://office.test:{served.port}"
        visit.page.goto(address)
        assert not visit.page.evaluate("isSecureContext")
        assert not visit.page.is_visible("#camera")
        assert "https" in visit.page.inner_text("#scan-insecure")
        visit.page.set_input_files("#files", str(file))
        assert visit.result().startswith("真实有效")
        visit.faults = [fault for fault in visit.faults if "Cross-Origin-Opener-Policy" not in fault]  # ignored on http
        visit.require_quiet(address)


@contextmanager
def started(chromium: Any, *arguments: str) -> Iterator[Any]:
    """Another browser, with further arguments."""
    browser = chromium.browser_type.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, *arguments])
    try:
        yield browser
    finally:
        browser.close()


def test_markup_in_values_names_and_links_stays_text(chromium: Any, served: Served, tmp_path: Path) -> None:
    file = tmp_path / MARKUP_NAME
    file.write_bytes(b"%PDF-1.7 invented")
    bundle = served.bundle("hostile", tmp_path)
    with Visit(chromium, locale="zh-CN") as visit:
        visit.page.goto(f"{served.address}/?lang=%3Cscript%3E")
        visit.page.set_input_files("#files", str(bundle))
        assert HOSTILE in visit.result()
        open_details(visit.page)
        visit.page.set_input_files("#files", str(file))
        visit.page.get_by_text(MARKUP_NAME).wait_for()
        visit.page.goto(f"{served.address}/#i={HOSTILE.replace('<', '%3C')}&k=x")
        visit.page.wait_for_selector("#status.bad, .result")
        assert visit.page.evaluate("document.querySelectorAll('main img, main svg, main script').length") == 0
        assert [f for f in visit.faults if "dialog" in f or "Security Policy" in f] == []


def test_the_print_shows_the_result_and_not_the_form(chromium: Any, served: Served) -> None:
    with Visit(chromium, locale="zh-CN") as visit:
        visit.page.goto(f"{served.address}/#{link_fragment(served.world.ids['filed'], served.code('filed'))}")
        visit.result()
        visit.page.emulate_media(media="print")
        assert not visit.page.is_visible("#number-form")
        assert visit.page.is_visible(".result .lines")
        assert visit.page.is_visible(".history"), "folded details are printed open"


def test_large_text_is_remembered(chromium: Any, served: Served) -> None:
    with Visit(chromium) as visit:
        visit.page.goto(served.address)
        before = visit.page.evaluate("getComputedStyle(document.body).fontSize")
        visit.page.click("#large")
        visit.page.reload()
        assert visit.page.get_attribute("#large", "aria-pressed") == "true"
        assert visit.page.evaluate("getComputedStyle(document.body).fontSize") > before


def test_a_number_is_answered_without_scripts(chromium: Any, served: Served) -> None:
    with Visit(chromium, java_script_enabled=False, locale="zh-CN") as visit:
        visit.page.goto(served.address)
        assert not visit.page.is_visible("#drop")
        visit.page.fill("#number", served.world.ids["revoked"])
        visit.page.fill("#code", served.code("revoked"))
        visit.page.click("#number-form button")
        assert visit.result().startswith("真实，现已失效")
        visit.page.fill("#number", served.world.ids["revoked"])
        visit.page.fill("#code", "short")
        visit.page.click("#number-form button")
        assert visit.page.is_visible("#number-problem")
        assert "核验码" in visit.page.inner_text("#number-problem")


def test_the_first_page_is_small(chromium: Any, served: Served) -> None:
    """150 kB at most; WebAssembly and its loaders come when they are needed."""
    with Visit(chromium) as visit:
        sizes: dict[str, int] = {}
        visit.page.on("response", lambda r: sizes.__setitem__(r.url, len(r.body())))
        visit.page.goto(served.address)
        visit.page.wait_for_load_state("networkidle")
        assert sum(sizes.values()) <= 150_000
        assert not any("/vendor/" in url for url in sizes)
