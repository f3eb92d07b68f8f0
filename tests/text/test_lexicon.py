"""A reader's own words."""

from __future__ import annotations

from gakju.text.canonical import canonical
from gakju.text.lexicon import Lexicon, Word

OWN = Lexicon([Word("가람톡 플러스", ("가톡+", "GTP")), Word("가람"), Word("PPR-9087")])


def terms(text: str) -> list[str]:
    return OWN.terms(canonical(text))


def test_words_are_found_under_every_name_with_particles_and_spaces() -> None:
    assert terms("가람톡플러스는 새 가람톡 플러스와 GTP를") == ["가람톡플러스"] * 3
    assert terms("PPR 9087의 PPR9087") == ["ppr9087", "ppr9087"]


def test_the_longest_name_wins_and_takes_its_letters() -> None:
    assert terms("가람톡플러스 가람은") == ["가람톡플러스", "가람"]


def test_parts_of_other_words_are_left_alone() -> None:
    assert terms("새가람 GTPS PPR-90871") == []


def test_an_empty_list_finds_nothing() -> None:
    assert Lexicon().terms("가람톡") == []


def test_names_of_a_term() -> None:
    assert OWN.names("가람톡플러스") == ("가람톡 플러스", "가톡+", "GTP")
