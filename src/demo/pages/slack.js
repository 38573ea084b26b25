// Slack's look: messages and forms drawn from the Block Kit that Slack is sent.
import { make, paragraph } from "/demo/make.js";

/** From here on Slack folds a text that does not say `expand` (Slack, "Legacy attachments": 700 characters or 5 line breaks). */
const FOLDED = { characters: 700, breaks: 5 };

/** A text object of Block Kit. Of its markup only *bold* and `code` are used here. */
function words(object, kind) {
  if (object.type !== "mrkdwn") return make("p", { class: kind, text: object.text });
  const plain = (text) => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
  const parts = object.text.split(/(`[^`\n]+`|\*[^*\n]+\*)/).filter(Boolean).map((part) => {
    const tag = { "`": "code", "*": "b" }[part[0]];
    const isMarked = tag && part.length > 2 && part.endsWith(part[0]);
    return isMarked ? make(tag, { text: plain(part.slice(1, -1)) }) : plain(part);
  });
  return paragraph(kind, ...parts);
}

/** The texts of a section, folded where Slack folds it. */
function section(one, said, press) {
  const box = make("div", { class: one.accessory ? "section beside" : "section" });
  const texts = make("div");
  if (one.text) {
    const text = words(one.text, "plain");
    texts.append(text);
    const { length } = one.text.text;
    if (!one.expand && (length > FOLDED.characters || one.text.text.split("\n").length > FOLDED.breaks + 1)) {
      text.classList.add("folded");
      const more = make("button", { type: "button", class: "more", text: "Show more", "aria-expanded": "false" });
      more.addEventListener("click", () => { text.classList.remove("folded"); more.remove(); });
      texts.append(more);
    }
  }
  if (one.fields) texts.append(make("div", { class: "fields" }, ...one.fields.map((field) => words(field, "field"))));
  box.append(texts);
  if (one.accessory) box.append(element(one.accessory, said, press));
  return box;
}

/** Rich text: words with a style, never markup. */
function richText(one) {
  return make("div", {}, ...one.elements.map((part) => make("p", { class: "plain" }, ...(part.elements ?? []).map((piece) => {
    const style = piece.style ?? {};
    const tag = style.code ? "code" : style.bold ? "b" : style.italic ? "i" : style.strike ? "s" : "span";
    return make(tag, { text: piece.text });
  }))));
}

function element(one, said, press) {
  if (one.type === "checkboxes") return boxes(one, said, press);
  if (one.type !== "button") return make("pre", { text: JSON.stringify(one, null, 2) });
  const pressed = make("button", { type: "button", class: one.style, "data-action": one.action_id, title: one.text.text.length > 30 ? one.text.text : undefined },
    make("span", { text: one.text.text }));
  pressed.addEventListener("click", () => press(pressed, { action_id: one.action_id }));
  return pressed;
}

/** Boxes to tick: the client shows a tick at once, and tells the app all that are ticked. */
function boxes(one, said, press) {
  const ticked = Object.values(said.ticked ?? {}).map((block) => block[one.action_id]).find(Boolean)?.selected_options ?? [];
  const group = make("div", { class: "boxes" });
  for (const option of one.options) {
    const box = make("input", { type: "checkbox", value: option.value, "data-action": one.action_id, checked: ticked.some((other) => other.value === option.value) });
    box.addEventListener("change", () => {
      const selected = [...group.querySelectorAll("input:checked")].map((input) => input.value);
      press(box, { action_id: one.action_id, selected });
    });
    group.append(make("label", {}, box, make("span", { text: option.text.text })));
  }
  return group;
}

/** One block of a message or a form. An unknown one is shown as JSON. */
export function block(one, said, press) {
  switch (one.type) {
    case "header": return words(one.text, "header");
    case "section": return section(one, said, press);
    case "rich_text": return richText(one);
    case "context": return make("div", { class: "small" }, ...one.elements.map((text) => words(text, "context")));
    case "divider": return make("hr");
    case "actions": return make("div", { class: "actions" }, ...one.elements.map((part) => element(part, said, press)));
    default: return make("pre", { text: JSON.stringify(one, null, 2) });
  }
}

/** A message of the app; without blocks its text counts. */
export function draw(said, press) {
  const { blocks, text } = said.message;
  return blocks?.length ? blocks.map((one) => block(one, said, press)) : [make("p", { text: text ?? "" })];
}

/** A form in words that every chat has: its title, its inputs, and its buttons. */
export function form(view) {
  return {
    title: view.title.text,
    submit: view.submit.text,
    close: view.close?.text ?? "Close",
    parts: view.blocks.map((one) => one.type !== "input" ? block(one, {}, () => {}) : {
      name: one.block_id, label: one.label.text, hint: one.hint?.text, most: one.element.max_length,
    }),
  };
}
