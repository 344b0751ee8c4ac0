"""`translate_train` of the client, and `spanbridge translate-train`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
from click.testing import Result
from spacy.tokens import DocBin

from spanbridge import AsyncSpanbridge, EnglishSentence, Spanbridge
from spanbridge_shared.contracts.translate_train import TrainMethod
from spanbridge_shared.errors import InvalidRequest, UnknownLanguage
from tests.unit.client.fake_gateway import FakeGateway

Run = Callable[..., Result]
SAMIA = {"text": "Samia left", "entities": [{"start": 0, "end": 5, "label": "PER"}]}
CONLL = "# first\nSamia B-PER\nleft O\n\nThe O\nUN B-LOST\nin O\nNairobi B-LOC\n\n"


class TestClient:
    def test_sentences_of_both_kinds(self, gateway: FakeGateway) -> None:
        given = [SAMIA, EnglishSentence(id=7, tokens=["Nairobi"], entities=[]), {"id": "x"}]
        with Spanbridge() as spanbridge:
            results = spanbridge.translate_train(given, "sw")
        assert [each.id for each in results] == ["0", 7, "x"]
        assert [each.lang for each in results] == ["swh_Latn"] * 3
        assert [[e.text for e in each.entities] for each in results] == [["Samia"], [], []]
        assert [each.error and each.error.error for each in results] == [None, None, "AmbiguousInput"]

    def test_all_arguments_reach_the_gateway(self, gateway: FakeGateway) -> None:
        with Spanbridge() as spanbridge:
            spanbridge.translate_train([SAMIA], "sw", method="align", options={"beam": 1, "match_by_order": False})
        (sent,) = gateway.training
        assert (sent.lang, sent.method) == ("sw", TrainMethod.ALIGN)
        assert (sent.options.beam, sent.options.match_by_order) == (1, False)

    def test_a_large_batch_is_cut(self, gateway: FakeGateway) -> None:
        huge = {"text": "a" * 9_000_000, "entities": []}
        with Spanbridge() as spanbridge:
            data = spanbridge.training_data([*[SAMIA] * 2_500, huge, SAMIA], "sw")
        assert [len(each.sentences) for each in gateway.training] == [1_000, 1_000, 501]
        assert [each.id for each in data.results] == [str(n) for n in range(2_502)]
        failed = data.results[2_500].error
        assert failed is not None
        assert failed.error == "TextTooLong"
        assert data.model_version == "fake-1"

    def test_faults_of_the_request_are_raised(self, gateway: FakeGateway) -> None:
        with Spanbridge() as spanbridge:
            with pytest.raises(InvalidRequest, match="sentence 1: entities"):
                spanbridge.translate_train([SAMIA, {"text": "a", "entities": 5}], "sw")
            with pytest.raises(InvalidRequest, match="method"):
                spanbridge.translate_train([SAMIA], "sw", method="guess")
            with pytest.raises(UnknownLanguage):
                spanbridge.translate_train([SAMIA], "swahilli")
            assert spanbridge.translate_train([], "sw") == []

    async def test_both_forms_answer_the_same(self, gateway: FakeGateway, server: str) -> None:
        async with AsyncSpanbridge(server) as remote, AsyncSpanbridge() as embedded:
            assert await remote.translate_train([SAMIA], "sw") == await embedded.translate_train([SAMIA], "sw")


@pytest.fixture
def english(tmp_path: Path) -> Path:
    path = tmp_path / "english.conll"
    path.write_text(CONLL, encoding="utf-8")
    return path


class TestCommand:
    def test_conll_to_conll(self, run: Run, gateway: FakeGateway, english: Path, tmp_path: Path) -> None:
        ended = run("translate-train", "--lang", "sw", "--input", "english.conll", "--output", "out.conll")
        assert ended.exit_code == 0, ended.output
        assert (tmp_path / "out.conll").read_text(encoding="utf-8") == CONLL.replace("LOST", "X").replace("B-X", "O")
        assert "2 entities in 2 sentences → out.conll" in ended.stderr
        assert "1 entities got lost; 1 sentences lack some" in ended.stderr
        (sent,) = gateway.training
        assert (sent.lang, sent.method.value, sent.options.beam) == ("sw", "marker", 4)

    def test_sentences_that_lack_entities_can_be_left_out(
        self, run: Run, gateway: FakeGateway, english: Path, tmp_path: Path
    ) -> None:
        ended = run("translate-train", "--lang", "sw", "-i", "english.conll", "-o", "out.conll", "--complete-only")
        assert ended.exit_code == 0, ended.output
        assert (tmp_path / "out.conll").read_text(encoding="utf-8") == "# first\nSamia B-PER\nleft O\n\n"
        assert "1 sentences lack some, and are left out" in ended.stderr

    def test_settings_reach_the_gateway(self, run: Run, gateway: FakeGateway, english: Path) -> None:
        ended = run(
            "translate-train", "--lang", "yor", "-i", "english.conll", "-o", "-", "--method", "align", "--beam", "2",
            "--marker-style", "parentheses", "--no-match-by-order", "--batch", "1",
        )  # fmt: skip
        assert ended.exit_code == 0, ended.output
        assert len(gateway.training) == 2
        sent = gateway.training[0]
        assert (sent.method.value, sent.options.model_dump(mode="json")) == (
            "align", {"beam": 2, "marker_style": "parentheses", "match_by_order": False},
        )  # fmt: skip

    def test_jsonl_keeps_what_got_lost_and_other_keys(self, run: Run, gateway: FakeGateway, tmp_path: Path) -> None:
        line = {"id": 5, "text": "The UN", "entities": [{"start": 4, "end": 6, "label": "LOST"}], "split": "dev"}
        (tmp_path / "in.jsonl").write_text(json.dumps(line), encoding="utf-8")
        assert run("translate-train", "--lang", "sw", "-i", "in.jsonl", "-o", "out.jsonl").exit_code == 0
        (found,) = [json.loads(each) for each in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
        assert (found["id"], found["meta"], found["tags"]) == (5, {"split": "dev"}, ["O", "O"])
        assert found["lost"] == [{"source": 0, "text": "UN", "label": "LOST"}]

    def test_docbin(self, run: Run, gateway: FakeGateway, english: Path, tmp_path: Path) -> None:
        assert run("translate-train", "--lang", "sw", "-i", "english.conll", "-o", "out.spacy").exit_code == 0
        docs = list(DocBin().from_disk(tmp_path / "out.spacy").get_docs(spacy.blank("xx").vocab))
        assert [[(each.text, each.label_) for each in doc.ents] for doc in docs] == [
            [("Samia", "PER")], [("Nairobi", "LOC")],
        ]  # fmt: skip

    def test_a_txt_file_is_read_as_conll(self, run: Run, gateway: FakeGateway, english: Path, tmp_path: Path) -> None:
        english.rename(tmp_path / "train.txt")
        assert run("translate-train", "--lang", "sw", "-i", "train.txt", "-o", "-", "--format", "conll").exit_code == 0

    def test_an_interrupted_run_continues_to_the_same_bytes(
        self, run: Run, gateway: FakeGateway, tmp_path: Path
    ) -> None:
        (tmp_path / "in.conll").write_text(CONLL * 10, encoding="utf-8")
        arguments = ["translate-train", "--lang", "sw", "-i", "in.conll", "--batch", "3", "-o"]
        assert run(*arguments, "whole.conll").exit_code == 0
        gateway.fail_at = len(gateway.training) + 4
        stopped = run(*arguments, "out.conll")
        assert stopped.exit_code == 1
        assert "Stopped after 9 of 20 sentences. The same command continues into out.conll." in stopped.output
        gateway.fail_at = None
        refused = run(*arguments, "out.conll", "--beam", "1")
        assert refused.exit_code == 1
        assert "unfinished run with options" in refused.output
        refused = run(*arguments, "out.conll", "--complete-only")
        assert "unfinished run with complete_only False, not True" in refused.output
        continued = run(*arguments, "out.conll")
        assert continued.exit_code == 0, continued.output
        assert "10 entities got lost; 10 sentences lack some" in continued.output
        assert (tmp_path / "out.conll").read_bytes() == (tmp_path / "whole.conll").read_bytes()

    def test_bad_input_is_told_before_any_work(self, run: Run, gateway: FakeGateway, tmp_path: Path) -> None:
        (tmp_path / "in.conll").write_text("Samia B-PER\nleft\n", encoding="utf-8")
        ended = run("translate-train", "--lang", "sw", "-i", "in.conll", "-o", "out.conll")
        assert ended.exit_code == 1
        assert ended.stderr.startswith("spanbridge: in.conll:2: 'left' has no tag")
        assert (
            "in.conll is the input" in run("translate-train", "--lang", "sw", "-i", "in.conll", "-o", "in.conll").stderr
        )
        assert gateway.started == 0

    def test_failed_sentences_are_told(self, run: Run, gateway: FakeGateway, tmp_path: Path) -> None:
        lines = [SAMIA, {"text": "", "entities": []}]
        (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
        ended = run("translate-train", "--lang", "sw", "-i", "in.jsonl", "-o", "out.jsonl", "--strict")
        assert ended.exit_code == 1
        assert "1 sentences failed:\n  2: AmbiguousInput: " in ended.stderr

    @pytest.mark.parametrize("option", [["--method", "magic"], ["--beam", "17"], ["--marker-style", "xml"]])
    def test_bad_options_are_told(self, run: Run, gateway: FakeGateway, english: Path, option: list[str]) -> None:
        ended = run("translate-train", "--lang", "sw", "-i", "english.conll", "-o", "-", *option)
        assert ended.exit_code == 2
        assert gateway.started == 0
