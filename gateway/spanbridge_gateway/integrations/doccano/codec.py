"""Between doccano's single texts and our requests and results, pure. Both count code points."""

from spanbridge_gateway.integrations.doccano.wire import DoccanoAnswer, DoccanoEntity, DoccanoRequest
from spanbridge_shared.contracts.gateway import ProjectSentencesRequest, ProjectSentencesResponse, Sentence


def request_of(body: DoccanoRequest) -> ProjectSentencesRequest:
    """Return the request for a text; labels count as asked for only where they are."""
    request = ProjectSentencesRequest(
        sentences=[Sentence(text=body.text)], lang=body.lang, method=body.method, options=body.options
    )
    return request.model_copy(update={"labels": body.labels}) if "labels" in body.model_fields_set else request


def answer_of(response: ProjectSentencesResponse) -> DoccanoAnswer:
    """Return the entities of the one text that was asked for."""
    (result,) = response.results
    return DoccanoAnswer(
        model_version=response.model_version,
        entities=[DoccanoEntity(label=each.label, start=each.start, end=each.end) for each in result.entities],
    )
