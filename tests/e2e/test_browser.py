"""The demo and the member's pages in a real browser: the whole story, by each delivery, as people play it."""

import json
import re
import shutil
import time
import unittest

from demo import Demo
from test_pages import AXE, RUN_AXE
from webdriver import ELEMENT, Browser, Driver
from world import password_in

OLD = "yellow tractor in the rain"
OWN = "seven quiet herons dance"
CODE = r"code: (\d{6})"
MINA = "mina.park@acme.example"
NOTICE = "Your password was reset by an administrator. Please verify your identity to sign in again."


class InBrowser(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.driver = Driver()
        cls.addClassCleanup(cls.driver.close)

    def setUp(self):
        self.demo = Demo()
        self.addCleanup(shutil.rmtree, self.demo.folder)
        self.addCleanup(self.stop)
        self.desk = self.browser(1400, 950)
        self.desk.open(self.demo.url)
        self.desk.wait_for("[data-person=UJO]")

    def stop(self):
        broken = self.demo.broken()
        self.assertEqual(self.demo.close(), 0)
        self.assertEqual(broken, [], "Slack's rules were broken")

    def browser(self, width=420, height=800, **how):
        browser = Browser(self.driver, width, height, **how)
        self.addCleanup(browser.close)
        return browser

    def axe(self, where=""):
        self.desk.script(AXE.read_text())
        for scheme in ["light", "dark"]:
            self.desk.prefer(scheme)
            self.assertEqual(self.desk.script_async(RUN_AXE), [], f"{where} {scheme}")
        self.desk.prefer("light")

    # What the administrator does in the workspace.

    def say(self, text):
        self.desk.type("#composer", text)
        self.desk.click("#send")

    def keys(self, text):
        self.desk.do("POST", f"/element/{self.desk.find('#composer')}/value", {"text": text})

    def last(self):
        return ".message:last-child"

    def press(self, action, then):
        self.desk.wait_for(f"{self.last()} [data-action={action}]")
        self.desk.click(f"{self.last()} [data-action={action}]")
        return self.desk.wait_for_text(self.last(), then)

    def offer(self, action):
        """The card, and the last look at this way."""
        self.say("/reset-password @Mina Park")
        self.desk.wait_for(f"{self.last()} [data-action={action}]")
        self.desk.click(f"{self.last()} [data-action={action}]")
        self.desk.wait_for(f"{self.last()} [data-action=confirm]")

    def tick(self, action):
        """Ticks a box of the last look, and waits until the program has written that down in a new message."""
        box = f"{self.last()} [data-action={action}]"
        edition = "return JSON.stringify(JSON.parse(document.querySelector('.message:last-child').itsKey).message)"
        before = self.desk.script(edition)
        self.desk.click(box)
        self.desk.wait_for(lambda: self.desk.script(edition) != before)
        is_ticked = "const box = document.querySelector(arguments[0]); return box && (box.checked || box.innerText.includes('☑'))"
        self.desk.wait_for(lambda: self.desk.script(is_ticked, box))

    def reset(self, action, *ticks):
        self.offer(action)
        for tick in ticks:
            self.tick(tick)
        return self.press("confirm", "tell them now" if action == "deliver_copy" else "Done")

    def arrived(self, css, part):
        """The newest text with this part on the phone or in the mailboxes, as the page shows it."""
        shown = "return [...document.querySelectorAll(arguments[0])].map((one) => one.innerText)"
        found = lambda: [text for text in self.desk.script(shown, css) if part in text]
        return self.desk.wait_for(found)[-1]

    # What the member does on their pages.

    def sign_in(self, browser, password):
        browser.open(self.demo.base + "/signin")
        browser.type("#email", MINA)
        browser.type("#password", password)
        browser.click("button[type=submit]")

    def at(self, browser, path):
        browser.wait_for(lambda: browser.url.endswith(path))

    def signed_in(self):
        browser = self.browser()
        self.sign_in(browser, OLD)
        self.at(browser, "/account")
        return browser

    def code(self, is_mailed=False):
        """The code on the phone; in the private mailbox alone where the phone got the password."""
        if not is_mailed:
            return re.search(CODE, self.arrived("#phone .sms", " code: "))[1]
        mail = self.arrived("#mail .mail", " code: ")
        self.assertIn("mina@mail.example", mail)
        self.assertNotRegex(self.desk.text("#phone"), CODE)
        return re.search(CODE, mail)[1]

    def use(self, password, is_mailed=False):
        """The member signs in with what arrived, enters the code, and sets a password of their own."""
        self.demo.forward(1)
        member = self.browser()
        self.sign_in(member, password)
        self.at(member, "/verify")
        member.type("#code", self.code(is_mailed))
        member.click("button[type=submit]")
        self.at(member, "/new-password")
        member.type("#password", OWN)
        member.click("button[type=submit]")
        self.at(member, "/account")
        self.assertIn("Mina Park", member.text("h1"))
        self.desk.wait_for(lambda: "Mina Park signed in and set a new password" in self.desk.text("#messages"))
        stranger = self.browser()
        for dead in [OLD, password]:
            self.sign_in(stranger, dead)
            stranger.wait_for_text(".problem", "do not match")
        return member


class Story(InBrowser):
    def test_a_reset_by_sms_ends_an_open_session_within_two_seconds(self):
        open_page = self.signed_in()
        self.reset("deliver_phone")
        done = time.monotonic()
        open_page.wait_for_text("#live", NOTICE, 2)
        self.assertLess(time.monotonic() - done, 2)
        self.assertTrue(open_page.url.endswith("/account"), "without a reload")
        password = password_in(self.arrived("#phone .sms", "is your new password"))
        self.use(password, is_mailed=True)
        open_page.open(self.demo.base + "/account")
        self.at(open_page, "/signin")

    def test_a_reset_by_copy(self):
        shown = self.reset("deliver_copy")
        password = re.search(r"^(\w{8})$", shown, re.M)[1]
        self.assertIn("Tell Mina Park outside this chat", shown)
        self.press("done", "you have the password")
        self.desk.wait_for(lambda: password not in self.desk.text(self.last()))
        self.use(password)

    def test_a_reset_by_email_with_everything(self):
        shown = self.reset("deliver_email", "copy_to_self", "also_show")
        password = re.search(r"^(\w{8})$", shown, re.M)[1]
        self.assertIn(password, self.arrived("#mail .mail", "mina@mail.example"))
        self.assertIn(password, self.arrived("#mail .mail", "Your copy of the password"))
        self.use(password)

    def test_a_reset_to_a_typed_address(self):
        self.say("/reset-password @Mina Park")
        self.desk.wait_for(f"{self.last()} [data-action=deliver_other]")
        self.desk.click(f"{self.last()} [data-action=deliver_other]")
        self.desk.wait_for("#view-submit")
        self.desk.type("#view input", MINA)
        self.desk.click("#view-submit")
        self.desk.wait_for_text("#view .error", "business email")
        self.desk.type("#view input", "mina@home.example")
        self.desk.click("#view-submit")
        self.press("confirm", "Done")
        mail = self.arrived("#mail .mail", "mina@home.example")
        self.use(re.search(r"^\s*(\w{8})$", mail, re.M)[1])

    def test_the_member_plays_in_the_same_window(self):
        hint = "return document.getElementById('next').innerText"
        self.assertEqual(self.desk.script(hint), "")
        self.reset("deliver_phone")
        password = password_in(self.arrived("#phone .sms", "is your new password"))
        self.assertEqual(self.desk.text("#next"), "Something arrived for Mina. Now be her: on the right.")
        with self.desk.in_frame("#browser") as page:
            page.type("#email", MINA)
            page.type("#password", password)
            page.click("button[type=submit]")
            page.wait_for("#code")
        self.desk.wait_for(lambda: not self.desk.script(hint))
        code = self.code(is_mailed=True)
        with self.desk.in_frame("#browser") as page:
            page.type("#code", code)
            page.click("button[type=submit]")
            page.wait_for_text("h1", "Set a new password")
            page.type("#password", OWN)
            page.click("button[type=submit]")
            page.wait_for_text("h1", "Mina Park")
            forms = "return document.querySelector('details').open"
            self.assertFalse(page.script(forms), "what was just done is not asked for again")
        self.assertEqual(self.desk.script(hint), "")
        self.assertIn("signed in and set a new password", self.desk.wait_for_text(self.last(), "Mina Park signed in"))

    def test_this_was_not_me_from_the_mailbox(self):
        self.reset("deliver_phone")
        self.arrived("#mail .mail", "Didn't ask for this?")
        self.desk.click("#mail .mail a")
        with self.desk.in_frame("#browser") as page:
            page.wait_for_text("h1", "Did you ask for a new password?")
            page.click("button[type=submit]")
            page.wait_for_text("h1", "The new password is blocked")
        self.desk.wait_for_text(self.last(), "Mina Park says they did not ask for this")
        self.say("/reset-password @Mina Park")
        self.desk.wait_for_text(self.last(), "did not ask for your last reset")

    def test_a_life_is_over_when_the_clock_says_so(self):
        self.reset("deliver_phone")
        password = password_in(self.arrived("#phone .sms", "is your new password"))
        self.desk.click("#forward-24h")
        self.desk.wait_for_text("#clock", "24 h ahead")
        member = self.browser()
        self.sign_in(member, password)
        member.wait_for_text("h1", "This password has ended")

    def test_who_may_not_is_told_so(self):
        for person, told in [("ULEE", "You can't reset passwords"), ("UGUS", "a guest account")]:
            self.desk.click(f"[data-person={person}]")
            self.desk.wait_for(f"[data-person={person}][aria-pressed=true]")
            self.say("/reset-password @Mina Park")
            self.assertIn("Nothing was changed.", self.desk.wait_for_text(self.last(), told))

    def test_completion_writes_the_command(self):
        self.desk.type("#composer", "/res")
        self.desk.wait_for("#choice-0")
        self.desk.do("POST", f"/element/{self.desk.find('#composer')}/value", {"text": "\ue004@Min\ue004"})
        self.assertEqual(self.desk.script("return document.getElementById('composer').value"), "/reset-password @Mina Park ")
        self.desk.click("#send")
        self.desk.wait_for(f"{self.last()} [data-action=cancel]")
        self.desk.click("#wire summary")
        self.assertIn("Slash command", self.desk.wait_for_text("#exchanges", "to relatch"))

    def composed(self):
        return self.desk.script("return document.getElementById('composer').value")

    def test_completion_by_keys_and_mouse(self):
        down, up, enter, escape = "\ue015", "\ue013", "\ue007", "\ue00c"
        active = "return document.getElementById(document.getElementById('composer').getAttribute('aria-activedescendant'))?.innerText ?? ''"
        self.desk.type("#composer", "/")
        self.assertIn("/reset-password @member [reason]", self.desk.text("#choices"))
        self.assertIn("set a new password", self.desk.script(active), "the first is chosen at once")
        self.keys(down)
        self.assertIn("why", self.desk.script(active))
        self.keys(up + up)
        self.assertIn("help", self.desk.script(active), "from the first to the last")
        self.keys(escape)
        self.assertEqual(self.desk.script("return document.getElementById('choices').hidden"), True)
        self.assertEqual(self.desk.script(active), "")
        self.desk.type("#composer", "/reset-password why @par")
        self.assertEqual(self.desk.text("#choice-0 b"), "@Mina Park", "by the family name too")
        self.keys(enter)
        self.assertEqual(self.composed(), "/reset-password why @Mina Park ")
        self.desk.type("#composer", "/reset-password @")
        self.assertIn("@Dee Ma", self.desk.text("#choices"))
        at = self.desk.script("return [...document.querySelectorAll('#choices li')].findIndex((one) => one.innerText.includes('Dee Ma'))")
        self.desk.click(f"#choice-{at}")
        self.assertEqual(self.composed(), "/reset-password @Dee Ma ")
        self.desk.type("#composer", "/reset-password dee@")
        self.assertEqual(self.desk.script("return document.getElementById('choices').hidden"), True, "an address is no mention")
        # Where nothing is chosen, Tab goes on; the mouse only marks, so Enter sends what was typed.
        self.desk.type("#composer", "/reset-password ")
        self.assertEqual((self.desk.script(active), self.desk.script("return document.getElementById('choices').hidden")), ("", False))
        self.keys("\ue004")
        self.assertEqual(self.desk.script("return document.activeElement.id"), "send")
        self.assertEqual(self.composed(), "/reset-password ")
        self.desk.type("#composer", "/reset-password log")
        move = {"type": "pointer", "id": "mouse", "actions": [
            {"type": "pointerMove", "duration": 50, "x": 0, "y": 0, "origin": {ELEMENT: self.desk.find("#choice-0")}}]}
        self.desk.do("POST", "/actions", {"actions": [move]})
        self.keys(enter)
        self.desk.wait_for(self.last() + ".bot")
        said = [one["message"]["text"] for one in self.demo.state()["messages"] if one["from"] == "UJO"]
        self.assertEqual(said, ["/reset-password log"])

    def test_the_password_without_the_code_opens_nothing(self):
        shown = self.reset("deliver_copy")
        admin = self.browser()
        self.sign_in(admin, re.search(r"^(\w{8})$", shown, re.M)[1])
        self.at(admin, "/verify")
        for path in ["/account", "/new-password", "/contacts", "/signin"]:
            admin.open(self.demo.base + path)
            self.at(admin, "/verify")
        for code in ["000000", "123456"]:
            admin.type("#code", code)
            admin.click("button[type=submit]")
            admin.wait_for_text(".problem", "Wrong code")
        # A form of another page, sent from this one with its token.
        forged = """const form = document.querySelector("form"); form.action = "/new-password";
            const field = document.createElement("input"); field.name = "password"; field.value = "seven quiet herons dance";
            form.noValidate = true; form.append(field); form.submit();"""
        admin.script(forged)
        self.at(admin, "/verify")
        admin.open(self.demo.base + "/account")
        self.at(admin, "/verify")


class Discord(InBrowser):
    """The same program in the look of Discord: signed by Ed25519, its messages made of components."""

    def setUp(self):
        super().setUp()
        self.desk.click("button[data-chat=discord]")
        self.desk.wait_for("#workspace[data-chat=discord]")

    def test_a_reset_by_email_with_everything(self):
        shown = self.reset("deliver_email", "copy_to_self", "also_show")
        password = re.search(r"^(\w{8})$", shown, re.M)[1]
        self.assertIn(password, self.arrived("#mail .mail", "mina@mail.example"))
        self.assertIn(password, self.arrived("#mail .mail", "Your copy of the password"))
        self.press("done", "Done")
        self.desk.wait_for(lambda: password not in self.desk.text(self.last()))
        wire = self.demo.state()["wire"]
        self.assertIn("POST /discord/interactions", [one["request"]["line"] for one in wire])
        self.use(password)

    def test_a_reset_to_a_typed_address(self):
        self.say("/reset-password @Mina Park")
        self.desk.wait_for(f"{self.last()} [data-action=deliver_other]")
        self.desk.click(f"{self.last()} [data-action=deliver_other]")
        self.desk.wait_for("#view-submit")
        self.desk.type("#view input", MINA)
        self.desk.click("#view-submit")
        # A modal of Discord is closed by every answer; the error is a message.
        self.desk.wait_for_text(self.last(), "business email")
        self.assertFalse(self.desk.script("return document.getElementById('view').open"))
        self.desk.click(".message [data-action=deliver_other]")
        self.desk.wait_for("#view-submit")
        self.desk.type("#view input", "mina@home.example")
        self.desk.click("#view-submit")
        self.desk.wait_for(".message [data-action=confirm]")
        self.desk.click(".message [data-action=confirm]")
        mail = self.arrived("#mail .mail", "mina@home.example")
        self.use(re.search(r"^\s*(\w{8})$", mail, re.M)[1])

    def test_who_may_not_is_told_so(self):
        for person in ["ULEE", "UGUS"]:
            self.desk.click(f"[data-person={person}]")
            self.desk.wait_for(f"[data-person={person}][aria-pressed=true]")
            self.say("/reset-password @Mina Park")
            self.desk.wait_for_text(self.last(), "Nothing was changed.")

    def test_completion_names_the_options(self):
        composed = "return document.getElementById('composer').value"
        self.desk.type("#composer", "/reset-password show:w")
        self.assertEqual(self.desk.text("#choice-0 b"), "/reset-password show:why")
        self.desk.type("#composer", "/reset-password show:why member:@Min")
        self.keys("\ue004")
        self.assertEqual(self.desk.script(composed), "/reset-password show:why member:@Mina Park ")
        self.desk.click("#send")
        self.desk.wait_for_text(self.last(), "Mina Park")
        body = [one for one in self.demo.state()["wire"] if one["title"] == "Command"][-1]["request"]["body"]
        self.assertEqual([option["name"] for option in json.loads(body)["data"]["options"]], ["show", "member"])


class Lark(InBrowser):
    """The same program in the look of Lark: encrypted events, cards that are replaced, and a form that stands in a card."""

    def setUp(self):
        super().setUp()
        self.desk.click("button[data-chat=lark]")
        self.desk.wait_for("#workspace[data-chat=lark]")

    def test_a_reset_by_email_with_everything(self):
        shown = self.reset("deliver_email", "copy_to_self", "also_show")
        password = re.search(r"^(\w{8})$", shown, re.M)[1]
        self.assertIn(password, self.arrived("#mail .mail", "mina@mail.example"))
        self.assertIn(password, self.arrived("#mail .mail", "Your copy of the password"))
        self.press("done", "Done")
        self.desk.wait_for(lambda: password not in self.desk.text(self.last()))
        lines = {one["request"]["line"] for one in self.demo.state()["wire"]}
        self.assertLessEqual({"POST /lark/events", "POST /lark/ephemeral/v1/send", "POST /lark/interactive/v1/card/update"}, lines)
        self.use(password)

    def test_a_reset_to_a_typed_address(self):
        self.say("/reset-password @Mina Park")
        self.desk.wait_for(f"{self.last()} [data-action=deliver_other]")
        self.desk.click(f"{self.last()} [data-action=deliver_other]")
        self.desk.wait_for(f"{self.last()} form input")
        self.desk.type(f"{self.last()} form input", MINA)
        self.desk.click(f"{self.last()} form [type=submit]")
        self.desk.wait_for_text("#toast", "business email")
        typed = "return document.querySelector('.message:last-child form input').value"
        self.assertEqual(self.desk.script(typed), MINA, "what was typed is kept")
        self.desk.type(f"{self.last()} form input", "mina@home.example")
        self.desk.click(f"{self.last()} form [type=submit]")
        self.desk.wait_for(f"{self.last()} [data-action=confirm]")
        self.assertTrue(self.desk.script("return document.getElementById('toast').hidden"))
        self.press("confirm", "Done")
        mail = self.arrived("#mail .mail", "mina@home.example")
        self.use(re.search(r"^\s*(\w{8})$", mail, re.M)[1])

    def test_a_card_whose_token_has_ended_is_sent_again(self):
        shown = self.reset("deliver_copy")
        password = re.search(r"^(\w{8})$", shown, re.M)[1]
        self.desk.click("#forward-1h")
        self.desk.wait_for(lambda: password not in self.desk.text("#messages"))
        lines = [one["request"]["line"] for one in self.demo.state()["wire"]]
        self.assertIn("POST /lark/ephemeral/v1/delete", lines)

    def test_a_form_goes_back_to_its_card(self):
        self.say("/reset-password @Mina Park")
        for action in ["deliver_other", "back"]:
            self.desk.wait_for(f"{self.last()} [data-action={action}]")
            self.desk.click(f"{self.last()} [data-action={action}]")
        self.desk.wait_for(f"{self.last()} [data-action=deliver_email]")

    def test_who_may_not_is_told_so(self):
        for person in ["ULEE", "UGUS"]:
            self.desk.click(f"[data-person={person}]")
            self.desk.wait_for(f"[data-person={person}][aria-pressed=true]")
            self.say("/reset-password @Mina Park")
            self.desk.wait_for_text(self.last(), "Nothing was changed.")

    def test_everyone_can_use_its_cards(self):
        self.say("/reset-password @Mina Park")
        self.desk.wait_for(f"{self.last()} [data-action=deliver_other]")
        self.axe()
        self.desk.click(f"{self.last()} [data-action=deliver_other]")
        self.desk.wait_for(f"{self.last()} form input")
        self.desk.type(f"{self.last()} form input", MINA)
        self.desk.click(f"{self.last()} form [type=submit]")
        self.desk.wait_for_text("#toast", "business email")
        self.axe()
        focused = "return document.activeElement.closest('.message') === document.querySelector('.message:last-child')"
        self.assertTrue(self.desk.script(focused))


class Mattermost(InBrowser):
    """The same program in the look of Mattermost: a command's token and signed triggers; each answer is a new post."""

    def setUp(self):
        super().setUp()
        self.desk.click("button[data-chat=mattermost]")
        self.desk.wait_for("#workspace[data-chat=mattermost]")

    def tick(self, action):
        posts = "return document.querySelectorAll('.message').length"
        before = self.desk.script(posts)
        self.desk.click(f"{self.last()} [data-action={action}]")
        self.desk.wait_for(lambda: self.desk.script(posts) > before)
        self.desk.wait_for(lambda: "☑" in self.desk.text(f"{self.last()} [data-action={action}]"))

    def test_a_reset_by_email_with_everything(self):
        shown = self.reset("deliver_email", "copy_to_self", "also_show")
        password = re.search(r"^(\w{8})$", shown, re.M)[1]
        self.assertIn(password, self.arrived("#mail .mail", "mina@mail.example"))
        self.assertIn(password, self.arrived("#mail .mail", "Your copy of the password"))
        lines = {one["request"]["line"] for one in self.demo.state()["wire"]}
        self.assertLessEqual({"POST /mattermost/actions", "POST /mattermost/api/v4/posts/ephemeral"}, lines)
        self.use(password)

    def test_a_reset_to_a_typed_address(self):
        self.say("/reset-password @Mina Park")
        self.desk.wait_for(f"{self.last()} [data-action=deliver_other]")
        self.desk.click(f"{self.last()} [data-action=deliver_other]")
        self.desk.wait_for("#view-submit")
        self.desk.type("#view input", MINA)
        self.desk.click("#view-submit")
        self.desk.wait_for_text("#view .error", "business email")
        self.desk.type("#view input", "mina@home.example")
        self.desk.click("#view-submit")
        self.desk.wait_for(f"{self.last()} [data-action=confirm]")
        self.press("confirm", "Done")
        mail = self.arrived("#mail .mail", "mina@home.example")
        self.use(re.search(r"^\s*(\w{8})$", mail, re.M)[1])

    def test_who_may_not_is_told_so(self):
        for person in ["ULEE", "UGUS"]:
            self.desk.click(f"[data-person={person}]")
            self.desk.wait_for(f"[data-person={person}][aria-pressed=true]")
            self.say("/reset-password @Mina Park")
            self.desk.wait_for_text(self.last(), "Nothing was changed.")

    def test_the_focus_goes_to_the_new_post(self):
        self.say("/reset-password @Mina Park")
        self.desk.wait_for(f"{self.last()} [data-action=deliver_email]")
        self.desk.click(f"{self.last()} [data-action=deliver_email]")
        self.desk.wait_for(f"{self.last()} [data-action=confirm]")
        focused = "return document.activeElement === document.querySelector('.message:last-child')"
        self.desk.wait_for(lambda: self.desk.script(focused))


class Looks(InBrowser):
    """The demo's own page; the member's pages have a file of their own."""

    def test_every_look_can_be_used_by_everyone(self):
        for chat in self.chats():
            self.desk.click(f"button[data-chat={chat}]")
            self.offer("deliver_copy")
            for one in ["", "confirm"]:
                if one:
                    self.press(one, "✓")
                self.desk.click(f"{self.last()} [aria-label='JSON of this message']")
                self.axe(f"{chat} {one}")

    def chats(self):
        return self.desk.script("return [...document.querySelectorAll('button[data-chat]')].map((one) => one.dataset.chat)")

    def test_the_page_fits_and_can_be_used_by_everyone(self):
        self.axe()
        self.reset("deliver_copy")
        self.desk.click("#wire summary")
        self.desk.script("for (const one of document.querySelectorAll('details')) one.open = true")
        self.desk.click(f"{self.last()} [aria-label='JSON of this message']")
        self.axe()
        for width, scale in [(360, 1), (320, 2), (1000, 1), (1400, 1)]:
            self.desk.size(width, 900, scale)
            wider = "const page = document.documentElement; return page.scrollWidth - page.clientWidth"
            self.assertLessEqual(self.desk.script(wider), 0, f"{width} px wide")
        self.desk.size(1400, 900)
        self.desk.type("#composer", "/reset-password @")
        self.axe()

    def test_a_whole_card_fits_on_a_small_screen(self):
        self.desk.size(1280, 720)
        for chat in ["slack", "discord", "lark", "mattermost"]:
            self.desk.click(f"button[data-chat={chat}]")
            self.desk.wait_for(f"#workspace[data-chat={chat}]")
            self.say("/reset-password @Mina Park INC-2041")
            self.fits("deliver_phone")
            self.desk.click(f"{self.last()} [data-action=deliver_phone]")
            self.fits("confirm")

    def fits(self, action):
        self.desk.wait_for(f"{self.last()} [data-action={action}]")
        hidden = """const inner = document.querySelector(".message:last-child").getBoundingClientRect();
            const outer = document.getElementById("messages").getBoundingClientRect();
            return [outer.top - inner.top, inner.bottom - outer.bottom]"""
        self.desk.wait_for(lambda: max(self.desk.script(hidden)) <= 0)

    def test_it_opens_with_one_line_and_a_chip_sends(self):
        self.assertIn("Jo: a whole reset", self.desk.text("#messages"))
        self.desk.click("#begin")
        self.desk.wait_for(f"{self.last()} [data-action=cancel]")
        self.desk.script("[...document.querySelectorAll('#suggestions button')].find((one) => one.innerText.startsWith('Lee:')).click()")
        self.assertIn("Nothing was changed.", self.desk.wait_for_text(self.last(), "You can't reset passwords"))
        self.desk.wait_for("[data-person=ULEE][aria-pressed=true]")

    def test_the_focus_goes_to_the_message_that_answers(self):
        self.say("/reset-password @Mina Park")
        focused = "return document.activeElement === document.querySelector('.message:last-child')"
        for action in ["deliver_email", "cancel"]:
            self.desk.wait_for(f"{self.last()} [data-action={action}]")
            self.desk.click(f"{self.last()} [data-action={action}]")
            self.desk.wait_for(lambda: not self.desk.script("return document.querySelector('[aria-busy]')") and self.desk.script(focused))
        self.assertIn("Cancelled", self.desk.text(self.last()))

    def hold(self, what):
        """Keeps requests of the page from going out until `letGo` is called, or has them fail."""
        self.desk.script(f"""const really = window.fetch;
            window.held = new Promise((done) => {{ window.letGo = done; }});
            window.fetch = (url, how) => String(url).startsWith("/demo/{what}") ? window.held.then(() => really(url, how)) : really(url, how);
            window.lose = () => {{ window.fetch = (url, how) => how ? Promise.reject(new TypeError("lost")) : really(url, how); }};
            window.keep = () => {{ window.fetch = really; }};""")

    def test_the_focus_stays_with_who_went_on(self):
        for chat in ["slack", "mattermost"]:
            if chat != "slack":
                self.desk.click(f"button[data-chat={chat}]")
            self.say("/reset-password @Mina Park")
            self.desk.wait_for(f"{self.last()} [data-action=deliver_email]")
            self.hold("click")
            self.desk.click(f"{self.last()} [data-action=deliver_email]")
            self.desk.click("#composer")
            self.keys("/reset-password log")
            self.desk.script("window.letGo()")
            self.desk.wait_for(f"{self.last()} [data-action=confirm]")
            self.desk.script("window.keep()")
            at = "return document.activeElement.id"
            self.assertEqual(self.desk.script(at), "composer", chat)
            # Nor does a later message of the visitor's own, or a blank place, bring the focus back.
            self.desk.click("#workspace-title")
            self.demo.forward(1)
            time.sleep(1)
            self.assertEqual(self.desk.script(at), "", chat)
            self.assertEqual(self.desk.script("return document.activeElement.tagName"), "BODY", chat)

    def test_the_focus_goes_from_a_form_to_its_answer(self):
        for chat in ["slack", "discord", "mattermost"]:
            self.desk.click(f"button[data-chat={chat}]")
            self.say("/reset-password @Dee Ma")
            self.desk.wait_for(f"{self.last()} [data-action=deliver_other]")
            self.desk.click(f"{self.last()} [data-action=deliver_other]")
            self.desk.wait_for("#view-submit")
            self.desk.type("#view input", "dee@home.example")
            self.desk.click("#view-submit")
            self.desk.wait_for(f"{self.last()} [data-action=confirm]")
            focused = "return document.activeElement === document.querySelector('.message:last-child')"
            self.desk.wait_for(lambda: self.desk.script(focused))

    def test_send_says_that_a_text_is_under_way_until_it_is_there(self):
        self.desk.type("#composer", "/reset-password log")
        self.hold("say")
        self.desk.click("#send")
        time.sleep(1.5)
        self.assertEqual(self.desk.text("#send"), "Sending …", "whatever the page asks for meanwhile")
        self.desk.script("window.letGo()")
        self.desk.wait_for(lambda: self.desk.text("#send") == "Send")

    def test_a_tick_that_was_lost_is_taken_back(self):
        self.offer("deliver_email")
        self.hold("none")
        self.desk.script("window.lose()")
        box = f"{self.last()} [data-action=copy_to_self]"
        self.desk.click(box)
        is_ticked = "return document.querySelector(arguments[0]).checked"
        self.desk.wait_for(lambda: not self.desk.script("return document.querySelector('[aria-busy]')"))
        self.assertFalse(self.desk.script(is_ticked, box))
        self.desk.script("window.keep()")
        self.tick("copy_to_self")
        self.assertTrue(self.desk.script(is_ticked, f"{self.last()} [data-action=copy_to_self]"))

    def test_one_tab_for_each_person_on_a_phone(self):
        self.desk.size(360, 740)
        tabs = self.desk.script("return [...document.querySelectorAll('#tabs [role=tab]')].map((one) => one.innerText)")
        self.assertEqual(tabs, ["Jo", "Kim", "Lee", "Gus", "Mina"])
        self.desk.click("#begin")
        self.desk.wait_for(f"{self.last()} [data-action=deliver_phone]")
        self.desk.click(f"{self.last()} [data-action=deliver_phone]")
        self.desk.wait_for(f"{self.last()} [data-action=confirm]")
        self.press("confirm", "Done")
        self.desk.click("[data-tab=member]")
        self.assertIn("is your new password", self.desk.wait_for_text("#phone", "is your new password"))
        self.assertFalse(self.desk.script("return document.getElementById('workspace').checkVisibility()"))
        self.axe()

    def profile(self, word):
        """Chooses a profile where something would be wiped: it asks first."""
        chip = f"[data-profile={word}]"
        self.desk.click(chip)
        self.desk.wait_for_text(chip, "start anew? This wipes all.")
        self.desk.click("h1")
        self.desk.wait_for(lambda: "anew" not in self.desk.text(chip))
        self.desk.click(chip)
        self.desk.click(chip)
        self.desk.wait_for(f"{chip}[aria-pressed=true]", 40)
        self.desk.wait_for("#begin")

    def test_another_profile_starts_everything_anew(self):
        self.assertIn("the password arrives on her phone, and she signs in on the right", self.desk.text("#messages"))
        self.reset("deliver_phone")
        self.profile("strict")
        self.assertIn("a link arrives on her phone, and she opens it on the right", self.desk.text("#messages"))
        self.desk.size(1000, 900)
        self.desk.wait_for_text("#messages", "she opens it below")
        self.say("/reset-password @Mina Park")
        self.desk.wait_for(f"{self.last()} [data-action=deliver_phone]")
        self.assertFalse(self.desk.script("return document.querySelector('[data-action=deliver_copy]')"))

    def test_on_a_phone_another_profile_leaves_the_administrator_where_they_are(self):
        self.desk.size(360, 740)
        # The page may draw its opening anew at another size.
        self.desk.script("document.querySelector('#begin').click()")
        self.desk.wait_for(f"{self.last()} [data-action=cancel]")
        self.profile("link")
        self.assertEqual(self.desk.script("return document.body.dataset.tab"), "UJO")
        self.assertIn("in her own tab", self.desk.text("#messages"))

    def test_a_link_that_leads_elsewhere_opens_outside_the_frame(self):
        loaded = "return document.readyState === 'complete' && document.getElementById('browser').contentDocument.readyState === 'complete'"
        self.desk.wait_for(lambda: self.desk.script(loaded))
        before = self.desk.do("GET", "/window/handles")
        with self.desk.in_frame("#browser") as page:
            page.script("""const link = document.createElement("a"); link.id = "away"; link.href = "https://help.acme.example/password";
                link.textContent = "Help"; document.body.prepend(link);""")
            page.click("#away")
            page.wait_for("#email")
        self.desk.wait_for(lambda: len(self.desk.do("GET", "/window/handles")) == len(before) + 1)
        self.assertEqual(self.desk.text("#address"), "/signin")

    def test_send_says_when_the_demo_is_gone(self):
        demo = Demo()
        self.addCleanup(shutil.rmtree, demo.folder)
        self.desk.open(demo.url)
        self.desk.wait_for("[data-person=UJO]")
        self.assertEqual(demo.close(), 0)
        self.desk.wait_for_text("#send", "Offline")
        self.desk.wait_for_text("#offline", "does not answer")
        self.say("/reset-password @Mina Park")
        self.assertEqual(self.desk.script("return document.getElementById('composer').value"), "/reset-password @Mina Park", "it is kept")


if __name__ == "__main__":
    unittest.main()
