"""The report: well-formed, self-contained, and with everything in it."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import Result

from spanbridge_evaluation.report.drawings import Drawing, DrawnLink, LinkKind, draw
from spanbridge_evaluation.report.markup import text, width
from spanbridge_evaluation.report.plots import Dot, Plot, draw_plot, mark_best
from spanbridge_shared.text.bio import LabelledSpan
from spanbridge_shared.text.spans import Span
from tests.unit.evaluation.evaluation_fakes import FakeClient

Evaluate = Callable[..., Result]
_VOID = {"meta"}


class Page(HTMLParser):
    """Checks that every element is closed in its place, and collects what would be loaded."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.feed(content)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "data", "action")]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(path: Path) -> Page:
    content = path.read_text(encoding="utf-8")
    assert re.search(r"https?:|url\(|@import|<script", content) is None
    for svg in re.findall(r"<svg.*?</svg>", content, re.DOTALL):
        ElementTree.fromstring(svg)
    return Page(content)


def test_entities(evaluate: Evaluate, client: FakeClient, tmp_path: Path) -> None:
    for lang in ("swa", "yor"):
        (tmp_path / "data" / lang).mkdir(parents=True)
        content = "<b>Rais O\n&Samia\x0b B-PER\n\nNairobi B-LOC\nmji O\n\nsawa O\n"
        (tmp_path / "data" / lang / "dev.txt").write_text(content, encoding="utf-8")
    ended = evaluate("masakhaner2", "--data", "data", "--report", "r.html", "--compare")
    assert ended.exit_code == 0, ended.output
    page = read(tmp_path / "r.html")
    assert page.links == []
    words = " ".join(page.words)
    for expected in ("Spanbridge on masakhaner2", "fake-1", "F1 by language and method", "Confusion", "wrong boundary",
                     "<b>Rais", "&Samia\ufffd", "Worst sentences", "sentence 2 (line 4), 2 wrong", "gold",
                     "predicted"):  # fmt: skip
        assert expected in words
    # One plot; then the two faulty sentences of each language, of its best setting only.
    assert page.tags.count("svg") == 1 + 2 * 2
    # A confusion table of each language and preset that the server has, a teacher of every language missing.
    assert page.tags.count("details") == 2 * 7
    for expected in ("Published figures", "fused align, ner_spans, nmt", "0.817", "Shkalikov, master's thesis"):
        assert expected in words


def test_without_errors_there_are_no_worst_sentences(evaluate: Evaluate, client: FakeClient, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("Samia B-PER\n", encoding="utf-8")
    assert evaluate("conll", "--data", "f", "--lang", "sw", "--report", "r.html").exit_code == 0
    assert "Worst" not in " ".join(read(tmp_path / "r.html").words)


def test_alignment(evaluate: Evaluate, client: FakeClient, tmp_path: Path) -> None:
    (tmp_path / "f.tsv").write_text("a b c\tx y\t0-0 2-1\t0-0 2-1\n", encoding="utf-8")
    assert evaluate("alignment", "--data", "f.tsv", "--lang", "fr", "--report", "r.html").exit_code == 0
    page = read(tmp_path / "r.html")
    assert "pair 1, AER 0.500" in " ".join(page.words)
    kinds = re.findall('class="link ([a-z]+)"', (tmp_path / "r.html").read_text(encoding="utf-8"))
    assert kinds == ["right", "wrong", "missed"]


def test_translation(evaluate: Evaluate, client: FakeClient, tmp_path: Path) -> None:
    (tmp_path / "f.tsv").write_text("habari <ya> leo\tthe news of today\n", encoding="utf-8")
    assert evaluate("translation", "--data", "f.tsv", "--lang", "sw", "--report", "r.html").exit_code == 0
    words = " ".join(read(tmp_path / "r.html").words)
    assert "habari <ya> leo" in words
    assert "BLEU by language and method" in words


def test_a_drawing_has_every_token_link_and_entity() -> None:
    drawing = Drawing(
        source=["President", "Samia"],
        target=["Rais", "東京", "<&>"],
        links=[DrawnLink(0, 0), DrawnLink(1, 2, LinkKind.WRONG, 0.4)],
        source_entities=[LabelledSpan(Span(1, 2), "PER")],
        gold=[LabelledSpan(Span(1, 3), "PER")],
        predicted=[LabelledSpan(Span(0, 1), "LOC")],
        labels=["PER", "LOC"],
    )
    svg = ElementTree.fromstring(draw(drawing, "English", "sw"))
    texts = [each.text for each in svg.iter("text")]
    assert texts == ["English", "sw", "gold", "predicted", *drawing.source, *drawing.target, "PER", "PER", "LOC"]
    lines = list(svg.iter("line"))
    assert [line.get("class") for line in lines] == ["link found", "link wrong"]
    assert [line.get("stroke-dasharray") for line in lines] == [None, "3 3"]
    places = {each.text: float(each.get("x", "0")) for each in svg.iter("text")}
    assert float(lines[1].get("x1", "0")) == pytest.approx(places["Samia"])
    assert float(lines[1].get("x2", "0")) == pytest.approx(places["<&>"])
    assert len(list(svg.iter("path"))) == 3


def test_a_drawing_of_the_target_alone() -> None:
    svg = ElementTree.fromstring(draw(Drawing([], ["Rais"], predicted=[LabelledSpan(Span(0, 1), "PER")]), "x", "sw"))
    assert [each.text for each in svg.iter("text")] == ["sw", "gold", "predicted", "Rais", "PER"]


def test_plots_place_values() -> None:
    dots = mark_best([Dot("a", 0.5, 0.4, 0.6), Dot("b", 1.0)], more=True)
    assert [dot.best for dot in dots] == [False, True]
    assert [dot.best for dot in mark_best(dots, more=False)] == [True, False]
    svg = ElementTree.fromstring(draw_plot(Plot("F1", 1.0, 3, {"swa": dots, "yor": [Dot("a", 0.0)]})))
    grid = [float(line.get("x1", "0")) for line in svg.iter("line") if line.get("class") == "grid"]
    circles = [float(each.get("cx", "0")) for each in svg.iter("circle")]
    assert circles == pytest.approx([(grid[0] + grid[-1]) / 2, grid[-1], grid[0]])
    assert {"swa", "yor", "0.500", "1.000"} <= {each.text for each in svg.iter("text")}


def test_markup() -> None:
    assert text("\x00\ud800<") == "\ufffd\ufffd&lt;"
    assert width("東") > width("a") == width("a\u0301")
