"""`spanbridge compare` on tiny data: what runs, what is skipped, and what the table, the rows and the page say."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from spanbridge.cli import main
from spanbridge_evaluation.contest.contenders import CONTENDERS, NAMED_ONLY, chosen_contenders
from spanbridge_evaluation.contest.weights import local_weights, method_megabytes
from spanbridge_evaluation.report.scatter import Mark, draw_scatter
from spanbridge_evaluation.running.settings import Setting
from spanbridge_gateway.core.methods import METHODS, describe, find_method, read_options
from spanbridge_shared.contracts.manifest import EncoderManifest
from spanbridge_shared.errors import UnknownMethod
from spanbridge_shared.serving.manifests import model_version
from tests.unit.evaluation.contest_fakes import ContestClient
from tests.unit.evaluation.test_evaluation_report import read

Compare = Callable[..., Result]
# candidates finds Ct and c, transfer Ct and t; gold has the first and the last.
TAGGED = "Ct B-PER\nna O\nc O\n\nna O\nCt B-PER\n\nt B-PER\nna O\n"


def write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


@pytest.fixture
def compare(contest_client: ContestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Compare:
    monkeypatch.chdir(tmp_path)
    for lang in ("swa", "yor"):
        write(tmp_path / "data" / lang / "dev.txt", TAGGED)
    return lambda *arguments: CliRunner().invoke(main, ["compare", "--data", "data", *arguments])


def found(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    parsed: dict[str, Any] = json.loads(result.stdout)
    return parsed


class TestContenders:
    def test_a_gateway_takes_them(self) -> None:
        for each in (*CONTENDERS, *NAMED_ONLY):
            read_options(find_method(each.method), dict(each.options))

    def test_every_method_and_score_is_there(self) -> None:
        assert {each.method for each in CONTENDERS} == set(METHODS)
        (candidates,) = (describe(spec) for spec in METHODS.values() if spec.method == "candidates")
        (score,) = (option for option in candidates.options if option.name == "score")
        named = {each.options.get("score", score.default) for each in (*CONTENDERS, *NAMED_ONLY)}
        assert named == set(score.choices or [])

    def test_slow_ones_run_only_by_name(self) -> None:
        assert "candidates-nmt" not in [each.name for each in chosen_contenders([])]
        assert [each.name for each in chosen_contenders(["candidates-nmt", "llm"])] == ["candidates-nmt", "llm"]
        with pytest.raises(UnknownMethod, match="nothing to compare is called 'x'; there are transfer"):
            chosen_contenders(["x"])


class TestCompare:
    def test_the_table_and_the_plot(self, compare: Compare) -> None:
        ended = compare("--lang", "all")
        assert ended.exit_code == 0, ended.output
        lines = [line.split() for line in ended.stdout.splitlines() if line.strip()]
        assert lines[0] == ["method", "swa", "yor", "mean", "F1", "s", "sentences/s", "MB"]
        table = {line[0]: line[1:] for line in lines[2:8]}
        assert set(table) == {
            "transfer", "heuristic", "candidates-align", "candidates-ner", "candidates-fused", "ensemble"
        }  # fmt: skip
        assert table["transfer"][:3] == ["1.000", "1.000", "1.000"]
        assert table["candidates-fused"][:3] == [".667", ".667", ".667"]
        bars = {line[0]: line[2] for line in lines if len(line) > 2 and line[2].startswith("█")}
        assert len(bars["transfer"]) == 40
        assert len(bars["candidates-fused"]) == 27
        for told in ("student: skipped: no teacher 'student' is configured", "llm: skipped: no teacher 'llm'"):
            assert told in ended.stdout
            assert f"swa {told}" in ended.stderr

    def test_rows(self, compare: Compare) -> None:
        told = found(compare("--json"))
        assert told["methods"][0]["name"] == "transfer"
        line = next(each for each in told["methods"] if each["name"] == "candidates-align")
        assert (line["method"], line["options"], line["f1"]) == (
            "candidates", {"score": "align"}, {"swa": 0.666667, "yor": 0.666667}
        )  # fmt: skip
        assert (line["mean_f1"], line["mean_f1_without"], line["sentences"], line["failed"]) == (0.666667, {}, 6, 0)
        assert line["sentences_per_second"] > 0
        assert line["megabytes"] is None  # The fake's models are nowhere.
        assert {(each["name"], tuple(each["langs"])) for each in told["skipped"]} == {
            ("student", ("swa", "yor")), ("llm", ("swa", "yor"))
        }  # fmt: skip
        assert len(told["results"]) == 12
        assert {row["caches"] for row in told["results"]} == {"off"}
        assert any("the server's own numbers" in note for note in told["notes"])

    def test_a_student_and_chosen_methods(self, compare: Compare, contest_client: ContestClient) -> None:
        contest_client.student = True
        told = found(compare("--json", "--methods", "student,transfer"))
        assert {each["name"] for each in told["methods"]} == {"student", "transfer"}
        assert told["skipped"] == []
        assert {call["method"] for call in contest_client.calls} == {"student", "transfer"}

    def test_the_page(self, compare: Compare, tmp_path: Path) -> None:
        assert compare("--report", "r.html").exit_code == 0
        page = read(tmp_path / "r.html")
        words = " ".join(page.words)
        for expected in ("Methods compared", "MB of weights", "unknown", "student was skipped for swa, yor: no teacher",
                         "Mean F1 by speed", "F1 by language and method", "Confusion"):  # fmt: skip
            assert expected in words
        assert page.tags.count("svg") == 2

    def test_bbj_stands_apart(self, compare: Compare, tmp_path: Path) -> None:
        write(tmp_path / "data" / "bbj" / "dev.txt", "c B-PER\n")
        told = found(compare("--json", "--methods", "transfer,candidates-fused"))
        line = next(each for each in told["methods"] if each["name"] == "transfer")
        assert line["f1"] == {"bbj": 0.0, "swa": 1.0, "yor": 1.0}
        assert (line["mean_f1"], line["mean_f1_without"]) == (0.666667, {"bbj": 1.0})
        assert "without bbj" in compare("--methods", "transfer").stdout

    def test_a_method_that_lacks_a_language_comes_last(
        self, compare: Compare, contest_client: ContestClient, tmp_path: Path
    ) -> None:
        contest_client.unbridged = ("yor_Latn",)
        write(tmp_path / "data" / "swa" / "dev.txt", "c B-PER\n")
        told = found(compare("--json", "--methods", "transfer,candidates-fused"))
        assert [(each["name"], each["mean_f1"]) for each in told["methods"]] == [
            ("transfer", 0.5), ("candidates-fused", 1.0)
        ]  # fmt: skip
        assert told["skipped"][0]["langs"] == ["yor"]
        assert "1.000 of 1" in compare("--methods", "transfer,candidates-fused").stdout

    def test_a_file(self, compare: Compare, tmp_path: Path) -> None:
        write(tmp_path / "f.conll", TAGGED)
        told = found(compare("--data", "f.conll", "--lang", "sw", "--json", "--methods", "transfer"))
        assert [(row["dataset"], row["lang"], row["split"]) for row in told["results"]] == [("conll", "sw", "f")]

    def test_a_running_server_has_no_speed_and_no_weights(self, compare: Compare) -> None:
        told = found(compare("--url", "http://127.0.0.1:1", "--json", "--methods", "transfer"))
        assert (told["methods"][0]["sentences_per_second"], told["methods"][0]["megabytes"]) == (None, None)
        assert next(note for note in told["notes"] if "sentences/s" in note).startswith("sentences/s is left out")

    def test_a_stopped_run_continues(self, compare: Compare, contest_client: ContestClient) -> None:
        contest_client.fail_at = 3
        stopped = compare("--batch", "2", "--methods", "transfer")
        assert stopped.exit_code == 1
        assert "Finished batches are kept" in stopped.stderr
        contest_client.calls.clear()
        contest_client.fail_at = None
        assert compare("--batch", "2", "--methods", "transfer").exit_code == 0
        assert [len(call["sentences"]) for call in contest_client.calls] == [2, 1]

    def test_but_not_with_another_calibration(self, compare: Compare, contest_client: ContestClient) -> None:
        contest_client.fail_at = 3
        compare("--batch", "2", "--methods", "ensemble")
        contest_client.calls.clear()
        contest_client.fail_at, contest_client.calibration = None, "calibration-2"
        ended = compare("--batch", "2", "--methods", "ensemble", "--json")
        assert "continuing" not in ended.stderr
        assert {row["model_version"] for row in found(ended)["results"]} == {"fake-1:calibration-2"}

    def test_nothing_there_fails(self, compare: Compare) -> None:
        ended = compare("--methods", "student")
        assert (ended.exit_code, ended.stdout) == (1, "")
        assert "no teacher 'student' is configured" in ended.stderr
        assert "nothing to compare is called 'x'" in compare("--methods", "x").stderr


class TestCrossFit:
    def test_no_sentence_is_merged_by_its_own_fold(self, compare: Compare, contest_client: ContestClient) -> None:
        told = found(compare("--cross-fit", "--folds", "3", "--json"))
        merges = [call for call in contest_client.calls if call["method"] == "ensemble"]
        assert [len(call["sentences"]) for call in merges] == [1] * 6
        assert all(call["options"]["members"] == ["candidates", "transfer"] for call in merges)
        fitted = [json.dumps(call["options"]["parameters"]) for call in merges]
        assert fitted[:3] == fitted[3:]
        assert len(set(fitted)) > 1
        row = next(each for each in told["results"] if each["preset"] == "ensemble")
        assert row["options"] == {"parameters": "cross-fitted, 3 folds of sentences"}
        assert row["model_version"] == "fake-1"  # The server's own numbers had no part in it.
        assert any("cross-fitted over 3 folds of sentences" in note for note in told["notes"])

    def test_members_that_are_not_compared_teach_all_the_same(self, compare: Compare) -> None:
        told = found(compare("--cross-fit", "--folds", "3", "--json", "--methods", "ensemble"))
        assert [each["name"] for each in told["methods"]] == ["ensemble"]
        assert {row["preset"] for row in told["results"]} == {"ensemble"}
        assert told["skipped"] == []

    def test_what_teaches_nothing_is_skipped(self, compare: Compare, tmp_path: Path) -> None:
        for lang in ("swa", "yor"):
            write(tmp_path / "data" / lang / "dev.txt", "Ct B-PER\n\nna O\n\nna O\n\n")
        told = found(compare("--cross-fit", "--folds", "3", "--json", "--methods", "transfer,ensemble"))
        assert [each["name"] for each in told["methods"]] == ["transfer"]
        assert told["skipped"][0]["reason"] == "candidates, transfer proposed nothing in these sentences"

    def test_too_many_folds_are_told_before_anything_runs(
        self, compare: Compare, contest_client: ContestClient
    ) -> None:
        ended = compare("--cross-fit", "--folds", "4")
        assert (ended.exit_code, contest_client.calls) == (1, [])
        assert "--folds takes fewer" in ended.stderr

    def test_where_one_member_serves_it_is_the_answer(self, compare: Compare, contest_client: ContestClient) -> None:
        contest_client.unbridged = ("yor_Latn",)
        assert compare("--cross-fit", "--folds", "3").exit_code == 0
        alone = [c for c in contest_client.calls if c["method"] == "ensemble" and c["lang"] == "yor_Latn"]
        assert [call["options"] for call in alone] == [{"members": ["transfer"]}] * 3


class TestWeights:
    local = {"nmt-1-a": 45.0, "teacher-1-b": 37.0, "multi-1-d": 20.0, "small-1.0-c": 12.0}

    def megabytes(self, method: str, **options: Any) -> float | None:
        (info,) = (each for each in ContestClient().methods() if each.name == method)
        return method_megabytes(info, Setting(method, options), self.local)

    def test_each_model_counts_once(self) -> None:
        assert self.megabytes("transfer") == 20.0
        assert self.megabytes("candidates") == 114.0
        assert self.megabytes("candidates", score="align") == 94.0
        assert self.megabytes("candidates", score="ner") == 114.0

    def test_what_is_not_known_is_not_guessed(self) -> None:
        assert self.megabytes("student") is None
        assert self.megabytes("transfer", teacher="llm") is None
        (info,) = (each for each in ContestClient().methods() if each.name == "transfer")
        assert method_megabytes(info, Setting("transfer"), {}) is None

    def test_folders_are_found_by_version_wherever_settings_name_them(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        versions = []
        for place in ("models/one", "elsewhere/two"):
            manifest = EncoderManifest(
                kind="encoder", name=Path(place).name, licence="MIT", files={}, layer=1, hidden_size=1, max_tokens=1
            )
            write(tmp_path / place / "spanbridge.json", manifest.model_dump_json())
            write(tmp_path / place / "model.bin", "x" * 500_000)
            versions.append(model_version(manifest))
        monkeypatch.setenv("SPANBRIDGE_MODELS_DIR", str(tmp_path / "models"))
        monkeypatch.setenv("SPANBRIDGE_NER_TEACHER_STUDENT", f"ctranslate2:{tmp_path / 'elsewhere' / 'two'}")
        assert local_weights() == dict.fromkeys(versions, 0.5)


def test_a_scatter_plot_shows_speed_score_and_weight() -> None:
    from xml.etree import ElementTree

    svg = ElementTree.fromstring(
        draw_scatter("t", [Mark("a<", 10, 0.5, 100), Mark("b", 100, 0.25), Mark("c", 100, 0.25)])
    )
    circles = [{name: float(each.get(name, "0")) for name in ("cx", "cy", "r")} for each in svg.iter("circle")]
    assert circles[0]["cx"] < circles[1]["cx"] == circles[2]["cx"]
    assert circles[0]["cy"] < circles[1]["cy"]
    assert circles[0]["r"] > circles[1]["r"]
    names = {each.text: float(each.get("y", "0")) for each in svg.iter("text") if each.get("class") == "label"}
    assert set(names) == {"a<", "b", "c"}
    assert names["b"] != names["c"]
