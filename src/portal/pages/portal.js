// Every page: Back leads to a form, a password can be shown, and an open page hears at once that its session has ended
// (S29-S31).
"use strict";

// Beside this script, wherever the pages are.
const signIn = new URL("signin", document.currentScript.src).href;
const secrets = [...document.querySelectorAll(".secret > input")];
let sentAt = -Infinity;
// What an open page has to say and kept back, because a form was on its way.
let missed;

// Whoever comes back to the answer to a form, or reloads it, opens the page anew. The browser would offer to send the form
// again instead, or show an error page, because no page is cached.
history.replaceState(null, "", location.href);

function show(field, isShown) {
  field.type = isShown ? "text" : "password";
  field.nextElementSibling.setAttribute("aria-pressed", isShown);
}

for (const field of secrets) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Show";
  button.setAttribute("aria-label", `Show: ${field.labels[0].textContent}`);
  button.setAttribute("aria-controls", field.id);
  button.addEventListener("click", () => show(field, field.type === "password"));
  field.after(button);
  show(field, false);
}

// A second press would cut off the answer to the first, and a link works once: the page waits for the answer, or until
// none can be expected any more.
addEventListener("submit", (event) => {
  if (sentAt > -Infinity) {
    event.preventDefault();
    return;
  }
  sentAt = event.timeStamp;
  const pressed = event.submitter;
  const words = pressed?.textContent;
  if (pressed) pressed.textContent = "Sending …";
  setTimeout(() => {
    sentAt = -Infinity;
    missed?.();
    if (pressed) pressed.textContent = words;
  }, 30000);
  // A browser remembers what was typed in a field of text.
  secrets.forEach((field) => show(field, false));
});

// A page that the browser kept and shows again is as old as its session was.
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

function listen(live) {
  const events = new EventSource(live.dataset.events);

  function end(event) {
    events.close();
    const link = document.createElement("a");
    link.href = signIn;
    // From there a browser with a newer session is led on.
    link.textContent = event.type === "reset" ? "Sign in" : "Go on";
    // Visible first, so that what is filled in is read aloud.
    live.hidden = false;
    live.replaceChildren(`${event.data} `, link);
    secrets.forEach((field) => show(field, false));
    const dead = "form:not([data-needs-no-session]) :is(input, button)";
    document.querySelectorAll(dead).forEach((one) => { one.disabled = true; });
  }

  events.addEventListener("reset", end);
  // A form that is sent may itself end this session, for a newer one. Its answer is the next page.
  events.addEventListener("ended", (event) => {
    if (sentAt < 0) end(event);
    else missed = () => end(event);
  });
}

const live = document.getElementById("live");
if (live) listen(live);
