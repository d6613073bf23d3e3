// What all pages share: the large-text switch, and the parts that need scripts.

import { byId } from "./dom.js";

const KEY = "zhengyin-large";

export function startFrame() {
  document.documentElement.classList.add("scripted");
  const button = byId("large");
  if (!button) return;
  button.hidden = false;
  const set = (large) => {
    document.documentElement.classList.toggle("large", large);
    button.setAttribute("aria-pressed", String(large));
  };
  set(remembered() === "yes");
  button.addEventListener("click", () => {
    const large = button.getAttribute("aria-pressed") !== "true";
    set(large);
    try {
      localStorage.setItem(KEY, large ? "yes" : "no");
    } catch {
      // a browser that keeps nothing still enlarges
    }
  });
}

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
