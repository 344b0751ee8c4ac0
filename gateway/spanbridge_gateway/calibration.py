"""The numbers that an ensemble merges by: read from a JSON file once, when the gateway is made."""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from pathlib import Path

from pydantic import ValidationError

from spanbridge_shared.contracts.merging import CalibratedSet, CalibrationTable, MergeParameters, set_key
from spanbridge_shared.contracts.options import Member
from spanbridge_shared.errors import ConfigurationError

SHIPPED = Path(__file__).with_name("calibration.json")
_SETTING = "SPANBRIDGE_GATEWAY_CALIBRATION"
_MIN_MEMBERS = 2


@dataclass(frozen=True, slots=True)
class Calibration:
    """Parameters for every set of two members and more; `version` changes whenever a number does."""

    table: CalibrationTable
    version: str

    def parameters(self, members: Collection[Member], threshold: float | None = None) -> MergeParameters:
        """Return what a set of members is merged by; a threshold of one's own takes the place of the fitted one."""
        found = self.table.root[set_key(members)]
        chosen = found.threshold if threshold is None else threshold
        return MergeParameters(bias=found.bias, members=found.members, threshold=chosen)


def load_calibration(named: str) -> Calibration:
    """Read a calibration file; sets that it lacks, and all of them where none is named, are the shipped ones.

    Raises `ConfigurationError`, which names the setting, where the file isn't one or a set is nowhere.
    """
    table = _read(SHIPPED)
    if named:
        table = CalibrationTable(table.root | _read(Path(named)).root)
    for members in _sets(list(Member)):
        if set_key(members) not in table.root:
            raise ConfigurationError(f"{_SETTING}: no parameters for {set_key(members)!r}, neither there nor shipped")
    return _versioned(table)


def calibration_of(parameters: MergeParameters) -> Calibration:
    """Return the calibration that parameters of one's own make: smaller sets have those of the same members in it.

    In a logistic model what nobody has said adds nothing to the log-odds.
    """
    own = parameters.members
    sets = {
        set_key(members): CalibratedSet(
            bias=parameters.bias,
            members={name: own[name] for name in members},
            threshold=parameters.threshold,
            fitted_on="the request's own parameters",
        )
        for members in _sets(sorted(own))
    }
    return _versioned(CalibrationTable(sets))


def _sets(members: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Return every set of two members and more."""
    return chain.from_iterable(combinations(members, size) for size in range(_MIN_MEMBERS, len(members) + 1))


def _versioned(table: CalibrationTable) -> Calibration:
    digest = hashlib.sha256(table.model_dump_json().encode()).hexdigest()
    return Calibration(table, f"calibration-{digest[:8]}")


def _read(path: Path) -> CalibrationTable:
    try:
        return CalibrationTable.model_validate_json(path.read_bytes())
    except OSError as fault:
        raise ConfigurationError(f"{_SETTING}: {path} can't be read: {fault.strerror}") from fault
    except ValidationError as fault:
        first = fault.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise ConfigurationError(f"{_SETTING}: {path} is no calibration: {where}: {first['msg']}") from fault
