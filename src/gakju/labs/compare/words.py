"""A comparison in a sentence, and its ways and figures as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from gakju.labs.compare.plan import Arm
from gakju.language import Language, say


def label(key: str, language: Language, **values: object) -> str:
    """A string of the part `compare`."""
    return say("compare", key, language, **values)


def shown(row: Mapping[str, Any], language: Language) -> str:
    """A way's name; one that was given none is told in the reader's language."""
    arm = Arm.model_validate(row["arm"])
    if arm.name:
        return str(row["name"])
    word = partial(say, "compare", language=language)
    parts = [word("way_persona")] if arm.persona else []
    parts += [word(f"way_documents_{arm.documents}")] if arm.documents else []
    parts += [word("way_web")] if arm.web else []
    parts += [word("way_shots", n=arm.shots, pick=word(f"pick_{arm.pick}"))] if arm.shots else []
    return (" + ".join(parts) or word("way_plain")) + str(row["name"]).removeprefix(arm.title)


def percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def edges(pair: tuple[float, float] | list[float] | None) -> str:
    if not pair:
        return ""
    low, high = 100 * pair[0], 100 * pair[1]
    return f"[{low:+.0f}, {high:+.0f}]" if low < 0 else f"{low:.0f}–{high:.0f}"


def cost(row: Mapping[str, Any], kind: str, language: Language) -> str:
    return say("compare", f"cost_{kind}", language, value=f"{row[kind]:.3g}")


def sentence(result: Mapping[str, Any], language: Language) -> str:
    """What to take, what speaks for it, and what to doubt."""
    word = partial(say, "compare", language=language)
    rows = {row["name"]: row for row in result["ways"] if row["state"] == "done"}
    advice = result["advice"]
    if not advice:
        return word("nothing")
    take, best = rows[advice["take"]], rows[advice["best"]]
    name = {key: f"‘{shown(row, language)}’" for key, row in rows.items()}
    low, high = (percent(edge) for edge in take["accuracy_ci"])
    price = cost(take, advice["cost"], language)
    said = [word("take", take=name[take["name"]], accuracy=percent(take["accuracy"]), low=low, high=high, cost=price)]
    if best["name"] != take["name"]:
        price = cost(best, advice["cost"], language)
        said.append(word("best_is_other", best=name[best["name"]], accuracy=percent(best["accuracy"]), cost=price))
    elif len(rows) > 1:
        said.append(word("best_is_it" if advice["alike"] else "best_is_apart"))
    if advice["alike"]:
        said.append(word("alike", names=", ".join(name[one] for one in advice["alike"])))
    count, none = result["questions"]["count"], result["questions"]["without_answer"]
    if len(rows) == 1:
        said.append(word("only_one"))
    else:
        said.append(word("few", count=count, none=none, margin=round(100 * _margin(result))))
    said.append(word("still_wrong", wrong=round(count * (1 - best["accuracy"])), count=count))
    return " ".join(said)


def _margin(result: Mapping[str, Any]) -> float:
    """Half of the widest interval of a difference to the most accurate way; at least one question's share."""
    best = result["advice"]["best"]
    mine = [pair["wide_ci"] for pair in result["pairs"] if best in {pair["one"], pair["other"]}]
    return float(max(1 / result["questions"]["count"], *((high - low) / 2 for low, high in mine)))
