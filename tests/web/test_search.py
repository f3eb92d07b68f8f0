from __future__ import annotations

import sys
import threading
import time

import pytest

import sites
from gakju.errors import NetworkError
from gakju.types import WebResult
from gakju.web.engines import Bing, Brave, Engine, Tavily
from gakju.web.fakes import FakeSearch
from gakju.web.search import merged, search


def page(url: str, words: str = "wage", published: str = "") -> WebResult:
    return WebResult(f"https://{url}", words, "", "fake", published)


class Broken:
    name = "Broken"

    def __init__(self, error: Exception | None = None, seconds: float = 0.0) -> None:
        self.error, self.seconds, self.go = error, seconds, threading.Event()
        self.go.set()

    def search(self, query: str, **_: object) -> list[WebResult]:
        time.sleep(self.seconds)
        self.go.wait(100)
        if self.error:
            raise self.error
        return [page("late.example")]


def test_what_two_engines_name_comes_first_and_once() -> None:
    one = [page("a.example/x"), page("b.example/")]
    other = [page("www.b.example/?utm_source=news", published="2026-01-02"), page("c.example")]
    found = merged([one, other])
    assert [r.url for r in found] == ["https://b.example/", "https://a.example/x", "https://c.example"]
    assert found[0].published == "2026-01-02"


def test_a_failing_engine_fails_nothing_and_its_reason_is_told() -> None:
    engines = [Broken(NetworkError("Broken answered 500.")), FakeSearch([page("a.example")]), Broken(KeyError("x"))]
    found = search(engines, ["wage"])
    assert [r.url for r in found.results] == ["https://a.example"]
    assert found.problems == ("Broken answered 500.", "Broken failed (KeyError).")


def test_a_slow_engine_is_not_waited_for_once_another_has_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[merged.__module__], "_PATIENCE", 0.1)
    began = time.monotonic()
    slow = Broken()
    slow.go.clear()
    found = search([slow, FakeSearch([page("a.example")])], ["wage"], seconds=60)
    assert time.monotonic() - began < 30
    slow.go.set()
    assert [r.url for r in found.results] == ["https://a.example"]
    assert found.problems == ("Broken did not answer in time.",)


@pytest.mark.parametrize("engines", [[], [Broken(seconds=0.5)]])
def test_nothing_comes_of_no_engine_or_a_silent_one(engines: list[Broken]) -> None:
    assert search(engines, ["wage"], seconds=0.1).results == ()


def test_every_wording_is_asked() -> None:
    engine = FakeSearch([page("a.example?lang=en", "최저임금"), page("b.example", "wage")])
    found = search([engine], ["최저임금", "wage"], language="ko", freshness="year")
    assert sorted(engine.asked) == [("wage", "ko", "year"), ("최저임금", "ko", "year")]
    assert [r.url for r in found.results] == ["https://b.example"]


@pytest.mark.parametrize("engine", [Bing, Brave, Tavily])
def test_a_key_does_not_follow_where_an_engine_sends_on(engine: type[Engine]) -> None:
    def on(handler: sites.Handler) -> None:
        handler.send_response(307)
        handler.send_header("location", f"{other.url}/")
        handler.end_headers()

    with sites.running() as site, sites.running() as other:
        site.always = on
        with pytest.raises(NetworkError, match="answered 307"):
            engine("key-of-the-user", site.url).search("wage")
        assert other.sent == []
