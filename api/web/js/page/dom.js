// Small helpers. Text goes in as text and never as markup: names in bundles and of files are strangers' words.

/** Something to be said to the person in the page's words: `key` names them. */
export class Trouble extends Error {
  constructor(key, values = {}) {
    super(key);
    this.key = key;
    this.values = values;
  }
}

/** An element with attributes and children (elements or text). */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function byId(id) {
  return document.getElementById(id);
}

/** What the page was made with: language, words, and whether the third-party scripts are there. */
export function pageData() {
  return JSON.parse(byId("data").textContent);
}

export function fill(text, values = {}) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (Object.hasOwn(values, name) ? String(values[name]) : whole));
}

/** Calls `take` with the files dropped on `area` or chosen in `input`. */
export function onFiles(area, input, take) {
  input.addEventListener("change", () => {
    const files = [...input.files];
    // the same file can be chosen again after it was changed
    input.value = "";
    if (files.length) take(files);
  });
  if (!area) return;
  for (const name of ["dragenter", "dragover"]) {
    area.addEventListener(name, (event) => {
      event.preventDefault();
      area.classList.add("over");
    });
  }
  area.addEventListener("dragleave", () => area.classList.remove("over"));
  area.addEventListener("drop", (event) => {
    event.preventDefault();
    area.classList.remove("over");
    const files = [...event.dataTransfer.files];
    if (files.length) take(files);
  });
  // a file that misses the area must not replace the page
  for (const name of ["dragover", "drop"]) window.addEventListener(name, (event) => event.preventDefault());
}
