import re

import pytest

from spanbridge_shared import errors
from spanbridge_shared.clients.transport import raised
from spanbridge_shared.contracts.base import ErrorBody
from spanbridge_shared.errors import ERRORS_BY_NAME, Overloaded, SpanbridgeError

DRAWN = [
    (len(match["indent"]) // 4, match["name"], match["status"])
    for line in (errors.__doc__ or "").splitlines()
    if (match := re.match(r"(?P<indent>[│├└─ ]*)(?P<name>[A-Z]\w+)\s*(?P<status>\d{3})?(\s|$)", line))
    and "," not in line[: match.end()]
    and match["name"] in ERRORS_BY_NAME
]


def test_the_drawing_shows_every_class_once():
    assert sorted(name for _, name, _ in DRAWN) == sorted(ERRORS_BY_NAME)


def test_the_drawing_shows_the_right_parents():
    parents: dict[int, str] = {}
    for depth, name, _ in DRAWN:
        parents[depth] = name
        if depth:
            assert ERRORS_BY_NAME[name].__base__ is ERRORS_BY_NAME[parents[depth - 1]], name


def test_the_drawing_shows_the_right_statuses():
    inherited: dict[int, int] = {}
    for depth, name, status in DRAWN:
        inherited[depth] = int(status) if status else inherited[depth - 1]
        assert ERRORS_BY_NAME[name].status == inherited[depth], name


def test_every_class_of_the_module_is_found_by_name():
    defined = {
        name: kind
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, SpanbridgeError)
    }
    assert defined == ERRORS_BY_NAME
    assert all(kind.__doc__ for kind in defined.values())


@pytest.mark.parametrize("name", sorted(ERRORS_BY_NAME))
def test_every_class_is_made_from_a_detail_alone(name):
    fault = raised(ErrorBody(error=name, detail="why"))
    assert type(fault) is ERRORS_BY_NAME[name]
    assert fault.detail == str(fault) == "why"


def test_an_unknown_name_is_still_an_error():
    assert type(raised(ErrorBody(error="Newer", detail="why"))) is SpanbridgeError


def test_overloaded_says_when_to_come_back():
    assert Overloaded("full").retry_after == 1
    assert Overloaded("full", retry_after=7).retry_after == 7
