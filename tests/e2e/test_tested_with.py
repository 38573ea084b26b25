"""The page of what relatch was tested with claims nothing that was not tried."""

import contextlib
import io
import re
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import tested_with as page

PRINTED = """\
test directories::ldap::openldap ... ok
test directories::ldap::openldap_without_a_policy ... ok
test directories::forced_change::openldap_with_a_policy_that_does_not_hash ... ok
test directories::forced_change::openldap_with_the_module_of_the_policy_alone ... ok
test directories::ldap::server_389 ... FAILED
test directories::ldap::active_directory ... ignored, needs samba and krb5-user
test vendors::slack::a_check_of_slack_succeeds ... ok
test vendors::lark_directory::a_member_of_lark_is_read ... ok
test vendors::twilio::answers_of_twilio_are_read ... FAILED
test delivery::sms::tests::numbers_arrive_whole ... ok
test_copy (test_resets.Resets.test_copy)
The password is shown. ... ok
test_every_kind_was_sent (test_validators.Validators.test_every_kind_was_sent) ... ok
test_it (test_journey.Journey.test_it)
The whole way. ... skipped 'no servers'
test_one (test_failures.MailServers.test_one) ... ok
test_one (test_mail.Ports.test_one) ... ok
test_one (test_mail.Letters.test_one) ... ok
test_one (test_mail.Domains.test_one) ... ok
test_lasting_faults_of_a_mail_server_are_told_apart_from_others (test_mail.Refusals) ... ok
test_a_letter_refused_for_a_lasting_reason_names_it (test_mail.Refusals) ... ok
"""


class TestedWith(unittest.TestCase):
    def row(self, name):
        rows = [row for rows in page.SECTIONS.values() for row in rows]
        with mock.patch.object(page, "version", return_value="1.0"):
            return page.cells(next(row for row in rows if row.name == name), page.results(PRINTED))

    def test_what_passed_is_named(self):
        openldap = self.row("OpenLDAP")
        self.assertEqual(openldap[1], "real server")
        self.assertTrue(openldap[4].startswith("`directories::ldap::openldap`, `directories::ldap::openldap_without_a_policy`"))
        slack = self.row("Slack")
        self.assertEqual(slack[1], "the vendor's own examples")
        self.assertRegex(slack[3], r"^\d+ examples, \d+ by lists of fields; `slack_sdk`")
        self.assertEqual(self.row("Any other")[1], "our fake only")

    def test_a_library_is_named_where_it_was_used(self):
        self.assertNotIn("lark-oapi", self.row("Lark and Feishu")[3])

    def test_what_failed_or_was_not_run_is_not_claimed(self):
        for name in ("389 Directory Server", "FreeIPA", "Active Directory", "Postfix", "Kannel", "Twilio", "nginx"):
            self.assertEqual(self.row(name)[1], "nothing", name)
        self.assertIn("**nothing**", page.INTRODUCTION)

    def test_the_chat_and_the_directory_count_their_own_examples(self):
        lark = self.row("Lark as a directory")
        self.assertEqual(lark[1], "the vendor's own examples")
        self.assertEqual(self.row("Lark and Feishu")[1], "nothing")
        number = lambda text: int(text.split()[0])
        self.assertLess(number(lark[3]), number(page.counted("lark", "chat")))
        # Whoever reads an example tries it.
        tests = {
            reader: "".join((page.ROOT / "tests/it/vendors" / file).read_text() for file in files)
            for reader, files in {"chat": ("lark.rs", "lark_cards.rs"), "directory": ("lark_directory.rs", "lark.rs")}.items()
        }
        tests["chat"] += (page.ROOT / "src/chat/lark/tests.rs").read_text()
        for files, _, reader in page.sources("lark"):
            self.assertIn(reader, ("chat", "directory", "both"))
            for file in files:
                for by in ("chat", "directory") if reader == "both" else (reader,):
                    self.assertIn(f"lark/{file}", tests[by], file)

    def test_a_planted_lie_fails(self):
        with tempfile.TemporaryDirectory() as folder:
            printed, committed = Path(folder) / "printed", Path(folder) / "page.md"
            printed.write_text(PRINTED)
            with (
                mock.patch.object(page, "version", return_value="1.0"),
                mock.patch.object(page, "PAGE", committed),
                mock.patch.object(sys, "argv", ["tested_with.py", str(printed)]),
                contextlib.redirect_stdout(io.StringIO()),
            ):
                true = page.page(page.results(PRINTED))
                committed.write_text(true)
                page.main()
                for lie in (
                    re.sub(r"\| FreeIPA \| nothing \| – \|", "| FreeIPA | real server | 4.9 |", true),
                    true.replace("| Twilio | nothing |", "| Twilio | the vendor's own examples |"),
                    true.replace("`vendors::lark_directory`", "`vendors::lark_directory`, `directories::lark`"),
                    "",
                ):
                    self.assertNotEqual(lie, true)
                    committed.write_text(lie)
                    with self.assertRaises(SystemExit) as ended:
                        page.main()
                    self.assertIn("look at the difference", str(ended.exception))
                    self.assertEqual(committed.read_text(), true)

    def test_a_version_is_no_difference_and_everything_else_is_one(self):
        made = "| OpenLDAP | real server | 2.5.13 | `slapd.sh` | `a` |"
        self.assertEqual(page.without_versions(made), page.without_versions(made.replace("2.5.13", "2.6.10")))
        for other in ("our fake only", "nothing"):
            self.assertNotEqual(page.without_versions(made), page.without_versions(made.replace("real server", other)))


if __name__ == "__main__":
    unittest.main()
