"""Documents as INCEpTION sends them: a CAS of sentences and tokens, and its type system."""

from collections.abc import Sequence
from typing import Any

from cassis import Cas, load_dkpro_core_typesystem
from cassis.typesystem import TypeSystem

from spanbridge_shared.text.tokenization import tokenize

ENTITY = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
CUSTOM = "webanno.custom.Names"
SENTENCE = "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Sentence"
TOKEN = "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Token"


def type_system(*, predicted: bool = True) -> TypeSystem:
    """Return DKPro's types and a custom layer, with the features that INCEpTION adds to mark predictions."""
    types = load_dkpro_core_typesystem()
    custom = types.create_type(CUSTOM)
    types.create_feature(custom, "value", "uima.cas.String")
    types.create_feature(custom, "several", "uima.cas.StringArray")
    types.create_feature(custom, "count", "uima.cas.Integer")
    for name in (ENTITY, CUSTOM) if predicted else ():
        type_ = types.get_type(name)
        types.create_feature(type_, "inception_internal_predicted", "uima.cas.Boolean")
        types.create_feature(type_, "value_score", "uima.cas.Double")
        types.create_feature(type_, "value_score_explanation", "uima.cas.String")
    return types


def make_cas(types: TypeSystem, sentences: Sequence[str], *, tokens: bool = True, marked: bool = True) -> Cas:
    """Return a document of a sentence a line, with tokens; `marked` says whether the sentences are annotated."""
    cas = Cas(types, sofa_string="\n".join(sentences), sofa_mime="text/plain")
    place = 0
    for sentence in sentences:
        if marked:
            cas.add(types.get_type(SENTENCE)(begin=place, end=place + len(sentence)))
        for token in tokenize(sentence, "swh_Latn") if tokens else ():
            cas.add(types.get_type(TOKEN)(begin=place + token.span.start, end=place + token.span.end))
        place += len(sentence) + 1
    return cas


def request_of(cas: Cas, types: TypeSystem, **metadata: Any) -> dict[str, Any]:
    """Return the body of a prediction request."""
    return {
        "metadata": {
            "layer": ENTITY, "feature": "value", "projectId": 1, "anchoringMode": "tokens", "crossSentence": False,
            **metadata,
        },
        "document": {"xmi": cas.to_xmi(), "documentId": 42, "userId": "u"},
        "typeSystem": types.to_xml(),
    }  # fmt: skip
