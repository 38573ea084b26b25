// An open page hears at once that its session has ended (S29-S31).
const live = document.getElementById("live");
const events = new EventSource("/account/events");
events.addEventListener("reset", (event) => {
  events.close();
  const link = document.createElement("a");
  link.href = "/signin";
  link.textContent = "Sign in";
  live.replaceChildren(`${event.data} `, link);
  live.hidden = false;
  document.querySelectorAll("input, button").forEach((one) => { one.disabled = true; });
});
