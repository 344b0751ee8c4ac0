"""Train the network, at once or in slots of minutes; a stopped run goes on at the same step with the same data."""

import json
import logging
import math
import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from training.nmt import checkpoints
from training.nmt.batches import IGNORED_LABEL, Batch, BatchStream, Cursor
from training.nmt.corpus import META, Rows, load_corpus, token_counts
from training.nmt.errors import StageError
from training.nmt.following import Leader, freeze
from training.nmt.guide import TappedBody, guide_loss
from training.nmt.network import build_network, token_loss, warm_network
from training.nmt.recipe import Recipe, TrainRecipe
from training.nmt.stages import begin_run

logger = logging.getLogger(__name__)

FINAL, LOG = "final", "log.jsonl"
_PREFETCH = 32


def learning_rate(step: int, recipe: TrainRecipe) -> float:
    """Linear warm-up, then a cosine down to the minimum; `step` counts from 1."""
    if step <= recipe.warmup_steps:
        return recipe.learning_rate * step / recipe.warmup_steps
    done = (step - recipe.warmup_steps) / max(1, recipe.steps - recipe.warmup_steps)
    swing = recipe.learning_rate - recipe.min_learning_rate
    return recipe.min_learning_rate + swing * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def prefetched(stream: Iterator[Batch], *, pin: bool, stop: threading.Event) -> Iterator[tuple[list[Tensor], Cursor]]:
    """The stream's batches as tensors, prepared by one thread (one, so that their order is the stream's)."""
    ready: queue.Queue[tuple[list[Tensor], Cursor] | BaseException] = queue.Queue(_PREFETCH)

    def put(item: tuple[list[Tensor], Cursor] | BaseException) -> None:
        while not stop.is_set():
            try:
                ready.put(item, timeout=0.2)
            except queue.Full:
                continue
            return

    def feed() -> None:
        try:
            for batch in stream:
                tensors = [torch.from_numpy(array) for array in _arrays(batch)]
                put(([tensor.pin_memory() for tensor in tensors] if pin else tensors, batch.cursor))
                if stop.is_set():
                    return
        except BaseException as failure:  # noqa: BLE001  (handed to the training loop, which raises it)
            put(failure)

    threading.Thread(target=feed, name="batches", daemon=True).start()
    while True:
        item = ready.get()
        if isinstance(item, BaseException):
            raise item
        yield item


def _arrays(batch: Batch) -> list[Rows]:
    """Source, decoder input, places of the labels that count, those labels; then the guide's four, if there is one."""
    # What counts is found here: on the device, asking would wait for all work under way.
    counted = np.flatnonzero(batch.labels != IGNORED_LABEL)
    arrays = [batch.source, batch.decoder_input, counted, batch.labels.reshape(-1)[counted]]
    guide = batch.guide
    # A batch without links gives no loss of theirs: an empty mean.
    return arrays if guide is None else [*arrays, guide.rows, guide.target_groups, guide.source_groups, guide.cells]


class Trainer:
    """The state of a run: network, optimiser, step and place in the data."""

    def __init__(self, recipe: Recipe, encoded: Path, folder: Path, warm_start: Path | None) -> None:
        self._recipe, self._folder = recipe.train, folder
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(self._recipe.seed)
        vocabulary = int(json.loads((encoded / META).read_text(encoding="utf-8"))["vocabulary"])
        if warm_start is None:
            network = build_network(recipe.model, vocabulary)
        else:
            network = warm_network(warm_start, recipe.model, vocabulary)
        freeze(network, self._recipe.frozen)
        self.network: Any = network.to(self._device).train()
        # What doesn't learn is computed as it will be served.
        if all(not parameter.requires_grad for parameter in self.network.model.encoder.parameters()):
            self.network.model.encoder.eval()
        self._body = TappedBody(self.network.model)
        self._optimizer = self._make_optimizer()
        self._cursor: Cursor | None = None
        self._shards = load_corpus(encoded, self._recipe)
        self._leader: Leader | None = None
        if self._recipe.follow:
            counts = torch.from_numpy(token_counts(self._shards, vocabulary))
            self._leader = Leader(warm_start, self._recipe, counts, self._device)
        self.step = 0
        self._began = time.monotonic()

    def _make_optimizer(self) -> torch.optim.Optimizer:
        learnt = [weight for weight in self.network.parameters() if weight.requires_grad]
        matrices = [weight for weight in learnt if weight.dim() > 1]
        vectors = [weight for weight in learnt if weight.dim() <= 1]
        groups = [
            {"params": matrices, "weight_decay": self._recipe.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=self._device.type == "cuda")

    def resume(self) -> bool:
        """Load the newest checkpoint; False when there is none."""
        found = checkpoints.existing(self._folder)
        if not found:
            return False
        checkpoint = checkpoints.load(found[-1])
        self.network.load_state_dict(checkpoint.weights)
        self._optimizer.load_state_dict(dict(checkpoint.optimizer))
        checkpoints.set_rng_state(checkpoint.rng)
        self._cursor, self.step = checkpoint.cursor, checkpoint.step
        logger.info("resumed at step %d", self.step)
        return True

    def save(self) -> None:
        """Write a checkpoint of the present state."""
        if self._cursor is None:
            raise StageError("no step was made: there is nothing to save")
        state = checkpoints.Checkpoint(
            self.step,
            self.network.state_dict(),
            self._optimizer.state_dict(),
            self._cursor,
            checkpoints.rng_state(),
        )
        checkpoints.save(self._folder, state, keep=self._recipe.keep_checkpoints)

    def run(self, deadline: float) -> None:
        """Train until the last step or `deadline` (time.monotonic), whichever comes first; save where it stops."""
        cuda = self._device.type == "cuda"
        body = torch.compile(self._body, dynamic=True) if cuda and self._recipe.compile else self._body
        stop = threading.Event()
        stream = iter(BatchStream(self._shards, self._recipe, cursor=self._cursor))
        saved = self.step
        bar = tqdm(total=self._recipe.steps, initial=self.step, desc="train", unit="step", disable=None)
        try:
            batches = prefetched(stream, pin=cuda, stop=stop)
            while self.step < self._recipe.steps and time.monotonic() < deadline:
                tensors, cursor = next(batches)
                losses = self._advance(body, tensors)
                self._cursor = cursor
                bar.update()
                if self.step % self._recipe.checkpoint_steps == 0:
                    self.save()
                    saved = self.step
                    self._log(losses)
        finally:
            stop.set()
            bar.close()
        if self.step > saved:
            self.save()

    def _advance(self, body: Any, tensors: list[Tensor]) -> Tensor:
        """Make a step; the losses before their weights: of the tokens, and with links of the alignment head."""
        source, decoder_input, counted, labels, *guide = (
            tensor.to(self._device, non_blocking=True) for tensor in tensors
        )
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(self.step + 1, self._recipe)
        halved = self._device.type == "cuda" or self._recipe.bfloat16_on_cpu
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=halved):
            hidden, queries, memory = body(source, decoder_input)
            if self._leader is None:
                smoothing = self._recipe.label_smoothing
                losses = [token_loss(self.network, hidden, counted, labels, smoothing=smoothing)]
            else:
                read = hidden, source, decoder_input, memory, counted
                early = self.step < self._recipe.follow_output_steps
                leader, head = self._leader, self.network.lm_head
                losses = [leader.loss(*read) if early else leader.probability_loss(head, *read)]
            if guide:
                losses.append(guide_loss(self.network.model, source, queries, memory, guide))
        loss = losses[0] + self._recipe.guide_weight * losses[1] if guide else losses[0]
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self._recipe.clip)
        self._optimizer.step()
        self.step += 1
        return torch.stack(losses).detach()

    def _log(self, losses: Tensor) -> None:
        values = dict(zip(("loss", "guide"), (round(loss, 4) for loss in losses.tolist()), strict=False))
        record = {
            "step": self.step,
            **values,
            "lr": learning_rate(self.step, self._recipe),
            "seconds": round(time.monotonic() - self._began, 1),
        }
        with (self._folder / LOG).open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        logger.info("%s", json.dumps(record))

    def finish(self) -> None:
        """Write the mean of the last checkpoints as a transformers folder, `final`."""
        chosen = checkpoints.existing(self._folder)[-self._recipe.average :]
        self.network.load_state_dict(checkpoints.average(chosen))
        partial = self._folder / f"{FINAL}.partial"
        self.network.save_pretrained(partial)
        partial.rename(self._folder / FINAL)


def train(
    recipe: Recipe,
    encoded: Path,
    folder: Path,
    *,
    minutes: float | None = None,
    warm_start: Path | None = None,
) -> bool:
    """Train or go on training in `folder`; True when all steps are made and `final` is written.

    Raises StageError when `folder` was begun with other data or options: going on would mix two runs.
    """
    deadline = math.inf if minutes is None else time.monotonic() + minutes * 60
    inputs = [encoded] if warm_start is None else [encoded, warm_start]
    if not begin_run(folder, inputs, {"model": recipe.options("model"), "train": recipe.options("train")}, FINAL):
        return True
    trainer = Trainer(recipe, encoded, folder, warm_start)
    trainer.resume()
    trainer.run(deadline)
    if trainer.step < recipe.train.steps:
        logger.info("stopped by the time budget at step %d of %d: run again to go on", trainer.step, recipe.train.steps)
        return False
    trainer.finish()
    return True
