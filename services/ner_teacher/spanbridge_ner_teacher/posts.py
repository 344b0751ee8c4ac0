"""Which teachers there are, in which roles, and which of them answers a request."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from spanbridge_ner_teacher.backends.base import Teacher, TeacherCard
from spanbridge_ner_teacher.backends.joined_teacher import JoinedTeacher
from spanbridge_ner_teacher.backends.opening import open_teacher
from spanbridge_ner_teacher.core.sentences import Sentence
from spanbridge_ner_teacher.settings import NerTeacherSettings, TeacherSpec, read_spec
from spanbridge_shared.contracts.ner import ANY_LANGUAGE, TeacherRole
from spanbridge_shared.errors import ConfigurationError, MissingTeacher
from spanbridge_shared.serving.loading import load_apart
from spanbridge_shared.text.languages import ENGLISH

_WARM_UP = "President Samia visited Nairobi."
_UNASKED = (TeacherRole.ENGLISH, TeacherRole.MULTILINGUAL)


@dataclass(frozen=True, slots=True)
class Post:
    """A loaded teacher in its role; `key` is what requests name it by, `languages` are those the role leaves it."""

    key: str
    role: TeacherRole
    teacher: Teacher
    languages: tuple[str, ...]

    @property
    def card(self) -> TeacherCard:
        """What the teacher is."""
        return self.teacher.card

    def serves(self, lang: str) -> bool:
        """Say whether it answers for a language, given as FLORES code."""
        return not {lang, ANY_LANGUAGE}.isdisjoint(self.languages)

    def enough_for(self, labels: Collection[str]) -> "Post":
        """Return the post with no more models than it takes to give these labels."""
        if isinstance(self.teacher, JoinedTeacher):
            return replace(self, teacher=self.teacher.enough_for(labels))
        return self


async def open_posts(settings: NerTeacherSettings) -> tuple[list[Post], list[Teacher]]:
    """Load and warm up every configured teacher; return them in their roles, and each model once.

    Raises `ConfigurationError` where one can't be loaded.
    """
    written = {TeacherRole.ENGLISH: settings.english, TeacherRole.MULTILINGUAL: settings.multilingual}
    written |= {TeacherRole.STUDENT: settings.student}
    wanted = [(role.value, role, read_spec(spec)) for role, spec in written.items()]
    wanted += [(name, TeacherRole.NAMED, spec) for name, spec in settings.named_teachers.items()]
    more = read_spec(settings.english_more)
    opened: dict[TeacherSpec, Teacher] = {}
    for spec in dict.fromkeys([*(spec for *_, spec in wanted), more]):
        if spec is not None:
            opened[spec] = await load_apart(_load, spec, settings)
    posts = []
    for key, role, spec in wanted:
        if spec is not None:
            teacher = opened[spec]
            if role is TeacherRole.ENGLISH and more is not None:
                teacher = JoinedTeacher(teacher, opened[more])
            posts.append(_post(key, role, teacher))
    return posts, list(opened.values())


def _load(spec: TeacherSpec, settings: NerTeacherSettings) -> Teacher:
    teacher = open_teacher(spec, settings)
    if not teacher.card.remote:
        teacher.entities([Sentence(ENGLISH, text=_WARM_UP)])
    return teacher


def _post(key: str, role: TeacherRole, teacher: Teacher) -> Post:
    """Give a teacher a role; raises `ConfigurationError` where it is to label English and can't."""
    card = teacher.card
    if role is not TeacherRole.ENGLISH:
        return Post(key, role, teacher, card.languages)
    if not card.serves(ENGLISH):
        raise ConfigurationError(
            f"SPANBRIDGE_NER_TEACHER_ENGLISH: {card.name} serves {', '.join(card.languages)}, not {ENGLISH}"
        )
    return Post(key, role, teacher, (ENGLISH,))


def labelling_post(posts: Sequence[Post], lang: str, key: str | None) -> Post:
    """Return who labels: the teacher of that key, else the English one for English, else the multilingual one.

    Raises `MissingTeacher`, which lists the keys where there is no such one.
    """
    post = _chosen(posts, key, lambda post: post.serves(lang))
    if post is None:
        raise _missing(f"no configured teacher labels {lang}")
    if not post.serves(lang):
        raise MissingTeacher(f"the teacher {post.key!r} serves {', '.join(post.languages)}, not {lang}")
    return post


def probability_post(posts: Sequence[Post], lang: str, key: str | None) -> tuple[Post, tuple[str, ...]]:
    """Return who gives probabilities, and their columns; without a key the multilingual one is asked first.

    Raises as `labelling_post` does.
    """
    post = _chosen(posts[::-1], key, lambda post: post.card.tags is not None and post.serves(lang))
    if post is None:
        raise _missing(f"no configured teacher gives label probabilities for {lang}")
    if not post.serves(lang):
        raise MissingTeacher(f"the teacher {post.key!r} serves {', '.join(post.languages)}, not {lang}")
    if post.card.tags is None:
        raise MissingTeacher(f"the teacher {post.key!r} gives no label probabilities; ask it for entities at /v1/ner")
    return post, post.card.tags


def _chosen(posts: Sequence[Post], key: str | None, fits: Callable[[Post], bool]) -> Post | None:
    """Return the teacher of a key, whether it fits or not; without a key the first that fits, None for nobody."""
    if key is None:
        return next((post for post in posts if post.role in _UNASKED and fits(post)), None)
    found = next((post for post in posts if post.key == key), None)
    if found is None:
        known = ", ".join(sorted(post.key for post in posts))
        raise MissingTeacher(
            f"no teacher is called {key!r}; there are {known}; SPANBRIDGE_NER_TEACHER_TEACHERS adds others"
        )
    return found


def _missing(what: str) -> MissingTeacher:
    return MissingTeacher(
        f"{what}; set SPANBRIDGE_NER_TEACHER_MULTILINGUAL to ctranslate2:PATH (a folder that `spanbridge models "
        "convert` wrote) or transformers:HUB_ID_OR_PATH of a token classifier that serves it"
    )
