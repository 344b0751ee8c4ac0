"""The numbers that ensembles merge by."""

import json
from pathlib import Path
from typing import Any

import pytest

from spanbridge_gateway.app import create_app
from spanbridge_gateway.calibration import SHIPPED, load_calibration
from spanbridge_gateway.settings import GatewaySettings
from spanbridge_projection.core.merging import logit
from spanbridge_shared.contracts.options import Member
from spanbridge_shared.errors import ConfigurationError

ONE: dict[str, Any] = {
    "student+transfer": {
        "bias": 0.25,
        "members": {
            "student": {"weight": 1.0, "present": 0.0, "absent": -1.0},
            "transfer": {"weight": 0.5, "present": 0.0, "absent": -0.5},
        },
        "threshold": 0.4,
        "fitted_on": "a test",
    }
}


def test_the_shipped_file_has_every_set_of_two_and_more() -> None:
    table = load_calibration("").table.root
    assert set(table) == {
        "candidates+student",
        "candidates+student+transfer",
        "candidates+transfer",
        "student+transfer",
    }
    for each in table.values():
        assert each.fitted_on
        # A member that is sure of a span speaks more for it than one that is silent; taken alone its word may count
        # nothing, where another member, taught by it, says the same.
        assert all(member.weight * logit(0.9) + member.present > member.absent for member in each.members.values())


def test_a_file_of_ones_own_takes_the_place_of_the_sets_that_it_has(tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    path.write_text(json.dumps(ONE))
    own, shipped = load_calibration(str(path)), load_calibration("")
    assert own.parameters([Member.TRANSFER, Member.STUDENT]).bias == 0.25
    both = [Member.CANDIDATES, Member.TRANSFER]
    assert own.parameters(both) == shipped.parameters(both)
    assert own.version != shipped.version
    assert own.version == load_calibration(str(path)).version


def test_a_threshold_of_ones_own() -> None:
    calibration = load_calibration("")
    both = [Member.CANDIDATES, Member.TRANSFER]
    assert calibration.parameters(both, 0.9).threshold == 0.9
    assert calibration.parameters(both, 0.9).members == calibration.parameters(both).members


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "is no calibration"),
        (json.dumps({"transfer+student": ONE["student+transfer"]}), "the key 'transfer\\+student' has the parameters"),
        (json.dumps({"student+transfer": ONE["student+transfer"] | {"bias": "big"}}), "student\\+transfer.bias"),
        (json.dumps({"student+transfer": ONE["student+transfer"] | {"threshold": 1}}), "threshold"),
        (json.dumps({"student+transfer": {"bias": 0}}), "fitted_on|members"),
    ],
)
def test_a_faulty_file_is_refused_by_the_settings_name(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "own.json"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=f"SPANBRIDGE_GATEWAY_CALIBRATION.*({told})"):
        load_calibration(str(path))


def test_a_file_that_is_not_there_is_told_when_the_gateway_is_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"SPANBRIDGE_GATEWAY_CALIBRATION.*none\.json can't be read"):
        create_app(GatewaySettings(calibration=str(tmp_path / "none.json")))


def test_the_shipped_file_is_sorted_json_with_its_key_in_each_set() -> None:
    assert all("+".join(sorted(each["members"])) == key for key, each in json.loads(SHIPPED.read_text()).items())
