"""Opening the client and a workbench around it, with the caches as a measurement needs them."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from spanbridge_evaluation.arguments import Arguments
from spanbridge_evaluation.results import Caches
from spanbridge_evaluation.running.journal import default_folder
from spanbridge_evaluation.running.workbench import Workbench, workbench
from spanbridge_shared.errors import ConfigurationError, SpanbridgeError

if TYPE_CHECKING:
    from spanbridge import Spanbridge

_INTERRUPTED = 130
_NO_CACHE = "none://"


@contextmanager
def opened(arguments: Arguments, caches: Caches) -> Iterator[Workbench]:
    """Give a workbench with an open client; what a stopped run has finished is kept, and said to be."""
    folder = arguments.resume_dir or default_folder()
    try:
        with (
            open_client(arguments.url, caches) as client,
            workbench(client, folder, arguments.batch, caches, fresh=arguments.fresh) as bench,
            _told_to_continue(bench),
        ):
            yield bench
    except KeyboardInterrupt:
        raise SystemExit(_INTERRUPTED) from None


def caches_for(arguments: Arguments) -> Caches:
    """Return what caches a measurement has.

    A comparison in this process has none: what one setting translated and aligned would make the next one look faster.
    """
    if arguments.url is not None or (arguments.compares and arguments.keep_caches):
        return Caches.SHARED
    return Caches.OFF if arguments.compares else Caches.FRESH


@contextmanager
def _told_to_continue(bench: Workbench) -> Iterator[None]:
    try:
        yield
    except (KeyboardInterrupt, SpanbridgeError):
        if any(journal.outcomes for journal in bench.journals):
            bench.say("Finished batches are kept; the same command continues.")
        raise


@contextmanager
def open_client(url: str | None, caches: Caches) -> Iterator["Spanbridge"]:
    """Give an open client; raises `ConfigurationError` where the client isn't installed."""
    try:
        from spanbridge.cli.session import opened as opened_client
    except ModuleNotFoundError as fault:
        raise ConfigurationError("evaluating needs the client; install spanbridge[evaluation]") from fault
    with environment(_without_caches()) if caches is Caches.OFF else nullcontext(), opened_client(url) as client:
        yield client


def _without_caches() -> dict[str, str]:
    """Return the settings that leave the gateway and every service in this process without a cache."""
    services = entry_points(group="spanbridge.services").names
    return {f"SPANBRIDGE_{name.upper()}_CACHE_URL": _NO_CACHE for name in ("gateway", *sorted(services))}


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Have the environment say that, and what it said before afterwards; services read it as they open."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
