"""From a teacher's setting to a loaded teacher."""

from spanbridge_ner_teacher.backends.base import Teacher
from spanbridge_ner_teacher.settings import Backend, Device, NerTeacherSettings, TeacherSpec


def open_teacher(spec: TeacherSpec, settings: NerTeacherSettings) -> Teacher:
    """Load a teacher; blocks, and raises `ConfigurationError` where the model isn't there or isn't one."""
    match spec.backend:
        case Backend.STUB:
            from spanbridge_ner_teacher.backends.stub import StubTeacher

            return StubTeacher(spec.model)
        case Backend.SPACY:
            from spanbridge_ner_teacher.backends.spacy_teacher import SpacyTeacher

            return SpacyTeacher(spec.model)
        case Backend.CTRANSLATE2:
            from spanbridge_ner_teacher.backends.ctranslate2_teacher import open_ctranslate2

            return open_ctranslate2(
                spec.model,
                threads=settings.threads_per_call,
                # A second call on a GPU would want a second copy of the model there.
                parallel_calls=settings.parallel_calls if settings.device is Device.CPU else 1,
                device=settings.device,
                scheme=settings.tag_scheme,
                max_batch_tokens=settings.max_batch_tokens,
            )
        case Backend.TRANSFORMERS:
            from spanbridge_ner_teacher.backends.transformers_teacher import open_transformers

            return open_transformers(
                spec.model,
                threads=settings.threads,
                scheme=settings.tag_scheme,
                max_batch_tokens=settings.max_batch_tokens,
            )
        case Backend.LLM:
            from spanbridge_ner_teacher.backends.llm_teacher import LlmTeacher

            return LlmTeacher(spec.model or settings.llm_model, settings)
