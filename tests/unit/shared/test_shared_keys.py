"""API keys: how they are made, kept, read and changed while a gateway runs."""

import asyncio
import hashlib
import logging

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from spanbridge.cli import main
from spanbridge.key_stores import FileStore
from spanbridge_shared.errors import ConfigurationError, NotReady
from spanbridge_shared.serving.api_keys import KeyRing, key_hash, make_key, new_key, read_key, read_lines
from spanbridge_shared.serving.key_sources import FileKeys, RedisKeys, open_keys
from tests.support.redis_server import redis_server

HASH = "0" * 64


def test_a_key_is_long_random_and_kept_as_its_hash():
    keys = {new_key() for _ in range(50)}
    assert len(keys) == 50
    assert all(len(key) >= 43 and key.isascii() and " " not in key for key in keys)
    key = keys.pop()
    made = make_key("ann", key, 2.5)
    assert made.sha256 == hashlib.sha256(key.encode()).hexdigest()
    assert key not in repr(made) + made.line()


@pytest.mark.parametrize(
    ("line", "rate", "burst"),
    [
        (f"ann:{HASH}", None, None),
        (f"ann:{HASH}:2.5", 2.5, 150.0),
        (f" ann:{HASH}:2:9 ", 2.0, 9.0),
        (f"ann:{HASH}:0.001", 0.001, 1.0),
    ],
)
def test_lines_are_read(line, rate, burst):
    key = read_key(line)
    assert (key.name, key.rate, key.burst) == ("ann", rate, burst)
    assert read_key(key.line()) == key


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", "name"),
        ("ann", "SHA-256"),
        (":" + HASH, "name"),
        ("a b:" + HASH, "name"),
        ("é:" + HASH, "name"),
        ("ann:" + HASH[1:], "SHA-256"),
        ("ann:" + "A" * 64, "SHA-256"),
        (f"ann:{HASH}:", "rate"),
        (f"ann:{HASH}:0", "rate"),
        (f"ann:{HASH}:-1", "rate"),
        (f"ann:{HASH}:nan", "rate"),
        (f"ann:{HASH}:1:2:3", "rate"),
        ("ann:a-key-by-mistake-in-plain", "SHA-256"),
    ],
)
def test_bad_lines_are_told_without_being_quoted(line, told):
    with pytest.raises(ConfigurationError, match=told) as caught:
        read_key(line)
    assert "mistake" not in caught.value.detail


@given(st.text(max_size=200))
def test_any_text_is_keys_or_a_wrong_setting(text):
    try:
        keys = read_lines(text)
    except ConfigurationError:
        return
    assert len({each.name for each in keys}) == len(keys)


def test_a_file_has_comments_and_no_name_twice():
    text = f"# ours\nann:{HASH}\n\nbob:{HASH}:3 # a rate\n"
    assert [each.name for each in read_lines(text)] == ["ann", "bob"]
    with pytest.raises(ConfigurationError, match="two keys called ann"):
        read_lines(text + f"ann:{'1' * 64}")
    with pytest.raises(ConfigurationError, match="line 3"):
        read_lines(f"\nann:{HASH}\nbob")


@given(st.text(max_size=30), st.text(max_size=30))
def test_only_the_key_itself_is_found(key, other):
    ring = KeyRing([make_key("a", "one"), make_key("b", key)])
    assert ring.find(key).name == ("a" if key == "one" else "b") or key == "one"
    assert (ring.find(other) is not None) == (other in ("one", key))


@pytest.fixture
def told():
    """What is logged of keys, whatever other tests have done to the logger above."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logger = logging.getLogger("spanbridge.keys")
    logger.addHandler(handler)
    yield lines
    logger.removeHandler(handler)


async def test_a_changed_file_holds_at_once(tmp_path, told):
    path = tmp_path / "keys"
    path.write_text(make_key("ann", "first").line())
    keys = open_keys(str(path))
    assert (await keys.keys()).find("first").name == "ann"
    path.write_text(make_key("ann", "second").line() + "\n" + make_key("bob", "third", 5).line())
    ring = await keys.keys()
    assert ring.find("first") is None
    assert (ring.find("second").name, ring.find("third").rate) == ("ann", 5.0)
    for broken in ("bob:secret-by-mistake", None):
        told.clear()
        if broken is None:
            path.unlink()
        else:
            path.write_text(broken)
        for _ in range(3):
            assert (await keys.keys()).find("third").name == "bob"
        assert len(told) == 1
        assert "mistake" not in told[0]
    path.write_text(make_key("new", "fourth").line())
    assert (await keys.keys()).find("third") is None


@pytest.mark.parametrize("content", [None, "nonsense", "é"])
def test_a_wrong_file_stops_the_start(tmp_path, content):
    path = tmp_path / "keys"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError, match="file of API keys"):
        FileKeys(path)


async def test_keys_in_redis_outlive_the_server(tmp_path, monkeypatch):
    monkeypatch.setattr("spanbridge_shared.serving.key_sources._REFRESH_S", 0.0)
    with redis_server(tmp_path) as server:
        made = CliRunner().invoke(main, ["keys", "new", "ann", "--rate", "3", "--file", server.url])
        assert made.exit_code == 0, made.output
        key = made.stdout.strip()
        keys = open_keys(server.url)
        assert (await keys.keys()).find(key).rate == 3.0
        assert "ann" in CliRunner().invoke(main, ["keys", "list", "--file", server.url]).stdout
        with server.client() as client:
            assert key.encode() not in b"".join(client.hgetall("spanbridge:keys").values())
        assert CliRunner().invoke(main, ["keys", "new", "ann", "--file", server.url]).exit_code == 1
        server.kill()
        assert (await keys.keys()).find(key).name == "ann"
        server.start()
        assert (await keys.keys()).find(key) is None
        await keys.close()


async def test_keys_that_were_never_read_are_no_open_door(tmp_path):
    with redis_server(tmp_path) as server:
        url = server.url
    keys = RedisKeys(url)
    for _ in range(2):
        with pytest.raises(NotReady):
            await keys.keys()
    await keys.close()


def run(*arguments):
    result = CliRunner().invoke(main, ["keys", *arguments])
    return result.exit_code, result.stdout.strip(), result.stderr


def test_the_command_makes_lists_and_revokes(tmp_path, monkeypatch):
    path = tmp_path / "keys"
    code, key, _ = run("new", "ann", "--rate", "2.5", "--file", str(path))
    assert (code, asyncio.run(FileKeys(path).keys()).find(key).rate) == (0, 2.5)
    assert path.stat().st_mode & 0o777 == 0o600
    assert key not in path.read_text()
    assert key_hash(key) in path.read_text()
    path.write_text("# ours\n" + path.read_text())
    monkeypatch.setenv("SPANBRIDGE_GATEWAY_KEYS", str(path))
    assert run("new", "bob")[0] == 0
    code, _, told = run("new", "ann")
    assert (code, "called ann already" in told) == (1, True)
    code, shown, _ = run("list")
    assert [name in shown for name in ("ann", "bob", "2.5", key)] == [True, True, True, False]
    assert run("revoke", "ann")[0] == 0
    assert path.read_text().startswith("# ours\nbob:")
    code, _, told = run("revoke", "ann")
    assert (code, "there are bob" in told) == (1, True)
    assert run("new", "no spaces")[0] == 1
    assert run("new", "zoe", "--rate", "0")[0] == 2


def test_a_change_that_fails_leaves_nothing_behind(tmp_path, monkeypatch):
    """Regression: what was written of the new file stayed beside the old one."""

    def full(*_):
        raise OSError(28, "No space left on device")

    path = tmp_path / "keys"
    store = FileStore(path)
    store.add(make_key("ann", "sb_ann"))
    before = path.read_bytes()
    monkeypatch.setattr("os.replace", full)
    with pytest.raises(ConfigurationError, match="No space left"):
        store.add(make_key("bob", "sb_bob"))
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == before
