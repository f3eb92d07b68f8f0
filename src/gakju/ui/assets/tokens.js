// Tokens of a text: `items` of [shown, look, tone, id, facts, others, group, character]. Group 1 begins a character that takes several
// tokens, 2 goes on with it, 0 is none. Every word is textContent.
const drawn = new WeakMap();

function el(tag, kind, text) {
  const node = document.createElement(tag);
  if (kind) node.className = kind;
  if (text !== undefined) node.textContent = text;
  return node;
}

function draw(row, data, choose) {
  const nodes = [];
  const spans = [];
  let whole = null;
  data.items.forEach((item, i) => {
    const [shown, look, tone, id, , , group, character] = item;
    const span = el("span", `${tone} ${look}`, shown);
    span.onmouseenter = () => choose(i);
    span.onclick = () => choose(i);
    spans.push(span);
    const parts = data.ids ? [span, el("span", "id", String(id))] : [span];
    if (group === 1) nodes.push((whole = el("span", "whole")));
    if (group) whole.append(...parts, ...(character ? [el("span", "character", character)] : []));
    else nodes.push(...parts);
    if (look === "newline") nodes.push(document.createTextNode("\n"));
  });
  row.replaceChildren(...nodes);
  return spans;
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".tokens");
  const [detail, row] = root.children;
  const now = JSON.stringify(data);
  if (drawn.get(root) === now) return;
  drawn.set(root, now);
  let at = -1, spans = [];
  const choose = (i) => {
    if (i < 0 || i >= spans.length) return;
    spans[at]?.classList.remove("here");
    at = i;
    spans[at].classList.add("here");
    const [shown, , , , facts, others] = data.items[at];
    const nodes = [el("b", "", shown === " " ? "␣" : shown), document.createTextNode(` ${facts}`)];
    if (others?.length) {
      const list = el("ol");
      list.append(...others.map((o) => el("li", "", o)));
      nodes.push(list);
    }
    detail.replaceChildren(...nodes);
  };
  detail.textContent = data.hint;
  row.setAttribute("aria-label", data.label);
  spans = draw(row, data, choose);
  row.onkeydown = (e) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[e.key];
    if (!step) return;
    e.preventDefault();
    choose(Math.max(0, Math.min(spans.length - 1, at + step)));
    spans[at]?.scrollIntoView({ block: "nearest" });
  };
}
