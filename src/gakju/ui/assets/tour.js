// Cards beside the parts of the page they tell of. Escape leaves; a part that is not there now leaves its card in the middle.

function el(tag, kind, text) {
  const node = document.createElement(tag);
  node.className = kind;
  if (text !== undefined) node.textContent = text;
  return node;
}

function target(selector) {
  const seen = (node) => {
    const r = node.getBoundingClientRect();
    return r.width && r.height && r.right > 0 && r.left < innerWidth && r.top < innerHeight && r.bottom > 0 ? r : null;
  };
  for (const node of document.querySelectorAll(selector)) {
    const r = seen(node);
    if (r) return r;
  }
  return null;
}

// Above everything, the sidebar too: a box of its own at the end of the page, in this piece's style and colours.
function above(root) {
  const host = document.createElement("div");
  const shade = host.attachShadow({ mode: "open" });
  const inside = root.getRootNode();
  for (const style of inside.querySelectorAll?.("style") ?? []) shade.append(style.cloneNode(true));
  shade.adoptedStyleSheets = [...(inside.adoptedStyleSheets ?? [])];
  const colours = getComputedStyle(root);
  for (const name of ["--st-font", "--st-text-color", "--st-background-color", "--st-primary-color", "--st-link-color", "--st-gray-text-color"]) {
    host.style.setProperty(name, colours.getPropertyValue(name));
  }
  document.body.append(host);
  return [host, shade];
}

const running = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".tour");
  if (running.has(root)) return running.get(root);
  if (innerWidth < 768) document.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click();
  const [host, shade] = above(root);
  let at = 0;
  const ring = el("div", "ring"), card = el("div", "card");
  card.setAttribute("role", "dialog");
  card.setAttribute("aria-modal", "true");
  const end = () => {
    removeEventListener("resize", place);
    document.removeEventListener("keydown", keys, true);
    host.remove();
    running.delete(root);
  };
  const leave = () => {
    end();
    setTriggerValue("left", Date.now());
  };
  const keys = (e) => {
    if (e.key === "Escape") { e.preventDefault(); leave(); }
    if (e.key !== "Tab") return;
    const all = [...card.querySelectorAll("button")];
    const now = all.indexOf(card.getRootNode().activeElement);
    e.preventDefault();
    all[(now + (e.shiftKey ? -1 : 1) + all.length) % all.length].focus();
  };
  const place = () => {
    const r = target(data.steps[at].at);
    const w = card.offsetWidth, h = card.offsetHeight;
    if (!r) {
      Object.assign(ring.style, { left: "50%", top: "50%", width: "0px", height: "0px" });
      Object.assign(card.style, { left: `${(innerWidth - w) / 2}px`, top: `${(innerHeight - h) / 2}px` });
      return;
    }
    Object.assign(ring.style, { left: `${r.left - 6}px`, top: `${r.top - 6}px`, width: `${r.width + 12}px`, height: `${r.height + 12}px` });
    const wide = r.right + w + 32 < innerWidth && r.height < innerHeight && r.left < innerWidth / 3;
    const left = wide ? r.right + 20 : Math.min(Math.max(16, r.left), innerWidth - w - 16);
    const below = wide ? r.top : r.bottom + 20 + h < innerHeight ? r.bottom + 20 : r.top - h - 20;
    Object.assign(card.style, { left: `${left}px`, top: `${Math.max(16, Math.min(below, innerHeight - h - 16))}px` });
  };
  const draw = () => {
    const step = data.steps[at], last = at === data.steps.length - 1;
    const row = el("div", "row");
    const add = (kind, text, act) => { const b = el("button", kind, text); b.type = "button"; b.onclick = act; row.append(b); return b; };
    row.append(el("span", "count", `${at + 1} / ${data.steps.length}`));
    if (!last) add("leave", data.words.leave, leave);
    if (at) add("back", data.words.back, () => { at -= 1; draw(); });
    const next = add("next", last ? data.words.done : data.words.next, () => { if (last) leave(); else { at += 1; draw(); } });
    card.setAttribute("aria-label", step.title);
    card.replaceChildren(el("h2", "", step.title), el("p", "", step.text), row);
    place();
    next.focus();
  };
  shade.append(el("div", "veil"), ring, card);
  addEventListener("resize", place);
  document.addEventListener("keydown", keys, true);
  draw();
  running.set(root, end);
  return end;
}
