"""The process that `run_service` makes: it drains on SIGTERM, and tells a wrong setting without a traceback."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import textwrap

import httpx
import pytest

pytestmark = pytest.mark.processes

DEMO = textwrap.dedent(
    """
    import asyncio, sys, threading
    from fastapi import APIRouter
    from pydantic_settings import SettingsConfigDict
    from spanbridge_shared.errors import ConfigurationError
    from spanbridge_shared.serving.batching import Batcher
    from spanbridge_shared.serving.config import ServiceSettings, load_settings
    from spanbridge_shared.serving.run import run_service
    from spanbridge_shared.serving.service_app import service_app

    class DemoSettings(ServiceSettings):
        model_config = SettingsConfigDict(env_prefix="DEMO_")
        model: str = "good"

    class Demo:
        def __init__(self, model):
            self.model = model
            self.gate = threading.Event()
            self.batcher = Batcher(self.run, len, service="demo", max_batch_tokens=9, max_queue=9)
        def run(self, group, items):
            print("working", flush=True)
            sys.stdin.readline()
            return items
        async def start(self):
            if self.model != "good":
                raise ConfigurationError("DEMO_MODEL: no model is called bad")
            self.batcher.start()
        async def stop(self):
            await self.batcher.stop()
            print("stopped", flush=True)

    def create_app():
        settings = load_settings(DemoSettings)
        engine = Demo(settings.model)
        router = APIRouter()
        @router.get("/work")
        async def work():
            return await engine.batcher.submit("g", ["done"])
        @router.get("/bug")
        async def bug():
            raise KeyError("Siri ya mtumiaji")
        return service_app(name="demo", description="x", engine=engine, routers=[router], settings=settings)

    run_service(create_app, DemoSettings)
    """
)


@contextlib.contextmanager
def process(**environment):
    """Start the demo service; close it whatever happens."""
    running = subprocess.Popen(
        [sys.executable, "-c", DEMO],
        env=os.environ | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield running
    finally:
        if running.poll() is None:
            running.kill()
            running.communicate()


async def wait_until_ready(http, running):
    async with asyncio.timeout(60):
        while running.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if (await http.get("/readyz")).status_code == 200:
                    return
            await asyncio.sleep(0.05)
    raise AssertionError(running.stderr.read())


async def test_sigterm_finishes_what_was_accepted(unused_tcp_port):
    with process(DEMO_PORT=str(unused_tcp_port)) as running:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{unused_tcp_port}", timeout=60) as http:
            await wait_until_ready(http, running)
            working = asyncio.create_task(http.get("/work"))
            assert await asyncio.to_thread(running.stdout.readline) == "working\n"
            running.send_signal(signal.SIGTERM)
            async with asyncio.timeout(30):
                while is_open(unused_tcp_port):  # noqa: ASYNC110 - another process closes it.
                    await asyncio.sleep(0.05)
            assert not working.done()
            running.stdin.write("go on\n")
            running.stdin.flush()
            response = await working
        assert (response.status_code, response.json()) == (200, ["done"])
        out, _ = await asyncio.to_thread(running.communicate, timeout=30)
        assert out == "stopped\n"
        assert running.returncode == 0


def is_open(port):
    with socket.socket() as plug:
        return plug.connect_ex(("127.0.0.1", port)) == 0


async def test_a_body_above_the_limit_is_413_over_the_wire_and_a_bug_is_logged_without_text(unused_tcp_port):
    async def stream():
        for _ in range(40):
            yield b"x" * 1_000

    with process(DEMO_PORT=str(unused_tcp_port), DEMO_MAX_BODY_BYTES="10000") as running:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{unused_tcp_port}", timeout=60) as http:
            await wait_until_ready(http, running)
            response = await http.post("/work", content=b"x" * 20_000)
            assert (response.status_code, response.json()["error"]) == (413, "PayloadTooLarge")
            assert (await http.get("/bug")).json()["error"] == "InternalError"
        running.send_signal(signal.SIGTERM)
        _, told = await asyncio.to_thread(running.communicate, timeout=30)
        assert "unexpected KeyError" in told
        assert "Siri ya mtumiaji" not in told


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"DEMO_PORT": "x"}, "spanbridge: DEMO_PORT: "),
        ({"DEMO_MODEL": "bad"}, "spanbridge: DEMO_MODEL: no model is called bad"),
    ],
)
def test_a_wrong_setting_is_told_without_a_traceback(unused_tcp_port, environment, told):
    """Regression: what was found while models load came with forty lines of traceback."""
    with process(**{"DEMO_PORT": str(unused_tcp_port)} | environment) as running:
        _, stderr = running.communicate(timeout=60)
    assert running.returncode not in (0, None)
    assert told in stderr
    assert "Traceback" not in stderr
