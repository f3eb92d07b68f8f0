"""Question sets in the store: versions, names, what is removed and can be had back; kept answers of models."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from gakju.errors import NotFound, UsageError
from gakju.store import Store
from gakju.store.questions import Gold, Item
from gakju.store.replies import key_of

LEAVE = Item("a", "연차는 며칠인가?", ("15일", "열닷새"), (Gold("규정", 3),), "휴가", "취업규칙")
UNKNOWN = Item("b", "사장의 키는?", (), state="proposed")


@pytest.fixture
def store(place: Path | str):
    store = Store(place)
    yield store
    store.close()


def test_each_version_stays_readable(store: Store) -> None:
    first = store.questions.put(" 휴가  질문 ", [LEAVE, UNKNOWN])
    assert (first.name, first.version, first.items) == ("휴가 질문", 1, (LEAVE, UNKNOWN))
    assert first.confirmed == (LEAVE,)
    assert store.questions.put("휴가 질문", [LEAVE, UNKNOWN]) == first
    second = store.questions.put(first.id, [UNKNOWN])
    assert (second.id, second.version) == (first.id, 2)
    assert store.questions.get("휴가 질문") == store.questions.get(first.id) == second
    assert store.questions.get("휴가 질문", 1) == first
    assert [number for number, _ in store.questions.versions(first.id)] == [2, 1]
    assert first.digest != second.digest == store.questions.put("다른 이름", [UNKNOWN]).digest
    with pytest.raises(NotFound, match="no version 3"):
        store.questions.get(first.id, 3)


def test_the_one_changed_last_is_first(store: Store) -> None:
    for name in ("가", "나", "다"):
        store.questions.put(name, [LEAVE])
    store.questions.put("가", [UNKNOWN])
    assert [(s.name, s.version) for s in store.questions.all()] == [("가", 2), ("다", 1), ("나", 1)]


def test_an_item_without_an_id_gets_one_of_its_question(store: Store) -> None:
    unnamed = Item("", "하나?", ("1",))
    (item,) = store.questions.put("수", [unnamed]).items
    assert item.id
    assert store.questions.put("수", [unnamed, LEAVE]).items[0].id == item.id
    with pytest.raises(UsageError, match="there twice"):
        store.questions.put("수", [unnamed, unnamed])


def test_a_removed_set_can_be_had_back_until_it_is_forgotten(store: Store) -> None:
    store.questions.put("가", [LEAVE])
    gone = store.questions.remove("가")
    assert store.questions.all() == []
    with pytest.raises(NotFound):
        store.questions.get("가")
    store.questions.restore(gone)
    assert store.questions.get("가").items == (LEAVE,)
    store.questions.remove("가")
    other = store.questions.put("가", [UNKNOWN])
    with pytest.raises(UsageError, match="already"):
        store.questions.restore(gone)
    store.questions.forget(timedelta())
    with pytest.raises(NotFound):
        store.questions.restore(gone)
    assert store.questions.get("가") == other


def test_names(store: Store) -> None:
    store.questions.put("가", [LEAVE])
    store.questions.put("나", [LEAVE])
    with pytest.raises(UsageError, match="already"):
        store.questions.rename("나", "가")
    store.questions.rename("나", "라")
    assert {s.name for s in store.questions.all()} == {"가", "라"}
    for wrong in ("", "  ", "a" * 101, "a\x00b"):
        with pytest.raises(UsageError):
            store.questions.put(wrong, [LEAVE])


def test_writers_at_the_same_time_make_a_version_each(store: Store) -> None:
    items = [Item(str(n), f"{n}?", (str(n),)) for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda item: store.questions.put("함께", [item]), items))
    assert sorted(s.version for s in made) == list(range(1, 9))
    assert len(store.questions.all()) == 1
    assert {store.questions.get("함께", n).items[0].id for n in range(1, 9)} == {str(n) for n in range(8)}


def test_answers_are_kept_by_what_decides_them(store: Store) -> None:
    one, other = key_of("model", ["a"], {"n": 1, "m": 2}), key_of("model", ["a"], {"m": 2, "n": 2})
    assert one == key_of("model", ("a",), {"m": 2, "n": 1}) != other
    store.replies.put(one, {"text": "답"})
    store.replies.put(one, {"text": "새 답"})
    assert store.replies.get([one, other, one]) == {one: {"text": "새 답"}}
    assert store.replies.get([str(n) for n in range(1200)]) == {}
    store.replies.forget()
    assert store.replies.get([one]) == {}
