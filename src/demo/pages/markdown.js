// The part of Markdown that the chats are sent.
import { make } from "/demo/make.js";

/** Markdown in one line: a backslash before a mark stands for the mark; only **bold** and `code` are used here. */
export function inline(text) {
  const parts = [];
  let bold = null;
  let plain = "";
  const flush = () => {
    if (plain) (bold ?? parts).push(plain);
    plain = "";
  };
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "\\" && /[!-/:-@[-`{-~]/.test(text[at + 1] ?? "")) {
      plain += text[++at];
    } else if (text.startsWith("**", at)) {
      flush();
      if (bold) {
        parts.push(make("b", {}, ...bold));
        bold = null;
      } else {
        bold = [];
      }
      at++;
    } else if (text[at] === "`" && text.indexOf("`", at + 1) > 0) {
      const end = text.indexOf("`", at + 1);
      flush();
      (bold ?? parts).push(make("code", { text: text.slice(at + 1, end) }));
      at = end;
    } else {
      plain += text[at];
    }
  }
  flush();
  if (bold) parts.push("**", ...bold);
  return parts;
}
