"""Question sets from files, from what readers liked, and from documents, as the model proposes them.

sets = QuestionSets(assistant)
sets.load("휴가", Path("leave.csv").read_bytes(), "csv")
job = sets.propose("규정", collection="default", count=20)    # a person confirms each
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gakju.assistant import DEFAULT
from gakju.assistant.generate import collection_of, resolve
from gakju.errors import GakjuError, NotFound, RateLimited, UsageError
from gakju.evaluation.match import is_korean
from gakju.labs import question_files
from gakju.labs.leaks import likeness
from gakju.labs.once import once
from gakju.labs.question_files import ITEMS, Form
from gakju.store import Job, Turn
from gakju.store.questions import Gold, Item, QuestionSet, check_name, item_id
from gakju.store.replies import key_of
from gakju.text.normalise import squeeze
from gakju.types import Chunk, Document, Message, Progress, Usage

if TYPE_CHECKING:
    from gakju.assistant import Assistant
    from gakju.jobs import Context
    from gakju.protocols import ChatModel

PROPOSE = "propose"
MOST = 200
"""Questions proposed by one job."""
_TRIES = 4
"""Passages looked at for each question wanted: a small model writes many that cannot be used."""
_LEAST, _LONGEST = 80, 1500
"""Characters of a passage that a question is asked about."""
_TOKENS = 160
_STANDS = frozenset(["kept", "regenerated"])
"""Fates of sentences that are part of an answer."""

_TOLD = {
    True: "글을 읽고, 이 글만으로 답할 수 있는 질문 하나와 짧은 답을 JSON으로 쓴다. 답은 글에 적힌 말 그대로 쓴다."
    " 질문은 이 글을 보지 않은 사람도 알아듣게 쓴다.",
    False: "Write one question that this text answers, and its short answer, as JSON. Copy the answer word for word."
    " The question must be clear to somebody who does not see the text.",
}
_SCHEMA = {
    "type": "object",
    "properties": {"question": {"type": "string", "maxLength": 160}, "answer": {"type": "string", "maxLength": 80}},
    "required": ["question", "answer"],
    "additionalProperties": False,
}
_FORMAT = {"response_format": {"type": "json_schema", "json_schema": {"name": "item", "schema": _SCHEMA}}}


class QuestionSets:
    """The question sets of one assistant. Thread-safe."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self._store = assistant.store.questions
        assistant.jobs.serve(PROPOSE, self._propose, 1)

    # Files

    def load(self, name: str, data: bytes, form: Form) -> QuestionSet:
        """A new version with the items of a file. Raises UsageError with the number of a line, LimitExceeded."""
        return self._store.put(name, question_files.parse(data, form))

    def export(self, name_or_id: str, form: Form, version: int | None = None) -> bytes:
        """Raises NotFound, and UsageError for what CSV cannot hold."""
        return question_files.dump(self._store.get(name_or_id, version), form)

    # Items

    def add(self, name_or_id: str, items: Iterable[Item]) -> QuestionSet:
        """A version with these after those that are there, without questions that are there already."""
        given = tuple(items)

        def made(there: tuple[Item, ...]) -> list[Item]:
            known = {likeness(item.question) for item in there}
            new = []
            for item in given:
                if (key := likeness(item.question)) not in known:
                    known.add(key)
                    new.append(item)
            if not there and not new:
                raise UsageError("There is no question to keep.", hint="Nothing was changed.")
            if len(there) + len(new) > ITEMS:
                raise UsageError(f"A set holds up to {ITEMS:,} questions.", hint="Begin another one.")
            return [*there, *new]

        return self._store.edit(name_or_id, made)

    def change(self, name_or_id: str, changed: Iterable[Item], drop: Iterable[str] = ()) -> QuestionSet:
        """A version with these in the place of the items of their ids, and without those to drop."""
        by_id, gone = {item.id: item for item in changed}, set(drop)

        def made(there: tuple[Item, ...]) -> list[Item]:
            if unknown := (set(by_id) | gone) - {item.id for item in there}:
                said = f"{name_or_id[:100]!r} has no item {min(unknown)!r}."
                raise NotFound(said, hint="It may have changed meanwhile.")
            return [by_id.get(i.id, i) for i in there if i.id not in gone]

        return self._store.edit(name_or_id, made, new=False)

    def confirm(self, name_or_id: str, ids: Iterable[str] | None = None) -> QuestionSet:
        """A version in which these, or all, are confirmed."""
        wanted = None if ids is None else set(ids)

        def made(there: tuple[Item, ...]) -> list[Item]:
            return [replace(i, state="confirmed") if wanted is None or i.id in wanted else i for i in there]

        return self._store.edit(name_or_id, made, new=False)

    def split(self, name_or_id: str, tests: int, seed: int = 0) -> tuple[QuestionSet, QuestionSet]:
        """Two sets of the confirmed items, `NAME · examples` and `NAME · test`, the second with so many by chance.

        Questions that are alike go to the same one.
        """
        there = self._store.get(name_or_id)
        groups: dict[str, list[Item]] = {}
        for item in there.confirmed:
            groups.setdefault(likeness(item.question), []).append(item)
        shuffled = list(groups.values())
        random.Random(seed).shuffle(shuffled)  # noqa: S311 (a sample, no secret)
        if not 0 < tests < len(shuffled):
            raise UsageError(f"{tests} of {len(shuffled)} questions cannot be split off.", hint="Leave some for both.")
        parts = [item for group in shuffled[tests:] for item in group], [i for g in shuffled[:tests] for i in g]
        first, second = (
            self._store.put(check_name(f"{there.name[:80]} · {word}"), part)
            for word, part in zip(("examples", "test"), parts, strict=True)
        )
        return first, second

    # What readers liked

    def from_feedback(self, name: str) -> QuestionSet:
        """Adds the questions whose answers were given a thumbs-up, with those answers and their footnotes' pages.

        Raises UsageError where there is none.
        """
        talks = self._assistant.store.talks
        items = []
        for thread in talks.all(limit=10_000):
            liked = {job for job, feedback in talks.ratings(thread.id).items() if feedback.value > 0}
            items += [item for turn in talks.turns(thread.id) if turn.job_id in liked and (item := self._liked(turn))]
        if not items:
            raise UsageError("No answer has a thumbs-up.", hint="Rate answers in a conversation first.")
        return self.add(name, items)

    def _liked(self, turn: Turn) -> Item | None:
        question, said, result = answered(self._assistant, turn)
        if not said:
            return None
        notes = [note for claim in result.get("claims") or () for note in claim.get("footnotes", ())]
        gold = dict.fromkeys(Gold(note["document"]["title"], note["page"]) for note in notes)
        if result.get("refused"):  # rightly, the reader says
            return Item(item_id(question), question, ())
        return Item(item_id(question), question, (said,), tuple(gold))

    # What the model proposes

    def propose(self, name: str, *, collection: str = DEFAULT, **wanted: Any) -> Job:
        """Queue questions about passages of documents, for a set of that name; `wanted` as `proposal` takes it.

        They are "proposed" until somebody confirms them. Raises what `proposal` does.
        """
        return self._assistant.submit(
            PROPOSE, self.proposal(name, collection=collection, **wanted), collection=collection
        )

    def proposal(
        self,
        name: str,
        *,
        count: int = 20,
        collection: str = DEFAULT,
        documents: Sequence[str] = (),
        model: str = "",
        seed: int = 0,
    ) -> dict[str, Any]:
        """What such a job is queued with; without `documents` all of the collection. Raises UsageError, NotFound,
        UnknownModel, QuotaSpent, RateLimited.
        """
        a = self._assistant
        if (waiting := a.store.waiting(PROPOSE)) > a.settings.queue:
            raise RateLimited(f"{waiting} runs wait already.", hint="Try again in a while.", retry_after=30)
        a.accounts.check()
        if not 0 < count <= MOST:
            raise UsageError(f"{count} questions cannot be proposed at once.", hint=f"Ask for 1 to {MOST}.")
        name, meant = check_name(name), resolve(a, model or a.settings.chat_model)
        if collection_of(meant) is not None:
            raise UsageError(f"{meant!r} answers from documents.", hint="Name a chat model.", param="model")
        if not self._documents(collection, documents):
            raise UsageError(f"{collection!r} holds no document.", hint="Add documents first: gakju add FILE")
        return {"name": name, "count": count, "documents": list(documents), "model": meant, "seed": seed}

    def _documents(self, collection: str, wanted: Sequence[str]) -> list[Document]:
        a = self._assistant
        found = [a.document(one) for one in wanted] if wanted else a.documents(collection)
        return [document for document in found if document.collection == collection]

    def _propose(self, context: Context) -> dict[str, Any]:
        p, a = context.payload, self._assistant
        chat = a.parts.chat(p["model"])
        key_id = a.store.keys.maker(context.job.id)
        passages = self._passages(self._documents(p["collection"], p["documents"]), p["count"] * _TRIES, p["seed"])
        found: list[Item] = []
        looked = 0
        try:
            for document, chunk in passages:
                context.progress(Progress("asking", len(found), p["count"], "questions", item=document.title))
                if len(found) >= p["count"]:
                    break
                looked += 1
                item = self._proposed(chat, document, chunk, key_id)
                if item and likeness(item.question) not in {likeness(one.question) for one in found}:
                    found.append(item)
        except GakjuError:  # stopped, or the day's money is spent: what was paid for is kept
            if found:
                self.add(p["name"], found)
            raise
        if not found:
            return {"set": "", "proposed": 0, "passages": looked}
        kept = self.add(p["name"], found)
        context.progress(Progress("asking", len(found), len(found), "questions"))
        return {"set": kept.id, "proposed": len(found), "passages": looked}

    def _passages(self, documents: Sequence[Document], count: int, seed: int) -> list[tuple[Document, Chunk]]:
        """By chance, documents in turn, so that a long one does not take all."""
        drawn = random.Random(seed)  # noqa: S311 (a sample, no secret)
        lines = []
        for document in documents:
            chunks = [c for c in self._assistant.chunks(document.id) if len(c.text) >= _LEAST]
            lines.append([(document, c) for c in drawn.sample(chunks, min(count, len(chunks)))])
        found = []
        for at in range(max(map(len, lines), default=0)):
            found += [line[at] for line in lines if at < len(line)]
        return found[:count]

    def _proposed(self, chat: ChatModel, document: Document, chunk: Chunk, key_id: str) -> Item | None:
        """None where the model wrote no question, or an answer that the passage does not hold."""
        text = chunk.text[:_LONGEST]
        messages = [Message("system", _TOLD[is_korean(text)]), Message("user", text)]
        key = key_of(PROPOSE, chat.name, [[m.role, m.content] for m in messages], _FORMAT, _TOKENS)
        replies = self._assistant.store.replies
        kept = replies.get([key]).get(key)
        if kept is None:
            kept = {"text": self._said(chat, messages, key_id)}
            replies.put(key, kept)
        try:
            said = json.loads(kept["text"])
            question, answer = (question_files.clean(str(said[name])).strip() for name in ("question", "answer"))
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        if not _usable(question, answer, text):
            return None
        at = chunk.text.find(answer)
        spans = chunk.spans(at, at + len(answer)) if at >= 0 else ()
        page = spans[0].page if spans else chunk.page
        return Item(item_id(question), question, (answer,), (Gold(document.title, page),), state="proposed")

    def _said(self, chat: ChatModel, messages: Sequence[Message], key_id: str) -> str:
        accounts = self._assistant.accounts
        accounts.check_maker(key_id)
        text, usage = "", Usage()
        stream = chat.stream(messages, max_tokens=_TOKENS, extra=_FORMAT)
        with closing(stream):  # type: ignore[type-var]
            for delta in stream:
                text += delta.text
                usage = delta.usage or usage
        accounts.spend(chat.name, *usage, key_id=key_id)
        return text


def answered(assistant: Assistant, turn: Turn) -> tuple[str, str, dict[str, Any]]:
    """The question of a turn as it stands by itself, what its answer asserts, and the whole result; "" and {} where
    there is none.
    """
    try:
        result = assistant.store.job(turn.job_id).result
    except NotFound:
        return turn.question, "", {}
    claims = result.get("claims") or ()
    said = " ".join(c["text"] for c in claims if c.get("scored", True) and c.get("fate", "kept") in _STANDS)
    return str(result.get("asked") or turn.question), said or str(result.get("answer") or ""), result


def _usable(question: str, answer: str, text: str) -> bool:
    """Whether it asks, does not give its own answer away, and the passage holds the answer word for word.

    Small models copy a rule of the text as the question, or answer in words of their own.
    """
    said, held = squeeze(answer), squeeze(text)
    asks = len(question) > 4 and question.endswith("?")
    return asks and bool(said) and said in held and said not in squeeze(question)


def told(found: QuestionSet) -> dict[str, Any]:
    """A set without its items, as the API and the commands show it."""
    return {
        "id": found.id,
        "name": found.name,
        "version": found.version,
        "items": len(found.items),
        "proposed": len(found.items) - len(found.confirmed),
        "digest": found.digest,
        "created_at": found.created_at,
        "updated_at": found.updated_at,
    }


def of(assistant: Assistant) -> QuestionSets:
    """The question sets of an assistant, which from then on runs their jobs."""
    return once(QuestionSets, assistant)
