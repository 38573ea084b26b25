// An open page hears at once that its session has ended (S29-S31).
"use strict";

// Beside this script, wherever the pages are.
const signIn = new URL("signin", document.currentScript.src).href;
const live = document.getElementById("live");
const events = new EventSource(live.dataset.events);
let isSent = false;

function end(event) {
  events.close();
  const link = document.createElement("a");
  link.href = signIn;
  // From there a browser with a newer session is led on.
  link.textContent = event.type === "reset" ? "Sign in" : "Go on";
  // Visible first, so that what is filled in is read aloud.
  live.hidden = false;
  live.replaceChildren(`${event.data} `, link);
  const dead = "form:not([data-needs-no-session]) :is(input, button)";
  document.querySelectorAll(dead).forEach((one) => { one.disabled = true; });
}

events.addEventListener("reset", end);
// A form that is sent may itself end this session, for a newer one. Its answer is the next page.
events.addEventListener("ended", (event) => { if (!isSent) end(event); });
addEventListener("submit", () => { isSent = true; });
// A page that the browser kept and shows again is as old as its session was.
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
