// An open page hears at once that its session has ended (S29-S31).
"use strict";

// Beside this script, wherever the pages are.
const page = (path) => new URL(path, document.currentScript.src).href;
const signIn = page("signin");
const live = document.getElementById("live");
const events = new EventSource(page("account/events"));

function end(event) {
  events.close();
  const link = document.createElement("a");
  link.href = signIn;
  link.textContent = "Sign in";
  // Visible first, so that what is filled in is read aloud.
  live.hidden = false;
  live.replaceChildren(`${event.data} `, link);
  document.querySelectorAll("input, button").forEach((one) => { one.disabled = true; });
}

events.addEventListener("reset", end);
events.addEventListener("ended", end);
