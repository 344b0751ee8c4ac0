"""PAN-X as people download it: the archive, what XTREME's scripts make of it, and the exports."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from spanbridge_evaluation.data.layouts import XTREME, read_xtreme
from spanbridge_evaluation.data.lines import DataError
from spanbridge_evaluation.data.panx import read_panx
from spanbridge_shared.text.languages import resolve_language

SWAHILI = "swh_Latn"
COLUMNS = "sw:Samia\tB-PER\nsw:ni\tO\n\n"
ROW = {"tokens": ["Samia", "ni"], "ner_tags": [1, 0], "langs": ["sw", "sw"], "spans": ["PER: Samia"]}


def write(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def test_the_39_codes() -> None:
    codes = {lang: resolve_language(lang) for lang in XTREME}
    assert len(codes) == len(set(codes.values())) == 39
    assert "en" not in codes
    hard = {"ar": "arb_Arab", "et": "est_Latn", "fa": "pes_Arab", "jv": "jav_Latn", "ms": "zsm_Latn", "sw": SWAHILI,
            "tl": "tgl_Latn", "yo": "yor_Latn", "zh": "zho_Hans"}  # fmt: skip
    assert {lang: codes[lang] for lang in hard} == hard


class TestLayouts:
    @pytest.mark.parametrize(
        "name",
        ["sw/test", "sw/test.txt", "sw/test.tsv", "test-sw.tsv", "sw-test", "swa/test", "swh_Latn/test"],
    )
    def test_columns(self, tmp_path: Path, name: str) -> None:
        write(tmp_path / name, COLUMNS)
        (found,) = read_xtreme(tmp_path, ["sw"], "test")
        assert (found.lang, found.code, found.sentences[0].tokens) == ("sw", SWAHILI, ("Samia", "ni"))
        assert read_xtreme(tmp_path, ["swa"], "test")[0].sentences == found.sentences

    def test_all_that_are_there(self, tmp_path: Path) -> None:
        for lang in ("yo", "sw", "als"):
            write(tmp_path / lang / "test", f"{lang}:Samia\tB-PER\n")
        assert [each.lang for each in read_xtreme(tmp_path, [], "test")] == ["sw", "yo"]

    @pytest.mark.parametrize(("file", "asked"), [("validation", "dev"), ("dev", "validation"), ("dev", "dev")])
    def test_parts_go_by_two_names(self, tmp_path: Path, file: str, asked: str) -> None:
        write(tmp_path / "sw" / file, COLUMNS)
        assert read_xtreme(tmp_path, [], asked)[0].split == asked

    def test_an_empty_folder_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"of any XTREME language .*; unpack <lang>\.tar\.gz"):
            read_xtreme(tmp_path, [], "test")
        with pytest.raises(DataError, match="has no yo/test or"):
            read_xtreme(write(tmp_path / "sw" / "test", COLUMNS).parent.parent, ["yo"], "test")


class TestPrefix:
    def test_it_goes_where_all_tokens_have_it(self, tmp_path: Path) -> None:
        path = write(tmp_path / "f", "sw:Samia\tB-PER\nsw::\tO\nsw:a:b\tO\n")
        assert read_panx(path, SWAHILI)[0].tokens == ("Samia", ":", "a:b")

    def test_without_it_tokens_are_kept(self, tmp_path: Path) -> None:
        path = write(tmp_path / "f", "re:Samia\tB-PER\nni\tO\n")
        assert read_panx(path, SWAHILI)[0].tokens == ("re:Samia", "ni")

    @pytest.mark.parametrize("bad", ["Samia", "en:Samia"])
    def test_a_token_without_it_is_told(self, tmp_path: Path, bad: str) -> None:
        path = write(tmp_path / "f", f"sw:a\tO\n\nsw:b\tO\n{bad}\tB-PER\n")
        with pytest.raises(DataError, match=f":4: the token '{bad}' has no 'sw:' before it"):
            read_panx(path, SWAHILI)

    def test_another_language_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"f:1: tokens begin with 'sw:', which is not yor_Latn"):
            read_panx(write(tmp_path / "f", COLUMNS), "yor_Latn")


def test_blank_tokens_go(tmp_path: Path) -> None:
    # As in the Vietnamese and Thai parts; twice an empty line between sentences is there too.
    path = write(tmp_path / "f", "sw:Samia\tB-PER\nsw:\tI-PER\nsw: \tO\n\n\n\nsw:\tO\n\nsw:Roma\tB-LOC\n")
    assert [(each.tokens, each.tags, each.line) for each in read_panx(path, SWAHILI)] == [
        (("Samia",), ("B-PER",), 1), (("Roma",), ("B-LOC",), 9)
    ]  # fmt: skip
    with pytest.raises(DataError, match=r"g:2: a blank token begins an entity \(B-PER\)"):
        read_panx(write(tmp_path / "g", "sw:ni\tO\nsw:\tB-PER\n"), SWAHILI)


def test_a_test_file_without_tags_is_explained(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"test-sw\.tsv:1: no tag: .*XTREME's script removes the tags"):
        read_panx(write(tmp_path / "test-sw.tsv", "Samia\nni\n"), SWAHILI)


class TestJsonLines:
    def test_numbers_and_names(self, tmp_path: Path) -> None:
        other = {"tokens": ["Roma"], "ner_tags": ["B-LOC"]}
        write(tmp_path / "sw" / "test.jsonl", f"{json.dumps(ROW)}\n\n{json.dumps(other)}\n")
        (found,) = read_xtreme(tmp_path, [], "test")
        assert [(each.tokens, each.tags, each.line) for each in found.sentences] == [
            (("Samia", "ni"), ("B-PER", "O"), 1), (("Roma",), ("B-LOC",), 3)
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("line", "told"),
        [
            ("{", "no JSON"),
            ("[" * 100_000, "no JSON"),
            ("[]", "as many tags as tokens"),
            ('{"tokens": ["a"], "ner_tags": []}', "as many tags as tokens"),
            ('{"tokens": [1], "ner_tags": [0]}', "as many tags as tokens"),
            ('{"tokens": "a", "ner_tags": [0]}', "as many tags as tokens"),
            ('{"tokens": ["a"], "ner_tags": [7]}', "'7' is no tag: 0 to 6"),
            ('{"tokens": ["a"], "ner_tags": [true]}', "'True' is no tag"),
            ('{"tokens": ["a"], "ner_tags": [-1]}', "'-1' is no tag"),
            ('{"tokens": ["a"], "ner_tags": ["PER"]}', "'PER' is no tag"),
            ('{"tokens": ["a"], "ner_tags": ["B-X"]}', "unknown label 'X'"),
        ],
    )
    def test_faults_name_the_line(self, tmp_path: Path, line: str, told: str) -> None:
        with pytest.raises(DataError, match=rf"f\.jsonl:2: .*{told}"):
            read_panx(write(tmp_path / "f.jsonl", f"{json.dumps(ROW)}\n{line}\n"), SWAHILI)

    def test_nothing_in_it(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=":1: no sentences"):
            read_panx(write(tmp_path / "f.jsonl", "\n"), SWAHILI)
        with pytest.raises(DataError, match=":1: from here to the end there is no entity"):
            read_panx(write(tmp_path / "f.jsonl", '{"tokens": ["a"], "ner_tags": [0]}\n'), SWAHILI)


class TestParquet:
    def test_without_pyarrow_it_says_what_to_do(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def missing(name: str) -> Any:
            raise ModuleNotFoundError(name)

        monkeypatch.setattr("spanbridge_evaluation.data.panx.importlib.import_module", missing)
        with pytest.raises(DataError, match=r"f\.parquet: Parquet needs pyarrow .*or export JSON Lines"):
            read_panx(write(tmp_path / "f.parquet", ""), SWAHILI)

    def test_the_published_export(self, tmp_path: Path) -> None:
        pyarrow, parquet = pytest.importorskip("pyarrow"), importlib.import_module("pyarrow.parquet")
        path = tmp_path / "sw" / "test-00000-of-00001.parquet"
        path.parent.mkdir()
        parquet.write_table(pyarrow.Table.from_pylist([ROW]), path)
        (found,) = read_xtreme(tmp_path, [], "test")
        assert found.sentences[0].tags == ("B-PER", "O")
        with pytest.raises(DataError, match="is no Parquet file"):
            read_panx(write(tmp_path / "f.parquet", "x"), SWAHILI)
        with pytest.raises(DataError, match="can't be read"):
            read_panx(tmp_path / "nothing.parquet", SWAHILI)
