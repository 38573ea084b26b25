// The demo's page: it shows the state that the server sends, and posts what people do. It decides nothing.
import { $, linked, make, readable, scrolled, showWhole, sync } from "/demo/make.js";
import * as completion from "/demo/complete.js";
import * as discord from "/demo/discord.js";
import * as lark from "/demo/lark.js";
import * as mattermost from "/demo/mattermost.js";
import * as slack from "/demo/slack.js";

/** How each chat draws what it is sent. */
const LOOKS = { discord, lark, mattermost, slack };

let state = null;
let me = "UJO";
let chat = "slack";
/** True while the workspace restarts: a missing answer is no error then. */
let isRestarting = false;
/** Where something was pressed last, and what relatch said before; until the answer is there or the visitor does something else. */
let pressed = null;
/** The message whose button opened the dialog. */
let dialogOf = null;
/** How many messages for the member there were when the visitor last did something, in the chat or in her browser. */
let seenOfHers = 0;
/** True where the visitor last did something in the chat, and not in the member's browser. */
let isInChat = false;

const look = () => LOOKS[chat] ?? slack;
const isNarrow = () => matchMedia("(max-width: 46rem)").matches;

function message(said) {
  const isApp = said.from === "relatch";
  const name = isApp ? "relatch" : state.people.find((person) => person.id === said.from)?.name ?? said.from;
  const who = make("div", { class: "who" }, make("b", { text: name }), isApp ? make("span", { class: "app", text: "APP" }) : null, make("time", { text: said.at }));
  const body = make("div", { class: "said" });
  if (isApp) {
    if (said.ephemeral) who.append(make("span", { class: "private", text: look().PRIVATE ?? "Only visible to you" }));
    const raw = scrolled(JSON.stringify(said.message, null, 2), "JSON of this message", { hidden: true });
    const toggle = make("button", { type: "button", text: "JSON", "aria-label": "JSON of this message", "aria-expanded": "false" });
    toggle.addEventListener("click", () => {
      raw.hidden = !raw.hidden;
      toggle.setAttribute("aria-expanded", String(!raw.hidden));
    });
    who.append(toggle);
    body.append(...look().draw(said, (control, more) => press(said, control, more)), raw);
  } else {
    body.append(make("p", { text: said.message.text }));
  }
  const face = make("span", { class: "face", "aria-hidden": "true", text: isApp ? "r" : name.split(" ").map((part) => part[0]).join("") });
  return make("article", { class: isApp ? "message bot" : "message", tabindex: "-1", "aria-label": `${name}, ${said.at}` }, face, who, body);
}

/** Presses something in a message, or sends a form that stands in it. Whatever takes its place gets the focus. */
async function press(said, control, more) {
  awaitAnswer(said.id);
  goOn(true);
  control.setAttribute("aria-busy", "true");
  const isDone = await act(more.values ? "submit" : "click", { message: said.id, ...more });
  control.removeAttribute("aria-busy");
  // A box shows what is on record.
  if (!isDone && control.type === "checkbox") control.checked = control.defaultChecked;
}

const arrived = (one, kind) => make("div", { class: kind },
  make("small", { text: `${one.at} · ${one.owner}, ${one.to}` }), one.subject ? make("b", { text: one.subject }) : null, linked(one.text, browse));

function exchange(one) {
  const { request, answer } = one;
  const summary = make("summary", {},
    make("span", { text: one.at }), make("b", { text: one.title }), make("span", { class: "way", text: one.direction }),
    make("span", { text: `${answer.status}${one.direction === "to relatch" ? ` in ${answer.ms} ms` : ""}` }));
  const head = [request.line, ...request.headers.map(([name, value]) => `${name}: ${value}`)].join("\n");
  return make("details", { class: "exchange" }, summary,
    scrolled(`${head}\n\n${readable(request.body)}`, `Request: ${one.title}, ${one.at}`),
    scrolled(`${answer.status}\n\n${readable(answer.body) || "(empty)"}`, `Answer: ${one.title}, ${one.at}`));
}

/** The open form, as a dialog, with the errors under the inputs. */
function showView() {
  const opened = state.views[chat]?.[me];
  const dialog = $("view");
  if (!opened) {
    if (dialog.open) dialog.close();
    dialog.replaceChildren();
    delete dialog.dataset.id;
    return;
  }
  if (dialog.dataset.id !== opened.id) {
    dialog.dataset.id = opened.id;
    const { title, submit, close, parts } = look().form(opened.view);
    const form = make("form", { method: "dialog" }, make("h2", { id: "view-title", text: title }));
    form.append(...parts.map((part) => part instanceof Node ? part : input(part)));
    const closes = make("button", { type: "button", id: "view-close", text: close });
    closes.addEventListener("click", closeView);
    form.append(make("div", { class: "row" }, closes, make("button", { type: "submit", id: "view-submit", class: "primary", text: submit })));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      goOn(true);
      if (dialogOf) awaitAnswer(dialogOf);
      $("view-submit").setAttribute("aria-busy", "true");
      await act("submit", { view: opened.id, values: Object.fromEntries(new FormData(form)) });
      $("view-submit")?.removeAttribute("aria-busy");
    });
    dialog.replaceChildren(form);
    dialogOf = pressed?.id ?? null;
    pressed = null;
    if (!dialog.open) dialog.showModal();
  }
  for (const line of dialog.querySelectorAll(".error")) {
    const error = opened.errors[line.dataset.block] ?? opened.errors[""] ?? "";
    if (line.textContent !== error) line.textContent = error;
  }
}

function closeView() {
  if (dialogOf) awaitAnswer(dialogOf);
  act("close", {});
}

function input({ name, label, hint, most }) {
  const id = `input-${name}`;
  const field = make("input", { id, name, autocomplete: "off", maxlength: most, "aria-describedby": `${id}-more` });
  return make("div", {}, make("label", { for: id, text: label }), field,
    make("div", { id: `${id}-more` },
      make("p", { class: "hint", text: hint ?? "" }),
      make("p", { class: "error", role: "alert", "data-block": name })));
}

/** The errors of this run that were shown: each is shown once. */
const toastsShown = new Set();

/** What the chat says above everything, for a moment. */
function showToast() {
  const said = state.toasts.find((one) => one.to === me && one.chat === chat);
  const toast = $("toast");
  const id = said ? `${state.run} ${said.id}` : "";
  if (toast.dataset.id === id) return;
  toast.dataset.id = id;
  toast.hidden = !said || toastsShown.has(id);
  toastsShown.add(id);
  toast.textContent = said?.text ?? "";
  if (said) setTimeout(() => { if (toast.dataset.id === id) toast.hidden = true; }, 10_000);
}

const appMessages = () => [...$("messages").querySelectorAll(".message.bot")];

/** From now on, what changes in this message, or comes after it, is the answer to a press. */
function awaitAnswer(id) {
  const said = appMessages();
  pressed = { id, key: said.find((one) => one.dataset.id === id)?.itsKey, before: new Set(said.map((one) => one.dataset.id)) };
}

/** Gives the focus to relatch's answer to the last press: the message in the place of the pressed one, else the new one. */
function refocus() {
  if (!pressed || $("view").open) return;
  const said = appMessages();
  const same = said.find((one) => one.dataset.id === pressed.id);
  const fresh = said.findLast((one) => !pressed.before.has(one.dataset.id));
  const answer = same && same.itsKey !== pressed.key ? same : fresh ?? (same ? null : said.at(-1));
  if (!answer) return;
  pressed = null;
  const at = document.activeElement;
  // Where the pressed message stays as it is, the focus is still on what was pressed.
  const isFree = !at || at === document.body || same?.contains(at);
  if (isFree && !answer.contains(at)) answer.focus({ preventScroll: true });
}

/** Whoever goes on elsewhere is not called back. */
for (const deed of ["pointerdown", "keydown"]) document.addEventListener(deed, () => { pressed = null; }, true);

/** Changes the person in the chat column. */
function be(person) {
  if (me === person) return;
  me = person;
  $("messages").replaceChildren();
  show();
}

/** One tab for each person, where there is room for one column only. */
function showTab(id) {
  document.body.dataset.tab = id;
  if (id !== "member") be(id);
  if (state) show();
}

function showPeople() {
  const actors = state.people.filter((person) => person.can_act);
  sync($("people"), actors.map((person) => ({ ...person, isMe: person.id === me })), (person) => {
    const choice = make("button", { type: "button", "data-person": person.id, "aria-pressed": String(person.isMe), title: person.role },
      make("b", { text: person.name }), " ", make("small", { text: person.role }));
    choice.addEventListener("click", () => be(person.id));
    return choice;
  });
  const at = document.body.dataset.tab;
  const tabs = [...actors.map(({ id, name, role }) => ({ id, name, about: role, panel: "workspace" })),
    { id: "member", name: state.member.name, about: "phone, mail, browser", panel: "outside" }];
  sync($("tabs"), tabs.map((tab) => ({ ...tab, isOpen: tab.id === at })), (tab) => {
    const button = make("button", {
      type: "button", role: "tab", "data-tab": tab.id, "aria-selected": String(tab.isOpen), "aria-controls": tab.panel, tabindex: tab.isOpen ? "0" : "-1", "aria-label": `${tab.name}: ${tab.about}`,
    }, make("b", { text: tab.name.split(" ")[0] }));
    button.addEventListener("click", () => showTab(tab.id));
    return button;
  });
}

function showSuggestions() {
  sync($("suggestions"), state.suggestions.map((one) => ({ ...one, id: `${one.as} ${one.label}` })), (one) => {
    const chip = make("button", { type: "button", "data-command": one.text }, make("b", { text: `${one.who}:` }), ` ${one.label}`);
    chip.addEventListener("click", () => suggest(one, chip));
    return chip;
  });
  sync($("profiles"), state.profiles.map((one) => ({ ...one, isOn: one.id === state.profile })), profile);
  $("profiles").hidden = state.profiles.length < 2;
  sync($("chats"), state.chats.map((one) => ({ ...one, isOn: one.id === chat })), (one) => {
    const chip = make("button", { type: "button", "data-chat": one.id, "aria-pressed": String(one.isOn), text: one.name });
    chip.addEventListener("click", () => {
      if (chat === one.id) return;
      chat = one.id;
      $("workspace").dataset.chat = chat;
      $("messages").replaceChildren();
      show();
    });
    return chip;
  });
  $("chats").hidden = state.chats.length < 2;
}

/** A setting of the demo. The first press asks where something would be wiped, the second one starts anew. */
function profile(one) {
  const chip = make("button", { type: "button", "data-profile": one.id, "aria-pressed": String(one.isOn), title: one.about, text: one.label });
  const isAsked = () => chip.textContent !== one.label;
  chip.addEventListener("click", () => {
    if (one.isOn || isRestarting) return;
    if (state.messages.length && !isAsked()) {
      chip.textContent = `${one.label}: start anew? ${state.is_kept ? "The page is cleared, the record stays." : "This wipes all."}`;
    } else {
      restart(one.id, chip);
    }
  });
  chip.addEventListener("blur", () => { if (!isRestarting) chip.textContent = one.label; });
  return chip;
}

/** Sends a ready command as the person whom it is for. */
async function suggest(one, chip) {
  goOn(true);
  chip?.setAttribute("aria-busy", "true");
  if (isNarrow()) showTab(one.as);
  be(one.as);
  await act("say", { text: one.text });
  chip?.removeAttribute("aria-busy");
  const { lastElementChild } = $("messages");
  if (lastElementChild) showWhole($("messages"), lastElementChild);
}

/** Where the member's browser is, by the columns of the page. */
function place() {
  if (isNarrow()) return "in her own tab";
  return matchMedia("(max-width: 68rem)").matches ? "below" : "on the right";
}

/** What stands in the chat column before anything was said. */
function empty() {
  const first = state.suggestions[0];
  const begin = make("button", { type: "button", class: "primary", id: "begin", text: `${first.who}: ${first.label}` });
  begin.addEventListener("click", () => suggest(first, begin));
  const step = (...parts) => make("li", {}, ...parts);
  const arrives = state.profile === "password"
    ? `the password arrives on her phone, and she signs in ${place()}`
    : `a link arrives on her phone, and she opens it ${place()}`;
  return make("div", { class: "empty" },
    make("p", {}, make("b", { text: "relatch resets members’ passwords from team chat." }),
      " Mina is locked out, and Jo is an administrator. Play it in three steps:"),
    make("ol", {},
      step("Press ", begin, " or type ", make("code", { text: "/" }), " below."),
      step("Choose a way on the card, look once more, confirm."),
      step(`Then be ${state.member.name.split(" ")[0]}: ${arrives}.`)));
}

/** Shows that. What is there already and is still right stays, with its focus. */
function showEmpty() {
  const fresh = empty();
  if ($("messages").textContent !== fresh.textContent) $("messages").replaceChildren(fresh);
}

const ofHers = () => [...state.phone, ...state.mail].filter((one) => one.owner === state.member.name).length;

/** Says whose turn it is when something has arrived for the member, until somebody goes on. */
function showNext() {
  const isHerTurn = isInChat && ofHers() > seenOfHers;
  const text = isHerTurn ? `Something arrived for ${state.member.name.split(" ")[0]}. Now be her: ${place()}.` : "";
  $("next").hidden = !isHerTurn;
  if ($("next").textContent !== text) $("next").textContent = text;
}

function show() {
  showPeople();
  showSuggestions();
  completion.setPeople(state.people);
  completion.setChat(chat);
  const said = state.messages.filter((one) => one.to === me && one.chat === chat);
  const hadFocus = $("messages").contains(document.activeElement);
  // The hint takes room from the messages, so it is drawn before they scroll.
  showNext();
  if (said.length) {
    $("messages").querySelector(".empty")?.remove();
    sync($("messages"), said, message);
  } else {
    showEmpty();
  }
  // The message that had the focus is gone.
  if (hadFocus && document.activeElement === document.body) appMessages().at(-1)?.focus({ preventScroll: true });
  sync($("phone"), state.phone, (one) => arrived(one, "sms"));
  sync($("mail"), state.mail, (one) => arrived(one, "mail"));
  for (const box of ["phone", "mail"]) {
    if (!state[box].length) $(box).replaceChildren(make("p", { class: "nothing", text: "Nothing arrived yet." }));
  }
  sync($("exchanges"), [...state.wire].reverse(), exchange);
  $("count").textContent = state.wire.length ? `(${state.wire.length})` : "";
  $("clock").textContent = `${state.date} ${state.now} ${state.zone}${state.moved ? ` · ${state.moved} ahead` : ""}`;
  $("member").textContent = `Her old sign-in: ${state.member.email}, password “${state.member.password}”`;
  $("broken").hidden = !state.broken.length;
  $("broken").textContent = state.broken.map((one) => `${state.chats.find(({ id }) => id === one.chat)?.name ?? one.chat}’s rules were broken at ${one.at}: ${one.text}`).join("\n");
  showView();
  showToast();
  refocus();
}

/** Says that the demo's server is gone, or that it is back. */
function setOffline(isOffline) {
  document.body.classList.toggle("offline", isOffline);
  $("offline").hidden = !isOffline;
  nameSend();
}

/** What Send says; while a text is under way, that. */
function nameSend() {
  const isOffline = document.body.classList.contains("offline");
  $("send").textContent = $("send").hasAttribute("aria-busy") ? "Sending …" : isOffline ? "Offline" : "Send";
}

function problem(text) {
  $("problem").hidden = !text;
  $("problem").textContent = text;
}

/** Takes the hint away: somebody goes on, in the chat or in the member's browser. */
function goOn(inChat) {
  isInChat = inChat;
  if (!state) return;
  seenOfHers = ofHers();
  showNext();
}

/** Posts what a person does. If it is refused, the reason is shown beside the composer. */
async function act(what, fields) {
  const answer = await fetch(`/demo/${what}`, {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ as: me, chat, ...fields }),
  }).catch(() => null);
  setOffline(!answer);
  if (!answer) return false;
  const told = await answer.json().catch(() => ({ error: `The demo answered ${answer.status}.` }));
  problem(answer.ok ? "" : told.error);
  await refresh();
  return answer.ok;
}

/** Starts the workspace anew with another setting, and waits until it is there. */
async function restart(profile, chip) {
  isRestarting = true;
  const before = state.run;
  chip.setAttribute("aria-busy", "true");
  if (await act("restart", { profile })) {
    const until = Date.now() + 60_000;
    while (state.run === before && Date.now() < until) {
      await new Promise((done) => setTimeout(done, 100));
      await refresh();
    }
    // Without a word about tabs: on a phone, whoever is shown stays.
    $("browser").src = "/signin";
  }
  chip.removeAttribute("aria-busy");
  isRestarting = false;
  setOffline(state.run === before);
}

async function refresh() {
  const answer = await fetch(`/demo/state?run=${state?.run ?? ""}&seen=${state?.version ?? 0}`).catch(() => null);
  if (!isRestarting) setOffline(!answer);
  if (answer?.status !== 200) return;
  const before = state?.run;
  state = await answer.json();
  if (state.run !== before) seenOfHers = ofHers();
  show();
}

function browse(path) {
  goOn(false);
  $("browser").src = path;
  if (isNarrow()) showTab("member");
}

/** A page is in the frame. */
function pageCame() {
  let page;
  try {
    page = $("browser").contentDocument;
    const { pathname } = page.location;
    if (pathname === "blank") return;
    $("address").textContent = pathname;
    $("own-tab").href = pathname;
  } catch {
    // A page that the browser made itself, such as one about an error, shows nothing of itself.
    $("address").textContent = "(no page)";
    return;
  }
  // Tab may only pass through.
  for (const deed of ["pointerdown", "keydown"]) page.addEventListener(deed, ({ key }) => { if (key !== "Tab") goOn(false); }, true);
  // The frame holds this program's pages only: what leads elsewhere opens in a tab.
  page.addEventListener("click", ({ target }) => {
    const link = target.closest("a[href]");
    if (link && /^https?:$/.test(link.protocol) && link.origin !== location.origin) {
      link.target = "_blank";
      link.rel = "noopener noreferrer";
    }
  }, true);
}
$("browser").addEventListener("load", pageCame);
$("own-tab").addEventListener("click", () => goOn(false));
// It may have come before this script.
if ($("browser").contentDocument?.readyState === "complete") pageCame();
for (const width of ["46rem", "68rem"]) matchMedia(`(max-width: ${width})`).addEventListener("change", () => { if (state) show(); });
for (const page of document.querySelectorAll("[data-page]")) page.addEventListener("click", () => browse(page.dataset.page));
for (const forward of document.querySelectorAll("[data-minutes]")) {
  forward.addEventListener("click", () => act("clock", { minutes: Number(forward.dataset.minutes) }));
}
$("tabs").addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const tabs = [...$("tabs").children];
  const next = step && tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length]?.dataset.tab;
  if (!next) return;
  showTab(next);
  $("tabs").querySelector(`[data-tab="${next}"]`).focus();
});
$("view").addEventListener("cancel", (event) => {
  event.preventDefault();
  if ($("view").dataset.id) closeView();
});
$("say").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = $("composer").value.trim();
  if (!text || $("send").getAttribute("aria-busy")) return;
  completion.close();
  goOn(true);
  $("send").setAttribute("aria-busy", "true");
  nameSend();
  const isSent = await act("say", { text });
  $("send").removeAttribute("aria-busy");
  nameSend();
  if (isSent) $("composer").value = "";
});

completion.start();
refresh();
setInterval(() => { if (!document.hidden) refresh(); }, 400);
