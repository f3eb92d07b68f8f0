// What a search found, laid open. Every word of people and documents goes in as textContent: it cannot become markup.

const drawn = new WeakMap();

function el(tag, kind, ...content) {
  const node = document.createElement(tag);
  if (kind) node.className = kind;
  node.append(...content.filter((c) => c !== null && c !== undefined));
  return node;
}

function chips(words, titles) {
  return el("ul", "chips", ...words.map(({ word, held }) => {
    if (held === undefined) return el("li", "", word);
    return el("li", held ? "held" : "lacking", held ? "✓ " : "", word, el("span", "sr", ` (${held ? titles.held : titles.lacking})`));
  }));
}

function named(part, titles) {
  return part?.words.length ? el("div", "asked", el("span", "quiet", part.title), chips(part.words, titles)) : null;
}

function meter(s) {
  const node = el("div", "meter", el("span", "value"), el("span", "limit"));
  const [value, limit] = node.children;
  value.style.width = `${100 * s.value}%`;
  limit.style.insetInlineStart = `${100 * s.limit}%`;
  for (const [name, given] of [["role", "meter"], ["aria-label", s.label], ["aria-valuemin", 0], ["aria-valuemax", 1], ["aria-valuenow", s.value.toFixed(2)]]) {
    node.setAttribute(name, String(given));
  }
  return [el("p", "", s.said), node];
}

function sentence(item, open) {
  const node = el("button", "sentence", el("span", "text", item.text), el("span", "quiet", `${item.where} · ${item.score}`));
  node.type = "button";
  node.setAttribute("aria-label", `${item.label}: ${item.text}`);
  node.onclick = () => open(item);
  return el("li", "", node);
}

function hit(item, titles, open) {
  const place = el("button", "place", item.where);
  place.type = "button";
  place.setAttribute("aria-label", item.label);
  place.onclick = () => open(item);
  const scores = item.scores.map(([name, value]) => el("div", "", el("dt", "", name), el("dd", "", value)));
  const whole = el("details", "", el("summary", "", titles.text), el("div", "whole", item.text));
  return el("li", "hit", el("span", "rank", `${item.rank}`), place, el("dl", "", ...scores), chips(item.words, titles), whole);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".found");
  const now = JSON.stringify(data);
  if (drawn.get(root) === now) return;
  drawn.set(root, now);
  const open = ({ document, page, mark, chunk }) => setTriggerValue("open", { document, page, mark, chunk, at: Date.now() });
  const { titles } = data;
  const nodes = [named(data.asked, titles), named(data.added, titles)];
  if (data.expected) {
    nodes.push(el("div", "expected", el("h2", "", data.expected.title), el("p", "", data.expected.said), chips(data.expected.words, titles)));
  }
  if (data.strength) nodes.push(...meter(data.strength));
  if (data.evidence?.length) {
    nodes.push(el("h2", "", titles.evidence), el("ol", "rows", ...data.evidence.map((e) => sentence(e, open))));
  }
  if (data.hits?.length) {
    nodes.push(el("h2", "", titles.hits), el("ol", "rows", ...data.hits.map((h) => hit(h, titles, open))));
  }
  root.replaceChildren(...nodes.filter(Boolean));
}
