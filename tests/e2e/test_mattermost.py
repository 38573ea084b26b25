"""Mattermost from outside: the command is made by relatch, and a reset goes from it to the SMS."""

import base64
import json
import os
import re
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from Crypto.Hash import SHA256
from Crypto.PublicKey import ECC
from Crypto.Signature import DSS
from world import NOTHING, PATIENCE, JsonApi, World, password_in

TEAM, JO, MINA = "team" + "t" * 22, "jojo" + "j" * 22, "mina" + "m" * 22
BOT, MADE = "canary-of-mattermost-bot-01", "canarymadetokenofcommand01"
CHANNEL, SERVER_KEY = "it" + "c" * 24, ECC.generate(curve="P-256")
USERS = {JO: "jo@acme.example", MINA: "mina@acme.example"}


def sign(trigger_id, user, millis, key=SERVER_KEY):
    """`GenerateTriggerId` in server/public/model/integration_action.go."""
    text = f"{trigger_id}:{user}:{millis}:"
    signature = DSS.new(key, "fips-186-3", encoding="der").sign(SHA256.new(text.encode()))
    return base64.b64encode(text.encode() + base64.b64encode(signature)).decode()


def error(status, error_id):
    """`AppError` in server/public/model/utils.go."""
    return status, {"id": error_id, "message": "A sentence.", "detailed_error": "", "request_id": "r" * 26, "status_code": status}


class Server(JsonApi):
    """The part of a Mattermost server that relatch calls; tests/it/support/mattermost.rs names the source of each rule."""

    def __init__(self):
        self.commands, self.said, self.dialogs, self.hooked = [], [], [], []
        self.permissions = ["create_post_ephemeral", "manage_system", "manage_own_slash_commands"]
        self.auth_services, self.config = {}, {"RequireEmailVerification": "true", "EnableCommands": "true"}
        # The settings that getSSOProvider in server/channels/app/oauth.go looks at. Without a licence the client
        # configuration says of three of them that they are off (GenerateLimitedClientConfig in server/config/client.go).
        self.services = {f"{name}Settings": {"Enable": False} for name in ("GitLab", "Google", "Office365", "OpenId")}
        super().__init__()

    def answer(self, method, path, body, headers):
        if path.startswith("/hooks/commands/"):
            assert body["response_type"] == "ephemeral" and body["skip_slack_parsing"] is True
            if self.hooked.count(path) == 5:
                return error(400, "app.command_webhook.try_use.invalid")
            self.keep(self.hooked, path)
            return 200, "ok"
        if path == "/api/v4/config/client":
            key = base64.b64encode(SERVER_KEY.public_key().export_key(format="DER")).decode()
            limited = {"AsymmetricSigningPublicKey": key, "SiteURL": self.url}
            # GenerateLimitedClientConfig in server/config/client.go: less without a session.
            return 200, {**limited, **self.config} if headers["authorization"] == f"Bearer {BOT}" else limited
        if path == "/api/v4/actions/dialogs/open":
            signed_at = int(base64.b64decode(body["trigger_id"]).split(b":")[2])
            if time.time() * 1000 - signed_at > 30_000:
                return error(400, "interactive_message.decode_trigger_id.expired")
            dialog, element = body["dialog"], body["dialog"]["elements"][0]
            # Go's len counts bytes.
            assert len(dialog["title"].encode()) <= 24 and len(element["display_name"].encode()) <= 24, dialog
            assert len(element["help_text"].encode()) <= 150, dialog
            self.keep(self.dialogs, body)
            return 200, {"status": "OK"}
        if headers["authorization"] != f"Bearer {BOT}":
            return error(401, "api.context.session_expired.app_error")
        if path == "/api/v4/config":
            # getConfig in server/channels/api4/config.go: what the caller may read, for system administrators all.
            if "manage_system" not in self.permissions:
                return error(403, "api.context.permissions.app_error")
            return 200, {"ServiceSettings": {"AllowedUntrustedInternalConnections": ""}, **self.services}
        if path == "/api/v4/users/me":
            return 200, {"id": "b" * 26, "roles": "system_user"}
        if path.startswith("/api/v4/teams/"):
            if path != f"/api/v4/teams/{TEAM}":
                return error(404, "app.team.get.find.app_error")
            return 200, {"id": TEAM, "name": "acme", "delete_at": 0}
        if path == "/api/v4/roles/names":
            return 200, [{"name": name, "permissions": self.permissions} for name in body]
        if path == "/api/v4/posts/ephemeral":
            if "create_post_ephemeral" not in self.permissions:
                return error(403, "api.context.permissions.app_error")
            post = body["post"]
            assert (body["user_id"], post["channel_id"]) == (JO, CHANNEL), body
            self.keep(self.said, {"text": post["message"], **post["props"]})
            return 201, {"id": "p" * 26}
        if path == "/api/v4/teams":
            return 200, [{"id": TEAM, "name": "acme"}]
        if path == "/api/v4/commands" and method == "GET":
            return 200, self.commands
        if path == "/api/v4/commands":
            self.commands.append({**body, "id": "c" * 26, "token": MADE})
            return 201, self.commands[-1]
        if path == "/api/v4/commands/" + "c" * 26:
            self.commands[0] = {**body, "token": MADE}
            return 200, self.commands[0]
        email = USERS.get(path.removeprefix("/api/v4/users/"))
        if email:
            # SanitizeProfile in server/channels/app/user.go: never email_verified, and auth_service for system
            # administrators alone.
            user = {"id": path.rsplit("/", 1)[1], "email": email, "roles": "system_user", "auth_service": ""}
            if "manage_system" in self.permissions:
                user["auth_service"] = self.auth_services.get(user["id"], "")
            return 200, user
        return error(404, "app.user.missing_account.const")

    def wait_for(self, part):
        with self.news:
            find = lambda: [one for one in self.said if part in shown(one["text"])]
            assert self.news.wait_for(find, PATIENCE), [shown(one["text"]) for one in self.said]
            return find()[-1]


def actions_of(message):
    """The buttons in all attachments."""
    return [action for one in message["attachments"] for action in one.get("actions", [])]


def shown(text):
    """What the clients show: a backslash counts only before what Mattermost's parser knows (`inline.escape` in its fork of
    marked), and before anything else it is shown."""
    text = re.sub(r"(?<!\\)`([^`]+)`", r"\1", text)
    return re.sub(r"\\([`*{}\[\]()#+\-.!_>|~]|\\(?!\w))", r"\1", text)


class Mattermost(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)
        os.environ["RELATCH_PUBLIC_URL"] = "https://reset.acme.example"
        self.addCleanup(os.environ.pop, "RELATCH_PUBLIC_URL")
        self.world = World(extra=f"""
[mattermost]
url = "{self.server.url}"
command_tokens = ["{MADE}"]
bot_token = "{BOT}"
""").start()
        self.addCleanup(self.world.close)
        self.serial = 0

    def send(self, route, body, kind):
        headers = {"content-type": kind, "accept": "application/json", "user-agent": "Mattermost-Bot/1.1"}
        if "token" in (form := dict(urllib.parse.parse_qsl(body))):
            headers["authorization"] = "Token " + form["token"]
        request = urllib.request.Request(self.world.address + route, body.encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, None

    def trigger(self, user, **by):
        self.serial += 1
        return sign(f"{self.serial:026}", user, int(time.time() * 1000), **by)

    def command(self, who, text, token=MADE, **by):
        trigger = self.trigger(who, **by)
        # `tryExecuteCustomCommand` in server/channels/app/command.go: keys sorted, lists repeated.
        fields = [
            ("channel_id", CHANNEL), ("channel_name", "it"), ("command", "/reset-password"),
            ("response_url", f"https://chat.acme.example/hooks/commands/{self.serial:026}"), ("root_id", ""),
            ("team_domain", "acme"), ("team_id", TEAM), ("text", text), ("token", token), ("trigger_id", trigger),
            ("user_id", who), ("user_mentions", "mina"), ("user_mentions_ids", MINA), ("user_name", "jo"),
        ]
        return self.send("/mattermost/commands", urllib.parse.urlencode(fields), "application/x-www-form-urlencoded")

    def press(self, message, action, who=JO):
        actions = actions_of(message)
        found = next(one for one in actions if one["integration"]["context"]["action"] == action)
        self.assertEqual(found["integration"]["url"], "https://reset.acme.example/mattermost/actions")
        # `PostActionIntegrationRequest` in server/public/model/integration_action.go.
        body = {
            "user_id": who, "user_name": "jo", "channel_id": CHANNEL, "channel_name": "it", "team_id": TEAM,
            "team_domain": "acme", "post_id": "p" * 26, "trigger_id": self.trigger(who), "type": found["type"],
            "data_source": "", "context": found["integration"]["context"],
        }
        return self.send("/mattermost/actions", json.dumps(body), "application/json")

    def test_a_reset_from_the_command_through_a_dialog_to_the_sms(self):
        status, card = self.command(JO, "@mina lost it")
        self.assertEqual(status, 200)
        self.assertIn("Reset Mina Park's password?", shown(card["text"]))
        self.assertEqual(self.press(card, "deliver_other"), (200, {}))
        with self.server.news:
            self.assertTrue(self.server.news.wait_for(lambda: self.server.dialogs, 20))
        state = self.server.dialogs[0]["dialog"]["state"]
        submit = lambda typed, state=state: self.send(
            "/mattermost/dialogs",
            json.dumps({
                "type": "dialog_submission", "callback_id": "deliver_other", "state": state, "user_id": JO,
                "channel_id": CHANNEL, "team_id": TEAM, "submission": {"destination": typed}, "cancelled": False,
            }),
            "application/json",
        )
        for _ in range(2):
            status, answer = submit("mina@acme.example")
            self.assertIn("business email", answer["errors"]["destination"])
        value = actions_of(card)[0]["integration"]["context"]["value"]
        self.assertEqual(submit("+82 10 9999 8877", "deliver_other:" + value)[0], 401, "a button's value is no state")
        for _ in range(2):
            self.assertEqual(submit("+82 10 9999 8877"), (200, {}))
        ready = self.server.wait_for(" now?")
        self.assertEqual(self.press(ready, "confirm"), (200, {}))
        self.server.wait_for("Done: ")
        # The phone on record did not carry the password, so the notice went there.
        sms = next(one for one in self.world.http.sms if one["to"] == "+821099998877")
        password = password_in(sms["text"])
        self.assertTrue(self.world.signs_in("mina@acme.example", password))
        self.assertEqual([(one["platform"], one["state"]) for one in self.world.resets()], [("mattermost", "delivered")])
        self.assertEqual(self.press(ready, "confirm"), (200, {}))
        self.server.wait_for("Already done")
        self.assertEqual(self.server.hooked, [], "nothing went to the response address")
        self.world.assert_no_secrets(password, BOT, MADE)

    def test_without_private_replies_only_contacts_on_record_are_left(self):
        self.server.permissions = ["manage_system"]
        status, card = self.command(JO, "@mina")
        self.assertIn("I can't write to you alone here", shown(card["text"]))
        actions = [one["integration"]["context"]["action"] for one in actions_of(card)]
        self.assertNotIn("deliver_copy", actions)
        self.assertNotIn("deliver_other", actions)
        forged = {**actions_of(card)[0]["integration"]["context"], "action": "deliver_copy"}
        body = {"user_id": JO, "channel_id": CHANNEL, "trigger_id": self.trigger(JO), "context": forged}
        told = self.send("/mattermost/actions", json.dumps(body), "application/json")[1]["ephemeral_text"]
        self.assertIn(NOTHING, shown(told))
        status, told = self.command(JO, "contact @mina +82 10 7777 6666")
        self.assertIn("relatch members contact mina@acme.example", shown(told["text"]))
        self.assertEqual((self.world.resets(), self.server.said), ([], []))

    def test_who_knows_no_token_and_no_value_is_nobody(self):
        self.assertEqual(self.command(JO, "@mina", "canarymadetokenofcommand02")[0], 401)
        forged = {"action": "confirm", "value": "A" * 43}
        body = {"user_id": JO, "trigger_id": self.trigger(JO), "context": forged}
        self.assertEqual(self.send("/mattermost/actions", json.dumps(body), "application/json")[0], 401)
        other = ECC.generate(curve="P-256")
        self.assertEqual(self.command(JO, "@mina", key=other)[0], 401, "signed by another key than the server's")
        self.assertEqual(self.world.resets(), [])
        status, told = self.command("x" * 26, "@mina")
        self.assertEqual(status, 200)
        self.assertIn(NOTHING, shown(told["text"]))
        self.assertIn("relatch link mattermost " + "x" * 26, shown(told["text"]))

    def test_whose_address_nobody_confirmed_is_nobody(self):
        for change in ({"auth_services": {JO: "gitlab"}}, {"permissions": ["create_post_ephemeral"]}, {"config": {"RequireEmailVerification": "false"}}, {"services": {"OpenIdSettings": {"Enable": True}}}):
            with self.subTest(change):
                # What the server said a moment ago still counts for a card, so each has a process of its own.
                self.doCleanups()
                self.setUp()
                for name, value in change.items():
                    setattr(self.server, name, value)
                told = shown(self.command(JO, "@mina")[1]["text"])
                self.assertIn("I can't tell who you are", told)
                self.assertIn(NOTHING, told)
                self.assertIn("relatch link mattermost " + JO, told)

    def test_the_command_is_made_and_kept_as_it_shall_be(self):
        register = lambda *more: self.world.run("register", "mattermost", "--team", TEAM, *more).stdout
        absent = self.world.run("register", "mattermost", "--team", "t" * 26, fails=True)
        self.assertIn("no team has this id; nothing was changed", absent.stderr)
        self.assertEqual(register("--dry-run"), "+ reset-password\nnot written: --dry-run\n")
        self.assertEqual(register(), f"+ reset-password\nwritten\nits token, for command_tokens: {MADE}\n")
        self.assertEqual(self.server.commands[0]["url"], "https://reset.acme.example/mattermost/commands")
        self.assertEqual(register(), "= reset-password\nnothing to do\n")
        self.server.commands[0]["method"] = "G"
        self.assertEqual(register(), "~ reset-password: method\nwritten\n")
        self.assertEqual((self.server.commands[0]["method"], self.server.commands[0]["token"]), ("P", MADE))
        checked = self.world.run("check", fails=True).stdout
        self.assertIn("ok    mattermost", checked)
        self.assertNotIn("warn  mattermost", checked)
        self.server.permissions = ["manage_system", "manage_own_slash_commands"]
        checked = self.world.run("check", fails=True).stdout
        self.assertIn("fail  mattermost.bot_token: the bot lacks the permission create_post_ephemeral", checked)
        self.assertIn("warn  mattermost.bot_token: the bot lacks the permission create_post_ephemeral, so Copy", checked)
        refused = self.world.run("register", "mattermost", "--team", "../x", fails=True)
        self.assertTrue(re.search("--team must be", refused.stderr))


if __name__ == "__main__":
    unittest.main()
