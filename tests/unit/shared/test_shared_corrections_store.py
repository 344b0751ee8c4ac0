"""The corrections store: what goes in comes out, whole lines only, whoever writes at the same time."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge_shared.contracts.corrections import CorrectedSpan, Correction, Reason, Unread, Withdrawal
from spanbridge_shared.corrections.annotators import KEY_FILE, Annotators, Hasher
from spanbridge_shared.corrections.store import FILE, CorrectionStore, decode, encode
from spanbridge_shared.errors import ConfigurationError
from tests.support.scripts import labelled_texts

TIME = datetime(2026, 1, 1, tzinfo=UTC)


def correction(text: str = "Rais Samia", **more: object) -> Correction:
    fields = {"tool": "t", "task": "1", "time": TIME, "text": text, "spans": [], **more}
    return Correction.model_validate(fields)


@given(labelled_texts(["PER", "Myth \u2028 x"]))
def test_what_is_kept_comes_back(drawn: tuple[str, list[tuple[int, int, str]]]) -> None:
    text, spans = drawn
    kept = [CorrectedSpan(start=start, end=end, label=label, tool_label=label) for start, end, label in spans]
    entry = correction(text, spans=kept, others=[{"type": "relation"}], lang="swh_Latn", annotator="x", reviewed=False)
    line = encode(entry)
    assert line.count(b"\n") == 1
    assert decode(line) == entry


@given(st.text(alphabet=st.characters(), max_size=20))
def test_lone_surrogates_are_kept(text: str) -> None:
    entry = correction(text + "\ud800", task=text)
    assert decode(encode(entry)) == entry


def test_all_kinds_are_kept_in_order(tmp_path: Path) -> None:
    store = CorrectionStore(tmp_path / "new" / "store")
    assert not store.is_there
    entries = [
        correction(),
        Withdrawal(tool="t", annotation="1", time=TIME, reason=Reason.DELETED),
        Unread(tool="t", task="2", time=TIME, error="no", raw={"result": [1, None]}),
    ]
    store.append(entries[:1])
    store.append(entries[1:])
    kept = store.read()
    assert kept.entries == tuple(entries)
    assert kept.damaged == ()
    assert store.missing([*entries, correction("other")]) == [correction("other")]


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    store = CorrectionStore(tmp_path / "store")
    store.append([correction()])
    assert store.path.stat().st_mode & 0o077 == 0
    assert store.folder.stat().st_mode & 0o077 == 0


def test_half_a_line_of_a_writer_that_died_costs_nothing_else(tmp_path: Path) -> None:
    store = CorrectionStore(tmp_path)
    store.append([correction("a")])
    with store.path.open("ab") as file:
        file.write(b'{"kind":"correction","tex')
    assert store.read().damaged == (2,)
    store.append([correction("b")])
    kept = store.read()
    assert [each.text for each in kept.entries if isinstance(each, Correction)] == ["a", "b"]
    assert kept.damaged == (2,)


@pytest.mark.parametrize("line", [b"", b"null", b'{"kind":"other"}', b'{"kind":"withdrawal"}', b"\xff", b"[" * 9000])
def test_a_damaged_line_is_counted(line: bytes, tmp_path: Path) -> None:
    store = CorrectionStore(tmp_path)
    store.append([correction("a")])
    with store.path.open("ab") as file:
        file.write(line + b"\n")
    store.append([correction("b")])
    assert store.read().damaged == (2,)


@pytest.mark.parametrize(
    "change",
    [
        {"lang": "sw"},
        {"text": "Rais", "spans": [(0, 5)]},
        {"spans": [(0, 4), (3, 5)]},
        {"spans": [(3, 3)]},
        {"time": "2026-01-01T00:00:00"},
    ],
)
def test_a_line_that_somebody_broke_by_hand_is_counted(change: dict[str, Any], tmp_path: Path) -> None:
    store = CorrectionStore(tmp_path)
    store.append([correction(lang="swh_Latn")])
    line = json.loads(store.path.read_bytes())
    if "spans" in change:
        places = change["spans"]
        spans = [{"start": start, "end": end, "label": "PER", "tool_label": "PER"} for start, end in places]
        change = {**change, "spans": spans}
    with store.path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line | change) + "\n")
    assert store.read().damaged == (2,)


def test_a_folder_without_a_store_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no corrections store"):
        CorrectionStore(tmp_path).read()
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="can't be written"):
        CorrectionStore(tmp_path / "file").prepare()


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = CorrectionStore(tmp_path)
    store.append([correction("a")])
    write, asked = os.write, []

    def full(descriptor: int, data: bytes) -> int:
        asked.append(len(data))
        if len(asked) > 1:
            raise OSError(28, "No space left on device")
        return write(descriptor, data[:10])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(ConfigurationError, match="No space left"):
        store.append([correction("b")])
    monkeypatch.undo()
    assert len(asked) == 2
    kept = store.read()
    assert len(kept.entries) == 1
    assert kept.damaged == ()


_WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from spanbridge_shared.contracts.corrections import Correction
from spanbridge_shared.corrections.store import CorrectionStore
sys.stdin.readline()
store = CorrectionStore(Path(sys.argv[1]))
for number in range(20):
    text = sys.argv[2] * 70_000
    store.append([Correction(tool=sys.argv[2], task=str(number), time=datetime.now(UTC), text=text, spans=[])])
"""


def test_processes_that_write_at_once_keep_their_lines_apart(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _WRITER, str(tmp_path)]
    writers = [subprocess.Popen([*command, name], stdin=subprocess.PIPE) for name in "ab"]
    for each in writers:  # Both are there before either begins.
        assert each.stdin is not None
        each.stdin.write(b"\n")
        each.stdin.close()
    assert [each.wait(60) for each in writers] == [0, 0]
    kept = CorrectionStore(tmp_path).read()
    assert kept.damaged == ()
    found = [(each.tool, each.task) for each in kept.entries]
    assert sorted(found) == sorted((name, str(number)) for name in "ab" for number in range(20))
    for each in kept.entries:
        assert isinstance(each, Correction)
        assert set(each.text) == {each.tool}
        assert len(each.text) == 70_000


def test_annotators_are_hashed_by_a_key_of_the_store(tmp_path: Path) -> None:
    first = Hasher(tmp_path / "a", Annotators.HASHED)
    again = Hasher(tmp_path / "a", Annotators.HASHED)
    other = Hasher(tmp_path / "b", Annotators.HASHED)
    assert first("label-studio", "7") == again("label-studio", "7")
    assert len({first("label-studio", "7"), first("doccano", "7"), first("label-studio", "8"), other("t", "7")}) == 4
    assert first("label-studio", "") == ""
    assert (tmp_path / "a" / KEY_FILE).stat().st_mode & 0o077 == 0
    assert [path.name for path in (tmp_path / "a").iterdir()] == [KEY_FILE]
    assert Hasher(tmp_path / "c", Annotators.NONE)("label-studio", "7") == ""
    assert not (tmp_path / "c").exists()


def test_a_damaged_key_is_told(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_bytes(b"short")
    with pytest.raises(ConfigurationError, match="no key of annotators"):
        Hasher(tmp_path, Annotators.HASHED)


def test_a_line_says_its_kind_first(tmp_path: Path) -> None:
    store = CorrectionStore(tmp_path)
    store.append([correction()])
    (line,) = (tmp_path / FILE).read_text(encoding="utf-8").splitlines()
    assert list(json.loads(line))[:2] == ["kind", "time"]
