"""A gateway to talk to in tests, and the settings that put stubs behind it."""

from dataclasses import replace
from typing import Any

import httpx
from fastapi import FastAPI

STUBS = {
    "SPANBRIDGE_TRANSLATION_BACKEND": "stub",
    "SPANBRIDGE_ALIGNMENT_BACKEND": "stub",
    "SPANBRIDGE_NER_TEACHER_ENGLISH": "stub:eng_Latn",
    "SPANBRIDGE_NER_TEACHER_MULTILINGUAL": "",
    "SPANBRIDGE_NER_TEACHER_STUDENT": "",
}


class Gateway:
    """What the tests talk to; `calls` counts the POSTs to each service."""

    def __init__(self, app: FastAPI, http: httpx.AsyncClient) -> None:
        self.app = app
        self.http = http
        self.calls: dict[str, int] = {}

    async def project(self, sentences: list[Any], **fields: Any) -> httpx.Response:
        return await self.http.post("/v1/project", json={"sentences": sentences, "lang": "swh_Latn", **fields})

    async def results(self, sentences: list[Any], **fields: Any) -> list[dict[str, Any]]:
        response = await self.project(sentences, **fields)
        assert response.status_code == 200, response.text
        results: list[dict[str, Any]] = response.json()["results"]
        return results

    def count_calls(self) -> None:
        upstreams = self.app.state.engine.upstreams
        for name in ("translation", "alignment", "projection", "ner_teacher"):
            client = getattr(upstreams, name)
            client.post = self._counting(name, client.post)

    def _counting(self, name: str, post: Any) -> Any:
        async def counted(*arguments: Any) -> Any:
            self.calls[name] = self.calls.get(name, 0) + 1
            return await post(*arguments)

        return counted


async def without_language(gateway: Gateway, code: str) -> None:
    """Have the gateway believe that its translation model doesn't serve a language; the stub serves them all."""
    upstreams = gateway.app.state.engine.upstreams
    infos = await upstreams.infos()
    routes = {each: route for each, route in infos.translation.routes.items() if each != code}
    upstreams._infos = replace(infos, translation=infos.translation.model_copy(update={"routes": routes}))
