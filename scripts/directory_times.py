"""Prints connections and times of a card and of a whole reset, with slapd and Keycloak 0, 20 and 100 ms away.

usage: target/e2e-venv/bin/python scripts/directory_times.py PROGRAM [slapd|keycloak]...
(tests/e2e/run.sh makes the environment, tests/run.sh installs the servers)

Between the program and the server stands a line that carries bytes and holds each way half of the time back; a new
connection waits once more, as TCP's handshake would. slapd is reached by TLS, Keycloak by HTTP. Each line of the table is
a program that was just started, which makes five resets, one after another: the first, and the median of the others. Last
comes how many times one thing after another waits for the server: the time at 100 ms less that at 0 ms, by 100 ms. A
handshake is such a wait, too: one for TCP, one for TLS.
"""

import asyncio
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent.parent
SERVERS = HERE / "tests/servers"
os.environ["RELATCH"] = sys.argv[1]
sys.path.insert(0, str(HERE / "tests/e2e"))
sys.dont_write_bytecode = True

from world import World, free_port, text_of  # noqa: E402

AWAY = [0, 20, 100]
MEMBERS = ["eli", "hung", "died", "lost", "cert"]


class Line:
    """Carries connections to a server that is so many milliseconds away, there and back."""

    def __init__(self, server, away):
        self.server, self.away, self.connections = server, away / 1000, 0
        self.port = free_port()
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()

        async def listen():
            await asyncio.start_server(self.carry, "127.0.0.1", self.port)
            ready.set()

        self.loop.create_task(listen())
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        ready.wait()

    async def carry(self, reader, writer):
        self.connections += 1
        opened = self.loop.time() + self.away
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self.server)
        await asyncio.gather(self.one_way(reader, to_server, opened), self.one_way(from_server, writer, opened))

    async def one_way(self, reader, writer, not_before):
        """Passes on what comes, in its order, half of the way's time later."""
        waiting = asyncio.Queue()

        async def receive():
            while True:
                try:
                    data = await reader.read(65536)
                except OSError:
                    data = b""
                await waiting.put((max(self.loop.time(), not_before) + self.away / 2, data))
                if not data:
                    return

        receiving = self.loop.create_task(receive())
        while True:
            due, data = await waiting.get()
            await asyncio.sleep(max(0, due - self.loop.time()))
            try:
                writer.write(data)
                await writer.drain()
            except OSError:
                data = b""
            if not data:
                writer.close()
                receiving.cancel()
                return


class Slapd:
    """OpenLDAP with its password policy, one protected group and one group of administrators."""

    name, admin = "slapd", "hlp"

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="relatch-times-")
        subprocess.run([SERVERS / "pki.sh", self.folder], check=True)
        plain = 3850
        self.port = plain + 1
        self.process = started([SERVERS / "slapd.sh", self.folder, str(plain)])
        wait_until_open(self.port)

    def settings(self, port):
        return f"""
kind = "ldap"
url = "ldaps://127.0.0.1:{port}"
ca_file = "{self.folder}/ours-ca.pem"
bind_dn = "cn=relatch,dc=corp,dc=example"
password = "Service-account-1"
base = "ou=people,dc=corp,dc=example"
protected_groups = ["cn=guarded,dc=corp,dc=example"]
primary_admin_groups = ["cn=helpdesk,dc=corp,dc=example"]
"""


class Keycloak:
    """Keycloak with the realm of the tests, one protected role and one role of administrators."""

    name, admin = "Keycloak", "ann"

    def __init__(self):
        self.port = 3740
        self.process = started([SERVERS / "keycloak.sh", str(self.port)])
        wait_until_open(self.port)
        realm = json.loads((SERVERS / "keycloak-realm.json").read_text())
        realm["roles"]["realm"].append({"name": "helpdesk"})
        next(user for user in realm["users"] if user["username"] == "ann")["realmRoles"].append("helpdesk")
        asked = {"grant_type": "password", "client_id": "admin-cli", "username": "admin"}
        asked["password"] = "admin-of-the-test-1"
        token = self.post("realms/master/protocol/openid-connect/token", urllib.parse.urlencode(asked), {})
        given = {"authorization": "Bearer " + json.loads(token)["access_token"], "content-type": "application/json"}
        self.post("admin/realms", json.dumps(realm), given)

    def post(self, path, body, headers):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/{path}", body.encode(), headers)
        until = time.monotonic() + 120
        while True:
            try:
                return urllib.request.urlopen(request, timeout=60).read()
            except (OSError, urllib.error.HTTPError):
                if time.monotonic() > until:
                    raise
                time.sleep(1)

    def settings(self, port):
        return f"""
kind = "keycloak"
url = "http://127.0.0.1:{port}"
realm = "corp"
client_id = "relatch"
client_secret = "canary-client-secret-0001"
phone_attribute = "phoneNumber"
protected_roles = ["admin"]
primary_admin_roles = ["helpdesk"]
"""


def started(command):
    quiet = subprocess.DEVNULL
    return subprocess.Popen(["setpriv", "--pdeathsig", "TERM", *command], stdout=quiet, stderr=quiet)


def wait_until_open(port):
    until = time.monotonic() + 120
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def a_reset(world, line, admin, member):
    """Seconds to the card, seconds of the whole, and how many connections it opened. Only waiting for relatch counts."""
    connections = line.connections
    began = time.monotonic()
    card = world.command(admin, f"<@{member}>")
    to_card = time.monotonic() - began
    for action, then in [("deliver_copy", " now?"), ("confirm", "Done: ")]:
        before = len(world.http.said)
        world.click(admin, card, action)
        card = world.http.wait_for_text(then, before)
    whole = time.monotonic() - began
    assert "password" in text_of(card)
    return to_card, whole, line.connections - connections


def measure(server, away):
    line = Line(server.port, away)
    directories = f"""
[[directory]]
kind = "builtin"
domains = ["acme.example"]
[[directory]]
name = "Corp"
domains = ["corp.example"]
{server.settings(line.port)}"""
    world = World(directories=directories, log="info")
    for name in [*MEMBERS, server.admin]:
        world.http.users["U" + name.upper()] = {"profile": {"email": f"{name}@corp.example"}}
    try:
        world.start()
        made = [a_reset(world, line, "U" + server.admin.upper(), "U" + name.upper()) for name in MEMBERS]
    finally:
        world.close()
    return made


def main():
    chosen = [kind for kind in (Slapd, Keycloak) if not sys.argv[2:] or kind.__name__.lower() in sys.argv[2:]]
    print("server    away    first reset                          later resets (median)")
    print("          ms      connections  card ms  whole ms       connections  card ms  whole ms")
    for kind in chosen:
        server = kind()
        times = {}
        try:
            for away in AWAY:
                first, *later = measure(server, away)
                median = [statistics.median(column) for column in zip(*later)]
                times[away] = (first, median)
                print(f"{server.name:9} {away:4}    {row(first)}       {row(median)}", flush=True)
        finally:
            server.process.terminate()
            server.process.wait()
        waits = [[(far - near) / 0.1 for far, near in zip(times[100][i][:2], times[0][i][:2])] for i in (0, 1)]
        told = [f"card {card:4.1f}, whole {whole:4.1f}" for card, whole in waits]
        print(f"{server.name:9} waits in sequence: first: {told[0]}; later: {told[1]}", flush=True)


def row(made):
    card, whole, connections = made
    return f"{connections:11.0f}  {card * 1000:7.0f}  {whole * 1000:8.0f}"


main()
