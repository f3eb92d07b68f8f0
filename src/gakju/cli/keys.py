"""`gakju keys`: who may come in where keys are asked for. `gakju audit`: who did what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from gakju.cli.terminal import Group, State, command, help_text, word
from gakju.errors import UsageError

if TYPE_CHECKING:
    from gakju.store import Store

RIGHTS = ("ask", "read", "write", "models", "admin")
UNITS = {"h": "hours", "d": "days", "w": "weeks"}


@click.group("keys", cls=Group, help=help_text("keys_help", "gakju keys add intranet --right ask --collection hr"))
def keys() -> None:
    pass


@command("keys_add", "gakju keys add intranet --right ask --right read --collection hr --expires 90d")
@click.argument("name")
@click.option("--right", "rights", type=click.Choice(RIGHTS), multiple=True, help=word("opt_right"))
@click.option("--collection", "collections", multiple=True, help=word("opt_key_collection"))
@click.option("--expires", metavar="WHEN", default="", help=word("opt_expires"))
@click.option("--per-minute", type=click.IntRange(min=0), default=600, show_default=True, help=word("opt_per_minute"))
@click.option("--tokens", type=click.IntRange(min=0), default=0, help=word("opt_tokens"))
@click.option("--money", type=click.FloatRange(min=0), default=0.0, help=word("opt_money"))
@click.pass_obj
def keys_add(
    state: State,
    name: str,
    rights: tuple[str, ...],
    collections: tuple[str, ...],
    expires: str,
    per_minute: int,
    tokens: int,
    money: float,
) -> int:
    with _store(state) as store:
        key, token = store.keys.add(
            name,
            rights or ("ask", "read"),
            collections=collections or None,
            requests_per_minute=per_minute,
            tokens_per_day=tokens,
            money_per_day=money,
            expires_at=moment(expires),
        )
    if state.json:
        state.emit({**_shown(key), "key": token})
    else:
        state.out(token)
        state.note(state.say("key_once", name=name))
    return 0


@command("keys_list", "gakju keys list --json")
@click.pass_obj
def keys_list(state: State) -> int:
    with _store(state) as store:
        found = [_shown(k) for k in store.keys.all()]
    if state.json:
        state.emit(found)
        return 0
    for k in found:
        where = ", ".join(k["collections"]) if k["collections"] is not None else state.say("key_everywhere")
        status = state.say("key_works") if k["works"] else state.say("key_over")
        used = k["last_used_at"][:16] or state.say("key_unused")
        state.out(f"{k['id']}  {k['prefix']}…  {k['name']}  {','.join(k['rights'])}  {where}  {status}  {used}")
    return 0


@command("keys_revoke", "gakju keys revoke key_1f2e3d4c5b6a7980")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.pass_obj
def keys_revoke(state: State, ids: tuple[str, ...]) -> int:
    with _store(state) as store:
        revoked = [_shown(store.keys.revoke(k)) for k in ids]
    if state.json:
        state.emit(revoked)
    else:
        for k in revoked:
            state.out(state.say("key_revoked", name=k["name"]))
    return 0


@command("audit", "gakju audit -n 20 --json")
@click.option("-n", "limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help=word("opt_lines"))
@click.option("--of", "key_id", default="", metavar="ID", help=word("opt_audit_key"))
@click.pass_obj
def audit(state: State, limit: int, key_id: str) -> int:
    with _store(state) as store:
        found = [{"number": n, **e._asdict()} for n, e in store.audit.entries(key_id=key_id, limit=limit)]
    if state.json:
        state.emit(found)
        return 0
    for e in found:
        ids = " ".join(f"{k}={v}" for k, v in e["ids"].items())
        state.out(f"{e['at'][:19]}  {e['key_id'] or '-'}  {e['status']}  {e['method']} {e['route']}  {ids}")
    return 0


@contextmanager
def _store(state: State) -> Iterator[Store]:
    """The data folder's own database, whether or not a server runs on it: it looks keys up there."""
    from gakju.store import Store

    if state.settings.server:
        raise UsageError("Keys are kept on the server.", hint="Run this there, or use its /v1/keys.")
    store = Store(state.settings.store)
    try:
        yield store
    finally:
        store.close()


def _shown(key: Any) -> dict[str, Any]:
    from dataclasses import asdict

    collections = None if key.collections is None else sorted(key.collections)
    return {**asdict(key), "rights": sorted(key.rights), "collections": collections, "works": key.works}


def moment(given: str) -> str:
    """`90d`, `12h`, `4w` from now, or a date; "" stays. UTC in ISO 8601. Raises UsageError."""
    if not given:
        return ""
    try:
        if given[-1] in UNITS:
            at = datetime.now(UTC) + timedelta(**{UNITS[given[-1]]: float(given[:-1])})
        else:
            at = datetime.fromisoformat(given).astimezone(UTC)
        return at.isoformat(timespec="microseconds")
    except (ValueError, OverflowError):
        raise UsageError(f"{given!r} is no time.", hint="Write 90d, 12h or 2027-12-31.") from None


keys.add_command(keys_add, "add")
keys.add_command(keys_list, "list")
keys.add_command(keys_revoke, "revoke")

COMMANDS = [keys, audit]
