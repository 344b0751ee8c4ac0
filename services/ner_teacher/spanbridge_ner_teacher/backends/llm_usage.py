"""What a language model uses: counted for `/metrics`, and in all for `GET /v1/info`."""

import threading
from collections.abc import Mapping
from typing import Any

from prometheus_client import Counter

from spanbridge_shared.contracts.ner import TeacherUsage

REQUESTS = Counter("spanbridge_llm_requests_total", "Requests to a language model by outcome.", ["model", "outcome"])
TOKENS = Counter("spanbridge_llm_tokens_total", "Tokens that a language model counted.", ["model", "kind"])
COST = Counter("spanbridge_llm_cost_total", "Cost of those tokens, in the currency of the prices.", ["model"])
FAILED = Counter("spanbridge_llm_failed_answers_total", "Answers that can't be used, by error.", ["model", "error"])
DROPPED = Counter("spanbridge_llm_dropped_spans_total", "Spans that aren't in the text or don't fit.", ["model"])
_MILLION = 1_000_000


class UsageMeter:
    """Counts for one teacher, from any thread; prices are for a million tokens."""

    def __init__(self, model: str, price_in: float, price_out: float) -> None:
        self._model, self._price_in, self._price_out = model, price_in, price_out
        self._lock = threading.Lock()
        self._total = TeacherUsage()

    @property
    def total(self) -> TeacherUsage:
        """Everything counted so far."""
        return self._total

    def request(self, outcome: str) -> None:
        """Count a request; `outcome` is the answer's status, or what kept it away."""
        REQUESTS.labels(self._model, outcome).inc()
        self._add(requests=1)

    def answer(self, body: Any) -> None:
        """Count the tokens that an answer says it took; one that doesn't say counts as none."""
        told = body.get("usage") if isinstance(body, dict) else None
        prompt, completion = _count(told, "prompt_tokens"), _count(told, "completion_tokens")
        cost = (prompt * self._price_in + completion * self._price_out) / _MILLION
        TOKENS.labels(self._model, "prompt").inc(prompt)
        TOKENS.labels(self._model, "completion").inc(completion)
        COST.labels(self._model).inc(cost)
        self._add(prompt_tokens=prompt, completion_tokens=completion, cost=cost)

    def failed(self, error: str) -> None:
        """Count a sample that gave nothing to read; `error` is its class."""
        FAILED.labels(self._model, error).inc()
        self._add(failed_answers=1)

    def dropped(self, spans: int) -> None:
        """Count spans that were left out of a sample."""
        DROPPED.labels(self._model).inc(spans)
        self._add(dropped_spans=spans)

    def _add(self, **counts: float) -> None:
        with self._lock:
            now = self._total.model_dump()
            self._total = TeacherUsage.model_validate({name: now[name] + counts.get(name, 0) for name in now})


def _count(told: Any, name: str) -> int:
    found = told.get(name) if isinstance(told, Mapping) else None
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 10**9 else 0
