"""Spanbridge: named entities for languages without labelled data.

>>> from spanbridge import Spanbridge
>>> with Spanbridge() as spanbridge:  # doctest: +SKIP
...     spanbridge.project(["Rais Samia alitembelea Nairobi jana."], lang="swh_Latn")
"""

from spanbridge.async_client import AsyncSpanbridge
from spanbridge.client import Spanbridge
from spanbridge_shared.contracts.alignment import Alignment, AlignMethod, AlignOptions, TokenPair
from spanbridge_shared.contracts.compare import ComparedSentence, MethodAnswer
from spanbridge_shared.contracts.gateway import (
    Entity,
    GivenEntity,
    GivenSource,
    LanguageInfo,
    MethodInfo,
    Sentence,
    SentenceResult,
)
from spanbridge_shared.contracts.ner import NerItem, NerResult
from spanbridge_shared.contracts.translate_train import EnglishSentence, TranslatedSentence
from spanbridge_shared.contracts.translation import Translation
from spanbridge_shared.errors import SpanbridgeError

__all__ = [
    "AlignMethod",
    "AlignOptions",
    "Alignment",
    "AsyncSpanbridge",
    "ComparedSentence",
    "EnglishSentence",
    "Entity",
    "GivenEntity",
    "GivenSource",
    "LanguageInfo",
    "MethodAnswer",
    "MethodInfo",
    "NerItem",
    "NerResult",
    "Sentence",
    "SentenceResult",
    "Spanbridge",
    "SpanbridgeError",
    "TokenPair",
    "TranslatedSentence",
    "Translation",
]
