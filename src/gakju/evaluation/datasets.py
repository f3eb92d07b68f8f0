"""Files with known answers, read strictly: what is wrong with one is said with its line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gakju.errors import UsageError
from gakju.text.normalise import nfc


@dataclass(frozen=True, slots=True)
class Passage:
    """A document of a retrieval set. `title` may be empty."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class RetrievalSet:
    """A folder in BEIR layout (Thakur et al. 2021): corpus.jsonl, queries.jsonl, qrels/SPLIT.tsv.

    `queries` are those that the split judges, by id; `relevant` the grades above 0 of each, by document id.
    """

    folder: Path
    name: str
    queries: Mapping[str, str]
    relevant: Mapping[str, Mapping[str, int]]

    def corpus(self) -> Iterator[Passage]:
        """In the file's order, read as it is asked for. Raises UsageError for a line that is none, or an id twice."""
        seen: set[str] = set()
        path = self.folder / "corpus.jsonl"
        for number, row in _rows(path):
            name = _id(row, path, number)
            if name in seen:
                raise _wrong(path, number, f"the id {name!r} a second time")
            seen.add(name)
            yield Passage(name, _text(row, "title", path, number, default=""), _text(row, "text", path, number))

    def size(self) -> int:
        """Documents of the corpus."""
        return sum(1 for _ in _lines(self.folder / "corpus.jsonl"))

    def digest(self) -> str:
        """SHA-256 of the corpus file, in hex."""
        with (self.folder / "corpus.jsonl").open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def retrieval_set(folder: Path, split: str) -> RetrievalSet:
    """Raises UsageError where a file is missing or wrong, or no query of the split has a judgement."""
    folder = folder.absolute()
    if not folder.is_dir():
        raise UsageError(f"There is no folder {str(folder)!r}.", hint="Name a folder in BEIR layout.")
    for name in ("corpus.jsonl", "queries.jsonl"):
        if not (folder / name).is_file():
            raise UsageError(f"{folder} has no {name}.", hint="BEIR layout: corpus.jsonl, queries.jsonl, qrels/.")
    judged = _judgements(folder, split)
    path = folder / "queries.jsonl"
    queries = {}
    for number, row in _rows(path):
        if (name := _id(row, path, number)) in judged:
            queries[name] = _text(row, "text", path, number)
    if not queries:
        raise UsageError(f"No query of {folder} has a judgement in {split!r}.", hint="Choose another --split.")
    return RetrievalSet(folder, folder.name, queries, {name: judged[name] for name in queries})


def _judgements(folder: Path, split: str) -> dict[str, dict[str, int]]:
    """Of `qrels/SPLIT.tsv`: query, document and grade, parted by tabs, with or without a header."""
    splits = sorted(p.stem for p in (folder / "qrels").glob("*.tsv"))
    if split not in splits:
        known = f"It has: {', '.join(splits)}." if splits else "Put judgements into qrels/SPLIT.tsv."
        raise UsageError(f"{folder} has no split {split!r}.", hint=known)
    path = folder / "qrels" / f"{split}.tsv"
    found: dict[str, dict[str, int]] = {}
    for number, line in _lines(path):
        cells = line.rstrip("\r\n").split("\t")
        if number == 1 and cells[-1] == "score":
            continue
        try:
            query, document, grade = cells[0], cells[1], int(cells[2])
        except (IndexError, ValueError):
            raise _wrong(path, number, "not a query, a document and a whole number, parted by tabs") from None
        if grade > 0:
            found.setdefault(query, {})[document] = grade
    return found


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the answers that are right, any of them, and the documents that hold it; none of both where
    it cannot be answered.
    """

    id: str
    text: str
    answers: tuple[str, ...]
    passages: frozenset[str]

    @property
    def answerable(self) -> bool:
        return bool(self.answers)


def asked(data: RetrievalSet, split: str) -> list[Asked]:
    """The questions of a set in its order, by `metadata.answers` and `metadata.answerable` of each.

    Those without a judgement in the split belong to it where `answerable` is false and `metadata.split` is no other.
    Raises UsageError for a question of the split that says nothing of its answers, or a set that has none.
    """
    found = []
    path = data.folder / "queries.jsonl"
    for number, row in _rows(path):
        name, known = _id(row, path, number), row.get("metadata")
        known = known if isinstance(known, dict) else {}
        answerable = known.get("answerable", True) is not False
        if not answerable and known.get("split", split) == split:
            found.append(Asked(name, _text(row, "text", path, number), (), frozenset()))
        elif name in data.queries:
            answers = known.get("answers")
            if not isinstance(answers, list) or not answers or not all(isinstance(a, str) and a for a in answers):
                raise _wrong(path, number, "no metadata.answers")
            texts = tuple(nfc(_whole(answer)) for answer in answers)
            found.append(Asked(name, data.queries[name], texts, frozenset(data.relevant[name])))
    return found


@dataclass(frozen=True, slots=True)
class Statement:
    """An answer to a question, and whether its context supports it. `question` may be empty."""

    context: str
    question: str
    answer: str
    supported: bool


def statements(path: Path) -> list[Statement]:
    """Of a file with one JSON object a line: context, question, answer, supported (1 or 0). Raises UsageError."""
    found = []
    for number, row in _rows(path):
        if row.get("supported") not in (0, 1):  # True and False are equal to them
            raise _wrong(path, number, "supported is neither 1 nor 0")
        question = _text(row, "question", path, number, default="")
        context, answer = (_text(row, key, path, number) for key in ("context", "answer"))
        found.append(Statement(context, question, answer, bool(row["supported"])))
    if not found:
        raise UsageError(f"{path} is empty.", hint="One JSON object a line: context, question, answer, supported.")
    return found


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a document in a folder: the answer as it is printed there, and the page it stands on."""

    question: str
    lang: str
    document: str
    page: int
    answer: str


def questions(path: Path) -> list[Question]:
    """Of a file in the form of bench/questions: one JSON object a line. Raises UsageError."""
    found = []
    for number, row in _rows(path):
        texts = {key: _text(row, key, path, number) for key in ("question", "lang", "document", "answer")}
        if not isinstance(page := row.get("page"), int) or page < 1:
            raise _wrong(path, number, "page is no number from 1")
        found.append(Question(page=page, **texts))
    return found


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbered from 1, blank ones left out."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line
    except UnicodeDecodeError as e:
        raise UsageError(f"{path} is not UTF-8: {e.reason}.", hint="Save it as UTF-8.") from None
    except OSError as e:
        raise UsageError(f"{path} cannot be read: {e.strerror}.", hint="Check the path.") from None


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in _lines(path):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise _wrong(path, number, "no JSON") from None
        if not isinstance(row, dict):
            raise _wrong(path, number, "no JSON object")
        yield number, row


def _id(row: Mapping[str, Any], path: Path, number: int) -> str:
    name = row.get("_id")
    if isinstance(name, bool) or not isinstance(name, str | int) or name == "":
        raise _wrong(path, number, "no _id")
    return _whole(str(name))


def _text(row: Mapping[str, Any], key: str, path: Path, number: int, *, default: str | None = None) -> str:
    """NFC; a default also stands in for null."""
    text = row.get(key)
    text = default if text is None else text
    if not isinstance(text, str):
        raise _wrong(path, number, f"no text in {key!r}")
    return nfc(_whole(text))


def _whole(text: str) -> str:
    """JSON can name half a surrogate pair, which nothing can store."""
    return text.encode("utf-8", "replace").decode()


def _wrong(path: Path, number: int, what: str) -> UsageError:
    return UsageError(f"{path}, line {number}: {what}.", hint="Correct that line.")
