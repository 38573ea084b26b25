// An open page hears at once that its session has ended (S29-S31).
"use strict";

// Beside this script, wherever the pages are.
const signIn = new URL("signin", document.currentScript.src).href;
const live = document.getElementById("live");
const events = new EventSource(live.dataset.events);

function end(event) {
  events.close();
  const link = document.createElement("a");
  link.href = signIn;
  link.textContent = "Sign in";
  // Visible first, so that what is filled in is read aloud.
  live.hidden = false;
  live.replaceChildren(`${event.data} `, link);
  const dead = "form:not([data-needs-no-session]) :is(input, button)";
  document.querySelectorAll(dead).forEach((one) => { one.disabled = true; });
}

events.addEventListener("reset", end);
events.addEventListener("ended", end);
// A form that is sent may itself end this session, for a newer one. Its answer is the next page.
addEventListener("submit", () => events.close());
