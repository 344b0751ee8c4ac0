"""The composition root: settings to backend to engine to app."""

from fastapi import FastAPI

from spanbridge_shared.serving.config import load_settings, model_path
from spanbridge_shared.serving.service_app import service_app
from spanbridge_translation.backends.base import TranslationBackend
from spanbridge_translation.backends.stub import StubBackend
from spanbridge_translation.engine import TranslationEngine
from spanbridge_translation.hops import SERVICE
from spanbridge_translation.routes import router
from spanbridge_translation.settings import BackendKind, Device, TranslationSettings


def create_app(settings: TranslationSettings | None = None) -> FastAPI:
    """Return the service; the model is loaded when the app starts."""
    chosen = settings or load_settings(TranslationSettings)
    return service_app(
        name=SERVICE,
        description="Translates sentences, with scores, sub-words and attention, and scores given translations.",
        engine=TranslationEngine(chosen, lambda: open_backend(chosen)),
        routers=[router],
        settings=chosen,
    )


def open_backend(settings: TranslationSettings) -> TranslationBackend:
    """Open the backend that the settings name; raises `ConfigurationError` where its model can't be loaded."""
    match settings.backend:
        case BackendKind.STUB:
            return StubBackend()
        case BackendKind.CTRANSLATE2:
            from spanbridge_translation.backends.ctranslate2 import CTranslate2Backend

            return CTranslate2Backend(
                model_path(settings.model),
                device=settings.device,
                compute_type=settings.compute_type,
                threads=settings.threads_per_call,
                # A second call on a GPU would want a second copy of the model there.
                parallel_calls=settings.parallel_calls if settings.device is Device.CPU else 1,
                no_repeat_ngram=settings.no_repeat_ngram,
                score_tokens=settings.max_score_tokens,
            )
        case BackendKind.TRANSFORMERS:
            from spanbridge_translation.backends.transformers import TransformersBackend

            folder = model_path(settings.model)
            return TransformersBackend(
                str(folder) if folder.is_dir() else settings.model,
                device=settings.device,
                threads=settings.threads,
                no_repeat_ngram=settings.no_repeat_ngram,
            )
