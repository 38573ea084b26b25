// Discord's look: messages and modals drawn from the components that Discord is sent.
import { make, paragraph } from "/demo/make.js";
import { inline } from "/demo/markdown.js";

/** Kinds of components (Discord, "Component types"). */
const [ROW, BUTTON, SECTION, TEXT, SEPARATOR, CONTAINER] = [1, 2, 9, 10, 14, 17];
const STYLES = { 1: "primary", 2: undefined, 3: "success", 4: "danger" };

/** What Discord says of a message for one person alone. */
export const PRIVATE = "Only you can see this";

/** Lines of Markdown: a heading, small print, or text. */
function markdown(content) {
  return content.split("\n").map((line) => {
    const heading = /^#{1,3} (.*)/.exec(line);
    if (heading) return make("p", { class: "header" }, ...inline(heading[1]));
    const small = /^-# (.*)/.exec(line);
    if (small) return make("p", { class: "context" }, ...inline(small[1]));
    return paragraph("plain", ...inline(line));
  });
}

function button(one, press) {
  const pressed = make("button", {
    type: "button", class: STYLES[one.style], "data-action": one.custom_id?.split(":")[0], text: one.label,
  });
  pressed.addEventListener("click", () => press(pressed, { action_id: one.custom_id }));
  return pressed;
}

function component(one, press) {
  const inside = () => (one.components ?? []).flatMap((part) => component(part, press));
  switch (one.type) {
    case ROW: return [make("div", { class: "actions" }, ...inside())];
    case BUTTON: return [button(one, press)];
    case SECTION: return [make("div", { class: "beside" }, make("div", {}, ...inside()), ...component(one.accessory, press))];
    case TEXT: return [make("div", {}, ...markdown(one.content))];
    case SEPARATOR: return [make("hr")];
    case CONTAINER: {
      const box = make("div", { class: "container" }, ...inside());
      if (one.accent_color !== undefined) box.style.setProperty("border-left-color", `#${one.accent_color.toString(16).padStart(6, "0")}`);
      return [box];
    }
    default: return [make("pre", { text: JSON.stringify(one, null, 2) })];
  }
}

export function draw(said, press) {
  const { content, components = [] } = said.message;
  const parts = content ? markdown(content) : [];
  parts.push(...components.flatMap((one) => component(one, press)));
  return parts.length ? parts : [make("p", { class: "context", text: "relatch is thinking …" })];
}

export function form(view) {
  return {
    title: view.title, submit: "Submit", close: "Cancel",
    parts: view.components.map(({ label, description, component: input }) => ({
      name: input.custom_id, label, hint: description, most: input.max_length,
    })),
  };
}
