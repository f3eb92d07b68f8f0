"""The gallery: every page in Korean and English, light and dark, on a desk and on a phone.

    .venv/bin/python bench/screenshots.py [--models FOLDER] [--out docs/gallery]

Serves a library of the two samples with the real models and takes pictures of it with Chromium.
"""

from __future__ import annotations

import argparse
import io
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

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


def settled(page: Any, url: str, sign: str) -> None:
    page.goto(url)
    page.locator(sign).first.wait_for()
    page.wait_for_timeout(800)


def pictures(context: Any, url: str, threads: dict[str, str], name: str, out: Path, document: str, every: bool) -> None:
    page = context.new_page()
    settled(page, f"{url}/?thread={threads['answer']}", ".note")
    page.locator(".note").first.click()
    page.locator(".st-key-pane img").wait_for()
    page.wait_for_timeout(1200)
    keep(page, out / f"chat-{name}.png")
    settled(page, f"{url}/library", ".st-key-documents")
    keep(page, out / f"library-{name}.png")
    if every:
        settled(page, url, ".st-key-examples")
        keep(page, out / f"welcome-{name}.png")
        settled(page, f"{url}/?thread={threads['refusal']}", ".evidence")
        keep(page, out / f"refusal-{name}.png")
        settled(page, f"{url}/library?document={document}", ".passage")
        keep(page, out / f"document-{name}.png")
    page.close()


def main() -> None:
    from platformdirs import user_data_path

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=user_data_path("gakju") / "models")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/gallery")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with served(given.models) as (url, assistant), sync_playwright() as playwright:
        added = assistant.add(SAMPLES)
        threads = {
            k: {"answer": asked(assistant, QUESTIONS[k]), "refusal": asked(assistant, REFUSED[k])} for k in LOCALES
        }
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
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
                    document = added[0 if language == "ko" else 1].document_id
                    every = (language, scheme) == ("ko", "light") or (language, scheme, width) == ("en", "dark", 1280)
                    pictures(
                        context, url, threads[language], f"{language}-{scheme}-{width}", given.out, document, every
                    )
                    context.close()
        browser.close()


if __name__ == "__main__":
    main()
