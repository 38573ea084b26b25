// Mattermost's look: posts with attachments, and dialogs, drawn from what its server is sent.
import { make, paragraph } from "/demo/make.js";
import { inline } from "/demo/markdown.js";

/** What Mattermost says of a post for one person alone. */
export const PRIVATE = "(Only visible to you)";

/** Paragraphs of Markdown, in which two blanks before a line's end break the line. */
const paragraphs = (text) => text.split("\n\n").map((part) => {
  const lines = part.split(/ *\n/);
  return paragraph("plain", ...lines.flatMap((line, at) => [...(at ? [make("br")] : []), ...inline(line)]));
});

function attachment(one, press) {
  const box = make("div", { class: "attachment" }, ...paragraphs(one.text ?? ""));
  if (one.color) box.style.setProperty("border-left-color", one.color);
  if (one.actions) {
    box.append(make("div", { class: "actions" }, ...one.actions.map((action) => {
      const pressed = make("button", { type: "button", class: action.style, "data-action": action.integration.context.action, text: action.name });
      pressed.addEventListener("click", () => press(pressed, { action_id: action.id }));
      return pressed;
    })));
  }
  if (!one.text) box.firstElementChild.remove();
  return box;
}

export function draw(said, press) {
  const { message, text, ephemeral_text: answer, props, attachments } = said.message;
  return [...paragraphs(message ?? text ?? answer ?? ""), ...(props?.attachments ?? attachments ?? []).map((one) => attachment(one, press))];
}

export function form(view) {
  const above = view.introduction_text ? [make("p", {}, ...inline(view.introduction_text))] : [];
  return {
    title: view.title, submit: view.submit_label, close: "Cancel",
    parts: [...above, ...view.elements.map((element) => ({
      name: element.name, label: element.display_name, hint: element.help_text, most: element.max_length,
    }))],
  };
}
