"""The life of the process: SIGHUP, a terminal that is closed, a database that goes away, and a record that must not begin anew."""

import json
import os
import pty
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest
import urllib.request
from pathlib import Path

import world as surroundings
from world import PATIENCE, PROGRAM, SECRET, World, free_port, text_of

#: How often the program looks at its database is ten seconds; the order allows a minute.
NOTICED_WITHIN = 60
FINAL = {"delivered", "refused", "undelivered", "delivery_unknown"}


def wait_for(what, patience=PATIENCE):
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen")


def lines_of(world, message):
    return [line for line in map(json.loads, list(world.log)) if message in line["message"]]


def audit_of(world, event):
    with sqlite3.connect(world.folder / "relatch.db") as record:
        return record.execute("select outcome, detail from audit where event = ? order by seq", [event]).fetchall()


def change(world, before, after):
    path = world.folder / "relatch.toml"
    text = path.read_text()
    assert before in text, before
    path.write_text(text.replace(before, after))


def hang_up(world):
    """SIGHUP; the line that says what came of it."""
    before = len(world.log)
    world.process.send_signal(signal.SIGHUP)
    said = lambda: [
        line
        for line in map(json.loads, world.log[before:])
        if "read again" in line["message"] or "cannot be used" in line["message"]
    ]
    return wait_for(said)[0]


class Reload(unittest.TestCase):
    def setUp(self):
        self.world = World().start()
        self.addCleanup(self.world.close)

    def test_secrets_lists_and_texts_change_for_the_next_request(self):
        world = self.world
        world.last_look("UJO", "UMINA", "deliver_phone")
        new = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
        change(world, SECRET, new)
        change(world, "[policy]", '[admins]\nsource = "list"\nprimary = ["kim@acme.example"]\n[policy]')
        line = hang_up(world)
        self.assertEqual(line["changed"], "admins.primary admins.source slack.signing_secret")
        self.assertEqual(world.post("/slack/commands", {"text": "help"})[0], 401, "the secret from before still counts")
        surroundings.SECRET = new
        self.addCleanup(setattr, surroundings, "SECRET", SECRET)
        self.assertIn("You can't reset", text_of(world.command("UJO", "<@UMINA>")))
        ended = world.reset("UKIM", "UMINA", "deliver_phone", "Done: ")
        self.assertIn("Done: ", text_of(ended))
        self.assertEqual(audit_of(world, "reload"), [("done", "admins.primary admins.source slack.signing_secret")])
        world.assert_no_secrets(new)

    def test_a_secret_in_a_file_is_read_anew(self):
        world = self.world
        secret = world.folder / "signing-secret"
        secret.write_text(SECRET)
        secret.chmod(0o600)
        change(world, f'signing_secret = "{SECRET}"', f'signing_secret_file = "{secret}"')
        self.assertIn("they are the same", hang_up(world)["message"], "it is the same secret")
        secret.write_text("0a1b2c3d4e5f60718293a4b5c6d7e8f9\n")
        self.assertEqual(hang_up(world)["changed"], "slack.signing_secret")
        self.assertEqual(world.post("/slack/commands", {"text": "help"})[0], 401)

    def test_the_members_pages_change_too(self):
        world = self.world
        page = lambda: urllib.request.urlopen(world.address + "/signin", timeout=PATIENCE).read().decode()
        self.assertNotIn("Umbrella", page())
        change(world, 'log = "trace"', 'log = "trace"\norganization = "Umbrella"')
        self.assertEqual(hang_up(world)["changed"], "organization")
        self.assertIn("Umbrella", page())

    def test_bad_settings_change_nothing_and_are_told_as_at_the_start(self):
        world = self.world
        change(world, SECRET, "short")
        change(world, 'log = "trace"', 'log = "loud"')
        line = hang_up(world)
        self.assertEqual(line["level"], "ERROR")
        at_start = world.run("members", "list", fails=True)
        self.assertEqual(at_start.returncode, 78)
        self.assertEqual(at_start.stderr.strip(), f"relatch: {line['problems']}")
        self.assertEqual(audit_of(world, "reload"), [("refused", "log slack.signing_secret")])
        self.assertEqual(world.click("UJO", world.last_look("UJO", "UMINA", "deliver_phone"), "confirm"), 200)
        world.http.wait_for_text("Done: ")

    def test_what_needs_a_restart_is_named_until_it_comes(self):
        world = self.world
        change(world, 'listen = "127.0.0.1:0"', f'listen = "127.0.0.1:{free_port()}"\nlog = "info"')
        change(world, 'log = "trace"\n', "")
        self.assertEqual(hang_up(world)["changed"], "listen log")
        self.assertEqual([line["at_restart"] for line in lines_of(world, "next restart only")], ["listen"])
        self.assertEqual(hang_up(world)["at_restart"], "listen")
        # `log` is in use: nothing below its level is heard any more.
        before = len(world.log)
        self.assertIn("Done: ", text_of(world.reset("UJO", "UMINA", "deliver_phone", "Done: ")))
        levels = {json.loads(line)["level"] for line in world.log[before:]}
        self.assertFalse(levels & {"TRACE", "DEBUG"}, levels)
        self.assertEqual(world.stop(), 0)

    def test_a_card_from_before_goes_on(self):
        world = self.world
        ready = world.last_look("UJO", "UMINA", "deliver_phone")
        change(world, "[policy]", '[policy]\npassword_length = 12\n')
        self.assertEqual(hang_up(world)["changed"], "policy.password_length")
        self.assertEqual(world.click("UJO", ready, "confirm"), 200)
        world.http.wait_for_text("Done: ")
        self.assertEqual([reset["state"] for reset in world.resets()], ["delivered"])

    def test_what_systemd_copied_is_said_not_to_change(self):
        world = self.world
        world.stop()
        copies = world.folder / "credentials"
        copies.mkdir()
        (copies / "relatch.toml").write_text((world.folder / "relatch.toml").read_text())
        secret = copies / "bot-token"
        secret.write_text(surroundings.TOKEN)
        secret.chmod(0o400)
        change(world, f'bot_token = "{surroundings.TOKEN}"', f'bot_token_file = "{secret}"')
        world.start("env", f"CREDENTIALS_DIRECTORY={copies}")
        hang_up(world)
        said = wait_for(lambda: lines_of(world, "unchanged since start; restart the service to rotate"))
        self.assertEqual(said[0]["copied"], "slack.bot_token")


class Terminals(unittest.TestCase):
    def start_in_terminal(self, world, *words):
        """In a terminal of its own, as by hand, with the log in a file; the terminal's other end and the process id."""
        log = world.folder / "by-hand.log"
        pid, terminal = pty.fork()
        if pid == 0:
            with log.open("w") as file:
                os.dup2(file.fileno(), 2)
            os.execv(PROGRAM, [PROGRAM, *map(str, words)])
        listening = lambda: [
            line for line in map(json.loads, log.read_text().splitlines()) if line["message"] == "listening"
        ]
        world.address = "http://" + wait_for(lambda: log.exists() and listening())[0]["addr"]
        self.addCleanup(self.end, pid)
        return pid, terminal, log

    @staticmethod
    def end(pid):
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass

    def test_resets_at_work_end_in_a_named_state_when_the_terminal_is_closed(self):
        """Twelve confirmed clicks wait for a slow gateway; the terminal is closed in the middle."""
        world = World()
        self.addCleanup(world.close)
        people = "".join(
            f"M{n} Park,m{n}@acme.example,business_email,active,+8210123456{n:02},,member,Sales,\n" for n in range(12)
        )
        (world.folder / "people.csv").write_text(surroundings.PEOPLE + people)
        world.run("members", "import", world.folder / "people.csv")
        change(world, "[policy]", "[policy]\nresets_per_admin = 50")
        pid, terminal, log = self.start_in_terminal(world, "serve", "--config", world.folder / "relatch.toml")
        ready = [world.last_look("UJO", f"UM{n}", "deliver_phone") for n in range(12)]
        world.http.sms_delay = 1
        for one in ready:
            self.assertEqual(world.click("UJO", one, "confirm"), 200)
        os.close(terminal)
        said = lambda: [line for line in map(json.loads, log.read_text().splitlines()) if "terminal was closed" in line["message"]]
        [line] = wait_for(said)
        self.assertIn(f"kill {pid}", line["message"].replace("`", ""))
        ended = lambda: all(reset["state"] in FINAL for reset in world.resets())
        wait_for(ended)
        self.assertEqual([reset["state"] for reset in world.resets()], ["delivered"] * 12)
        world.http.sms_delay = 0
        self.assertIn("Done: ", text_of(world.reset("UKIM", "UMINA", "deliver_phone", "Done: ")))
        os.kill(pid, signal.SIGTERM)
        _, status = os.waitpid(pid, 0)
        self.assertEqual(os.waitstatus_to_exitcode(status), 0)
        self.assertEqual(len(said()), 1, "it is said once")

    def test_a_log_that_nobody_reads_stops_nothing(self):
        """Standard error is the closed terminal itself, then a pipe without a reader."""
        for how in ["terminal", "pipe"]:
            world = World()
            self.addCleanup(world.close)
            port = free_port()
            change(world, 'listen = "127.0.0.1:0"', f'listen = "127.0.0.1:{port}"')
            command = [PROGRAM, "serve", "--config", str(world.folder / "relatch.toml")]
            if how == "terminal":
                pid, other_end = pty.fork()
                if pid == 0:
                    os.execv(PROGRAM, command)
            else:
                other_end, ours = os.pipe()
                process = subprocess.Popen(command, stderr=ours)
                pid = process.pid
                os.close(ours)
            self.addCleanup(self.end, pid)
            world.address = f"http://127.0.0.1:{port}"
            wait_for(lambda: b"listening" in os.read(other_end, 65536))
            os.close(other_end)
            self.assertIn("Done: ", text_of(world.reset("UJO", "UMINA", "deliver_phone", "Done: ")), how)
            os.kill(pid, signal.SIGTERM)
            _, status = os.waitpid(pid, 0)
            self.assertEqual(os.waitstatus_to_exitcode(status), 0, how)

    def test_the_demo_ends_with_its_terminal(self):
        folder = Path(tempfile.mkdtemp(prefix="relatch-e2e-"))
        self.addCleanup(shutil.rmtree, folder)
        demo = subprocess.Popen([PROGRAM, "demo", "--data", folder], stdout=subprocess.PIPE, text=True)
        self.addCleanup(demo.stdout.close)
        next(line for line in demo.stdout if line.startswith("Play it yourself"))
        demo.send_signal(signal.SIGHUP)
        self.assertEqual(demo.wait(PATIENCE), 0)


@unittest.skipUnless("DEBUG_RELATCH" in os.environ, "only the debug program has faults: name it to run.sh")
class Panics(unittest.TestCase):
    def start(self, fault):
        """The debug program with this fault, in a record with one reset; `before` is that reset."""
        self.addCleanup(setattr, surroundings, "PROGRAM", PROGRAM)
        surroundings.PROGRAM = os.environ["DEBUG_RELATCH"]
        world = World().start()
        self.addCleanup(world.close)
        world.reset("UJO", "UMINA", "deliver_phone", "Done: ")
        self.assertEqual(world.stop(), 0)
        self.before = world.resets()
        world.log.clear()
        return world.start("env", f"FAULT_IN_RELATCH={fault}")

    def errors(self, world):
        """The lines of the log that tell errors. What a panic said is in none of them, nor any secret."""
        world.assert_no_secrets("FAULT_IN_RELATCH")
        return [line for line in map(json.loads, list(world.log)) if line["level"] == "ERROR"]

    def test_a_panic_in_the_stores_task_ends_the_program_and_a_restart_goes_on(self):
        """The task panics when the first webhook's writes are committed. systemd starts again what ends with 70."""
        world = self.start("store-panics")
        card = world.command("UKIM", "<@UMINA>")
        self.assertEqual(world.process.wait(PATIENCE), 70)
        panicked, ended = self.errors(world)
        self.assertIn("a task panicked", panicked["message"])
        self.assertIn("the store's task ended unexpectedly, so nothing can be recorded; relatch ends", ended["message"])
        self.assertEqual(ended["exit_code"], 70)
        self.assertEqual(world.resets(), self.before)
        world.start()
        # What was committed before the panic is there: the card goes on.
        said = len(world.http.said)
        self.assertEqual(world.click("UKIM", card, "deliver_phone"), 200)
        ready = world.http.wait_for_text(" now?", said)
        self.assertEqual(world.click("UKIM", ready, "confirm"), 200)
        world.http.wait_for_text("Done: ", said)
        self.assertEqual([reset["slot"] for reset in world.resets()], ["used", "used"])

    def test_a_panic_in_the_sweep_ends_one_round_only(self):
        world = self.start("sweep-panics")
        panicked = wait_for(lambda: lines_of(world, "a task panicked"))
        self.assertEqual([line["message"] for line in self.errors(world)], [panicked[0]["message"]])
        world.command("UJO", "<@UMINA>")
        with sqlite3.connect(world.folder / "relatch.db", timeout=PATIENCE, isolation_level=None) as record:
            record.execute("update reset set expires_at = 1 where state = 'offered'")
            wait_for(lambda: record.execute("select 1 from reset where state = 'expired'").fetchone())
        self.assertIn("Done: ", text_of(world.reset("UKIM", "UMINA", "deliver_phone", "Done: ")))
        self.assertEqual(world.stop(), 0)

    def test_a_panic_of_the_hasher_refuses_one_reset_and_no_more(self):
        world = self.start("hasher-panics")
        refused = text_of(world.reset("UJO", "UMINA", "deliver_phone"))
        self.assertIn("Nothing was changed.", refused)
        self.assertIn("a task panicked", self.errors(world)[0]["message"])
        self.assertEqual(len(world.http.sms), 1, "a password that was never set was sent")
        for _ in range(2):
            self.assertIn("Done: ", text_of(world.reset("UJO", "UMINA", "deliver_phone", "Done: ")))
        self.assertEqual(sorted(reset["state"] for reset in world.resets()), ["delivered"] * 3 + ["refused"])
        self.assertEqual(world.stop(), 0)


class Databases(unittest.TestCase):
    def end_of(self, world):
        self.assertEqual(world.process.wait(NOTICED_WITHIN), 78)
        time.sleep(0.2)
        return [line for line in map(json.loads, world.log) if line["level"] == "ERROR"]

    def test_a_deleted_database_ends_the_program_within_a_minute(self):
        for name in ["relatch.db", "relatch.db-wal"]:
            world = World().start()
            self.addCleanup(world.close)
            world.reset("UJO", "UMINA", "deliver_phone", "Done: ")
            (world.folder / name).unlink()
            [line] = self.end_of(world)
            self.assertIn("the database was deleted", line["message"])
            self.assertEqual(line["exit_code"], 78)
        # What stood in the log alone is not lost with it, nor is a slot given back.
        world.start()
        self.assertEqual([reset["slot"] for reset in world.resets()], ["used"])

    def test_a_replaced_database_ends_the_program_within_a_minute(self):
        world = World().start()
        self.addCleanup(world.close)
        copy = world.folder / "copy.db"
        with sqlite3.connect(world.folder / "relatch.db") as record, sqlite3.connect(copy) as other:
            record.backup(other)
        copy.chmod(0o600)
        copy.rename(world.folder / "relatch.db")
        [line] = self.end_of(world)
        self.assertIn("the database was replaced", line["message"])

    def test_a_backup_put_back_while_it_is_stopped_is_served(self):
        world = World().start()
        self.addCleanup(world.close)
        world.reset("UJO", "UMINA", "deliver_phone", "Done: ")
        world.stop()
        database = world.folder / "relatch.db"
        copy = world.folder / "copy.db"
        shutil.copy2(database, copy)
        database.unlink()
        copy.rename(database)
        world.start()
        self.assertEqual(len(world.resets()), 1)

    def test_an_empty_record_does_not_begin_by_itself(self):
        """Whoever used all resets would have them again."""
        world = World().start()
        self.addCleanup(world.close)
        world.reset("UJO", "UMINA", "deliver_phone", "Done: ")
        world.stop()
        (world.folder / "relatch.db").unlink()
        command = [PROGRAM, "serve", "--config", world.folder / "relatch.toml"]
        refused = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(refused.returncode, 78)
        self.assertEqual(refused.stderr.count("Nothing was changed."), 1)
        self.assertIn("relatch new-database", refused.stderr)
        self.assertFalse((world.folder / "relatch.db").exists())
        world.run("new-database")
        world.run("members", "import", world.folder / "people.csv")
        world.start()
        self.assertEqual(world.resets(), [])
        self.assertEqual(audit_of(world, "new_database"), [("done", None)])

    def test_a_first_start_that_is_killed_anywhere_is_a_first_start_again(self):
        """SIGKILL at the n-th sync to disk: the next start never finds a key without its record."""
        for nth in range(1, 60):
            world = World()
            for file in world.folder.glob("relatch.db*"):
                file.unlink()
            inject = f"inject=fsync,fdatasync:signal=KILL:when={nth}"
            try:
                world.start("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", inject)
                was_killed = False
            except AssertionError:
                was_killed = True
            try:
                world.kill()
                world.start()
            finally:
                world.close()
            if not was_killed:
                break
        self.assertGreater(nth, 3)
