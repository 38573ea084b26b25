// Lark's look: cards of JSON 1.0, drawn from what Lark is sent. A form is a part of a card.
import { make } from "/demo/make.js";

/** What Lark says of a card for one person alone. */
export const PRIVATE = "Only visible to you";

const text = (kind, content) => make("p", { class: kind, text: content });

function button(one, press) {
  const pressed = make("button", { type: "button", class: one.type, "data-action": one.value.action, text: one.text.content });
  pressed.addEventListener("click", () => press(pressed, { action_id: one.value.action }));
  return pressed;
}

/** A text, or fields of which short ones stand beside each other, and what is at the side. */
function div(one, press) {
  const parts = one.text ? [text("plain", one.text.content)] : [];
  if (one.fields) {
    parts.push(make("div", { class: "fields" }, ...one.fields.map((field) =>
      text(field.is_short ? "plain" : "plain whole", field.text.content))));
  }
  if (!one.extra) return make("div", {}, ...parts);
  return make("div", { class: "beside" }, make("div", {}, ...parts), button(one.extra, press));
}

function input(one, where) {
  const id = `input-${where}-${one.name}`;
  return make("div", {}, make("label", { for: id, text: one.label.content }), make("input", {
    id, name: one.name, autocomplete: "off", required: one.required, maxlength: one.max_length, placeholder: one.placeholder.content,
  }));
}

function form(one, said, press) {
  const parts = one.elements.map((part) => part.tag === "input" ? input(part, said.id) : make("button", {
    type: part.action_type === "form_submit" ? "submit" : "button", class: part.type, "data-form": part.value.form, text: part.text.content,
  }));
  const made = make("form", { class: "form", "aria-label": said.message.header.title.content }, ...parts);
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    press(made.querySelector("[type=submit]"), { view: said.id, values: Object.fromEntries(new FormData(made)) });
  });
  return made;
}

function element(one, said, press) {
  switch (one.tag) {
    case "div": return div(one, press);
    case "action": return make("div", { class: "actions" }, ...one.actions.map((action) => button(action, press)));
    case "note": return make("div", {}, ...one.elements.map((part) => text("context", part.content)));
    case "form": return form(one, said, press);
    default: return make("pre", { text: JSON.stringify(one, null, 2) });
  }
}

export function draw(said, press) {
  const { header, elements } = said.message;
  return [make("div", { class: "card", "data-color": header.template },
    text("header", header.title.content),
    make("div", { class: "inside" }, ...elements.map((one) => element(one, said, press))))];
}
