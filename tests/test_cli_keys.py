"""Keys are made, listed and ended from the terminal, beside a running server or without one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from gakju.cli import main
from gakju.cli.keys import moment
from gakju.errors import UsageError
from gakju.store import Store


@pytest.fixture
def gakju(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("LC_ALL", "C")

    def run(*args: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([*args, "--home", str(tmp_path)])
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


def test_a_key_is_made_listed_and_ended(gakju, tmp_path) -> None:
    code, token, said = gakju("keys", "add", "intranet", "--right", "ask", "--collection", "hr", "--tokens", "1000")
    assert (code, said) == (0, "gakju: Keep the key of intranet: it cannot be shown again.\n")
    _, shown, _ = gakju("keys", "list", "--json")
    (key,) = json.loads(shown)
    assert (key["name"], key["rights"], key["collections"], key["works"]) == ("intranet", ["ask"], ["hr"], True)
    assert (key["requests_per_minute"], key["tokens_per_day"], key["expires_at"]) == (600, 1000, "")
    assert token.strip() not in shown
    store = Store(tmp_path / "gakju.db")
    assert store.keys.find(token.strip()).id == key["id"]
    assert gakju("keys", "revoke", key["prefix"])[:2] == (0, "The key of intranet has ended.\n")
    assert not store.keys.find(token.strip()).works
    store.close()
    assert "over" in gakju("keys", "list")[1]
    assert gakju("keys", "revoke", "nobody")[0] == 2
    assert gakju("audit", "--json")[:2] == (0, "[]\n")


def test_admin_is_for_everything(gakju) -> None:
    code, _, said = gakju("keys", "add", "x", "--right", "admin", "--collection", "hr")
    assert code == 2
    assert "Leave the collections out." in said


def test_keys_of_another_server_are_made_there(gakju) -> None:
    assert gakju("keys", "list", "--server", "http://127.0.0.1:9")[0] == 2


@pytest.mark.parametrize(("given", "hours"), [("12h", 12), ("90d", 2160), ("2w", 336)])
def test_a_time_from_now(given: str, hours: int) -> None:
    off = datetime.fromisoformat(moment(given)) - datetime.now(UTC) - timedelta(hours=hours)
    assert abs(off) < timedelta(seconds=5)


def test_a_date_and_what_is_none() -> None:
    assert moment("") == ""
    assert moment("2031-12-31T12:00:00+09:00") == "2031-12-31T03:00:00.000000+00:00"
    for wrong in ("soon", "d", "99999999999d", "2031-13-01"):
        with pytest.raises(UsageError):
            moment(wrong)
