"""What the screen changes on this machine: settings, keys, model files."""

from __future__ import annotations

import stat
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from gakju import settings as kept
from gakju.assistant import Assistant, keychain, machine
from gakju.errors import KeyringRefused, UnknownModel, UsageError
from gakju.models import catalog, fetch
from gakju.models.fakes import FakeChat, FakeEmbedder
from gakju.settings import Settings, load


@pytest.fixture
def gakju(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(keychain, "_ring", lambda: None)
    monkeypatch.chdir(tmp_path)
    with Assistant(Settings(home=tmp_path / "home"), embedder=FakeEmbedder()) as assistant:
        yield assistant


def test_a_key_is_kept_for_this_user_only_used_at_once_and_forgotten(gakju: Assistant) -> None:
    names = {o.name: o.step for o in machine.offered(gakju)}
    assert names["openai:gpt-4o-mini"] == "key"
    gakju.parts._made["chat/openai:gpt-4o-mini"] = FakeChat("with the old key")
    machine.choose(gakju, openai_api_key=' sk-"\\\x7f가 ')
    path = gakju.settings.home / kept.CHOSEN
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert gakju.settings.openai_api_key.get_secret_value() == 'sk-"\\\x7f가'
    assert load(home=gakju.settings.home).openai_api_key == gakju.settings.openai_api_key
    assert gakju.parts.opened("openai:gpt-4o-mini") is None
    assert gakju.parts._hosts["openai_key"] == 'sk-"\\\x7f가'
    assert machine.missing(gakju, "openai:gpt-4o-mini") == ""
    machine.choose(gakju, openai_api_key="")
    assert "sk-" not in path.read_text("utf-8")
    assert machine.missing(gakju, "openai:gpt-4o-mini") == "key"


def test_a_model_that_settings_name_is_offered_with_what_it_lacks(gakju: Assistant) -> None:
    machine.choose(gakju, aliases={"회사": "azure:our-gpt", "집": "http://127.0.0.1:11434/v1#llama"})
    offered = {o.name: (o.label, o.step) for o in machine.offered(gakju)}
    assert next(iter(offered)) == gakju.settings.chat_model
    assert offered["azure:our-gpt"] == ("회사", "endpoint")
    assert offered["http://127.0.0.1:11434/v1#llama"] == ("집", "")
    assert "azure:dev-model" not in offered
    assert (
        offered["embedded:qwen2.5-coder-1.5b"] == ("Qwen2.5-Coder 1.5B Instruct", "download")
        or offered["embedded:qwen2.5-coder-1.5b"][1] == "download"
    )
    gakju.settings.offline = True
    assert machine.missing(gakju, "http://127.0.0.1:11434/v1#llama") == ""
    assert machine.missing(gakju, "https://a.example/v1#m") == "offline"


def test_what_the_environment_says_is_not_changed_on_the_screen(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GAKJU_AZURE_ENDPOINT", "https://a.example")
    with Assistant(Settings(home=tmp_path / "home"), embedder=FakeEmbedder()) as a:
        assert machine.fixed(a, "azure_endpoint")
        assert not machine.fixed(a, "openai_api_key")
        with pytest.raises(UsageError, match="elsewhere"):
            machine.choose(a, azure_endpoint="https://b.example")
        assert a.settings.azure_endpoint == "https://a.example"


def test_a_download_is_a_job_and_is_not_begun_twice(gakju: Assistant, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    go = threading.Event()

    def pull(entry, root, *, on_progress, **_) -> Path:  # type: ignore[no-untyped-def]
        go.wait(20)
        root.mkdir(exist_ok=True)
        fetch.path_of(entry, root).write_bytes(b"weights")
        return fetch.path_of(entry, root)

    monkeypatch.setattr(fetch, "pull", pull)
    job = machine.submit_pull(gakju, "qwen2.5-coder-1.5b")
    assert machine.submit_pull(gakju, "qwen2.5-coder-1.5b").id == job.id
    go.set()
    assert gakju.jobs.wait(job.id).result["model"] == "qwen2.5-coder-1.5b"
    path = fetch.path_of(catalog.entry("qwen2.5-coder-1.5b"), gakju.settings.models)
    assert gakju.shelf.storage().models == 7
    machine.remove(gakju, "qwen2.5-coder-1.5b")
    assert not path.exists()
    with pytest.raises(UnknownModel):
        machine.submit_pull(gakju, "../../etc/passwd")


def test_a_keyring_takes_the_key_where_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    held: dict[str, str] = {}
    ring = SimpleNamespace(
        set_password=lambda _, name, secret: held.__setitem__(name, secret),
        get_password=lambda _, name: held.get(name),
        delete_password=lambda _, name: held.pop(name),
    )
    monkeypatch.setattr(keychain, "_ring", lambda: ring)
    assert keychain.keep("openai_api_key", "sk-1") == "keyring:openai_api_key"
    assert held == {"openai_api_key": "sk-1"}
    assert keychain.key("keyring:openai_api_key") == "sk-1"
    assert keychain.keep("openai_api_key", "") == ""
    assert held == {}
    assert keychain.key("keyring:openai_api_key") == ""

    def locked(*_: str) -> None:
        raise RuntimeError("locked")

    ring.set_password = ring.delete_password = locked
    with pytest.raises(KeyringRefused, match="GAKJU_OPENAI_API_KEY"):
        keychain.keep("openai_api_key", "sk-1")
    assert keychain.keep("openai_api_key", "") == ""
    held["openai_api_key"] = "sk-1"
    with pytest.raises(KeyringRefused):
        keychain.keep("openai_api_key", "")


def test_a_keyring_that_keeps_nothing_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    fail, null = ModuleType("keyring.backends.fail"), ModuleType("keyring.backends.null")
    fail.Keyring, null.Keyring = type("Fail", (), {}), type("Null", (), {})  # type: ignore[attr-defined]
    backends, ring = ModuleType("keyring.backends"), ModuleType("keyring")
    backends.fail, backends.null = fail, null  # type: ignore[attr-defined]
    ring.backends, ring.get_keyring = backends, fail.Keyring  # type: ignore[attr-defined]
    for name, module in (("keyring", ring), ("keyring.backends", backends)):
        monkeypatch.setitem(sys.modules, name, module)
    assert keychain.place() == "file"
    ring.get_keyring = object  # type: ignore[attr-defined]
    assert keychain.place() == "keyring"
