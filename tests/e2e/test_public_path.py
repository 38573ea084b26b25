"""`public_url` with a path, in a real browser behind a real nginx: one that strips the path and one that keeps it."""

import json
import unittest

from nginx import Nginx
from test_pages import MINA, NEXT, NOTICE, OWN, InBrowsers
from world import free_port

PATH = "/it/reset"
# With nginx's defaults: it speaks HTTP/1.0 to relatch and holds answers back in its buffers.
LOCATIONS = {
    "strip": f"location {PATH}/ {{ proxy_pass http://UPSTREAM/; proxy_set_header X-Forwarded-For $remote_addr; }}",
    "keep": f"location {PATH} {{ proxy_pass http://UPSTREAM; proxy_set_header X-Forwarded-For $remote_addr; }}",
}


class BehindNginx(InBrowsers):
    policy = 'send = "link"'

    def publish(self):
        """Below a path of nginx, which has other things on the same host."""
        config, upstream = self.world.folder / "relatch.toml", f"127.0.0.1:{free_port()}"
        folder = self.world.folder / "nginx"
        folder.mkdir()
        location = LOCATIONS[self.way].replace("UPSTREAM", upstream)
        self.access_log = folder / "access.log"
        http = f"log_format path '$status $request_uri'; access_log {self.access_log} path;"
        nginx = Nginx(folder, http, f'{location} location / {{ return 404 "none of ours"; }}')
        self.addCleanup(nginx.stop)
        self.public = f"http://127.0.0.1:{nginx.port}{PATH}"
        text = config.read_text().replace('listen = "127.0.0.1:0"', f'listen = "{upstream}"')
        text = text.replace("[policy]\n", f"[policy]\n{self.policy}\n")
        config.write_text(f'public_url = "{self.public}"\n{text}')

    def setUp(self):
        super().setUp()
        # Everybody comes through nginx from here on, Slack too.
        self.world.address = self.public

    def whole_life(self):
        world = self.world
        world.run("members", "set-password", MINA, typed=OWN)
        open_page, page = self.signed_in(MINA), self.browser()
        cookies = open_page.devtools("Network.getCookies")["cookies"]
        of_session = next(cookie for cookie in cookies if cookie["name"] == "relatch_session")
        self.assertEqual(of_session["path"], PATH)
        open_page.open(self.public + "/contacts")
        open_page.click("a[href$='/account']")
        self.at(open_page, "/account")

        world.reset("UJO", "UMINA", "deliver_phone", "Done: ")
        open_page.wait_for_text("#live", NOTICE, 2)
        open_page.click("#live a")
        self.at(open_page, "/signin")

        page.open(self.sms(r"(http\S+/claim/[^\s.]+)"))
        page.wait_for_text("h1", "Set a new password")
        page.click("button[type=submit]")
        self.at(page, "/verify")
        self.send(page, code=world.code_by_mail())
        self.at(page, "/new-password")
        self.send(page, password=NEXT)
        self.at(page, "/account")
        page.click("button[value=this]")
        self.at(page, "/signin")

        link = self.letter_link("not-me")
        self.assertTrue(link.startswith(self.public + "/not-me/"), link)
        page.open(link)
        page.wait_for_text("h1", "Did you ask for a new password?")
        page.click("button[type=submit]")
        page.wait_for_text("h1", "The new password is blocked")
        page.click("a[href$='/signin']")
        self.at(page, "/signin")

        manifest = world.run("manifest", "discord", "--url", "https://acme.example" + PATH).stdout
        address = json.loads(manifest)["interactions_endpoint_url"]
        self.assertEqual(address, f"https://acme.example{PATH}/discord/interactions")

        asked = [line.split(" ", 1) for line in self.access_log.read_text().splitlines()]
        # The browser's own idea, and not ours.
        asked = [(status, path) for status, path in asked if path != "/favicon.ico"]
        self.assertGreater(len(asked), 20)
        for status, path in asked:
            self.assertTrue(path.startswith(PATH + "/"), path)
            self.assertNotEqual(status, "404", path)


class Strip(BehindNginx):
    way = "strip"

    def test_everything_is_found_behind_a_proxy_that_strips_the_path(self):
        self.whole_life()


class Keep(BehindNginx):
    way = "keep"

    def test_everything_is_found_behind_a_proxy_that_keeps_the_path(self):
        self.whole_life()


if __name__ == "__main__":
    unittest.main()
