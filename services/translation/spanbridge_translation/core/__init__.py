"""Pure functions of the translation service: directions, decoding limits, reading texts, answers."""
