"""`spanbridge models`: what is there, and which converter makes what."""

import hashlib
import json
from collections.abc import Callable
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest
from click.testing import Result

from spanbridge import conversion
from spanbridge_shared.errors import ConfigurationError

Run = Callable[..., Result]


def write_model(folder: Path, kind: str, *, licence: str = "MIT", name: str = "tiny") -> None:
    folder.mkdir(parents=True)
    (folder / "model.bin").write_bytes(b"weights")
    files = {"model.bin": hashlib.sha256(b"weights").hexdigest()}
    own: dict[str, dict[str, object]] = {
        "encoder": {"layer": 2, "hidden_size": 8, "max_tokens": 16},
        "token-classification": {"labels": ["O", "B-PER"], "languages": ["*"], "max_tokens": 16},
        "translation": {
            "layout": "nllb",
            "languages": {},
            "pairs": None,
            "max_source_tokens": 9,
            "max_target_tokens": 9,
        },
    }
    manifest = {"kind": kind, "name": name, "licence": licence, "files": files, **own[kind]}
    (folder / "spanbridge.json").write_text(json.dumps(manifest), encoding="utf-8")


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "models"
    write_model(root / "one", "encoder")
    write_model(root / "two", "translation", licence="CC-BY-NC-4.0")
    (root / "no-manifest").mkdir()
    monkeypatch.setenv("SPANBRIDGE_MODELS_DIR", str(root))
    return root


class TestList:
    def test_every_folder_with_a_manifest(self, run: Run, models: Path) -> None:
        found = json.loads(run("models", "list", "--json").stdout)
        assert [(each["folder"], each["kind"], each["licence"]) for each in found] == [
            ("one", "encoder", "MIT"), ("two", "translation", "CC-BY-NC-4.0")
        ]  # fmt: skip
        shown = run("models", "list", "--check")
        assert shown.exit_code == 0
        assert "no-manifest" not in shown.stdout

    def test_changed_files_are_found_by_check(self, run: Run, models: Path) -> None:
        (models / "one" / "model.bin").write_bytes(b"changed")
        assert run("models", "list").exit_code == 0
        checked = run("models", "list", "--check")
        assert checked.exit_code == 1
        assert "one: " in checked.stderr
        assert "is damaged or of another version" in checked.stderr

    def test_broken_manifests_are_told(self, run: Run, models: Path) -> None:
        (models / "two" / "spanbridge.json").write_text("{}", encoding="utf-8")
        listed = run("models", "list")
        assert listed.exit_code == 1
        assert "two: spanbridge.json is not a manifest" in listed.stderr

    def test_a_missing_folder_is_told(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SPANBRIDGE_MODELS_DIR", "/nowhere")
        assert "there is no folder /nowhere" in run("models", "list").stderr


CALLS: list[tuple[str, dict[str, object]]] = []


def fake_encoder(source: str, output: Path, *, quantization: str, licence: str, layer: int = 8) -> Path:
    CALLS.append((source, {"quantization": quantization, "layer": layer}))
    if quantization == "broken":
        output.mkdir()
        raise ConfigurationError("no such quantization")
    write_model(output, "encoder", licence=licence)
    return output


def fake_classifier(
    source: str, output: Path, *, quantization: str, licence: str, languages: list[str], name: str = "tagger"
) -> Path:
    CALLS.append((source, {"languages": languages}))
    write_model(output, "token-classification", licence=licence, name=name)
    return output


class TestConvert:
    @pytest.fixture(autouse=True)
    def _converters(self, monkeypatch: pytest.MonkeyPatch) -> None:
        CALLS.clear()
        known = EntryPoints([
            EntryPoint("bert", f"{__name__}:fake_encoder", conversion.GROUP),
            EntryPoint("bert:token-classification", f"{__name__}:fake_classifier", conversion.GROUP),
        ])  # fmt: skip
        monkeypatch.setattr(conversion, "entry_points", lambda group: known)
        monkeypatch.setattr(EntryPoint, "load", lambda self: globals()[self.attr])
        monkeypatch.setattr(conversion, "find_spec", lambda _: object())
        monkeypatch.setattr(conversion, "quieten", lambda: None)

    @pytest.fixture
    def source(self, tmp_path: Path) -> Path:
        return self.checkpoint(tmp_path / "bert", "BertModel")

    def checkpoint(self, folder: Path, architecture: str, model_type: str = "bert") -> Path:
        folder.mkdir()
        config = {"model_type": model_type, "architectures": [architecture]}
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        return folder

    def test_an_encoder(self, run: Run, source: Path, tmp_path: Path) -> None:
        ended = run("models", "convert", str(source), "-o", "made", "--licence", "MIT", "--layer", "3")
        assert ended.exit_code == 0, ended.output
        assert [(str(source), {"quantization": "int8", "layer": 3})] == CALLS
        assert "made: encoder model tiny-" in ended.stdout
        assert f"export SPANBRIDGE_ALIGNMENT_MODEL={tmp_path / 'made'}" in ended.stdout
        assert sorted(path.name for path in tmp_path.iterdir()) == ["bert", "made"]

    def test_a_token_classifier(self, run: Run, tmp_path: Path) -> None:
        source = self.checkpoint(tmp_path / "tagger", "BertForTokenClassification")
        ended = run(
            "models", "convert", str(source), "-o", "made", "--licence", "MIT", "--languages", "swh_Latn,yor_Latn"
        )
        assert ended.exit_code == 0, ended.output
        assert [(str(source), {"languages": ["swh_Latn", "yor_Latn"]})] == CALLS
        assert f"SPANBRIDGE_NER_TEACHER_MULTILINGUAL=ctranslate2:{tmp_path / 'made'}" in ended.stdout

    def test_a_token_classifier_as_an_encoder(self, run: Run, tmp_path: Path) -> None:
        source = self.checkpoint(tmp_path / "tagger", "BertForTokenClassification")
        ended = run("models", "convert", str(source), "-o", "made", "--licence", "MIT", "--kind", "encoder")
        assert "encoder model" in ended.stdout

    def test_a_kind_that_the_checkpoint_is_not(self, run: Run, source: Path, tmp_path: Path) -> None:
        ended = run("models", "convert", str(source), "-o", "made", "--licence", "MIT", "--kind", "translation")
        assert (ended.exit_code, CALLS != []) == (1, True)
        assert "gives models of kind encoder, none of kind translation" in ended.stderr
        assert not (tmp_path / "made").exists()

    def test_unknown_types_list_the_known(self, run: Run, tmp_path: Path) -> None:
        source = self.checkpoint(tmp_path / "gpt", "GPT2Model", "gpt2")
        ended = run("models", "convert", str(source), "-o", "made", "--licence", "MIT")
        assert ended.exit_code == 1
        assert "is 'gpt2', which nothing here converts; known are bert, bert:token-classification" in ended.stderr

    def test_options_of_another_kind_are_refused(self, run: Run, source: Path) -> None:
        ended = run("models", "convert", str(source), "-o", "made", "--licence", "MIT", "--languages", "swh_Latn")
        assert "a bert checkpoint takes no --languages" in ended.stderr

    def test_an_output_is_replaced_only_when_asked(self, run: Run, source: Path, tmp_path: Path) -> None:
        (tmp_path / "made").mkdir()
        (tmp_path / "made" / "precious").touch()
        command = ("models", "convert", str(source), "-o", "made", "--licence", "MIT")
        assert "made is there already" in run(*command).stderr
        assert (tmp_path / "made" / "precious").exists()
        assert run(*command, "--overwrite").exit_code == 0
        assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["model.bin", "spanbridge.json"]

    def test_a_failed_conversion_leaves_the_old_output(self, run: Run, source: Path, tmp_path: Path) -> None:
        write_model(tmp_path / "made", "encoder")
        ended = run(
            "models",
            "convert",
            str(source),
            "-o",
            "made",
            "--licence",
            "MIT",
            "--overwrite",
            "--quantization",
            "broken",
        )
        assert (ended.exit_code, ended.stderr) == (1, "spanbridge: no such quantization\n")
        assert (tmp_path / "made" / "model.bin").exists()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["bert", "made"]

    def test_missing_libraries_name_the_extra(self, run: Run, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(conversion, "find_spec", lambda _: None)
        ended = run("models", "convert", str(source), "-o", "made", "--licence", "MIT")
        assert "pip install 'spanbridge[convert]'" in ended.stderr

    def test_folders_that_are_no_checkpoint_are_told(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        ended = run("models", "convert", "empty", "-o", "made", "--licence", "MIT")
        assert "empty has no readable config.json" in ended.stderr

    @pytest.mark.torch
    def test_names_that_no_hub_gives_are_told(self, run: Run) -> None:
        pytest.importorskip("transformers")
        ended = run("models", "convert", "nobody/nothing", "-o", "made", "--licence", "MIT")
        assert ended.exit_code == 1
        assert ended.stderr.startswith("spanbridge: 'nobody/nothing' is no folder here, and no checkpoint that the hub")


def test_every_registered_converter_is_found() -> None:
    for key, kind in (
        ("bert", None),
        ("xlm-roberta", None),
        ("m2m_100", None),
        ("bert", conversion.Kind.TOKEN_CLASSIFICATION),
    ):
        checkpoint = conversion.Checkpoint("here", key, ())
        assert conversion.find_converter(checkpoint, kind).group == conversion.GROUP
