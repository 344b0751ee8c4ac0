"""The recipe of `models/student`: unlabelled text chosen and translated here, then labelled by `spanbridge distill`."""
