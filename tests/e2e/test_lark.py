"""Lark from outside, beside its own library: it reads what we are sent as we do, and we are stricter where it is lax."""

import base64
import hashlib
import json
import os
import time
import unittest
import urllib.error
import urllib.request

import lark_oapi
from Crypto.Cipher import AES
from lark_oapi.core.model import RawRequest

from world import PATIENCE, JsonApi, World, password_in

APP, SECRET, KEY, TOKEN, TENANT = "cli_e2e", "canary-of-lark-app-secret", "canary-of-lark-encrypt-key", "canary-of-lark-verification", "acme0tenant"
ACCESS = "t-canary-of-lark-access"
JO, MINA, BOT, GROUP = "ou_jo", "ou_mina", "ou_bot", "oc_helpdesk"
USERS = {JO: "jo@acme.example", MINA: "mina@acme.example"}
COMMANDS = "/application/v7/app_slash_commands"


class Cloud(JsonApi):
    """The part of Lark's API that relatch calls."""

    def __init__(self):
        self.cards, self.commands, self.tokens, self.stale = [], [], {}, False
        super().__init__()

    def answer(self, method, path, body, headers):
        if path == "/auth/v3/tenant_access_token/internal":
            assert body == {"app_id": APP, "app_secret": SECRET}
            return 200, {"code": 0, "tenant_access_token": ACCESS, "expire": 7200}
        assert headers["authorization"] == f"Bearer {ACCESS}"
        if self.stale:
            self.stale = False
            return 400, {"code": 99991663, "msg": "Invalid access token for authorization."}
        if path == "/ephemeral/v1/send":
            assert (body["chat_id"], body["open_id"]) == (GROUP, JO)
            return self.take(body["card"])
        if path == "/interactive/v1/card/update":
            self.tokens[body["token"]] = self.tokens.get(body["token"], 0) + 1
            assert self.tokens[body["token"]] <= 2, "a token was used a third time"
            return self.take(body["card"])
        if path == "/bot/v3/info":
            return 200, {"code": 0, "bot": {"open_id": BOT}}
        if path == COMMANDS and method == "GET":
            return 200, {"code": 0, "data": {"items": self.commands}}
        if path == COMMANDS:
            self.commands.append({**body, "command_id": f"c{len(self.commands)}"})
            return 200, {"code": 0, "data": {}}
        if path.startswith(COMMANDS + "/"):
            found = next(one for one in self.commands if one["command_id"] == path.rsplit("/", 1)[1])
            found.update(body)
            return 200, {"code": 0, "data": {}}
        user = path.removeprefix("/contact/v3/users/")
        if user in USERS:
            return 200, {"code": 0, "data": {"user": {"open_id": user, "enterprise_email": USERS[user], "status": {}}}}
        return 400, {"code": 41050, "msg": "no user authority error"}

    def take(self, card):
        self.keep(self.cards, card)
        return 200, {"code": 0, "data": {"message_id": "om_1"}}

    def wait_for(self, part):
        with self.news:
            find = lambda: [card for card in self.cards if part in shown(card)]
            assert self.news.wait_for(find, PATIENCE), [shown(card) for card in self.cards]
            return find()[-1]


def shown(card):
    lines = [card["header"]["title"]["content"]]
    for one in card["elements"]:
        texts = [one.get("text")] + [field["text"] for field in one.get("fields", [])]
        if one["tag"] == "note":
            texts += one["elements"]
        lines += [text["content"] for text in texts if text]
    return "\n".join(lines)


def sealed(event):
    """The envelope, encrypted by another library than ours."""
    text = json.dumps(event).encode()
    length = 16 - len(text) % 16
    vector = os.urandom(16)
    cipher = AES.new(hashlib.sha256(KEY.encode()).digest(), AES.MODE_CBC, vector)
    return json.dumps({"encrypt": base64.b64encode(vector + cipher.encrypt(text + bytes([length]) * length)).decode()})


def signed(body, timestamp=None, nonce="n0nce1"):
    timestamp = timestamp or str(int(time.time()))
    signature = hashlib.sha256((timestamp + nonce + KEY + body).encode()).hexdigest()
    return {"X-Lark-Request-Timestamp": timestamp, "X-Lark-Request-Nonce": nonce, "X-Lark-Signature": signature}


class Lark(unittest.TestCase):
    def setUp(self):
        self.cloud = Cloud()
        self.addCleanup(self.cloud.close)
        self.world = World(extra=f"""
[lark]
app_id = "{APP}"
app_secret = "{SECRET}"
encrypt_key = "{KEY}"
verification_token = "{TOKEN}"
tenant_key = "{TENANT}"
api_url = "{self.cloud.url}"
""").start()
        self.addCleanup(self.world.close)
        self.serial = 0
        # Lark's own library, as it receives.
        self.heard = []
        handler = lark_oapi.EventDispatcherHandler.builder(KEY, TOKEN, lark_oapi.LogLevel.CRITICAL)
        handler = handler.register_p2_im_message_receive_v1(lambda event: self.heard.append(event.header.event_id))
        self.library = handler.build()

    def send(self, body, headers):
        headers = {"content-type": "application/json; charset=utf-8", **headers}
        request = urllib.request.Request(self.world.address + "/lark/events", body.encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read()

    def library_takes(self, body, headers):
        request = RawRequest()
        request.uri, request.body, request.headers = "/", body.encode(), headers
        return self.library.do(request).status_code == 200

    def event(self, kind, event):
        self.serial += 1
        # Callbacks of cards tell microseconds.
        unit = 1_000_000 if kind == "card.action.trigger" else 1000
        header = {
            "event_id": f"e{self.serial}", "event_type": kind, "create_time": str(int(time.time() * unit)),
            "token": TOKEN, "app_id": APP, "tenant_key": TENANT,
        }
        return {"schema": "2.0", "header": header, "event": event}

    def typed(self, who, text):
        mention = lambda key, user: {"key": key, "id": {"open_id": user}, "name": "x", "tenant_key": TENANT}
        return self.event("im.message.receive_v1", {
            "sender": {"sender_id": {"open_id": who}, "sender_type": "user", "tenant_key": TENANT},
            "message": {
                "message_id": f"om_typed{self.serial}", "chat_id": GROUP, "chat_type": "group", "message_type": "text",
                "content": json.dumps({"text": f"@_user_1 /reset-password {text}"}),
                "mentions": [mention("@_user_1", BOT), mention("@_user_2", MINA)],
            },
        })

    def say(self, event):
        body = sealed(event)
        return self.send(body, signed(body))

    def press(self, card, action, who=JO, form=None):
        found = []

        def look(part):
            if isinstance(part, dict):
                value = part.get("value")
                if isinstance(value, dict) and action in (value.get("action"), value.get("form")):
                    found.append(value)
                list(map(look, part.values()))
            elif isinstance(part, list):
                list(map(look, part))

        look(card)
        pressed = {
            "operator": {"open_id": who, "tenant_key": TENANT}, "token": f"c-{self.serial}",
            "action": {"tag": "button", "value": found[0], "form_value": form or {}},
            "context": {"open_message_id": "om_1", "open_chat_id": GROUP},
        }
        return self.say(self.event("card.action.trigger", pressed))

    def test_a_reset_from_the_command_through_a_form_to_the_sms(self):
        self.assertEqual(self.say(self.typed(JO, "@_user_2 lost it")), (200, {}))
        card = self.cloud.wait_for("Reset Mina Park's password?")
        self.cloud.stale = True  # A token that Lark forgot is fetched anew.
        status, answer = self.press(card, "deliver_other")
        self.assertEqual((status, answer["card"]["type"]), (200, "raw"))
        form = answer["card"]["data"]
        status, answer = self.press(form, "deliver_other", form={"destination": "mina@acme.example"})
        self.assertIn("business email", answer["toast"]["content"])
        self.assertEqual(self.press(form, "deliver_other", form={"destination": "+82 10 9999 8877"}), (200, {}))
        ready = self.cloud.wait_for(" now?")
        self.assertEqual(self.press(ready, "confirm"), (200, {}))
        self.cloud.wait_for("Done: ")
        # The phone on record did not carry the password, so the notice went there.
        sms = next(one for one in self.world.http.sms if one["to"] == "+821099998877")
        password = password_in(sms["text"])
        self.assertTrue(self.world.signs_in("mina@acme.example", password))
        self.assertEqual([(one["platform"], one["state"]) for one in self.world.resets()], [("lark", "delivered")])
        self.press(ready, "confirm")
        self.cloud.wait_for("Already done")
        self.world.assert_no_secrets(password, SECRET, KEY, TOKEN, ACCESS)

    def test_the_library_reads_what_we_read(self):
        body = sealed(self.typed(JO, "help"))
        headers = signed(body)
        self.assertTrue(self.library_takes(body, headers))
        self.assertEqual(self.heard, ["e1"])
        self.assertEqual(self.send(body, headers), (200, {}))
        self.cloud.wait_for("/reset-password @member")
        challenge = {"challenge": "c1", "token": TOKEN, "type": "url_verification"}
        self.assertTrue(self.library_takes(sealed(challenge), {}))
        self.assertEqual(self.send(sealed(challenge), {}), (200, {"challenge": "c1"}))
        wrong = {**headers, "X-Lark-Signature": "0" * 64}
        self.assertFalse(self.library_takes(body, wrong))
        self.assertEqual(self.send(body, wrong), (401, b""))

    def test_where_the_library_is_lax_we_refuse(self):
        body = sealed(self.typed(JO, "@_user_2"))
        now = int(time.time())
        challenge = json.dumps({"challenge": "c1", "token": TOKEN, "type": "url_verification"})
        moved = signed(body, f"{now}", "7nonce")
        moved |= {"X-Lark-Request-Timestamp": f"{now}7", "X-Lark-Request-Nonce": "nonce"}
        for name, body, headers in [
            ("an old time", body, signed(body, str(now - 400))),
            ("a time to come", body, signed(body, str(now + 400))),
            ("no time at all", body, signed(body, "1")),
            ("a digit that moved", body, moved),
            ("a challenge in plain text", challenge, {}),
        ]:
            with self.subTest(name):
                self.assertTrue(self.library_takes(body, headers), "the library got stricter: say so in the notes")
                self.assertEqual(self.send(body, headers), (401, b""))
        self.assertEqual((self.cloud.cards, self.world.resets()), ([], []))

    def test_strangers_and_retries_change_nothing(self):
        for change in ({"app_id": "cli_other"}, {"tenant_key": "other"}, {"token": "x"}):
            event = self.typed(JO, "@_user_2")
            event["header"] |= change
            self.assertEqual(self.say(event)[0], 401, change)
        event = self.typed(JO, "@_user_2")
        self.assertEqual(self.say(event), (200, {}))
        self.cloud.wait_for("Reset Mina Park's password?")
        count = len(self.cloud.cards)
        self.assertEqual(self.say(event), (200, {}), "a retry hears 200")
        time.sleep(0.5)
        self.assertEqual(len(self.cloud.cards), count)

    def test_the_command_is_registered_and_the_app_is_checked(self):
        self.cloud.commands.append({"command": "other", "command_id": "c9", "description": {}})
        register = lambda *more: self.world.run("register", "lark", *more).stdout
        self.assertEqual(register("--dry-run"), "+ reset-password\nnot written: --dry-run\n")
        self.assertEqual(register(), "+ reset-password\nwritten\n")
        self.assertEqual(register(), "= reset-password\nnothing to do\n")
        self.cloud.commands[1]["description"] = {"default_value": "old"}
        self.assertEqual(register(), "~ reset-password: description\nwritten\n")
        self.assertEqual([one["command"] for one in self.cloud.commands], ["other", "reset-password"])
        self.assertIn("ok    lark", self.world.run("check", fails=True).stdout)
        manifest = json.loads(self.world.run("manifest", "lark", "--url", "https://reset.acme.example").stdout)
        self.assertEqual(manifest["request_url"], "https://reset.acme.example/lark/events")


if __name__ == "__main__":
    unittest.main()
