"""How much of a web page's furniture gets into its text, and how much of its text is lost?

Layouts in Korean and English, each with the sentences that a reader comes for and the lines around them (menus, cookie
banners, related links, sharing, comments' forms, addresses). The first half was looked at while rules were made
("seen"), the other half only measured. Told for each: the share of the text's sentences that are kept, and of the
furniture's lines; for Gakju what chunks are made of, for others what they extract. Also the 200 pages of web_site.py.

    python bench/main_text.py [--peers PYTHON] [--lost] [--json FILE]

`PYTHON` belongs to an environment with trafilatura and readability-lxml.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from common import report, squeeze, table

PEERS = """
import json, sys
import trafilatura
from readability import Document
pages = json.load(sys.stdin)
def tried(f):
    def one(page):
        try: return f(page) or ""
        except Exception as e: return ""
    return [one(p) for p in pages]
import re
strip = lambda h: re.sub(r"<[^>]+>", " ", h)
x = trafilatura.extract
print(json.dumps({
    "trafilatura": tried(lambda p: x(p)),
    "trafilatura, precision": tried(lambda p: x(p, favor_precision=True, include_comments=False)),
    "trafilatura, recall": tried(lambda p: x(p, favor_recall=True)),
    "readability": tried(lambda p: strip(Document(p).summary())),
}))
"""


@dataclass
class Page:
    """`body` is HTML; what stands in `main` and `around` stands in it."""

    name: str
    seen: bool
    body: str
    main: list[str] = field(default_factory=list)
    around: list[str] = field(default_factory=list)


KO = [
    "2027년 최저임금은 시간급 1만 320원으로 정해졌다.",
    "이는 올해보다 290원, 2.9퍼센트 오른 것이다.",
    "월급으로 바꾸면 209시간 기준 215만 6,880원이다.",
    "수습 기간에는 석 달까지 10퍼센트를 줄여 줄 수 있다.",
    "고시된 금액은 이듬해 1월 1일부터 모든 사업장에 적용된다.",
]
EN = [
    "The harbour line carries 41,000 passengers on a weekday.",
    "A single ticket costs 3.20 euros and is valid for ninety minutes.",
    "Bicycles travel free except between seven and nine in the morning.",
    "The last train leaves the terminal at 00:40, an hour later on Saturdays.",
    "Lost property is kept at the north station for thirty days.",
]
TITLES = {"ko": "최저임금 고시", "en": "Harbour line"}
MENU = {
    "ko": ["회사소개", "인사말", "조직도", "오시는 길", "공지사항", "자료실", "고객센터", "로그인", "회원가입"],
    "en": ["About us", "Our team", "Careers", "Press", "Contact", "Sign in", "Create account", "Support", "Store"],
}
COOKIE = {
    "ko": [
        "이 사이트는 더 나은 서비스를 위해 쿠키를 사용합니다.",
        "계속 이용하시면 쿠키 사용에 동의하는 것으로 봅니다.",
        "모두 동의",
    ],
    "en": [
        "We use cookies to improve your experience on our site.",
        "By clicking Accept you agree to the storing of cookies on your device.",
        "Accept all",
    ],
}
RELATED = {
    "ko": [
        "[영상] 출근길 시민들의 반응",
        '편의점 점주들 "더는 못 버틴다"',
        "내년 건강보험료 얼마나 오르나",
        "오늘의 인기 기사",
    ],
    "en": [
        "Ten walks along the coast",
        "Why the ferry was cancelled again",
        "Your letters: trains and trams",
        "Most read",
    ],
}
SHARE = {
    "ko": ["카카오톡으로 공유", "페이스북으로 공유", "링크 복사", "글자 크게", "인쇄하기"],
    "en": ["Share on Facebook", "Share by e-mail", "Copy link", "Print this page", "Subscribe to our newsletter"],
}
FOOT = {
    "ko": [
        "서울특별시 종로구 세종대로 209",
        "대표전화 1350",
        "Copyright 2026 고용누리. 무단 전재 금지",
        "개인정보처리방침",
    ],
    "en": [
        "12 Quay Street, Harbourtown",
        "Tel. 555 0134",
        "© 2026 Harbour Lines Ltd. All rights reserved.",
        "Privacy policy",
    ],
}
BODY = {"ko": KO, "en": EN}


def links(items: list[str], tag: str = "li") -> str:
    return "".join(f'<{tag}><a href="/p{n}">{item}</a></{tag}>' for n, item in enumerate(items))


def paragraphs(items: list[str], tag: str = "p") -> str:
    return "".join(f"<{tag}>{item}</{tag}>" for item in items)


def whole(lang: str, body: str) -> str:
    title = TITLES[lang]
    return f"<!doctype html><html lang={lang}><head><meta charset=utf-8><title>{title}</title></head>{body}</html>"


def semantic(lang: str) -> str:
    """What the specification would have: nav, main, aside, footer."""
    return f"""<body><header><nav><ul>{links(MENU[lang])}</ul></nav></header><main><article><h1>{TITLES[lang]}</h1>
    {paragraphs(BODY[lang])}<ul class=share>{links(SHARE[lang])}</ul></article></main>
    <aside><h3>{RELATED[lang][3]}</h3><ul>{links(RELATED[lang][:3])}</ul></aside>
    <footer>{paragraphs(FOOT[lang])}</footer></body>"""


def divs(lang: str) -> str:
    """Everything a div, as most sites of ten years ago."""
    return f"""<body><div id=wrap><div id=gnb class=menu><ul>{links(MENU[lang])}</ul></div><div id=container>
    <div class=lnb>{links(MENU[lang], "div")}</div><div id=content><h2>{TITLES[lang]}</h2>
    <div class=sns>{links(SHARE[lang], "span")}</div><div class=txt>{"<br>".join(BODY[lang])}</div>
    <div class=related><strong>{RELATED[lang][3]}</strong><ul>{links(RELATED[lang][:3])}</ul></div></div></div>
    <div id=copyright>{"<br>".join(FOOT[lang])}</div></div>
    <div class="cookie-banner" id=ck><p>{COOKIE[lang][0]}</p><p>{COOKIE[lang][1]}</p>
    <button>{COOKIE[lang][2]}</button></div>
    </body>"""


def tables(lang: str) -> str:
    """Laid out by a table, the menu in its left cell."""
    menu = "<br>".join(f'<a href="/{n}">{m}</a>' for n, m in enumerate(MENU[lang]))
    return f"""<body><table width=900><tr><td colspan=2><h1>{TITLES[lang]}</h1></td></tr><tr><td width=150>{menu}</td>
    <td><table><tr><td>{"<br><br>".join(BODY[lang])}</td></tr></table></td></tr>
    <tr><td colspan=2 align=center><font size=1>{" | ".join(FOOT[lang])}</font></td></tr></table></body>"""


def press(lang: str) -> str:
    """A newspaper: related links inside the article, a reporter's card, a form for comments."""
    reporter = {"ko": "김기자 기자 구독하기", "en": "By Ann Reporter, follow"}[lang]
    ask = {"ko": "댓글을 입력해 주세요", "en": "Leave a comment"}[lang]
    return f"""<body><div class=top-nav>{links(MENU[lang], "span")}</div><article><h1>{TITLES[lang]}</h1>
    <div class=byline><a href=/r>{reporter}</a></div>{paragraphs(BODY[lang][:2])}
    <div class=inner-links><ul>{links(RELATED[lang][:3])}</ul></div>{paragraphs(BODY[lang][2:])}
    <div class=buttons>{"".join(f"<button>{s}</button>" for s in SHARE[lang])}</div></article>
    <form><label>{ask}</label><textarea></textarea><button>{SHARE[lang][2]}</button></form>
    <div class=bottom>{paragraphs(FOOT[lang], "span")}</div></body>"""


def office(lang: str) -> str:
    """An office: where one is, tabs, the text, a survey, an address."""
    survey = {
        "ko": ["이 페이지에서 제공하는 정보에 만족하십니까?", "매우 만족", "불만족", "의견 보내기"],
        "en": ["Was this page useful to you?", "Yes, very", "Not at all", "Send feedback"],
    }[lang]
    choices = "".join(f"<label><input type=radio>{s}</label>" for s in survey[1:3])
    return f"""<body><div class=skip><a href=#c>{MENU[lang][0]}</a></div><p class=location>{
        " &gt; ".join(f"<a href=/{n}>{m}</a>" for n, m in enumerate(MENU[lang][1:4]))
    }</p>
    <div class=tab><ul>{links(MENU[lang][4:])}</ul></div><div class=con><h3>{TITLES[lang]}</h3>
    <ul class=dot>{paragraphs(BODY[lang], "li")}</ul></div>
    <div class=satisfaction><p>{survey[0]}</p>{choices}<button>{survey[3]}</button></div>
    <address>{" ".join(FOOT[lang])}</address></body>"""


def manual(lang: str) -> str:
    """Documentation: a tree of links beside it, what is on this page, the pages before and after."""
    before = {"ko": "이전: 설치하기", "en": "Previous: Installing"}[lang]
    after = {"ko": "다음: 설정하기", "en": "Next: Configuring"}[lang]
    tree = f"<ul>{links(MENU[lang][:4])}<li><a href=/x>{MENU[lang][4]}</a><ul>{links(MENU[lang][5:])}</ul></li></ul>"
    return f"""<body><div class=page><div class=sidebar role=navigation>{tree}</div>
    <div class=document><h1>{TITLES[lang]}</h1>
    <div class=toc><p>{RELATED[lang][3]}</p><ul>{links(RELATED[lang][:3])}</ul></div>{paragraphs(BODY[lang])}
    <div class=prev-next><a href=/a>{before}</a> <a href=/b>{after}</a></div></div></div></body>"""


def wall(lang: str) -> str:
    """A long consent dialog before the text, a cloud of tags and a call to subscribe after it."""
    tags = "".join(f'<a class=tag href="/t{n}">#{m}</a> ' for n, m in enumerate(MENU[lang]))
    return f"""<body><div role=dialog aria-label=consent>{paragraphs(COOKIE[lang][:2])}
    <button>{COOKIE[lang][2]}</button></div>
    <section><h1>{TITLES[lang]}</h1>{paragraphs(BODY[lang])}</section><div>{tags}</div>
    <section class=subscribe><p>{SHARE[lang][4]}</p><input type=email></section>
    <div class=footer-info>{paragraphs(FOOT[lang], "div")}</div></body>"""


def laws(lang: str) -> str:
    """A page whose text is a list of links, each a sentence, and a table: nothing of that is furniture."""
    rows = "".join(f"<tr><th>{n}</th><td>{s}</td></tr>" for n, s in enumerate(BODY[lang][3:]))
    return f"""<body><nav>{links(MENU[lang], "span")}</nav><h1>{TITLES[lang]}</h1><ul>{links(BODY[lang][:3])}</ul>
    <table>{rows}</table><footer>{" ".join(FOOT[lang])}</footer></body>"""


def forum(lang: str) -> str:
    """Short posts between buttons and names."""
    posts = "".join(
        f'<div class=post><a class=user href="/u{n}">user{n}</a><div class=text>{s}</div>'
        f"<span class=act>{SHARE[lang][n]}</span></div>"
        for n, s in enumerate(BODY[lang])
    )
    return f"""<body><div class=head>{links(MENU[lang], "b")}</div><h1>{TITLES[lang]}</h1>{posts}
    <ol class=pages>{links(["1", "2", "3"])}</ol><small>{" · ".join(FOOT[lang])}</small></body>"""


LAYOUTS: list[tuple[Callable[[str], str], bool]] = [
    (semantic, True), (divs, True), (tables, True), (press, True),
    (office, False), (manual, False), (wall, False), (laws, False), (forum, False),
]  # fmt: skip


def pages() -> Iterator[Page]:
    for layout, seen in LAYOUTS:
        for lang in ("ko", "en"):
            body = layout(lang)
            around = [*MENU[lang], *COOKIE[lang], *RELATED[lang], *SHARE[lang], *FOOT[lang]]
            yield Page(
                f"{layout.__name__} {lang}", seen, whole(lang, body), BODY[lang], [a for a in around if a in body]
            )


def site_pages() -> Iterator[Page]:
    """Of the site that answers are measured on: its pages are a menu and a few sentences."""
    from web_site import corpus

    for page in corpus().pages.values():
        if page.kind == "ok" and page.media_type.startswith("text/html"):
            charset = "cp949" if b'charset="euc-kr"' in page.body else "utf-8"
            sentences = re.split(r"(?<=[.다]) (?=\S)", page.text)
            yield Page("site", False, page.body.decode(charset), [s for s in sentences if len(s) > 8], ["전체"])


def ours(found: list[Page]) -> list[str]:
    """What chunks are made of."""
    from gakju.read import DocumentReader, Limits

    texts = []
    reader = DocumentReader(Limits(25.0, 2048, 20_000, 1 << 30), "kor+eng", 1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        for page in found:
            path.write_text(page.body, "utf-8")
            with reader.open(path, name="page.html") as reading:
                blocks = [(p.text[b.start : b.end], b.kind) for p in reading for b in p.blocks]
            texts.append("\n".join(text for text, kind in blocks if kind not in {"header", "footer"}))
    reader.close()
    return texts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", metavar="PYTHON", help="of an environment with trafilatura and readability-lxml")
    parser.add_argument("--lost", action="store_true", help="show what Gakju loses and keeps")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    args = parser.parse_args()
    found = [*pages(), *site_pages()]
    told = {"gakju": ours(found)}
    if args.peers:
        asked = json.dumps([p.body for p in found])
        ran = subprocess.run([args.peers, "-c", PEERS], input=asked, capture_output=True, text=True, check=True)
        told |= json.loads(ran.stdout)
    figures: dict[str, dict[str, str]] = {}
    for name, texts in told.items():
        kept, count = defaultdict(lambda: [0, 0]), defaultdict(lambda: [0, 0])
        for page, text in zip(found, texts, strict=True):
            part = "site" if page.name == "site" else "seen" if page.seen else "held out"
            plain = squeeze(text)
            here = [[s for s in lines if squeeze(s) in plain] for lines in (page.main, page.around)]
            for n, lines in enumerate((page.main, page.around)):
                kept[part][n] += len(here[n])
                count[part][n] += len(lines)
            lost = [s for s in page.main if s not in here[0]]
            if args.lost and name == "gakju" and page.name != "site" and (lost or here[1]):
                print(f"  {page.name}: lost {lost}, furniture kept {here[1]}", file=sys.stderr)
        figures[name] = {
            part: f"{kept[part][0]}/{count[part][0]} text, {kept[part][1]}/{count[part][1]} furniture" for part in kept
        }
    table((f"{name}, {part}", line) for name, parts in figures.items() for part, line in parts.items())
    report("main_text", {"layouts": len(LAYOUTS), "pages": len(found), **figures}, args.json)


if __name__ == "__main__":
    main()
