// A page's text as it was read, the quoted words marked. All of it is textContent.
export default function ({ data, parentElement }) {
  const box = parentElement.querySelector(".passage");
  const [before, mark, after] = box.children;
  before.textContent = data.before;
  mark.textContent = data.quote;
  after.textContent = data.after;
  box.setAttribute("aria-label", data.label);
  box.style.maxHeight = data.height ? `${data.height}px` : "none";
  box.scrollTop = data.quote ? Math.max(0, mark.offsetTop - box.offsetTop - 60) : 0;
}
