"""The app factory that the gateway and every service share: error shape, health, metrics, limits, lifespan."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any, Protocol

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from spanbridge_shared.contracts.base import ErrorBody
from spanbridge_shared.errors import (
    ConfigurationError,
    InvalidRequest,
    MalformedBody,
    MethodNotAllowed,
    NotFound,
    NotReady,
    Overloaded,
    PayloadTooLarge,
    RequestError,
    SpanbridgeError,
    Unauthorized,
)
from spanbridge_shared.serving.body_limit import BodyLimit
from spanbridge_shared.serving.config import ServiceSettings
from spanbridge_shared.serving.docs import serve_docs
from spanbridge_shared.serving.patience import Patience
from spanbridge_shared.serving.request_context import RequestContext
from spanbridge_shared.serving.request_facts import note_answer
from spanbridge_shared.serving.security_headers import SecurityHeaders
from spanbridge_shared.serving.shared_secret import SharedSecret
from spanbridge_shared.serving.telemetry import REQUEST_ID, set_up_logging, show_engine
from spanbridge_shared.serving.tracing import making_spans, open_tracing
from spanbridge_shared.text.checks import replace_surrogates

_MAX_DETAILS = 5


class Engine(Protocol):
    """A service's use case: loads its models in `start`, finishes accepted work in `stop`."""

    async def start(self) -> None:
        """Load and warm up; raises `ConfigurationError` where that can't be done."""
        ...

    async def stop(self) -> None:
        """Drain and release."""
        ...


def json_answer(model: BaseModel, *, status: int = 200, exclude_unset: bool = False) -> Response:
    """Return a wire model as a JSON response, written once: FastAPI's own way would validate it a second time."""
    note_answer(model)
    return Response(
        model.model_dump_json(exclude_unset=exclude_unset), status_code=status, media_type="application/json"
    )


def error_body(fault: SpanbridgeError) -> ErrorBody:
    """Return an expected failure in the one shape of errors."""
    return ErrorBody(error=type(fault).__name__, detail=replace_surrogates(fault.detail), request_id=REQUEST_ID.get())


def service_app(
    *,
    name: str,
    description: str,
    engine: Engine,
    routers: Sequence[APIRouter],
    settings: ServiceSettings,
    door: Sequence[Middleware] | None = None,
) -> FastAPI:
    """Return an app around an engine; `app.state.engine` is it, and `app.state.ready` says whether it has started.

    `door` decides whom it serves, outermost first; unless given, it is the secret shared with the gateway, if any is.
    """
    set_up_logging(settings.log_level, settings.log_format)
    tracing = open_tracing(name, settings.otlp_endpoint)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with making_spans(tracing), serving(app):
            yield

    @asynccontextmanager
    async def serving(app: FastAPI) -> AsyncIterator[None]:
        try:
            await engine.start()
        except ConfigurationError as fault:
            app.state.startup_fault = fault
            raise
        show_engine(name, engine)
        app.state.ready = True
        try:
            yield
        finally:
            app.state.ready = False
            await engine.stop()

    app = FastAPI(
        title=f"Spanbridge {name}",
        description=description,
        version=version("spanbridge-shared"),
        lifespan=lifespan,
        docs_url=None,  # FastAPI's own pages load their scripts from a CDN.
        redoc_url=None,
        # FastAPI's own spans would double ours, and its records quote exceptions, which may quote a user's text.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        responses={
            "4XX": {"model": ErrorBody, "description": "What is wrong, and what would be right."},
            "503": {"model": ErrorBody, "description": "Models are still loading, or the server is stopping."},
        },
    )
    app.state.engine = engine
    app.state.ready = False
    app.state.startup_fault = None
    for router in routers:
        app.include_router(router)
    app.include_router(_operations())
    serve_docs(app)
    _handle_errors(app)
    app.add_middleware(Patience, service=name, answer=fault_answer)
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes, answer=fault_answer)
    for each in reversed(_own_door(settings) if door is None else door):
        app.add_middleware(each.cls, *each.args, **each.kwargs)
    app.add_middleware(RequestContext, service=name, answer=fault_answer, tracing=tracing)
    app.add_middleware(SecurityHeaders)  # Around what answers unexpected faults, too.
    return app


def _own_door(settings: ServiceSettings) -> list[Middleware]:
    secret = settings.secret.get_secret_value()
    return [Middleware(SharedSecret, secret=secret, answer=fault_answer)] if secret else []


def fault_answer(fault: Exception) -> Response:
    """Return the one shape of errors for any exception; what isn't expected shows nothing of itself."""
    if not isinstance(fault, SpanbridgeError):
        detail = "an unexpected fault; the log has it under this request id"
        return json_answer(ErrorBody(error="InternalError", detail=detail, request_id=REQUEST_ID.get()), status=500)
    response = json_answer(error_body(fault), status=fault.status)
    if isinstance(fault, Overloaded):
        response.headers["retry-after"] = str(fault.retry_after)
    if isinstance(fault, Unauthorized):
        response.headers["www-authenticate"] = 'Bearer realm="Spanbridge", Basic realm="Spanbridge", charset="UTF-8"'
    return response


def _operations() -> APIRouter:
    router = APIRouter(tags=["operations"])

    @router.get("/healthz", summary="The process is alive")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/readyz", summary="Models are loaded; the service takes requests")
    async def readyz(request: Request) -> dict[str, str]:
        if not request.app.state.ready:
            raise NotReady("models are still loading, or the service is stopping")
        check: Callable[[], Awaitable[None]] | None = getattr(request.app.state.engine, "check", None)
        if check is not None:
            await check()
        return {"status": "ready"}

    shown: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}

    @router.get("/metrics", summary="Prometheus metrics", response_class=Response, responses=shown)
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


def _handle_errors(app: FastAPI) -> None:
    @app.exception_handler(SpanbridgeError)
    async def expected(_: Request, fault: SpanbridgeError) -> Response:
        return fault_answer(fault)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, fault: RequestValidationError) -> Response:
        return fault_answer(_explain(fault))

    @app.exception_handler(HTTPException)
    async def http(request: Request, fault: HTTPException) -> Response:
        kinds: dict[int, type[RequestError]] = {400: MalformedBody, 404: NotFound, 405: MethodNotAllowed}
        if fault.status_code not in kinds:
            body = ErrorBody(error="HTTPError", detail=str(fault.detail), request_id=REQUEST_ID.get())
            return json_answer(body, status=fault.status_code)
        kind = kinds[fault.status_code]
        details = {
            MalformedBody: "the body is not valid JSON in UTF-8",
            NotFound: "no such path; GET /docs lists them",
            MethodNotAllowed: f"{request.method} is not served at this path; GET /docs lists what is",
        }
        response = fault_answer(kind(details[kind]))
        response.headers.update(fault.headers or {})  # A 405 must say what is allowed.
        return response


def _explain(fault: RequestValidationError) -> SpanbridgeError:
    errors = fault.errors()
    if any(each["type"] == "json_invalid" for each in errors):
        reason = errors[0].get("ctx", {}).get("error", "")
        return MalformedBody(f"the body is not valid JSON: {reason} at character {errors[0]['loc'][-1]}")
    if any(each["type"] == "too_long" for each in errors):
        each = next(each for each in errors if each["type"] == "too_long")
        return PayloadTooLarge(f"{_where(each['loc'])}: {each['msg']}")
    if any(each["type"] == "model_attributes_type" and each["loc"] == ("body",) for each in errors):
        return InvalidRequest("the body must be a JSON object, sent with the header content-type: application/json")
    told = [f"{_where(each['loc'])}: {each['msg']}" for each in errors[:_MAX_DETAILS]]
    more = [f"and {len(errors) - _MAX_DETAILS} more"] if len(errors) > _MAX_DETAILS else []
    return InvalidRequest("; ".join(told + more))


def _where(loc: Sequence[int | str]) -> str:
    places = [str(each)[:60] for each in loc if each != "body"]
    return ".".join(places) if places else "body"
