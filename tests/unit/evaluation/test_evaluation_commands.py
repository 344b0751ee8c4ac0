"""`spanbridge evaluate` on tiny data: what it reads, asks for, prints and keeps."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.unit.evaluation.evaluation_fakes import FakeClient

Evaluate = Callable[..., Result]
TAGGED = "Rais O\nSamia B-PER\n\nNairobi B-LOC\nni O\nmji O\n\njana B-DATE\n"


def write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def rows(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    found: dict[str, list[dict[str, Any]]] = json.loads(result.stdout)
    assert list(found) == ["results"]
    return found["results"]


class TestEntities:
    def test_masakhaner(self, evaluate: Evaluate, client: FakeClient, tmp_path: Path) -> None:
        write(tmp_path / "data" / "swa" / "dev.txt", TAGGED)
        ended = evaluate("masakhaner2", "--data", "data", "--lang", "swa", "--json")
        (row,) = rows(ended)
        # Predicted: Rais and Samia and Nairobi as PER; right is Samia alone; the date isn't asked for.
        assert {name: row[name] for name in ("dataset", "lang", "split", "method", "options", "sentences")} == {
            "dataset": "masakhaner2", "lang": "swa", "split": "dev", "method": "candidates", "options": {},
            "sentences": 3,
        }  # fmt: skip
        assert (row["precision"], row["recall"], row["f1"]) == (0.333333, 0.5, 0.4)
        assert row["ci95"][0] <= row["f1"] <= row["ci95"][1]
        assert row["per_label"]["PER"] == {
            "precision": 0.333333, "recall": 1.0, "f1": 0.5, "gold": 1, "predicted": 3, "correct": 1
        }  # fmt: skip
        assert row["confusion"]["LOC"]["PER"] == 1
        assert row["confusion"]["none"] == {"PER": 1, "ORG": 0, "LOC": 0}
        assert (row["model_version"], row["failed"], row["left_out"]) == ("fake-1", 0, [])
        assert row["sentences_per_second"] > 0
        assert "In the gold data, but not asked for: DATE" in ended.stderr
        (call,) = client.calls
        assert (call["lang"], call["labels"], call["include"]) == ("swh_Latn", ["PER", "ORG", "LOC"], ["tokens"])
        assert call["sentences"][0].tokens == ["Rais", "Samia"]

    def test_settings_reach_the_client(self, evaluate: Evaluate, client: FakeClient, tmp_path: Path) -> None:
        write(tmp_path / "f.conll", TAGGED)
        (row,) = rows(
            evaluate(
                "conll", "--data", "f.conll", "--lang", "sw", "--method", "heuristic", "--option", "beam=1", "--option",
                "align_method=match", "--labels", "LOC", "--limit", "2", "--batch", "1", "--split", "x", "--json",
            )
        )  # fmt: skip
        assert (row["split"], row["sentences"], row["labels"]) == ("x", 2, ["LOC"])
        assert row["options"] == {"beam": 1, "align_method": "match"}
        assert [(call["method"], call["labels"]) for call in client.calls] == [("heuristic", ["LOC"])] * 2
        assert client.calls[0]["options"] == {"beam": 1, "align_method": "match"}

    def test_labels_that_no_teacher_gives_are_left_out(
        self, evaluate: Evaluate, client: FakeClient, tmp_path: Path
    ) -> None:
        write(tmp_path / "f", TAGGED)
        ended = evaluate("conll", "--data", "f", "--lang", "sw", "--labels", "LOC,DATE", "--json")
        (row,) = rows(ended)
        assert (row["labels"], row["left_out"], sum(each["gold"] for each in row["per_label"].values())) == (
            ["LOC"], ["DATE"], 1,
        )  # fmt: skip
        assert "Left out of gold, because no teacher gives them: DATE" in ended.stderr
        shown = evaluate("conll", "--data", "f", "--lang", "sw", "--labels", "LOC,DATE", "--report", "r.html")
        assert "left out of gold, because no teacher gives them: DATE" in shown.stdout
        assert "no teacher gives them: DATE." in (tmp_path / "r.html").read_text(encoding="utf-8")
        none = evaluate("conll", "--data", "f", "--lang", "sw", "--labels", "DATE")
        assert none.exit_code == 1
        assert "no teacher gives any of DATE" in none.stderr

    def test_gold_english(self, evaluate: Evaluate, client: FakeClient, tmp_path: Path) -> None:
        write(tmp_path / "e" / "en.txt", "President O\nSamia B-PER\n\nyesterday B-DATE\n\nMSC B-MISC\n")
        write(tmp_path / "e" / "de.txt", "Rais O\nSamia B-PER\n\njana B-DATE\n\nMSC B-MISC\n")
        (row,) = rows(evaluate("europarl-ner", "--data", "e", "--json", "--batch", "1"))
        assert (row["dataset"], row["lang"], row["split"], row["f1"]) == ("europarl-ner", "de", "all", 1.0)
        assert row["labels"] == ["PER", "ORG", "LOC", "MISC"]
        first = client.calls[0]["sentences"][0]
        assert [(e.start, e.end, e.label) for e in first.source.entities] == [(1, 2, "PER")]
        # A request names only what a teacher, or one of its sentences, gives: no teacher here gives MISC.
        assert [call["labels"] for call in client.calls] == [["PER", "ORG", "LOC"]] * 2 + [
            ["PER", "ORG", "LOC", "MISC"]
        ]

    def test_a_parallel_file(self, evaluate: Evaluate, client: FakeClient, tmp_path: Path) -> None:
        write(tmp_path / "f", TAGGED)
        write(tmp_path / "en", TAGGED)
        (row,) = rows(evaluate("conll", "--data", "f", "--lang", "sw", "--parallel", "en", "--json"))
        assert row["f1"] == 1.0

    def test_failed_sentences_have_no_entities(self, evaluate: Evaluate, client: FakeClient, tmp_path: Path) -> None:
        write(tmp_path / "f", "Samia B-PER\n\nSamia B-PER\nBAD O\n")
        ended = evaluate("conll", "--data", "f", "--lang", "sw", "--json")
        (row,) = rows(ended)
        assert (row["failed"], row["recall"], row["precision"]) == (1, 0.5, 1.0)
        assert "1 failed (InvalidTokens)" in ended.stderr
        assert row["faults"] == {"InvalidTokens": 1}

    def test_unserved_languages(self, evaluate: Evaluate, client: FakeClient, tmp_path: Path) -> None:
        for lang in ("fr", "sw"):
            write(tmp_path / "x" / lang / "test", f"{lang}:Samia\tB-PER\n")
        ended = evaluate("xtreme", "--data", "x", "--json")
        assert [row["lang"] for row in rows(ended)] == ["sw"]
        assert "fr candidates: skipped: the translation model doesn't serve fra_Latn" in ended.stderr
        named = evaluate("xtreme", "--data", "x", "--lang", "fr,sw")
        assert named.exit_code == 1
        assert "spanbridge: the translation model doesn't serve" in named.stderr

    def test_the_table(self, evaluate: Evaluate, client: FakeClient, tmp_path: Path) -> None:
        for lang in ("swa", "yor"):
            write(tmp_path / "data" / lang / "dev.txt", TAGGED)
        ended = evaluate("masakhaner2", "--data", "data")
        lines = [line.split() for line in ended.stdout.splitlines() if line.strip()]
        assert lines[0][:6] == ["lang", "method", "sentences", "P", "R", "F1"]
        assert [line[0] for line in lines[2:5]] == ["swa", "yor", "mean"]
        assert lines[2][5] == ".400"
        assert lines[4][:3] == ["mean", "of", "2"]


class TestCompare:
    arguments = ("masakhaner2", "--data", "data", "--lang", "swa,yor", "--compare")

    @pytest.fixture(autouse=True)
    def _data(self, tmp_path: Path) -> None:
        for lang in ("swa", "yor"):
            write(tmp_path / "data" / lang / "dev.txt", TAGGED)

    def test_the_table(self, evaluate: Evaluate, client: FakeClient) -> None:
        ended = evaluate(*self.arguments)
        assert ended.exit_code == 0, ended.output
        lines = [line.split() for line in ended.stdout.splitlines() if line.strip()]
        assert lines[0] == ["method", "swa", "yor", "mean", "F1", "s", "sentences/s"]
        own = [line[0] for line in lines[2:9]]
        assert sorted(own) == [
            "default", "heuristic", "heuristic-no-threshold", "ngram-align-exact", "ngram-align-greedy",
            "ngram-align-weighted-greedy", "our-heuristic",
        ]  # fmt: skip
        assert lines[2][1:4] == [".400", ".400", ".400"]
        assert (lines[9][0], lines[9][-3:]) == ("published:", [".800", ".595", ".698"])
        assert "swa transfer: skipped: no configured teacher" in ended.stderr
        assert "transfer: skipped for 1 more" in ended.stderr
        assert "ngram-nmt-exact: skipped: the server has no score=nmt of candidates" in ended.stderr

    def test_rows(self, evaluate: Evaluate, client: FakeClient) -> None:
        found = rows(evaluate(*self.arguments, "--json"))
        assert len(found) == 14
        assert {row["caches"] for row in found} == {"off"}
        greedy = next(row for row in found if row["preset"] == "ngram-align-greedy")
        assert (greedy["method"], greedy["options"]["solver"]) == ("candidates", "greedy")
        assert found[0]["published"][0].keys() == {"method", "setup", "source", "split", "value"}
        assert {row["method"] for row in rows(evaluate(*self.arguments, "--json", "--method", "heuristic"))} == {
            "heuristic"
        }

    def test_presets_alone(self, evaluate: Evaluate, client: FakeClient) -> None:
        arguments = [*self.arguments[:-1], "--presets", "heuristic,default", "--json"]
        assert [row["preset"] for row in rows(evaluate(*arguments))] == ["heuristic", "default"] * 2
        assert "no preset is called 'x'" in evaluate(*self.arguments, "--presets", "x").stderr

    @pytest.mark.parametrize("more", [["--keep-caches"], ["--url", "http://127.0.0.1:1"]])
    def test_with_caches_there_are_no_seconds(self, evaluate: Evaluate, client: FakeClient, more: list[str]) -> None:
        ended = evaluate(*self.arguments, *more)
        assert ended.stdout.split()[:5] == ["method", "swa", "yor", "mean", "F1"]
        assert "sentences/s" not in ended.stdout
        assert "seconds are left out: with caches" in ended.stdout
        assert {row["caches"] for row in rows(evaluate(*self.arguments, *more, "--json"))} == {"shared"}

    def test_wrong_names_are_told(self, evaluate: Evaluate, client: FakeClient) -> None:
        assert "no preset is of the method 'x'" in evaluate(*self.arguments, "--method", "x").stderr
        assert "no method has the option 'x'" in evaluate(*self.arguments, "--option", "x=1").stderr

    def test_what_cannot_work_is_skipped(self, evaluate: Evaluate, client: FakeClient, tmp_path: Path) -> None:
        # As links by attention do where sentences bring their own English.
        write(tmp_path / "data" / "yor" / "dev.txt", "BAD B-PER\n\nni O\n")
        ended = evaluate(*self.arguments, "--presets", "default", "--json")
        assert [row["lang"] for row in rows(ended)] == ["swa"]
        assert "yor default: skipped: nothing found, 1 of 2 failed (InvalidTokens)" in ended.stderr
        assert rows(evaluate("masakhaner2", "--data", "data", "--lang", "yor", "--json"))[0]["failed"] == 1
        none = evaluate("masakhaner2", "--data", "data", "--lang", "yor", "--presets", "default")
        assert (none.exit_code, none.stdout) == (1, "")
        assert "spanbridge: nothing found, 1 of 2 failed (InvalidTokens)" in none.stderr

    def test_they_are_listed(self, evaluate: Evaluate, client: FakeClient) -> None:
        ended = evaluate("presets")
        assert ended.exit_code == 0, ended.output
        lines = {line.split()[0]: line for line in ended.stdout.splitlines() if line.strip()}
        assert "max_gap=1 max_runs=None min_ratio=0.8" in lines["heuristic"]
        assert lines["ner-align-exact"].rstrip().endswith("candidates=ner of candidates")


def test_alignment(evaluate: Evaluate, client: FakeClient, tmp_path: Path) -> None:
    write(tmp_path / "en-fr" / "a.test.tsv", "a b\tx y\t0-0\t0-0 1-1\nc\tz\t0-0\t0-0\n")
    (row,) = rows(evaluate("alignment", "--data", ".", "--json"))
    assert (row["dataset"], row["lang"], row["split"], row["method"]) == ("alignment", "en-fr", "a.test", "argmax")
    assert (row["precision"], row["recall"], row["f1"], row["aer"]) == (1.0, 1.0, 1.0, 0.0)
    assert client.calls[0]["target_lang"] == "fra_Latn"
    assert client.calls[0]["options"] == {"one_sided_weight": 0.0}
    typed = rows(evaluate("alignment", "--data", "en-fr/a.test.tsv", "--lang", "fr", "--compare", "--json"))
    assert [each["method"] for each in typed][:5] == ["argmax", "argmax", "itermax", "match", "softmax"]
    assert {each["lang"] for each in typed} == {"fr"}
    assert evaluate("alignment", "--data", ".", "--compare").stdout.split()[:4] == ["method", "en-fr", "a.test", "mean"]


def test_translation(evaluate: Evaluate, client: FakeClient, tmp_path: Path) -> None:
    write(tmp_path / "f.tsv", "the president came to Nairobi\tthe president came to Nairobi\na b c\td e f\n")
    (row,) = rows(evaluate("translation", "--data", "f.tsv", "--lang", "swh_Latn", "--limit", "1", "--json"))
    assert (row["dataset"], row["lang"], row["sentences"]) == ("translation", "swh_Latn", 1)
    assert (row["bleu"], row["chrf"]) == (pytest.approx(100), pytest.approx(100))
    assert client.calls[0]["beam"] == 4
    assert evaluate("translation", "--data", "f.tsv", "--lang", "sw", "--option", "beam=1").exit_code == 0
    assert client.calls[1]["beam"] == 1
    assert "no option 'x'" in evaluate("translation", "--data", "f.tsv", "--lang", "sw", "--option", "x=1").stderr
    assert "is called 'y'" in evaluate("translation", "--data", "f.tsv", "--lang", "sw", "--method", "y").stderr
    assert "--lang must name" in evaluate("translation", "--data", "f.tsv").stderr


def test_texts_too_long_are_cut(evaluate: Evaluate, client: FakeClient, tmp_path: Path) -> None:
    client.max_words = 3
    write(tmp_path / "f.tsv", "One two three. Four five six seven.\tOne two three. Four five six seven.\n")
    (row,) = rows(evaluate("translation", "--data", "f.tsv", "--lang", "sw", "--json"))
    assert (row["failed"], row["bleu"]) == (0, pytest.approx(100))
    assert [call["texts"] for call in client.calls[1:]] == [
        ["One two three.", "Four five six seven."], ["Four five", "six seven."]
    ]  # fmt: skip
    client.max_words = 0
    (row,) = rows(evaluate("translation", "--data", "f.tsv", "--lang", "sw", "--json"))
    assert (row["faults"], row["bleu"]) == ({"TextTooLong": 1}, 0)


def test_presets_are_of_projection_alone(evaluate: Evaluate, client: FakeClient, tmp_path: Path) -> None:
    write(tmp_path / "f.tsv", "a\tx\t0-0\n")
    write(tmp_path / "swh_Latn.tsv", "a\tx\n")
    for arguments in (["alignment", "--data", "f.tsv"], ["translation", "--data", "swh_Latn.tsv"]):
        ended = evaluate(*arguments, "--presets", "default")
        assert (ended.exit_code, "presets are of projection" in ended.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["conll", "--data", "bad", "--lang", "sw"], 1, "spanbridge: bad:2: no tag"),
        (["conll", "--data", "bad"], 2, "name the one language of the file"),
        (["conll", "--data", "bad", "--lang", "sw,yo"], 2, "name the one language of the file"),
        (["conll", "--data", "bad", "--lang", "sw", "--option", "x"], 2, "'x' is not NAME=VALUE"),
        (["conll", "--data", "bad", "--lang", "sw", "--report", "no/r.html"], 2, "there is no folder"),
        (["conll", "--data", "gone", "--lang", "sw"], 1, "gone can't be read"),
        (["europarl-ner", "--data", ".", "--split", "train"], 2, "has the splits dev, test, all"),
        (["xtreme", "--data", "gone"], 1, "gone is no folder"),
        (["xtreme", "--data", "x" * 300], 1, "can't be read: File name too long"),
        (["alignment", "--data", "x" * 300], 1, "can't be read: File name too long"),
        (["translation", "--data", "x" * 300, "--lang", "sw"], 1, "can't be read: File name too long"),
        (["masakhaner2", "--data", ".", "--split", "**"], 2, "'**' is no name of a part"),
        (["xtreme", "--data", ".", "--split", "{x}"], 2, "'{x}' is no name of a part"),
        (["xtreme", "--data", ".", "--split", "../x"], 2, "'../x' is no name of a part"),
        (["translation", "--data", ".", "--lang", "xx"], 1, "nearest"),
        (["conll", "--data", "bad", "--lang", "auto"], 1, "no language has the code 'auto'"),
        (["conll", "--data", "bad", "--lang", "sw", "--parallel", "."], 1, "spanbridge: bad:2: no tag"),
    ],
)
def test_wrong_calls_are_told(evaluate: Evaluate, tmp_path: Path, arguments: list[str], code: int, told: str) -> None:
    write(tmp_path / "bad", "Rais O\nSamia\n")
    ended = evaluate(*arguments)
    assert (ended.exit_code, ended.stdout) == (code, "")
    assert told in ended.stderr.replace("\n", " ")


class TestResume:
    arguments = ("conll", "--data", "f", "--lang", "sw", "--batch", "2", "--json")

    @pytest.fixture(autouse=True)
    def _data(self, tmp_path: Path) -> None:
        write(tmp_path / "f", "".join(f"Samia{n} B-PER\nNairobi B-LOC\n\n" for n in range(7)))

    @staticmethod
    def normal(row: dict[str, Any]) -> dict[str, Any]:
        return {name: row[name] for name in row if name not in ("seconds", "sentences_per_second")}

    @pytest.mark.parametrize(("how", "code"), [("fail_at", 1), ("interrupt_at", 130)])
    def test_a_stopped_run_continues(self, evaluate: Evaluate, client: FakeClient, how: str, code: int) -> None:
        (whole,) = rows(evaluate(*self.arguments))
        client.calls.clear()
        setattr(client, how, 3)
        stopped = evaluate(*self.arguments)
        assert (stopped.exit_code, stopped.stdout) == (code, "")
        assert "Finished batches are kept; the same command continues." in stopped.stderr
        continued = evaluate(*self.arguments)
        assert "continuing after 4 of 7" in continued.stderr
        assert self.normal(rows(continued)[0]) == self.normal(whole)
        assert [len(call["sentences"]) for call in client.calls] == [2, 2, 2, 2, 1]

    @pytest.mark.parametrize(
        "more", [["--method", "heuristic"], ["--option", "beam=1"], ["--limit", "6"], ["--labels", "PER"], ["--fresh"]]
    )
    def test_another_run_does_not(self, evaluate: Evaluate, client: FakeClient, more: list[str]) -> None:
        client.fail_at = 3
        evaluate(*self.arguments)
        assert "continuing" not in evaluate(*self.arguments, *more).stderr

    def test_nor_with_other_models(self, evaluate: Evaluate, client: FakeClient) -> None:
        client.fail_at = 3
        evaluate(*self.arguments)
        client.model_version = "fake-2"
        assert "continuing" not in evaluate(*self.arguments).stderr

    def test_a_finished_run_is_forgotten(self, evaluate: Evaluate, client: FakeClient, tmp_path: Path) -> None:
        assert evaluate(*self.arguments, "--resume-dir", "kept").exit_code == 0
        assert list((tmp_path / "kept").iterdir()) == []

    def test_models_that_change_stop_it(
        self, evaluate: Evaluate, client: FakeClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("spanbridge_evaluation.running.workbench.served_models", lambda _: "fake-0")
        ended = evaluate(*self.arguments)
        assert ended.exit_code == 1
        assert "the models changed during the run, from fake-0 to fake-1" in ended.stderr
