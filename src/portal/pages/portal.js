// An open page hears at once that its session has ended (S29-S31).
"use strict";

const live = document.getElementById("live");
const events = new EventSource("/account/events");

function end(event) {
  events.close();
  const link = document.createElement("a");
  link.href = "/signin";
  link.textContent = "Sign in";
  // Visible first, so that what is filled in is read aloud.
  live.hidden = false;
  live.replaceChildren(`${event.data} `, link);
  document.querySelectorAll("input, button").forEach((one) => { one.disabled = true; });
}

events.addEventListener("reset", end);
events.addEventListener("ended", end);
