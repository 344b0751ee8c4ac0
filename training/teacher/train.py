"""Train the teacher in rounds; a stopped run goes on at the same step with the same data."""

import json
import logging
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from spanbridge_distillation.start import Start, cut
from training.nmt.errors import StageError
from training.nmt.stages import begin_run
from training.teacher.arrays import GOLD, GROUPS, WEIGHTS, load_arrays
from training.teacher.blocks import unpacked
from training.teacher.corpus import Corpus, Sampler, load_corpus
from training.teacher.labellers import read_labellers, read_tagger, said_by
from training.teacher.labels import Labels, Predictor, cross_labels, gold_labels
from training.teacher.network import Layout, Tagger, tagger_of, tagging_loss
from training.teacher.recipe import Recipe, Round
from training.teacher.scoring import MEAN, check_rows, check_scores

logger = logging.getLogger(__name__)

FINAL, LOG, STATE = "final.pt", "log.jsonl", "state.pt"
_PREDICT_FACTOR = 4
_ENGLISH_ROUND = 1


def learning_rate(step: int, steps: int, warmup: float) -> float:
    """Factor of the peak rate: a linear rise over the share `warmup`, then a linear fall to 0; `step` counts from 0.

    >>> [learning_rate(step, 10, 0.2) for step in (0, 1, 6)]
    [0.5, 1.0, 0.5]
    """
    rise = max(1, round(steps * warmup))
    return min((step + 1) / rise, max(0.0, (steps - step) / max(1, steps - rise)))


def round_file(folder: Path, number: int, seed: int) -> Path:
    """Where the weights of a round's model lie once it is done; rounds count from 1."""
    return folder / f"round-{number}-{seed}.pt"


class Run:
    """One model in one round: network, its running mean, optimiser and step."""

    def __init__(self, trainer: "Trainer", plan: Round, seed: int, start: Mapping[str, Tensor] | None) -> None:
        self._recipe, self._plan, self._seed = trainer.recipe.train, plan, seed
        torch.manual_seed(seed)
        self.network = trainer.starting_network()
        if start is not None:
            self.network.load_state_dict(start)
        self.network.to(trainer.device)
        # `state_dict` gives the parameters themselves, so that these stay the present ones.
        self._present = list(self.network.state_dict().values())
        self.mean = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        head = list(self.network.head.parameters())
        encoder = list(self.network.encoder.parameters())
        matrices = [weight for weight in encoder if weight.dim() > 1]
        vectors = [weight for weight in encoder if weight.dim() <= 1]
        rate, decay = plan.learning_rate, self._recipe.weight_decay
        groups: list[dict[str, Any]] = [
            {"params": matrices, "lr": rate, "weight_decay": decay},
            {"params": vectors, "lr": rate, "weight_decay": 0.0},
            {"params": head, "lr": rate * self._recipe.head_rate, "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=trainer.device.type == "cuda")
        self._rates = [group["lr"] for group in groups]
        self.step = 0

    def advance(self, ids: Tensor, words: Tensor, soft: Tensor, weights: Tensor) -> Tensor:
        """Make one step and return the loss, still on the device."""
        factor = learning_rate(self.step, self._plan.steps, self._recipe.warmup)
        for group, rate in zip(self.optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor
        with torch.autocast(ids.device.type, torch.bfloat16, enabled=ids.device.type == "cuda"):
            logits = self.network(ids)
        loss = tagging_loss(logits, words, soft, weights, self._recipe.smoothing)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self._recipe.clip)
        self.optimizer.step()
        self.step += 1
        # A young mean would remember the start for long: it begins short and grows to its full length.
        keep = min(self._recipe.decay, self.step / (self.step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.mean.values()), self._present, 1 - keep)
        return loss.detach()

    def rng(self) -> np.random.Generator:
        """The generator of the present step's batch."""
        return np.random.default_rng([self._seed, self.step])

    def state(self) -> dict[str, Any]:
        """All that the run depends on."""
        device = next(self.network.parameters()).device
        return {
            "step": self.step,
            "weights": self.network.state_dict(),
            "mean": self.mean,
            "optimizer": self.optimizer.state_dict(),
            "rng": torch.cuda.get_rng_state() if device.type == "cuda" else torch.get_rng_state(),
        }

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go back to a state."""
        self.network.load_state_dict(state["weights"])
        self.optimizer.load_state_dict(state["optimizer"])
        for name, value in self.mean.items():
            value.copy_(state["mean"][name])
        self.step = int(state["step"])
        device = next(self.network.parameters()).device
        (torch.cuda.set_rng_state if device.type == "cuda" else torch.set_rng_state)(state["rng"].cpu())


class Trainer:
    """All rounds; models that are done lie in `folder`, the one under way in its state."""

    def __init__(
        self, recipe: Recipe, encoded: Path, folder: Path, *, start: Path | None, labellers: Sequence[Path]
    ) -> None:
        self.recipe, self.folder = recipe, folder
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.corpus: Corpus = load_corpus(encoded)
        self._start = self._read_start(encoded / WEIGHTS, start)
        self._labellers = read_labellers(labellers, recipe.label.labellers, self.device)
        self._layout = Layout(self.corpus, self.device)
        widths, tokens = recipe.train.widths, recipe.train.batch_tokens
        self._predictor = Predictor(self.corpus, self._layout, widths, tokens * _PREDICT_FACTOR)
        self._began = time.monotonic()

    def run(self, deadline: float) -> bool:
        """Go on with the first model that isn't done; False when `deadline` (time.monotonic) came first."""
        for number, plan in enumerate(self.recipe.train.rounds, start=1):
            missing = [seed for seed in range(plan.models) if not self._path(number, seed).exists()]
            if not missing:
                continue
            labels = self._labels(number)
            for seed in missing:
                if not self._model(number, plan, seed, labels, deadline):
                    return False
            self._report(number, plan)
        return True

    def starting_network(self) -> Tagger:
        """A network as the training starts: a served tagger's first layers and head, or the encoder and a new head."""
        return tagger_of(self._start, self.recipe.train.dropout)

    def _read_start(self, weights: Path, folder: Path | None) -> Start:
        layers = self.recipe.train.layers
        if folder is not None:
            return read_tagger(folder, layers)
        if not weights.is_file():
            raise StageError(f"{weights.parent.name} holds no starting weights: give --start")
        config = dict(self.corpus.config)
        start = Start(config, dict(unpacked(load_arrays(weights))), int(config["max_position_embeddings"]))
        return start if layers is None else cut(start, layers, weights.parent)

    def _path(self, number: int, seed: int) -> Path:
        return round_file(self.folder, number, seed)

    def _models(self, number: int) -> list[nn.Module]:
        found: list[nn.Module] = []
        for seed in range(self.recipe.train.rounds[number - 1].models):
            model = Tagger(self._start.config, 0.0)
            model.load_state_dict(torch.load(self._path(number, seed), map_location="cpu", weights_only=True))
            found.append(model.to(self.device).eval())
        return found

    def _labels(self, number: int) -> Labels:
        """Gold labels, and what the models of the round before say of all the rest; before the first the labellers."""
        labels = gold_labels(self.corpus)
        first = number == _ENGLISH_ROUND
        if first and not self._labellers:
            return labels
        rows = np.flatnonzero((self.corpus.group != GROUPS.index(GOLD)) & (self.corpus.group < len(GROUPS)))
        if first:
            said = said_by(self._labellers, self._predictor, self.corpus, rows)
        else:
            said = self._predictor.predict(self._models(number - 1), rows, self.recipe.label.temperature)
        both = number - 1 > _ENGLISH_ROUND or bool(self._labellers)
        languages = self.corpus.languages
        pivots = [place for place, lang in enumerate(languages) if both or lang == "eng_Latn"]
        cross_labels(self.corpus, labels, said, self.recipe.label, own=both, pivots=pivots)
        logger.info("round %d: labelled %d sentences, %.0f s", number, labels.usable.sum(), self._elapsed())
        return labels

    def _model(self, number: int, plan: Round, seed: int, labels: Labels, deadline: float) -> bool:
        train = self.recipe.train
        start = None
        if not plan.fresh:
            start = torch.load(self._path(number - 1, 0), map_location="cpu", weights_only=True)
        run = Run(self, plan, train.seed * 1000 + number * 100 + seed, start)
        self._resume(run, number, seed)
        sampler = Sampler(
            self.corpus, plan.shares, labels.usable, widths=train.widths, batch_tokens=train.batch_tokens,
            temperature=train.temperature,
        )  # fmt: skip
        soft = torch.from_numpy(labels.soft).to(self.device)
        weights = torch.from_numpy(labels.weights).to(self.device)
        run.network.train()
        bar = tqdm(total=plan.steps, initial=run.step, desc=f"round {number} model {seed}", mininterval=5, disable=None)
        while run.step < plan.steps:
            if time.monotonic() >= deadline:
                self._save(run, number, seed)
                return False
            width, sentences = sampler.draw(run.rng())
            loss = run.advance(*self._layout.batch(sentences, width), soft, weights)
            bar.update()
            if run.step % train.checkpoint_steps == 0:
                self._save(run, number, seed)
                logger.info("round %d step %d loss %.4f, %.0f s", number, run.step, float(loss), self._elapsed())
        bar.close()
        partial = self._path(number, seed).with_suffix(".partial")
        torch.save({name: value.cpu() for name, value in run.mean.items()}, partial)
        partial.replace(self._path(number, seed))
        (self.folder / STATE).unlink(missing_ok=True)
        return True

    def _save(self, run: Run, number: int, seed: int) -> None:
        partial = self.folder / f"{STATE}.partial"
        steps = self.recipe.train.rounds[number - 1].steps
        torch.save(run.state() | {"round": number, "seed": seed, "steps": steps}, partial)
        partial.replace(self.folder / STATE)

    def _resume(self, run: Run, number: int, seed: int) -> None:
        path = self.folder / STATE
        if not path.exists():
            return
        state = torch.load(path, map_location=self.device, weights_only=True)
        if (state["round"], state["seed"]) == (number, seed):
            run.resume(state)
            logger.info("round %d model %d: resumed at step %d", number, seed, run.step)

    def _report(self, number: int, plan: Round) -> None:
        said = self._predictor.predict(self._models(number), check_rows(self.corpus))
        scores = check_scores(self.corpus, said)
        line = {"round": number, "plan": asdict(plan), "seconds": round(self._elapsed()), "scores": scores}
        with (self.folder / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        shown = " ".join(f"{name} {score:.3f}" for name, score in sorted(scores.items()) if name != MEAN)
        logger.info("round %d, %.0f s: mean %.4f; %s", number, self._elapsed(), scores[MEAN], shown)

    def _elapsed(self) -> float:
        return time.monotonic() - self._began


def train(
    recipe: Recipe,
    encoded: Path,
    folder: Path,
    *,
    minutes: float | None = None,
    start: Path | None = None,
    labellers: Sequence[Path] = (),
) -> bool:
    """Train until the recipe's last round, or for `minutes`; True when `final.pt` is written.

    `start` is a served tagger whose weights training starts from, `labellers` are those that label for the first round.
    Raises `StageError` when `folder` was begun with other data or options: going on would mix two runs.
    """
    deadline = math.inf if minutes is None else time.monotonic() + minutes * 60
    inputs = [encoded, *([] if start is None else [start]), *labellers]
    if not begin_run(folder, inputs, {"train": recipe.options("train"), "label": recipe.options("label")}, FINAL):
        return True
    if not Trainer(recipe, encoded, folder, start=start, labellers=labellers).run(deadline):
        logger.info("stopped by the time budget: run again to go on")
        return False
    round_file(folder, len(recipe.train.rounds), 0).replace(folder / FINAL)
    return True
