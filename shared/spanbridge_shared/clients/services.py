"""The typed clients, one per service."""

from spanbridge_shared.clients.transport import ServiceClient
from spanbridge_shared.contracts import alignment, merging, projection, translation
from spanbridge_shared.contracts import ner as teacher


class TranslationClient(ServiceClient):
    """Client of the translation service."""

    async def info(self) -> translation.TranslationInfo:
        """Return the model's version, languages and directions."""
        return await self.get("/v1/info", translation.TranslationInfo)

    async def translate(self, request: translation.TranslateRequest) -> translation.TranslateResponse:
        """Translate texts."""
        return await self.post("/v1/translate", request, translation.TranslateResponse)

    async def score(self, request: translation.ScoreRequest) -> translation.ScoreResponse:
        """Score given translations."""
        return await self.post("/v1/score", request, translation.ScoreResponse)


class AlignmentClient(ServiceClient):
    """Client of the alignment service."""

    async def info(self) -> alignment.AlignmentInfo:
        """Return the model's version and the methods."""
        return await self.get("/v1/info", alignment.AlignmentInfo)

    async def align(self, request: alignment.AlignRequest) -> alignment.AlignResponse:
        """Align token pairs."""
        return await self.post("/v1/align", request, alignment.AlignResponse)


class NerTeacherClient(ServiceClient):
    """Client of the ner_teacher service."""

    async def info(self) -> teacher.NerInfo:
        """Return the configured teachers."""
        return await self.get("/v1/info", teacher.NerInfo)

    async def ner(self, request: teacher.NerRequest) -> teacher.NerResponse:
        """Label sentences."""
        return await self.post("/v1/ner", request, teacher.NerResponse)

    async def probabilities(self, request: teacher.ProbabilitiesRequest) -> teacher.ProbabilitiesResponse:
        """Return label probabilities per token."""
        return await self.post("/v1/probabilities", request, teacher.ProbabilitiesResponse)


class ProjectionClient(ServiceClient):
    """Client of the projection service."""

    async def info(self) -> projection.ProjectionInfo:
        """Return the methods."""
        return await self.get("/v1/info", projection.ProjectionInfo)

    async def candidates(self, request: projection.CandidatesRequest) -> projection.CandidatesResponse:
        """Return candidate spans."""
        return await self.post("/v1/candidates", request, projection.CandidatesResponse)

    async def project(self, request: projection.ProjectRequest) -> projection.ProjectResponse:
        """Project source entities."""
        return await self.post("/v1/project", request, projection.ProjectResponse)

    async def merge(self, request: merging.MergeRequest) -> merging.MergeResponse:
        """Return the best set of what several labellers propose."""
        return await self.post("/v1/merge", request, merging.MergeResponse)
