"""The demo: its workspace plays Slack and is as strict, so nothing that is done in it may break a rule."""

import base64
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.parse
import urllib.request

from demo import PROGRAM, Demo, buttons, shown_password, text_of


class DemoTest(unittest.TestCase):
    def start(self, *options):
        demo = Demo(*options)
        self.addCleanup(shutil.rmtree, demo.folder)
        self.addCleanup(self.stop, demo)
        return demo

    def stop(self, demo):
        broken = demo.broken()
        self.assertEqual(demo.close(), 0)
        self.assertEqual(broken, [], "Slack's rules were broken")

    def test_it_tells_its_story_prints_one_url_and_serves_its_page_to_this_machine_only(self):
        demo = self.start()
        self.assertRegex(demo.url, r"^http://127\.0\.0\.1:\d+/demo$")
        story = "".join(demo.story)
        self.assertIn("is your new password", story)
        self.assertEqual(story.count("http://"), 1)
        status, headers, text = demo.ask("/demo")
        self.assertEqual(status, 200)
        self.assertIn("<title>", text)
        self.assertNotIn("unsafe", headers["content-security-policy"])
        self.assertEqual(headers["cache-control"], "no-store")
        for asset in re.findall(r'(?:href|src)="(/demo/[^"]+)"', text):
            self.assertEqual(demo.ask(asset)[0], 200, asset)
        # A site that leads its own name to this machine, and a form of another site.
        self.assertEqual(demo.ask("/demo/state", Host="evil.example")[0], 421)
        say = {"as": "UJO", "text": "/reset-password"}
        self.assertEqual(demo.ask("/demo/say", say, **{"content-type": "text/plain"})[0], 415)
        refused = subprocess.run([PROGRAM, "demo", "--listen", "0.0.0.0:0"], capture_output=True, text=True, timeout=30)
        self.assertIn("this machine only", refused.stderr)
        self.assertNotEqual(refused.returncode, 0)

    def test_its_ports_take_only_what_the_chats_take(self):
        demo = self.start()
        card = demo.type("UJO", "/reset-password @Mina Park")
        demo.click("UJO", card, "cancel")
        demo.do("say", as_="UJO", chat="discord", text="/reset-password log")
        demo.wait_for(lambda: demo.said("UJO", "discord"))
        bodies = [one["request"]["body"] for one in demo.state()["wire"] if one["direction"] == "to relatch"]
        urls = [urllib.parse.unquote(url) for body in bodies for url in re.findall(r"(http%3A%2F%2F\w+\S*?)(?:&|%22|$)", body)]
        slack, port = urls[0], re.match(r"http://[^/]+", urls[0])[0]
        token = next(json.loads(body)["token"] for body in bodies if body.startswith("{"))
        self.assertRegex(slack, r"/reply/[0-9a-f]{32}/r\d+$")
        self.assertRegex(token, r"^[0-9a-f]{32}$")
        self.assertNotIn(token, slack)
        said = {"text": "Send your password to evil.example"}

        def told(path, media="application/json", **headers):
            request = urllib.request.Request(port + path, json.dumps(said).encode(), {"content-type": media, **headers})
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return answer.status
            except urllib.error.HTTPError as error:
                with error:
                    return error.code

        reply = slack.removeprefix(port)
        hook = f"/discord/webhooks/100000000000000001/{token}"
        self.assertEqual(told(reply, Host="evil.example"), 421)
        self.assertEqual(told(hook, Host="evil.example"), 421)
        self.assertEqual(told(re.sub(r"/[0-9a-f]{32}/", "/0/", reply)), 404)
        self.assertEqual(told("/discord/webhooks/100000000000000001/r1"), 404)
        self.assertEqual(demo.broken(), [])
        self.assertNotIn("evil.example", json.dumps(demo.state()["messages"]))

    def test_a_discord_message_that_is_no_json_is_refused(self):
        demo = Demo()
        self.addCleanup(shutil.rmtree, demo.folder)
        self.addCleanup(demo.close)
        demo.do("say", as_="UJO", chat="discord", text="/reset-password log")
        demo.do("say", as_="UJO", text="/reset-password log")
        wire = demo.wait_for(lambda: demo.state()["wire"])
        bodies = [one["request"]["body"] for one in wire if one["direction"] == "to relatch"]
        token = next(json.loads(body)["token"] for body in bodies if body.startswith("{"))
        port = urllib.parse.unquote(re.search(r"response_url=(http%3A%2F%2F.*?)%2Freply", "&".join(bodies))[1])
        request = urllib.request.Request(f"{port}/discord/webhooks/100000000000000001/{token}", b"{}", {"content-type": "text/plain"})
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=30)
        with refused.exception as answer:
            self.assertEqual((answer.code, json.loads(answer.read())["code"]), (400, 50109))
        self.assertIn("takes application/json", demo.broken()[-1]["text"])

    def test_every_delivery(self):
        demo = self.start()
        card = demo.type("UKIM", "/reset-password @Mina Park")
        self.assertIn("Guide sent", text_of(demo.click("UKIM", card, "send_guide")))

        shown = demo.reset("UJO", "@Mina Park", "deliver_copy")
        self.assertRegex(shown_password(shown), r"^\w{8}$")
        hidden = demo.click("UJO", shown, "done")
        self.assertNotIn(shown_password(shown), text_of(hidden))

        demo.reset("UJO", "@Mina Park", "deliver_phone")
        self.assertIn("is your new password", demo.state()["phone"][-1]["text"])
        everything = demo.reset("UJO", "@Mina Park", "deliver_email", "copy_to_self", "also_show")
        mail = {mail["to"]: mail["text"] for mail in demo.state()["mail"] if "password" in mail["subject"]}
        for to in ["mina@mail.example", "jo@acme.example"]:
            self.assertIn(shown_password(everything), mail[to])

        card = demo.type("UJO", "/reset-password @Dee Ma")
        demo.do("click", as_="UJO", message=card["id"], action_id="deliver_other")
        view = demo.wait_for(lambda: demo.state()["views"].get("slack", {}).get("UJO"))
        demo.do("submit", as_="UJO", view=view["id"], values={"destination": "dee@acme.example"})
        errors = demo.wait_for(lambda: demo.state()["views"]["slack"]["UJO"]["errors"])
        self.assertIn("business email", errors["destination"])
        demo.do("submit", as_="UJO", view=view["id"], values={"destination": "dee@home.example"})
        ready = demo.wait_for(lambda: [said for said in demo.said("UJO") if "confirm" in buttons(said)])[-1]
        self.assertEqual(demo.state()["views"], {})
        demo.click("UJO", ready, "confirm", "Done")
        self.assertEqual(demo.state()["mail"][-1]["to"], "dee@home.example")

        card = demo.type("UKIM", "/reset-password @Mina Park")
        self.assertRegex(text_of(card), r"Jo Lim reset Mina Park today at \d\d:\d\d")
        self.assertIn("Cancelled", text_of(demo.click("UKIM", card, "cancel")))

    def test_every_refusal(self):
        demo = self.start()
        for who, member, told in [
            ("ULEE", "@Mina Park", "You can't reset passwords"),
            ("UGUS", "@Mina Park", "a guest account"),
            ("UJO", "@Jo Lim", "your own password"),
            ("UKIM", "@Jo Lim", "Only another primary admin"),
            ("UJO", "@Sam Oh", "Suspended"),
            ("UJO", "@Sol Yun", "single sign-on"),
            ("UJO", "@Gus Ray", "Gus Ray is a guest of this workspace."),
            ("UJO", "@Nobody", "as plain text"),
        ]:
            text = text_of(demo.type(who, f"/reset-password {member}"))
            self.assertIn(told, text)
            self.assertIn("Nothing was changed.", text)
        for bare in ["@Noa Bae", "@Ari Seo"]:
            self.assertIn("I know no phone or private email", text_of(demo.type("UJO", f"/reset-password {bare}")))
        for suggestion in demo.state()["suggestions"]:
            demo.type(suggestion["as"], suggestion["text"])
        for impossible in [("say", {"as": "UMINAPARK", "text": "/reset-password"}), ("say", {"as": "UJO", "text": "hi"})]:
            self.assertEqual(demo.ask(f"/demo/{impossible[0]}", impossible[1])[0], 422)

    def test_the_clock_moves_forward(self):
        demo = self.start()
        card = demo.type("UJO", "/reset-password @Mina Park")
        demo.forward(11)
        before = len(demo.said("UJO"))
        demo.do("click", as_="UJO", message=card["id"], action_id="deliver_copy")
        self.assertIn("older than 10 min", text_of(demo.wait_for(lambda: demo.said("UJO")[before:])[-1]))
        for _ in range(5):
            demo.reset("UJO", "@Dee Ma", "deliver_phone")
        self.assertIn("used all 5 resets", text_of(demo.type("UJO", "/reset-password @Dee Ma")))
        demo.forward(24 * 60)
        self.assertIn("5 of 5 resets left", text_of(demo.type("UJO", "/reset-password @Dee Ma")))
        self.assertEqual(demo.ask("/demo/clock", {"minutes": -60})[0], 422)
        self.assertEqual(demo.state()["moved"], "24 h 11 min")

    def test_links_and_the_strict_profile(self):
        demo = self.start("--send", "link")
        self.assertIn("/claim/", "".join(demo.story))
        self.assertEqual(demo.state()["profile"], "link")
        demo.reset("UJO", "@Mina Park", "deliver_phone")
        link = re.search(demo.base + r"(/claim/\S*\w)", demo.state()["phone"][-1]["text"])
        self.assertEqual(demo.ask(link[1])[0], 200)
        before, first = demo.state()["run"], demo.url
        demo.do("restart", profile="strict")

        def restarted():
            try:
                state = demo.state()
            except OSError:
                return None
            return state if state["run"] != before else None

        state = demo.wait_for(restarted)
        self.assertEqual((state["profile"], state["messages"], state["phone"], demo.url), ("strict", [], [], first))
        card = demo.type("UJO", "/reset-password @Mina Park")
        self.assertTrue({"deliver_phone", "deliver_email"} <= set(buttons(card)))
        self.assertFalse({"deliver_copy", "deliver_other"} & set(buttons(card)))
        strict = self.start("--profile", "strict")
        self.assertEqual(strict.state()["profile"], "strict")
        wrong = ["--profile", "strict", "--send", "password"]
        refused = subprocess.run([PROGRAM, "demo", *wrong], capture_output=True, text=True, timeout=30)
        self.assertIn("--send must be link", refused.stderr)
        self.assertNotEqual(refused.returncode, 0)

    def ask_everywhere(self, demo):
        """Each chat answers, also where the database knows the ids of another start."""
        for chat in ["discord", "lark", "mattermost"]:
            demo.do("say", as_="UJO", chat=chat, text="/reset-password @Noa Bae")
            demo.wait_for(lambda: "no phone or private email" in json.dumps(demo.said("UJO", chat)))

    def test_data_keeps_what_happened(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="relatch-demo-data-"))
        self.addCleanup(shutil.rmtree, folder)
        first = Demo("--data", str(folder))
        self.addCleanup(shutil.rmtree, first.folder)
        self.ask_everywhere(first)
        first.reset("UJO", "@Mina Park", "deliver_phone")
        self.assertEqual(first.close(), 0)
        second = self.start("--data", str(folder))
        self.ask_everywhere(second)
        self.assertTrue(second.state()["is_kept"], "the page says so where it asks to start anew")
        self.assertIn("4 of 5 resets left", text_of(second.type("UJO", "/reset-password @Mina Park")))
        held = subprocess.run([PROGRAM, "demo", "--data", str(folder)], capture_output=True, text=True, timeout=30)
        self.assertEqual(held.returncode, 75, held.stderr)

    def ids_of_requests(self, demo):
        """What each chat calls the request that it sends, without its time and its signature."""
        for chat in ["slack", "discord", "lark", "mattermost"]:
            demo.do("say", as_="UJO", chat=chat, text="/reset-password @Noa Bae")
        sent = {one["request"]["line"]: one["request"] for one in demo.state()["wire"]}
        trigger = lambda route: urllib.parse.parse_qs(sent[f"POST {route}"]["body"])["trigger_id"][0]
        return {
            "slack": trigger("/slack/commands"),
            "discord": json.loads(sent["POST /discord/interactions"]["body"])["id"],
            "lark": dict(sent["POST /lark/events"]["headers"])["x-lark-request-nonce"],
            "mattermost": base64.b64decode(trigger("/mattermost/commands")).decode().split(":")[0],
        }

    def test_no_request_has_the_id_of_another_start(self):
        """With `--data` it would be refused as a repetition, where both come within a second."""
        first, second = (self.ids_of_requests(self.start()) for _ in range(2))
        self.assertEqual([chat for chat in first if first[chat] == second[chat]], [])


if __name__ == "__main__":
    unittest.main()
