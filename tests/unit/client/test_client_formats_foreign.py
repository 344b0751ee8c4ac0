"""Files that other tools wrote: what they have is read, and what is wrong in them is told by file and line."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cassis import load_cas_from_xmi, load_typesystem
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from spanbridge.formats.documents import Document, Mark
from spanbridge.formats.records import CorpusError, InputFormat, OutputFormat, guess_input, guess_output
from spanbridge.formats.registry import BUILDERS, DOCUMENT_READERS, RECORD_READERS, Target
from tests.support.cas import ENTITY, make_cas, type_system


def as_file(content: Any) -> io.BytesIO:
    if isinstance(content, bytes):
        return io.BytesIO(content)
    return io.BytesIO((content if isinstance(content, str) else json.dumps(content)).encode())


def read(format_: str, content: Any, name: str = "in.file") -> list[Document]:
    return list(DOCUMENT_READERS[InputFormat(format_)](as_file(content), name))


def build(format_: str, documents: list[Document], name: str = "out") -> bytes:
    return b"".join(BUILDERS[OutputFormat(format_)](documents, Target(Path(name), "models-1:a+b")))


def marks(document: Document) -> list[tuple[str, str]]:
    return [(document.text[each.start : each.end], each.label) for each in document.marks]


def zipped(**files: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return made.getvalue()


CONLLU = """# newdoc id = d
# sent_id = s-1
# text = Vámonos a Dar es Salaam.
1-2\tVámonos\t_\t_\t_\t_\t_\t_\t_\t_
1\tVamos\tir\tVERB\t_\t_\t0\troot\t_\t_
2\tnos\tnosotros\tPRON\t_\t_\t1\tobj\t_\t_
3\ta\ta\tADP\t_\t_\t4\tcase\t_\t_
4\tDar\tDar\tPROPN\t_\t_\t1\tobl\t_\tNER=B-LOC|Translit=x
5\tes\tes\tPROPN\t_\t_\t4\tflat\t_\tNER=I-LOC
5.1\tghost\t_\t_\t_\t_\t_\t_\t_\t_
6\tSalaam\tSalaam\tPROPN\t_\t_\t4\tflat\t_\tNER=I-LOC|SpaceAfter=No
7\t.\t.\tPUNCT\t_\t_\t1\tpunct\t_\t_

"""


class TestConllu:
    def test_surface_words_are_labelled(self) -> None:
        (document,) = read("conllu", CONLLU)
        assert (document.id, document.tokens) == ("s-1", ("Vámonos", "a", "Dar", "es", "Salaam", "."))
        assert (document.text, marks(document)) == ("Vámonos a Dar es Salaam.", [("Dar es Salaam", "LOC")])
        (record,) = RECORD_READERS[InputFormat.CONLLU](as_file(CONLLU), "f")
        assert record.sentence.tokens == ["Vámonos", "a", "Dar", "es", "Salaam", "."]

    def test_all_columns_and_comments_come_back(self) -> None:
        (document,) = read("conllu", CONLLU)
        assert build("conllu", [document]).decode() == CONLLU

    def test_new_entities_take_the_place_of_old_ones(self) -> None:
        (document,) = read("conllu", CONLLU)
        anew = Document("", "s-1", document.text, (Mark(0, 7, "PER"),), document.tokens, meta=document.meta)
        rows = build("conllu", [anew]).decode().splitlines()
        assert rows[3].endswith("\tNER=B-PER")
        assert rows[7].endswith("\tTranslit=x")
        assert "LOC" not in build("conllu", [anew]).decode()

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            ("1\ta\n", r"in\.file:1: 2 columns"),
            (CONLLU + "1 a\n", r"in\.file:14: 1 columns"),
            (b"\xff", ":1: not UTF-8"),
        ],
    )
    def test_faults_are_told_by_line(self, content: Any, told: str) -> None:
        with pytest.raises(CorpusError, match=told):
            read("conllu", content)


class TestHuggingFace:
    ROW = {"id": 3, "tokens": ["Rais", "Samia"], "ner_tags": [0, 1], "split": "dev"}

    def test_numbers_without_names_are_kept(self) -> None:
        (document,) = read("huggingface", self.ROW)
        assert (document.id, document.marks, document.meta) == (3, (), {"split": "dev", "ner_tags": [0, 1]})

    @pytest.mark.parametrize(
        "features",
        [
            {"features": {"ner_tags": {"feature": {"names": ["O", "B-PER"], "_type": "ClassLabel"}}}},
            {"ner_tags": {"_type": "Sequence", "feature": {"class_label": {"names": ["O", "B-PER"]}}}},
        ],
    )
    def test_a_features_file_names_them(self, tmp_path: Path, features: Any) -> None:
        (tmp_path / "dataset_info.json").write_text(json.dumps(features), encoding="utf-8")
        path = tmp_path / "train.jsonl"
        path.write_text(json.dumps(self.ROW), encoding="utf-8")
        (document,) = read("huggingface", path.read_bytes(), str(path))
        assert marks(document) == [("Samia", "PER")]
        path.write_text(json.dumps(self.ROW | {"ner_tags": [0, 2]}), encoding="utf-8")
        with pytest.raises(CorpusError, match="has no name for"):
            read("huggingface", path.read_bytes(), str(path))

    @pytest.mark.parametrize(
        ("row", "told"),
        [
            ({"tokens": "a"}, "'tokens' must be a list"),
            ({"tokens": ["a"], "ner_tags": ["O", "O"]}, "1 tokens but 2 tags"),
            ({"tokens": ["a"], "ner_tags": ["X"]}, "tag 'X'"),
            ({"tokens": ["a"], "ner_tags": "O"}, "'ner_tags' must be"),
        ],
    )
    def test_faults_are_told_by_line(self, row: Any, told: str) -> None:
        with pytest.raises(CorpusError, match=rf"in\.file:2: {told}"):
            read("huggingface", f"{json.dumps({'tokens': ['b'], 'ner_tags': ['O']})}\n{json.dumps(row)}")


class TestBrat:
    def test_a_zip_of_pairs(self) -> None:
        ann = "T1\tLOC 11 18\tNairobi\nR1\tAt Arg1:T1 Arg2:T1\nT2\tPER 0 5\tSamia\n#1\tAnnotatorNotes T2\tsure\n"
        content = zipped(**{"a__txt": "Samia yuko Nairobi", "a__ann": ann, "b/c__txt": "hakuna"})
        first, second = read("brat", content)
        assert (first.id, marks(first)) == ("a", [("Samia", "PER"), ("Nairobi", "LOC")])
        assert first.meta == {"brat": ["R1\tAt Arg1:T1 Arg2:T1", "#1\tAnnotatorNotes T2\tsure"]}
        assert (second.id, second.text, second.marks) == ("b/c", "hakuna", ())

    def test_an_annotation_over_a_lines_end_has_parts(self) -> None:
        document = Document("", "a", "In Dar\nes Salaam", (Mark(3, 16, "LOC"),))
        content = build("brat", [document])
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert archive.read("a.ann") == b"T1\tLOC 3 6;7 16\tDar es Salaam\n"
            assert b"[entities]\nLOC\n" in archive.read("annotation.conf")
        assert read("brat", content)[0].marks == document.marks

    def test_what_has_gaps_is_kept_aside(self) -> None:
        line = "T1\tLOC 0 3;7 10\tDar Sal"
        (document,) = read("brat", zipped(a__txt="Dar es Salaam", a__ann=line))
        assert (document.marks, document.meta) == ((), {"brat": [line]})

    def test_ids_that_are_no_file_names_are_kept(self) -> None:
        ids = ["a/b", "A", "a", "../x", 7, "", "annotation", "spanbridge", "text-00001"]
        before = [Document("", each, "x") for each in ids]
        content = build("brat", before)
        assert [each.id for each in read("brat", content)] == ids
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [name.lower() for name in archive.namelist()]
        assert len(names) == len(set(names)) == 2 * len(ids) + 2
        assert not any("/" in name or ".." in name for name in names)

    @pytest.mark.parametrize(
        ("ann", "told"),
        [
            ("T1\tLOC 0 3\tDar\nT2\tLOC 0\tx", r"a\.ann:2: not an annotation"),
            ("T1\tLOC 0 99\tDar", r"a\.ann:1: \[0, 99\) is no span of the text, which has 3"),
            ("T1\tLOC 0 3\tXyz", r"a\.ann:1: 'Xyz' isn't what the text has"),
        ],
    )
    def test_faults_are_told_by_file_and_line(self, ann: str, told: str) -> None:
        with pytest.raises(CorpusError, match=rf"in\.file, {told}"):
            read("brat", zipped(a__txt="Dar", a__ann=ann))

    def test_what_is_no_zip_or_no_utf8_is_told(self) -> None:
        with pytest.raises(CorpusError, match=r"in\.file is no zip"):
            read("brat", "abc")
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            archive.writestr("a.txt", b"\xff")
        with pytest.raises(CorpusError, match=r"a\.txt: not UTF-8"):
            read("brat", made.getvalue())

    def test_labels_that_brat_has_no_type_for_are_told(self) -> None:
        with pytest.raises(CorpusError, match=r"r\.jsonl:3: brat can't hold the label 'a b'"):
            build("brat", [Document("r.jsonl:3", 1, "Samia", (Mark(0, 5, "a b"),))])


class TestLabelStudio:
    def test_an_export_with_annotations(self) -> None:
        region = {
            "type": "labels",
            "from_name": "l",
            "value": {"start": 0, "end": 5, "labels": ["PER"], "text": "Samia"},
        }
        other = {"type": "choices", "value": {"choices": ["x"]}}
        task = {"id": 9, "data": {"text": "Samia", "source": "web"}, "annotations": [{"result": [other, region]}],
                "predictions": [{"result": []}]}  # fmt: skip
        (document,) = read("label-studio", [task])
        assert (document.id, marks(document), document.meta) == (9, [("Samia", "PER")], {"source": "web"})

    def test_the_only_string_is_the_text(self) -> None:
        (document,) = read("label-studio", [{"data": {"body": "Samia", "n": 1}}])
        assert (document.text, document.meta) == ("Samia", {"n": 1})

    def test_the_import_names_the_models(self) -> None:
        (task,) = json.loads(build("label-studio", [Document("", "1", "Samia", (Mark(0, 5, "PER", 0.5),))]))
        (prediction,) = task["predictions"]
        assert (prediction["model_version"], prediction["score"]) == ("models-1:a+b", 0.5)
        assert prediction["result"] == [
            {"id": "r0", "from_name": "label", "to_name": "text", "type": "labels", "score": 0.5,
             "value": {"start": 0, "end": 5, "text": "Samia", "labels": ["PER"]}}
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("tasks", "told"),
        [
            ([{"data": {"a": "x", "b": "y"}}], "record 1: data has no 'text'"),
            ([{"data": []}], "record 1: 'data' must be an object"),
            ([1], "record 1: not an object"),
            ("[{]", "in.file: not valid JSON"),
            ([{"data": {"text": "a"}, "annotations": [{"result": [{"type": "labels"}]}]}], "'value' must be an object"),
        ],
    )
    def test_faults_are_told(self, tasks: Any, told: str) -> None:
        with pytest.raises(CorpusError, match=told):
            read("label-studio", tasks)


class TestDoccano:
    def test_both_forms(self) -> None:
        triples = {"id": 1, "text": "Samia", "label": [[0, 5, "PER"]], "Comments": []}
        relations = {"id": 2, "text": "Samia", "relations": [{"id": 0}],
                     "entities": [{"id": 4, "label": "PER", "start_offset": 0, "end_offset": 5}]}  # fmt: skip
        first, second = read("doccano", f"{json.dumps(triples)}\n{json.dumps(relations)}")
        assert marks(first) == marks(second) == [("Samia", "PER")]
        assert (first.meta, second.meta) == ({"Comments": []}, {"relations": [{"id": 0}]})

    @pytest.mark.parametrize(
        ("row", "told"),
        [
            ({"text": 1}, "'text' must be a string"),
            ({"text": "a", "label": [[0, 5, "X"]]}, r"\[0, 5\) is no span"),
            ({"text": "a", "label": [[0, 1]]}, "a label looks like"),
            ({"text": "a", "label": [[True, 1, "X"]]}, "is no span"),
            ({"text": "a", "label": [[0, 1, 2]]}, "has the label 2"),
            ({"text": "a", "label": "PER"}, "'label' must be a list"),
        ],
    )
    def test_faults_are_told_by_line(self, row: Any, told: str) -> None:
        with pytest.raises(CorpusError, match=rf"in\.file:2: .*{told}"):
            read("doccano", f'{{"text": "a"}}\n{json.dumps(row)}')


def test_white_space_is_no_token_of_a_docbin() -> None:
    """Regression: an empty vocabulary doesn't know which of its words are white space."""
    (document,) = read("spacy", build("spacy", [Document("", 1, "Rais  Samia\n", (Mark(6, 11, "PER"),))]))
    assert (document.text, document.tokens) == ("Rais  Samia\n", ("Rais", "Samia"))


def test_entities_that_were_changed_in_a_docbin_count() -> None:
    """Regression: the result that it was made from is kept in it, and would have been exported again."""
    content = build("spacy", [Document("", 1, "Rais Samia", (Mark(5, 10, "PER", 0.5),))])
    bin_ = DocBin(store_user_data=True).from_bytes(content)
    (doc,) = bin_.get_docs(Vocab())
    doc.set_ents([doc.char_span(0, 10, label="ORG")])
    edited = DocBin(docs=[doc], store_user_data=True).to_bytes()
    (document,) = read("spacy", edited)
    assert marks(document) == [("Rais Samia", "ORG")]
    assert json.loads(build("jsonl", [document]))["entities"] == [
        {"start": 0, "end": 10, "text": "Rais Samia", "label": "ORG"}
    ]


def test_prodigys_tokens_end_inclusively_and_say_what_follows() -> None:
    line = build("prodigy", [Document("", 1, "Rais Samia.", (Mark(5, 10, "PER", 0.5),), lang="swh_Latn")])
    task = json.loads(line)
    assert task["tokens"][1] == {"text": "Samia", "start": 5, "end": 10, "id": 1, "ws": False}
    assert task["spans"] == [
        {"start": 5, "end": 10, "token_start": 1, "token_end": 1, "label": "PER", "score": 0.5}
    ]  # fmt: skip
    task |= {"answer": "accept", "_input_hash": 1, "meta": {"pattern": 2}}
    (document,) = read("prodigy", task)
    assert document.meta == {"answer": "accept", "pattern": 2}


def test_argillas_agent_keeps_to_its_alphabet_and_length() -> None:
    version = "spanbridge-0.1.0:nmt-2+é" + "x" * 300
    content = b"".join(BUILDERS[OutputFormat.ARGILLA]([Document("", 5, "Samia")], Target(Path("a.json"), version)))
    (record,) = json.loads(content)
    agent = record["suggestions"]["entities"]["agent"]
    assert agent.startswith("spanbridge-0.1.0:nmt-2__x")
    assert len(agent) == 200
    assert record["id"] == "5"


def test_argillas_responses_count_before_suggestions() -> None:
    record = {"id": "a", "fields": {"text": "Samia"}, "metadata": {"split": "dev"},
              "suggestions": {"entities": {"value": [], "score": None, "agent": None}},
              "responses": {"entities": [{"value": [{"label": "PER", "start": 0, "end": 5}]}]}}  # fmt: skip
    (document,) = read("argilla", [record])
    assert (marks(document), document.meta) == ([("Samia", "PER")], {"split": "dev"})


def test_datasaurs_requests_can_be_labelled() -> None:
    project = {"id": "p", "documents": [{"id": f"d{n}", "sentences": [{"id": n, "text": "Samia"}]} for n in range(2)]}
    records = list(RECORD_READERS[InputFormat.DATASAUR](as_file(project), "f"))
    assert [(each.sentence.id, each.meta) for each in records] == [(0, {"document": "d0"}), (1, {"document": "d1"})]


class TestInception:
    def test_an_export_with_its_type_system(self) -> None:
        types = type_system()
        cas = make_cas(types, ["👩‍👩‍👧 Samia yuko Nairobi", "hakuna"])
        cas.add(types.get_type(ENTITY)(begin=6, end=11, value="PER"))
        content = zipped(**{"doc__xmi": cas.to_xmi(), "TypeSystem__xml": types.to_xml()})
        first, second = read("inception", content)
        assert (first.text, marks(first)) == ("👩‍👩‍👧 Samia yuko Nairobi", [("Samia", "PER")])
        assert first.tokens == ("👩‍👩‍👧", "Samia", "yuko", "Nairobi")
        assert (second.id, second.text) == ("2", "hakuna")

    def test_a_bare_file_finds_its_type_system_beside_it(self, tmp_path: Path) -> None:
        types = type_system()
        cas = make_cas(types, ["Samia"])
        cas.add(types.get_type(ENTITY)(begin=0, end=5, value="PER", value_score=0.5))
        path = tmp_path / "doc.xmi"
        path.write_text(cas.to_xmi(), encoding="utf-8")
        with pytest.raises(CorpusError, match=r"put the TypeSystem\.xml that was exported with it beside it"):
            read("inception", path.read_bytes(), str(path))
        (tmp_path / "TypeSystem.xml").write_text(types.to_xml(), encoding="utf-8")
        assert marks(read("inception", path.read_bytes(), str(path))[0]) == [("Samia", "PER")]

    def test_cassis_reads_what_is_written(self) -> None:
        content = build("inception", [Document("", "1", "🇰🇪 Samia", (Mark(3, 8, "PER"),))])
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            types = load_typesystem(archive.read("TypeSystem.xml").decode())
            cas = load_cas_from_xmi(archive.read("spanbridge.xmi").decode(), typesystem=types)
        assert [each.get_covered_text() for each in cas.select(ENTITY)] == ["Samia"]

    @pytest.mark.parametrize("content", ["", "<a", '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'])
    def test_what_is_no_xmi_is_told(self, content: str) -> None:
        with pytest.raises(CorpusError, match=r"in\.file"):
            read("inception", content)

    def test_a_character_that_xml_lacks_is_told(self) -> None:
        with pytest.raises(CorpusError, match=r"r:7: XML can't hold the character '\\x0b'"):
            build("inception", [Document("r:7", 1, "a\x0bb")])


@pytest.mark.parametrize("format_", ["conll", "conllu", "huggingface", "prodigy", "spacy"])
def test_marks_that_are_no_words_are_told_by_line(format_: str) -> None:
    with pytest.raises(CorpusError, match=r"r\.jsonl:4: PER \[0, 3\) 'Sam' isn't made of whole words"):
        build(format_, [Document("r.jsonl:4", 1, "Samia", (Mark(0, 3, "PER"),))])


@pytest.mark.parametrize("format_", ["conll", "conllu", "huggingface", "prodigy"])
def test_overlaps_are_told_by_line(format_: str) -> None:
    both = (Mark(0, 5, "PER"), Mark(0, 10, "ORG"))
    with pytest.raises(CorpusError, match=r"r\.jsonl:4: marks overlap"):
        build(format_, [Document("r.jsonl:4", 1, "Samia Bank", both)])


@pytest.mark.parametrize(
    "format_", ["brat", "label-studio", "doccano", "doccano-relations", "argilla", "datasaur", "inception"]
)
def test_overlaps_survive_where_they_can(format_: str) -> None:
    both = (Mark(0, 5, "PER"), Mark(0, 10, "ORG"))
    content = build(format_, [Document("", "1", "Samia Bank", both)])
    (document,) = read(format_.removesuffix("-relations"), content)
    assert marks(document) == [("Samia", "PER"), ("Samia Bank", "ORG")]


FLAT = {
    "jsonl": {"text": "Juma yuko", "entities": []},
    "doccano": {"text": "Juma yuko", "label": []},
    "prodigy": {"text": "Juma yuko"},
    "huggingface": {"tokens": ["Juma", "yuko"]},
    "label-studio": {"text": "Juma yuko"},
}


@pytest.mark.parametrize("format_", FLAT)
@pytest.mark.parametrize("wrong", [{"id": 1.5}, {"id": [1]}, {"id": True}, {"lang": 5}, {"lang": ["sw"]}])
def test_ids_and_languages_of_another_type_are_told(format_: str, wrong: dict[str, Any]) -> None:
    """Regression: they came through, and ended in a traceback while another format was written."""
    with pytest.raises(CorpusError, match=r"^in.file:1: the (id|language) .* must be"):
        read(format_, FLAT[format_] | wrong)


@pytest.mark.parametrize("format_", FLAT)
def test_an_id_that_is_null_is_none(format_: str) -> None:
    (document,) = read(format_, FLAT[format_] | {"id": None, "lang": None})
    assert (document.id, document.lang) == ("1", None)


@pytest.mark.parametrize(
    ("format_", "told"), [("spacy", "lone surrogate"), ("conll", "lone surrogate"), ("inception", "XML can't hold")]
)
def test_a_label_with_a_lone_surrogate_is_told(format_: str, told: str) -> None:
    """Regression: it ended in a traceback."""
    with pytest.raises(CorpusError, match=told):
        build(format_, [Document("in.file:1", "1", "Juma yuko", (Mark(0, 4, "\ud800"),))])


@pytest.mark.parametrize("wrong", [{"meta": [1]}, {"meta": "x"}, {"entities": None}])
def test_results_of_another_shape_are_told(wrong: dict[str, Any]) -> None:
    with pytest.raises(CorpusError, match=r"^in.file:1: "):
        read("jsonl", FLAT["jsonl"] | wrong)


def test_an_id_that_no_result_may_have_is_told() -> None:
    with pytest.raises(CorpusError, match=r"^in.file:1: id"):
        build("conll", [Document("in.file:1", "x" * 201, "Juma yuko")])


@pytest.mark.parametrize(
    ("name", "read_as", "written_as"),
    [
        ("a.conllu", "conllu", "conllu"),
        ("a.xmi", "inception", "inception"),
        ("a.zip", "brat", "brat"),
        ("a.inception.zip", "inception", "inception"),
        ("a.label-studio.json", "label-studio", "label-studio"),
        ("a.Doccano.jsonl", "doccano", "doccano"),
        ("a.doccano-relations.jsonl", "doccano", "doccano-relations"),
        ("a.b.jsonl", "jsonl", "jsonl"),
        ("a.text.jsonl", "text", "jsonl"),
    ],
)
def test_names_stand_for_formats(name: str, read_as: str, written_as: str) -> None:
    assert (guess_input(Path(name)), guess_output(Path(name))) == (read_as, written_as)
