// An SVG of ours, in the colours of the page around it. st.html takes every drawing out.
export default function ({ data, parentElement }) {
  const box = parentElement.querySelector(".picture");
  const drawn = new DOMParser().parseFromString(data.svg, "image/svg+xml").documentElement;
  box.setAttribute("aria-label", data.label);
  box.replaceChildren(document.importNode(drawn, true));
}
