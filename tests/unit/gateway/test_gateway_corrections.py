"""What annotators can label by a Label Studio configuration, whatever their labels are."""

import pytest

from spanbridge_gateway.integrations.label_studio.label_config import LabelledTexts, read_labelled_texts
from spanbridge_shared.errors import InvalidRequest

KNOWN = ["LOC", "ORG", "PER"]


def config(labels: str, texts: str = '<Text name="t" value="$text"/>', to: str = "t") -> str:
    return f'<View><Labels name="l" toName="{to}">{labels}</Labels>{texts}</View>'


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ('<Label value="Animal"/>', {}),
        ('<Label value="per"/><Label value="Animal"/>', {"per": "PER"}),
        ('<Label value="Human" predicted_values="PER,person"/><Label value="PER"/>', {"Human": "PER"}),
        ('<Label value="Name" predicted_values="PER,ORG"/><Label value="LOC"/>', {"LOC": "LOC"}),  # It may be either.
        ("", {}),
    ],
)
def test_labels_lead_back_to_ours_where_they_stand_for_one(labels: str, names: dict[str, str]) -> None:
    assert read_labelled_texts(config(labels), KNOWN) == LabelledTexts({"t": "text"}, names)


def test_every_text_that_is_labelled_is_found() -> None:
    texts = '<Text name="t" value="$title"/><Text name="b" value="$article.body"/><Text name="n" value="$note"/>'
    found = read_labelled_texts(config('<Label value="PER"/>', texts, "t,b,image"), KNOWN)
    assert found.keys == {"t": "title", "b": "article.body"}


@pytest.mark.parametrize("xml", ["", "<View/>", config('<Label value="PER"/>', '<Image name="t" value="$image"/>')])
def test_a_configuration_without_labelled_texts_is_refused(xml: str) -> None:
    with pytest.raises(InvalidRequest):
        read_labelled_texts(xml, KNOWN)
