"""`spanbridge corrections`: what tools export, counted, shown again, and without loss."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from hypothesis import given

from spanbridge.corrections.importing import FORMATS, Import, read_corrections
from spanbridge.exporting import write_documents
from spanbridge.formats.documents import Document, Mark
from spanbridge.formats.records import InputFormat, OutputFormat
from spanbridge.formats.registry import DOCUMENT_READERS, Target
from spanbridge_shared.contracts.corrections import Correction, Unread
from spanbridge_shared.corrections.current import read_current
from spanbridge_shared.corrections.store import CorrectionStore
from tests.support.label_studio_events import NAIROBI, RELATION, SAMIA, TEXT, annotation, copied, exported, region, task
from tests.support.scripts import labelled_texts

Run = Callable[..., Result]


@pytest.fixture
def corrections(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `spanbridge corrections` with a store in the test's folder."""
    monkeypatch.setenv("SPANBRIDGE_GATEWAY_CORRECTIONS", str(tmp_path / "store"))
    return lambda *arguments: run("corrections", *arguments)


def write(path: Path, *rows: Any, lines: bool = False) -> str:
    text = "".join(f"{json.dumps(row)}\n" for row in rows) if lines else json.dumps(rows)
    path.write_text(text, encoding="utf-8")
    return path.name


def kept(folder: Path) -> list[Correction]:
    return list(read_current(CorrectionStore(folder / "store")).corrections)


def told(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stderr


LIFE = (
    exported(task(1, lang="sw"), annotation(1, [SAMIA, NAIROBI, RELATION])),
    exported(task(2, "Hakuna mtu."), annotation(2, [], was_cancelled=True), annotation(3, []), copied(5, [])),
    exported(task(3, "Samia")),
    exported(task(4, "Samia"), annotation(6, [region("a", 0, 5, "Samia", "PER", "Myth")])),
)


def test_a_label_studio_export_is_added(corrections: Run, tmp_path: Path) -> None:
    file = write(tmp_path / "export.json", *LIFE)
    said = told(corrections("add", file, "--name", "LOC=loc", "--annotators", "hashed"))
    for line in (
        "3 corrections with 2 entities",
        "1 texts nobody has annotated",
        "1 skipped by their annotators",
        "1 copied from predictions",
        "1 hold more than entities",
        "2 name no language",
        "kept as it came: task 4: entities overlap",
    ):
        assert line in said
    first, second = kept(tmp_path)
    assert (first.text, first.lang, first.project, first.task) == (TEXT, "swh_Latn", "1", "1")
    assert [(each.start, each.label, each.tool_label) for each in first.spans] == [
        (10, "PER", "PER"),
        (28, "LOC", "loc"),
    ]
    assert first.others == [RELATION]
    assert first.annotator == second.annotator != ""
    assert (second.spans, second.lang) == ([], None)


def test_the_same_file_again_adds_nothing(corrections: Run, tmp_path: Path) -> None:
    file = write(tmp_path / "export.json", *LIFE)
    told(corrections("add", file))
    size = (tmp_path / "store" / "corrections.jsonl").stat().st_size
    assert "5 are there already" in told(corrections("add", file))
    assert (tmp_path / "store" / "corrections.jsonl").stat().st_size == size


def test_they_are_counted_shown_and_declared(corrections: Run, run: Run, tmp_path: Path) -> None:
    told(corrections("add", write(tmp_path / "export.json", *LIFE)))
    listed = json.loads(corrections("list", "--json").stdout)
    assert [(each["lang"], each["texts"], each["entities"]) for each in listed["corrections"]] == [
        (None, 1, 0), ("swh_Latn", 1, 2),
    ]  # fmt: skip
    assert listed["left_out"] == {
        "replaced": 0, "withdrawn": 0, "other_annotators": 0, "unreviewed": 1, "unread": 1, "damaged": 0,
    }  # fmt: skip
    table = corrections("list")
    assert "label-studio" in table.stdout
    assert "1 copied from predictions" in table.stderr
    assert "1 corrections are of zul_Latn" in told(corrections("declare", "--lang", "zu"))
    assert [each.lang for each in kept(tmp_path)] == ["swh_Latn", "zul_Latn"]
    shown = corrections("show", "--lang", "sw", "--project", "1").stdout
    (tmp_path / "gold.jsonl").write_text(shown, encoding="utf-8")
    assert run("export", "gold.jsonl", "-o", "gold.conll").exit_code == 0
    assert "Samia B-PER" in (tmp_path / "gold.conll").read_text(encoding="utf-8")
    (unread,) = map(json.loads, corrections("show", "--unread").stdout.splitlines())
    assert unread["raw"]["data"] == {"text": "Samia"}


def test_doccano_examples_are_added(corrections: Run, tmp_path: Path) -> None:
    rows = [
        {"id": 7, "text": TEXT, "label": [[10, 15, "person"]], "Comments": []},
        {"id": 8, "text": "Hakuna mtu.", "label": []},
        {"id": 9, "text": TEXT, "entities": [{"id": 1, "label": "PER", "start_offset": 10, "end_offset": 15}],
         "relations": [{"id": 1, "from_id": 1, "to_id": 1, "type": "is"}]},
        {"id": 10, "text": "Rais Samia", "label": [[0, 10, "PER"], [5, 10, "PER"]]},
    ]  # fmt: skip
    file = write(tmp_path / "all.doccano.jsonl", *rows, lines=True)
    said = told(corrections("add", file, "--lang", "sw", "--project", "news", "--name", "PER=person"))
    assert "3 corrections with 2 entities" in said
    assert "doccano exports texts that nobody looked at" in said
    assert "task 10: entities overlap" in said
    found = kept(tmp_path)
    assert [(each.task, each.project, each.lang, len(each.spans)) for each in found] == [
        ("7", "news", "swh_Latn", 1), ("8", "news", "swh_Latn", 0), ("9", "news", "swh_Latn", 1),
    ]  # fmt: skip
    assert (found[0].spans[0].label, found[0].spans[0].tool_label) == ("PER", "person")
    assert found[2].others == rows[2]["relations"]


def test_doccanos_untouched_texts_can_be_left_out(corrections: Run, tmp_path: Path) -> None:
    rows = [{"id": 1, "text": "Samia", "label": [[0, 5, "PER"]]}, {"id": 2, "text": "mtu", "label": []}]
    file = write(tmp_path / "all.doccano.jsonl", *rows, lines=True)
    assert "1 texts without entities are left out" in told(corrections("add", file, "--no-empty", "--lang", "sw"))
    assert [each.task for each in kept(tmp_path)] == ["1"]


def test_annotators_with_a_file_each_stand_beside_each_other(corrections: Run, tmp_path: Path) -> None:
    for name, label in (("ann", "PER"), ("ben", "LOC"), ("ann", "ORG")):
        file = write(
            tmp_path / f"{name}.doccano.jsonl", {"id": 1, "text": "Samia", "label": [[0, 5, label]]}, lines=True
        )
        told(corrections("add", file, "--lang", "sw", "--annotator", name))
    lines = corrections("show", "--annotations", "all").stdout.splitlines()
    assert sorted(json.loads(each)["entities"][0]["label"] for each in lines) == ["LOC", "ORG"]
    assert "ann" not in (tmp_path / "store" / "corrections.jsonl").read_text(encoding="utf-8").replace("annot", "")
    (latest,) = corrections("show").stdout.splitlines()
    assert json.loads(latest)["entities"][0]["label"] in ("LOC", "ORG")  # Both may be of the same second.


def test_files_of_two_projects_that_number_alike_are_told_apart(corrections: Run, tmp_path: Path) -> None:
    for name in ("Samia", "Nairobi"):
        file = write(tmp_path / f"{name}.doccano.jsonl", {"id": 1, "text": name, "label": []}, lines=True)
        told(corrections("add", file, "--lang", "sw"))
    assert [each.text for each in kept(tmp_path)] == ["Samia", "Nairobi"]


def test_prodigys_rejected_tasks_are_none(corrections: Run, tmp_path: Path) -> None:
    rows = [{"text": "Samia", "spans": [], "answer": each} for each in ("accept", "reject", "ignore")]
    file = write(tmp_path / "x.prodigy.jsonl", *rows, lines=True)
    assert "2 texts nobody has annotated" in told(corrections("add", file, "--lang", "sw"))
    assert len(kept(tmp_path)) == 1


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"text": "Samia", "id": 1, "label": [{"start": 0, "end": 5, "labels": ["PER"]}]}], "export as JSON"),
        ([{"data": {"a": "x", "b": "y"}, "annotations": []}], "data has no 'text'"),
        ([{"data": {"text": "x"}, "annotations": 3}], "'annotations' must be a list"),
        ([LIFE[0], 3], "record 2"),
    ],
)
def test_a_file_that_cannot_be_read_adds_nothing(rows: list[Any], said: str, corrections: Run, tmp_path: Path) -> None:
    ended = corrections("add", write(tmp_path / "export.json", *rows))
    assert ended.exit_code == 1
    assert said in ended.stderr
    assert not (tmp_path / "store").exists()


def test_what_is_no_store_is_told(corrections: Run) -> None:
    for command in (("list",), ("show",), ("declare", "--lang", "sw")):
        ended = corrections(*command)
        assert ended.exit_code == 1
        assert "no corrections store" in ended.stderr


def test_every_format_can_be_read_again() -> None:
    assert set(FORMATS) <= set(DOCUMENT_READERS)


@pytest.mark.parametrize(
    ("format_", "name"),
    [
        ("prodigy", "x.prodigy.jsonl"),
        ("brat", "x.zip"),
        ("brat", "folder"),
        ("conll", "x.conll"),
        ("conllu", "x.conllu"),
    ],
)
def test_other_formats_are_added(format_: str, name: str, corrections: Run, tmp_path: Path) -> None:
    document = Document("x", "7", "Rais Samia amefika .", (Mark(5, 10, "PER"),), lang="swh_Latn")
    _written([document], tmp_path / name, InputFormat(format_))
    assert "1 corrections with 1 entities" in told(corrections("add", name, "--lang", "sw"))
    (found,) = kept(tmp_path)
    assert (found.tool, found.text, found.lang) == (format_, document.text, "swh_Latn")
    assert [(each.start, each.end, each.label) for each in found.spans] == [(5, 10, "PER")]


def _written(documents: Iterable[Document], path: Path, format_: InputFormat) -> None:
    write_documents(documents, OutputFormat(format_.value), Target(path, "v1"))


@given(labelled_texts(["PER", "LOC"]))
def test_doccanos_offsets_are_code_points(
    tmp_path_factory: pytest.TempPathFactory, drawn: tuple[str, list[tuple[int, int, str]]]
) -> None:
    text, spans = drawn
    path = tmp_path_factory.mktemp("doccano") / "x.jsonl"
    _written([Document("x", 1, text, tuple(Mark(*each) for each in spans))], path, InputFormat.DOCCANO)
    with path.open("rb") as file:
        (found,) = read_corrections(file, "x", InputFormat.DOCCANO, Import()).entries
    assert not isinstance(found, Unread)
    assert isinstance(found, Correction)
    assert found.text == text
    assert [(each.start, each.end, each.label) for each in found.spans] == spans
