"""Sentences to measure with: Swahili, made from templates, so that a benchmark needs no data set."""

import itertools
import random
from functools import cache

_PEOPLE = [
    "Rais Samia Suluhu Hassan", "William Ruto", "Waziri Mkuu Kassim Majaliwa", "Amina Mohammed", "Yoweri Museveni",
    "Mbwana Samatta", "Daktari Tedros", "Wangari Maathai", "Jakaya Kikwete", "Raila Odinga",
]  # fmt: skip
_PLACES = ["Nairobi", "Dar es Salaam", "Kampala", "Mombasa", "Zanzibar", "Dodoma", "Kigali", "Addis Ababa", "Arusha"]
_BODIES = ["Umoja wa Afrika", "Benki ya Dunia", "serikali ya Kenya", "Chuo Kikuu cha Makerere", "Shirika la Afya"]
_TEMPLATES = [
    "{person} alitembelea {place} jana.",
    "{person} amesema kuwa {body} itasaidia wakulima wa {place} mwaka huu.",
    "Mkutano kati ya {person} na {body} ulifanyika mjini {place} wiki iliyopita.",
    "Kwa mujibu wa {body}, mvua kubwa imesababisha mafuriko katika maeneo mengi ya {place} na watu wengi wamehama.",
    "Mvua kubwa inatarajiwa kunyesha kesho.",
    "{person} na ujumbe wake waliwasili {place}, ambapo walipokelewa na viongozi wa {body} kabla ya mazungumzo kuanza.",
]


@cache
def swahili(n: int) -> tuple[str, ...]:
    """Return n distinct sentences of 6 to 20 words, the same ones every time."""
    made = {
        template.format(person=person, place=place, body=body)
        for template, person, place, body in itertools.product(_TEMPLATES, _PEOPLE, _PLACES, _BODIES)
    }
    chosen = random.Random(0).sample(sorted(made), n)
    return tuple(chosen)
