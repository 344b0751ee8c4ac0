"""Where each data set's files lie, and pairs of files that don't fit each other."""

from pathlib import Path

import pytest

from spanbridge_evaluation.data.layouts import EuroparlSplit, read_conll, read_europarl, read_masakhaner
from spanbridge_evaluation.data.lines import DataError
from spanbridge_evaluation.data.pairs import read_alignment_sets, read_alignments, read_translation_sets
from spanbridge_shared.errors import UnknownLanguage

ONE = "Samia B-PER\nna O\n\n"


def write(path: Path, content: str = ONE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


class TestEuroparl:
    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        for name in ("en", "de", "es", "README"):
            write(tmp_path / f"{name}.txt", "".join(f"Samia{n} B-PER\n\n" for n in range(203)))
        return tmp_path

    @pytest.mark.parametrize(("split", "first", "size"), [("dev", 0, 200), ("test", 200, 3), ("all", 0, 203)])
    def test_splits(self, root: Path, split: str, first: int, size: int) -> None:
        german, spanish = read_europarl(root, [], EuroparlSplit(split))
        assert (german.lang, spanish.lang, german.split, german.code) == ("de", "es", split, "deu_Latn")
        assert german.sources is not None
        for side in (german.sentences, german.sources):
            assert (len(side), side[0].tokens[0]) == (size, f"Samia{first}")

    def test_a_language_goes_by_any_of_its_codes(self, root: Path) -> None:
        (found,) = read_europarl(root, ["deu_Latn"], EuroparlSplit.ALL)
        assert (found.lang, len(found.sentences)) == ("deu_Latn", 203)

    def test_unequal_files_are_told(self, root: Path) -> None:
        write(root / "de.txt", ONE)
        with pytest.raises(DataError, match=r"en\.txt:3: sentence 2 has no partner: .*de\.txt has 1 .* 203"):
            read_europarl(root, ["de"], EuroparlSplit.ALL)

    def test_published_names(self, root: Path, tmp_path: Path) -> None:
        for name in ("en", "de"):
            write(tmp_path / "own" / f"{name}-europarl.test.conll02", ONE)
        (found,) = read_europarl(tmp_path / "own", [], EuroparlSplit.ALL)
        assert (found.lang, len(found.sentences)) == ("de", 1)
        with pytest.raises(DataError, match=r"has no de\.txt"):
            read_europarl(write(tmp_path / "alone" / "en.txt").parent, [], EuroparlSplit.ALL)

    def test_missing_files_are_told(self, root: Path, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"has no it\.txt"):
            read_europarl(root, ["it"], EuroparlSplit.ALL)
        with pytest.raises(UnknownLanguage, match="nearest"):
            read_europarl(root, ["xx"], EuroparlSplit.ALL)
        with pytest.raises(DataError, match=r"there is no .*en\.txt"):
            read_europarl(write(tmp_path / "empty" / "de.txt").parent, [], EuroparlSplit.ALL)
        with pytest.raises(DataError, match="is no folder"):
            read_europarl(tmp_path / "nowhere", [], EuroparlSplit.ALL)


class TestMasakhaner:
    def test_folders_by_language(self, tmp_path: Path) -> None:
        for name in ("swa/dev", "yor/dev", "yor/test", "notes/dev"):
            write(tmp_path / f"{name}.txt")
        assert [each.lang for each in read_masakhaner(tmp_path, [], "dev")] == ["swa", "yor"]
        assert [each.code for each in read_masakhaner(tmp_path, ["sw"], "dev")] == ["swh_Latn"]
        with pytest.raises(DataError, match=r"has no swa/test\.txt"):
            read_masakhaner(tmp_path, ["swa"], "test")
        with pytest.raises(DataError, match=r"has no <lang>/train\.txt"):
            read_masakhaner(tmp_path, [], "train")


def test_conll_with_and_without_english(tmp_path: Path) -> None:
    path, english = write(tmp_path / "a", ONE), write(tmp_path / "b", "Samia B-PER\nand O\n\n")
    assert read_conll(path, "sw", None, "x").sources is None
    found = read_conll(path, "sw", english, "x").sources
    assert found is not None
    assert found[0].tokens == ("Samia", "and")
    with pytest.raises(DataError, match=r"a:4: sentence 2 has no partner: .*b has 1 sentences, .*a 2"):
        read_conll(write(path, ONE + ONE), "sw", english, "x")


PAIR = "a b\tx y z\t0-0\t0-0 1-2\n"


class TestAlignments:
    def test_columns(self, tmp_path: Path) -> None:
        (three, four) = (read_alignments(write(tmp_path / n, c)) for n, c in (("f", PAIR), ("g", "a b\tx\t0-0 1-0\n")))
        assert (three[0].source, three[0].target) == (("a", "b"), ("x", "y", "z"))
        assert (three[0].sure, three[0].possible) == ({(0, 0)}, {(0, 0), (1, 2)})
        assert four[0].sure == four[0].possible == {(0, 0), (1, 0)}

    @pytest.mark.parametrize(
        ("line", "told"),
        [
            ("a b\tx\n", ":2: 2 tab-separated columns in place of 4"),
            ("a b\tx\t0-0\n", ":2: 3 columns, but the lines before have 4"),
            ("a b\tx\t0-0 1:0\t\n", ":2: '1:0' is no link"),
            ("a b\tx\t0-0\t2-0\n", ":2: the link 2-0 is outside the 2 English and 1 other tokens"),
            ("a b\tx\t0-1\t\n", ":2: the link 0-1 is outside"),
            ("a b\tx\t1-1\t\n", ":2: the link 1-1 is outside"),
            ("a b\tx\t-1-0\t\n", ":2: '-1-0' is no link"),
            (f"a b\tx\t{'9' * 5000}-0\t\n", ":2: '9{40}' is no link"),
            ("a b\tx\t٣-٤\t\n", ":2: '٣-٤' is no link"),
            ("\tx\t\t\n", ":2: the English side has no tokens"),
            ("\n", ":2: 1 tab-separated columns"),
        ],
    )
    def test_faults_name_the_line(self, tmp_path: Path, line: str, told: str) -> None:
        with pytest.raises(DataError, match=told):
            read_alignments(write(tmp_path / "f", PAIR + line))

    def test_files_without_links(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="no sure link"):
            read_alignments(write(tmp_path / "f", "a\tx\t\t0-0\n"))
        with pytest.raises(DataError, match=":1: the file is empty"):
            read_alignments(write(tmp_path / "f", ""))

    def test_folders(self, tmp_path: Path) -> None:
        for name in ("en-fr/xlwa.dev", "en-fr/golden.all", "en-de/xlwa.dev"):
            write(tmp_path / f"{name}.tsv", PAIR)
        found = read_alignment_sets(tmp_path, [], None)
        assert [(each.lang, each.split, each.code) for each in found] == [
            ("en-de", "xlwa.dev", "deu_Latn"), ("en-fr", "golden.all", "fra_Latn"), ("en-fr", "xlwa.dev", "fra_Latn"),
        ]  # fmt: skip
        assert [(each.lang, each.split) for each in read_alignment_sets(tmp_path, ["fr"], "dev")] == [
            ("fr", "xlwa.dev")
        ]
        (single,) = read_alignment_sets(tmp_path / "en-fr" / "golden.all.tsv", [], None)
        assert (single.lang, single.code) == ("en-fr", "fra_Latn")
        with pytest.raises(DataError, match="no gold alignment for 'ro'"):
            read_alignment_sets(tmp_path, ["ro"], None)
        with pytest.raises(DataError, match="no file or folder"):
            read_alignment_sets(tmp_path / "nowhere", [], None)


class TestTranslations:
    def test_a_file_and_a_folder(self, tmp_path: Path) -> None:
        write(tmp_path / "swh_Latn.tsv", "Habari\tHello\n")
        (found,) = read_translation_sets(tmp_path / "swh_Latn.tsv", ["sw"])
        assert (found.lang, found.texts, found.english) == ("sw", ["Habari"], ["Hello"])
        assert read_translation_sets(tmp_path, [])[0].lang == "swh_Latn"
        assert read_translation_sets(tmp_path, ["swa"])[0].texts == ["Habari"]
        with pytest.raises(DataError, match=r"has no yor\.tsv"):
            read_translation_sets(tmp_path, ["yor"])

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            ("a\tb\nc\n", ":2: 1 tab-separated columns in place of 2"),
            ("a\tb\tc\n", ":1: 3 tab-separated columns"),
            ("a\t \n", ":1: the English is empty"),
            ("", ":1: the file is empty"),
        ],
    )
    def test_faults_name_the_line(self, tmp_path: Path, content: str, told: str) -> None:
        with pytest.raises(DataError, match=told):
            read_translation_sets(write(tmp_path / "f.tsv", content), ["sw"])
