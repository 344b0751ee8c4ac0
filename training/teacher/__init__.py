"""The recipe of the NER teacher: a 12-layer encoder fine-tuned on English NER sets and taught across parallel text.

Stages, each in its own folder of WORK: prepare → translate → align → encode → train → convert → evaluate.
"""
