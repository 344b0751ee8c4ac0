import httpx
import pytest

from spanbridge_shared.errors import ConfigurationError
from spanbridge_shared.serving.config import ServiceSettings
from spanbridge_shared.serving.service_app import service_app


class NotedEngine:
    """Notes its steps; fails to start where it has a fault."""

    def __init__(self, fault=None):
        self.steps: list[str] = []
        self.fault = fault

    async def start(self):
        if self.fault is not None:
            raise self.fault
        self.steps.append("start")

    async def stop(self):
        self.steps.append("stop")


def app_of(engine):
    return service_app(name="demo", description="x", engine=engine, routers=[], settings=ServiceSettings())


async def test_readiness_follows_the_lifespan():
    engine = NotedEngine()
    app = app_of(engine)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://demo") as http:
        before = await http.get("/readyz")
        async with app.router.lifespan_context(app):
            during = await http.get("/readyz")
            assert engine.steps == ["start"]
        after = await http.get("/readyz")
    assert [each.status_code for each in (before, during, after)] == [503, 200, 503]
    assert before.json()["error"] == after.json()["error"] == "NotReady"
    assert engine.steps == ["start", "stop"]


async def test_the_engine_is_stopped_whatever_happens():
    engine = NotedEngine()
    app = app_of(engine)
    with pytest.raises(RuntimeError, match="from inside"):
        async with app.router.lifespan_context(app):
            raise RuntimeError("from inside")
    assert engine.steps == ["start", "stop"]


async def test_a_wrong_setting_found_while_starting_is_remembered():
    engine = NotedEngine(ConfigurationError("no model at x"))
    app = app_of(engine)
    with pytest.raises(ConfigurationError):
        async with app.router.lifespan_context(app):
            pass
    assert app.state.startup_fault is engine.fault
    assert not app.state.ready
