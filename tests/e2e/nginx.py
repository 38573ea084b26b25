"""A real nginx in front of the program."""

import socket
import subprocess
import time

from world import PATIENCE, free_port


class Nginx:
    """Listens on a port of its own, with these lines in its section `http` and in its `server`."""

    def __init__(self, folder, http, server, listen=""):
        self.port = free_port()
        temporary = "\n".join(
            f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (folder / "nginx.conf").write_text(f"""
daemon off;
user root;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log warn;
worker_processes 1;
worker_rlimit_nofile 16000;
events {{ worker_connections 8000; }}
http {{
    {temporary}
    {http}
    server {{
        listen 127.0.0.1:{self.port} {listen};
        {server}
    }}
}}
""")
        command = ["nginx", "-p", folder, "-e", folder / "nginx.log", "-c", folder / "nginx.conf"]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        until = time.time() + PATIENCE
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.port)).close()
            except OSError:
                assert time.time() < until and self.process.poll() is None, (folder / "nginx.log").read_text()
                time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
