import asyncio
import traceback
from pathlib import Path

import pytest
from pydantic import ValidationError

from spanbridge_shared.errors import ConfigurationError
from spanbridge_shared.serving.cache import open_cache
from spanbridge_shared.serving.config import ServiceSettings, load_settings
from spanbridge_shared.serving.redis_cache import RedisCache
from spanbridge_shared.serving.redis_connection import is_redis, open_redis, shown_url
from spanbridge_translation.settings import TranslationSettings

SECRET = "hunter2"


def settings(cache_url: str) -> TranslationSettings:
    return TranslationSettings(cache_url=cache_url)


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        "redis://localhost:6380/3",
        f"redis://:{SECRET}@localhost:6379/0",
        f"redis://me:{SECRET}@[::1]:6379/0?health_check_interval=5",
        f"rediss://me:{SECRET}@cache.example",
        "rediss://cache.example?ssl_cert_reqs=none",
        "unix:///run/redis.sock",
        f"unix://me@/run/redis.sock?db=2&password={SECRET}",
    ],
)
def test_what_names_a_server_opens_without_reaching_it(url: str) -> None:
    assert is_redis(url)
    assert isinstance(open_cache(settings(url), service="test"), RedisCache)


@pytest.mark.parametrize(
    "url",
    [
        f"redis://:{SECRET}/x@localhost",
        f"redis://:{SECRET}#x@localhost",
        f"redis://:{SECRET}?x@localhost",
        f"redis://:12/{SECRET}@localhost",
        f"redis://:12#{SECRET}@localhost",
        f"redis://:12?{SECRET}@localhost",
        f"redis://:{SECRET}@localhost:port",
        f"redis://:{SECRET}@localhost:99999",
        f"redis://:{SECRET}@localhost/first",
        f"redis://:{SECRET}@",
        f"redis://:{SECRET}@[::1",
        f"redis://:{SECRET}@localhost?{SECRET}=1",
        f"redis://:{SECRET}@localhost?socket_timeout={SECRET}",
        f"redis://:{SECRET}@localhost?max_connections=-1",
        f"redis://:{SECRET}@localhost?protocol={SECRET}",
        f"rediss://:{SECRET}@localhost?ssl_cert_reqs={SECRET}",
        f"rediss://:{SECRET}@localhost?ssl_ca_certs=/{SECRET}.pem",
        f"redis:/:{SECRET}@localhost",
        f"redis:{SECRET}",
        f"Redis://:{SECRET}@localhost",
        f"unix://?password={SECRET}",
        f"valkey://:{SECRET}@localhost",
        f"no url {SECRET}",
        "",
    ],
)
def test_what_cannot_be_used_is_told_at_once_without_the_password(url: str) -> None:
    """Regression: a URL without // was quoted whole, password and all."""
    with pytest.raises(ConfigurationError, match=r"^SPANBRIDGE_TRANSLATION_CACHE_URL: ") as caught:
        open_cache(settings(url), service="test")
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_certificates_that_cannot_be_read_are_told_at_once(tmp_path: Path) -> None:
    for content in (None, "no certificate"):
        path = tmp_path / "ca.pem"
        if content is not None:
            path.write_text(content)
        with pytest.raises(ConfigurationError, match="certificates can't be read"):
            open_redis(f"rediss://localhost?ssl_ca_certs={path}", timeout_s=1)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"redis://me:{SECRET}@localhost:6379/0", "redis://localhost:6379/0"),
        (f"redis://:{SECRET}@[::1]:6379", "redis://[::1]:6379"),
        (f"unix://me@/run/redis.sock?password={SECRET}", "unix:///run/redis.sock"),
        ("redis://localhost", "redis://localhost"),
    ],
)
def test_logs_show_the_address_alone(url: str, shown: str) -> None:
    assert shown_url(url) == shown


def test_settings_do_not_show_the_url() -> None:
    assert SECRET not in repr(settings(f"redis://:{SECRET}@localhost"))
    assert SECRET not in str(settings(f"redis://:{SECRET}@localhost"))


@pytest.mark.parametrize("field", ["cache_ttl_s", "cache_timeout_s", "cache_lease_s"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), 1e12])
def test_times_are_positive_and_bounded(field: str, value: float) -> None:
    with pytest.raises(ValidationError):
        ServiceSettings(**{field: value})


def test_times_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPANBRIDGE_TRANSLATION_CACHE_TTL_S", "60")
    found = load_settings(TranslationSettings)
    assert (found.cache_ttl_s, found.cache_timeout_s, found.cache_lease_s) == (60, 0.25, 5)


def test_redis_needs_no_loop_and_no_server_to_be_opened_and_closed() -> None:
    cache = open_cache(settings("redis://localhost:1"), service="test")
    assert cache.apart() is cache
    asyncio.run(cache.close())
