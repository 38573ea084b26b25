"""The member's side, from outside: what arrived is used, with the code, and an open page hears of a reset."""

import http.client
import re
import socket
import threading
import time
import unittest
import urllib.parse

from world import CODE, World, password_in, text_of

OWN = "seven quiet herons dance"
NEXT = "nine loud otters sleep"


class Browser:
    """Keeps cookies and the token of the last form; follows nothing by itself."""

    def __init__(self, world, source="127.0.0.1"):
        self.host = world.address.removeprefix("http://")
        self.source = source
        self.cookies = {}
        self.csrf = ""

    def ask(self, method, path, fields=None):
        connection = http.client.HTTPConnection(self.host, timeout=30, source_address=(self.source, 0))
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        body = None
        if fields is not None:
            headers["content-type"] = "application/x-www-form-urlencoded"
            body = urllib.parse.urlencode(fields)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        for line in answer.headers.get_all("set-cookie") or []:
            name, _, rest = line.partition("=")
            self.cookies[name] = rest.split(";")[0]
        return answer

    def open(self, path):
        answer = self.ask("GET", path)
        text = answer.read().decode()
        found = re.search(r'name="csrf" value="(\w+)"', text)
        self.csrf = found[1] if found else ""
        return answer.status, answer.headers.get("location", ""), text

    def submit(self, at, path, **fields):
        self.open(at)
        answer = self.ask("POST", path, {"csrf": self.csrf, **fields})
        return answer.status, answer.headers.get("location", ""), answer.read().decode()

    def sign_in(self, email, password):
        return self.submit("/signin", "/signin", email=email, password=password)


class Served(unittest.TestCase):
    top = ""

    def setUp(self):
        self.world = World(top=self.top).start()
        self.addCleanup(self.world.close)

    def code(self, count):
        """The code in the SMS that arrived as the count-th."""
        text = self.world.http.wait_for(self.world.http.sms, count)["text"]
        return re.search(CODE, text)[1]


class Portal(Served):
    def test_from_the_sms_to_a_password_of_ones_own(self):
        world, email = self.world, "mina@acme.example"
        world.run("members", "set-password", email, typed=OWN)
        session = Browser(world)
        self.assertEqual(session.sign_in(email, OWN)[:2], (303, "/account"))
        heard = []

        def listen():
            events = session.ask("GET", "/account/events")
            heard.append((events.read().decode(), time.monotonic()))

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        time.sleep(0.3)
        world.reset("UJO", "UMINA", "deliver_phone", "Done: ")
        done = time.monotonic()
        listener.join(2)
        self.assertIn("reset by an administrator. Please verify your identity", heard[0][0])
        self.assertLess(heard[0][1] - done, 2)
        self.assertEqual(session.open("/account")[:2], (303, "/signin"))

        temporary = password_in(world.http.sms[0]["text"])
        self.assertEqual(Browser(world).sign_in(email, OWN)[0], 401)
        browser = Browser(world)
        self.assertEqual(browser.sign_in(email, temporary)[:2], (303, "/verify"))
        self.assertEqual(browser.open("/account")[:2], (303, "/verify"))
        code = world.code_by_mail()
        self.assertEqual(browser.submit("/verify", "/verify", code=code)[:2], (303, "/new-password"))
        self.assertIn("Too short", browser.submit("/new-password", "/new-password", password=temporary)[2])
        self.assertEqual(browser.submit("/new-password", "/new-password", password=NEXT)[:2], (303, "/account"))
        self.assertIn("Mina Park", browser.open("/account")[2])
        world.http.wait_for_text("Mina Park signed in and set a new password")
        self.assertEqual(Browser(world).sign_in(email, temporary)[0], 401)
        world.assert_no_secrets(temporary, NEXT, code, browser.cookies["__Host-relatch_session"])

    def test_the_password_alone_opens_nothing(self):
        world = self.world
        password = password_in(text_of(world.reset("UJO", "UMINA", "deliver_copy", "tell them now")))
        admin = Browser(world)
        self.assertEqual(admin.sign_in("mina@acme.example", password)[:2], (303, "/verify"))
        for path, fields in [
            ("/new-password", {"password": NEXT}),
            ("/account/password", {"current": password, "password": NEXT}),
            ("/contacts", {"value": "+821099998877", "password": password}),
            ("/verify", {"code": "12345"}),
        ]:
            self.assertIn(admin.submit("/verify", path, **fields)[:2], [(303, "/verify"), (422, "")])
            self.assertEqual(admin.open("/account")[:2], (303, "/verify"))
        self.assertTrue(world.signs_in("mina@acme.example", password))

    def test_a_password_set_by_the_operator_ends_sessions(self):
        world, email = self.world, "mina@acme.example"
        world.run("members", "set-password", email, typed=OWN)
        browser = Browser(world)
        self.assertEqual(browser.sign_in(email, OWN)[:2], (303, "/account"))
        world.run("members", "set-password", email, typed=NEXT)
        self.assertEqual(browser.open("/account")[:2], (303, "/signin"))

    def test_whoever_sends_a_form_byte_by_byte_is_cut_off(self):
        host, port = self.world.address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=20) as slow:
            slow.sendall(b"POST /signin HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nc")
            begun = time.monotonic()
            self.assertIn(b" 408 ", slow.recv(100))
            self.assertLess(time.monotonic() - begun, 8)

    def test_every_sms_has_a_name_of_its_own(self):
        world = self.world
        password = password_in(text_of(world.reset("UJO", "UMINA", "deliver_copy", "tell them now")))
        first = Browser(world)
        first.sign_in("mina@acme.example", password)
        self.code(1)
        time.sleep(30.1)
        first.submit("/verify", "/verify", again="1")
        self.code(2)
        names = [sms["id"] for sms in world.http.sms]
        self.assertEqual(len(names), len(set(names)))

    def test_sessions_outlive_a_restart_and_stopping_does_not_wait_for_open_pages(self):
        world, email = self.world, "mina@acme.example"
        world.run("members", "set-password", email, typed=OWN)
        browser = Browser(world)
        browser.sign_in(email, OWN)
        threading.Thread(target=lambda: browser.ask("GET", "/account/events").read(), daemon=True).start()
        time.sleep(0.3)
        begun = time.monotonic()
        self.assertEqual(world.stop(), 0)
        self.assertLess(time.monotonic() - begun, 5)
        world.start()
        browser.host = world.address.removeprefix("http://")
        self.assertEqual(browser.open("/account")[0], 200)


class Networks(Served):
    """Each loopback address is a browser in a network of its own, so this machine is no proxy here."""

    top = "trusted_proxies = []"

    def test_wrong_passwords_of_others_shut_no_member_out(self):
        world, email = self.world, "mina@acme.example"
        world.run("members", "set-password", email, typed=OWN)
        member = Browser(world)
        self.assertEqual(member.sign_in(email, OWN)[:2], (303, "/account"))
        refused = set()
        for network in range(101):
            refused.add(Browser(world, f"127.1.{network}.1").sign_in(email, "wrong")[0])
        self.assertEqual(refused, {401})
        # The right password of a locked account sends a code, and the code opens it.
        stranger = Browser(world, "127.2.0.1")
        self.assertEqual(stranger.sign_in(email, OWN)[:2], (303, "/verify"))
        code = self.code(1)
        # The browser in which the member signed in before needs none.
        member.submit("/account", "/account/sessions", end="this")
        self.assertEqual(member.sign_in(email, OWN)[:2], (303, "/account"))
        self.assertEqual(stranger.submit("/verify", "/verify", code=code)[:2], (303, "/account"))
        self.assertEqual(Browser(world, "127.2.1.1").sign_in(email, OWN)[:2], (303, "/account"))
        # One network that goes on trying is slowed down, and another one is not.
        answers = [Browser(world, "127.3.0.9").sign_in(email, "wrong")[0] for _ in range(12)]
        self.assertIn(429, answers)
        self.assertEqual(Browser(world, "127.3.1.9").sign_in(email, OWN)[:2], (303, "/account"))

    def test_a_flood_of_sign_ins_shuts_no_member_out(self):
        world, email = self.world, "mina@acme.example"
        world.run("members", "set-password", email, typed=OWN)
        known = Browser(world)
        self.assertEqual(known.sign_in(email, OWN)[:2], (303, "/account"))
        ended, answers = threading.Event(), []

        def flood(number):
            browser, count = Browser(world, "127.7.0.1"), 0
            browser.open("/signin")
            while not ended.is_set():
                count += 1
                fields = {"csrf": browser.csrf, "email": f"nobody{number}-{count}@acme.example", "password": "wrong"}
                answer = browser.ask("POST", "/signin", fields)
                answer.read()
                answers.append(answer.status)

        threads = [threading.Thread(target=flood, args=(number,), daemon=True) for number in range(48)]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 20
        while 503 not in answers and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertIn(503, answers)
        for number in range(15):
            stranger = Browser(world, f"127.8.{number}.1")
            self.assertEqual(stranger.sign_in(email, OWN)[:2], (303, "/account"))
            self.assertEqual(known.submit("/account", "/account/sessions", end="this")[:2], (303, "/signin"))
            self.assertEqual(known.sign_in(email, OWN)[:2], (303, "/account"))
        ended.set()
        for thread in threads:
            thread.join(30)


if __name__ == "__main__":
    unittest.main()
