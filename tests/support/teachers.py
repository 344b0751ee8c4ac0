"""Teachers that a test makes up, behind a gateway's ner_teacher client."""

from collections.abc import Mapping
from typing import Any

from spanbridge_shared.contracts.base import ErrorBody
from spanbridge_shared.contracts.ner import (
    ANY_LANGUAGE,
    NerEntity,
    NerInfo,
    NerItem,
    NerRequest,
    NerResponse,
    NerResult,
    TeacherInfo,
    TeacherRole,
)
from tests.support.gateway import Gateway

Names = Mapping[str, tuple[str, float]]
"""Label and score by word."""
LABELS = ["PER", "ORG", "LOC"]


class MadeUpTeachers:
    """Beside the real teachers, `names` by key; a word of `unreadable` fails its sentence.

    `asked` lists the key and the number of sentences of each call, "" where it named no teacher.
    """

    def __init__(self, gateway: Gateway, names: Mapping[str, Names], languages: Mapping[str, list[str]]) -> None:
        self.asked: list[tuple[str, int]] = []
        self.unreadable: set[str] = set()
        self._names = names
        self._languages = languages
        self._client: Any = gateway.app.state.engine.upstreams.ner_teacher
        self._ner, self._info = self._client.ner, self._client.info
        self._client.ner, self._client.info = self.ner, self.info

    async def info(self) -> NerInfo:
        real: NerInfo = await self._info()
        roles = {"student": TeacherRole.STUDENT, "multilingual": TeacherRole.MULTILINGUAL}
        made_up = [
            TeacherInfo(
                key=key, role=roles.get(key, TeacherRole.NAMED), name=key, model_version=f"{key}-1", labels=LABELS,
                languages=self._languages.get(key, [ANY_LANGUAGE]), probabilities=False,
            )
            for key in self._names
        ]  # fmt: skip
        return real.model_copy(update={"teachers": [*real.teachers, *made_up]})

    async def ner(self, request: NerRequest) -> NerResponse:
        self.asked.append((request.teacher or "", len(request.sentences)))
        key = request.teacher or ("multilingual" if request.lang != "eng_Latn" else None)
        if key not in self._names:
            answer: NerResponse = await self._ner(request)
            return answer
        results = [self._label(item, self._names[key]) for item in request.sentences]
        return NerResponse(model_version=f"{key}-1", results=results)

    def _label(self, item: NerItem, names: Names) -> NerResult:
        tokens = item.tokens or []
        if self.unreadable & set(tokens):
            return NerResult(unit="tokens", error=ErrorBody(error="TextTooLong", detail="600 sub-words"))
        found = [
            NerEntity(start=place, end=place + 1, text=token, label=names[token][0], score=names[token][1])
            for place, token in enumerate(tokens)
            if token in names
        ]
        return NerResult(unit="tokens", entities=found)
