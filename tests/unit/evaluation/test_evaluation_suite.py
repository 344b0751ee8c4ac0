"""`spanbridge evaluate all`: what is there is measured, what is missing is told, and a bad set stops no other."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.unit.evaluation.evaluation_fakes import FakeClient

Evaluate = Callable[..., Result]
TAGGED = "Rais O\nSamia B-PER\n\nNairobi B-LOC\nmji O\n\n"
NAMES = ["europarl-ner", "masakhaner2", "conll2002", "alignment", "translation", "xtreme"]


def write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    for lang in ("en", "de"):
        write(root / "ner" / "europarl_ner" / f"{lang}.txt", TAGGED)
    for lang in ("swa", "yor"):
        write(root / "ner" / "masakhaner2" / lang / "dev.txt", TAGGED * 3)
    write(root / "ner" / "conll2002" / "es.dev.txt", TAGGED)
    write(root / "align" / "en-de" / "a.test.tsv", "a b\tx y\t0-0 1-1\n")
    write(root / "mt_dev" / "swh_Latn.tsv", "habari ya leo mjini\tnews of today in town\n")
    write(root / "ner" / "wikiann" / "sw" / "test", "sw:Samia\tB-PER\n")
    return root


def test_everything(evaluate: Evaluate, client: FakeClient, data: Path, tmp_path: Path) -> None:
    ended = evaluate("all", "--data", "data", "--out", "out", "--resume-dir", "kept")
    assert ended.exit_code == 0, ended.output
    assert "Not in" not in ended.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "tables.txt", "results.json", *(f"{name}.{kind}" for name in NAMES for kind in ("json", "html"))
    }  # fmt: skip
    found = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))["results"]
    assert {(row["dataset"], row["lang"]) for row in found} == {
        ("europarl-ner", "de"), ("masakhaner2", "swa"), ("masakhaner2", "yor"), ("conll", "es"), ("alignment", "en-de"),
        ("translation", "swh_Latn"), ("xtreme", "sw"),
    }  # fmt: skip
    assert {row["caches"] for row in found} == {"off"}
    text = (tmp_path / "out" / "tables.txt").read_text(encoding="utf-8")
    assert text.strip() == ended.stdout.strip()
    assert all(f"{name}: " in text for name in NAMES)
    assert "masakhaner2: MasakhaNER 2.0, 20 African languages, the first 200 of each" in text
    # Aligners are compared, the rest is measured with its defaults.
    assert len([row for row in found if row["dataset"] == "alignment"]) >= 5
    assert list((tmp_path / "kept").iterdir()) == []


def test_as_json_and_with_a_limit(evaluate: Evaluate, client: FakeClient, data: Path, tmp_path: Path) -> None:
    ended = evaluate("all", "--data", "data", "--limit", "1", "--json")
    found = json.loads(ended.stdout)["results"]
    assert {row["sentences"] for row in found} == {1}
    assert (tmp_path / "build" / "eval" / "tables.txt").exists()
    full = json.loads(evaluate("all", "--data", "data", "--limit", "1", "--full", "--json").stdout)["results"]
    assert {row["sentences"] for row in full if row["dataset"] == "masakhaner2"} == {6}


def test_what_is_missing_is_told(evaluate: Evaluate, client: FakeClient, tmp_path: Path) -> None:
    write(tmp_path / "data" / "mt_dev" / "swh_Latn.tsv", "habari ya leo mjini\tnews of today in town\n")
    ended = evaluate("all", "--data", "data", "--json")
    assert ended.exit_code == 0, ended.output
    assert [row["dataset"] for row in json.loads(ended.stdout)["results"]] == ["translation"]
    assert "Not in data:" in ended.stderr
    assert "masakhaner2: MasakhaNER 2.0, 20 African languages (CC BY-NC 4.0)" in ended.stderr
    assert "https://github.com/masakhane-io/masakhane-ner" in ended.stderr
    assert "MAFAND" not in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "spanbridge: no data is named; get them as said above, then make eval DATA=FOLDER"),
        (["--data", "."], "spanbridge: . holds none of these data sets; get them"),
        (["--data", "gone"], "spanbridge: gone is no folder; it should hold ner/europarl_ner, ner/masakhaner2"),
    ],
)
def test_without_data_it_says_where_to_get_it(
    evaluate: Evaluate, client: FakeClient, arguments: list[str], told: str
) -> None:
    ended = evaluate("all", *arguments)
    assert (ended.exit_code, ended.stdout, client.calls) == (1, "", [])
    assert told in ended.stderr
    if "gone" not in told:
        for name in NAMES:
            assert f"\n{name}: " in ended.stderr
        assert ended.stderr.count("https://") >= 6


def test_a_bad_set_stops_no_other(evaluate: Evaluate, client: FakeClient, data: Path, tmp_path: Path) -> None:
    write(data / "ner" / "masakhaner2" / "swa" / "dev.txt", "Rais O\nSamia\n")
    ended = evaluate("all", "--data", "data")
    assert ended.exit_code == 1
    bad = f"{Path('data', 'ner', 'masakhaner2', 'swa', 'dev.txt')}:2: no tag"
    assert f"masakhaner2: failed: {bad}" in ended.stderr
    assert f"spanbridge: {bad}" in ended.stderr
    assert "translation: MAFAND" in ended.stdout
    assert not (tmp_path / "build" / "eval" / "masakhaner2.json").exists()
    assert (tmp_path / "build" / "eval" / "xtreme.html").exists()


def test_a_stopped_run_continues(evaluate: Evaluate, client: FakeClient, data: Path) -> None:
    client.interrupt_at = 4
    assert evaluate("all", "--data", "data").exit_code == 130
    client.interrupt_at = None
    ended = evaluate("all", "--data", "data")
    assert ended.exit_code == 0
    assert "continuing after" in ended.stderr


def test_a_folder_that_cannot_be_made_is_told(evaluate: Evaluate, client: FakeClient, data: Path) -> None:
    write(data.parent / "file", "")
    ended = evaluate("all", "--data", "data", "--out", "file/x")
    assert ended.exit_code == 1
    assert "file/x can't be made: Not a directory; --out names another folder" in ended.stderr
