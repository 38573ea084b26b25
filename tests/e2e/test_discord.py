"""Discord from outside: its own library agrees about signatures, and a reset goes from the command to the SMS."""

import json
import re
import time
import unittest
import urllib.error
import urllib.request

from discord_interactions import verify_key
from nacl.signing import SigningKey
from world import NOTHING, PATIENCE, JsonApi, World, password_in

APPLICATION, GUILD = "100000000000000001", "200000000000000002"
JO, MINA = "300000000000000003", "400000000000000004"
TOKEN = "canary-of-discord-0123456789"
KEY = SigningKey(bytes([5]) * 32)


def shown(message):
    """The texts of a message: it is made of components alone."""
    assert not message.get("content") and message["flags"] & 1 << 15, message
    parts = [part for part in everything(message) if part["type"] == 10]
    return "\n".join(re.sub(r"\\(.)", r"\1", part["content"]) for part in parts)


def everything(part):
    """All components of a message, in the order in which they are shown."""
    for one in part.get("components", []):
        yield one
        yield from everything(one)
    if "accessory" in part:
        yield part["accessory"]


class Api(JsonApi):
    """The part of Discord's REST API that relatch calls."""

    def __init__(self):
        self.commands, self.said, self.calls = [], [], []
        super().__init__()
        self.url += "/api/v10/"

    def answer(self, method, path, body, headers):
        path = path.removeprefix("/api/v10/")
        assert headers["user-agent"].startswith("DiscordBot ("), headers["user-agent"]
        if path.startswith("webhooks/"):
            assert body["allowed_mentions"] == {"parse": []}
            self.keep(self.said, (method, body))
            return 200, {}
        if headers["authorization"] != f"Bot {TOKEN}":
            return 401, {"message": "401: Unauthorized"}
        if path == "applications/@me":
            return 200, {"id": APPLICATION, "verify_key": KEY.verify_key.encode().hex()}
        if path == f"applications/{APPLICATION}/guilds/{GUILD}/commands":
            if method == "PUT":
                self.commands = [{**command, "id": "1", "version": "2"} for command in body]
            return 200, self.commands
        found = re.fullmatch(rf"guilds/{GUILD}/members/(\d+)", path)
        if found and found[1] in (JO, MINA):
            return 200, {"user": {"id": found[1], "username": "x"}, "roles": []}
        return 404, {"code": 10007, "message": "Unknown Member"}

    def wait_for(self, part):
        with self.news:
            find = lambda: [one for one in self.said if part in shown(one[1])]
            assert self.news.wait_for(find, PATIENCE), [shown(one[1]) for one in self.said]
            return find()[-1]


class Discord(unittest.TestCase):
    def setUp(self):
        self.api = Api()
        self.addCleanup(self.api.close)
        self.world = World(extra=f"""
[discord]
application_id = "{APPLICATION}"
public_key = "{KEY.verify_key.encode().hex()}"
bot_token = "{TOKEN}"
guild_id = "{GUILD}"
api_url = "{self.api.url}"
""").start()
        self.addCleanup(self.world.close)
        self.serial = 0

    def send(self, body, signature=None, timestamp=None):
        timestamp = timestamp or str(int(time.time()))
        signature = signature or KEY.sign(timestamp.encode() + body).signature.hex()
        headers = {
            "content-type": "application/json",
            "x-signature-ed25519": signature,
            "x-signature-timestamp": timestamp,
        }
        request = urllib.request.Request(self.world.address + "/discord/interactions", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, None

    def interact(self, kind, who, data):
        self.serial += 1
        body = {
            "type": kind, "id": f"5{self.serial:017}", "application_id": APPLICATION, "token": f"token-{self.serial}",
            "guild_id": GUILD, "context": 0, "authorizing_integration_owners": {"0": GUILD},
            "member": {"user": {"id": who}, "permissions": "8", "roles": []}, "data": data,
        }
        status, answer = self.send(json.dumps(body).encode())
        self.assertEqual(status, 200)
        return answer

    def press(self, message, action, who=JO):
        buttons = [part for part in everything(message) if part["type"] == 2]
        custom_id = next(one["custom_id"] for one in buttons if one["custom_id"].startswith(action + ":"))
        answer = self.interact(3, who, {"custom_id": custom_id, "component_type": 2})
        self.assertEqual(answer, {"type": 6})

    def link(self):
        people = f"platform,user_id,business_email\ndiscord,{JO},jo@acme.example\ndiscord,{MINA},mina@acme.example\n"
        (self.world.folder / "links.csv").write_text(people)
        self.world.run("link", "--csv", self.world.folder / "links.csv")

    def test_a_reset_from_the_menu_to_the_sms(self):
        refused = self.interact(2, JO, {"type": 2, "name": "Reset password", "target_id": MINA})
        self.assertIn(NOTHING, shown(refused["data"]), "nobody is linked yet")
        self.link()
        card = self.interact(2, JO, {"type": 2, "name": "Reset password", "target_id": MINA})
        self.assertEqual((card["type"], card["data"]["flags"]), (4, 64 | 1 << 15))
        self.assertIn("Reset Mina Park's password", shown(card["data"]))
        self.press(card["data"], "deliver_phone")
        method, ready = self.api.wait_for(" now?")
        self.assertEqual(method, "PATCH")
        self.press(ready, "confirm")
        self.api.wait_for("Done: ")
        password = password_in(self.world.http.wait_for(self.world.http.sms, 1)["text"])
        self.assertTrue(self.world.signs_in("mina@acme.example", password))
        self.assertEqual([(one["platform"], one["state"]) for one in self.world.resets()], [("discord", "delivered")])
        self.world.assert_no_secrets(password, TOKEN)

    def test_discord_s_own_library_agrees_and_where_it_is_lax_we_are_not(self):
        key, now, body = KEY.verify_key.encode().hex(), str(int(time.time())), b'{"type":1}'
        sign = lambda timestamp, body: KEY.sign(timestamp.encode() + body).signature.hex()
        signature = sign(now, body)
        self.assertTrue(verify_key(body, signature, now, key))
        self.assertEqual(self.send(body, signature, now), (200, {"type": 1}))
        for wrong in [sign(now, b'{"type":2}'), "00" * 64]:
            self.assertFalse(verify_key(body, wrong, now, key))
            self.assertEqual(self.send(body, wrong, now)[0], 401)
        for shift in [-301, 302, -3600, 3600]:
            other = str(int(now) + shift)
            self.assertTrue(verify_key(body, sign(other, body), other, key), "the library takes any time")
            self.assertEqual(self.send(body, sign(other, body), other)[0], 401)
        # The same signed bytes, with a digit moved from the time into the body.
        self.assertTrue(verify_key(now[-1].encode() + body, signature, now[:-1], key))
        self.assertEqual(self.send(now[-1].encode() + body, signature, now[:-1])[0], 401)

    def test_commands_are_registered_and_checked(self):
        ran = self.world.run("register", "discord", "--dry-run")
        self.assertEqual(ran.stdout, "+ reset-password\n+ Reset password\nnot written: --dry-run\n")
        self.assertEqual(self.api.commands, [])
        self.assertTrue(self.world.run("register", "discord").stdout.endswith("written\n"))
        self.assertEqual(self.world.run("register", "discord").stdout, "= reset-password\n= Reset password\nnothing to do\n")
        self.api.commands[0]["description"] = "Something else"
        self.api.commands.append({"type": 1, "name": "old", "id": "3"})
        ran = self.world.run("register", "discord")
        self.assertEqual(ran.stdout, "~ reset-password: description\n= Reset password\n- old\nwritten\n")
        self.assertIn("ok    discord", self.world.run("check", fails=True).stdout)


if __name__ == "__main__":
    unittest.main()
