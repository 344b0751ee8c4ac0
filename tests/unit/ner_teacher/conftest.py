"""Checkpoints are trained once a session, and only where torch is."""

from pathlib import Path

import pytest

from tests.support.ner_checkpoint import Layout, make_token_classifier


@pytest.fixture(scope="session", params=list(Layout))
def checkpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    return make_token_classifier(tmp_path_factory.mktemp("checkpoint") / request.param, layout=request.param)


@pytest.fixture(scope="session")
def converted(checkpoint: Path) -> Path:
    from spanbridge_ner_teacher.backends.convert import convert

    output = checkpoint.parent / f"{checkpoint.name}-float32"
    return convert(str(checkpoint), output, quantization="float32", licence="MIT", name="tiny", languages=["eng", "sw"])
