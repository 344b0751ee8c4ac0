"""What the clients return for whole batches: results, and the models they come from."""

from dataclasses import dataclass

from spanbridge_shared.contracts.gateway import SentenceResult
from spanbridge_shared.contracts.translate_train import TranslatedSentence


@dataclass(frozen=True, slots=True)
class Projection:
    """Results in the order of the sentences, and the models they come from; None where no sentence could be sent."""

    results: list[SentenceResult]
    model_version: str | None


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Translations in the order of the English sentences, and the models they come from; None as in `Projection`."""

    results: list[TranslatedSentence]
    model_version: str | None
