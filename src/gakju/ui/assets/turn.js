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
  node.dataset.id = id;
  node.onclick = act;
  return node;
}

function claim(c, open) {
  const node = el("p", `claim ${c.verdict}`);
  node.append(el("span", "said", c.text));
  for (const n of c.notes) {
    node.append("\u2060", button("note", String(n.number), n.label, () => open("notes", n.number - 1), `notes-${n.number - 1}`));
  }
  node.append(" ", el("span", "verdict", c.word));
  if (c.reason) node.append(el("span", "reason", c.reason));
  return node;
}

function evidence(e, open) {
  const node = el("details", "evidence");
  node.open = e.open;
  node.append(el("summary", "", e.title));
  const list = el("ol");
  e.items.forEach((item, i) => {
    const row = el("li");
    const act = button("passage", "", item.label, () => open("evidence", i), `evidence-${i}`);
    act.append(el("span", "quote", item.text), el("span", "where", item.where));
    row.append(act);
    list.append(row);
  });
  node.append(list);
  return node;
}

// Redraw a part only where its data changed, so that focus, selection and an opened list stay.
function part(root, name, data, draw) {
  const seen = drawn.get(root);
  const now = JSON.stringify(data ?? null);
  if (seen[name] === now) return;
  seen[name] = now;
  root.querySelector(`.${name}-part`).replaceChildren(...(data ? [draw(data)].flat() : []));
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".turn");
  if (!drawn.has(root)) drawn.set(root, {});
  const open = (list, index) =>
    setTriggerValue("open", { list, index, narrow: window.innerWidth < 900, at: Date.now() });
  root.lang = data.lang;
  root.classList.toggle("refused", data.refused);
  part(root, "question", data.question, (q) => el("p", "question", q));
  part(root, "evidence", data.evidence, (e) => evidence(e, open));
  part(root, "claims", data.claims, (cs) => cs.map((c) => claim(c, open)));
  part(root, "tail", data.tail, (t) => el("p", "tail", t));
  part(root, "status", data.status, (s) => el("p", data.busy ? "status busy" : "status", s));
  root.setAttribute("aria-busy", String(data.busy));
  for (const node of root.querySelectorAll("button")) {
    node.setAttribute("aria-current", String(node.dataset.id === data.opened));
  }
}
