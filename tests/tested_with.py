"""Writes `docs/tested-with.md` from what `tests/run.sh` printed: which servers, examples and fakes the tests passed with.

usage: tested_with.py OUTPUT

A row says "real server" if every test of it with that server passed, "the vendor's own examples" if every test of it with
those passed, and "our fake only" if its fake is all that is left. If the committed page says anything else, it is written
anew and this ends with 1, so that somebody looks at the difference and commits it. Versions are no difference: those of
the run that wrote the page stay, because they differ from machine to machine.
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "tested-with.md"
SOURCES = ROOT / "tests" / "fixtures" / "vendors" / "SOURCES.md"

# How each program tells its version.
VERSIONS = {
    "slapd": (["slapd", "-VV"], r"slapd (\S+)"),
    "ns-slapd": (["ns-slapd", "-v"], r"389-Directory/(\S+)"),
    "samba": (["samba", "--version"], r"Version (\S+)"),
    "keycloak": (["tests/servers/keycloak.sh", "--version"], r"Keycloak (\S+)"),
    "postfix": (["postconf", "-d", "mail_version"], r"mail_version = (\S+)"),
    "kannel": (["bearerbox", "--version"], r"version `(\S+?)'"),
    "nginx": (["nginx", "-v"], r"nginx/(\S+)"),
    "chromium": (["chromium", "--version"], r"Chromium (\S+)"),
}


class Row(NamedTuple):
    """One thing that relatch talks to. A test's name may be its beginning; then all that begin so count."""

    name: str
    # The real server: its program, how it is set up, and the tests with it.
    program: str = ""
    setup: str = ""
    real: tuple[str, ...] = ()
    # The folder of the vendor's examples, who of us reads them (the column "read by" of `SOURCES.md`, where two share a
    # folder), and the tests with them.
    vendor: str = ""
    reader: str = ""
    examples: tuple[str, ...] = ()
    # The tests with our fake, and what of the vendor's own they use beside it.
    fake: tuple[str, ...] = ()
    library: str = ""
    remark: str = ""


SECTIONS = {
    "Chats": (
        Row(
            "Slack",
            vendor="slack",
            examples=("vendors::slack::",),
            fake=("test_resets.Resets.", "test_validators."),
            library="`slack_sdk` makes the signatures and reads the messages",
        ),
        Row(
            "Discord",
            vendor="discord",
            examples=("vendors::discord::",),
            fake=("test_discord.", "test_validators."),
            library="`discord-interactions` checks the signatures, `discord-api-types` the messages",
        ),
        Row(
            "Lark and Feishu",
            vendor="lark",
            reader="chat",
            examples=("vendors::lark::", "vendors::lark_cards::"),
            fake=("test_lark.",),
            library="`lark-oapi` reads the requests",
        ),
        Row(
            "Mattermost",
            vendor="mattermost",
            examples=("vendors::mattermost::", "vendors::mattermost_calls::"),
            fake=("test_mattermost.", "test_validators."),
            library="our fake follows its server's source; `@mattermost/types` reads the messages",
        ),
    ),
    "Directories": (
        Row(
            "OpenLDAP",
            program="slapd",
            setup="`tests/servers/slapd.sh`: with a password policy that hashes, one that does not, its module alone, none",
            real=(
                "directories::ldap::openldap",
                "directories::ldap::openldap_without_a_policy",
                "directories::forced_change::openldap_with_a_policy_that_does_not_hash",
                "directories::forced_change::openldap_with_the_module_of_the_policy_alone",
            ),
        ),
        Row(
            "389 Directory Server",
            program="ns-slapd",
            setup="`tests/servers/ds389.sh`: members of `inetOrgPerson`, and of `nsPerson` with a group, as `dsidm` makes them; FreeIPA's attributes",
            real=("directories::ldap::server_389",),
        ),
        Row(
            "FreeIPA",
            remark="built on 389 Directory Server, with a policy of its own",
        ),
        Row(
            "lldap",
            fake=("directories::lldap::",),
            library="our fake follows its source",
        ),
        Row(
            "Active Directory",
            program="samba",
            setup="`tests/servers/samba.sh`: Samba as a domain controller",
            real=("directories::ldap::active_directory",),
            remark="Microsoft's own servers were not tried",
        ),
        Row(
            "Keycloak",
            program="keycloak",
            setup="`tests/servers/keycloak.sh`: signed in through its own pages; the list of behaviours runs on 24.0.5 too",
            real=("directories::keycloak::real::",),
            vendor="keycloak",
            examples=("vendors::keycloak::",),
            fake=("directories::keycloak::",),
        ),
        Row(
            "Lark as a directory",
            vendor="lark",
            reader="directory",
            examples=("vendors::lark_directory::",),
            fake=("directories::lark::",),
        ),
    ),
    "Mail servers": (
        Row(
            "Postfix",
            program="postfix",
            setup="`tests/servers/postfix.sh`: STARTTLS required",
            real=("test_journey.", "test_mail.Postfix."),
        ),
        Row(
            "Any other",
            fake=(
                "test_failures.MailServers.",
                "test_mail.Refusals.test_lasting_faults_of_a_mail_server_are_told_apart_from_others",
                "test_mail.Refusals.test_a_letter_refused_for_a_lasting_reason_names_it",
                "test_mail.Ports.",
                "test_mail.Letters.",
                "test_mail.Domains.",
            ),
            library="a server made with `aiosmtpd`: STARTTLS, implicit TLS, sign-in, refusals",
        ),
    ),
    "SMS gateways": (
        Row(
            "Kannel",
            program="kannel",
            setup="`tests/servers/kannel.sh`: with its own pretend SMS centre",
            real=("test_journey.",),
        ),
        Row(
            "Twilio",
            vendor="twilio",
            examples=("vendors::twilio::",),
            # The fake gateways have tests in common; these are the ones with Twilio's.
            fake=(
                "delivery::sms::tests::every_gateway_names_every_end",
                "delivery::sms::tests::numbers_arrive_whole",
                "delivery::sms::tests::codes_of_twilio_and_kannel_are_read",
                "test_mail.Refusals.test_refusals_of_twilio_are_told_apart",
            ),
        ),
        Row(
            'One of your own (`sms.kind = "webhook"`)',
            fake=("test_failures.Channels.", "delivery::sms::tests::the_webhook_gets_the_agreed_request"),
        ),
    ),
    "In front of it": (
        Row(
            "nginx",
            program="nginx",
            setup="`tests/e2e/nginx.py`; between relatch and Keycloak too",
            real=(
                "directories::keycloak::nginx::",
                "test_connections.Stuck.test_signed_commands_are_answered_through_a_proxy_whose_clients_are_stuck",
                "test_connections.Kept.test_no_request_is_lost_on_a_connection_that_was_idle",
                "test_public_path.",
            ),
        ),
        Row(
            "Chromium",
            program="chromium",
            setup="`tests/e2e/webdriver.py`: headless",
            real=("test_pages.", "test_browser."),
        ),
    ),
}

INTRODUCTION = """\
# What relatch was tested with

`tests/tested_with.py` writes this page from what `tests/run.sh` printed. A row says "real server" only if the tests that are
named in it passed with that server, and `tests/run.sh` fails if the page says anything else.

* **real server**: the vendor's program, started by the tests, with accounts, rights and certificates as the README shows them.
* **the vendor's own examples**: no server could be run here. What relatch reads and receives was tried with the examples of
  the vendor's documents (*joined of two* where they show an envelope and its content apart), or with every field that they
  list where they show none
  (`tests/fixtures/vendors/SOURCES.md`). Whole conversations ran with a fake of ours.
* **our fake only**: nothing of a vendor was tried.
* **nothing**: no test met it, or one that is meant for it did not pass. What the README says of it was read, not tried.

The versions are those of the machine on which the page was last written. Another machine may have others; that is not
counted as a difference.
"""


def results(output: str) -> dict[str, bool]:
    """Every test that was run, and whether it passed."""
    found: dict[str, bool] = {}
    pending = ""
    for line in output.splitlines():
        rust = re.fullmatch(r"test (\S+)(?: - should panic)? \.\.\. (ok|FAILED)", line)
        if rust:
            found[rust[1]] = rust[2] == "ok"
            continue
        # Of unittest: the test's name, then its first sentence on a line of its own, and the result at the end of it.
        python = re.match(r"(test_\w+) \((test_\w+\.\w+)(?:\.\w+)?\)", line)
        if python:
            pending = f"{python[2]}.{python[1]}"
        ended = re.search(r"(?:^|\.\.\. )(ok|FAIL|ERROR|skipped\b.*)$", line)
        if pending and ended:
            if not ended[1].startswith("skipped"):
                found[pending] = ended[1] == "ok"
            pending = ""
    return found


def passed(found: dict[str, bool], names: tuple[str, ...]) -> list[str]:
    """The names that stand for at least one test and for none that failed; empty if one of them does not."""
    for name in names:
        is_prefix = name.endswith((".", "::"))
        meant = [ended for test, ended in found.items() if (test.startswith(name) if is_prefix else test == name)]
        if not meant or not all(meant):
            return []
    return list(names)


def version(program: str) -> str:
    command, pattern = VERSIONS[program]
    ran = subprocess.run(command, capture_output=True, text=True)
    told = re.search(pattern, ran.stdout + ran.stderr)
    if not told:
        sys.exit(f"{command[0]} does not tell its version")
    return told[1]


def sources(vendor: str) -> list[tuple[list[str], str, str]]:
    """The examples of a vendor: their files, their form, and who reads them, where `SOURCES.md` says that."""
    _, section = SOURCES.read_text().split(f"\n## {vendor}\n")
    rows = re.findall(r"^\| (`.*?`) \| (\w+) \|(?: (chat|directory|both) \|)?", section.split("\n## ")[0], re.M)
    return [(files.replace("`", "").split(", "), form, reader) for files, form, reader in rows]


def counted(vendor: str, reader: str) -> str:
    """How many examples of a vendor are its own, how many were joined of two, and how many were made from lists of fields."""
    counts = {"example": 0, "joined": 0, "fields": 0}
    for files, form, read_by in sources(vendor):
        if read_by in ("", "both", reader):
            counts[form] += len(files)
    example, joined, fields = counts.values()
    of_two = f", {joined} joined of two" if joined else ""
    of_fields = f", {fields} by lists of fields" if fields else ""
    return f"{example} example{'' if example == 1 else 's'}{of_two}{of_fields}"


def cells(row: Row, found: dict[str, bool]) -> list[str]:
    real, examples, fake = (passed(found, names) for names in (row.real, row.examples, row.fake))
    number, setup = "–", ""
    if real:
        kind, number, setup = "real server", version(row.program), row.setup
    elif examples:
        kind, setup = "the vendor's own examples", counted(row.vendor, row.reader)
    elif fake:
        kind = "our fake only"
    else:
        kind = "nothing"
    shown = [f"`{name.rstrip('.:')}`" for name in real + examples + fake]
    library = row.library if fake else ""
    setup = "; ".join(part for part in (setup, library, row.remark) if part) or "–"
    return [row.name, kind, number, setup, ", ".join(shown) or "–"]


def page(found: dict[str, bool]) -> str:
    parts = [INTRODUCTION]
    for title, rows in SECTIONS.items():
        lines = [f"## {title}\n", "| | with | version | how | tests |", "|---|---|---|---|---|"]
        lines += ["| " + " | ".join(cells(row, found)) + " |" for row in rows]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def without_versions(text: str) -> list[str]:
    """The page's lines with a mark in place of each version."""
    lines = []
    for line in text.splitlines():
        parts = line.split(" | ")
        if len(parts) == 5 and parts[2] not in ("–", "version"):
            parts[2] = "…"
        lines.append(" | ".join(parts))
    return lines


def main() -> None:
    made = page(results(Path(sys.argv[1]).read_text(errors="replace")))
    committed = PAGE.read_text() if PAGE.exists() else ""
    if without_versions(made) == without_versions(committed):
        print("docs/tested-with.md says what was tested")
        return
    PAGE.write_text(made)
    sys.exit("docs/tested-with.md said something else; it was written anew, so look at the difference and commit it")


if __name__ == "__main__":
    main()
