// Theme, sorting, filters, pictures in large; without it all is there to read. What it finds in the page: MARKUP.md. It
// stands in the head, so that a chosen theme is there before the first paint.
"use strict";
(() => {
const KEY = "socio-report-theme";
const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const make = (tag, props = {}, ...children) => {
  const e = Object.assign(document.createElement(tag), props);
  e.append(...children);
  return e;
};

// ---- theme: what was chosen, else the system's (followed again once both agree). A private window may keep nothing.
const kept = (change) => { try { return change(localStorage); } catch { return null; } };
const before = kept((s) => s.getItem(KEY));
if (before === "light" || before === "dark") root.dataset.theme = before;
const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);

function theme() {
  const button = document.getElementById("theme");
  if (!button) return;
  const tell = () => button.setAttribute("aria-pressed", isDark());
  button.hidden = false;
  button.addEventListener("click", () => {
    const dark = !isDark();
    if (dark === system.matches) {
      delete root.dataset.theme;
      kept((s) => s.removeItem(KEY));
    } else {
      root.dataset.theme = dark ? "dark" : "light";
      kept((s) => s.setItem(KEY, root.dataset.theme));
    }
    tell();
  });
  system.addEventListener("change", tell);
  tell();
}

// ---- tables: a heading sorts each group's rows, then turns them, then puts them back
const words = new Intl.Collator("en", { numeric: true });
const TURNED = { ascending: "descending", descending: "ascending" };

function sortable(table, said) {
  const bodies = all("tbody", table).map((body) => [body, all("tr:not(.group)", body)]);
  const heads = all("th[data-col]", table);
  for (const head of heads) {
    const number = head.classList.contains("n");
    const column = Number(head.dataset.col);
    const first = head.dataset.first ?? (number ? "descending" : "ascending");
    const name = `${head.dataset.over ?? ""} ${head.textContent}`.trim();
    const button = make("button", { type: "button", className: "sort" }, ...head.childNodes);
    if (head.dataset.over) button.setAttribute("aria-label", name);
    head.append(button);
    const value = (row) => {
      const cell = row.cells[column];
      const v = cell?.dataset.v ?? (number ? "" : cell?.textContent.trim() ?? "");
      if (v === "") return null;
      return number ? (Number.isFinite(Number(v)) ? Number(v) : null) : v;
    };
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      const next = !now ? first : now === first ? TURNED[first] : null;
      for (const h of heads) h.removeAttribute("aria-sort");
      if (next) head.setAttribute("aria-sort", next);
      const sign = next === "descending" ? -1 : 1;
      for (const [body, rows] of bodies) {
        const keyed = rows.map((row) => [row, value(row)]);
        if (next) {
          keyed.sort(([, a], [, b]) =>
            a === null || b === null ? (a === null) - (b === null) : sign * (number ? a - b : words.compare(a, b)));
        }
        body.append(...keyed.map(([row]) => row));
      }
      said.textContent = next ? `Sorted by ${name}, ${next}` : "In the first order";
    });
  }
}

// ---- samples
const ORDER = {
  worst: (a) => [a.dataset.iou, 1],
  best: (a) => [a.dataset.iou, -1],
  harm: (a) => [a.dataset.gain, 1],
};
const folded = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

function gallery(form) {
  const list = document.getElementById("samples");
  const count = document.getElementById("count");
  const empty = document.getElementById("empty");
  const cards = all(".sample", list);
  const texts = new Map();
  const text = (card) => {
    if (!texts.has(card)) texts.set(card, folded(all("h3, .about, pre", card).map((e) => e.textContent).join("\n")));
    return texts.get(card);
  };
  const field = (name) => form.elements[name]?.value ?? "";
  let order = "";
  const apply = () => {
    const sought = folded(field("text").trim());
    let shown = 0;
    for (const card of cards) {
      const fits = ["run", "level", "status"].every((k) => !field(k) || card.dataset[k] === field(k))
        && (!sought || text(card).includes(sought));
      card.hidden = !fits;
      shown += fits;
    }
    if (order !== field("sort")) {
      order = field("sort");
      const key = ORDER[order];
      const rank = (card) => {
        const [v, sign] = key(card);
        return v ? sign * v : Infinity; // nothing to sort by: at the end
      };
      list.append(...(key ? [...cards].sort((a, b) => rank(a) - rank(b) || 0) : cards)); // ∞ - ∞ is none: as it was
    }
    count.textContent = `${shown} of ${cards.length} shown`;
    empty.hidden = shown > 0;
  };
  let wait = 0;
  form.addEventListener("input", (e) => {
    clearTimeout(wait);
    // Typing is waited for, so that the count is not read out at every letter.
    wait = setTimeout(apply, e.target.type === "search" ? 200 : 0);
  });
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (e) => e.preventDefault());
  // A link to a sample that is filtered away brings it back.
  const follow = () => {
    const card = document.getElementById(location.hash.slice(1))?.closest(".sample[hidden]");
    if (!card) return;
    form.reset();
    apply();
    card.scrollIntoView();
  };
  addEventListener("hashchange", follow);
  form.hidden = false;
  apply(); // a browser may have kept the fields over a reload
  follow();
}

// ---- pictures in large, one after the other in the same place
function enlarge() {
  const image = make("img", { alt: "" });
  const caption = make("p");
  caption.setAttribute("aria-live", "polite");
  const button = (label, act) => make("button", { type: "button", className: "button", textContent: label, onclick: act });
  const buttons = [button("Previous", () => show(at - 1)), button("Next", () => show(at + 1)), button("Close", () => dialog.close())];
  const dialog = make("dialog", {}, image, make("div", {}, caption, ...buttons));
  dialog.setAttribute("aria-label", "Picture in large");
  document.body.append(dialog);
  let opener, set, at;
  const show = (next) => {
    at = (next + set.length) % set.length;
    const { src, alt } = set[at];
    Object.assign(image, { src, alt });
    const part = (tag, within, what) => make(tag, { textContent: set[at].closest(within).querySelector(what).textContent });
    caption.replaceChildren(part("b", "figure", "figcaption"), " · ", part("bdi", ".sample", "h3"), ` · ${at + 1} of ${set.length}`);
  };
  dialog.addEventListener("keydown", (e) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
    if (step) show(at + step);
    // The browser's own trap lets the focus out to its bars.
    const turn = e.key === "Tab" && (e.shiftKey ? [0, 2] : [2, 0]);
    if (turn && document.activeElement === buttons[turn[0]]) buttons[turn[1]].focus();
    else if (!step) return;
    e.preventDefault();
  });
  dialog.onclick = (e) => { if (e.target === dialog) dialog.close(); };
  dialog.onclose = () => opener.focus();
  for (const picture of all(".pic img")) {
    const open = make("button", { type: "button", className: "zoom" }, make("span", { className: "sr", textContent: "Enlarge: " }));
    picture.replaceWith(open);
    open.append(picture);
    open.onclick = () => {
      opener = open;
      set = all(".pic img", open.closest(".sample"));
      show(set.indexOf(picture));
      dialog.showModal();
      buttons[2].focus();
    };
  }
}

// ---- the list of sections tells where one is
function place() {
  const links = new Map(all(".toc a").map((a) => [a.hash.slice(1), a]));
  const watch = new IntersectionObserver((seen) => {
    for (const { target, isIntersecting } of seen) {
      if (!isIntersecting) continue;
      for (const [id, a] of links) {
        if (id === target.id) a.setAttribute("aria-current", "true");
        else a.removeAttribute("aria-current");
      }
    }
  }, { rootMargin: "-15% 0px -75% 0px" });
  for (const id of links.keys()) {
    const section = document.getElementById(id);
    if (section) watch.observe(section);
  }
}

addEventListener("DOMContentLoaded", () => {
  theme();
  const said = make("p", { className: "sr" });
  said.setAttribute("role", "status");
  document.body.append(said);
  for (const table of all("table")) sortable(table, said);
  const form = document.getElementById("filters");
  if (form) gallery(form);
  if (document.querySelector(".pic img")) enlarge();
  place();
});
})();
