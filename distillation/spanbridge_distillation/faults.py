"""What goes wrong in ways that people can mend.

The training machine has none of Spanbridge's other packages, so that these are not of `spanbridge_shared.errors`; the
command turns them into `ConfigurationError`.
"""


class DistillationFault(Exception):
    """A failure with a message for people: what is wrong and what would be right."""


class DataFault(DistillationFault):
    """Soft labels, texts or an encoded corpus are missing, damaged, or of another run."""


class ModelFault(DistillationFault):
    """A model's files can't be read, or don't fit."""
