"""What mail servers and SMS gateways say no to: a fault that lasts is told apart from one that passes, and from one of the
address. What a letter looks like when it arrives."""

import email
import email.policy
import json
import re
import shutil
import subprocess
import tempfile
import unittest
from html import unescape
from pathlib import Path

from world import NOTHING, Mail, World, certificate, text_of

ASK = "Tell whoever runs relatch"
SET_UP = "relatch can't use the mail server as it is set up"
LATER = "asks to wait"
ADDRESS = "refuses m···@mail.example"


class Case(unittest.TestCase):
    def world(self, **how):
        world = World(**how).start()
        self.addCleanup(world.close)
        return world

    def ended(self, world, action):
        """What is told after the confirming click, until the reset has ended."""
        ready = world.last_look("UJO", "UMINA", action)
        before = len(world.http.said)
        world.click("UJO", ready, "confirm")
        told = text_of(world.http.wait_for_text("ref ", before))
        world.wait_for_ends()
        return told

    def logged(self, world, part):
        world.http.wait_until(lambda: any(part in line for line in world.log))


class Refusals(Case):
    def test_lasting_faults_of_a_mail_server_are_told_apart_from_others(self):
        world = self.world()
        for verb, answer, told, code in [
            # RFC 3463: 5.1.x and 5.2.x are about the mailbox, but for the two of the sender.
            ("rcpt", "550 5.1.1 <mina@mail.example>: Recipient address rejected", ADDRESS, "550 5.1.1"),
            ("rcpt", "552 5.2.2 Mailbox full", ADDRESS, "552 5.2.2"),
            ("rcpt", "550 5.4.1 Recipient address rejected: Access denied.", ADDRESS, "550 5.4.1"),
            ("rcpt", "551 User not local", ADDRESS, "551"),
            ("rcpt", "550 5.1.8 Sender address rejected: Domain not found", SET_UP, "550 5.1.8"),
            ("rcpt", "550 5.1.7 Bad sender's mailbox", SET_UP, "550 5.1.7"),
            ("rcpt", "554 5.7.1 <mina@mail.example>: Relay access denied", SET_UP, "554 5.7.1"),
            ("rcpt", "554 Relay access denied", SET_UP, "554"),
            ("rcpt", "450 4.2.0 Greylisted", LATER, "450 4.2.0"),
            ("sender", "550 5.7.60 Client does not have permissions to send as this sender", SET_UP, "550 5.7.60"),
            ("sender", "530 5.7.0 Authentication required", SET_UP, "530 5.7.0"),
            ("sender", "451 4.3.0 Temporary failure", LATER, "451 4.3.0"),
        ]:
            with self.subTest(answer=answer):
                world.mail.sender = world.mail.rcpt = None
                setattr(world.mail, verb, answer)
                ended = self.ended(world, "deliver_email")
                self.assertIn(told, ended)
                self.assertEqual(ended.count(NOTHING), 1)
                self.assertEqual(ASK in ended, told == SET_UP, ended)
                self.assertEqual("try again in a few minutes" in ended, told == LATER, ended)
                self.logged(world, f'"smtp.answer":"{code}"')
        self.assertEqual({(reset["state"], reset["slot"]) for reset in world.resets()}, {("refused", "returned")})

    def test_a_letter_refused_for_a_lasting_reason_names_it(self):
        world = self.world()
        world.mail.data = "554 5.7.1 Blocked by policy"
        ended = self.ended(world, "deliver_email")
        self.assertIn("relatch can't use it as it is set up; tell whoever runs relatch", ended)

    def twilio(self):
        sid, token = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "canary-token-of-twilio"
        world = World()
        settings = Path(world.folder / "relatch.toml")
        text = settings.read_text().split("[sms]")[0]
        sms = f'[sms]\nkind = "twilio"\naccount_sid = "{sid}"\nauth_token = "{token}"\nfrom = "+14155552345"\n'
        settings.write_text(f'{text}{sms}api_url = "{world.http.base}/"\n')
        world.start()
        self.addCleanup(world.close)
        return world

    def test_refusals_of_twilio_are_told_apart(self):
        fixtures = Path(__file__).resolve().parent.parent / "fixtures" / "vendors" / "twilio"
        message, error = (json.loads((fixtures / name).read_text()) for name in ("message.json", "error.json"))
        failed = {**message, "status": "failed", "error_code": 30007}
        undelivered = {**message, "status": "undelivered", "error_code": 30006}
        set_up = "relatch can't use it as it is set up; tell whoever runs relatch"
        for status, answer, told in [
            (400, {**error, "code": 21610}, "they answered STOP"),
            (400, {**error, "code": 21408}, set_up),
            (400, {**error, "code": 21608}, set_up),
            (201, failed, set_up),
            (201, undelivered, "not reachable there"),
        ]:
            with self.subTest(answer=answer):
                world = self.twilio()
                world.http.twilio = (status, answer)
                ended = self.ended(world, "deliver_phone")
                self.assertIn("the SMS was not accepted", ended)
                self.assertIn(told, ended)
                self.assertEqual([reset["state"] for reset in world.resets()], ["undelivered"])
                code = answer["code"] if status == 400 else answer["error_code"]
                self.logged(world, f'"twilio.code":{code}')


class Ports(unittest.TestCase):
    """TLS from the first byte against STARTTLS."""

    def check(self, mail, url):
        world = World(mail=mail, smtp_url=url)
        self.addCleanup(world.close)
        return world.run("check", fails=True).stdout

    def test_a_scheme_that_does_not_fit_the_port_is_named(self):
        fits_not = "the scheme and the port of smtp_url do not fit"
        plain = Mail()
        self.assertIn(fits_not, self.check(plain, f"smtps://127.0.0.1:{plain.port}"))
        _, context = certificate(Path(tempfile.mkdtemp(prefix="relatch-e2e-")))
        # A server on this port waits for TLS, and a client that begins in plain text waits for the server.
        encrypted = Mail(ssl_context=context, port=465)
        self.assertIn(fits_not, self.check(encrypted, "smtp://localhost:465"))

    def test_a_certificate_is_blamed_for_what_it_is(self):
        _, context = certificate(Path(tempfile.mkdtemp(prefix="relatch-e2e-")))
        mail = Mail(tls_context=context, require_starttls=True)
        told = self.check(mail, f"smtp://localhost:{mail.port}")
        self.assertIn("no authority that is trusted signed its certificate", told)


class Letters(Case):
    def test_a_letter_is_text_that_everybody_can_read(self):
        world = self.world(extra='reply_to = "Help <helpdesk@acme.example>"', top='public_url = "https://reset.acme.example"')
        world.reset("UJO", "UMINA", "deliver_email", "Done: ")
        world.mail.wait_for("Your new one is")
        for sent in world.mail.as_sent:
            letter = email.message_from_string(sent, policy=email.policy.default)
            self.assertEqual(letter["reply-to"], "Help <helpdesk@acme.example>")
            self.assertEqual(letter["auto-submitted"], "auto-generated")
            self.assertIsNone(letter["list-unsubscribe"])
            self.assertEqual([line for line in sent.split("\r\n") if len(line) >= 78], [])
            for part in letter.walk():
                if part.get_content_maintype() == "text":
                    self.assertIn(part["content-transfer-encoding"], ("7bit", "quoted-printable"))

    def test_a_link_can_be_clicked_and_the_words_are_the_same(self):
        world = self.world(policy='send = "link"', top='public_url = "https://reset.acme.example"')
        world.reset("UJO", "UMINA", "deliver_email", "Done: ")
        _, found = world.mail.wait_for(r"(https://reset\.acme\.example/claim/\S+)")
        sent = next(sent for sent in world.mail.as_sent if "/claim/" in sent)
        letter = email.message_from_string(sent, policy=email.policy.default)
        self.assertEqual(letter.get_content_type(), "multipart/alternative")
        plain, html = (letter.get_body([kind]).get_content() for kind in ("plain", "html"))
        self.assertIn(f'<a href="{found[1]}">{found[1]}</a>', html)
        words = unescape(re.sub("<[^>]*>", "", html))
        self.assertEqual(words.split(), plain.split())


class Domains(Case):
    """An international domain is one address in whatever spelling; what looks like two scripts in one label is none."""

    def typed(self, world, address):
        card = world.command("UJO", "<@UMINA>")
        before = len(world.http.views)
        world.click("UJO", card, "deliver_other")
        world.http.wait_for(world.http.views, before + 1)
        return world.submit("UJO", address)

    def test_an_international_domain_is_used_in_its_ascii_form(self):
        world = self.world()
        before = len(world.http.said)
        self.typed(world, "pat@bücher.example")
        ready = world.http.wait_for_text(" now?", before)
        self.assertIn("pat@xn--bcher-kva.example (bücher.example), not on record", text_of(ready))
        before = len(world.http.said)
        world.click("UJO", ready, "confirm")
        world.http.wait_for_text("Done: ", before)
        self.assertEqual(world.mail.letters[0][0], "pat@xn--bcher-kva.example")

    def test_mixed_scripts_are_refused(self):
        world = self.world()
        # The second letter is Cyrillic.
        status, answer = self.typed(world, "pat@p\u0430ypal.example")
        self.assertEqual(status, 200)
        self.assertIn("errors", answer)


class Postfix(Case):
    """A real mail server: what it says no to, and what it is sent."""

    def setUp(self):
        servers = Path(__file__).resolve().parent.parent / "servers"
        folder = Path(tempfile.mkdtemp(prefix="relatch-mail-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        subprocess.run([servers / "pki.sh", folder], check=True)
        subprocess.run([servers / "postfix.sh", folder], check=True)
        self.addCleanup(subprocess.run, ["postfix", "-c", folder / "etc", "stop"], capture_output=True)
        self.letters = folder / "mail"
        top = 'public_url = "https://reset.acme.example"'
        authority = f'ca_file = "{folder / "ours-ca.pem"}"'
        self.of_postfix = World(smtp_url="smtp://localhost:2530", extra=authority, top=top)
        self.addCleanup(self.of_postfix.close)
        self.assertIn("ok    email", self.of_postfix.run("check", fails=True).stdout)
        self.of_postfix.start()

    def test_what_it_refuses_is_told_apart_and_what_it_takes_can_be_read(self):
        world = self.of_postfix
        # It knows no Mina, and it relays to nobody.
        for address, told, code in [
            (None, ADDRESS, "550 5.1.1"),
            ("pat@elsewhere.example", SET_UP, "554 5.7.1"),
        ]:
            self.confirm(world, address)
            ended = text_of(world.http.wait_for_text(told))
            self.assertEqual(ended.count(NOTHING), 1)
            self.logged(world, f'"smtp.answer":"{code}"')
        for address, mailbox in [("eli@mail.example", "eli"), ("pat@bücher.example", "pat")]:
            before = len(world.http.said)
            self.confirm(world, address)
            world.http.wait_for_text("Done: ", before)
            letter = self.letters / mailbox
            world.http.wait_until(letter.exists)
            sent = letter.read_text("ascii")
            self.assertIn("Your new one is", sent)
            self.assertNotIn("base64", sent)

    def confirm(self, world, address):
        """Chooses the address on record or this one, and confirms."""
        card = world.command("UJO", "<@UMINA>")
        said, views = len(world.http.said), len(world.http.views)
        if address:
            world.click("UJO", card, "deliver_other")
            world.http.wait_for(world.http.views, views + 1)
            world.submit("UJO", address)
        else:
            world.click("UJO", card, "deliver_email")
        world.click("UJO", world.http.wait_for_text(" now?", said), "confirm")


if __name__ == "__main__":
    unittest.main()
