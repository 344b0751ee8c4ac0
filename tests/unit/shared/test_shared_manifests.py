import hashlib
import json

import pytest

from spanbridge_shared.contracts.manifest import EncoderManifest, TokenClassifierManifest
from spanbridge_shared.errors import ConfigurationError
from spanbridge_shared.serving.manifests import model_version, read_manifest

WEIGHTS = b"weights"
GOOD = {
    "kind": "encoder",
    "name": "tiny",
    "licence": "MIT",
    "files": {"model.bin": hashlib.sha256(WEIGHTS).hexdigest()},
    "layer": 8,
    "hidden_size": 4,
    "max_tokens": 16,
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model.bin").write_bytes(WEIGHTS)
    write(tmp_path)
    return tmp_path


def write(folder, **changes):
    (folder / "spanbridge.json").write_text(json.dumps(GOOD | changes))


def test_a_good_manifest_is_read(folder):
    manifest = read_manifest(folder, EncoderManifest)
    assert (manifest.name, manifest.layer, manifest.prefix) == ("tiny", 8, "")


def test_a_missing_folder_says_what_to_do(tmp_path):
    with pytest.raises(ConfigurationError, match=r"no model at .*nowhere.*models convert"):
        read_manifest(tmp_path / "nowhere", EncoderManifest)


@pytest.mark.parametrize("changes", [{"kind": "other"}, {"layer": "x"}, {"extra": 1}, {"name": "a/b"}, {"files": None}])
def test_what_is_no_manifest_is_refused(folder, changes):
    write(folder, **changes)
    with pytest.raises(ConfigurationError, match="is not a manifest"):
        read_manifest(folder, EncoderManifest)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b"null"])
def test_what_is_no_json_is_refused(folder, content):
    (folder / "spanbridge.json").write_bytes(content)
    with pytest.raises(ConfigurationError, match="is not a manifest"):
        read_manifest(folder, EncoderManifest)


def test_another_kind_is_refused(folder):
    with pytest.raises(ConfigurationError, match="is of kind encoder; another kind"):
        read_manifest(folder, TokenClassifierManifest)


def test_a_missing_file_is_named(folder):
    (folder / "model.bin").unlink()
    with pytest.raises(ConfigurationError, match=r"model\.bin is missing"):
        read_manifest(folder, EncoderManifest)


def test_a_changed_file_is_named(folder):
    (folder / "model.bin").write_bytes(b"weightz")
    with pytest.raises(ConfigurationError, match=r"model\.bin is damaged"):
        read_manifest(folder, EncoderManifest)


def test_the_version_changes_with_the_manifest_and_its_files(folder):
    first = read_manifest(folder, EncoderManifest)
    assert model_version(first).startswith("tiny-")
    assert model_version(first) == model_version(read_manifest(folder, EncoderManifest))
    others = [first.model_copy(update=change) for change in ({"layer": 7}, {"files": {}}, {"name": "x"})]
    assert len({model_version(each) for each in [first, *others]}) == 4
