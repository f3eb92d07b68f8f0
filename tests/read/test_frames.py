"""What stands around a page's text is told from it, and a page that is nothing but links keeps them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from gakju.read.html import open_html

TEXT = "2027년 최저임금은 시간급 1만 320원으로 정해졌다. 고시된 금액은 이듬해 1월 1일부터 모든 사업장에 적용된다."
MENU = "".join(f"<li><a href=/{n}>{n}</a></li>" for n in ("공지사항", "자료실", "오시는 길", "로그인"))


def kinds(tmp_path: Path, body: str) -> dict[str, str]:
    """The kind of each line of the text."""
    path = tmp_path / "blob"
    path.write_text(f"<!doctype html><meta charset=utf-8><body>{body}</body>", "utf-8")
    (page,) = open_html(path, "쪽.html").pages
    return {page.text[b.start : b.end]: b.kind for b in page.blocks}


@pytest.mark.parametrize(
    ("around", "line", "kind"),
    [
        (f"<div class=gnb><ul>{MENU}</ul></div>", "공지사항", "header"),
        (
            "<p><a href=/1>앞 글</a> | <a href=/2>목록</a> | <a href=/3>다음 글</a></p>",
            "앞 글 | 목록 | 다음 글",
            "header",
        ),
        ("<div id=cookie-layer><p>쿠키를 사용합니다.</p></div>", "쿠키를 사용합니다.", "header"),
        ("<div role=dialog><p>구독하시겠습니까?</p></div>", "구독하시겠습니까?", "header"),
        ("<button>모두 동의</button>", "모두 동의", "header"),
        ("<div>서울 종로구<br>Copyright © 2026 고용누리</div>", "서울 종로구\nCopyright © 2026 고용누리", "footer"),
        ("<td><small>All rights reserved.</small></td>", "All rights reserved.", "footer"),
    ],
)
def test_frames(tmp_path: Path, around: str, line: str, kind: str) -> None:
    for body in (f"{around}<div>{TEXT}</div>", f"<div>{TEXT}{around}</div>"):
        found = kinds(tmp_path, body)
        assert found[line] == kind
        assert found[TEXT] == "text"


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("<h3><button>수습 기간에는 얼마를 받나요?</button></h3>", "수습 기간에는 얼마를 받나요?"),
        ("<p>자세한 것은 <a href=/1>고시</a>와 <a href=/2>해설</a>을 보라.</p>", "자세한 것은 고시와 해설을 보라."),
        (
            f"<ul><li><a href=/1>{TEXT[:32]}</a><li><a href=/2>나</a><li><a href=/3>다</a></ul>",
            "나",
        ),
        ("<p><a href=/1>가</a>, <a href=/2>나</a>와 <a href=/3>다</a>로 바뀜</p>", "가, 나와 다로 바뀜"),
        ("<section><h4><a href=/1>식</a> <a href=/2>꼴</a> <a href=/3>값</a></h4></section>", "식 꼴 값"),
        ("<p>쿠키(cookie)는 밀가루로 굽는다.</p>", "쿠키(cookie)는 밀가루로 굽는다."),
        ("<p class=cookies-recipe-title>밀가루 200그램을 체에 친다.</p>", "밀가루 200그램을 체에 친다."),
        (f"<div class=share>{TEXT * 4}</div>", TEXT * 4),
        ("<p>저작권법 제4조는 저작물을 정한다.</p>", "저작권법 제4조는 저작물을 정한다."),
    ],
)
def test_what_only_looks_like_one(tmp_path: Path, body: str, line: str) -> None:
    assert kinds(tmp_path, f"{body}<div>{TEXT}</div>")[line] in {"text", "heading"}


def test_a_page_of_nothing_but_links_keeps_them(tmp_path: Path) -> None:
    assert set(kinds(tmp_path, f"<h1>차례</h1><ul>{MENU}</ul>").values()) == {"heading", "text"}


def test_hidden_words_of_a_frame_are_told_too(tmp_path: Path) -> None:
    path = tmp_path / "blob"
    path.write_text(f"<div class=gnb><ul>{MENU}<li style='display:none'>몰래</li></ul></div><p>{TEXT}</p>", "utf-8")
    (page,) = open_html(path, "쪽.html").pages
    assert [p.kind for p in page.problems] == ["hidden_text"]
    assert "몰래" not in page.text


def test_depth_and_width_cost_little(tmp_path: Path) -> None:
    began = time.process_time()
    path = tmp_path / "blob"
    path.write_text(f"{'<div>' * 200}<ul>{MENU * 3000}</ul>{'</div>' * 200}<p>{TEXT}</p>", "utf-8")
    assert list(open_html(path, "쪽.html").pages)
    assert time.process_time() - began < 5
