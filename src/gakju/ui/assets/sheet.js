// A page: drawn, its words over it to be selected, or as text; with what turns and enlarges it, and the quote to copy.
// Every word of documents goes in as textContent: it cannot become markup.

const ZOOMS = [1, 1.25, 1.5, 2, 3];
const PATHS = {
  back: "M15 5l-7 7 7 7", on: "M9 5l7 7-7 7", out: "M5 12h14", in: "M5 12h14M12 5v14",
  home: "M9 14l-4-4 4-4M5 10h9a5 5 0 0 1 0 10h-3", copy: "M9 9h10v11H9zM5 15V4h10",
};
const seen = new WeakMap();
const pen = document.createElement("canvas").getContext("2d");

function el(tag, kind, text) {
  const node = document.createElement(tag);
  if (kind) node.className = kind;
  if (text !== undefined) node.textContent = text;
  return node;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

function button(name, label, act) {
  const node = el("button");
  node.type = "button";
  node.title = label;
  node.setAttribute("aria-label", label);
  if (name) node.append(icon(name));
  node.onclick = () => node.getAttribute("aria-disabled") === "true" || act();
  return node;
}

function can(node, yes) {
  node.setAttribute("aria-disabled", String(!yes));
}

function zoomed() {
  return Number(sessionStorage.getItem("gakju-zoom")) || 1;
}

// The page's lines where they stand, as wide as they are drawn, so that what is selected is what is seen.
function words(data) {
  const layer = el("div", "words");
  const share = (v, of) => `${(100 * v) / of}%`;
  for (const [x0, y0, x1, y1, text] of data.lines) {
    const line = el("span", "", text);
    const size = 0.86 * (y1 - y0);
    pen.font = "100px sans-serif";
    const natural = (pen.measureText(text).width * size) / 100 || 1;
    line.style.left = share(x0, data.width);
    line.style.top = share(y0 + 0.07 * (y1 - y0), data.height);
    line.style.fontSize = `${(100 * size) / data.width}cqw`;
    line.style.transform = `scaleX(${(x1 - x0) / natural})`;
    layer.append(line, el("br"));
  }
  return layer;
}

function areas(data, choose) {
  return data.areas.flatMap((a) => {
    const rects = a.rects.map(([x0, y0, x1, y1]) => {
      const node = el("div", a.here ? "area here" : "area");
      node.style.cssText = `left:${(100 * x0) / data.width}%;top:${(100 * y0) / data.height}%;` +
        `width:${(100 * (x1 - x0)) / data.width}%;height:${(100 * (y1 - y0)) / data.height}%`;
      return node;
    });
    if (!a.rects.length) return rects;
    const tag = button("", a.label, () => choose(a.id));
    tag.className = "tag";
    tag.textContent = a.name;
    tag.setAttribute("aria-pressed", String(a.here));
    tag.style.left = `max(1.7rem, ${(100 * a.rects[0][0]) / data.width}%)`;
    tag.style.top = `max(0.3rem, ${(100 * a.rects[0][1]) / data.height}%)`;
    return [...rects, tag];
  });
}

function plain(data) {
  const text = el("p", "plain");
  const { before, quote, after } = data.text;
  text.append(before, el("mark", "", quote), after);
  return text;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without a secure address the browser keeps its clipboard to what is selected.
    const box = el("textarea", "", text);
    document.body.append(box);
    box.select();
    document.execCommand("copy");
    box.remove();
  }
}

function draw(root, data, told) {
  const state = seen.get(root);
  const paper = root.querySelector(".paper");
  const now = JSON.stringify([data.lines, data.areas, data.text, data.width, data.height]);
  if (data.src) {
    const image = state.image ?? (state.image = el("img"));
    if (image.getAttribute("src") !== data.src) image.src = data.src;
    image.alt = data.alt;
    paper.style.aspectRatio = `${data.width} / ${data.height}`;
    if (state.drawn !== now) paper.replaceChildren(image, words(data), ...areas(data, (id) => told("choose", { id })));
  } else {
    paper.style.aspectRatio = "";
    if (state.drawn !== now) paper.replaceChildren(...(data.text ? [plain(data)] : []));
  }
  state.drawn = now;
  state.ahead = Object.fromEntries(Object.entries(data.ahead).map(([page, src]) => [page, fetched(src)]));
  root.querySelector(".view").classList.toggle("drawn", Boolean(data.src));
}

function fetched(src) {
  const image = new Image();
  image.src = src;
  return image;
}

// A page that is here already is shown at once; its words come with the server's answer.
function show(root, page) {
  const state = seen.get(root);
  const image = state.ahead?.[page];
  if (!image?.naturalWidth || !state.image) return;
  state.image.src = image.getAttribute("src");
  state.drawn = "";
  const paper = root.querySelector(".paper");
  paper.style.aspectRatio = `${image.naturalWidth} / ${image.naturalHeight}`;
  paper.replaceChildren(state.image);
}

function reveal(root, data) {
  const state = seen.get(root);
  const view = root.querySelector(".view");
  if (state.mark === data.mark) return;
  state.mark = data.mark;
  const mark = view.querySelector("mark:not(:empty)");
  const paper = view.querySelector(".paper");
  requestAnimationFrame(() => {
    const y = data.src ? (data.at ?? 0) * paper.offsetHeight : (mark?.offsetTop ?? 0);
    view.scrollTop = Math.max(0, y - view.clientHeight * 0.35);
    if (data.src && data.left !== null) view.scrollLeft = data.left * paper.offsetWidth - view.clientWidth * 0.2;
  });
}

function bar(root, data, turn, zoom) {
  const state = seen.get(root);
  const w = data.words;
  if (!state.bar) {
    const made = (state.bar = {
      back: button("back", w.back, () => state.turn(-1)),
      at: el("label", "at"),
      on: button("on", w.on, () => state.turn(1)),
      home: button("home", w.home, () => state.turn(0)),
      out: button("out", w.out, () => state.zoom(-1)),
      fit: button("", w.fit, () => state.zoom(0)),
      in: button("in", w.in, () => state.zoom(1)),
    });
    made.input = el("input");
    made.input.inputMode = "numeric";
    made.input.autocomplete = "off";
    made.input.onchange = () => state.turn(0, Number.parseInt(made.input.value, 10));
    made.of = el("span");
    made.at.append(made.input, made.of);
    root.querySelector(".bar").append(made.back, made.at, made.on, made.home, el("span", "room"), made.out, made.fit, made.in);
  }
  state.turn = turn;
  state.zoom = zoom;
  const made = state.bar;
  for (const name of ["back", "on", "home", "out", "fit", "in"]) {
    made[name].title = w[name];
    made[name].setAttribute("aria-label", w[name]);
  }
  made.input.setAttribute("aria-label", w.number);
  if (root.getRootNode().activeElement !== made.input || state.page !== data.page) made.input.value = data.page;
  made.of.textContent = w.of;
  can(made.back, data.page > 1);
  can(made.on, data.page < data.pages);
  made.home.hidden = data.home === null || data.home === data.page;
  made.home.style.display = made.home.hidden ? "none" : "";
  for (const name of ["back", "on", "at"]) made[name].style.display = data.pages > 1 ? "" : "none";
  for (const name of ["out", "fit", "in"]) made[name].style.display = data.src ? "" : "none";
  if (state.page !== undefined && state.page !== data.page) root.querySelector('[role="status"]').textContent = w.said;
  state.page = data.page;
}

function enlarge(root, by) {
  const view = root.querySelector(".view");
  const paper = root.querySelector(".paper");
  const at = (view.scrollTop + view.clientHeight / 2) / (paper.offsetHeight || 1);
  const place = ZOOMS.indexOf(zoomed());
  const next = by === null ? zoomed() : by === 0 ? 1 : ZOOMS[Math.min(ZOOMS.length - 1, Math.max(0, place + by))];
  sessionStorage.setItem("gakju-zoom", String(next));
  paper.style.width = view.classList.contains("drawn") ? `${next * 100}%` : "";
  const made = seen.get(root).bar;
  made.fit.textContent = `${next * 100}%`;
  can(made.out, next > ZOOMS[0]);
  can(made.in, next < ZOOMS.at(-1));
  if (by !== null) view.scrollTop = at * paper.offsetHeight - view.clientHeight / 2;
}

function under(root, data) {
  const state = seen.get(root);
  if (state.quote === data.quote) return;
  state.quote = data.quote;
  state.under?.forEach((node) => node.remove());
  state.under = [];
  if (!data.quote) return;
  const row = el("div", "under");
  const said = el("span", "copied");
  said.setAttribute("role", "status");
  const act = button("copy", data.words.copy, async () => {
    await copy(data.quote);
    said.textContent = data.words.copied;
    setTimeout(() => (said.textContent = ""), 2500);
  });
  act.append(data.words.copy);
  row.append(act, said);
  const quote = el("pre", "", data.quote);
  quote.tabIndex = 0;
  state.under = [quote, row];
  root.append(quote, row);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".sheet");
  if (!seen.has(root)) seen.set(root, {});
  const told = (name, value) => setTriggerValue(name, { ...value, at: Date.now() });
  // Quick turns count on from the page that was asked for, not from the one that has arrived.
  const state = seen.get(root);
  if (state.wanted === data.page || state.page !== data.page) state.wanted = undefined;
  const turn = (by, page) => {
    const from = state.wanted ?? data.page;
    const to = page ?? (by === 0 ? data.home : from + by);
    if (!Number.isInteger(to)) return (state.bar.input.value = data.page);
    const within = Math.min(data.pages, Math.max(1, to));
    state.bar.input.value = within;
    if (within === from) return;
    told("turn", { page: (state.wanted = within) });
    show(root, within);
  };
  const view = root.querySelector(".view");
  root.setAttribute("aria-label", data.words.sheet);
  view.setAttribute("aria-label", data.alt);
  view.setAttribute("aria-describedby", "keys");
  root.querySelector("#keys").textContent = data.words.keys;
  view.style.maxHeight = data.tall;
  bar(root, data, turn, (by) => enlarge(root, by));
  draw(root, data, told);
  enlarge(root, null);
  under(root, data);
  reveal(root, data);
  view.onkeydown = (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.target !== view) return;
    const wide = view.scrollWidth > view.clientWidth + 1;
    const act = {
      ArrowLeft: wide ? null : () => turn(-1), ArrowRight: wide ? null : () => turn(1),
      "+": () => enlarge(root, 1), "=": () => enlarge(root, 1), "-": () => enlarge(root, -1), 0: () => enlarge(root, 0),
      n: data.notes ? () => told("note", { by: 1 }) : null, p: data.notes ? () => told("note", { by: -1 }) : null,
    }[e.key];
    if (!act) return;
    e.preventDefault();
    act();
  };
}
