"""What an annotator sees: predictions on the right words, in a real browser.

`SPANBRIDGE_SCREENSHOTS=1` renews the picture in the documentation.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.tools.label_studio import CONFIG, EMAIL, PASSWORD, TOKEN, LabelStudio
from tests.tools.sentences import fifty
from tests.tools.servers import ROOT, Server, cli

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright isn't installed (the group tools)")
pytestmark = pytest.mark.tools

PICTURE = ROOT / "docs" / "integrations" / "images" / "label-studio.png"
SHOWN = (
    "Rais Samia alitembelea Nairobi jana. Shirika la Msalaba Mwekundu lilituma misaada Turkana. "
    "Wanafunzi wanasoma kitabu cha Shaaban Robert. Mlima Kilimanjaro uko Tanzania."
)
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
REGIONS = """() => {
  const found = new Map();
  for (const each of document.querySelectorAll('.htx-highlight')) {
    const name = [...each.classList].find(name => /^htx-highlight-[0-9a-f]{10}/.test(name));
    const region = found.get(name) ?? {text: '', label: each.dataset.label.replace(/^[0-9]+:/, '')};
    region.text += each.textContent;
    found.set(name, region);
  }
  return [...found.values()];
}"""
"""A region is one element or, across lines, several; its label is shown with its number in front."""


@pytest.fixture(scope="module")
def page(studio: LabelStudio) -> Iterator[Any]:
    """A page on which the tester has logged in."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "chromium isn't installed: apt-get install chromium"
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        found = browser.new_page(viewport={"width": 1280, "height": 480})
        found.set_default_timeout(90_000)
        found.goto(f"{studio.server.url}/user/login")
        found.fill("input[name=email]", EMAIL)
        found.fill("input[name=password]", PASSWORD)
        found.click("button[type=submit]")
        found.wait_for_url(lambda url: "/user/login" not in url)
        yield found
        browser.close()


def test_predictions_are_shown_at_their_words(
    studio: LabelStudio, gateway: Server, page: Any, record_property: Callable[[str, object], None]
) -> None:
    given = [*fifty()[0:50:4], {"text": "😀 Samia\n👩🏽‍🏫 alifika\nNairobi 🎉 na Mombasa.", "lang": "swh_Latn"}]
    project = _predicted(studio, gateway, given, CONFIG)
    seen = 0
    for task in studio.tasks(project):
        values = [each["value"] for each in task["predictions"][0]["result"]]
        expected = [{"text": each["text"], "label": each["labels"][0]} for each in values]
        page.goto(f"{studio.server.url}/projects/{project}/data?task={task['id']}")
        page.get_by_role("button", name="Submit").wait_for()
        page.wait_for_function(f"n => ({REGIONS})().length >= n", arg=len(expected))
        assert page.evaluate(REGIONS) == expected, task["data"]["text"]
        seen += len(expected)
    assert seen > 10
    record_property("equal in Label Studio's page", len(given))


def test_the_documentations_picture_can_be_made(studio: LabelStudio, gateway: Server, page: Any) -> None:
    config = CONFIG.replace('"Organisation" predicted_values="ORG"', '"ORG"').replace('"loc"', '"LOC"')
    project = _predicted(studio, gateway, [{"text": SHOWN, "lang": "swh_Latn"}], config, "--method", "ensemble")
    (task,) = studio.tasks(project)
    page.goto(f"{studio.server.url}/projects/{project}/data?task={task['id']}")
    page.get_by_role("button", name="Submit").wait_for()
    count = len(task["predictions"][0]["result"])
    page.wait_for_function(f"n => ({REGIONS})().length >= n", arg=count)
    page.get_by_text("Samia", exact=True).last.wait_for()  # The list of regions comes after the text.
    assert {each["text"] for each in page.evaluate(REGIONS)} >= {"Samia", "Nairobi", "Msalaba Mwekundu"}
    if os.environ.get("SPANBRIDGE_SCREENSHOTS") == "1":
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURE)


def _predicted(studio: LabelStudio, gateway: Server, tasks: list[dict[str, str]], config: str, *more: str) -> int:
    project = studio.project("Swahili news", tasks, config)
    options = ["--url", studio.server.url, "--project", str(project), "--backend-url", gateway.url, *more]
    done = cli("label-studio", "connect", *options, LABEL_STUDIO_API_KEY=TOKEN)
    assert done.returncode == 0, done.stderr
    studio.retrieve(project)
    return project
