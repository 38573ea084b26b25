// An open page hears at once that its session has ended (S29-S31).
const live = document.getElementById("live");
const events = new EventSource("/account/events");
events.addEventListener("reset", (event) => {
  events.close();
  live.textContent = event.data;
  live.hidden = false;
  document.querySelectorAll("input, button").forEach((one) => { one.disabled = true; });
});
