"""The process dies at every point where something reaches the disk: one change at most, the slot as promised, the truth told."""

import time
import unittest

from world import NOTHING, World, password_in, text_of

#: What recovery may leave, and whether the slot is then used.
NAMED = {
    "refused": "returned",
    "unknown": "used",
    "lost": "used",
    "delivery_unknown": "used",
    "delivered": "used",
    "undelivered": "used",
}


class Crashes(unittest.TestCase):
    def test_killed_at_each_write_of_a_reset(self):
        """SIGKILL at the n-th fsync after the confirming click, for every n until the reset gets through."""
        seen = set()
        for nth in range(1, 40):
            world = World().start()
            try:
                world.run("members", "set-password", "mina@acme.example", typed="the old password")
                ready = world.last_look("UJO", "UMINA", "deliver_phone")
                world.kill()
                inject = f"inject=fsync,fdatasync:signal=KILL:when={nth}"
                world.start("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", inject)
            except AssertionError:
                # It died before it listened: the kill met the start.
                world.process.wait()
                world.close()
                continue
            try:
                try:
                    world.click("UJO", ready, "confirm")
                except OSError:
                    pass
                deadline = time.monotonic() + 8
                while world.process.poll() is None and time.monotonic() < deadline:
                    if any("Done: " in text_of(said) for said in world.http.said):
                        break
                    time.sleep(0.05)
                was_killed = world.process.poll() is not None
                world.kill()
                world.start()
                self.check(world, seen)
                if not was_killed:
                    break
            finally:
                world.close()
        self.assertIn("delivered", seen)
        self.assertGreaterEqual(len(seen), 3, seen)

    def check(self, world, seen):
        resets = world.resets()
        if not resets:
            # Killed before the claim was on disk: the card is as good as before.
            self.assertTrue(world.signs_in("mina@acme.example", "the old password"))
            return
        [reset] = resets
        seen.add(reset["state"])
        self.assertEqual(reset["slot"], NAMED[reset["state"]], reset)
        has_old = world.signs_in("mina@acme.example", "the old password")
        before = len(world.http.said)
        told = text_of(world.command("UJO", "<@UNOA>"))
        # What a reset came to that nobody was told comes beside the answer.
        with world.http.news:
            world.http.news.wait_for(lambda: len(world.http.said) > before, 5)
        told += "".join(text_of(said) for said in world.http.said)
        sent = [password_in(sms["text"]) for sms in world.http.sms if "is your new password" in sms["text"]]
        self.assertLessEqual(len(sent), 1)
        if reset["state"] == "refused":
            self.assertTrue(has_old)
            self.assertIn("othing was changed", told)
        elif reset["state"] == "unknown":
            self.assertEqual(sent, [])
            self.assertTrue("interrupted half-way" in told or "nobody can say whether it was changed" in told, told)
        else:
            self.assertFalse(has_old, "the old password still works")
            self.assertTrue(all(world.signs_in("mina@acme.example", one) for one in sent))
        if reset["state"] == "lost":
            self.assertEqual(sent, [])
            self.assertIn("not delivered", told)
        if reset["state"] == "delivery_unknown":
            self.assertIn("nobody can say whether it arrived", told)
        world.assert_no_secrets(*sent)
