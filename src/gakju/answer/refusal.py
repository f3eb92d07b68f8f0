"""What a refusal says, in the question's language: where was looked, and what is shown instead."""

from __future__ import annotations

from typing import Literal

from gakju.answer.prompt import korean

Looked = Literal["documents", "web", "both"]

_KOREAN: dict[Looked, tuple[str, str]] = {
    "documents": ("문서", "문서로"),
    "web": ("웹", "웹에서 읽은 페이지로"),
    "both": ("문서와 웹", "문서와 웹에서 읽은 페이지로"),
}
_ENGLISH: dict[Looked, tuple[str, str]] = {
    "documents": ("in your documents", "your documents"),
    "web": ("on the web", "the pages read on the web"),
    "both": ("in your documents or on the web", "your documents or the pages read on the web"),
}


def not_found(question: str, looked: Looked, *, shown: bool, reading: bool) -> str:
    """Nothing there answers the question. `shown`: whether there are nearest passages to show; `reading`: whether
    documents are on their way in, which may yet answer it.
    """
    if korean(question):
        said = [f"{_KOREAN[looked][0]}에서 이 질문의 답을 찾지 못했습니다."]
        said += ["아직 읽고 있는 문서가 있으니 다 읽은 뒤에 다시 물어보세요."] * reading
        return " ".join(said + ["가장 가까운 부분을 함께 보여 드립니다."] * shown)
    said = [f"I could not find the answer to this {_ENGLISH[looked][0]}."]
    said += ["Some documents are still being read: ask again when they are in."] * reading
    return " ".join(said + ["The nearest passages are shown below."] * shown)


def not_held(question: str, looked: Looked) -> str:
    """A model wrote an answer that nothing there carries."""
    if korean(question):
        by = _KOREAN[looked][1]
        return f"답으로 쓴 문장이 {by} 뒷받침되지 않아 답하지 않습니다. 가장 가까운 부분을 함께 보여 드립니다."
    by = _ENGLISH[looked][1]
    return f"What was written is not supported by {by}, so it is no answer. The nearest passages are below."
