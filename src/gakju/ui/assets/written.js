// What a model writes: as text, as a list or as JSON. Every word is textContent.
function list(text) {
  const node = document.createElement("ul");
  for (const line of text.split("\n")) {
    const said = line.replace(/^\s*(?:[-*•–]|\d+[.)])\s+/, "").trim();
    if (!said) continue;
    const item = document.createElement("li");
    item.textContent = said;
    node.append(item);
  }
  return node;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".written");
  const [status, text, foot] = root.children;
  root.setAttribute("aria-busy", String(Boolean(data.status)));
  status.hidden = !data.status;
  status.textContent = data.status;
  text.className = `text ${data.kind}${data.framed ? " framed" : ""}`;
  if (data.kind === "list") text.replaceChildren(...(data.text ? [list(data.text)] : []));
  else text.textContent = data.text;
  foot.hidden = !data.copy;
  const button = foot.firstElementChild;
  button.textContent = data.copy;
  button.onclick = async () => {
    await copy(data.text);
    button.textContent = data.copied;
    setTimeout(() => (button.textContent = data.copy), 1600);
  };
}
