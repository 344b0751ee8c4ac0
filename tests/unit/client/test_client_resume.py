"""Interrupted runs of `spanbridge project`: continued to the same bytes, and never mixed up with others."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from click.testing import Result
from spacy.tokens import DocBin

from spanbridge.journal import Journal, Progress
from tests.unit.client.fake_gateway import FakeGateway

Run = Callable[..., Result]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "in.txt"
    path.write_text("".join(f"Samia{n} na Ruto.\n" if n % 7 else "\n" for n in range(100)), encoding="utf-8")
    return path


def arguments(out: str, *more: str) -> list[str]:
    return ["project", "in.txt", "--lang", "sw", "-o", out, "--batch", "10", *more]


def normal(path: Path) -> bytes:
    """The file's bytes without what differs between any two runs."""
    if path.suffix != ".jsonl":
        return path.read_bytes()
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return json.dumps([{key: line[key] for key in line if key != "timings_ms"} for line in lines]).encode()


@pytest.mark.parametrize("out", ["out.jsonl", "out.conll", "out.spacy"])
def test_a_continued_run_writes_what_an_uninterrupted_one_does(
    run: Run, gateway: FakeGateway, corpus: Path, tmp_path: Path, out: str
) -> None:
    assert run(*arguments(f"whole-{out}")).exit_code == 0
    calls = len(gateway.requests)
    gateway.fail_at = calls + 4
    stopped = run(*arguments(out))
    assert stopped.exit_code == 1
    assert "Stopped after 30 of 85 sentences. The same command continues" in stopped.output
    gateway.fail_at = None
    continued = run(*arguments(out))
    assert continued.exit_code == 0, continued.output
    assert "Continuing after 30 of 85" in continued.output
    assert len(gateway.requests) == calls + 4 + 6  # Three batches, the failing one, and only the six left.
    assert normal(tmp_path / out) == normal(tmp_path / f"whole-{out}")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["in.txt", out, f"whole-{out}"])


def test_a_half_written_record_is_cut_off(run: Run, gateway: FakeGateway, corpus: Path, tmp_path: Path) -> None:
    assert run(*arguments("whole.jsonl")).exit_code == 0
    gateway.fail_at = len(gateway.requests) + 3
    run(*arguments("out.jsonl"))
    with (tmp_path / "out.jsonl").open("ab") as file:
        file.write(b'{"id":"24","text":"Sam')
    gateway.fail_at = None
    assert run(*arguments("out.jsonl")).exit_code == 0
    assert normal(tmp_path / "out.jsonl") == normal(tmp_path / "whole.jsonl")


def test_an_interruption_between_results_and_progress_repeats_the_batch(
    run: Run, gateway: FakeGateway, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(*arguments("whole.jsonl")).exit_code == 0
    monkeypatch.setattr("spanbridge.journal._write_atomically", _interrupt_at(3))
    stopped = run(*arguments("out.jsonl"))
    assert stopped.exit_code == 130
    assert "Stopped after 10 of 85 sentences. The same command continues into out.jsonl." in stopped.output
    assert len((tmp_path / "out.jsonl").read_bytes().splitlines()) == 20
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        from tests.unit.client.fake_gateway import fake_app

        patch.setattr("spanbridge.embedded.gateway_app", lambda: fake_app(gateway))
        assert run(*arguments("out.jsonl")).exit_code == 0
    assert normal(tmp_path / "out.jsonl") == normal(tmp_path / "whole.jsonl")


def _interrupt_at(call: int) -> Callable[[Path, bytes], None]:
    from spanbridge.journal import _write_atomically

    calls = 0

    def write(path: Path, data: bytes) -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            raise KeyboardInterrupt
        _write_atomically(path, data)

    return write


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (["--lang", "yo"], "lang 'sw', not 'yo'"),
        (["--method", "heuristic"], "method 'candidates', not 'heuristic'"),
        (["--option", "beam=1"], "options {}, not {'beam': 1}"),
        (["--include", "translation"], "include [], not ['translation']"),
        (["--labels", "PER"], "labels ['PER', 'ORG', 'LOC'], not ['PER']"),
        (["--format", "conll"], "output_format 'jsonl', not 'conll'"),
    ],
)
def test_an_unfinished_run_with_other_settings_is_kept(
    run: Run, gateway: FakeGateway, corpus: Path, tmp_path: Path, change: list[str], told: str
) -> None:
    gateway.fail_at = 2
    run(*arguments("out.jsonl"))
    before = (tmp_path / "out.jsonl").read_bytes()
    gateway.fail_at = None
    refused = run(*arguments("out.jsonl", *change))
    assert refused.exit_code == 1
    assert f"unfinished run with {told}" in refused.output
    assert (tmp_path / "out.jsonl").read_bytes() == before
    assert run(*arguments("out.jsonl", *change, "--overwrite")).exit_code == 0


def test_another_input_is_noticed(run: Run, gateway: FakeGateway, corpus: Path) -> None:
    gateway.fail_at = 2
    run(*arguments("out.jsonl"))
    corpus.write_text("Samia\n" * 50, encoding="utf-8")
    assert "unfinished run with another input" in run(*arguments("out.jsonl")).output


def test_another_batch_size_may_continue(run: Run, gateway: FakeGateway, corpus: Path, tmp_path: Path) -> None:
    assert run(*arguments("whole.jsonl")).exit_code == 0
    gateway.fail_at = len(gateway.requests) + 2
    run(*arguments("out.jsonl"))
    gateway.fail_at = None
    assert run(*arguments("out.jsonl", "--batch", "3")).exit_code == 0
    assert normal(tmp_path / "out.jsonl") == normal(tmp_path / "whole.jsonl")


def test_other_models_are_not_mixed_in(run: Run, gateway: FakeGateway, corpus: Path, tmp_path: Path) -> None:
    gateway.fail_at = 2
    run(*arguments("out.jsonl"))
    before = (tmp_path / "out.jsonl").read_bytes()
    gateway.fail_at, gateway.model_version = None, "fake-2"
    refused = run(*arguments("out.jsonl"))
    assert refused.exit_code == 1
    assert "the models have changed since this run began, from fake-1 to fake-2" in refused.output
    assert (tmp_path / "out.jsonl").read_bytes() == before


def test_a_finished_output_is_not_replaced_unasked(run: Run, gateway: FakeGateway, corpus: Path) -> None:
    assert run(*arguments("out.jsonl")).exit_code == 0
    calls = len(gateway.requests)
    refused = run(*arguments("out.jsonl"))
    assert refused.exit_code == 1
    assert "out.jsonl is there already, and finished; --overwrite replaces it" in refused.output
    assert len(gateway.requests) == calls
    assert run(*arguments("out.jsonl", "--overwrite")).exit_code == 0


def test_a_run_that_got_nowhere_leaves_nothing(run: Run, gateway: FakeGateway, corpus: Path, tmp_path: Path) -> None:
    failed = run(*arguments("out.jsonl", "--lang", "swahilli"))
    assert failed.exit_code == 1
    assert "no language has the code" in failed.output
    assert [path.name for path in tmp_path.iterdir()] == ["in.txt"]


def test_a_failing_overwrite_keeps_the_old_output(run: Run, gateway: FakeGateway, corpus: Path, tmp_path: Path) -> None:
    assert run(*arguments("out.jsonl")).exit_code == 0
    before = (tmp_path / "out.jsonl").read_bytes()
    assert run(*arguments("out.jsonl", "--lang", "swahilli", "--overwrite")).exit_code == 1
    assert (tmp_path / "out.jsonl").read_bytes() == before


def test_lost_results_are_noticed(run: Run, gateway: FakeGateway, corpus: Path, tmp_path: Path) -> None:
    gateway.fail_at = 3
    run(*arguments("out.jsonl"))
    (tmp_path / "out.jsonl").write_bytes(b"")
    gateway.fail_at = None
    assert "has lost results" in run(*arguments("out.jsonl")).output


def test_a_progress_file_of_something_else_is_refused(
    run: Run, gateway: FakeGateway, corpus: Path, tmp_path: Path
) -> None:
    (tmp_path / "out.jsonl.progress").write_text("{}", encoding="utf-8")
    assert "is not a progress file of this version" in run(*arguments("out.jsonl")).output


def test_failures_are_counted_over_all_parts(run: Run, gateway: FakeGateway, tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = [{"text": "Samia"}, {"tokens": []}] * 10
    (tmp_path / "in.txt").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    gateway.fail_at = 2
    run(*arguments("out.jsonl", "--input-format", "jsonl"))
    gateway.fail_at = None
    ended = run(*arguments("out.jsonl", "--input-format", "jsonl"))
    assert ended.exit_code == 0
    assert "10 sentences failed:\n  2: EmptyText" in ended.output


def test_nothing_is_on_the_disk_before_the_first_batch(tmp_path: Path) -> None:
    fresh = Progress.model_validate(
        {"input_sha256": "0", "total": 1, "settings": {"lang": "sw", "method": "m", "labels": [], "options": {},
         "include": [], "input_format": "text", "output_format": "jsonl"}}
    )  # fmt: skip
    journal = Journal.open(tmp_path / "out", tmp_path / "out", fresh, overwrite=False)
    assert list(tmp_path.iterdir()) == []
    journal.append(b"x\n", fresh.model_copy(update={"done": 1}))
    assert json.loads((tmp_path / "out.progress").read_bytes())["bytes"] == 2
    journal.finish()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_docbin_can_be_read_by_spacy(run: Run, gateway: FakeGateway, corpus: Path, tmp_path: Path) -> None:
    assert run(*arguments("out.spacy")).exit_code == 0
    docs = list(DocBin().from_disk(tmp_path / "out.spacy").get_docs(spacy.blank("xx").vocab))
    assert len(docs) == 85
    assert [(each.text, each.label_) for each in docs[0].ents] == [("Samia1", "PER"), ("Ruto", "PER")]
