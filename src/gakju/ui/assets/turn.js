// One turn of a conversation. Every word of people, documents and models goes in as textContent: it cannot become markup.

const drawn = new WeakMap();

function el(tag, kind, text) {
  const node = document.createElement(tag);
  if (kind) node.className = kind;
  if (text !== undefined) node.textContent = text;
  return node;
}

function button(kind, text, label, act, id) {
  const node = el("button", kind, text);
  node.type = "button";
  node.setAttribute("aria-label", label);
  node.title = label;
  if (id) node.dataset.id = id;
  node.onclick = act;
  return node;
}

function icon(name, label, act, pressed) {
  const node = button("icon", "", label, act);
  const sign = el("span", "sign", name);
  sign.setAttribute("aria-hidden", "true");
  node.append(sign);
  if (pressed !== undefined) node.setAttribute("aria-pressed", String(pressed));
  return node;
}

function worded(kind, text, act) {
  const node = el("button", kind, text);
  node.type = "button";
  node.onclick = act;
  return node;
}

function question(q, tell) {
  const row = el("div", "asking");
  const said = el("p", "question", q.text);
  const edit = () => {
    const form = el("form", "edit");
    const area = el("textarea");
    area.value = q.text;
    area.setAttribute("aria-label", q.edit);
    area.rows = Math.min(8, q.text.split("\n").length + 1);
    area.maxLength = 4000;
    const send = el("button", "send", q.send);
    const back = () => { row.replaceChildren(...before); row.querySelector(".icon")?.focus(); };
    const before = [...row.children];
    form.onsubmit = (e) => {
      e.preventDefault();
      if (!area.value.trim()) return;
      back();
      tell({ kind: "edit", text: area.value.trim() });
    };
    area.onkeydown = (e) => {
      if (e.key === "Escape") back();
      if (e.key === "Enter" && !e.shiftKey && !e.isComposing) { e.preventDefault(); form.requestSubmit(); }
    };
    const last = el("div", "choices");
    last.append(worded("quiet", q.cancel, back), send);
    form.append(area, last);
    row.replaceChildren(form);
    area.focus();
    area.setSelectionRange(area.value.length, area.value.length);
  };
  row.append(said);
  const tools = el("div", "tools");
  if (q.version) {
    const v = q.version;
    const part = el("span", "version");
    part.append(icon("chevron_left", v.before, () => tell({ kind: "version", turn: v.previous })), el("span", "", v.said),
      icon("chevron_right", v.after, () => tell({ kind: "version", turn: v.next })));
    part.firstChild.disabled = !v.previous;
    part.lastChild.disabled = !v.next;
    tools.append(part);
  }
  if (q.editable) tools.append(icon("edit", q.edit, edit));
  if (tools.childElementCount) row.append(tools);
  return row;
}

function claim(c, open) {
  const node = el("p", `claim ${c.verdict}${c.struck ? " struck-out" : ""}`);
  node.append(el("span", "said", c.text));
  for (const n of c.notes) {
    node.append("\u2060", button("note", String(n.number), n.label, () => open("notes", n.number - 1), `notes-${n.number - 1}`));
  }
  if (c.word) node.append(" ", el("span", "verdict", c.word));
  if (c.reason) node.append(el("span", "reason", c.reason));
  return node;
}

function folded(kind, title, isOpen, list) {
  const node = el("details", kind);
  node.open = isOpen;
  node.append(el("summary", "", title), list);
  return node;
}

function evidence(e, open) {
  const list = el("ol");
  e.items.forEach((item, i) => {
    const row = el("li");
    const act = button("passage", "", item.label, () => open("evidence", i), `evidence-${i}`);
    const where = el("span", "where");
    if (item.mark) where.append(disc(item.mark));
    where.append(item.where);
    act.append(el("span", "quote", item.text), where);
    row.append(act);
    list.append(row);
  });
  return folded("evidence", e.title, e.open, list);
}

// The sign of a site, drawn here: fetching its own would tell it who reads.
function disc(mark) {
  const node = el("span", "site-disc", mark.letter);
  node.style.setProperty("--hue", mark.hue);
  node.setAttribute("aria-hidden", "true");
  return node;
}

function sites(marks) {
  const list = el("span", "sites");
  for (const mark of marks) {
    const one = el("span", "site");
    one.append(disc(mark), mark.site);
    list.append(one);
  }
  return list;
}

function web(w) {
  const body = el("div", "looked");
  if (w.why) body.append(el("p", "", w.why));
  if (w.asked) body.append(el("p", "", w.asked));
  if (w.sites.length) body.append(sites(w.sites));
  if (w.problems.length) {
    const list = el("ul");
    for (const line of w.problems) list.append(el("li", "", line));
    body.append(list);
  }
  return folded("web", w.title, w.open, body);
}

function struck(s, open) {
  const list = el("div");
  list.append(...s.claims.map((c) => claim(c, open)));
  return folded("struck", s.title, false, list);
}

function status(s, tell) {
  const row = el("div", "working");
  const said = el("p", s.busy ? "status busy" : "status", s.said);
  row.append(said);
  if (s.sites?.length) row.append(sites(s.sites));
  if (s.part !== null && s.part !== undefined) {
    const bar = el("progress");
    bar.max = 1;
    bar.value = s.part;
    bar.setAttribute("aria-label", s.said);
    row.append(bar);
  }
  if (s.stop) row.append(worded("quiet stop", s.stop, () => tell({ kind: "stop" })));
  return row;
}

function error(e) {
  const node = el("div", "error");
  node.setAttribute("role", "alert");
  node.append(el("p", "", e.said));
  if (e.more) node.append(el("p", "more", e.more));
  return node;
}

async function copy(node, f) {
  try {
    await navigator.clipboard.writeText(f.copied);
  } catch {
    // Pages that are not on this machine or behind HTTPS may not write the clipboard themselves.
    const area = el("textarea");
    area.value = f.copied;
    node.after(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    node.focus();
  }
  node.firstChild.textContent = "check";
  node.setAttribute("aria-label", f.words.copied);
  setTimeout(() => { node.firstChild.textContent = "content_copy"; node.setAttribute("aria-label", f.words.copy); }, 1600);
}

function foot(f, tell) {
  const row = el("div", "foot");
  if (f.copied) {
    const node = icon("content_copy", f.words.copy, () => copy(node, f));
    row.append(node);
  }
  if (f.again) row.append(f.bare ? worded("quiet", f.words.again, () => tell({ kind: "again" })) : icon("refresh", f.words.again, () => tell({ kind: "again" })));
  if (f.rate) {
    row.append(
      icon("thumb_up", f.words.good, () => tell({ kind: "rate", value: f.rated === 1 ? 0 : 1 }), f.rated === 1),
      icon("thumb_down", f.words.bad, () => tell({ kind: "rate", value: f.rated === -1 ? 0 : -1 }), f.rated === -1),
    );
  }
  if (f.facts.length) {
    const facts = el("span", "facts");
    for (const fact of f.facts) facts.append(el("span", "", fact));
    row.append(facts);
  }
  return row;
}

function opinion(o, tell) {
  if (o.noted) return el("p", "noted", o.noted);
  const form = el("form", "opinion");
  const line = el("input");
  line.type = "text";
  line.maxLength = 500;
  line.placeholder = o.ask;
  line.setAttribute("aria-label", o.ask);
  form.append(line, el("button", "send", o.send));
  form.onsubmit = (e) => {
    e.preventDefault();
    if (line.value.trim()) tell({ kind: "rate", value: o.value, note: line.value.trim() });
  };
  return form;
}

// Redraw a part only where its data changed, so that focus, selection and an opened list stay.
function part(root, name, data, draw) {
  const seen = drawn.get(root);
  const now = JSON.stringify(data ?? null);
  if (seen[name] === now) return;
  const place = root.querySelector(`.${name}-part`);
  const at = [...place.querySelectorAll("button")].indexOf(root.getRootNode().activeElement);
  seen[name] = now;
  place.replaceChildren(...(data ? [draw(data)].flat() : []));
  if (at >= 0) place.querySelectorAll("button")[at]?.focus();
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".turn");
  if (!drawn.has(root)) drawn.set(root, {});
  const open = (list, index) =>
    setTriggerValue("open", { list, index, narrow: window.innerWidth < 900, at: Date.now() });
  const tell = (act) => setTriggerValue("act", { ...act, at: Date.now() });
  root.lang = data.lang;
  root.classList.toggle("refused", data.refused);
  part(root, "question", data.question, (q) => question(q, tell));
  part(root, "asked", data.asked, (a) => el("p", "asked", a));
  part(root, "evidence", data.evidence, (e) => evidence(e, open));
  part(root, "web", data.web, web);
  part(root, "claims", data.claims, (cs) => cs.map((c) => claim(c, open)));
  part(root, "tail", data.tail, (t) => el("p", "tail", t));
  part(root, "struck", data.struck, (s) => struck(s, open));
  part(root, "note", data.note, (t) => el("p", "unchecked", t));
  part(root, "status", data.status, (s) => status(s, tell));
  part(root, "error", data.error, error);
  part(root, "foot", data.foot, (f) => foot(f, tell));
  part(root, "opinion", data.opinion, (o) => opinion(o, tell));
  root.setAttribute("aria-busy", String(Boolean(data.status?.busy)));
  for (const node of root.querySelectorAll("[data-id]")) {
    node.setAttribute("aria-current", String(node.dataset.id === data.opened));
  }
}
