"""The real annotation tools. Plain `make test` skips all of this; `make test-tools` installs the tools and runs it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.label_studio import LabelStudio, quick_folder, started
from tests.tools.servers import Server, spanbridge

RUN = "SPANBRIDGE_TEST_TOOLS"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests here unless the tools are there to be tested."""
    if os.environ.get(RUN) == "1":
        return
    for item in items:
        if item.get_closest_marker("tools"):
            item.add_marker(pytest.mark.skip(reason="needs the real annotation tools: `make test-tools`"))


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("gateway")
    with spanbridge(folder) as server:
        yield server


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStudio]:
    with quick_folder(tmp_path_factory.mktemp("label-studio")) as folder, started(folder) as found:
        yield found
