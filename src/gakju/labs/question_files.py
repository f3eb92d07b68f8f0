"""Question sets as files, JSONL and CSV, read strictly: what is wrong with one is said with its line.

JSONL: an object a line with `question` and `answers` (a list; [] where a refusal is right), and perhaps `id`, `gold`
(objects of `document` and `page`), `label`, `note` and `state`. CSV: the same columns under a header, parted by commas
or tabs; a cell holds an answer a line, and in `gold` a `document#page` a line.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from gakju.errors import LimitExceeded, UsageError
from gakju.store.questions import Gold, Item, QuestionSet, item_id
from gakju.text.normalise import nfc

Form = Literal["jsonl", "csv"]
FORMS: tuple[Form, ...] = get_args(Form)
BYTES, ITEMS = 8 << 20, 10_000
"""Of a file, at most."""
COLUMNS = ("id", "question", "answers", "gold", "label", "note", "state")
MEDIA: Mapping[Form, str] = {"jsonl": "application/jsonl", "csv": "text/csv; charset=utf-8"}
_HINT = "A JSON object a line with question and answers, or CSV with these columns."
# A spreadsheet takes a cell that begins so for a formula; a quote mark before it says that it is text.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")

Text = Annotated[str, Field(min_length=1, max_length=10_000)]
Short = Annotated[str, Field(max_length=2000)]


class _Gold(BaseModel):
    model_config = ConfigDict(extra="forbid")
    document: Annotated[str, Field(min_length=1, max_length=2000)]
    page: Annotated[int, Field(ge=1)]


class Line(BaseModel):
    """An item as files and requests hold it."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)
    question: Text
    answers: Annotated[list[Text], Field(max_length=50)]
    id: Annotated[str, Field(max_length=100, pattern=r"^[^\s]*$")] = ""
    gold: Annotated[list[_Gold], Field(max_length=50)] = []
    label: Short = ""
    note: Short = ""
    state: Literal["confirmed", "proposed"] = "confirmed"

    @field_validator("answers", mode="before")
    @classmethod
    def _one(cls, given: object) -> object:
        return [given] if isinstance(given, str) else given

    def item(self) -> Item:
        question = clean(self.question)
        return Item(
            clean(self.id) or item_id(question),
            question,
            tuple(map(clean, self.answers)),
            tuple(Gold(clean(g.document), g.page) for g in self.gold),
            clean(self.label),
            clean(self.note),
            self.state,
        )


def clean(text: str) -> str:
    """NFC, without what no database takes."""
    return nfc(text).replace("\0", "")


def form_of(filename: str) -> Form:
    """Raises UsageError for a name that says neither."""
    suffix = filename.rpartition(".")[2].lower()
    if suffix in {"csv", "tsv"}:
        return "csv"
    if suffix in {"jsonl", "ndjson"}:
        return "jsonl"
    raise UsageError(f"{filename[:200]!r} is neither .jsonl nor .csv.", hint="Name the file by what it holds.")


def parse(data: bytes, form: Form) -> list[Item]:
    """Raises UsageError with the number of a line, LimitExceeded."""
    if len(data) > BYTES:
        raise LimitExceeded(f"The file is larger than {BYTES >> 20} MiB.", hint="Send a part of it.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        line = data.count(b"\n", 0, e.start) + 1
        raise UsageError(f"Line {line}: no UTF-8.", hint="Save the file as UTF-8.") from None
    found: list[Item] = []
    lines: dict[str, int] = {}
    for number, row in _jsonl(text) if form == "jsonl" else _csv(text):
        item = _item(row, number)
        if (first := lines.setdefault(item.id, number)) != number:
            raise UsageError(f"Line {number}: the same id or question as line {first}.", hint="Drop one of them.")
        found.append(item)
    if not 0 < len(found) <= ITEMS:
        raise UsageError(f"The file has {len(found)} questions.", hint=f"Between 1 and {ITEMS:,} are taken.")
    return found


def _item(row: Mapping[str, Any], number: int) -> Item:
    try:
        return Line(**row).item()
    except ValidationError as e:
        first = e.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"Line {number}: {where[:100]}: {first['msg']}.", hint=f"Known: {', '.join(COLUMNS)}."
        ) from None


def _jsonl(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise UsageError(f"Line {number}: no JSON.", hint=_HINT) from None
        if not isinstance(row, dict) or not all(isinstance(key, str) for key in row):
            raise UsageError(f"Line {number}: no JSON object.", hint=_HINT)
        yield number, row


def _csv(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    head = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t" if "\t" in head else ",", strict=True)
    columns: list[str] = []
    try:
        for cells in reader:
            if not columns:
                columns = _columns(cells)
            elif any(cell.strip() for cell in cells):
                if len(cells) != len(columns):
                    raise UsageError(
                        f"Line {reader.line_num}: {len(cells)} cells, and the header has {len(columns)}.",
                        hint="Put a cell with commas between double quotes.",
                    )
                yield reader.line_num, _row(dict(zip(columns, map(_unquoted, cells), strict=True)), reader.line_num)
    except csv.Error as e:
        raise UsageError(f"Line {reader.line_num}: {e}.", hint="See that quotes are closed.") from None


def _columns(cells: Iterable[str]) -> list[str]:
    columns = [cell.strip().lower() for cell in cells]
    columns = ["answers" if name == "answer" else name for name in columns]
    unknown = [name for name in columns if name not in COLUMNS]
    if unknown or len(set(columns)) < len(columns) or not {"question", "answers"} <= set(columns):
        what = f"{unknown[0][:100]!r} is no column" if unknown else "question and answers are not there once each"
        raise UsageError(f"Line 1: {what}.", hint=f"Columns: {', '.join(COLUMNS)}.")
    return columns


def _row(cells: Mapping[str, str], number: int) -> dict[str, Any]:
    row: dict[str, Any] = {name: cell for name, cell in cells.items() if cell.strip()}
    row["answers"] = [line for line in cells["answers"].splitlines() if line.strip()]
    row["gold"] = []
    for line in cells.get("gold", "").splitlines():
        document, _, page = line.strip().rpartition("#")
        if line.strip():
            if not document or not page.isdecimal() or len(page) > 9:
                raise UsageError(
                    f"Line {number}: gold: {line[:80]!r} is no document#page.", hint="Write 취업규칙.pdf#3."
                )
            row["gold"].append({"document": document, "page": int(page)})
    return row


def dump(found: QuestionSet, form: Form) -> bytes:
    """What `parse` reads back to the same items. Raises UsageError for an answer of several lines, as CSV."""
    if form == "jsonl":
        return "".join(f"{json.dumps(line(i), ensure_ascii=False)}\n" for i in found.items).encode()
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for item in found.items:
        if any(len(answer.splitlines()) > 1 for answer in item.answers):
            raise UsageError(f"The item {item.id!r} has an answer of several lines.", hint="Export it as JSONL.")
        gold = "\n".join(f"{g.document}#{g.page}" for g in item.gold)
        cells = (item.id, item.question, "\n".join(item.answers), gold, item.label, item.note, item.state)
        writer.writerow([_quoted(cell) for cell in cells])
    # Excel takes a file without the mark for one in the system's old encoding.
    return out.getvalue().encode("utf-8-sig")


def line(item: Item) -> dict[str, Any]:
    """An item as JSONL and the API have it."""
    told = asdict(item)
    return {**told, "answers": list(item.answers), "gold": [asdict(g) for g in item.gold]}


def _quoted(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _unquoted(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
