"""The sample library is what its README says: pages, words, answers on their pages, and a build that repeats."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import unicodedata
from collections import Counter
from pathlib import Path
from types import ModuleType

import pypdf
import pypdfium2
import pytest

ROOT = Path(__file__).parent.parent
PDFS = ROOT / "src" / "gakju" / "samples"
PAGES = {"handbook.ko": 15, "manual.en": 11}
QUESTIONS = [json.loads(line) for line in (ROOT / "samples" / "questions.jsonl").read_text("utf-8").splitlines()]


def bare(text: str) -> str:
    return "".join(unicodedata.normalize("NFC", text).split())


def by_pypdf(name: str) -> list[str]:
    return [bare(page.extract_text()) for page in pypdf.PdfReader(PDFS / f"{name}.pdf").pages]


def by_pdfium(name: str) -> list[str]:
    with pypdfium2.PdfDocument(PDFS / f"{name}.pdf") as document:
        return [bare(page.get_textpage().get_text_range()) for page in document]


TEXTS = {name: {"pypdf": by_pypdf(name), "pdfium": by_pdfium(name)} for name in PAGES}


def load_build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("samples_build", ROOT / "samples" / "build.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by name.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", PAGES)
def test_pdf_has_its_pages_title_language_and_size(name: str) -> None:
    path = PDFS / f"{name}.pdf"
    reader = pypdf.PdfReader(path)
    assert len(reader.pages) == PAGES[name]
    assert path.stat().st_size < 1_000_000
    assert reader.trailer["/Root"]["/Lang"] == name.split(".")[1]
    title = {"handbook.ko": "구름갈피 취업규칙 및 복리후생 안내", "manual.en": "Aquilune A2 User Manual"}[name]
    assert reader.metadata
    assert reader.metadata.title == title


@pytest.mark.parametrize("extractor", ["pypdf", "pdfium"])
def test_words_of_the_source_come_out_in_order(extractor: str) -> None:
    pages = TEXTS["handbook.ko"][extractor]
    assert "주식회사구름갈피취업규칙및복리후생안내함께일하는기준과회사가약속하는것" in pages[0]
    # A table row stays one run, and a sentence goes on over the page border.
    assert "근속연수법정연차회사가산합계이월한도1년미만월1일(최대11일)1일최대12일없음" in pages[5]
    assert "휴직전과같은업무또는같은수준의" in pages[6]
    assert "임금을받는업무로돌아온다." in pages[7]
    assert "do not swap cartridges between them: each".replace(" ", "") in TEXTS["manual.en"][extractor][6]


@pytest.mark.parametrize("name", PAGES)
def test_fonts_are_embedded_subsets_with_tounicode(name: str) -> None:
    fonts = {}
    for page in pypdf.PdfReader(PDFS / f"{name}.pdf").pages:
        fonts.update({f["/BaseFont"]: f for f in (r.get_object() for r in page["/Resources"]["/Font"].values())})
    assert len(fonts) == 2
    for base, font in fonts.items():
        assert "NanumGothic" in base
        assert "+" in base
        assert "/ToUnicode" in font
        assert "/FontFile2" in font["/DescendantFonts"][0].get_object()["/FontDescriptor"]


def test_questions_have_the_promised_mix() -> None:
    assert len(QUESTIONS) == len({q["question"] for q in QUESTIONS}) == 60
    assert Counter(q["lang"] for q in QUESTIONS) == {"ko": 40, "en": 20}
    assert sum(not q["answerable"] for q in QUESTIONS) == 10
    crossing = [q for q in QUESTIONS if q["answerable"] and q["lang"] != q["document"].split(".")[1]]
    assert len(crossing) == 8
    assert {frozenset(q) for q in QUESTIONS} == {
        frozenset({"question", "answer", "document", "page", "lang", "answerable"})
    }


@pytest.mark.parametrize("asked", QUESTIONS, ids=lambda q: q["question"])
def test_answer_is_verbatim_on_its_page(asked: dict[str, object]) -> None:
    if not asked["answerable"]:
        assert (asked["answer"], asked["document"], asked["page"]) == ("", None, None)
        return
    for pages in TEXTS[str(asked["document"])].values():
        assert bare(str(asked["answer"])) in pages[int(str(asked["page"])) - 1]


def test_three_example_questions_for_each_language() -> None:
    examples = json.loads((PDFS / "examples.json").read_text("utf-8"))
    assert {language: len(set(questions)) for language, questions in examples.items()} == {"ko": 3, "en": 3}


@pytest.mark.parametrize("name", PAGES)
def test_rebuild_gives_the_same_bytes(name: str) -> None:
    build = load_build()
    if not (build.FONT_DIR / "NanumGothic.ttf").is_file():
        missing = "Nanum Gothic is not installed; run: apt-get install fonts-nanum"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    assert build.build(name, build.FONT_DIR) == (PDFS / f"{name}.pdf").read_bytes()
