"""What the recipe refuses, as one small tree.

RecipeError
├── DataError        a corpus file or an encoded data set is not what the stage expects
├── ModelFileError   a model file cannot be read: wrong magic, version, architecture or size
└── StageError       a stage was started without the output of an earlier one

Served folders are read by `spanbridge_distillation`, whose failures are a tree of their own: `EXPECTED` has both.
"""

from spanbridge_distillation.faults import DistillationFault


class RecipeError(Exception):
    """The base of every failure that the recipe expects; its message says what would be right."""


class DataError(RecipeError):
    """A corpus file or an encoded data set is malformed or empty."""


class ModelFileError(RecipeError):
    """A model file is unreadable or of another architecture than the recipe writes."""


class StageError(RecipeError):
    """A stage lacks its input, normally the output of the stage before it."""


EXPECTED = (RecipeError, DistillationFault)
"""What a command line tells in one line, without a traceback."""
