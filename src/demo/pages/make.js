// Elements of the page: text from the server never becomes markup.

export const $ = (id) => document.getElementById(id);

/** An element with text and attributes. */
export function make(tag, { text, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** A paragraph of these parts. Code that stands alone in it is a password, which is shown large. */
export function paragraph(kind, ...parts) {
  const made = make("p", { class: kind }, ...parts);
  if (made.childNodes.length === 1 && made.firstChild.nodeName === "CODE") made.classList.add("alone");
  return made;
}

/** Puts `fresh` in the place of `old`. The focus goes to the same box, else to the whole, so that it is read from its start. */
function replace(old, fresh) {
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  old.replaceWith(fresh);
  if (!focused) return;
  const again = focused.type === "checkbox" && fresh.querySelector(`input[data-action="${focused.dataset.action}"]`);
  (again || fresh).focus({ preventScroll: true });
}

/** Gives `parent` one child for each item. Rebuilds only those that changed, so that focus and selection stay. */
export function sync(parent, items, build) {
  const present = new Map([...parent.children].map((child) => [child.dataset.id, child]));
  const last = parent.lastElementChild;
  const wasInView = !last || last.getBoundingClientRect().top < parent.getBoundingClientRect().bottom;
  let newest = null;
  items.forEach((item, at) => {
    const key = JSON.stringify(item);
    let child = present.get(item.id);
    present.delete(item.id);
    if (!child || child.itsKey !== key) {
      const fresh = build(item);
      fresh.dataset.id = item.id;
      fresh.itsKey = key;
      if (child) replace(child, fresh);
      child = fresh;
      newest = child;
    }
    if (parent.children[at] !== child) parent.insertBefore(child, parent.children[at] ?? null);
  });
  present.forEach((child) => child.remove());
  if (newest && (wasInView || newest === document.activeElement)) showWhole(parent, newest);
  return newest;
}

/** Scrolls to the end, but no further than to the first line of the newest one. */
export function showWhole(parent, newest) {
  const top = parent.scrollTop + newest.getBoundingClientRect().top - parent.getBoundingClientRect().top - 8;
  parent.scrollTop = Math.min(parent.scrollHeight - parent.clientHeight, top);
}

/** Text in which addresses are links that open in the member's browser. */
export function linked(text, browse) {
  const paragraph = make("p");
  for (const part of text.split(/(https?:\/\/\S*[^\s.,;:!?)"'’”])/)) {
    if (!/^https?:/.test(part)) {
      paragraph.append(part);
      continue;
    }
    const link = make("a", { text: part, href: part });
    link.addEventListener("click", (event) => {
      const url = new URL(part);
      if (url.origin !== location.origin) return;
      event.preventDefault();
      browse(url.pathname);
    });
    paragraph.append(link);
  }
  return paragraph;
}

/** A body as it was sent, and again decoded. */
export function readable(body) {
  const pretty = (text) => { try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return null; } };
  const fields = body.includes("=") && !body.startsWith("{") ? [...new URLSearchParams(body)] : [];
  const lines = fields.map(([name, value]) => `${name} = ${pretty(value) ?? value}`);
  return pretty(body) ?? [body, ...(lines.length ? ["", ...lines] : [])].join("\n");
}

/** A long text that can be scrolled by the keyboard too. */
export const scrolled = (text, name, more = {}) =>
  make("pre", { text, tabindex: "0", role: "group", "aria-label": name, ...more });
