"""Requests to try at `/docs`."""

from fastapi import Body

PROJECT = Body(
    openapi_examples={
        "text": {
            "summary": "A Swahili sentence",
            "value": {
                "sentences": [{"id": "1", "text": "Rais Samia alitembelea Nairobi jana."}],
                "lang": "swh_Latn",
                "include": ["translation", "alignment", "tokens", "scores"],
            },
        },
        "tokens": {
            "summary": "Tokens instead of text",
            "value": {"sentences": [{"tokens": ["Rais", "Samia", "alitembelea", "Nairobi", "."]}], "lang": "sw"},
        },
        "heuristic": {
            "summary": "Another method with options",
            "value": {
                "sentences": [{"text": "Rais Samia alitembelea Nairobi jana."}],
                "lang": "auto",
                "method": "heuristic",
                "options": {"max_gap": 0, "align_method": "itermax"},
            },
        },
        "ensemble": {
            "summary": "The calibrated ensemble",
            "value": {
                "sentences": [{"text": "Rais Samia alitembelea Nairobi jana."}],
                "lang": "swh_Latn",
                "method": "ensemble",
                "options": {"threshold": 0.4, "candidates": {"beam": 1}},
                "include": ["scores"],
            },
        },
        "source": {
            "summary": "Gold English side, any language",
            "value": {
                "sentences": [
                    {
                        "tokens": ["Angela", "Merkel", "besuchte", "Rom", "."],
                        "source": {
                            "tokens": ["Angela", "Merkel", "visited", "Rome", "."],
                            "entities": [
                                {"start": 0, "end": 2, "label": "PER"},
                                {"start": 3, "end": 4, "label": "LOC"},
                            ],
                        },
                    }
                ],
                "lang": "deu_Latn",
            },
        },
    }
)
COMPARE = Body(
    openapi_examples={
        "every": {
            "summary": "A Swahili sentence by every method",
            "value": {"sentences": [{"text": "Rais Samia alitembelea Nairobi jana."}], "lang": "swh_Latn"},
        },
        "some": {
            "summary": "Two methods, one with options",
            "value": {
                "sentences": [{"text": "Rais Samia alitembelea Nairobi jana."}],
                "lang": "swh_Latn",
                "methods": ["heuristic", "candidates"],
                "options": {"heuristic": {"max_gap": 0}},
            },
        },
    }
)
TRANSLATE_TRAIN = Body(
    openapi_examples={
        "marker": {
            "summary": "Labelled English, into Swahili",
            "value": {
                "sentences": [
                    {
                        "text": "President Samia visited Nairobi.",
                        "entities": [
                            {"start": 10, "end": 15, "label": "PER"},
                            {"start": 24, "end": 31, "label": "LOC"},
                        ],
                    }
                ],
                "lang": "swh_Latn",
            },
        },
        "align": {
            "summary": "Tokens, and word links instead of markers",
            "value": {
                "sentences": [{"tokens": ["Samia", "left", "."], "entities": [{"start": 0, "end": 1, "label": "PER"}]}],
                "lang": "swh_Latn",
                "method": "align",
                "options": {"beam": 1},
            },
        },
    }
)
TRANSLATE = Body(
    openapi_examples={
        "one": {
            "summary": "One text",
            "value": {"texts": ["Rais Samia alitembelea Nairobi jana."], "source_lang": "swh_Latn"},
        }
    }
)
ALIGN = Body(
    openapi_examples={
        "one": {
            "summary": "One pair",
            "value": {"source_tokens": ["President", "Samia"], "target_tokens": ["Rais", "Samia"], "method": "argmax"},
        }
    }
)
NER = Body(
    openapi_examples={
        "one": {"summary": "English text", "value": {"text": "Samia visited Nairobi.", "lang": "eng_Latn"}}
    }
)
