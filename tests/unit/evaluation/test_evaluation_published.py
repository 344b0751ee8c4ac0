"""Published figures: the ones that were published, beside the right languages, labels and files."""

import doctest
from types import ModuleType

import pytest

from spanbridge_evaluation import cells as cells_module
from spanbridge_evaluation import published
from spanbridge_evaluation.comparison import comparison
from spanbridge_evaluation.published import published_figures, published_lines, published_tables
from spanbridge_evaluation.results import AlignmentRow, Caches, NerRow, PublishedFigure
from spanbridge_evaluation.tables import listing, notes

LABELS = frozenset({"PER", "ORG", "LOC"})
EUROPARL = LABELS | {"MISC"}


def ner(dataset: str, lang: str, f1: float = 0.5, labels: frozenset[str] = LABELS, **more: object) -> NerRow:
    return NerRow.model_validate(
        {
            "dataset": dataset, "lang": lang, "split": "dev", "method": "candidates", "options": {}, "sentences": 10,
            "failed": 0, "faults": {}, "precision": f1, "recall": f1, "f1": f1, "ci95": (f1, f1), "per_label": {},
            "confusion": {}, "labels": sorted(labels), "left_out": [], "seconds": 2.0, "sentences_per_second": 5.0,
            "model_version": "m", "published": published_figures(dataset, lang, labels=labels), **more,
        }
    )  # fmt: skip


def links(lang: str, split: str, aer: float = 0.1) -> AlignmentRow:
    return AlignmentRow(
        dataset="alignment", lang=lang, split=split, method="argmax", options={}, sentences=1, failed=0, faults={},
        precision=1, recall=1, f1=1, aer=aer, seconds=1, sentences_per_second=1, model_version="m",
        published=published_figures("alignment", lang, split=split),
    )  # fmt: skip


def test_means_are_the_published_ones() -> None:
    checked = [table for table in published_tables() if table.mean is not None and table.figures]
    assert len(checked) >= 21
    for table in checked:
        assert len(table.figures) == 18
        assert sum(table.figures.values()) / 18 == pytest.approx(table.mean, abs=0.0011), table.method


def test_all_lie_between_0_and_1_and_name_their_source() -> None:
    for table in published_tables():
        assert all(0 < value < 1 for value in table.figures.values())
        assert table.setup
        assert table.source
        assert table.url.startswith("https://github.com/")


@pytest.mark.parametrize(("lang", "best"), [("de", 0.921), ("es", 0.916), ("it", 0.879), ("deu_Latn", 0.921)])
def test_the_best_on_europarl(lang: str, best: float) -> None:
    assert published_figures("europarl-ner", lang, labels=EUROPARL)[0].value == best


def test_other_labels_languages_and_data_have_none() -> None:
    assert published_figures("europarl-ner", "de", labels=LABELS) == []
    assert published_figures("masakhaner2", "swa", labels=frozenset({"PER"})) == []
    assert published_figures("masakhaner2", "pcm", labels=LABELS) == []
    assert published_figures("conll", "de", labels=EUROPARL) == []
    assert published_figures("masakhaner2", "nonsense", labels=LABELS) == []


def test_links_have_them_for_test_files_alone_and_less_is_better() -> None:
    found = published_figures("alignment", "en-fr", split="awesome_examples.test")
    assert [each.value for each in found] == sorted(each.value for each in found)
    assert (found[0].method, found[0].value) == ("AWESOME, fine-tuned", 0.041)
    assert published_figures("alignment", "ro", split="test")[0].value == 0.207
    assert published_figures("alignment", "en-fr", split="xlwa.dev") == []
    assert published_figures("alignment", "en-fr", split="contest") == []


class TestLines:
    def test_means_over_our_languages(self) -> None:
        rows = [ner("masakhaner2", "swa"), ner("masakhaner2", "yor"), ner("masakhaner2", "pcm")]
        lines = published_lines(rows)
        assert [line.mean for line in lines] == sorted((line.mean for line in lines), reverse=True)
        (fusion,) = (line for line in lines if line.method == "fused align, ner_spans, nmt")
        assert (fusion.figures, fusion.of) == ({"swa": 0.817, "yor": 0.566}, 2)
        assert fusion.mean == pytest.approx((0.817 + 0.566) / 2)

    def test_means_alone(self) -> None:
        lines = published_lines([ner("xtreme", "sw"), ner("xtreme", "yo")])
        assert {line.of for line in lines} == {39}
        assert lines[0].mean == 0.509

    def test_less_is_better_for_links(self) -> None:
        lines = published_lines([links("en-fr", "test"), links("en-ro", "test"), links("en-fr", "xlwa.dev")])
        assert lines[0].method == "AWESOME, fine-tuned"
        assert lines[0].figures == {"en-fr": 0.041, "en-ro": 0.207}

    def test_none(self) -> None:
        assert published_lines([]) == published_lines([ner("conll", "de")]) == []

    def test_a_method_that_lacks_a_language_does_not_count(self) -> None:
        one = PublishedFigure(method="a", setup="", source="", split="", value=0.9)
        both = [one.model_copy(update={"method": "b", "value": value}) for value in (0.1, 0.3)]
        rows = [ner("x", "swa", published=[one, both[0]]), ner("x", "yor", published=[both[1]])]
        assert [(line.method, line.mean) for line in published_lines(rows)] == [("b", pytest.approx(0.2))]


def cells(table: object, column: int) -> list[str]:
    return list(table.columns[column]._cells)  # type: ignore[attr-defined]


class TestTables:
    def test_beside_each_language_and_its_mean(self) -> None:
        rows = [ner("masakhaner2", lang) for lang in ("bbj", "pcm", "swa", "yor")]
        table = listing(rows)
        assert cells(table, 0)[4:] == ["mean of 4", "mean of 3, without bbj", "mean of 2 published"]
        (place,) = (n for n, column in enumerate(table.columns) if column.header == "published")
        assert cells(table, place) == ["", "", ".883", ".595", "", "", ".698"]
        assert notes(rows, compare=False)[0] == ("published (split test; other models and machines), the best means:")
        assert notes(rows, compare=False)[1].startswith("  .698 (mean of 2) n-gram candidates, greedy, SimAlign; NLLB")
        assert notes(rows, compare=False)[-1].startswith("  and ")

    def test_without_any_there_is_no_column(self) -> None:
        rows = [ner("conll", "de"), ner("conll", "es")]
        assert "published" not in [column.header for column in listing(rows).columns]
        assert notes(rows, compare=False) == []

    def test_beside_links(self) -> None:
        table = listing([links("en-fr", "a.test"), links("en-fr", "xlwa.dev")])
        (place,) = (n for n, column in enumerate(table.columns) if column.header == "published")
        assert cells(table, place) == [".041", ""]

    def test_compared_links_stand_below_their_own_file(self) -> None:
        rows = [links("en-fr", "a.test"), links("en-fr", "xlwa.dev")]
        table = comparison(rows)
        assert cells(table, 0)[1] == "published: AWESOME, fine-tuned"
        assert [cells(table, column)[1] for column in (1, 2, 3)] == [".041", "–", "–"]

    def test_many_data_sets_stand_below_each_other(self) -> None:
        rows = [ner("masakhaner2", lang, caches=Caches.OFF) for lang in ("swa", "yor", "hau", "pcm", "lug")]
        table = comparison(rows)
        assert [column.header for column in table.columns] == ["data", "candidates", "published"]
        assert cells(table, 0) == ["swa", "yor", "hau", "pcm", "lug", "mean F1", "s", "sentences/s"]
        assert cells(table, 1) == [".500"] * 6 + ["10.0", "5.0"]
        assert cells(table, 2)[:4] == [".883", ".595", ".737", ""]

    def test_seconds_only_where_they_compare(self) -> None:
        off = [ner("conll", "de", caches=Caches.OFF), ner("conll", "es", caches=Caches.OFF)]
        table = comparison(off)
        assert [column.header for column in table.columns][-2:] == ["s", "sentences/s"]
        assert [cells(table, column)[0] for column in (-2, -1)] == ["4.0", "5.0"]
        mixed = [off[0], ner("conll", "es", caches=Caches.SHARED)]
        assert comparison(mixed).columns[-1].header == "mean F1"
        assert notes(mixed, compare=True) == ["seconds are left out: with caches, a setting gains from those before it"]


@pytest.mark.parametrize("module", [published, cells_module])
def test_examples(module: ModuleType) -> None:
    found = doctest.testmod(module)
    assert (found.attempted > 0, found.failed) == (True, 0)
