// Brings the marked words of the pane's picture into view: `data.at` is their height on the page, 0 to 1.
export default function ({ data }) {
  const image = document.querySelector(".st-key-pane img");
  if (!image || data.at === null) return;
  const move = () => {
    let box = image.parentElement;
    while (box && (box.scrollHeight <= box.clientHeight + 1 || getComputedStyle(box).overflowY === "visible")) box = box.parentElement;
    if (!box || box.matches('[data-testid="stMain"], body, html')) return;
    const place = image.getBoundingClientRect();
    const y = place.top + data.at * place.height - box.getBoundingClientRect().top;
    if (y < 40 || y > box.clientHeight - 60) box.scrollTop += y - box.clientHeight * 0.4;
  };
  if (image.complete && image.naturalHeight) requestAnimationFrame(move);
  image.addEventListener("load", move, { once: true });
}
