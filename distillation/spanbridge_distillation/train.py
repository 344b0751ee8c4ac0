"""Stage `train`, which also runs alone: `python -m spanbridge_distillation.train --work DIR`.

It needs torch, transformers, numpy and tqdm, and of DIR the folder `encoded`. All steps of the recipe are made; nothing
is stopped early, and no gold label, of no language, is ever read. What is told of held-out sentences is how often the
student gives the tag that its teachers together give.
"""

import argparse
import json
import logging
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from spanbridge_distillation.checkpoints import load_state, rng_state, save_state, set_rng_state
from spanbridge_distillation.corpus import START, Corpus, Ints, load_corpus
from spanbridge_distillation.faults import DistillationFault
from spanbridge_distillation.losses import distillation_loss
from spanbridge_distillation.network import Layout, build_student, freeze, words_dropped
from spanbridge_distillation.recipe import Recipe, changed
from spanbridge_distillation.sampler import Sampler, held_out
from spanbridge_distillation.soft_labels import fingerprint_of
from spanbridge_distillation.teaching import teach, told_of
from spanbridge_distillation.trained import INDEX, save_trained

logger = logging.getLogger(__name__)

ENCODED, TRAINED, STATES = "encoded", "trained", "states"
_YOUNG, _HELD_BATCH = 10, 64


def learning_share(step: int, recipe: Recipe) -> float:
    """Factor of the peak rate: a linear rise over the share `warmup`, then a linear fall to 0; `step` counts from 0.

    >>> [learning_share(step, Recipe(steps=10, warmup=0.2)) for step in (0, 1, 6)]
    [0.5, 1.0, 0.5]
    """
    rise = max(1, round(recipe.steps * recipe.warmup))
    return min((step + 1) / rise, max(0.0, (recipe.steps - step) / max(1, recipe.steps - rise)))


class Trainer:
    """A student, what it is taught, and how far it is; `log` holds JSON values."""

    def __init__(self, corpus: Corpus, recipe: Recipe, encoded: Path, device: torch.device) -> None:
        self._corpus, self._recipe, self._device = corpus, recipe, device
        # Padded widths are few, and none is longer than the model reads.
        self.widths = sorted({min(width, corpus.max_tokens) for width in recipe.widths})
        with np.load(encoded / START) as start:
            arrays = {name: start[name] for name in start.files}
        torch.manual_seed(recipe.seed)
        self.student = build_student(corpus, recipe.dropout, arrays).to(device)
        self._combined, alphas = teach(corpus, recipe, self.student, device)
        self._held = held_out(corpus, self._combined.usable, recipe.held_out, recipe.seed)
        learnt = np.setdiff1d(np.flatnonzero(self._combined.usable), self._held)
        self._sampler = Sampler(corpus, learnt, self._combined.agreement, recipe, self.widths)
        self._layout = Layout(corpus, device)
        self._soft = torch.from_numpy(self._combined.soft.astype(np.float16)).to(device)
        self._weights = torch.from_numpy(self._combined.weights.astype(np.float32)).to(device)
        freeze(self.student, embeddings=recipe.freeze_embeddings, layers=recipe.frozen_layers)
        self._optimizer, self._rates = self._make_optimizer()
        self._mean = {name: value.detach().clone() for name, value in self.student.state_dict().items()}
        self.step = 0
        self.log: list[dict[str, Any]] = [{"languages": told_of(corpus, self._combined, alphas, learnt)}]
        # Dropout begins at the same place, however many draws it took to get here.
        torch.manual_seed(recipe.seed)

    def _make_optimizer(self) -> tuple[torch.optim.Optimizer, list[float]]:
        recipe = self._recipe
        encoder = [weight for weight in self.student.encoder.parameters() if weight.requires_grad]
        rate = recipe.learning_rate
        groups: list[dict[str, Any]] = [
            {"params": [each for each in encoder if each.dim() > 1], "lr": rate, "weight_decay": recipe.weight_decay},
            {"params": [each for each in encoder if each.dim() <= 1], "lr": rate, "weight_decay": 0.0},
            {"params": list(self.student.head.parameters()), "lr": rate * recipe.head_rate, "weight_decay": 0.0},
        ]
        groups = [group for group in groups if group["params"]]
        rates = [float(group["lr"]) for group in groups]
        return torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=self._device.type == "cuda"), rates

    def advance(self) -> Tensor:
        """Make one step and return the loss, still on the device."""
        recipe = self._recipe
        self.student.train()
        for group, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * learning_share(self.step, recipe)
        width, rows = self._sampler.draw(self.step)
        ids, words = self._layout.batch(rows, width)
        if recipe.word_dropout:
            special = self._corpus.specials
            ids = words_dropped(ids, words, special.unknown, len(special.before), recipe.word_dropout)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._device.type == "cuda"):
            logits = self.student(ids)
        loss = distillation_loss(logits, words, self._soft, self._weights, recipe.loss)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.student.parameters(), recipe.clip)
        self._optimizer.step()
        self.step += 1
        self._follow()
        return loss.detach()

    def _follow(self) -> None:
        """Move the running mean; a young one would remember the start for long: it begins short and grows."""
        keep = min(self._recipe.decay, self.step / (self.step + _YOUNG)) if self._recipe.decay else 0.0
        with torch.no_grad():
            torch._foreach_lerp_(list(self._mean.values()), list(self.student.state_dict().values()), 1 - keep)

    def weights(self) -> dict[str, Tensor]:
        """Return the running mean of the weights: the student as it will be served."""
        return self._mean

    def agreement(self) -> float:
        """Return the share of held-out sentences' words that the student gives its teachers' tag; 1 without any."""
        now = {name: value.clone() for name, value in self.student.state_dict().items()}
        self.student.load_state_dict(self._mean)
        self.student.eval()
        same = total = 0
        for width, rows in self._held_batches():
            ids, words = self._layout.batch(rows, width)
            with torch.inference_mode():
                best = self.student(ids).argmax(dim=-1)
            chosen = words >= 0
            wanted = self._soft[words[chosen]].float().argmax(dim=-1)
            same += int((best[chosen] == wanted).sum())
            total += int(chosen.sum())
        self.student.load_state_dict(now)
        return same / total if total else 1.0

    def _held_batches(self) -> list[tuple[int, Ints]]:
        size = range(0, len(self._held), _HELD_BATCH)
        return [(self.widths[-1], self._held[start : start + _HELD_BATCH]) for start in size]

    def state(self, fingerprint: str) -> dict[str, Any]:
        """Return all that the rest of the training depends on."""
        return {
            "fingerprint": fingerprint,
            "step": self.step,
            "weights": self.student.state_dict(),
            "mean": self._mean,
            "optimizer": self._optimizer.state_dict(),
            "rng": rng_state(),
            "log": self.log,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a state."""
        self.student.load_state_dict(state["weights"])
        self._optimizer.load_state_dict(state["optimizer"])
        for name, value in self._mean.items():
            value.copy_(state["mean"][name])
        set_rng_state(state["rng"])
        self.step, self.log = int(state["step"]), list(state["log"])


def train(work: Path, recipe: Recipe, *, minutes: float | None = None, encoded: Path | None = None) -> bool:
    """Train into `work/trained` up to the recipe's last step, or for `minutes`; True when the student is done.

    `encoded` is `work/encoded` unless told otherwise. Raises `DataFault` when the training that is under way there is
    of other data or choices: going on would mix two.
    """
    deadline = math.inf if minutes is None else time.monotonic() + minutes * 60
    encoded = encoded or work / ENCODED
    corpus = load_corpus(encoded)
    fingerprint = fingerprint_of(recipe=recipe.as_json(), corpus=corpus.fingerprint)
    if _is_done(work / TRAINED, fingerprint):
        return True
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    trainer = Trainer(corpus, recipe, encoded, device)
    state = load_state(work / STATES, fingerprint, device)
    if state is None:
        about = {"fingerprint": fingerprint, "recipe": recipe.as_json(), "teachers": list(corpus.teachers)}
        trainer.log[0] = {**about, "device": device.type, **trainer.log[0]}
    else:
        trainer.restore(state)
        logger.info("resumed at step %d", trainer.step)
    if not _steps(trainer, recipe, work / STATES, fingerprint, deadline):
        return False
    weights = {name: value.float().cpu().numpy() for name, value in trainer.weights().items()}
    save_trained(work / TRAINED, weights, trainer.log)
    return True


def _steps(trainer: Trainer, recipe: Recipe, states: Path, fingerprint: str, deadline: float) -> bool:
    """Make the steps that are left; False when the deadline came first, the state being saved."""
    bar = tqdm(total=recipe.steps, initial=trainer.step, desc="train", unit="step", mininterval=5, disable=None)
    with bar:
        while trainer.step < recipe.steps:
            if time.monotonic() >= deadline:
                save_state(states, trainer.state(fingerprint))
                logger.info("out of time at step %d of %d: the same command goes on", trainer.step, recipe.steps)
                return False
            loss = trainer.advance()
            bar.update()
            if trainer.step % recipe.checkpoint_steps == 0 or trainer.step == recipe.steps:
                told = {"step": trainer.step, "loss": round(float(loss), 5), "agreement": round(trainer.agreement(), 4)}
                trainer.log.append(told)
                save_state(states, trainer.state(fingerprint))
                logger.info("%s", told)
    return True


def _is_done(trained: Path, fingerprint: str) -> bool:
    if not (trained / INDEX).is_file():
        return False
    log = json.loads((trained / INDEX).read_text(encoding="utf-8"))["log"]
    return bool(log) and log[0].get("fingerprint") == fingerprint


def _choice(written: str) -> tuple[str, Any]:
    """Return name and value of NAME=VALUE; a value is JSON if it reads as such, else a word."""
    name, equals, value = written.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{written!r} is not NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:  # A word, such as kl.
        return name, value


def main(argv: Sequence[str] | None = None) -> int:
    """Train; 1 and one line on stderr for what can be expected to go wrong, 3 when the time was up first."""
    parser = argparse.ArgumentParser(prog="python -m spanbridge_distillation.train", description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="the folder of states and of the trained student")
    parser.add_argument("--encoded", type=Path, help="the encoded corpus; WORK/encoded unless told otherwise")
    parser.add_argument(
        "--set", "--choice", type=_choice, action="extend", nargs="+", default=[], metavar="NAME=VALUE",
        help="a choice of the recipe",
    )  # fmt: skip
    parser.add_argument("--minutes", type=float, help="stop after so long; the same command goes on")
    given = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        recipe = changed(Recipe(), dict(given.set))
        return 0 if train(given.work, recipe, minutes=given.minutes, encoded=given.encoded) else 3
    except DistillationFault as fault:
        logger.error("%s", fault)
        return 1


if __name__ == "__main__":
    sys.exit(main())
