"""A real browser: Debian's headless Chromium, driven by its ChromeDriver (W3C WebDriver) with the standard library."""

import atexit
import base64
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
    "--force-color-profile=srgb", "--font-render-hinting=none",
]
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Driver:
    """One ChromeDriver for all browsers of a run.

    It wants one port of both kinds of IP, and ends at once when somebody has taken the other one: so it is started
    again, a few times, and what it said is told when that does not help.
    """

    def __init__(self):
        said = ""
        for _ in range(3):
            with tempfile.TemporaryFile("w+") as output:
                self.process = subprocess.Popen(
                    ["chromedriver", "--port=0"], stdout=output, stderr=output, start_new_session=True
                )
                atexit.register(self.close)
                self.port, said = self.listens(output)
            if self.port:
                return
            self.close()
        raise AssertionError(f"ChromeDriver did not start: {said}")

    def listens(self, output, seconds=30):
        """The port it says that it listens on, or nothing when it ended before or took too long; and what it said."""
        until, is_over = time.monotonic() + seconds, False
        while True:
            said = os.pread(output.fileno(), 1 << 16, 0).decode(errors="replace")
            if found := re.search(r"started successfully on port (\d+)", said):
                return int(found[1]), said
            if is_over:
                return None, said
            is_over = self.process.poll() is not None or time.monotonic() > until
            time.sleep(0.01)

    def close(self):
        """Ends it with every browser that it started; a second time is nothing, for its number may be another's."""
        atexit.unregister(self.close)
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, None if body is None else json.dumps(body))
        value = json.loads(connection.getresponse().read())["value"]
        connection.close()
        if isinstance(value, dict) and "error" in value:
            raise LookupError(f"{value['error']}: {value['message'].splitlines()[0]}")
        return value


class Browser:
    """One browser with a profile of its own: its cookies are nobody else's."""

    def __init__(self, driver, width=1280, height=900, dark=False):
        self.driver = driver
        self.profile = tempfile.mkdtemp(prefix="relatch-browser-")
        options = {"args": [*FLAGS, f"--user-data-dir={self.profile}", f"--window-size={width},{height}"]}
        wanted = {"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}}
        self.session = "/session/" + driver.ask("POST", "/session", wanted)["sessionId"]
        self.size(width, height)
        if dark:
            self.prefer("dark")

    def close(self):
        with contextlib.suppress(Exception):
            self.do("DELETE", "")
        shutil.rmtree(self.profile, ignore_errors=True)

    def do(self, method, path, body=None):
        return self.driver.ask(method, self.session + path, {} if method == "POST" and body is None else body)

    def devtools(self, command, **params):
        return self.do("POST", "/goog/cdp/execute", {"cmd": command, "params": params})

    def size(self, width, height, scale=1):
        """The page's own size in CSS pixels; a scale of 2 with half the width is a zoom of 200 %."""
        self.devtools(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False
        )

    def prefer(self, scheme):
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, url):
        self.do("POST", "/url", {"url": url})

    @property
    def url(self):
        return self.do("GET", "/url")

    def script(self, text, *arguments):
        return self.do("POST", "/execute/sync", {"script": text, "args": list(arguments)})

    def script_async(self, text, *arguments):
        return self.do("POST", "/execute/async", {"script": text, "args": list(arguments)})

    def find(self, css):
        return self.do("POST", "/element", {"using": "css selector", "value": css})[ELEMENT]

    def text(self, css):
        """The visible text."""
        return self.do("GET", f"/element/{self.find(css)}/text")

    def click(self, css):
        self.do("POST", f"/element/{self.find(css)}/click")

    def type(self, css, text):
        element = self.find(css)
        self.do("POST", f"/element/{element}/clear")
        self.do("POST", f"/element/{element}/value", {"text": text})

    def wait_for(self, look, seconds=10):
        """What `look` returns, as soon as it is true; a selector is waited for to exist."""
        if isinstance(look, str):
            css = look
            look = lambda: self.find(css)
        until, last = time.monotonic() + seconds, None
        while time.monotonic() < until:
            try:
                if found := look():
                    return found
            except LookupError as error:
                last = error
            time.sleep(0.05)
        raise AssertionError(f"it did not come: {last}; at {self.url}")

    def wait_for_text(self, css, part, seconds=10):
        return self.wait_for(lambda: part in self.text(css) and self.text(css), seconds)

    @contextlib.contextmanager
    def in_frame(self, css):
        """Acts inside a frame."""
        self.do("POST", "/frame", {"id": {ELEMENT: self.find(css)}})
        try:
            yield self
        finally:
            self.do("POST", "/frame", {"id": None})

    def screenshot(self, path, css=None):
        where = f"/element/{self.find(css)}/screenshot" if css else "/screenshot"
        pathlib.Path(path).write_bytes(base64.b64decode(self.do("GET", where)))
