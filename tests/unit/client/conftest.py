import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn
from click.testing import CliRunner, Result

from spanbridge.cli import main
from tests.unit.client.fake_gateway import FakeGateway, fake_app


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> FakeGateway:
    """The fake gateway, in the place of the embedded one."""
    engine = FakeGateway()
    monkeypatch.setattr("spanbridge.embedded.gateway_app", lambda: fake_app(engine))
    for name in ("FORMAT", "LEVEL"):
        # Set, so that what a command adds to the environment goes away with the test.
        monkeypatch.setenv(f"SPANBRIDGE_GATEWAY_LOG_{name}", {"FORMAT": "text", "LEVEL": "WARNING"}[name])
    for variable in ("SPANBRIDGE_URL", "HOST", "PORT"):
        monkeypatch.delenv(variable, raising=False)
    return engine


@pytest.fixture
def server(gateway: FakeGateway) -> Iterator[str]:
    """The address of the fake gateway as a real server."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = uvicorn.Server(uvicorn.Config(fake_app(gateway), log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run the command in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, **settings: object) -> Result:
        return CliRunner().invoke(main, list(arguments), **settings)  # type: ignore[arg-type]

    return call
