"""The world around relatch: a pretend Slack, a mail server, an SMS gateway, and the program itself."""

import fcntl
import http.server
import json
import os
import re
import signal
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from slack_sdk.signature import SignatureVerifier

from slack import press, pressable, texts_of

PROGRAM = os.environ["RELATCH"]
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
TOKEN = "xoxb-canary-0123456789"
SMS_TOKEN = "canary-token-of-the-gateway"
SMTP_PASSWORD = "canary-of-smtp"
TEAM = "T1DC2JH3J"
NOTHING = "Nothing was changed."
PATIENCE = 60
CODE = r"code: (\d{6})"

PEOPLE = """name,business_email,login_method,status,phone,personal_email,role,department,manager_email
Jo Lim,jo@acme.example,business_email,active,,,primary_admin,IT,
Kim Cho,kim@acme.example,business_email,active,,,member_and_department,IT,
Lee Han,lee@acme.example,business_email,active,,,member,Sales,
Mina Park,mina@acme.example,business_email,active,+821012345642,mina@mail.example,member,Sales,
Noa Bae,noa@acme.example,business_email,inactive,,,member,Sales,
Sam Sus,sam@acme.example,business_email,suspended,,,member,Sales,
Pia Pen,pia@acme.example,business_email,pending,,,member,Sales,
Ria Res,ria@acme.example,business_email,resigned,,,member,Sales,
Sol Sso,sol@acme.example,sso,active,,,member,Sales,
Fon Pho,fon@acme.example,phone,active,+821012345644,,member,Sales,
"""


class Http:
    """Slack's API, its response addresses, and the SMS gateway, on one port."""

    def __init__(self):
        self.said, self.views, self.sms = [], [], []
        self.replies, self.sms_asked = {}, 0
        self.users = {}
        self.sms_status, self.sms_delay, self.api_status = 200, 0, None
        self.twilio = None
        self.news = threading.Condition()
        world = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
                status, answer, headers = world.answer(self.path, body, self.headers)
                data = json.dumps(answer).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                try:
                    self.wfile.write(data)
                except OSError:
                    pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        # A process that was killed leaves broken connections, which is what some tests are about.
        self.server.handle_error = lambda *_: None
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path, body, headers):
        if path == "/api/users.info":
            assert headers["authorization"] == f"Bearer {TOKEN}"
            if self.api_status:
                return self.api_status, {"ok": False, "error": "ratelimited"}, {"retry-after": "7"}
            user = urllib.parse.parse_qs(body)["user"][0]
            account = {
                "id": user,
                "team_id": TEAM,
                "is_email_confirmed": True,
                "profile": {"email": f"{user[1:].lower()}@acme.example"},
            }
            return 200, {"ok": True, "user": account | self.users.get(user, {})}, {}
        with self.news:
            if path == "/api/views.open":
                self.views.append(json.loads(body)["view"])
            elif path.startswith("/reply/"):
                self.said.append(json.loads(body))
                self.replies.setdefault(path, []).append(self.said[-1])
            elif path == "/sms":
                self.sms_asked += 1
            self.news.notify_all()
        if path.startswith("/2010-04-01/"):
            return *self.twilio, {}
        if path == "/sms":
            assert headers["authorization"] == f"Bearer {SMS_TOKEN}"
            time.sleep(self.sms_delay)
            if self.sms_status < 300:
                with self.news:
                    self.sms.append(json.loads(body))
                    self.news.notify_all()
            return self.sms_status, {}, {}
        return 200, {"ok": True}, {}

    def wait_for(self, what, count):
        """Waits until so many have arrived and gives the last."""
        with self.news:
            came = self.news.wait_for(lambda: len(what) >= count, PATIENCE)
            assert came, f"only {len(what)} of {count} arrived: {[text_of(said) for said in self.said]}"
            return what[-1]

    def wait_until(self, look):
        """Waits until something is found in what arrived, and gives it."""
        with self.news:
            found = self.news.wait_for(look, PATIENCE)
            assert found, f"it never came; said was {[text_of(said) for said in self.said]}"
            return found

    def wait_for_text(self, part, since=0):
        """Waits for a message with this text and gives it."""
        found = lambda: next((said for said in self.said[since:] if part in text_of(said)), None)
        with self.news:
            assert self.news.wait_for(found, PATIENCE), f"{part!r} in none of {[text_of(said) for said in self.said]}"
            return found()


class JsonApi:
    """A platform's API on a port of its own: `answer(method, path, body, headers)` gives the status and the answer."""

    def __init__(self):
        self.news = threading.Condition()
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                path = urllib.parse.urlsplit(self.path).path
                status, answer = api.answer(self.command, path, body and json.loads(body), self.headers)
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_PATCH = answer

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def keep(self, what, one):
        """Remembers what arrived, and wakes whoever waits for it."""
        with self.news:
            what.append(one)
            self.news.notify_all()


class Mail:
    """A mail server that can be told to refuse."""

    def __init__(self, **how):
        self.sender, self.rcpt, self.data, self.letters, self.as_sent = None, None, None, [], []
        self.controller = Controller(self, hostname="127.0.0.1", port=how.pop("port", None) or free_port(), **how)
        self.controller.start()
        self.port = self.controller.port

    async def handle_MAIL(self, server, session, envelope, address, options):
        if self.sender:
            return self.sender
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.rcpt:
            return self.rcpt
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.data:
            return self.data
        import email

        letter = email.message_from_bytes(envelope.content)
        # A letter with two parts of the same words begins with the plain one (RFC 2046, section 5.1.4).
        plain = next(part for part in letter.walk() if part.get_content_type() == "text/plain")
        text = plain.get_payload(decode=True).decode()
        self.as_sent.append(envelope.content.decode("ascii"))
        self.letters.append((envelope.rcpt_tos[0], text, session.ssl is not None, session.authenticated))
        return "250 OK"

    def wait_for(self, pattern):
        """Waits for a letter in which the pattern finds something, and gives its first receiver and what was found."""
        until = time.monotonic() + PATIENCE
        while True:
            for receiver, text, *_ in list(self.letters):
                if found := re.search(pattern, text):
                    return receiver, found
            assert time.monotonic() < until, f"no letter has {pattern}"
            time.sleep(0.05)

    def stop(self):
        self.controller.stop()


def free_port():
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def certificate(folder):
    """An authority of our own, and a certificate that it made for this machine."""
    authority, cert, key = folder / "authority.pem", folder / "cert.pem", folder / "key.pem"
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    run = lambda command: subprocess.run(command, check=True, capture_output=True)
    run([*new, "-subj", "/CN=Acme", "-keyout", folder / "authority.key", "-out", authority])
    signed_by = ["-CA", authority, "-CAkey", folder / "authority.key", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]
    run([*new, *signed_by, *names, "-keyout", key, "-out", cert])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return authority, context


def sign_in_as_canary(server, session, envelope, mechanism, auth_data):
    return AuthResult(success=auth_data.password == SMTP_PASSWORD.encode(), handled=False)


class World:
    def __init__(self, mail=None, smtp_url=None, extra="", policy="", sms=None, directories="", top="", log="trace"):
        self.folder = Path(tempfile.mkdtemp(prefix="relatch-e2e-"))
        self.http = Http()
        self.mail = mail or Mail()
        smtp_url = smtp_url or f"smtp://127.0.0.1:{self.mail.port}"
        sms = sms or f'kind = "webhook"\nurl = "{self.http.base}/sms"\ntoken = "{SMS_TOKEN}"'
        (self.folder / "relatch.toml").write_text(f"""
listen = "127.0.0.1:0"
database = "sqlite://{self.folder}/relatch.db"
key_file = "{self.folder}/relatch.key"
log = "{log}"
help_url = "https://help.acme.example/"
{top}
[policy]
{policy}
[slack]
signing_secret = "{SECRET}"
bot_token = "{TOKEN}"
team_id = "{TEAM}"
api_url = "{self.http.base}/api/"
response_origins = ["{self.http.base}"]
[email]
smtp_url = "{smtp_url}"
from = "Acme IT <it@acme.example>"
{extra}
[sms]
{sms}
{directories}
""")
        (self.folder / "people.csv").write_text(PEOPLE)
        self.run("members", "import", self.folder / "people.csv")
        self.log, self.process, self.serial = [], None, 0

    def run(self, *words, typed=None, fails=False):
        command = [PROGRAM, *words, "--config", self.folder / "relatch.toml"]
        ran = subprocess.run(command, input=typed, capture_output=True, text=True)
        assert fails or ran.returncode == 0, ran.stderr
        return ran

    def start(self, *wrapper):
        command = [*wrapper, PROGRAM, "serve", "--config", self.folder / "relatch.toml"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
        for line in self.process.stderr:
            self.log.append(line)
            if '"message":"listening"' in line:
                self.address = "http://" + json.loads(line)["addr"]
                break
        else:
            raise AssertionError(f"it did not start: {self.log}")
        # The thread ends with the process.
        threading.Thread(target=lambda pipe: self.log.extend(pipe), args=(self.process.stderr,), daemon=True).start()
        return self

    def kill(self):
        """SIGKILL, also for what runs under a tracer; back when the program itself has let go of its database."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        with (self.folder / "relatch.db.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)

    def stop(self):
        self.process.terminate()
        return self.process.wait(PATIENCE)

    # What people do.

    def post(self, path, fields, signed=True, content_type="application/x-www-form-urlencoded"):
        body = fields if isinstance(fields, str) else urllib.parse.urlencode(fields)
        now = str(int(time.time()))
        headers = {"content-type": content_type, "x-slack-request-timestamp": now}
        if signed:
            verifier = SignatureVerifier(SECRET)
            headers["x-slack-signature"] = verifier.generate_signature(timestamp=now, body=body)
        request = urllib.request.Request(self.address + path, body.encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                text = answer.read().decode()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as refused:
            return refused.code, None

    def command(self, who, text):
        self.serial += 1
        fields = {
            "team_id": TEAM,
            "user_id": who,
            "command": "/reset-password",
            "text": text,
            "response_url": f"{self.http.base}/reply/{self.serial}",
            "trigger_id": f"{self.serial}.1",
        }
        reply = f"/reply/{self.serial}"
        status, card = self.post("/slack/commands", fields)
        assert status == 200, status
        if is_working(card):
            # A busy machine: the answer comes in its place.
            card = self.http.wait_until(lambda: self.http.replies.get(reply))[-1]
        return card

    def click(self, who, message, action):
        return self.press(who, press(message, action))

    def click_value(self, who, action, value):
        pressed = {"action_id": action, "block_id": "b", "type": "button", "value": value}
        return self.press(who, {"actions": [pressed]})

    def press(self, who, pressed):
        self.serial += 1
        payload = {
            "type": "block_actions",
            "user": {"id": who, "team_id": TEAM},
            "team": {"id": TEAM},
            "trigger_id": f"{self.serial}.1",
            "response_url": f"{self.http.base}/reply/{self.serial}",
            **pressed,
        }
        return self.post("/slack/interactions", {"payload": json.dumps(payload)})[0]

    def submit(self, who, typed):
        self.serial += 1
        view = self.http.views[-1]
        payload = {
            "type": "view_submission",
            "user": {"id": who, "team_id": TEAM},
            "team": {"id": TEAM},
            "trigger_id": f"{self.serial}.1",
            "view": view | {"state": {"values": {"destination": {"value": {"type": "plain_text_input", "value": typed}}}}},
        }
        return self.post("/slack/interactions", {"payload": json.dumps(payload)})

    def last_look(self, who, member, action):
        card = self.command(who, f"<@{member}>")
        before = len(self.http.said)
        assert self.click(who, card, action) == 200
        return self.http.wait_for_text(" now?", before)

    def reset(self, who, member, action, ends="ref "):
        """A whole reset; the message at its end."""
        ready = self.last_look(who, member, action)
        before = len(self.http.said)
        assert self.click(who, ready, "confirm") == 200
        ended = self.http.wait_for_text(ends, before)
        self.wait_for_ends()
        return ended

    def wait_for_ends(self):
        """A message that shows the password goes out before its end is on disk, and so does an SMS."""
        until = time.monotonic() + PATIENCE
        while any(reset["state"] in ("claimed", "changing", "changed", "delivering") for reset in self.resets()):
            assert time.monotonic() < until, self.resets()
            time.sleep(0.02)

    # What can be seen from outside.

    def code_by_mail(self):
        """The code at Mina's sign-in when the password went to the phone: in the private mailbox, and on no phone."""
        receiver, found = self.mail.wait_for(CODE)
        assert receiver == "mina@mail.example", receiver
        assert not any(re.search(CODE, sms["text"]) for sms in self.http.sms), "a code is on the phone too"
        return found[1]

    def signs_in(self, email, password):
        return self.run("members", "verify", email, typed=password, fails=True).returncode == 0

    def resets(self):
        return json.loads(self.run("resets", "--format", "json").stdout)

    def assert_no_secrets(self, *passwords):
        time.sleep(0.2)
        log = "".join(self.log).encode()
        disk = b"".join(path.read_bytes() for path in self.folder.glob("relatch.db*"))
        assert b'"level":"TRACE"' in log or b'"message":"listening"' in log, "the log was not heard"
        for secret in (SECRET, TOKEN, SMS_TOKEN, SMTP_PASSWORD, *passwords):
            assert secret.encode() not in log, f"{secret} is in the log"
            assert secret.encode() not in disk, f"{secret} is on the disk"

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()
        self.mail.stop()
        self.http.server.shutdown()


def text_of(message):
    return "\n".join(part for block in message.get("blocks", []) for part in texts_of(block))


def is_working(message):
    """Whether it only stands in for an answer that takes longer."""
    return message is not None and text_of(message).startswith("Working")


def button(message, action):
    """What leads back to the reset: a button's value, or the id of a box's block."""
    for block, element in pressable(message):
        if element["action_id"] == action:
            return element.get("value") or block["block_id"]
    raise AssertionError(f"no button {action} in {text_of(message)}")


def password_in(text):
    """The eight characters that stand alone, or before "is your new password"."""
    sent = re.search(r"(\S{8}) is your new password", text)
    return (sent or re.search(r"^\s*`?([A-Za-z0-9]{8})(?=`?\.?\s)", text + "\n", re.MULTILINE)).group(1)
