"""The whole way once, with nothing pretended but Slack: a signed command, a domain controller, an SMS centre and a mail
server; at its end the member signs in with Kerberos and sets a password of their own."""

import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from world import World, text_of

SERVERS = Path(__file__).resolve().parent.parent / "servers"
OLD, OWN = "Old-pass-1234", "Seven-quiet-herons-7"


class Journey(unittest.TestCase):
    def setUp(self):
        self.folders = {}
        self.processes = []
        self.addCleanup(self.stop)
        for name in ("dc", "sms", "mail"):
            self.folders[name] = Path(tempfile.mkdtemp(prefix=f"relatch-{name}-"))
        subprocess.run([SERVERS / "pki.sh", self.folders["dc"]], check=True)
        for path in self.folders["dc"].glob("ours*"):
            shutil.copy(path, self.folders["mail"])
        subprocess.run([SERVERS / "postfix.sh", self.folders["mail"]], check=True)
        for script, name in (("samba.sh", "dc"), ("kannel.sh", "sms")):
            log = open(self.folders[name] / "start.log", "w")
            started = subprocess.Popen([SERVERS / script, self.folders[name]], stdout=log, stderr=log)
            log.close()
            self.processes.append(started)
        for name in ("dc", "sms"):
            self.wait(lambda: (self.folders[name] / "ready").exists(), name)
        self.wait(lambda: self.kinit("relatch", "Service-account-1")[0], "the domain controller")
        # Where Eli can be reached outside of work.
        change = """dn: CN=eli Corp,OU=people,DC=corp,DC=example
changetype: modify
replace: mobile
mobile: +821012345699
-
replace: otherMailbox
otherMailbox: eli@mail.example
"""
        root = ["-x", "-H", "ldaps://127.0.0.88", "-D", "administrator@corp.example", "-w", "Root-of-the-test-1"]
        quiet = {**os.environ, "LDAPTLS_REQCERT": "never"}
        subprocess.run(["ldapmodify", *root], input=change, text=True, check=True, capture_output=True, env=quiet)

    def stop(self):
        subprocess.run(["postfix", "-c", self.folders["mail"] / "etc", "stop"], capture_output=True)
        for process in self.processes:
            process.terminate()
            process.wait(30)
        for folder in self.folders.values():
            shutil.rmtree(folder, ignore_errors=True)

    def wait(self, is_there, what):
        patience = time.monotonic() + 120
        while not is_there():
            self.assertLess(time.monotonic(), patience, f"{what} did not start")
            time.sleep(0.2)

    def kinit(self, name, *lines):
        dc = self.folders["dc"]
        environment = {**os.environ, "KRB5_CONFIG": str(dc / "krb5.conf"), "KRB5CCNAME": f"FILE:{dc}/ticket", "LC_ALL": "C"}
        typed = "\n".join(lines) + "\n"
        ran = subprocess.run(["kinit", f"{name}@CORP.EXAMPLE"], input=typed, text=True, capture_output=True, env=environment)
        return ran.returncode == 0, ran.stdout + ran.stderr

    def test_from_the_command_to_a_password_of_ones_own(self):
        example = (SERVERS / "active-directory.toml").read_text()
        example = example.replace("dc1.corp.example", "127.0.0.88")
        example = example.replace("/etc/ssl/corp-ca.pem", str(self.folders["dc"] / "ours-ca.pem"))
        example = re.sub("password_file = .*", 'password = "Service-account-1"', example)
        directories = f"""[[directory]]
{example}
personal_email_attribute = "otherMailbox"
[[directory]]
kind = "builtin"
"""
        world = World(
            smtp_url="smtp://localhost:2530",
            extra=f'ca_file = "{self.folders["mail"] / "ours-ca.pem"}"',
            sms='kind = "kannel"\nurl = "http://127.0.0.1:13013/cgi-bin/sendsms"\nusername = "relatch"\npassword = "Kannel-of-the-test-1"',
            directories=directories,
        )
        self.addCleanup(world.close)
        checked = world.run("check", fails=True).stdout
        self.assertIn("ok    directory[1]: Corp directory", checked)
        world.start()
        self.assertTrue(self.kinit("eli", OLD)[0])

        card = world.command("UJO", "eli@corp.example")
        self.assertIn("Corp directory", text_of(card))
        self.assertEqual(world.click("UJO", card, "deliver_phone"), 200)
        ready = world.http.wait_for_text(" now?", 0)
        before = len(world.http.said)
        self.assertEqual(world.click("UJO", ready, "confirm"), 200)
        ended = text_of(world.http.wait_for_text("ref ", before))
        self.assertIn("Done: eli Corp", ended)
        self.assertIn("must set a new one ✓", ended)
        self.assertIn("SMS accepted", ended)

        # What arrived: the password by SMS, the notice without it by e-mail.
        sms = self.folders["sms"] / "sms.log"
        self.wait(lambda: "is your new password" in sms.read_text(), "the SMS")
        told = re.search(r"<\S+ (\+\d+) text (.*)>", sms.read_text())
        self.assertEqual(told[1], "+821012345699")
        password = re.search(r"(\S{8}) is your new password\. ", told[2])[1]
        letters = self.folders["mail"] / "mail" / "eli"
        self.wait(letters.exists, "the e-mail")
        self.wait(lambda: "was reset" in letters.read_text(), "the e-mail")
        self.assertNotIn(password, letters.read_text())
        self.assertNotIn(password, ended)

        # Eli signs in with it, has to set a password of their own, and nothing else opens the account afterwards.
        self.assertFalse(self.kinit("eli", OLD)[0])
        is_in, said = self.kinit("eli", password)
        self.assertFalse(is_in)
        self.assertIn("Password expired", said)
        self.assertEqual(self.kinit("eli", password, OWN, OWN)[0], True)
        self.assertTrue(self.kinit("eli", OWN)[0])
        for dead in (OLD, password):
            self.assertFalse(self.kinit("eli", dead)[0])
        self.assertEqual([(reset["state"], reset["slot"]) for reset in world.resets()], [("delivered", "used")])
        world.assert_no_secrets(password, "Service-account-1", "Kannel-of-the-test-1")


if __name__ == "__main__":
    unittest.main()
