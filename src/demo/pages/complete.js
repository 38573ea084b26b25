// Completion in the composer, as chats have it: commands after "/", people after "@". It follows the pattern "Editable combobox
// with list autocomplete" of the ARIA Authoring Practices.
import { $, make } from "/demo/make.js";

const COMMAND = "/reset-password";

/** The command and its words, each with what comes after it and what it does. */
const COMMANDS = [
  [`${COMMAND} `, "@member [reason]", "set a new password for a member"],
  [`${COMMAND} why `, "@member", "which rules would allow a reset"],
  [`${COMMAND} contact `, "@member +82… or email", "add where their codes may go"],
  [`${COMMAND} log `, "[@member]", "what happened"],
  [`${COMMAND} log refused `, "[@member]", "tries that were refused"],
  [`${COMMAND} help`, "", "all commands"],
];

/** The same in Discord, where the words after the command are options with names. */
const OPTIONS = [
  [`${COMMAND} `, "member:@member words:reason", "set a new password for a member"],
  [`${COMMAND} show:why `, "member:@member", "which rules would allow a reset"],
  [`${COMMAND} show:contact `, "member:@member words:+82… or email", "add where their codes may go"],
  [`${COMMAND} show:log `, "[member:@member]", "what happened"],
  [`${COMMAND} show:log words:refused `, "[member:@member]", "tries that were refused"],
  [`${COMMAND} show:help`, "", "all commands"],
];

let commands = COMMANDS;
let people = [];
let choices = [];
let chosen = -1;

const composer = () => $("composer");

/** What is typed before the caret, and what stands behind it. */
function typed() {
  const { value, selectionStart } = composer();
  const at = selectionStart ?? value.length;
  return [value.slice(0, at), value.slice(at)];
}

/** The people who fit to what was typed after "@": a part of the name that begins with it, or the handle. */
function mentions(before, begun) {
  const fits = (person) => [...person.name.split(" "), person.name, person.handle].some((part) => part.toLowerCase().startsWith(begun));
  return people.filter(fits).map((person) => ({
    text: `${before}@${person.name} `, label: `@${person.name}`, hint: "", about: person.about || person.role,
  }));
}

function find() {
  const [before, behind] = typed();
  // An "@" inside a word belongs to an address.
  const mention = /^(.*(?:^|\s|member:))@([^@]*)$/.exec(before);
  if (mention) {
    const [, start, begun] = mention;
    const isWhole = people.some((person) => begun === person.name || begun.startsWith(`${person.name} `));
    return isWhole ? [] : mentions(start, begun.toLowerCase());
  }
  if (!before.startsWith("/") || behind) return [];
  return commands.filter(([text]) => text.startsWith(before) && text.trim() !== before.trim() || text === `${before} `)
    .map(([text, hint, about]) => ({ text, label: text.trim(), hint, about }));
}

/** Looks up what fits. The first one is chosen at once where the word is only begun, so that Enter takes it. */
function complete() {
  choices = find();
  const [before] = typed();
  const isBegun = /(^|\s|member:)@[^@]*$/.test(before) || /^\/[^\s]*$/.test(before) && before !== COMMAND;
  chosen = choices.length && isBegun ? 0 : -1;
  showChoices();
}

export function close() {
  choices = [];
  chosen = -1;
  showChoices();
}

function showChoices() {
  const list = $("choices");
  list.hidden = !choices.length;
  composer().setAttribute("aria-expanded", String(choices.length > 0));
  list.replaceChildren(...choices.map(({ label, hint, about }, at) => {
    const item = make("li", { role: "option", id: `choice-${at}`, "aria-selected": String(at === chosen) },
      make("b", { text: label }), hint ? make("i", { text: ` ${hint}` }) : null, make("small", { text: about }));
    item.addEventListener("mousedown", (event) => { event.preventDefault(); take(at); });
    return item;
  }));
  mark();
}

function mark() {
  [...$("choices").children].forEach((item, at) => item.setAttribute("aria-selected", String(at === chosen)));
  if (chosen >= 0) {
    composer().setAttribute("aria-activedescendant", `choice-${chosen}`);
    $(`choice-${chosen}`).scrollIntoView({ block: "nearest" });
  } else {
    composer().removeAttribute("aria-activedescendant");
  }
}

function take(at) {
  const [, behind] = typed();
  composer().value = choices[at].text + behind.trimStart();
  const caret = choices[at].text.length;
  composer().setSelectionRange(caret, caret);
  complete();
}

function pressed(event) {
  if (event.isComposing) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && choices.length) {
    event.preventDefault();
    chosen = chosen < 0 && step < 0 ? choices.length - 1 : (chosen + step + choices.length) % choices.length;
    mark();
  } else if ((event.key === "Tab" && !event.shiftKey || event.key === "Enter") && chosen >= 0) {
    event.preventDefault();
    take(chosen);
  } else if (event.key === "Escape" && choices.length) {
    event.preventDefault();
    close();
  }
}

export function setPeople(all) {
  people = all;
}

/** In which chat the composer writes. */
export function setChat(chat) {
  commands = chat === "discord" ? OPTIONS : COMMANDS;
}

export function start() {
  composer().addEventListener("input", complete);
  composer().addEventListener("blur", close);
  composer().addEventListener("keydown", pressed);
}
