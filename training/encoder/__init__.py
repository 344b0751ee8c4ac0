"""The recipe that produced `models/encoder`: multilingual-e5-small, pruned to three scripts and seven layers.

Stages, in order: rebuild, count, prune, convert, publish; then evaluate and coverage measure the result.
Run one with `python -m training.encoder STAGE …`; README.md in this folder gives the commands.
"""
