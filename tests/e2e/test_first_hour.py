"""`docs/first-hour.md` as it happens: an empty folder, the settings of the README, ten mistakes, and a reset over a pretend Slack.

Every line of the document in a block is looked for in what the program really printed, in the order of the document.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

from slack import Slack, shown
from test_portal import Browser
from world import CODE, PATIENCE, PROGRAM, SECRET, TEAM, Mail, free_port, password_in

ROOT = Path(__file__).resolve().parent.parent.parent
TOKEN = "xoxb-1028301234-canary0123456789"
MEMBERS = """name,business_email,login_method,status,phone,personal_email,role,department,manager_email,employee_id
Jo Lim,jo@acme.example,business_email,active,,,primary_admin,IT,,1
Mina Park,mina@acme.example,business_email,active,+82 10 1234 5642,mina@mail.example,member,Sales,,2
Lee Han,lee@acme.example,business_email,active,,,member,Sales,,3
"""
PEOPLE = {"U0JO": "jo@acme.example", "U0MINA": "mina@acme.example", "U0LEE": "lee@acme.example"}
JO, MINA, LEE = PEOPLE
#: The user of the service where the tests run as root.
SERVICE = 64998
OWN = "seven quiet herons dance"


def quoted():
    """The lines in the blocks of the document, by the number of their section."""
    sections, number, is_block = {}, None, False
    for line in (ROOT / "docs" / "first-hour.md").read_text().splitlines():
        if heading := re.match(r"## (\d+)\.", line):
            number = int(heading[1])
        elif line.startswith("```"):
            is_block = not is_block
        elif is_block and line:
            sections.setdefault(number, []).append(line)
    return sections


def settings_of_the_readme():
    """The first block of settings in the README: those for Slack."""
    text = (ROOT / "README.md").read_text()
    block = re.search(r"```toml\n(.*?)```", text[text.index("## Connect it to Slack") :], re.DOTALL)[1]
    return "".join(line.removeprefix("   ") for line in block.splitlines(keepends=True))


class FirstHour(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="relatch-first-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.etc, self.var, self.home = (self.folder / name for name in ("etc", "var", "home"))
        for folder in (self.etc, self.var, self.home):
            folder.mkdir()
        shutil.copy(PROGRAM, self.folder / "relatch")
        self.slack, self.mail = Slack(TEAM, SECRET, TOKEN, PEOPLE), Mail()
        self.addCleanup(self.slack.close)
        self.addCleanup(self.mail.stop)
        self.port, self.process, self.said, self.log = free_port(), None, [], []
        self.slack.commands_url = f"http://127.0.0.1:{self.port}/slack/commands"
        self.slack.interactions_url = f"http://127.0.0.1:{self.port}/slack/interactions"
        self.sections = quoted()
        self.write(self.settings())
        for name, text in {"signing-secret": SECRET, "bot-token": TOKEN}.items():
            self.keep(name, text)
        self.keep("smtp-url", f"smtp://127.0.0.1:{self.mail.port}")
        (self.folder / "members.csv").write_text(MEMBERS)
        self.give(self.folder)

    # What the operator does.

    def settings(self):
        """As the README has them, with the addresses of what stands for Slack here."""
        text = settings_of_the_readme().replace("T0123456", TEAM)
        text = text.replace("/etc/relatch", str(self.etc)).replace("/var/lib/relatch", str(self.var))
        own = f'api_url = "{self.slack.base}/api/"\nresponse_origins = ["{self.slack.base}"]\n'
        self.assertIn("[slack]\n", text)
        return f'listen = "127.0.0.1:{self.port}"\n' + text.replace("[slack]\n", f"[slack]\n{own}")

    def write(self, text):
        self.keep("relatch.toml", text)

    def keep(self, name, text, mode=0o600):
        """Writes a file below /etc/relatch."""
        path = self.etc / name
        path.write_text(text + "\n")
        path.chmod(mode)
        self.give(path)
        return path

    def give(self, path):
        """Gives it, with all that is below it, to the user of the service."""
        if os.geteuid() == 0:
            for one in [path, *path.rglob("*")]:
                os.chown(one, SERVICE, SERVICE)

    def how(self, is_root=False, folder=None):
        user = {} if os.geteuid() or is_root else {"user": SERVICE, "group": SERVICE, "extra_groups": []}
        return {"cwd": folder or self.etc, "env": {"HOME": str(self.home), "PATH": "/usr/bin:/bin"}, **user}

    def relatch(self, *words, typed=None, **how):
        """Runs a command in /etc/relatch as the service's user."""
        command = [self.folder / "relatch", *words]
        ran = subprocess.run(
            command, input=typed, capture_output=True, text=True, timeout=PATIENCE, **self.how(**how)
        )
        self.note(f"$ relatch {' '.join(words)}\n{ran.stdout}{self.plain(ran.stderr)}(exit {ran.returncode})")
        return ran

    def serve(self):
        """Starts `relatch serve`, and gives back when it listens or ended."""
        command = [self.folder / "relatch", "serve"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **self.how())
        self.addCleanup(self.stop)
        self.note("$ relatch serve")
        for line in self.process.stderr:
            self.note(self.plain(line))
            if '"message":"listening"' in line:
                listening = threading.Thread(target=lambda pipe: self.log.extend(pipe), args=(self.process.stderr,), daemon=True)
                return listening.start()
        self.note(f"(exit {self.process.wait(PATIENCE)})")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE)

    def logged(self, part):
        """Waits for a line of the log."""
        until = time.monotonic() + PATIENCE
        while not (found := [line for line in self.log if part in line]):
            self.assertLess(time.monotonic(), until, f"{part!r} is not in {self.log}")
            time.sleep(0.02)
        self.note(self.plain(found[0]))

    def types(self, text):
        """The administrator types the command."""
        message = self.slack.command(JO, text)
        self.note(f"> /reset-password {text}\n{shown(message)}")
        return message

    # What the document says.

    @staticmethod
    def plain(log):
        """The message of each line of the log, and other lines as they are."""
        lines = log.splitlines()
        return "".join((json.loads(line)["message"] if line.startswith("{") else line) + "\n" for line in lines)

    def note(self, text):
        """Keeps what was said, with the paths that the README names."""
        here = {str(self.etc): "/etc/relatch", str(self.var): "/var/lib/relatch", str(self.home): "/home/jo"}
        for path, told in here.items():
            text = text.replace(path, told)
        text = text.replace(f"127.0.0.1:{self.port}", "127.0.0.1:8080").replace(str(SERVICE), "998")
        self.said += [re.sub(r"\(ref \w+\)", "(ref …)", line) for line in text.splitlines()]

    def assert_told(self, number):
        """Everything that the document quotes there was said, in this order."""
        self.assertIn(number, self.sections)
        said = iter(self.said)
        for line in self.sections[number]:
            self.assertIn(line, said, f"section {number}: {line!r} was not said, or not there:\n" + "\n".join(self.said))
        self.said = []

    # The mistakes.

    def test_1_the_wrong_folder(self):
        elsewhere = {"folder": self.home}
        self.relatch("serve", **elsewhere)
        self.relatch("check", **elsewhere)
        self.assertEqual(list(self.home.iterdir()), [], "a record was begun there")
        shutil.copy(self.folder / "members.csv", self.home)
        self.relatch("members", "import", "members.csv", **elsewhere)
        self.assert_told(1)

    def test_2_a_key_misspelled_and_a_key_in_another_section(self):
        self.write(self.settings().replace("[email]", "[emial]"))
        self.relatch("check")
        line = 'public_url = "https://reset.acme.example"\n'
        self.write(self.settings().replace(line, "") + line)
        self.relatch("check")
        self.assert_told(2)

    def test_3_secrets_swapped_and_pasted_with_their_name(self):
        self.keep("signing-secret", TOKEN)
        self.keep("bot-token", SECRET)
        self.relatch("check")
        self.keep("signing-secret", SECRET)
        self.keep("bot-token", f"SLACK_BOT_TOKEN={TOKEN}")
        self.relatch("check")
        # What editors of Windows add is no mistake.
        self.keep("bot-token", f"\ufeff{TOKEN}\r")
        self.assertEqual(self.relatch("check").returncode, 0)
        self.assert_told(3)

    @unittest.skipIf(os.geteuid(), "needs a second user")
    def test_4_who_may_read_a_secret(self):
        token = self.etc / "bot-token"
        os.chown(token, 0, 0)
        self.relatch("check")
        self.keep("bot-token", TOKEN, 0o644)
        self.relatch("check")
        token.unlink()
        self.relatch("check")
        self.assert_told(4)

    def test_5_another_workspace_and_a_missing_scope(self):
        self.write(self.settings().replace(f'team_id = "{TEAM}"', 'team_id = "T0123456"'))
        self.relatch("check")
        self.write(self.settings())
        self.slack.scopes.remove("users:read.email")
        self.relatch("check")
        self.assert_told(5)

    def test_6_members_from_a_spreadsheet(self):
        file = self.etc / "members.csv"
        file.write_bytes(MEMBERS.replace("Lee Han", "José Peña").encode("cp1252"))
        self.relatch("members", "import", "members.csv")
        file.write_text(MEMBERS.replace("+82 10", "010"))
        self.relatch("members", "import", "members.csv")
        file.write_text(MEMBERS.replace(",", ";"))
        self.relatch("members", "import", "members.csv")
        self.assert_told(6)

    @unittest.skipIf(os.geteuid(), "needs root")
    def test_7_root_was_first(self):
        (self.etc / "members.csv").write_text(MEMBERS)
        told = self.relatch("members", "import", "members.csv", is_root=True).stderr
        self.relatch("check", is_root=True)
        self.serve()
        # As it is told.
        subprocess.run(["bash", "-c", re.search("chown .*", told)[0]], check=True)
        self.serve()
        self.assert_told(7)

    def test_8_the_mail_server_refuses_the_sender(self):
        self.mail.sender = "553 5.7.1 <it@acme.example>: Sender address rejected: not owned by user"
        self.relatch("check")
        self.assert_told(8)

    def test_9_the_port_is_taken(self):
        with socket.create_server(("127.0.0.1", self.port)):
            self.serve()
        self.assert_told(9)

    def test_10_slack_gets_no_answer(self):
        self.begin()
        self.attempt("POST outside", commands_url=f"http://127.0.0.1:{self.port}/reset-password")
        self.attempt("at another address", commands_url=self.slack.interactions_url)
        self.attempt("an unsigned request", signing_secret="0" * 32)
        self.attempt("stale", ahead=600)
        self.assert_told(10)

    def attempt(self, logged, **mistake):
        """One command while this is set so at Slack. A line of a kind is logged once a second at most."""
        before = {name: getattr(self.slack, name) for name in mistake}
        vars(self.slack).update(mistake)
        time.sleep(1.1)
        self.types(f"<@{MINA}>")
        self.logged(logged)
        vars(self.slack).update(before)

    def begin(self):
        (self.etc / "members.csv").write_text(MEMBERS)
        self.relatch("members", "import", "members.csv")
        self.relatch("check")
        self.serve()

    def test_11_the_reset(self):
        self.begin()
        self.relatch("link", "slack", f"<@{LEE}>", "lee@acme.example")
        self.types(f"<@{LEE}>")
        card = self.types(f"<@{MINA}> ticket 4711")
        look = self.slack.click(JO, card, "deliver_email")
        before = len(self.slack.seen)
        self.slack.click(JO, look, "confirm")
        self.note(shown(self.slack.wait_for(lambda said: "Done" in shown(said), before)))
        self.signs_in()
        self.stop()
        self.assertIn("delivered", self.relatch("resets").stdout)
        self.assert_told(11)
        for secret in (SECRET, TOKEN):
            self.assertNotIn(secret, "".join(self.log))

    def signs_in(self):
        """What arrived opens the account, with the code, and a password of one's own."""
        [receiver, letter, *_] = self.mail.letters[0]
        self.assertEqual(receiver, "mina@mail.example")
        self.address = f"http://127.0.0.1:{self.port}"
        browser = Browser(self)
        self.assertEqual(browser.sign_in("mina@acme.example", password_in(letter))[:2], (303, "/verify"))
        code = self.mail.wait_for(CODE)[1][1]
        self.assertEqual(browser.submit("/verify", "/verify", code=code)[:2], (303, "/new-password"))
        self.assertEqual(browser.submit("/new-password", "/new-password", password=OWN)[:2], (303, "/account"))


class Document(unittest.TestCase):
    def test_each_section_has_its_test(self):
        names = unittest.TestLoader().getTestCaseNames(FirstHour)
        tested = {int(name.split("_")[1]) for name in names}
        self.assertEqual(set(quoted()), tested)
