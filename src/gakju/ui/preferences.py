"""The settings page: models, keys for other machines, what lies where, what leaves it, what Gakju is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

import streamlit as st

from gakju.assistant import about, keychain, machine
from gakju.errors import GakjuError
from gakju.language import explain
from gakju.models import catalog, fetch
from gakju.models.catalog import Entry
from gakju.store import Job, Manner
from gakju.ui import composer, pieces, words
from gakju.ui.plain import plain
from gakju.ui.state import assistant, cancel, choose_language, language, t

TICK = 0.5
HIDDEN = "••••••••••••"


def page() -> None:
    with st.container(key="shelf"):
        st.title(t("settings"))
        tabs: list[tuple[str, Callable[[], None]]] = [
            (t("set_models"), _models),
            (t("set_keys"), _connections),
            (t("set_data"), _data),
            (t("set_privacy"), _privacy),
            (t("set_about"), _about),
        ]
        for tab, (_, draw) in zip(st.tabs([name for name, _ in tabs]), tabs, strict=True):
            with tab:
                draw()


def _try(act: Callable[[], object], done: str = "") -> None:
    """Do something that may fail, and say so in one line."""
    try:
        act()
    except GakjuError as e:
        st.toast(plain(explain(e, language())), icon=":material/error:")
    else:
        if done:
            st.toast(done, icon=":material/check:")


def _open_to_all() -> bool:
    """Where keys are asked for, several people use this Gakju: they do not change it for each other."""
    if assistant().settings.keys:
        st.info(t("set_by_terminal"), icon=":material/lock:")
        return False
    return True


# Models


def _models() -> None:
    mine = _open_to_all()
    if mine:
        _default()
    busy = assistant().store.jobs(kinds=["pull"], states=["queued", "running"])
    pulls = {j.payload["model"]: j for j in busy}
    with st.container(key="models", gap=None):
        for entry in catalog.entries():
            pieces.fragment(_entry, run_every=TICK if entry.name in pulls else None, key=f"entry-{entry.name}")(
                entry, pulls.get(entry.name), mine
            )


def _default() -> None:
    a = assistant()
    offered = {o.name: o for o in machine.offered(a)}
    names = [n for n, o in offered.items() if not o.step or n == a.settings.chat_model]
    now = a.settings.chat_model
    chosen = st.selectbox(
        t("default_model"),
        names,
        index=names.index(now),
        format_func=lambda n: composer.short(offered[n]),
        key=f"default-{now}",
        disabled=machine.fixed(a, "chat_model"),
        help=t("default_model_help"),
    )
    if chosen != now:
        _try(lambda: machine.choose(a, chat_model=chosen), t("saved"))
        st.rerun()


def _entry(entry: Entry, pulling: Job | None, mine: bool) -> None:
    """A model of the catalogue: what it is, whether it is here, what can be done with it."""
    a = assistant()
    job = a.store.job(pulling.id) if pulling else None
    if job and job.finished:
        st.rerun()
    here = fetch.present(entry, a.settings.models)
    with st.container(key=f"row-model-{entry.name}", gap="xxsmall"):
        st.markdown(f"**{plain(entry.title)}**")
        kind = t("kind_chat") if entry.kind == "chat" else t("kind_embed")
        facts = [kind, words.size(entry.bytes), entry.licence, t("model_here") if here else t("model_absent")]
        st.caption(" · ".join(plain(f) for f in facts))
        if job:
            _pulling(job)
        elif mine:
            _choices(entry, here)
        _failed(entry, here)


def _choices(entry: Entry, here: bool) -> None:
    a = assistant()
    with st.container(horizontal=True, gap="small"):
        if not here:
            if st.button(t("download_model"), icon=":material/download:", key=f"pull-{entry.name}"):
                _try(lambda: machine.submit_pull(a, entry.name))
                st.rerun(scope="app")
            return
        if entry.kind == "chat":
            _trying(entry)
        if st.button(t("delete"), icon=":material/delete:", type="tertiary", key=f"drop-{entry.name}"):
            st.session_state["drop"] = entry.name
        if st.session_state.get("drop") == entry.name:
            sure = t("delete_model_sure", size=words.size(entry.bytes))
            if st.button(sure, type="primary", key=f"drop-yes-{entry.name}"):
                st.session_state.pop("drop", None)
                _try(lambda: machine.remove(a, entry.name), t("model_deleted"))
                st.rerun(scope="app")


def _pulling(job: Job) -> None:
    p = job.progress
    total, done = p.get("total") or 0, p.get("done") or 0
    left = p.get("seconds_left")
    said = f"{words.size(done)} / {words.size(total)}" if total else t("stage_queued")
    if left:
        said += " · " + t("left", time=words.duration(left, language()))
    st.progress(min(1.0, done / total) if total else 0.0, text=said)
    st.button(t("cancel"), icon=":material/close:", key=f"stop-{job.id}", on_click=cancel, args=(job.id,))


def _failed(entry: Entry, here: bool) -> None:
    """Why the last download of it did not come to an end."""
    if here:
        return
    ended = (j for j in assistant().store.jobs(kinds=["pull"], limit=20) if j.payload["model"] == entry.name)
    last = next(ended, None)
    if last and last.state == "failed":
        what, more = words.failure(last.error, language())
        st.error(f"{plain(what)}  \n{plain(more)}" if more else plain(what), icon=":material/error:")


def _trying(entry: Entry) -> None:
    """One short answer, to see that it works and how fast."""
    a, key = assistant(), f"trial-{entry.name}"
    trial = st.session_state.get(key)
    job = a.store.job(trial) if trial else None
    if st.button(t("try_model"), icon=":material/play_arrow:", key=f"try-{entry.name}", disabled=_under_way(job)):
        manner = Manner(sources="none", temperature=0.0)

        def ask() -> None:
            asked = a.submit_ask(t("try_question"), model=f"embedded:{entry.name}", manner=manner)
            st.session_state[key] = asked.id

        _try(ask)
        st.rerun()
    if job:
        pieces.fragment(_trial, run_every=TICK if not job.finished else None, key=f"trial-of-{entry.name}")(
            job.id, job.finished
        )


def _under_way(job: Job | None) -> bool:
    return job is not None and not job.finished


def _trial(job_id: str, was_finished: bool) -> None:
    job = assistant().store.job(job_id)
    if job.finished and not was_finished:
        st.rerun()  # It stops ticking, and can be tried again.
    if job.state == "done":
        seconds = job.result["timings"].get("total") or 0.0
        speed = job.result["usage"]["completion_tokens"] / seconds if seconds else 0.0
        st.caption(f"“{plain(job.result['answer'], limit=160)}”")
        st.caption(t("try_done", seconds=f"{seconds:.1f}", speed=f"{speed:.0f}"))
    elif job.finished:
        what, more = words.failure(job.error, language())
        st.error(f"{plain(what)} {plain(more)}")
    else:
        st.caption(t("try_running"))


# Other machines


def _connections() -> None:
    if not _open_to_all():
        return
    place = t("kept_in_keyring") if keychain.place() == "keyring" else t("kept_in_file")
    st.markdown(t("keys_text", place=place))
    with st.container(border=True):
        st.subheader("OpenAI", anchor=False)
        _secret("openai_api_key", t("openai_key"))
    with st.container(border=True):
        st.subheader("Azure OpenAI", anchor=False)
        _line("azure_endpoint", t("azure_endpoint"), "https://NAME.openai.azure.com")
        _secret("azure_api_key", t("azure_key"))
    with st.container(border=True):
        st.subheader(t("more_models"), anchor=False)
        _aliases()


def _secret(name: str, label: str) -> None:
    """A field that is written and never read back."""
    a = assistant()
    held = bool(getattr(a.settings, name).get_secret_value())
    fixed = machine.fixed(a, name)
    form = st.form(f"form-{name}", border=False, clear_on_submit=True)
    with form, st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        given = st.text_input(label, type="password", placeholder=HIDDEN if held else "", autocomplete="off",
                              key=f"field-{name}", disabled=fixed, width=340)  # fmt: skip
        kept = st.form_submit_button(t("save"), disabled=fixed)
    if kept and given.strip():
        _try(lambda: machine.choose(a, **{name: given}), t("saved"))
        st.rerun()
    if fixed:
        st.caption(t("set_elsewhere"))
    elif held:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(t("key_is_kept"), width="content")
            if st.button(t("forget_key"), type="tertiary", key=f"forget-{name}"):
                _try(lambda: machine.choose(a, **{name: ""}), t("saved"))
                st.rerun()


def _line(name: str, label: str, example: str) -> None:
    a = assistant()
    fixed = machine.fixed(a, name)
    form = st.form(f"form-{name}", border=False)
    with form, st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        now = str(getattr(a.settings, name))
        given = st.text_input(label, value=now, placeholder=example, key=f"field-{name}", disabled=fixed, width=340)
        if st.form_submit_button(t("save"), disabled=fixed) and given != now:
            _try(lambda: machine.choose(a, **{name: given}), t("saved"))
            st.rerun()
    if fixed:
        st.caption(t("set_elsewhere"))


def _aliases() -> None:
    """Models of other machines by names of one's own."""
    a = assistant()
    known = dict(a.settings.aliases)
    fixed = machine.fixed(a, "aliases")
    for name, target in known.items():
        with st.container(horizontal=True, vertical_alignment="center", wrap=False):
            st.markdown(f"**{plain(name, limit=40)}**  \n{plain(target, limit=90)}", width="stretch")
            if not fixed and st.button(t("delete"), type="tertiary", key=f"alias-drop-{name}"):
                _keep_aliases({n: m for n, m in known.items() if n != name})
    if fixed:
        st.caption(t("set_elsewhere"))
        return
    form = st.form("alias-new", border=False)
    with form, st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        name = st.text_input(t("alias_name"), max_chars=40, key="alias-name", width=180)
        target = st.text_input(t("alias_model"), placeholder="openai:gpt-4o-mini", key="alias-model", width=300)
        added = st.form_submit_button(t("alias_add"))
    st.caption(t("alias_help"))
    if added and name.strip() and target.strip():
        problem = _wrong(target.strip())
        if problem:
            st.error(problem)
        else:
            _keep_aliases({**known, name.strip(): target.strip()})


def _wrong(target: str) -> str:
    """Why a model of that name cannot be; "" where it can."""
    server = target.startswith(("http://", "https://")) and "#" in target
    provider, _, model = target.partition(":")
    return "" if server or (provider in {"openai", "azure", "embedded"} and model) else t("alias_wrong")


def _keep_aliases(aliases: Mapping[str, str]) -> None:
    _try(lambda: machine.choose(assistant(), aliases=aliases), t("saved"))
    st.rerun()


# The rest


def _data() -> None:
    a = assistant()
    st.markdown(t("data_text"))
    st.code(str(a.settings.home), language=None, wrap_lines=True)
    used = a.shelf.storage()
    sizes = (
        (t("size_library"), used.index),
        (t("size_originals"), used.originals),
        (t("size_conversations"), used.database),
        (t("size_models"), used.models),
    )
    for name, size in sizes:
        with st.container(horizontal=True):
            st.markdown(name, width="stretch")
            st.markdown(words.size(size), width="content")
    st.caption(t("size_all", size=words.size(used.total + used.models)))
    st.subheader(t("set_screen"), anchor=False)
    choices = {"": t("language_browser"), "ko": "한국어", "en": "English"}
    if a.settings.keys:
        return
    now = a.settings.language
    chosen = st.selectbox(
        t("language_of_all"), list(choices), index=list(choices).index(now), format_func=choices.__getitem__,
        key=f"language-of-all-{now}", disabled=machine.fixed(a, "language"),
    )  # fmt: skip
    if chosen != now:
        _try(lambda: machine.choose(a, language=chosen), t("saved"))
        if chosen in {"ko", "en"}:
            choose_language(chosen)  # type: ignore[arg-type]
        st.rerun()
    st.caption(t("theme_hint"))


def _privacy() -> None:
    s = assistant().settings
    database = s.database.get_secret_value()
    said = [t("privacy_database", host=plain(_host(database))) if database else t("privacy_here")]
    if s.offline:
        said.append(t("privacy_offline"))
    else:
        said += [t("privacy_models"), t("privacy_download")]
        if s.web != "off":
            said.append(t("privacy_web"))
    if not s.embedder.startswith("embedded:"):
        said.append(t("privacy_embedder", name=plain(s.embedder)))
    if s.traces:
        said.append(t("privacy_traces", url=plain(_host(s.traces))))
    said += [t("privacy_never"), t("privacy_delete")]
    st.markdown("\n".join(f"- {line}" for line in said))


def _host(url: str) -> str:
    """A server's name without what may be secret in its address."""
    return urlsplit(url).hostname or url.partition(":")[0]


def _about() -> None:
    st.markdown(t("about_text", version=about.version()))
    st.subheader(t("about_models"), anchor=False)
    _table([(e.title, e.licence) for e in catalog.entries()], t("about_name"), t("about_licence"))
    libraries = about.libraries()
    with st.expander(t("about_libraries", count=len(libraries))):
        rows = [(found.name, found.version, found.licence) for found in libraries]
        _table(rows, t("about_name"), t("about_version"), t("about_licence"))


def _table(rows: Sequence[Sequence[str]], *heads: str) -> None:
    """Text in cells; Streamlit's own table would load a data frame library for it."""
    lines = [heads, ["---"] * len(heads), *([plain(cell) for cell in row] for row in rows)]
    st.markdown("\n".join("| " + " | ".join(line) + " |" for line in lines))
