"""Encoders behind one Protocol; each imports its model library only when it is opened."""

from spanbridge_alignment.backends.base import EncoderBackend
from spanbridge_alignment.settings import AlignmentSettings, BackendKind, Device
from spanbridge_shared.serving.config import model_path


def open_backend(settings: AlignmentSettings) -> EncoderBackend:
    """Load the configured encoder; raises `ConfigurationError` where that can't be done."""
    match settings.backend:
        case BackendKind.CTRANSLATE2:
            from spanbridge_alignment.backends.ctranslate2 import CTranslate2Encoder

            return CTranslate2Encoder(
                model_path(settings.model),
                device=settings.device,
                threads=settings.threads_per_call,
                # A second call on a GPU would want a second copy of the model there.
                parallel_calls=settings.parallel_calls if settings.device is Device.CPU else 1,
            )
        case BackendKind.TRANSFORMERS:
            from spanbridge_alignment.backends.transformers import TransformersEncoder

            return TransformersEncoder(settings.model, layer=settings.layer, threads=settings.threads)
        case BackendKind.STUB:
            from spanbridge_alignment.backends.stub import StubEncoder

            return StubEncoder()
