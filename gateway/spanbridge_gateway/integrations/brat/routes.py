"""The route of brat's automatic annotation service."""

import logging
from typing import Annotated

from fastapi import APIRouter, Body, Request, Response
from pydantic import TypeAdapter

from spanbridge_gateway.integrations.brat.codec import Annotation, annotations, read_text
from spanbridge_gateway.integrations.wanted import ByQuery, Wanted, fault_of, label_texts, pieces
from spanbridge_gateway.pipeline import Pipeline
from spanbridge_shared.errors import ClientLeft, SpanbridgeError

ERROR_HEADER = "x-spanbridge-error"

_ANSWER = TypeAdapter(dict[str, Annotation])
_LOG = logging.getLogger("spanbridge.brat")

Text = Annotated[bytes, Body(media_type="text/plain", description="The document.", examples=["Samia yuko Nairobi."])]


def brat_router(pipeline: Pipeline) -> APIRouter:
    """Return the route that brat's `tools.conf` names."""
    router = APIRouter(prefix="/integrations", tags=["brat"])

    @router.post("/brat", response_model=dict[str, Annotation], summary="Annotate for brat")
    async def annotate(request: Request, wanted: ByQuery, body: Text = b"") -> Response:
        """Return the names in a text as brat's annotations. Always 200: of another answer brat shows the number alone.

        A fault is told in the header `x-spanbridge-error` and in the log; what it hit has no annotations.
        """
        found: dict[str, Annotation] = {}
        try:
            found, fault = await _annotate(pipeline, request, body, wanted)
        except ClientLeft:
            raise
        except SpanbridgeError as raised:
            fault = raised
        return Response(_ANSWER.dump_json(found), media_type="application/json", headers=_told(fault))

    return router


async def _annotate(
    pipeline: Pipeline, request: Request, body: bytes, wanted: Wanted
) -> tuple[dict[str, Annotation], SpanbridgeError | None]:
    text = read_text(body)
    places = pieces(text)
    if not places:
        return {}, None
    answer = await label_texts(
        pipeline, [text[place.start : place.end] for place in places], wanted, request.is_disconnected
    )
    found = annotations(text, zip(places, (each.entities for each in answer.results), strict=True))
    return found, next((fault for each in answer.results if (fault := fault_of(each)) is not None), None)


def _told(fault: SpanbridgeError | None) -> dict[str, str]:
    if fault is None:
        return {}
    told = f"{type(fault).__name__}: {fault.detail}"
    # Its name alone: what it says may quote what was sent.
    _LOG.warning("brat gets no annotations, or not all: %s", type(fault).__name__)
    # A header holds neither line breaks nor what isn't Latin.
    return {ERROR_HEADER: " ".join(told.encode("ascii", "backslashreplace").decode().split())[:1_000]}
