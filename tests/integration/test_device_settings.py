"""Where the models run: `auto` falls back to the CPU, `cuda` without a GPU is a wrong setting that names itself."""

from collections.abc import Callable

import ctranslate2
import numpy as np
import pytest

from spanbridge_alignment.backends import open_backend as open_aligner
from spanbridge_alignment.settings import AlignmentSettings
from spanbridge_ner_teacher.backends.opening import open_teacher
from spanbridge_ner_teacher.settings import NerTeacherSettings, read_spec
from spanbridge_shared.errors import ConfigurationError
from spanbridge_translation.app import open_backend as open_translator
from spanbridge_translation.settings import TranslationSettings

pytestmark = [
    pytest.mark.models,
    pytest.mark.skipif(ctranslate2.get_cuda_device_count() > 0, reason="says what happens without a GPU"),
]


OPEN: dict[str, Callable[[], object]] = {
    "TRANSLATION": lambda: open_translator(TranslationSettings()),
    "ALIGNMENT": lambda: open_aligner(AlignmentSettings()),
    "NER_TEACHER": lambda: _teacher(NerTeacherSettings()),
}


@pytest.mark.parametrize("service", OPEN)
def test_cuda_without_a_gpu_is_told_by_its_setting(monkeypatch: pytest.MonkeyPatch, service: str) -> None:
    monkeypatch.setenv(f"SPANBRIDGE_{service}_DEVICE", "cuda")
    with pytest.raises(ConfigurationError, match=f"SPANBRIDGE_{service}_.*DEVICE.* on cuda"):
        OPEN[service]()


def test_auto_without_a_gpu_is_the_cpu() -> None:
    sentence = ("Rais", "Samia", "alitembelea", "Nairobi", ".")
    vectors = []
    for device in ("cpu", "auto"):
        encoder = open_aligner(AlignmentSettings.model_validate({"device": device}))
        vectors += encoder.encode([encoder.tokenize([sentence])[0].ids])
    np.testing.assert_array_equal(*vectors)
    _teacher(NerTeacherSettings.model_validate({"device": "auto"}))


def _teacher(settings: NerTeacherSettings) -> None:
    spec = read_spec("ctranslate2:teacher")
    assert spec is not None
    open_teacher(spec, settings)
