// Brings the marked words of the pane's picture into view: `data.at` is their height on the page, 0 to 1.
function scroller(node) {
  for (let box = node.parentElement; box; box = box.parentElement) {
    if (box.matches('[data-testid="stMain"], body, html')) return null;
    const scrolls = ["auto", "scroll"].includes(getComputedStyle(box).overflowY);
    if (scrolls && box.scrollHeight > box.clientHeight + 1) return box;
  }
  return null;
}

export default function ({ data }) {
  const image = document.querySelector(".st-key-pane img");
  if (!image || data.at === null) return;
  const move = () => {
    const box = scroller(image);
    if (!box) return;
    const place = image.getBoundingClientRect();
    const y = place.top + data.at * place.height - box.getBoundingClientRect().top;
    if (y < 40 || y > box.clientHeight - 60) box.scrollTop += y - box.clientHeight * 0.4;
  };
  if (image.complete && image.naturalHeight) requestAnimationFrame(move);
  image.addEventListener("load", move, { once: true });
}
