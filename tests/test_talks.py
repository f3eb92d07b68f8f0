"""Conversations in the store: branches, search, what is removed and can be had back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from gakju.errors import NotFound
from gakju.store import Feedback, Manner, Store


@pytest.fixture
def store(place: Path | str):
    store = Store(place)
    yield store
    store.close()


def said(store: Store, thread: str) -> list[str]:
    return [t.question for t in store.talks.turns(thread)]


def test_a_question_and_its_job_are_stored_together(store: Store) -> None:
    thread = store.talks.add("연차", "default")
    job = store.talks.say(thread.id, "연차는 며칠?", "work", {"q": 1})
    other = store.talks.say(thread.id, "그럼 신입은?", "work", {"q": 2})
    assert [(t.question, t.job_id) for t in store.talks.turns(thread.id)] == [
        ("연차는 며칠?", job.id),
        ("그럼 신입은?", other.id),
    ]
    assert store.claim(["work"]).payload == {"q": 1}
    store.talks.remove(thread.id)
    store.talks.forget(timedelta())
    assert store.talks.turns(thread.id) == []
    with pytest.raises(NotFound):
        store.job(job.id)


def test_an_edited_question_begins_a_branch_and_the_old_one_stays(store: Store) -> None:
    thread = store.talks.add("t", "default").id
    store.talks.say(thread, "하나", "work", {})
    store.talks.say(thread, "둘", "work", {})
    last = store.talks.say(thread, "셋", "work", {})
    first, second, third = store.talks.turns(thread)
    edited = store.talks.say(thread, "둘, 고쳐서", "work", {}, after=second.parent)
    assert said(store, thread) == ["하나", "둘, 고쳐서"]
    branch = store.talks.turns(thread)[1]
    assert branch.versions == (second.id, branch.id)
    assert [t.question for t in store.talks.before(edited.id)] == ["하나"]
    assert [t.question for t in store.talks.before(last.id)] == ["하나", "둘"]
    store.talks.show(thread, second.id)
    assert said(store, thread) == ["하나", "둘", "셋"]
    store.talks.say(thread, "처음부터", "work", {}, after=0)
    assert said(store, thread) == ["처음부터"]
    store.talks.show(thread, first.id)
    assert said(store, thread) == ["하나", "둘, 고쳐서"]
    store.talks.show(thread, third.id)
    assert said(store, thread) == ["하나", "둘", "셋"]


def test_pinned_first_then_the_latest_and_found_by_words_of_questions(store: Store) -> None:
    old, new, other = (store.talks.add(title, "default").id for title in ("연차", "출장", "100%_할인"))
    store.talks.say(old, "배우자 출산휴가는?", "work", {})
    assert [t.id for t in store.talks.all()] == [old, other, new]
    store.talks.pin(new, True)
    store.talks.rename(new, "출장비")
    assert [(t.title, t.pinned) for t in store.talks.all()] == [("출장비", True), ("연차", False), ("100%_할인", False)]
    assert [t.id for t in store.talks.all(words="출산 배우자")] == [old]
    assert [t.id for t in store.talks.all(words="%")] == [other]
    assert store.talks.all(limit=1, words="없는말") == []


def test_a_removed_conversation_comes_back_until_it_is_forgotten(store: Store) -> None:
    thread = store.talks.add("t", "default").id
    job = store.talks.say(thread, "q", "work", {}).id
    store.talks.rate(job, Feedback(1))
    store.talks.remove(thread)
    assert store.talks.all() == []
    with pytest.raises(NotFound):
        store.talks.get(thread)
    with pytest.raises(NotFound):
        store.talks.say(thread, "q", "work", {})
    store.talks.forget()
    store.talks.restore(thread)
    assert said(store, thread) == ["q"]
    assert store.talks.ratings(thread) == {job: Feedback(1)}


def test_a_manner_changes_by_name_and_presets_take_no_files(store: Store) -> None:
    thread = store.talks.add("t", "default").id
    assert store.talks.get(thread).manner == Manner()
    told = store.talks.hold(thread, model="openai:gpt-4o-mini", files=("d1",))
    assert told == store.talks.get(thread).manner == Manner("openai:gpt-4o-mini", files=("d1",))
    store.talks.keep_preset("시인", told)
    store.talks.keep_preset("시인", Manner(persona="시를 쓰세요.", sources="none", files=("d1",)))
    assert store.talks.presets() == {"시인": Manner(persona="시를 쓰세요.", sources="none")}
    store.talks.drop_preset("시인")
    assert store.talks.presets() == {}


def test_a_rating_is_taken_back(store: Store) -> None:
    thread = store.talks.add("t", "default").id
    job = store.talks.say(thread, "q", "work", {}).id
    store.talks.rate(job, Feedback(-1, "틀린 날짜"))
    assert store.talks.ratings(thread) == {job: Feedback(-1, "틀린 날짜")}
    store.talks.rate(job, None)
    assert store.talks.ratings(thread) == {}
