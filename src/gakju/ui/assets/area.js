// A text area that tells what is written while it is written; with line numbers where it holds a file.
const PAUSE = 250;

export default function ({ data, parentElement, setStateValue }) {
  const field = parentElement.querySelector(".field");
  const [label, area, lines] = ["label", "textarea", ".lines"].map((s) => field.querySelector(s));
  if (!field.dataset.ready) {
    field.dataset.ready = "yes";
    area.value = data.start;
    let told = data.start, timer = 0;
    const tell = () => {
      clearTimeout(timer);
      if (area.value !== told) setStateValue("text", (told = area.value));
    };
    let composing = false;
    area.addEventListener("compositionstart", () => (composing = true));
    area.addEventListener("compositionend", () => (composing = false));
    area.addEventListener("input", () => {
      number();
      clearTimeout(timer);
      timer = setTimeout(tell, composing ? 3 * PAUSE : PAUSE);
    });
    area.addEventListener("blur", tell);
    area.addEventListener("scroll", () => (lines.scrollTop = area.scrollTop));
  }
  function number() {
    if (!field.classList.contains("mono")) return;
    const wrong = new Set(JSON.parse(field.dataset.wrong));
    const count = area.value.split("\n").length;
    if (lines.childElementCount === count && lines.dataset.wrong === field.dataset.wrong) return;
    lines.dataset.wrong = field.dataset.wrong;
    lines.replaceChildren(...Array.from({ length: count }, (_, i) => {
      const node = document.createElement("li");
      node.textContent = String(i + 1);
      if (wrong.has(i + 1)) node.className = "wrong";
      return node;
    }));
    lines.scrollTop = area.scrollTop;
  }
  label.textContent = data.label;
  label.className = data.hidden ? "hidden" : "";
  label.htmlFor = area.id = `area-${data.id}`;
  area.placeholder = data.placeholder;
  area.maxLength = data.longest;
  area.rows = data.rows;
  field.classList.toggle("mono", data.mono);
  field.dataset.wrong = JSON.stringify(data.wrong);
  area.setAttribute("aria-invalid", String(data.wrong.length > 0));
  number();
}
