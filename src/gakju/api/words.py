"""/v1/collections/{name}/words: the reader's own words."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from gakju.api.opened import Opened
from gakju.assistant import check_collection
from gakju.assistant.words import LONGEST, MOST, NAMES
from gakju.text.lexicon import Word

router = APIRouter(tags=["documents"])

Name = Annotated[str, Field(max_length=4 * LONGEST)]


class OwnWord(BaseModel):
    word: Name
    also: Annotated[list[Name], Field(max_length=NAMES, description="Other names for the same thing.")] = []


class OwnWords(BaseModel):
    words: Annotated[list[OwnWord], Field(max_length=MOST)]


@router.get("/collections/{name}/words")
def words(assistant: Opened, name: str) -> dict[str, Any]:
    """The collection's own words, and how many of its documents wait for a re-index to know them."""
    kept = assistant.words.get(check_collection(name))
    return {"words": [asdict(word) for word in kept], "waiting": assistant.words.waiting(name)}


@router.put("/collections/{name}/words")
def put(assistant: Opened, name: str, given: OwnWords) -> dict[str, Any]:
    """Put these in place of the words there were. Questions know them at once."""
    assistant.words.put(check_collection(name), [Word(w.word, tuple(w.also)) for w in given.words])
    return words(assistant, name)
