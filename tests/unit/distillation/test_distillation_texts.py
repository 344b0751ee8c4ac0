"""Unlabelled text and its ready translations."""

import json
from pathlib import Path

import pytest

from spanbridge_distillation.plan import pair_files
from spanbridge_distillation.texts import read_texts
from spanbridge_shared.errors import ConfigurationError, UnknownLanguage


def test_running_text_is_cut_into_sentences_and_words(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Rais Samia alitembelea Nairobi. Aliondoka jana.\n\nAliondoka jana.\n", encoding="utf-8")
    found = read_texts(path, "sw", tokenized=False, limit=None, translations=None)
    assert found.lang == "swh_Latn"
    assert found.words() == [("Rais", "Samia", "alitembelea", "Nairobi", "."), ("Aliondoka", "jana", ".")]


def test_words_between_blanks_stay_and_bring_their_english(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Rais  Samia , jana .\nWatu wa Kenya .\nWatu wa Kenya .\n", encoding="utf-8")
    rows = [{"text": "Rais Samia , jana .", "english": "President Samia's visit"}, {"text": "x", "english": "y"}]
    (tmp_path / "swh_Latn.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    found = read_texts(path, "swa", tokenized=True, limit=None, translations=tmp_path)
    assert found.words() == [("Rais", "Samia", ",", "jana", "."), ("Watu", "wa", "Kenya", ".")]
    assert [each.english for each in found.sentences] == [("President", "Samia", "'s", "visit"), None]
    without = read_texts(path, "swa", tokenized=True, limit=None, translations=None)
    assert without.digest != found.digest
    assert len(read_texts(path, "swa", tokenized=True, limit=1, translations=None).sentences) == 1


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    empty, odd = tmp_path / "empty.txt", tmp_path / "odd.txt"
    empty.write_text("\n \n", encoding="utf-8")
    odd.write_bytes(b"\xff\xfe")
    for path, told in ((empty, "no sentences"), (odd, "UTF-8"), (tmp_path / "none.txt", "can't be read")):
        with pytest.raises(ConfigurationError, match=told):
            read_texts(path, "swa", tokenized=True, limit=None, translations=None)
    with pytest.raises(ConfigurationError, match=r"swh_Latn\.jsonl"):
        read_texts(odd, "swa", tokenized=True, limit=None, translations=tmp_path)
    (tmp_path / "swa.jsonl").write_text('{"text": 1}\n', encoding="utf-8")
    with pytest.raises(ConfigurationError, match="line 1"):
        read_texts(odd, "swa", tokenized=True, limit=None, translations=tmp_path)


def test_languages_pair_with_files() -> None:
    assert pair_files(["swa", "zul"], ["a=1.txt", "b"]) == (("swa", Path("a=1.txt")), ("zul", Path("b")))
    for langs, files in ((["swa"], ["a", "b"]), ([], ["a"]), ([], ["swa=a", "swh_Latn=b"])):
        with pytest.raises(ConfigurationError):
            pair_files(langs, files)
    with pytest.raises(UnknownLanguage):
        pair_files([], ["nowhere=a"])
