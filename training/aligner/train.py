"""Stage `train`: the student learns the teacher's word vectors, then links; a stopped run goes on at the same step."""

import copy
import json
import logging
import math
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from training.aligner.batches import Batch, Batches
from training.aligner.carried import STUDENT
from training.aligner.checks import measure
from training.aligner.corpus import Supervision
from training.aligner.load import load_checks, load_corpus, load_start, tokenizer_of
from training.aligner.networks import build_networks, states
from training.aligner.objective import (
    Words,
    centred,
    consistency_loss,
    cosines,
    distillation_loss,
    link_loss,
    mutual,
    pooled,
)
from training.aligner.recipe import TrainRecipe
from training.nmt.errors import StageError
from training.nmt.stages import read_stamp, stamp_of, write_json

logger = logging.getLogger(__name__)

STATE, LOG, FINAL = "state.pt", "log.jsonl", "final.pt"


def snapshot_name(step: int) -> str:
    """The file of the mean weights after `step` steps."""
    return f"step-{step}.pt"


def learning_rate(step: int, recipe: TrainRecipe) -> float:
    """Linear warm-up, the peak, then linearly to zero over the last `decay` share of the steps; counts from 1.

    >>> recipe = TrainRecipe(steps=100, warmup_steps=10, learning_rate=1.0, decay=0.2)
    >>> [round(learning_rate(step, recipe), 2) for step in (1, 10, 80, 90, 100)]
    [0.1, 1.0, 1.0, 0.55, 0.05]
    """
    left = (recipe.steps - step + 1) / max(1.0, recipe.decay * recipe.steps)
    return recipe.learning_rate * min(1.0, step / max(1, recipe.warmup_steps), left)


def annealed(rate: float, recipe: TrainRecipe, left: float) -> float:
    """Let a rate fall to zero with `left`, the share of a slot of time that is left.

    >>> recipe = TrainRecipe(learning_rate=1.0, decay=0.2)
    >>> annealed(1.0, recipe, 0.5), annealed(1.0, recipe, 0.1), annealed(0.1, recipe, 0.1)
    (1.0, 0.5, 0.1)
    """
    return min(rate, recipe.learning_rate * max(0.0, left) / recipe.decay)


def halves(words: Words) -> tuple[Words, Words]:
    """Split stacked sides into source and target."""
    n = len(words.vectors) // 2
    return Words(words.vectors[:n], words.present[:n]), Words(words.vectors[n:], words.present[n:])


def losses(student: Words, teacher: Words, batch: Batch, recipe: TrainRecipe) -> dict[str, Tensor]:
    """Each part of the loss, from `centred` words."""
    source, target = halves(student)
    similarity = cosines(source, target)
    known = cosines(*halves(teacher))
    taught = mutual(known) & (known > recipe.teacher_floor)
    kind = batch.supervision[:, None, None]
    links = torch.where(kind == Supervision.TEACHER, taught, batch.links) & (kind != Supervision.NONE)
    weights = 1 + recipe.salience * batch.salient.float()
    n = len(weights) // 2
    parallel = batch.supervision != Supervision.NONE
    statistical = (batch.supervision == Supervision.STATISTICAL)[:, None]
    trust = torch.where(statistical, recipe.unknown_trust, 1.0).expand(-1, weights.shape[1])
    return {
        "links": link_loss(similarity, links, (weights[:n], weights[n:]), recipe.temperature_links),
        "consistency": consistency_loss(similarity[parallel], recipe.temperature_links)
        if bool(parallel.any())
        else similarity.new_zeros(()),
        "distillation": distillation_loss(student, teacher, torch.cat([torch.ones_like(trust), trust])),
    }


class Trainer:
    """The state of a run."""

    def __init__(self, recipe: TrainRecipe, encoded: Path, folder: Path, *, sample: int | None = None) -> None:
        self._recipe, self._folder, self._encoded = recipe, folder, encoded
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(recipe.seed)
        torch.set_float32_matmul_precision("high")
        began = time.monotonic()
        student, teacher = build_networks(load_start(encoded), recipe)
        self.student: Any = student.to(self.device).train()
        self._teacher: Any = teacher.to(self.device).eval().requires_grad_(False)
        self.average: Any = copy.deepcopy(student).to(self.device).eval().requires_grad_(False)
        self._batches = Batches(load_corpus(encoded, recipe, sample=sample), recipe, self.device)
        self._checks, self._tokenizer = load_checks(encoded, recipe.check_pairs), tokenizer_of(encoded, STUDENT)
        self._optimizer = self._make_optimizer()
        self.step = 0
        logger.info("loaded in %.0f s", time.monotonic() - began)
        self._began = time.monotonic()

    def _make_optimizer(self) -> torch.optim.Optimizer:
        matrices = [weight for weight in self.student.parameters() if weight.dim() > 1]
        vectors = [weight for weight in self.student.parameters() if weight.dim() <= 1]
        groups = [
            {"params": matrices, "weight_decay": self._recipe.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=self.device.type == "cuda")

    def resume(self) -> None:
        """Go on from the newest state, where there is one."""
        path = self._folder / STATE
        if path.is_file():
            held = torch.load(path, map_location="cpu", weights_only=True)
            self.student.load_state_dict(held["student"])
            self.average.load_state_dict(held["average"])
            self._optimizer.load_state_dict(held["optimizer"])
            torch.set_rng_state(held["rng"])
            self.step = held["step"]
            logger.info("resumed at step %d", self.step)

    def save(self) -> None:
        """Write the state under a temporary name and rename it."""
        held = {
            "student": self.student.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "rng": torch.get_rng_state(),
            "step": self.step,
        }
        _write(self._folder / STATE, held)

    def run(self, deadline: float, *, anneal: bool) -> None:
        """Train until the last step or `deadline` (time.monotonic), whichever comes first; save where it stops.

        With `anneal` the learning rate reaches zero at the deadline, so that the weights are good where it stops.
        """
        began = time.monotonic()
        if self.step == 0:
            self._report({})
        while self.step < self._recipe.steps and time.monotonic() < deadline:
            rate = learning_rate(self.step + 1, self._recipe)
            if anneal:
                rate = annealed(rate, self._recipe, (deadline - time.monotonic()) / (deadline - began))
            parts = self._advance(rate)
            if self.step in self._recipe.snapshots:
                self.keep(snapshot_name(self.step))
            if self.step % self._recipe.check_steps == 0 or self.step == self._recipe.steps:
                self._report({name: round(value.item(), 4) for name, value in parts.items()})
                self.save()
        self.save()

    def _advance(self, rate: float) -> dict[str, Tensor]:
        recipe = self._recipe
        batch = self._batches.batch(self.step)
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.device.type == "cuda"):
            with torch.no_grad():
                known = states(self._teacher, batch.teacher)
            hidden = states(self.student, batch.student)
        teacher = centred(pooled(known, batch.teacher.words, batch.n_words))
        student = centred(pooled(hidden, batch.student.words, batch.n_words))
        parts = losses(student, teacher, batch, recipe)
        share = 0.0 if self.step < recipe.distil_steps else 1.0
        loss = share * (recipe.link_weight * parts["links"] + recipe.consistency_weight * parts["consistency"])
        loss = loss + (recipe.distil_weight if share else 1.0) * parts["distillation"]
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.student.parameters(), recipe.clip)
        self._optimizer.step()
        self.step += 1
        # The mean forgets its beginning: at first it is the plain mean of the steps so far.
        new = max(1 - recipe.average_decay, 1 / self.step)
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.student.parameters()), new)
        return parts

    def _report(self, parts: dict[str, float]) -> None:
        figures = measure(self.average, self._tokenizer, self._checks, self.device)
        mean = round(sum(figures.values()) / max(1, len(figures)), 2)
        seconds = round(time.monotonic() - self._began, 1)
        rate = self._optimizer.param_groups[0]["lr"]
        record = {"step": self.step, "seconds": seconds, "lr": rate, "f1_mean": mean, **parts, "f1": figures}
        with (self._folder / LOG).open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        logger.info("%s", json.dumps(record))

    def keep(self, name: str) -> None:
        """Write the averaged weights."""
        _write(self._folder / name, {name: value.cpu() for name, value in self.average.state_dict().items()})


def _write(path: Path, held: dict[str, Any]) -> None:
    partial = path.with_name(path.name + ".partial")
    torch.save(held, partial)
    partial.replace(path)


def train(
    recipe: TrainRecipe,
    encoded: Path,
    folder: Path,
    *,
    minutes: float | None = None,
    anneal: bool = False,
    sample: int | None = None,
) -> bool:
    """Train or go on training in `folder`; True when all steps are made. `final.pt` is the mean so far either way.

    Raises StageError when `folder` was begun with other data or options: going on would mix two runs.
    """
    deadline = math.inf if minutes is None else time.monotonic() + minutes * 60
    stamp = stamp_of([encoded], {"train": recipe.options(), "sample": sample})
    if read_stamp(folder) not in (None, stamp):
        raise StageError(f"{folder.name} was begun with other data or options: use another --work")
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "stamp.json", stamp)
    trainer = Trainer(recipe, encoded, folder, sample=sample)
    trainer.resume()
    trainer.run(deadline, anneal=anneal and minutes is not None)
    trainer.keep(FINAL)
    return trainer.step >= recipe.steps
