"""Mail servers and gateways that refuse, hang or are not there: each has its text, and nothing is claimed."""

import unittest

from world import NOTHING, SMTP_PASSWORD, Mail, World, certificate, free_port, sign_in_as_canary, text_of
import tempfile
from pathlib import Path


class Channels(unittest.TestCase):
    def setUp(self):
        self.world = World().start()
        self.addCleanup(self.world.close)

    def ended(self, action, ends):
        said = len(self.world.http.said)
        ready = self.world.last_look("UJO", "UMINA", action)
        self.world.click("UJO", ready, "confirm")
        return text_of(self.world.http.wait_for_text(ends, said))

    def states(self):
        return [(reset["state"], reset["slot"]) for reset in self.world.resets()]

    def test_a_recipient_refused_for_good_changes_nothing_and_another_way_works(self):
        world = self.world
        world.mail.rcpt = "550 no such user"
        told = self.ended("deliver_email", "refuses m···@mail.example")
        self.assertEqual(told.count(NOTHING), 1)
        self.assertEqual(self.states(), [("refused", "returned")])
        successor = world.http.wait_for_text("refuses m···@mail.example")
        said = len(world.http.said)
        world.click("UJO", successor, "deliver_phone")
        world.click("UJO", world.http.wait_for_text(" now?", said), "confirm")
        world.http.wait_for_text("Done: ")
        self.assertEqual(len(world.http.sms), 1)

    def test_a_recipient_put_off_changes_nothing(self):
        self.world.mail.rcpt = "450 later"
        told = self.ended("deliver_email", "asks to wait")
        self.assertEqual(told.count(NOTHING), 1)
        self.assertEqual(self.states(), [("refused", "returned")])

    def test_a_letter_refused_after_the_change_is_undelivered(self):
        self.world.mail.data = "554 no"
        told = self.ended("deliver_email", "the email was not accepted")
        self.assertNotIn(NOTHING, told)
        self.assertEqual(self.states(), [("undelivered", "used")])

    def test_a_gateway_that_says_429_is_undelivered(self):
        self.world.http.sms_status = 429
        told = self.ended("deliver_phone", "the SMS was not accepted")
        self.assertNotIn(NOTHING, told)
        self.assertEqual(self.states(), [("undelivered", "used")])

    def test_a_gateway_that_fails_is_unknown(self):
        self.world.http.sms_status = 500
        told = self.ended("deliver_phone", "nobody can say whether it arrived")
        self.assertNotIn(NOTHING, told)
        self.assertEqual(self.states(), [("delivery_unknown", "used")])

    def test_a_gateway_that_hangs_is_unknown_after_fifteen_seconds(self):
        self.world.http.sms_delay = 17
        told = self.ended("deliver_phone", "nobody can say whether it arrived")
        self.assertNotIn(NOTHING, told)
        self.assertEqual(self.states(), [("delivery_unknown", "used")])


class MailServers(unittest.TestCase):
    def reset(self, mail, smtp_url, extra="", ends="Done: "):
        world = World(mail=mail, smtp_url=smtp_url, extra=extra).start()
        self.addCleanup(world.close)
        ended = text_of(world.reset("UJO", "UMINA", "deliver_email", ends))
        world.assert_no_secrets()
        return ended, world

    def test_a_dead_server_changes_nothing(self):
        ended, world = self.reset(None, f"smtp://127.0.0.1:{free_port()}", ends="doesn't answer")
        self.assertEqual(ended.count(NOTHING), 1)
        self.assertEqual([reset["slot"] for reset in world.resets()], ["returned"])

    def test_starttls_with_a_password(self):
        folder = Path(tempfile.mkdtemp(prefix="relatch-e2e-"))
        cert, context = certificate(folder)
        how = {"tls_context": context, "require_starttls": True, "auth_required": True}
        mail = Mail(**how, authenticator=sign_in_as_canary)
        url = f"smtp://it:{SMTP_PASSWORD}@localhost:{mail.port}"
        _, world = self.reset(mail, url, f'ca_file = "{cert}"')
        self.assertEqual(world.mail.letters[0][2:], (True, True))

    def test_a_certificate_that_nobody_vouches_for_changes_nothing(self):
        _, context = certificate(Path(tempfile.mkdtemp(prefix="relatch-e2e-")))
        mail = Mail(tls_context=context, require_starttls=True)
        ended, _ = self.reset(mail, f"smtp://localhost:{mail.port}", ends="can't use the mail server as it is set up")
        self.assertEqual(ended.count(NOTHING), 1)

    def test_implicit_tls(self):
        cert, context = certificate(Path(tempfile.mkdtemp(prefix="relatch-e2e-")))
        mail = Mail(ssl_context=context)
        _, world = self.reset(mail, f"smtps://localhost:{mail.port}", f'ca_file = "{cert}"')
        self.assertEqual(world.mail.letters[0][0], "mina@mail.example")

    def test_a_wrong_password_changes_nothing(self):
        cert, context = certificate(Path(tempfile.mkdtemp(prefix="relatch-e2e-")))
        mail = Mail(tls_context=context, require_starttls=True, auth_required=True, authenticator=sign_in_as_canary)
        url = f"smtp://it:canary-that-is-wrong@localhost:{mail.port}"
        ended, _ = self.reset(mail, url, f'ca_file = "{cert}"', ends="can't use the mail server as it is set up")
        self.assertEqual(ended.count(NOTHING), 1)
