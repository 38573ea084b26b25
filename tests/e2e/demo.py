"""`relatch demo` as a process, and what its page asks for."""

import json
import os
import re
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from slack import pressable, texts_of

PROGRAM = os.environ["RELATCH"]


class Demo:
    """A running demo; its people are played through the page's own requests."""

    def __init__(self, *options):
        self.folder = tempfile.mkdtemp(prefix="relatch-demo-test-")
        self.process = subprocess.Popen(
            [PROGRAM, "demo", "--listen", "127.0.0.1:0", *options], stdout=subprocess.PIPE, text=True, cwd=self.folder
        )
        self.story = []
        for line in self.process.stdout:
            self.story.append(line)
            if "Play it yourself: " in line:
                break
        self.url = self.story[-1].split()[-1]
        self.base = self.url.removesuffix("/demo")

    def close(self):
        self.process.terminate()
        ended = self.process.wait(30)
        self.process.stdout.close()
        return ended

    def ask(self, path, body=None, **headers):
        """The status, the headers and the text of an answer."""
        data = None if body is None else json.dumps(body).encode()
        if body is not None:
            headers.setdefault("content-type", "application/json")
        request = urllib.request.Request(self.base + path, data, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read().decode()

    def state(self):
        return json.loads(self.ask("/demo/state")[2])

    def do(self, what, **fields):
        """One act of a person; a sentence where it cannot be done."""
        fields = {name.rstrip("_"): value for name, value in fields.items()}
        status, _, text = self.ask(f"/demo/{what}", fields)
        if status != 200:
            raise AssertionError(f"{what} {fields}: {status} {text}")

    def broken(self):
        """Slack's rules that were broken, without an answer that was late: a busy machine is late too."""
        return [rule for rule in self.state()["broken"] if not rule["text"].startswith("an answer took")]

    def forward(self, minutes):
        self.do("clock", minutes=minutes)

    def said(self, who, chat="slack"):
        """The messages that relatch shows this person in a chat."""
        shown = self.state()["messages"]
        return [said for said in shown if (said["to"], said["from"], said["chat"]) == (who, "relatch", chat)]

    def wait_for(self, look, seconds=60):
        """What `look` finds, as soon as it finds something."""
        until = time.monotonic() + seconds
        while not (found := look()):
            if time.monotonic() > until:
                raise AssertionError("nothing came")
            time.sleep(0.05)
        return found

    def type(self, who, text):
        """The answer to what somebody typed, when it is there."""
        before = len(self.said(who))
        self.do("say", as_=who, text=text)
        return self.wait_for(lambda: [said for said in self.said(who)[before:] if "Working" not in text_of(said)])[-1]

    def click(self, who, said, action, until="", has="", **more):
        """Presses a button; the message that took the place of its message: with these words, and with this button."""

        def changed():
            now = next((one for one in self.said(who) if one["id"] == said["id"]), None)
            text = text_of(now) if now else ""
            is_meant = until in text and "Working" not in text and (not has or has in buttons(now))
            return now if now and now["message"] != said["message"] and is_meant else None

        self.do("click", as_=who, message=said["id"], action_id=action, **more)
        return self.wait_for(changed)

    def tick(self, who, said, action):
        """Ticks a box; where a chat has none, it presses the button in its place."""
        options = next((one for one in elements(said) if one["action_id"] == action), {}).get("options", [])
        return self.click(who, said, action, has="confirm", selected=[option["value"] for option in options])

    def reset(self, who, member, action, *ticks):
        """A whole reset; the message about its end."""
        said = self.type(who, f"/reset-password {member}")
        if "reachable" in buttons(said):
            said = self.click(who, said, "reachable")
        said = self.click(who, said, action, has="confirm")
        for tick in ticks:
            said = self.tick(who, said, tick)
        return self.click(who, said, "confirm", "tell them now" if action == "deliver_copy" else "Done")


def text_of(said):
    """All texts of a message, in their order."""
    found = []

    def walk(part):
        if isinstance(part, list):
            for one in part:
                walk(one)
        elif isinstance(part, dict):
            if isinstance(part.get("text"), str):
                found.append(part["text"])
            for name in ["text", "fields", "elements", "options", "accessory"]:
                walk(part.get(name))

    walk(said["message"].get("blocks", []))
    return "\n".join(found)


def elements(said):
    """What can be pressed in a message."""
    for block in said["message"].get("blocks", []):
        found = [*block.get("elements", []), block.get("accessory", {})]
        yield from (element for element in found if "action_id" in element)


def buttons(said):
    """The actions of what can be pressed in a message."""
    return [element["action_id"] for element in elements(said)]


def shown_password(said):
    """The password that a message shows."""
    return re.search(r"^`(\w+)`$", text_of(said), re.M)[1]
