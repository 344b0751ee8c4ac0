"""Prints what a member needs from other people: its own dependencies and those of the members that it stands on.

    python deploy/docker/requirements.py translation
    python deploy/docker/requirements.py 'client[convert]'

An image installs these before it gets any code, so that a changed line of code rebuilds no dependency.
"""

import re
import sys
import tomllib
from pathlib import Path

OWN = re.compile(r"spanbridge(-[a-z-]+)?(\[(?P<extras>[a-z,]+)\])?")
ALWAYS = "shared[telemetry]"
"""Traces can be switched on in every image."""


def member_folders(root: Path) -> dict[str, Path]:
    """Return each member's folder, by the folder's name (`ner_teacher`) and by the package's."""
    found: dict[str, Path] = {}
    for file in sorted([*root.glob("*/pyproject.toml"), *root.glob("services/*/pyproject.toml")]):
        name: str = tomllib.loads(file.read_text(encoding="utf-8"))["project"]["name"]
        found |= {file.parent.name: file.parent, name: file.parent}
    return found


def requirements(root: Path, wanted: list[str]) -> tuple[list[str], list[Path]]:
    """Return what members (`gateway`, `client[convert]`) need from others, and the folders of all members they need."""
    folders = member_folders(root)
    theirs: set[str] = set()
    own: set[Path] = set()
    seen: set[str] = set()
    todo = list(wanted)
    while todo:
        current = todo.pop()
        if current in seen:
            continue
        seen.add(current)
        name, _, extras = current.rstrip("]").partition("[")
        if name not in folders:
            raise SystemExit(f"there is no member {name!r}; there are {', '.join(sorted(folders))}")
        own.add(folders[name])
        project = tomllib.loads((folders[name] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        needed: list[str] = list(project.get("dependencies", []))
        for extra in filter(None, extras.split(",")):
            needed += project["optional-dependencies"][extra]
        todo += [each for each in needed if OWN.fullmatch(each)]
        theirs |= {each for each in needed if not OWN.fullmatch(each)}
    return sorted(theirs), sorted(own)


def main(arguments: list[str]) -> None:
    """Print requirements, or with `--folders` the members' folders, one a line."""
    folders = "--folders" in arguments
    root = Path(__file__).resolve().parents[2]
    theirs, own = requirements(root, [ALWAYS, *(each for each in arguments if each != "--folders")])
    lines = [str(each) for each in own] if folders else theirs
    sys.stdout.write("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    main(sys.argv[1:])
