// The conversations of the sidebar: found, opened, renamed, pinned, exported, deleted and had back. Titles are textContent.

const drawn = new WeakMap();

function el(tag, kind, text) {
  const node = document.createElement(tag);
  if (kind) node.className = kind;
  if (text !== undefined) node.textContent = text;
  if (tag === "button") node.type = "button";
  return node;
}

function sign(name) {
  const node = el("span", "sign", name);
  node.setAttribute("aria-hidden", "true");
  return node;
}

function rename(row, item, words, tell) {
  const before = [...row.children];
  const line = el("input");
  line.value = item.title;
  line.maxLength = 120;
  line.setAttribute("aria-label", words.rename);
  let over = false;
  const end = (keep) => {
    if (over) return;
    over = true;
    const title = line.value.trim();
    row.replaceChildren(...before);
    if (keep && title && title !== item.title) {
      before[0].textContent = title;
      tell({ kind: "rename", id: item.id, text: title });
    }
    before[0].focus();
  };
  line.onkeydown = (e) => {
    if (e.key === "Enter" && !e.isComposing) end(true);
    if (e.key === "Escape") end(false);
  };
  line.onblur = () => end(true);
  row.replaceChildren(line);
  line.select();
}

function menu(row, opener, item, words, tell) {
  const box = el("div", "menu");
  box.setAttribute("role", "menu");
  const shut = (focus) => {
    box.remove();
    opener.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside, true);
    if (focus) opener.focus();
  };
  const outside = (e) => { if (!e.composedPath().includes(box) && !e.composedPath().includes(opener)) shut(false); };
  const add = (kind, icon, text, act) => {
    const node = el("button", kind);
    node.setAttribute("role", "menuitem");
    node.append(sign(icon), el("span", "", text));
    node.onclick = () => { shut(true); act(); };
    box.append(node);
  };
  add("rename", "edit", words.rename, () => rename(row, item, words, tell));
  add("pin", "keep", item.pinned ? words.unpin : words.pin, () => tell({ kind: item.pinned ? "unpin" : "pin", id: item.id }));
  add("export", "ios_share", words.export, () => tell({ kind: "export", id: item.id }));
  add("delete", "delete", words.delete, () => tell({ kind: "delete", id: item.id }));
  box.onkeydown = (e) => {
    const all = [...box.children];
    const at = all.indexOf(box.getRootNode().activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (step) { e.preventDefault(); all[(at + step + all.length) % all.length].focus(); }
    if (e.key === "Escape" || e.key === "Tab") { e.stopPropagation(); shut(true); }
  };
  row.append(box);
  opener.setAttribute("aria-expanded", "true");
  if (box.getBoundingClientRect().bottom > window.innerHeight - 8) box.classList.add("up");
  document.addEventListener("pointerdown", outside, true);
  box.firstChild.focus();
  return shut;
}

function row(item, data, tell) {
  const node = el("li", item.id === data.here ? "here" : "");
  const link = el("a", "", item.title);
  link.href = item.href;
  link.title = item.title;
  if (item.id === data.here) link.setAttribute("aria-current", "page");
  link.onclick = (e) => {
    if (e.metaKey || e.ctrlKey || e.shiftKey || e.button) return;
    e.preventDefault();
    fold();
    tell({ kind: "open", id: item.id });
  };
  const more = el("button", "more");
  more.append(sign("more_horiz"));
  more.title = data.words.more;
  more.setAttribute("aria-label", `${data.words.more}: ${item.title}`);
  more.setAttribute("aria-haspopup", "menu");
  more.setAttribute("aria-expanded", "false");
  let shut = null;
  more.onclick = () => {
    if (more.getAttribute("aria-expanded") === "true") shut(true);
    else shut = menu(node, more, item, data.words, tell);
  };
  node.append(link, more);
  return node;
}

function undo(data, tell) {
  const bar = el("div", "undo");
  bar.setAttribute("role", "status");
  const back = el("button", "", data.words.undo);
  back.onclick = () => tell({ kind: "undo" });
  const shut = el("button", "shut", "×");
  shut.setAttribute("aria-label", data.words.shut);
  shut.onclick = () => tell({ kind: "shut" });
  bar.append(el("span", "", data.undo), back, shut);
  return bar;
}

// On a phone the sidebar lies over the page: what was chosen in it is seen once it is gone, as with Streamlit's own links.
function fold() {
  if (window.innerWidth < 768) document.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click();
}

let watching = false;
function watch() {
  if (watching) return;
  watching = true;
  document.addEventListener("click", (e) => { if (e.target.closest?.(".st-key-new_thread, .st-key-take_tour")) setTimeout(fold, 50); });
}

function find(data, tell) {
  const line = el("input", "find");
  line.type = "search";
  line.placeholder = data.words.find;
  line.setAttribute("aria-label", data.words.find);
  line.value = data.wanted;
  let waiting = 0;
  line.oninput = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => tell({ kind: "find", text: line.value }), 250);
  };
  return line;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".talks");
  watch();
  const tell = (act) => setTriggerValue("act", { ...act, at: Date.now() });
  const now = JSON.stringify({ ...data, wanted: null });
  if (drawn.get(root) === now) return;
  drawn.set(root, now);
  root.setAttribute("aria-label", data.words.title);
  const old = root.querySelector(".find");
  const focused = root.getRootNode().activeElement === old && old !== null;
  const parts = [];
  if (data.undo) parts.push(undo(data, tell));
  if (data.findable) parts.push(focused ? old : find(data, tell));
  for (const group of data.groups) {
    const list = el("ul");
    list.append(...group.items.map((item) => row(item, data, tell)));
    parts.push(el("h3", "", group.title), list);
  }
  if (data.none) parts.push(el("p", "none", data.none));
  root.replaceChildren(...parts);
  if (focused) old.focus();
}
