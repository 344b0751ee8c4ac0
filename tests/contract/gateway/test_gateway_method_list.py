"""`GET /v1/methods`: each method with the labels that it gives on this server, and what it works by."""

from tests.support.gateway import Gateway


async def test_labels_and_models_are_those_of_the_method(gateway: Gateway) -> None:
    methods = {each["name"]: each for each in (await gateway.http.get("/v1/methods")).json()["methods"]}
    assert methods["candidates"]["labels"] == methods["heuristic"]["labels"] == ["LOC", "ORG", "PER"]
    assert set(methods["heuristic"]["models"]) == {"labels", "translation", "alignment"}
    # The stubs are one English teacher, and nothing that labels other languages.
    assert (methods["student"]["labels"], methods["student"]["models"]) == (None, None)
    info = (await gateway.http.post("/v1/translate", json={"texts": ["Samia"], "source_lang": "sw"})).json()
    assert methods["candidates"]["models"]["translation"] == info["model_version"]
