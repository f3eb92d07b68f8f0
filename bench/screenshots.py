"""The gallery: every page and state in Korean and English, light and dark, on a desk and on a phone.

    .venv/bin/python bench/screenshots.py [--models FOLDER] [--out docs/gallery] [--only NAME,NAME]

Serves a library of the two samples and a half scanned file, with the real models, and takes pictures of it with
Chromium. A picture is `STATE-LANGUAGE-SCHEME-WIDTH.png`. A new page is one more line of `STATES`.
"""

from __future__ import annotations

import argparse
import io
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pypdfium2 as pdfium
from PIL import Image, ImageDraw
from playwright.sync_api import Error, sync_playwright

ROOT = Path(__file__).parents[1]
SAMPLES = [ROOT / "src/gakju/samples/handbook.ko.pdf", ROOT / "src/gakju/samples/manual.en.pdf"]
QUESTIONS = {
    "ko": "카페에서 재택근무를 해도 되나요?",
    "en": "What should I do if water leaks onto the table?",
}
REFUSED = {"ko": "내일 서울 날씨는 어떤가요?", "en": "Who won the 2022 World Cup?"}
LOCALES = {"ko": "ko-KR", "en": "en-US"}
SIZES = {1280: 800, 390: 844}
COLOURS = 256
"""Colours of a picture's palette, the rare ones (a verdict, a mark) kept: a third of the bytes."""


MAIN = '.stMain [data-testid="stElementContainer"] :is(h1, h2, button, p)'


class State(NamedTuple):
    """A picture: `address` with names of `Scene.places` in braces, a sign that it is there, what is done on it then."""

    name: str
    address: str
    sign: str = MAIN
    act: Callable[[Any], None] | None = None


def _open_note(page: Any) -> None:
    page.locator(".note").first.click()
    page.locator(".st-key-pane img").wait_for()


def _pick_two(page: Any) -> None:
    page.locator(".st-key-picking label").click()
    page.locator('[class*="st-key-pick-"] label').nth(2).wait_for()
    for box in page.locator('[class*="st-key-pick-"] label').all()[1:3]:
        box.click()
        page.wait_for_timeout(500)


STATES = [
    State("welcome", "/", ".st-key-examples"),
    State("chat", "/?thread={answer}", ".note", _open_note),
    State("refusal", "/?thread={refusal}", ".evidence"),
    State("library", "/library", ".st-key-documents"),
    State("select", "/library", ".st-key-documents", _pick_two),
    State("document", "/library?document={document}&page=5&mark={mark}", ".paper img"),
    State("chunks", "/library?document={document}&page=5&chunk={chunk}", ".chunk"),
    State("problems", "/library?document={scan}", ".passage, [data-testid=stAlert]"),
    State("search", "/search?q={question}", ".hit"),
    State("apps", "/apps"),
    State("app", "/apps?app=poet"),
    State("playground", "/playground"),
    State("tokenizer", "/tokenizer"),
    State("settings", "/settings"),
]
EMPTY = [State("empty", "/"), State("empty-library", "/library"), State("empty-search", "/search")]
"""Taken before there is any document."""


@dataclass
class Scene:
    """The served library as a language's pictures show it; `places` fill the addresses."""

    url: str
    places: dict[str, str] = field(default_factory=dict)


@contextmanager
def served(models: Path) -> Iterator[tuple[str, Any]]:
    import uvicorn

    from gakju.api import create, serve
    from gakju.assistant import Assistant
    from gakju.settings import Settings

    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "models").symlink_to(models)
        listening = serve.bind("127.0.0.1", 0)
        with listening, Assistant(Settings(home=Path(home))) as assistant:
            server = uvicorn.Server(uvicorn.Config(create(assistant), log_config=None, access_log=False))
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
            thread.start()
            try:
                yield serve.address(listening), assistant
            finally:
                server.should_exit = True
                thread.join(20)


def asked(assistant: Any, question: str) -> str:
    """The id of a conversation in which `question` has been answered."""
    thread = assistant.start_thread(question)
    job = assistant.jobs.wait(assistant.submit_ask(question, thread=thread.id).id)
    print(question, "->", job.state, job.result.get("answer", job.error), flush=True)
    return str(thread.id)


def keep(page: Any, path: Path) -> None:
    page.mouse.move(5, 5)
    page.wait_for_timeout(700)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(path, "PNG", optimize=True)
    print(f"{path.name} {path.stat().st_size / 1000:.0f} KB", flush=True)


def picture(context: Any, scene: Scene, state: State, path: Path) -> None:
    """One that fails is told and left out: the rest of the gallery is worth having."""
    page = context.new_page()
    try:
        page.goto(scene.url + state.address.format(**scene.places))
        page.locator(f"{state.sign} >> visible=true").first.wait_for()
        page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
        page.wait_for_timeout(800)
        if state.act:
            state.act(page)
            page.wait_for_timeout(900)
        keep(page, path)
    except Error as e:
        print(f"{path.name} FAILED: {str(e).splitlines()[0]}", flush=True)
    finally:
        page.close()


def gallery(browser: Any, scenes: dict[str, Scene], states: list[State], out: Path) -> None:
    for language, locale in LOCALES.items():
        for scheme in ("light", "dark"):
            for width, height in SIZES.items():
                context = browser.new_context(
                    locale=locale,
                    color_scheme=scheme,
                    timezone_id="Asia/Seoul",
                    viewport={"width": width, "height": height},
                    is_mobile=width < 500,
                    has_touch=width < 500,
                )
                for state in states:
                    picture(context, scenes[language], state, out / f"{state.name}-{language}-{scheme}-{width}.png")
                context.close()


def half_scanned(folder: Path) -> Path:
    """A page with words, and one whose words are a picture."""
    scan, path = folder / "scan.pdf", folder / "half-scanned.pdf"
    page = Image.new("RGB", (1240, 1754), "white")
    ImageDraw.Draw(page).multiline_text(
        (120, 160), "INVOICE 2041\nTotal 18,400", fill="black", font_size=48, spacing=30
    )
    page.save(scan, "PDF", resolution=150)
    with pdfium.PdfDocument.new() as whole, pdfium.PdfDocument(SAMPLES[1]) as words, pdfium.PdfDocument(scan) as drawn:
        whole.import_pages(drawn)
        whole.import_pages(words, [2])
        whole.save(path)
    return path


def stocked(assistant: Any, folder: Path, url: str) -> dict[str, Scene]:
    """Documents added, questions answered."""
    added = assistant.add(SAMPLES)
    (scanned,) = assistant.add([half_scanned(folder)], ocr=False)
    scenes = {}
    for language, sample in zip(LOCALES, added, strict=True):
        chunks = assistant.chunks(sample.document_id)
        page = assistant.page(sample.document_id, 5)
        block = next(b for b in page.blocks if b.kind == "text" and b.end - b.start > 40)
        places = {
            "answer": asked(assistant, QUESTIONS[language]),
            "refusal": asked(assistant, REFUSED[language]),
            "document": sample.document_id,
            "mark": f"5.{block.start}-{block.end}",
            "chunk": next(c.id for c in chunks if c.page == 5),
            "scan": scanned.document_id,
            "question": QUESTIONS[language],
        }
        scenes[language] = Scene(url, places)
    return scenes


def main() -> None:
    from platformdirs import user_data_path

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=user_data_path("gakju") / "models")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/gallery")
    parser.add_argument("--only", default="", help="states to take again, commas between; the others stay")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    only = set(filter(None, given.only.split(",")))
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with (
        served(given.models) as (url, assistant),
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        bare = dict.fromkeys(LOCALES, Scene(url))
        gallery(browser, bare, [s for s in EMPTY if not only or s.name in only], given.out)
        scenes = stocked(assistant, Path(folder), url)
        gallery(browser, scenes, [s for s in STATES if not only or s.name in only], given.out)
        browser.close()
    if not only:
        names = {s.name for s in (*STATES, *EMPTY)}
        for old in given.out.glob("*.png"):
            if old.name.rsplit("-", 3)[0] not in names:
                old.unlink()


if __name__ == "__main__":
    main()
