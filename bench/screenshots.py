"""The gallery: every page and state in Korean and English, light and dark, on a desk and on a phone.

    .venv/bin/python bench/screenshots.py [--models FOLDER] [--out docs/gallery] [--only NAME,NAME]

Serves a library of the two samples and a half scanned file, with the real models, and takes pictures of it with
Chromium. A picture is `STATE-LANGUAGE-SCHEME-WIDTH.png`. A new page is one more line of `STATES`.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pypdf
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
KNOWN = {"ko": "없", "en": "unplug"}
"""What an answer to `QUESTIONS` holds."""
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


def _give_examples(page: Any) -> None:
    """Sixty of them, some with facts that change."""
    said = ["Whales are mammals.", "The fee is 30 dollars.", "고래는 젖먹이동물이다.", "현재 회장은 김민수이다."]
    rows = [(f"{n * 7919}?", said[n % 4]) for n in range(60)]
    turns = [[{"role": "user", "content": q}, {"role": "assistant", "content": a}] for q, a in rows]
    data = "".join(json.dumps({"messages": t}, ensure_ascii=False) + "\n" for t in turns).encode()
    file: Any = {"name": "examples.jsonl", "mimeType": "application/jsonl", "buffer": data}
    page.locator('input[type="file"]').first.set_input_files(file)
    page.locator(".st-key-ft_start").wait_for()


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
    State("compare", "/compare", ".st-key-compare-arms"),
    State("compared", "/compare?run={compared}", ".compare-table"),
    State("questions", "/questions", '[class*="st-key-card"]'),
    State("question-set", "/questions?set={set}", '[class*="st-key-item"]'),
    State("fewshot", "/fewshot", ".st-key-fewshot-start"),
    State("fewshot-run", "/fewshot?run={fewshot}", ".st-key-fewshot-picture"),
    State("finetune", "/finetune", ".st-key-ft-empty", _give_examples),
    State("finetune-run", "/finetune?run={tuned}", ".st-key-ft-run"),
    State("settings", "/settings"),
]


def _open_web(page: Any) -> None:
    page.locator(".web summary").click()
    page.locator(".note").first.click()
    page.locator(".st-key-web-page").wait_for()


WEB = [
    State("web", "/?thread={web}", ".note", _open_web),
    State("web-failed", "/?thread={failed}", ".web"),
    State("web-library", "/library", ".st-key-add"),
]
"""Taken last, with the web switched on: a site on a loopback port and an engine over it."""


def _open_manner(page: Any) -> None:
    page.locator(".st-key-manner button").last.click()
    page.get_by_test_id("stPopoverBody").locator("textarea, [data-testid=stCaptionContainer]").first.wait_for()


def _open_removed(page: Any) -> None:
    page.locator('[class*="st-key-removed-"] summary').click()
    page.locator('[class*="st-key-restore-"]').first.scroll_into_view_if_needed()


def _show_broken(page: Any) -> None:
    page.locator('[class*="st-key-job-"] input[type="password"]').scroll_into_view_if_needed()


BROKEN = [State("broken", "/library", '[class*="st-key-job-"] input[type="password"]', _show_broken)]
"""After files were added that cannot be read."""
CHANGING = [
    State("manner", "/", ".st-key-manner", _open_manner),
    State("adding", "/library", '[class*="st-key-job-"]'),
    State("removed", "/library", ".st-key-removed-documents", _open_removed),
    State("removed-app", "/apps", ".st-key-removed-apps", _open_removed),
]
"""While files are read, and after documents and an app were deleted."""
EMPTY = [
    State("empty", "/"),
    State("empty-library", "/library"),
    State("empty-search", "/search"),
    State("empty-compare", "/compare"),
    State("empty-questions", "/questions", ".st-key-sets-empty"),
    State("empty-fewshot", "/fewshot", ".st-key-fewshot-empty"),
    State("empty-finetune", "/finetune", ".st-key-ft-empty"),
]
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


def asked(assistant: Any, question: str, sources: str = "documents") -> str:
    """The id of a conversation in which `question` has been answered."""
    from gakju.store import Manner

    thread = assistant.start_thread(question, manner=Manner(sources=sources))
    job = assistant.jobs.wait(assistant.submit_ask(question, thread=thread.id, sources=sources).id)
    print(question, "->", job.state, job.result.get("answer", job.error), flush=True)
    return str(thread.id)


def compared(assistant: Any, language: str) -> str:
    """The id of a comparison of two ways on two questions."""
    from gakju.labs import compare
    from gakju.store.questions import Item

    items = [Item("1", QUESTIONS[language], (KNOWN[language],)), Item("2", REFUSED[language], ())]
    asked = assistant.store.questions.put(f"questions ({language})", items)
    plan = compare.as_plan({"questions": asked.id, "arms": ["plain", {"documents": "verbatim"}], "max_tokens": 48})
    return str(assistant.jobs.wait(compare.of(assistant).submit(plan).id).id)


LABELLED = {
    "ko": {"운동": ["축구 팀이 이겼다", "농구 대회가 열렸다", "야구 선수가 다쳤다"],
           "정치": ["국회가 법을 고쳤다", "시장 선거를 치른다", "장관이 바뀌었다"]},
    "en": {"sport": ["The football team won", "A basketball cup began", "A baseball player was hurt"],
           "politics": ["Parliament changed the law", "The city elects a mayor", "The minister resigned"]},
}  # fmt: skip
"""Lines of news by label; the first of each is asked."""


def tuned(assistant: Any, language: str) -> str:
    """The id of a training that is over and judged; it was never done, its figures are made up."""
    table = assistant.store.tunings
    name = {"ko": "주제", "en": "topics"}[language]
    made = table.add("qwen2.5-coder-0.5b", "local", name, {"examples": 300, "held": 48})
    sides = {"base": {"right": 21, "p50_seconds": 0.9}, "tuned": {"right": 37, "p50_seconds": 1.0}}
    same = {"asked": 48, "prompt_tokens": 86.0, "answer_tokens": 3.0}
    held = {side: {**same, **own} for side, own in sides.items()} | {"gained": 18, "lost": 2}
    other = {side: {**same, **own, "right": 16, "asked": 20} for side, own in sides.items()} | {"gained": 1, "lost": 1}
    judged = {"held": held, "general": other, "verdict": "judge_better"}
    table.set(made.id, state="done", seconds=1900.0, judged=judged)
    folder = assistant.settings.home / "finetune" / made.id
    folder.mkdir(parents=True)
    steps = [{"event": "step", "step": n, "loss": 0.2 + 1.6 / n**0.5, "at": n} for n in range(1, 76)]
    seen = [{"event": "eval", "step": n, "loss": 0.35 + 1.3 / (n + 1) ** 0.5, "at": n} for n in (0, 38, 75)]
    (folder / "log.jsonl").write_text("".join(json.dumps(e) + "\n" for e in steps + seen), "utf-8")
    return str(made.id)


def measured(assistant: Any, language: str) -> str:
    """The id of an N-shot run on two questions."""
    from gakju.labs import fewshot
    from gakju.store.questions import Item

    items = [[Item("", text, (label,)) for text in texts] for label, texts in LABELLED[language].items()]
    bank = assistant.store.questions.put(f"news, examples ({language})", [i for own in items for i in own[1:]])
    tests = assistant.store.questions.put(f"news, test ({language})", [own[0] for own in items])
    plan = fewshot.Plan(examples=bank.id, test=tests.id, counts=(0, 1, 2), max_tokens=12)
    return str(assistant.jobs.wait(fewshot.of(assistant).submit(plan).id).id)


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
            "compared": compared(assistant, language),
            "fewshot": measured(assistant, language),
            "tuned": tuned(assistant, language),
            "set": assistant.store.questions.get(f"questions ({language})").id,
        }
        scenes[language] = Scene(url, places)
    return scenes


@contextmanager
def webbed(assistant: Any, scenes: dict[str, Scene]) -> Iterator[None]:
    """The web of web_site.py switched on, asked in each language, and down for one question more."""
    from gakju.http import Reach
    from gakju.web import SearXNG, Visits
    from web_site import serving

    with serving() as site:
        assistant.settings.web = "ask"
        assistant.web.engines = [SearXNG(url=site.url)]
        assistant.web.visits = Visits(Reach.of("127.0.0.1"), offline=False)
        half = len(site.corpus.questions) // 2
        for scene, at in zip(scenes.values(), (1, half + 3), strict=True):
            scene.places["web"] = asked(assistant, site.corpus.questions[at].text, "web")
        site.mode = "500"
        for scene, question in zip(scenes.values(), QUESTIONS.values(), strict=True):
            scene.places["failed"] = asked(assistant, question, "both")
        assistant.submit_pages([f"{site.url}/ko/1"], collection="default", every="week")
        yield
        assistant.settings.web = "off"


def unreadable(folder: Path) -> list[Path]:
    """One cut short, one behind a password, and an empty one."""
    cut, locked, empty = folder / "보고서.pdf", folder / "contract.pdf", folder / "empty.docx"
    cut.write_bytes(b"%PDF-1.7\n" + bytes(200))
    writer = pypdf.PdfWriter(clone_from=SAMPLES[1])
    writer.encrypt("secret", algorithm="AES-256")
    writer.write(locked)
    empty.write_bytes(b"")
    return [cut, locked, empty]


@contextmanager
def changing(assistant: Any, folder: Path) -> Iterator[None]:
    """A collection and an app deleted, and files that are read for as long as this is open."""
    from gakju import apps

    held, embed = threading.Event(), assistant.parts.embedder.embed_parts
    for n, name in enumerate(["회의록.txt", "minutes.txt", "규정.txt", "rules.txt"]):
        (folder / name).write_text(f"연차휴가는 {n + 15}일이다. There are {n + 15} days of leave.", "utf-8")
    assistant.add([folder / "회의록.txt", folder / "minutes.txt"], collection="2026")
    assistant.shelf.remove("2026")
    shelf = apps.of(assistant).shelf
    shelf.delete(shelf.put(apps.renamed(shelf.get("poet").text, "haiku")).name)
    assistant.parts.embedder.embed_parts = lambda texts, spans: held.wait() and embed(texts, spans)
    job = assistant.submit_add([folder / "규정.txt", folder / "rules.txt", SAMPLES[0]], collection="new")
    try:
        yield
    finally:
        held.set()
        assistant.jobs.wait(job.id)
        del assistant.parts.embedder.embed_parts


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
        if wanted := [s for s in WEB if not only or s.name in only]:
            with webbed(assistant, scenes):
                gallery(browser, scenes, wanted, given.out)
        if wanted := [s for s in BROKEN if not only or s.name in only]:
            assistant.jobs.wait(assistant.submit_add(unreadable(Path(folder))).id)
            gallery(browser, scenes, wanted, given.out)
        if wanted := [s for s in CHANGING if not only or s.name in only]:
            with changing(assistant, Path(folder)):
                gallery(browser, scenes, wanted, given.out)
        browser.close()
    if not only:
        names = {s.name for s in (*STATES, *EMPTY, *WEB, *BROKEN, *CHANGING)}
        for old in given.out.glob("*.png"):
            if old.name.rsplit("-", 3)[0] not in names:
                old.unlink()


if __name__ == "__main__":
    main()
