"""A Slack workspace that holds to Slack's rules: it checks the bot's token and scopes, signs what it posts, and shows people what
Slack shows them when the app does not answer.

Where its rules come from: Slack, "auth.test method", "users.info method", "users.lookupByEmail method", "views.open method",
"chat.postMessage method" (required scopes, errors); `buildResult` of `WebClient.ts` in Slack's Node SDK (the scopes of a token
are in a header of every answer); "Implementing slash commands" and "Handling user interaction" (an answer within three seconds,
a response address is used five times at most); "Verifying requests from Slack", by `SignatureVerifier` of `slack_sdk`.
"""

import http.server
import json
import threading
import time
import urllib.parse
import urllib.request

from slack_sdk.signature import SignatureVerifier

# The scopes that each method asks a bot's token for.
METHODS = {
    "auth.test": None,
    "chat.postMessage": "chat:write",
    "users.info": "users:read",
    "users.lookupByEmail": "users:read.email",
    "views.open": None,
}
# How long a person looks at the command that they typed before Slack gives up.
DEADLINE = 3
# What Slack shows people beside their command when the app did not answer with 200.
FAILED = '/reset-password failed with the error "dispatch_failed"'


class Slack:
    """One workspace with one app, and what is entered at the app's pages (`commands_url`, `interactions_url`)."""

    def __init__(self, team, signing_secret, bot_token, people):
        self.team, self.signing_secret, self.bot_token = team, signing_secret, bot_token
        self.scopes = ["commands", "users:read", "users:read.email", "chat:write"]
        self.users = {user: self.account(user, email) for user, email in people.items()}
        self.commands_url = self.interactions_url = None
        # How far Slack's clock is ahead of this machine's, in seconds.
        self.ahead = 0
        self.seen, self.uses, self.serial = [], {}, 0
        self.news = threading.Condition()
        workspace = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
                status, answer, headers = workspace.answer(self.path, body, self.headers)
                text = json.dumps(answer).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def account(self, user, email):
        """An account as `users.info` tells it."""
        profile = {"real_name": email, "email": email}
        return {"id": user, "team_id": self.team, "deleted": False, "is_email_confirmed": True, "profile": profile}

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    # What the app asks.

    def answer(self, path, body, headers):
        if path.startswith("/reply/"):
            return *self.follow_up(path, json.loads(body)), {}
        method = path.removeprefix("/api/")
        if method not in METHODS:
            return 200, {"ok": False, "error": "unknown_method"}, {}
        if headers["authorization"] != f"Bearer {self.bot_token}":
            return 200, {"ok": False, "error": "invalid_auth" if headers["authorization"] else "not_authed"}, {}
        held, needed = {"x-oauth-scopes": ",".join(self.scopes)}, METHODS[method]
        if needed and needed not in self.scopes:
            refused = {"ok": False, "error": "missing_scope", "needed": needed, "provided": ",".join(self.scopes)}
            return 200, refused, held
        is_json = headers.get("content-type", "").startswith("application/json")
        arguments = json.loads(body) if is_json else dict(urllib.parse.parse_qsl(body))
        return 200, self.method(method, arguments), held

    def method(self, method, arguments):
        if method == "auth.test":
            own = {"team": "Acme", "team_id": self.team, "user": "relatch", "user_id": "U0RELATCH", "bot_id": "B0RELATCH"}
            return {"ok": True, "url": "https://acme.slack.com/", "is_enterprise_install": False, **own}
        if method.startswith("users."):
            email = arguments.get("email")
            of_email = (user for user, own in self.users.items() if own["profile"]["email"] == email)
            account = self.users.get(arguments.get("user") or next(of_email, None))
            if not account:
                return {"ok": False, "error": "users_not_found" if email else "user_not_found"}
            # Without the scope an account has no email (Slack, "users:read.email").
            may_read = "users:read.email" in self.scopes
            profile = {key: value for key, value in account["profile"].items() if key != "email" or may_read}
            return {"ok": True, "user": account | {"profile": profile}}
        return {"ok": True}

    def follow_up(self, path, message):
        with self.news:
            self.uses[path] = self.uses.get(path, 0) + 1
            if self.uses[path] > 5:
                return 404, {"ok": False, "error": "used_url"}
            self.seen.append(message)
            self.news.notify_all()
        return 200, {"ok": True}

    # What people do.

    def post(self, url, fields):
        """Posts as Slack does: the body of the answer, or None where it was none with 200 in time."""
        body, now = urllib.parse.urlencode(fields), str(int(time.time()) + self.ahead)
        signature = SignatureVerifier(self.signing_secret).generate_signature(timestamp=now, body=body)
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "x-slack-request-timestamp": now,
            "x-slack-signature": signature,
        }
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body.encode(), headers), timeout=DEADLINE) as answer:
                return answer.read().decode() if answer.status == 200 else None
        except OSError:
            return None

    def command(self, who, text):
        """Types the command; the message, or what Slack says where the app did not answer."""
        self.serial += 1
        reply = f"{self.base}/reply/{self.serial}"
        seen = len(self.seen)
        answer = self.post(
            self.commands_url,
            {
                "team_id": self.team,
                "team_domain": "acme",
                "channel_id": "C0ACME",
                "channel_name": "it",
                "user_id": who,
                "user_name": who.lower(),
                "command": "/reset-password",
                "text": text,
                "api_app_id": "A0RELATCH",
                "is_enterprise_install": "false",
                "response_url": reply,
                "trigger_id": f"{self.serial}.1",
            },
        )
        if answer is None:
            return FAILED
        message = json.loads(answer)
        # A busy machine: the answer comes in its place.
        return self.wait_for(lambda said: True, seen) if shown(message).startswith("Working") else message

    def click(self, who, message, action):
        """Presses a button; the message that comes of it."""
        self.serial += 1
        seen = len(self.seen)
        payload = {
            "type": "block_actions",
            "api_app_id": "A0RELATCH",
            "user": {"id": who, "username": who.lower(), "team_id": self.team},
            "team": {"id": self.team, "domain": "acme"},
            "trigger_id": f"{self.serial}.1",
            "response_url": f"{self.base}/reply/{self.serial}",
            **press(message, action),
        }
        answer = self.post(self.interactions_url, {"payload": json.dumps(payload)})
        assert answer is not None, f"the click on {action} failed"
        return self.wait_for(lambda said: True, seen)

    def wait_for(self, is_meant, since=0, patience=60):
        found = lambda: next((said for said in self.seen[since:] if is_meant(said)), None)
        with self.news:
            assert self.news.wait_for(found, patience), [shown(said) for said in self.seen]
            return found()


def texts_of(block):
    """What a person reads of a block, part by part; what can be pressed is in brackets."""
    if block["type"] == "rich_text":
        return ["".join(part["text"] for section in block["elements"] for part in section["elements"])]
    parts = [block["text"]["text"]] if "text" in block else []
    parts += [field["text"] for field in block.get("fields", [])]
    for element in [*block.get("elements", []), *filter(None, [block.get("accessory")])]:
        if element["type"] == "checkboxes":
            parts.append(f"[{'☑' if 'initial_options' in element else '☐'} {element['options'][0]['text']['text']}]")
        elif element["type"] == "button":
            parts.append(f"[{element['text']['text']}]")
        elif "text" in element:
            parts.append(element["text"])
    return parts


def pressable(message):
    """Each element that can be pressed, with its block."""
    for block in message.get("blocks", []):
        for element in [*block.get("elements", []), *filter(None, [block.get("accessory")])]:
            if "action_id" in element:
                yield block, element


def press(message, action):
    """What Slack posts of a press: a button's value, or what a box says then; and what every box says ("state")."""
    block, element = next(pair for pair in pressable(message) if pair[1]["action_id"] == action)
    values = {}
    for of, box in pressable(message):
        if box["type"] == "checkboxes":
            says = {"type": "checkboxes", "selected_options": box.get("initial_options", [])}
            values.setdefault(of["block_id"], {})[box["action_id"]] = says
    pressed = {"action_id": action, "block_id": block.get("block_id", "b"), "type": element["type"]}
    if element["type"] == "checkboxes":
        pressed["selected_options"] = [] if "initial_options" in element else element["options"]
        values[block["block_id"]][action]["selected_options"] = pressed["selected_options"]
    else:
        pressed["value"] = element["value"]
    return {"actions": [pressed], "state": {"values": values}}


def shown(message):
    """What a person reads of a message."""
    if isinstance(message, str):
        return message
    parts = [message.get("text", "")] if not message.get("blocks") else []
    for block in message.get("blocks", []):
        parts += texts_of(block)
    return "\n".join(part for part in parts if part)
