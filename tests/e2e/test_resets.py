"""Whole resets and every refusal, as Slack, the member and the operator see them."""

import concurrent.futures
import time
import unittest

from world import NOTHING, World, button, password_in, text_of


class Resets(unittest.TestCase):
    def setUp(self):
        self.world = World().start()
        self.addCleanup(self.world.close)

    def test_copy(self):
        ended = self.world.reset("UJO", "UMINA", "deliver_copy", "tell them now")
        password = password_in(text_of(ended))
        self.assertTrue(self.world.signs_in("mina@acme.example", password))
        self.assertFalse(self.world.signs_in("mina@acme.example", password + "x"))
        shown = [said for said in self.world.http.said if password in str(said)]
        self.assertEqual(len(shown), 1)
        self.world.assert_no_secrets(password)

    def test_phone(self):
        ended = text_of(self.world.reset("UKIM", "UMINA", "deliver_phone", "Done: "))
        sms = self.world.http.sms[0]
        self.assertEqual((sms["to"], len(sms["text"]) <= 160), ("+821012345642", True))
        password = password_in(sms["text"])
        self.assertNotIn(password, ended)
        self.assertTrue(self.world.signs_in("mina@acme.example", password))
        to, notice, *_ = self.world.mail.letters[0]
        self.assertEqual(to, "mina@mail.example")
        self.assertNotIn(password, notice)
        self.world.assert_no_secrets(password)

    def test_email_with_copy_to_self_and_show(self):
        world = self.world
        ready = world.last_look("UJO", "UMINA", "deliver_email")
        for action in ["copy_to_self", "copy_to_self_change"]:
            self.assertEqual(world.click("UJO", ready, action), 200)
        world.http.wait_for(world.http.views, 1)
        self.assertEqual(world.submit("UJO", "jo@home.example")[0], 200)
        world.http.wait_for_text("jo@home.example")
        before = len(world.http.said)
        world.click("UJO", ready, "also_show")
        world.http.wait_for(world.http.said, before + 1)
        world.click("UJO", world.http.said[-1], "confirm")
        password = password_in(text_of(world.http.wait_for_text("Done: ")))
        carrying = sorted(to for to, text, *_ in world.mail.letters if password in text)
        self.assertEqual(carrying, ["jo@home.example", "mina@mail.example"])
        self.assertEqual([reset["slot"] for reset in world.resets()], ["used"])
        world.assert_no_secrets(password)

    def test_typed_destination(self):
        world = self.world
        card = world.command("UJO", "<@UMINA|mina>")
        world.click("UJO", card, "deliver_other")
        world.http.wait_for(world.http.views, 1)
        status, refused = world.submit("UJO", "mina@acme.example")
        self.assertEqual((status, refused["response_action"]), (200, "errors"))
        self.assertIn(NOTHING, refused["errors"]["destination"])
        self.assertEqual(world.submit("UJO", "+82 10 9999 8877"), (200, None))
        ready = world.http.wait_for_text(" now?")
        world.click("UJO", ready, "confirm")
        world.http.wait_for_text("Done: ")
        self.assertEqual(world.http.sms[0]["to"], "+821099998877")

    def test_every_refusal_of_the_command(self):
        for who, text, told in [
            ("ULEE", "<@UMINA>", "You can't reset passwords"),
            ("UJO", "<@UJO>", "your own password"),
            ("UKIM", "<@UJO>", "Only another primary admin"),
            ("UJO", "<@USAM>", "is Suspended"),
            ("UJO", "<@UPIA>", "is Pending"),
            ("UJO", "<@URIA>", "is Resigned"),
            ("UJO", "<@USOL>", "single sign-on"),
            ("UJO", "<@UFON>", "business email"),
            ("UJO", "<@UNOBODY>", "exactly one account"),
            ("UJO", "nobody@acme.example", "exactly one account"),
            ("UJO", "UMINA", "exactly one account"),
            ("UJO", "<@UMINA> <@UNOA>", "one member at a time"),
            ("UNOBODY", "<@UMINA>", NOTHING),
        ]:
            answer = text_of(self.world.command(who, text))
            self.assertIn(told, answer)
            self.assertEqual(answer.count(NOTHING), 1, answer)
        for strange in ["is_restricted", "is_bot", "deleted", "is_stranger"]:
            self.world.http.users["UKIM"] = {strange: True}
            self.world.kill()
            self.world.start()
            self.assertIn(NOTHING, text_of(self.world.command("UKIM", "<@UMINA>")))
        self.world.http.users.clear()
        self.world.http.api_status = 429
        self.world.kill()
        self.world.start()
        self.assertIn(NOTHING, text_of(self.world.command("UKIM", "<@UMINA>")))
        self.assertEqual(self.world.resets(), [])

    def test_what_changed_before_the_click_counts(self):
        world = self.world
        ready = world.last_look("UJO", "UMINA", "deliver_copy")
        people = (world.folder / "people.csv").read_text()
        for before, after in [
            ("Jo Lim,jo@acme.example,business_email,active,,,primary_admin", "Jo Lim,jo@acme.example,business_email,active,,,member"),
            ("mina@acme.example,business_email,active", "mina@acme.example,business_email,suspended"),
            ("mina@acme.example,business_email,active", "mina@acme.example,sso,active"),
        ]:
            self.assertIn(before, people)
            (world.folder / "people.csv").write_text(people.replace(before, after))
            world.run("members", "import", world.folder / "people.csv")
            said = len(world.http.said)
            world.click("UJO", ready, "confirm")
            world.http.wait_for_text(NOTHING, said)
        self.assertEqual(world.resets(), [])

    def test_a_last_look_from_before_another_reset_is_out_of_date(self):
        world = self.world
        old = world.last_look("UJO", "UMINA", "deliver_phone")
        world.reset("UKIM", "UMINA", "deliver_phone", "Done: ")
        since = len(world.http.said)
        world.click("UJO", old, "confirm")
        new = world.http.wait_for_text("after you opened this card", since)
        self.assertIn(NOTHING, text_of(new))
        self.assertEqual(len(world.http.sms), 1)
        world.click("UJO", new, "confirm")
        world.http.wait_for(world.http.sms, 2)
        world.wait_for_ends()
        self.assertEqual([reset["state"] for reset in world.resets()], ["delivered", "delivered"])

    def test_look_ups_are_limited(self):
        world = self.world
        for _ in range(30):
            self.assertNotIn("looked up", text_of(world.command("UJO", "why <@UMINA>")))
        refused = text_of(world.command("UJO", "<@UMINA>"))
        self.assertIn("You looked up 30 members in 10 minutes.", refused)
        self.assertIn(NOTHING, refused)
        self.assertNotIn("Mina", refused)

    def test_the_guide_help_log_and_why(self):
        world = self.world
        card = world.command("UJO", "<@UMINA>")
        world.click("UJO", card, "send_guide")
        self.assertIn(NOTHING, text_of(world.http.wait_for_text("Guide sent")))
        self.assertEqual(world.mail.letters[0][0], "mina@mail.example")
        self.assertIn("5 resets", text_of(world.command("UJO", "help")))
        self.assertIn("✗", text_of(world.command("UJO", "why <@USAM>")))
        self.assertIn("None so far", text_of(world.command("UJO", "log")))

    def test_sixty_four_clicks_give_one_reset(self):
        world = self.world
        ready = world.last_look("UJO", "UMINA", "deliver_phone")
        with concurrent.futures.ThreadPoolExecutor(64) as pool:
            codes = list(pool.map(lambda _: world.click("UJO", ready, "confirm"), range(64)))
        self.assertTrue(all(code in (200, 409) for code in codes), codes)
        world.http.wait_for_text("Done: ")
        time.sleep(0.5)
        world.wait_for_ends()
        self.assertEqual([reset["state"] for reset in world.resets()], ["delivered"])
        self.assertEqual(len(world.http.sms), 1)

    def test_bad_requests(self):
        world = self.world
        for fields, how, code in [
            ("text=x", {"signed": False}, 401),
            ("{}", {"content_type": "application/json"}, 415),
            ("a" * 65 * 1024, {}, 413),
            ("text=%ff", {}, 400),
            ("text=a&text=b", {}, 400),
        ]:
            self.assertEqual(world.post("/slack/commands", fields, **how)[0], code, fields[:20])

    def test_sigterm_finishes_what_is_at_hand(self):
        world = self.world
        world.http.sms_delay = 2
        ready = world.last_look("UJO", "UMINA", "deliver_phone")
        world.click("UJO", ready, "confirm")
        world.http.wait_until(lambda: world.http.sms_asked)
        self.assertEqual(world.stop(), 0)
        self.assertEqual([reset["state"] for reset in world.resets()], ["delivered"])


class Limit(unittest.TestCase):
    def test_five_pass_the_sixth_waits_for_the_window(self):
        # A window that holds five resets on this machine, however busy it is.
        for window in (12, 24, 48, 96, 192):
            if self.is_refused_within(window):
                return
        self.fail("five resets took longer than every window")

    def is_refused_within(self, window):
        """False where the first reset left the window before the sixth could be asked for."""
        world = World(policy=f'window = "{window}s"').start()
        self.addCleanup(world.close)
        begun = time.monotonic()
        world.reset("UJO", "UMINA", "deliver_copy", "tell them now")
        first_ended = time.monotonic()
        for _ in range(4):
            world.reset("UJO", "UMINA", "deliver_copy", "tell them now")
        refused = text_of(world.command("UJO", "<@UMINA>"))
        if time.monotonic() - begun >= window:
            return False
        self.assertIn(NOTHING, refused)
        self.assertRegex(refused, r"next.*\d\d:\d\d")
        time.sleep(max(0, first_ended + window + 0.5 - time.monotonic()))
        world.reset("UJO", "UMINA", "deliver_copy", "tell them now")
        self.assertEqual(len(world.resets()), 6)
        return True


if __name__ == "__main__":
    unittest.main()
