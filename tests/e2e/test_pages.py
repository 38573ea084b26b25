"""The member's pages of the served program in real browsers: a reset through the signed webhook, and how pages look.

`test_browser` plays the demo, whose pages may be framed by it; here nothing is pretended but Slack and the gateways.
"""

import atexit
import pathlib
import re
import signal
import time
import unittest

from webdriver import Browser, Driver
from world import World, free_port, password_in, text_of

MINA, LEE = "mina@acme.example", "lee@acme.example"
OWN = "seven quiet herons dance"
NEXT = "nine loud otters sleep"
NOTICE = "Your password was reset by an administrator. Please verify your identity to sign in again."
AXE = pathlib.Path(__file__).with_name("node_modules") / "axe-core" / "axe.min.js"
HEADERS = {"cache-control": "no-store", "referrer-policy": "no-referrer", "x-content-type-options": "nosniff"}

# Inside the page: what is wider than the page, the fields that have no label, and what the page itself answers with.
OVERHANG = "const page = document.documentElement; return page.scrollWidth - page.clientWidth"
NAMELESS = """return [...document.querySelectorAll("input:not([type=hidden]):not([hidden]), select, textarea")]
    .filter((one) => ![...one.labels].some((label) => label.innerText.trim())).map((one) => one.outerHTML)"""
UNSHOWN = """return [...document.querySelectorAll("[type=password]")]
    .filter((one) => one.nextElementSibling?.ariaPressed !== "false").map((one) => one.outerHTML)"""
OWN_HEADERS = """const done = arguments[arguments.length - 1];
    fetch(location.href, { cache: "no-store", redirect: "manual" })
        .then((answer) => done([answer.type, Object.fromEntries(answer.headers)]))"""
RUN_AXE = """const done = arguments[arguments.length - 1];
    axe.run(document).then((found) => done(found.violations.map(
        (one) => [one.impact, one.id, one.nodes.map((node) => node.html + " " + node.failureSummary)])))"""


class InBrowsers(unittest.TestCase):
    policy = ""

    @classmethod
    def setUpClass(cls):
        cls.driver = Driver()
        # Its browsers are in its process group and end with it, as the program does when a time limit ends this run.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        cls.addClassCleanup(cls.driver.close)

    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)
        self.publish()
        self.world.start()
        atexit.register(self.world.kill)
        self.addCleanup(atexit.unregister, self.world.kill)

    def publish(self):
        """Gives the program an address of its own, to which the links in its messages lead, and the policy."""
        config, address = self.world.folder / "relatch.toml", f"127.0.0.1:{free_port()}"
        text = config.read_text().replace('listen = "127.0.0.1:0"', f'listen = "{address}"')
        text = text.replace("[policy]\n", f"[policy]\n{self.policy}\n")
        config.write_text(f'public_url = "http://{address}"\n{text}')

    def browser(self, width=1280, height=900, **how):
        browser = Browser(self.driver, width, height, **how)
        self.addCleanup(browser.close)
        return browser

    def at(self, browser, path):
        browser.wait_for(lambda: browser.url == self.world.address + path)

    def send(self, browser, **fields):
        """Fills in the fields of the page's first form that has them, and sends it."""
        for name, value in fields.items():
            browser.type(f"#{name}", value)
        browser.click(f"form:has(#{name}) button[type=submit]")

    def sign_in(self, browser, email, password):
        browser.open(self.world.address + "/signin")
        self.send(browser, email=email, password=password)

    def signed_in(self, email):
        browser = self.browser()
        self.sign_in(browser, email, OWN)
        self.at(browser, "/account")
        return browser

    def sms(self, pattern):
        """What the pattern finds in the first SMS that has it."""
        found = lambda: next((hit for sms in self.world.http.sms if (hit := re.search(pattern, sms["text"]))), None)
        until = time.monotonic() + 10
        while not (hit := found()):
            self.assertLess(time.monotonic(), until, f"no SMS has {pattern}")
            time.sleep(0.05)
        return hit[1]

    def letter_link(self, path):
        """The link of this kind in the first letter that has one."""
        return self.world.mail.wait_for(rf"http\S+/{path}/\S+")[1][0]


class Reset(InBrowsers):
    def test_an_open_page_hears_of_a_reset_and_the_member_comes_back_with_the_sms(self):
        world = self.world
        world.run("members", "set-password", MINA, typed=OWN)
        a, b = self.signed_in(MINA), self.signed_in(MINA)
        self.assertFalse(b.script("return document.getElementById('live').checkVisibility()"))
        b.script("window.isSamePage = true")

        ready = world.last_look("UJO", "UMINA", "deliver_phone")
        before = len(world.http.said)
        self.assertEqual(world.click("UJO", ready, "confirm"), 200)
        world.http.wait_for_text("Done: ", before)
        done = time.monotonic()
        b.wait_for_text("#live", NOTICE, 2)
        self.assertLess(time.monotonic() - done, 2)
        self.assertTrue(b.script("return window.isSamePage"), "without a reload")
        self.assertEqual(b.script("return document.querySelectorAll('button:enabled, input:enabled').length"), 0)
        b.click("#live a")
        self.at(b, "/signin")
        a.open(world.address + "/contacts")
        self.at(a, "/signin")

        temporary = password_in(self.sms(r"(?s)(.* is your new password.*)"))
        self.sign_in(a, MINA, temporary)
        self.at(a, "/verify")
        code = world.code_by_mail()
        self.send(a, code=code)
        self.at(a, "/new-password")
        self.send(a, password=NEXT)
        self.at(a, "/account")
        self.assertEqual(a.text("h1"), "Mina Park")
        for dead in [OWN, temporary]:
            self.sign_in(b, MINA, dead)
            b.wait_for_text(".problem", "do not match")
        self.sign_in(b, MINA, NEXT)
        self.at(b, "/account")
        world.assert_no_secrets(temporary, NEXT, code)


    def test_every_page_of_a_session_hears_of_a_reset_and_the_sign_in_says_why(self):
        world = self.world
        world.reset("UJO", "UMINA", "deliver_phone", "Done: ")
        not_me = self.letter_link("not-me").removeprefix(world.address)
        world.run("members", "set-password", MINA, typed=OWN)
        pages = {path: self.signed_in(MINA) for path in ["/account", "/contacts", not_me, "/not-me/x"]}
        for path, page in pages.items():
            page.open(world.address + path)
        temporary = password_in(text_of(world.reset("UKIM", "UMINA", "deliver_copy", "tell them now")))
        for path, page in pages.items():
            page.wait_for_text("#live", NOTICE)
            enabled = page.script("return document.querySelectorAll('button:enabled').length")
            self.assertEqual(enabled, 1 if path == not_me else 0, "its button needs no session")
            page.open(world.address + "/")
            self.at(page, "/signin")
            page.wait_for_text(".notice", NOTICE)
        # Half the way in, with the password of that reset.
        half = self.browser()
        self.sign_in(half, MINA, temporary)
        self.at(half, "/verify")
        self.assertFalse(half.script("return document.getElementById('live').checkVisibility()"))
        # A form that was sent and stopped on the way, as with Escape, leaves the page listening.
        half.script("document.querySelector('form').dispatchEvent(new Event('submit', {bubbles: true}))")
        world.reset("UJO", "UMINA", "deliver_copy", "tell them now")
        half.wait_for_text("#live", NOTICE)
        half.click("#live a")
        self.at(half, "/signin")
        half.wait_for_text(".notice", NOTICE)


class Looks(InBrowsers):
    """Accessible, at phone size, in light and dark, and guarded."""

    def check(self, name, page, is_gone=False):
        with self.subTest(page=name):
            self.assertTrue(page.script("return document.title"))
            self.assertEqual(page.script("return document.documentElement.lang"), "en")
            self.assertEqual(page.script("return document.querySelectorAll('h1').length"), 1)
            self.assertTrue(page.text("h1"))
            self.assertEqual(page.script(NAMELESS), [])
            self.check_widths(page)
            page.script(AXE.read_text())
            for scheme in ["light", "dark"]:
                page.prefer(scheme)
                self.assertTrue(page.script(f"return matchMedia('(prefers-color-scheme: {scheme})').matches"))
                found = page.script_async(RUN_AXE)
                self.assertEqual([one for one in found if one[0] in ("serious", "critical")], [], scheme)
            if not is_gone:
                self.check_headers(page)

    def check_widths(self, page):
        """Nothing scrolls sideways: on a phone, zoomed to 200 % (half as many pixels), and with text twice as large."""
        for width, scale, text in [(360, 1, ""), (360, 1, "200%"), (320, 2, ""), (1280, 1, "200%"), (1280, 1, "")]:
            page.size(width, 740, scale)
            page.script("document.documentElement.style.fontSize = arguments[0]", text)
            self.assertLessEqual(page.script(OVERHANG), 0, f"{width} px wide, text {text or '100%'}")
            page.script("document.documentElement.style.fontSize = ''")

    def check_headers(self, page):
        """Asked for by the page itself, so with its session."""
        kind, headers = page.script_async(OWN_HEADERS)
        self.assertEqual(kind, "basic", "the page itself, no redirect")
        policy = headers["content-security-policy"]
        self.assertNotIn("unsafe-inline", policy)
        self.assertIn("default-src 'none'", policy)
        self.assertIn("frame-ancestors 'none'", policy)
        self.assertEqual({name: headers.get(name) for name in HEADERS}, HEADERS)


class Forms(InBrowsers):
    """What a form does in a browser beside sending it."""

    def test_a_password_is_shown_on_request_and_sent_hidden(self):
        self.world.run("members", "set-password", LEE, typed=OWN)
        page = self.signed_in(LEE)
        for path in ["/account", "/contacts"]:
            page.open(self.world.address + path)
            self.assertGreater(page.script("return document.querySelectorAll('[type=password]').length"), 0)
            self.assertEqual(page.script(UNSHOWN), [], "every password field has its button")
        page.open(self.world.address + "/account")
        page.type("#current", OWN)
        state = "const [field, button] = document.getElementById('current').parentNode.children;"
        told = f"{state} return [field.type, button.getAttribute('aria-pressed'), button.ariaLabel, button.innerText]"
        self.assertEqual(page.script(told), ["password", "false", "Show: Current password", "Show"])
        page.click("#current + button")
        self.assertEqual(page.script(told)[:2], ["text", "true"])
        self.assertEqual(page.script("return document.getElementById('current').value"), OWN)
        page.click("#current + button")
        self.assertEqual(page.script(told)[:2], ["password", "false"])
        page.click("#current + button")
        page.script("document.forms[1].addEventListener('submit', (one) => one.preventDefault())")
        page.type("#password", NEXT)
        page.click("form:has(#current) button[type=submit]")
        self.assertEqual(page.script(told)[:2], ["password", "false"], "when it is sent")

    def test_back_and_reload_show_the_form_again(self):
        self.world.run("members", "set-password", LEE, typed=OWN)
        page = self.browser()
        self.sign_in(page, LEE, "wrong password")
        page.wait_for_text(".problem", "do not match")
        self.assertEqual(page.script("return document.getElementById('email').value"), LEE)
        self.assertEqual(page.script("return document.getElementById('password').value"), "")
        self.comes_back(page, "/signin", "#email")
        self.sign_in(page, LEE, OWN)
        self.at(page, "/account")
        self.send(page, current="wrong password", password=NEXT)
        page.wait_for_text(".problem", "not your current password")
        self.comes_back(page, "/account", "#current")
        page.open(self.world.address + "/contacts")
        self.send(page, value="+82 12", password=OWN)
        page.wait_for_text(".problem", "not a complete phone number")
        self.assertEqual(page.script("return document.getElementById('value').value"), "+82 12")
        self.comes_back(page, "/contacts", "#value")

    def comes_back(self, page, path, field):
        """From another page to the answer to a refused form."""
        page.do("POST", "/refresh")
        page.wait_for(field)
        self.at(page, path)
        page.open(self.world.address + "/not-me/x")
        page.wait_for_text("h1", "does not work")
        page.do("POST", "/back")
        self.at(page, path)
        page.wait_for(field)

    def test_what_was_done_is_said_once(self):
        self.world.run("members", "set-password", LEE, typed=OWN)
        page = self.signed_in(LEE)
        self.send(page, current=OWN, password=NEXT)
        page.wait_for_text(".notice", "Your new password is set.")
        self.at(page, "/account")
        page.do("POST", "/refresh")
        page.wait_for("#current")
        self.assertEqual(page.script("return document.querySelectorAll('.notice').length"), 0)
        page.click("button[value=this]")
        page.wait_for_text(".notice", "You are signed out.")


class Pages(Looks):
    def test_of_a_session(self):
        self.world.run("members", "set-password", LEE, typed=OWN)
        page = self.browser()
        page.open(self.world.address + "/signin")
        self.check("/signin", page)
        self.sign_in(page, LEE, "wrong password")
        page.wait_for_text(".problem", "do not match")
        self.check("/signin, wrong", page)
        self.sign_in(page, LEE, OWN)
        self.at(page, "/account")
        self.check("/account", page)
        self.send(page, current="wrong password", password=NEXT)
        page.wait_for_text(".problem", "not your current password")
        self.check("/account, wrong", page, is_gone=True)
        page.open(self.world.address + "/contacts")
        self.check("/contacts", page)
        self.send(page, value="+821099998877", password=OWN)
        page.wait_for("#code")
        self.check("/contacts, code", page)
        page.open(self.world.address + "/not-me/x")
        page.wait_for_text("h1", "does not work")
        self.check("stop", page)
        page.open(self.world.address + "/nowhere")
        page.wait_for_text("h1", "There is no such page")
        self.check("unknown", page, is_gone=True)

    def test_of_a_reset(self):
        self.world.run("members", "set-password", MINA, typed=OWN)
        left_open, page = self.signed_in(MINA), self.browser()
        self.world.reset("UJO", "UMINA", "deliver_phone", "Done: ")
        left_open.wait_for_text("#live", NOTICE)
        self.check("/account, reset", left_open, is_gone=True)
        self.sign_in(page, MINA, password_in(self.sms(r"(?s)(.* is your new password.*)")))
        self.at(page, "/verify")
        self.check("/verify", page)
        self.send(page, code="000000")
        page.wait_for_text(".problem", "Wrong code")
        self.check("/verify, wrong", page)
        self.send(page, code=self.world.code_by_mail())
        self.at(page, "/new-password")
        self.check("/new-password", page)
        page.open(self.letter_link("not-me"))
        page.wait_for_text("h1", "Did you ask for a new password?")
        self.check("/not-me", page)
        page.click("button[type=submit]")
        page.wait_for_text("h1", "The new password is blocked")
        self.check("/not-me, blocked", page)


class LinkPages(Looks):
    policy = 'send = "link"'

    def test_of_a_one_time_link(self):
        self.world.reset("UJO", "UMINA", "deliver_phone", "Done: ")
        page = self.browser()
        link = self.sms(r"(http\S+/claim/[^\s.]+)")
        page.open(link)
        page.wait_for_text("h1", "Set a new password")
        self.check("/claim", page)
        page.click("button[type=submit]")
        self.at(page, "/verify")
        page.open("about:blank")
        page.open(link)
        self.at(page, "/verify")
        other = self.browser()
        other.open(link)
        other.wait_for_text("h1", "This link was used")
        self.check("/claim, used", other)


class Checks(Looks):
    def test_find_what_is_planted(self):
        page = self.browser()
        page.open(self.world.address + "/signin")
        page.script("document.querySelector('label').remove()")
        self.assertEqual(len(page.script(NAMELESS)), 1)
        page.script(AXE.read_text())
        self.assertIn(["critical", "label"], [one[:2] for one in page.script_async(RUN_AXE)])
        page.prefer("dark")
        page.script("document.querySelector('h1').style.color = '#222'")
        self.assertIn(["serious", "color-contrast"], [one[:2] for one in page.script_async(RUN_AXE)])
        page.script("document.querySelector('h1').style.width = '500px'")
        with self.assertRaises(AssertionError):
            self.check_widths(page)


if __name__ == "__main__":
    unittest.main()
