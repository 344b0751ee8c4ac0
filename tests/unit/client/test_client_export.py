"""`spanbridge export`, and `spanbridge project` into and out of the formats of annotation tools."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from spanbridge.formats.documents import Document
from spanbridge.formats.records import InputFormat, OutputFormat
from spanbridge.formats.registry import BUILDERS, DOCUMENT_READERS
from tests.unit.client.fake_gateway import FakeGateway

Run = Callable[..., Result]
LINES = "Rais Samia 🇰🇪\nNairobi jana\n"
NAMES = {
    "jsonl": "out.jsonl", "conll": "out.conll", "conllu": "out.conllu", "spacy": "out.spacy", "brat": "out.zip",
    "inception": "out.xmi", "label-studio": "out.label-studio.json", "huggingface": "out.huggingface.jsonl",
    "doccano": "out.doccano.jsonl", "doccano-relations": "out.doccano-relations.jsonl", "prodigy": "out.prodigy.jsonl",
    "argilla": "out.argilla.json", "datasaur": "out.datasaur.json",
}  # fmt: skip


@pytest.fixture
def results(run: Run, gateway: FakeGateway, tmp_path: Path) -> Path:
    """Results of two sentences, and of one that failed between them."""
    rows = [
        {"id": "a", "text": "Rais Samia 🇰🇪"},
        {"id": "b", "text": " "},
        {"id": "c", "text": "Nairobi", "split": "x"},
    ]
    (tmp_path / "in.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in rows), encoding="utf-8")
    assert run("project", "in.jsonl", "--lang", "sw", "-o", "results.jsonl").exit_code == 0
    return tmp_path / "results.jsonl"


def documents(path: Path, format_: str) -> list[Document]:
    reader = DOCUMENT_READERS[InputFormat(format_.removesuffix("-relations"))]
    return list(reader(io.BytesIO(path.read_bytes()), str(path)))


def words(found: list[Document]) -> list[list[str]]:
    return [[each.text[mark.start : mark.end] for mark in each.marks] for each in found]


def test_every_format_is_written_and_read() -> None:
    assert {each.value for each in BUILDERS} == {each.value for each in OutputFormat} == set(NAMES)
    assert set(DOCUMENT_READERS) == set(InputFormat)


class TestExport:
    @pytest.mark.parametrize("format_", NAMES)
    def test_results_become_every_format(self, run: Run, results: Path, tmp_path: Path, format_: str) -> None:
        ended = run("export", "results.jsonl", "-o", NAMES[format_])
        assert ended.exit_code == 0, ended.output
        assert f"3 entities in 2 texts → {NAMES[format_]}" in ended.stderr
        assert "1 sentences had failed and are left out: b" in ended.stderr
        assert words(documents(tmp_path / NAMES[format_], format_)) == [["Rais", "Samia"], ["Nairobi"]]
        assert not (tmp_path / f"{NAMES[format_]}.new").exists()

    def test_a_format_can_be_named(self, run: Run, results: Path, tmp_path: Path) -> None:
        assert run("export", "results.jsonl", "--to", "prodigy", "-o", "tasks").exit_code == 0
        assert words(documents(tmp_path / "tasks", "prodigy")) == [["Rais", "Samia"], ["Nairobi"]]

    def test_jsonl_is_the_very_lines(self, run: Run, results: Path, tmp_path: Path) -> None:
        assert run("export", "results.jsonl", "-o", "copy.jsonl").exit_code == 0
        good = [line for line in results.read_text(encoding="utf-8").splitlines() if '"error":null' in line]
        assert (tmp_path / "copy.jsonl").read_text(encoding="utf-8").splitlines() == good

    def test_brat_is_a_folder_where_the_name_has_no_suffix(self, run: Run, results: Path, tmp_path: Path) -> None:
        assert run("export", "results.jsonl", "--to", "brat", "-o", "folder").exit_code == 0
        assert (tmp_path / "folder" / "a.txt").read_text(encoding="utf-8") == "Rais Samia 🇰🇪"
        assert (tmp_path / "folder" / "a.ann").read_text(encoding="utf-8").startswith("T1\tPER 0 4\tRais\n")
        again = run("export", "folder", "-o", "again.jsonl")
        assert again.exit_code == 0, again.output
        assert words(documents(tmp_path / "again.jsonl", "jsonl")) == [["Rais", "Samia"], ["Nairobi"]]

    def test_any_labelled_file_can_be_converted(self, run: Run, results: Path, tmp_path: Path) -> None:
        (tmp_path / "in.conll").write_text("Rais O\nSamia B-PER\n\n", encoding="utf-8")
        assert run("export", "in.conll", "-o", "out.conllu").exit_code == 0
        assert words(documents(tmp_path / "out.conllu", "conllu")) == [["Samia"]]

    def test_a_pipe(self, run: Run, results: Path, tmp_path: Path) -> None:
        given = results.read_bytes()
        ended = run("export", "-", "--to", "conll", "-o", "-", input=given)
        assert ended.stdout == "Rais B-PER\nSamia B-PER\n🇰🇪 O\n\nNairobi B-PER\n\n"

    def test_models_are_named(self, run: Run, results: Path, tmp_path: Path) -> None:
        run("export", "results.jsonl", "-o", "a.argilla.json", "--model-version", "nmt-2+x")
        agents = [
            each["suggestions"]["entities"]["agent"] for each in json.loads((tmp_path / "a.argilla.json").read_bytes())
        ]
        assert agents == ["nmt-2_x", "nmt-2_x"]

    @pytest.mark.parametrize(
        ("line", "told"),
        [
            ("{", "bad.jsonl:2: not valid JSON"),
            ('{"text": "a"}', "bad.jsonl:2: no entities; is this a result of `spanbridge project`?"),
            ('{"text": 1, "entities": []}', "bad.jsonl:2: 'text' must be a string"),
            ('{"text": "a", "entities": [{"start": 0, "end": 2, "label": "X"}]}', "bad.jsonl:2: [0, 2) is no span"),
            (
                '{"text": "ab", "entities": [{"start": 0, "end": 1, "label": "X"}]}',
                "bad.jsonl:2: X [0, 1) 'a' isn't made",
            ),
            ('{"text": "a", "tokens": ["b"], "entities": []}', "bad.jsonl:2: the tokens aren't the words of the text"),
        ],
    )
    def test_faults_are_told_by_line_and_leave_nothing(
        self, run: Run, results: Path, tmp_path: Path, line: str, told: str
    ) -> None:
        first = results.read_text(encoding="utf-8").splitlines()[0]
        (tmp_path / "bad.jsonl").write_text(f"{first}\n{line}\n", encoding="utf-8")
        (tmp_path / "out.conll").write_text("old", encoding="utf-8")
        ended = run("export", "bad.jsonl", "-o", "out.conll", "--overwrite")
        assert ended.exit_code == 1
        assert ended.stderr.startswith(f"spanbridge: {told}")
        assert (tmp_path / "out.conll").read_text(encoding="utf-8") == "old"
        assert not (tmp_path / "out.conll.new").exists()

    def test_what_is_there_is_not_replaced_unasked(self, run: Run, results: Path, tmp_path: Path) -> None:
        (tmp_path / "out.conll").write_text("old", encoding="utf-8")
        assert "--overwrite replaces it" in run("export", "results.jsonl", "-o", "out.conll").stderr
        assert "is the input" in run("export", "results.jsonl", "-o", "results.jsonl", "--overwrite").stderr
        assert "is a folder" in run("export", "results.jsonl", "-o", ".").stderr
        assert "can't be written" in run("export", "results.jsonl", "-o", "no/out.conll").stderr
        assert (
            "is a folder, which only brat's format is"
            in run("export", ".", "--input-format", "conll", "-o", "x").stderr
        )


class TestProject:
    @pytest.mark.parametrize("format_", NAMES)
    def test_a_file_is_labelled_into_every_format(
        self, run: Run, gateway: FakeGateway, tmp_path: Path, format_: str
    ) -> None:
        (tmp_path / "in.txt").write_text(LINES, encoding="utf-8")
        ended = run("project", "in.txt", "--lang", "sw", "-o", NAMES[format_], "--batch", "1")
        assert ended.exit_code == 0, ended.output
        assert "3 entities in 2 sentences" in ended.stderr
        assert words(documents(tmp_path / NAMES[format_], format_)) == [["Rais", "Samia"], ["Nairobi"]]
        assert sorted(each.name for each in tmp_path.iterdir()) == sorted(["in.txt", NAMES[format_]])

    @pytest.mark.parametrize("format_", [each for each in NAMES if each not in ("jsonl", "doccano-relations")])
    def test_every_format_is_labelled(self, run: Run, results: Path, tmp_path: Path, format_: str) -> None:
        run("export", "results.jsonl", "-o", NAMES[format_])
        ended = run("project", NAMES[format_], "--lang", "sw", "-o", "anew.jsonl")
        assert ended.exit_code == 0, ended.output
        assert words(documents(tmp_path / "anew.jsonl", "jsonl")) == [["Rais", "Samia"], ["Nairobi"]]
        lines = (tmp_path / "anew.jsonl").read_text(encoding="utf-8").splitlines()
        if format_ != "conll":
            assert [each["text"] for each in json.loads(lines[0])["meta"]["entities"]] == ["Rais", "Samia"]
            assert [json.loads(line)["id"] for line in lines] == ["a", "c"]

    def test_a_folder_for_brat_is_labelled_and_its_run_continues(
        self, run: Run, gateway: FakeGateway, tmp_path: Path
    ) -> None:
        (tmp_path / "texts").mkdir()
        for name in ("a", "b", "c"):
            (tmp_path / "texts" / f"{name}.txt").write_text(f"Samia {name}", encoding="utf-8")
        gateway.fail_at = 2
        command = ("project", "texts", "--lang", "sw", "-o", "out.zip", "--batch", "1")
        assert run(*command).exit_code == 1
        gateway.fail_at = None
        ended = run(*command)
        assert "Continuing after 1 of 3 sentences" in ended.stderr
        with zipfile.ZipFile(tmp_path / "out.zip") as archive:
            assert archive.read("b.ann") == b"T1\tPER 0 5\tSamia\n#1\tAnnotatorNotes T1\tscore 0.5\n"

    def test_the_models_of_the_run_are_named(self, run: Run, gateway: FakeGateway, tmp_path: Path) -> None:
        (tmp_path / "in.txt").write_text(LINES, encoding="utf-8")
        run("project", "in.txt", "--lang", "sw", "-o", "tasks.label-studio.json")
        tasks: Any = json.loads((tmp_path / "tasks.label-studio.json").read_bytes())
        assert [each["predictions"][0]["model_version"] for each in tasks] == ["fake-1", "fake-1"]

    def test_results_that_a_format_cannot_hold_are_kept(self, run: Run, gateway: FakeGateway, tmp_path: Path) -> None:
        (tmp_path / "in.jsonl").write_text('{"text": "Samia"}\n{"text": "Ruto\\u000bx"}\n', encoding="utf-8")
        ended = run("project", "in.jsonl", "--lang", "sw", "-o", "out.xmi")
        assert ended.exit_code == 1
        assert "out.xmi.partial.jsonl:2: XML can't hold the character" in ended.stderr
        assert "All results are in out.xmi.partial.jsonl; `spanbridge export` writes them" in ended.stderr
        assert run("export", "out.xmi.partial.jsonl", "-o", "out.zip").exit_code == 0
        assert words(documents(tmp_path / "out.zip", "brat")) == [["Samia"], ["Ruto"]]

    def test_bad_input_is_told_before_any_work(self, run: Run, gateway: FakeGateway, tmp_path: Path) -> None:
        (tmp_path / "in.doccano.jsonl").write_text('{"text": "Samia"}\n{"text": 1}\n', encoding="utf-8")
        ended = run("project", "in.doccano.jsonl", "--lang", "sw", "-o", "out.jsonl")
        assert ended.stderr.startswith("spanbridge: in.doccano.jsonl:2: 'text' must be a string")
        assert gateway.started == 0
        (tmp_path / "folder").mkdir()
        ended = run("project", "folder", "--lang", "sw", "-o", "out.jsonl")
        assert "folder has no sentences in it (read as brat)" in ended.stderr

    def test_formats_are_listed(self, run: Run) -> None:
        shown = "".join(run("project", "--help").output.split())
        for format_ in OutputFormat:
            assert format_.value in shown

    def test_training_data_can_be_had_in_every_format(self, run: Run, gateway: FakeGateway, tmp_path: Path) -> None:
        (tmp_path / "in.conll").write_text("Samia B-PER\nleft O\n", encoding="utf-8")
        for name in ("out.zip", "out.prodigy.jsonl", "out.xmi"):
            ended = run("translate-train", "-i", "in.conll", "--lang", "sw", "-o", name)
            assert ended.exit_code == 0, ended.output
        assert words(documents(tmp_path / "out.zip", "brat")) == [["Samia"]]
