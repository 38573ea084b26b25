"""The demo and the member's pages in a real browser: the whole story, by each delivery, as people play it."""

import re
import shutil
import time
import unittest

from demo import Demo
from test_pages import AXE, RUN_AXE
from webdriver import Browser, Driver
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

    # What the administrator does in the workspace.

    def say(self, text):
        self.desk.type("#composer", text)
        self.desk.click("#send")

    def last(self):
        return ".message:last-child"

    def press(self, action, then):
        self.desk.wait_for(f"{self.last()} [data-action={action}]")
        self.desk.click(f"{self.last()} [data-action={action}]")
        return self.desk.wait_for_text(self.last(), then)

    def reset(self, action, *toggles):
        self.say("/reset-password @Mina Park")
        self.desk.wait_for_text(self.last(), "Reset Mina Park's password?")
        self.press(action, " now?")
        for toggle in toggles:
            self.press(toggle, "☑")
            self.desk.wait_for_text(f"{self.last()} [data-action={toggle}]", "☑")
        return self.press("confirm", "Done: ")

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
        self.press("done", "Done: ")
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
        self.desk.wait_for_text(self.last(), "Reset Mina Park's password?")
        self.desk.click(f"{self.last()} [data-action=deliver_other]")
        self.desk.wait_for("#view-submit")
        self.desk.type("#view input", MINA)
        self.desk.click("#view-submit")
        self.desk.wait_for_text("#view .error", "business email")
        self.desk.type("#view input", "mina@home.example")
        self.desk.click("#view-submit")
        self.desk.wait_for_text(self.last(), " now?")
        self.press("confirm", "Done: ")
        mail = self.arrived("#mail .mail", "mina@home.example")
        self.use(re.search(r"^\s*(\w{8})$", mail, re.M)[1])

    def test_the_member_plays_in_the_same_window(self):
        self.reset("deliver_phone")
        password = password_in(self.arrived("#phone .sms", "is your new password"))
        with self.desk.in_frame("#browser") as page:
            page.type("#email", MINA)
            page.type("#password", password)
            page.click("button[type=submit]")
            page.wait_for("#code")
        code = self.code(is_mailed=True)
        with self.desk.in_frame("#browser") as page:
            page.type("#code", code)
            page.click("button[type=submit]")
            page.wait_for_text("h1", "Set a new password")
            page.type("#password", OWN)
            page.click("button[type=submit]")
            page.wait_for_text("h1", "Mina Park")
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
        self.desk.wait_for_text(self.last(), "Reset Mina Park's password?")
        self.desk.click("#wire summary")
        self.assertIn("Slash command", self.desk.wait_for_text("#exchanges", "to relatch"))

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


class Looks(InBrowser):
    """The demo's own page; the member's pages have a file of their own."""

    def test_the_page_fits_and_can_be_used_by_everyone(self):
        self.reset("deliver_copy")
        self.desk.click("#wire summary")
        for width, scale in [(360, 1), (320, 2), (1000, 1), (1400, 1)]:
            self.desk.size(width, 900, scale)
            wider = "const page = document.documentElement; return page.scrollWidth - page.clientWidth"
            self.assertLessEqual(self.desk.script(wider), 0, f"{width} px wide")
        self.desk.script(AXE.read_text())
        for scheme in ["light", "dark"]:
            self.desk.prefer(scheme)
            found = self.desk.script_async(RUN_AXE)
            self.assertEqual([one for one in found if one[0] in ("serious", "critical")], [], scheme)


if __name__ == "__main__":
    unittest.main()
