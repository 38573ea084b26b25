#!/usr/bin/env python3
"""Makes the pictures of the README from the running demo: usage scripts/screenshots.py [PROGRAM] (needs chromium, chromium-driver)."""

import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
os.environ.setdefault("RELATCH", str(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parent / "target/release/relatch").resolve()))
sys.path.insert(0, str(HERE.parent / "tests/e2e"))

from test_browser import MINA, OWN, InBrowser  # noqa: E402
from world import password_in  # noqa: E402


class Pictures(InBrowser):
    """The story once more, with a camera."""

    folder = HERE.parent / "docs"

    def take(self, browser, name, css=None):
        browser.screenshot(self.folder / f"{name}.png", css)

    def runTest(self):
        self.folder.mkdir(exist_ok=True)
        desk, session = self.desk, self.signed_in()
        self.say("/reset-password @Mina Park forgot it on holiday")
        desk.wait_for(f"{self.last()} [data-action=deliver_phone]")
        self.take(desk, "card", self.last())
        desk.click(f"{self.last()} [data-action=deliver_phone]")
        self.press("confirm", "Done")
        session.wait_for("#live:not([hidden])")
        self.take(session, "notice")
        password = password_in(self.arrived("#phone .sms", "is your new password"))
        self.demo.forward(1)
        member = self.browser(390, 560)
        self.sign_in(member, password)
        self.at(member, "/verify")
        self.take(member, "verify")
        with desk.in_frame("#browser") as page:
            page.type("#email", MINA)
            page.type("#password", password)
        code = self.code(is_mailed=True)
        self.take(desk, "demo")
        member.type("#code", code)
        member.click("button[type=submit]")
        self.at(member, "/new-password")
        self.take(member, "new-password")
        member.type("#password", OWN)
        member.click("button[type=submit]")
        self.at(member, "/account")
        member.size(1100, 820)
        self.take(member, "account")


if __name__ == "__main__":
    Pictures.setUpClass()
    try:
        result = Pictures().run()
    finally:
        Pictures.doClassCleanups()
    for _, trace in result.failures + result.errors:
        print(trace)
    sys.exit(not result.wasSuccessful())
