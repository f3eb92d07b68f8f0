// The chunks of a page, part by part, each with the words that the index has of it. Texts go in as textContent.

const drawn = new WeakMap();

function el(tag, kind, text) {
  const node = document.createElement(tag);
  if (kind) node.className = kind;
  if (text !== undefined) node.textContent = text;
  return node;
}

function chunk(item, labels, choose) {
  const node = el("li", item.here ? "chunk here" : "chunk");
  const head = el("button", "", item.name);
  head.type = "button";
  head.setAttribute("aria-pressed", String(item.here));
  head.onclick = () => choose(item.id);
  node.append(head);
  if (item.before) node.append(el("p", "quiet", `${labels.before}: ${item.before.replaceAll("\n", " › ")}`));
  for (const part of item.parts) {
    node.append(el("p", "part", part.text));
    if (!part.words.length) continue;
    const words = el("ul");
    words.setAttribute("aria-label", labels.words);
    words.append(...part.words.map((word) => el("li", "word", word)));
    node.append(words);
  }
  return node;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".chunks");
  const now = JSON.stringify(data);
  if (drawn.get(root) === now) return;
  const focused = root.getRootNode().activeElement;
  const place = [...root.querySelectorAll("button")].indexOf(focused);
  drawn.set(root, now);
  const choose = (id) => setTriggerValue("choose", { id, at: Date.now() });
  root.replaceChildren(...data.items.map((item) => chunk(item, data.labels, choose)));
  if (place >= 0) root.querySelectorAll("button")[place]?.focus();
  const here = place < 0 ? root.querySelector(".here") : null;
  const top = here?.getBoundingClientRect().top ?? 0;
  if (top < 0 || top > window.innerHeight * 0.8) here.scrollIntoView({ block: "start" });
}
