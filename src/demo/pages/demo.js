// The demo's page: it shows the state that the server sends, and posts what people do. It decides nothing.
"use strict";

const $ = (id) => document.getElementById(id);
let state = null;
let me = "UJO";

/** An element with text and attributes. Text from the server never becomes markup. */
function make(tag, { text, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** Gives `parent` one child for each item. Rebuilds only those that changed, so that focus and selection stay. */
function sync(parent, items, build) {
  const present = new Map([...parent.children].map((child) => [child.dataset.id, child]));
  const wasAtEnd = parent.scrollHeight - parent.scrollTop - parent.clientHeight < 40;
  let hasGrown = false;
  items.forEach((item, at) => {
    const key = JSON.stringify(item);
    let child = present.get(item.id);
    present.delete(item.id);
    if (!child || child.itsKey !== key) {
      const fresh = build(item);
      fresh.dataset.id = item.id;
      fresh.itsKey = key;
      if (child) child.replaceWith(fresh);
      child = fresh;
      hasGrown = true;
    }
    if (parent.children[at] !== child) parent.insertBefore(child, parent.children[at] ?? null);
  });
  present.forEach((child) => child.remove());
  if (hasGrown && wasAtEnd) parent.scrollTop = parent.scrollHeight;
}

/** Text in which addresses are links that open in the member's browser on the right. */
function linked(text) {
  const paragraph = make("p");
  for (const part of text.split(/(https?:\/\/\S+)/)) {
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

/** A text object of Block Kit. Of its markup only *bold* and `code` are used here. */
function words(object, kind) {
  const paragraph = make("p", { class: kind });
  if (object.type !== "mrkdwn") {
    paragraph.textContent = object.text;
    return paragraph;
  }
  const plain = (text) => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
  for (const part of object.text.split(/(`[^`\n]+`|\*[^*\n]+\*)/)) {
    const tag = { "`": "code", "*": "b" }[part[0]];
    const isMarked = tag && part.length > 2 && part.endsWith(part[0]);
    paragraph.append(isMarked ? make(tag, { text: plain(part.slice(1, -1)) }) : plain(part));
  }
  return paragraph;
}

/** One block of a message. An unknown one is shown as JSON. */
function block(one, said) {
  switch (one.type) {
    case "header": return words(one.text, "header");
    case "section": return make("div", {}, ...[one.text, ...(one.fields ?? [])].filter(Boolean).map((text) => words(text, "plain")));
    case "context": return make("div", {}, ...one.elements.map((text) => words(text, "context")));
    case "divider": return make("hr");
    case "actions": return make("div", { class: "actions" }, ...one.elements.map((element) => button(element, said)));
    default: return make("pre", { text: JSON.stringify(one, null, 2) });
  }
}

function button(element, said) {
  const pressed = make("button", { type: "button", text: element.text.text, class: element.style, "data-action": element.action_id });
  pressed.addEventListener("click", async () => {
    pressed.setAttribute("aria-busy", "true");
    await act("click", { message: said.id, action_id: element.action_id });
    pressed.removeAttribute("aria-busy");
  });
  return pressed;
}

function message(said) {
  const isBot = said.from === "relatch";
  const name = isBot ? "relatch" : state.people.find((person) => person.id === said.from)?.name ?? said.from;
  const who = make("div", { class: "who" }, make("b", { text: name }), said.at);
  const body = make("div", { class: "said" });
  if (isBot) {
    who.append(make("span", { text: "Only visible to you" }));
    const raw = make("pre", { text: JSON.stringify(said.message, null, 2), hidden: true });
    const toggle = make("button", { type: "button", text: "JSON", "aria-expanded": "false" });
    toggle.addEventListener("click", () => {
      raw.hidden = !raw.hidden;
      toggle.setAttribute("aria-expanded", String(!raw.hidden));
    });
    who.append(toggle);
    body.append(...(said.message.blocks ?? []).map((one) => block(one, said)), raw);
  } else {
    body.append(make("p", { text: said.message.text }));
  }
  const face = make("span", { class: "face", "aria-hidden": "true", text: isBot ? "r" : name.split(" ").map((part) => part[0]).join("") });
  return make("article", { class: isBot ? "message bot" : "message" }, face, who, body);
}

const sms = (one) => make("div", { class: "sms" }, make("small", { text: `${one.at} · ${one.owner}, ${one.to}` }), linked(one.text));

const mail = (one) => make("div", { class: "mail" },
  make("small", { text: `${one.at} · ${one.owner}, ${one.to}` }), make("b", { text: one.subject }), linked(one.text));

/** A body as it was sent, and again decoded. */
function readable(body) {
  const pretty = (text) => { try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return null; } };
  const fields = body.includes("=") && !body.startsWith("{") ? [...new URLSearchParams(body)] : [];
  const lines = fields.map(([name, value]) => `${name} = ${pretty(value) ?? value}`);
  return pretty(body) ?? [body, ...(lines.length ? ["", ...lines] : [])].join("\n");
}

function exchange(one) {
  const { request, answer } = one;
  const summary = make("summary", {},
    make("span", { text: one.at }), make("b", { text: one.title }), make("span", { class: "way", text: one.direction }),
    make("span", { text: `${answer.status}${one.direction === "to relatch" ? ` in ${answer.ms} ms` : ""}` }));
  const head = [request.line, ...request.headers.map(([name, value]) => `${name}: ${value}`)].join("\n");
  return make("details", { class: "exchange" }, summary,
    make("pre", { text: `${head}\n\n${readable(request.body)}` }),
    make("pre", { text: `${answer.status}\n\n${readable(answer.body) || "(empty)"}` }));
}

/** The open form, as a dialog; Slack shows an error under its input. */
function showView() {
  const opened = state.views[me];
  const dialog = $("view");
  if (!opened) {
    if (dialog.open) dialog.close();
    dialog.replaceChildren();
    delete dialog.dataset.id;
    return;
  }
  if (dialog.dataset.id !== opened.id) {
    dialog.dataset.id = opened.id;
    const form = make("form", { method: "dialog" }, make("h2", { id: "view-title", text: opened.view.title.text }));
    for (const one of opened.view.blocks) form.append(one.type === "input" ? input(one) : block(one, opened));
    const row = make("div", { class: "row" });
    const close = make("button", { type: "button", id: "view-close", text: opened.view.close?.text ?? "Close" });
    close.addEventListener("click", () => act("close", { view: opened.id }));
    row.append(close, make("button", { type: "submit", id: "view-submit", class: "primary", text: opened.view.submit.text }));
    form.append(row);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      act("submit", { view: opened.id, values: Object.fromEntries(new FormData(form)) });
    });
    dialog.replaceChildren(form);
    dialog.showModal();
  }
  for (const line of dialog.querySelectorAll(".error")) {
    const error = opened.errors[line.dataset.block] ?? "";
    if (line.textContent !== error) line.textContent = error;
  }
}

function input(one) {
  const id = `input-${one.block_id}`;
  const field = make("input", { id, name: one.block_id, autocomplete: "off", maxlength: one.element.max_length, "aria-describedby": `${id}-more` });
  return make("div", {}, make("label", { for: id, text: one.label.text }), field,
    make("div", { id: `${id}-more` },
      make("p", { class: "hint", text: one.hint?.text ?? "" }),
      make("p", { class: "error", role: "alert", "data-block": one.block_id })));
}

function show() {
  const actors = state.people.filter((person) => person.can_act);
  sync($("people"), actors.map((person) => ({ ...person, isMe: person.id === me })), (person) => {
    const choice = make("button", { type: "button", "data-person": person.id, "aria-pressed": String(person.isMe) },
      person.name, make("small", { text: person.role }));
    choice.addEventListener("click", () => { me = person.id; $("messages").replaceChildren(); show(); });
    return choice;
  });
  sync($("suggestions"), state.suggestions.map((one) => ({ id: one.label, ...one })), (one) => {
    const chip = make("button", { type: "button", text: one.label });
    chip.addEventListener("click", () => { $("composer").value = one.text; $("composer").focus(); complete(); });
    return chip;
  });
  sync($("messages"), state.messages.filter((said) => said.to === me), message);
  sync($("phone"), state.phone, sms);
  sync($("mail"), state.mail, mail);
  sync($("exchanges"), [...state.wire].reverse(), exchange);
  $("count").textContent = state.wire.length ? `(${state.wire.length})` : "";
  $("clock").textContent = `${state.date} ${state.now} ${state.zone}${state.moved ? ` · ${state.moved} ahead` : ""}`;
  $("mina").textContent = `Before a reset: ${state.member.email}, “${state.member.password}”`;
  $("broken").hidden = !state.broken.length;
  $("broken").textContent = state.broken.map((one) => `Slack’s rules were broken at ${one.at}: ${one.text}`).join("\n");
  showView();
}

/** Posts what a person does. If it is refused, the reason is shown beside the composer. */
async function act(what, fields) {
  const answer = await fetch(`/demo/${what}`, {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ as: me, ...fields }),
  });
  const told = await answer.json().catch(() => ({ error: `The demo answered ${answer.status}.` }));
  $("problem").hidden = answer.ok;
  $("problem").textContent = answer.ok ? "" : told.error;
  await look();
  return answer.ok;
}

async function look() {
  const answer = await fetch(`/demo/state?seen=${state?.version ?? 0}`).catch(() => null);
  if (answer?.status !== 200) return;
  const fresh = await answer.json();
  state = fresh;
  show();
}

function browse(path) {
  $("browser").src = path;
}

$("browser").addEventListener("load", () => {
  const path = $("browser").contentWindow.location.pathname;
  $("address").textContent = path;
  $("outside").href = path;
});
for (const page of document.querySelectorAll("[data-page]")) page.addEventListener("click", () => browse(page.dataset.page));
for (const forward of document.querySelectorAll("[data-minutes]")) {
  forward.addEventListener("click", () => act("clock", { minutes: Number(forward.dataset.minutes) }));
}
$("view").addEventListener("cancel", (event) => {
  event.preventDefault();
  if ($("view").dataset.id) act("close", { view: $("view").dataset.id });
});

// Completion: the command and its words after "/", people after "@".
const COMPLETIONS = [
  ["/reset-password ", "set a new password for a member"],
  ["/reset-password help", "what there is"],
  ["/reset-password log", "what happened"],
  ["/reset-password why @", "which rules would hold"],
  ["/reset-password contact @", "where codes may go"],
];
let choices = [];
let chosen = -1;

function complete() {
  const text = $("composer").value;
  const at = text.lastIndexOf("@");
  const isOpen = at >= 0 && !state?.people.some((person) => text.slice(at + 1).startsWith(`${person.name} `));
  if (isOpen) {
    const begun = text.slice(at + 1).toLowerCase();
    choices = (state?.people ?? []).filter((person) => person.name.toLowerCase().startsWith(begun) && person.name.toLowerCase() !== begun)
      .map((person) => [`${text.slice(0, at)}@${person.name} `, person.about || person.role, `@${person.name}`]);
  } else {
    choices = text.startsWith("/") ? COMPLETIONS.filter(([whole]) => whole.startsWith(text) && whole !== text).map(([whole, about]) => [whole, about, whole]) : [];
  }
  chosen = -1;
  showChoices();
}

function showChoices() {
  const list = $("choices");
  list.hidden = !choices.length;
  $("composer").setAttribute("aria-expanded", String(choices.length > 0));
  list.replaceChildren(...choices.map(([, about, label], at) => {
    const item = make("li", { role: "option", id: `choice-${at}`, "aria-selected": String(at === chosen) }, label, make("small", { text: about }));
    item.addEventListener("mousedown", (event) => { event.preventDefault(); take(at); });
    return item;
  }));
  if (chosen >= 0) $("composer").setAttribute("aria-activedescendant", `choice-${chosen}`);
  else $("composer").removeAttribute("aria-activedescendant");
}

function take(at) {
  $("composer").value = choices[at][0];
  complete();
}

$("composer").addEventListener("input", complete);
$("composer").addEventListener("blur", () => { choices = []; showChoices(); });
$("composer").addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && choices.length) {
    event.preventDefault();
    chosen = (chosen + step + choices.length) % choices.length;
    showChoices();
  } else if (event.key === "Tab" && choices.length) {
    event.preventDefault();
    take(Math.max(chosen, 0));
  } else if (event.key === "Enter" && chosen >= 0) {
    event.preventDefault();
    take(chosen);
  } else if (event.key === "Escape") {
    choices = [];
    showChoices();
  }
});
$("say").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = $("composer").value.trim();
  if (!text) return;
  choices = [];
  showChoices();
  if (await act("say", { text })) $("composer").value = "";
});

look();
setInterval(() => { if (!document.hidden) look(); }, 400);
