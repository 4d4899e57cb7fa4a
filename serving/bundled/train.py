"""Training of the bundled model, on a CPU or a GPU, for as long as one has."""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM
from transformers.utils import logging

from augment.engines.training_texts import TrainingTexts
from serving.bundled.corpus import Group, groups
from serving.bundled.episodes import Episodes
from serving.bundled.meanings import begin_with_meanings
from serving.bundled.tokenizer import ANSWER, CONTEXT, END, USER, trained

_IGNORED = -100
_STATE = "state.pt"
_TELL_EVERY = 100
_PAYS = 1000
"""Steps from which compiling the model, which takes two minutes, is won back."""
_COOLING = 0.7
"""The part of a sitting after which the learning rate comes down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to train.

    Attributes:
        minutes: after which the learning rate has come down to nothing and training ends.
        steps: a bound beside that, for trials.
        tokens: of a batch.
        rate: the highest learning rate.
        copying: episodes at first whose answer repeats an example: where to look is learnt first.
        save_every_s: a checkpoint is written as often.
    """

    minutes: float = 60.0
    steps: int = 1 << 30
    tokens: int = 4096
    rate: float = 2e-3
    copying: int = 6000
    width: int = 256
    layers: int = 6
    heads: int = 8
    key_value_heads: int = 4
    feed_forward: int = 704
    seed: int = 0
    save_every_s: float = 300.0


def train(corpora: Path, out: Path, plan: Plan) -> None:
    """Train a model and write it, its tokenizer and a log of its losses into a folder.

    Where the folder holds the state of an earlier sitting, from before its rate came down, that
    is gone on from, with other episodes.
    """
    logging.disable_progress_bar()
    random_numbers: Any = torch.random
    random_numbers.manual_seed(plan.seed)
    held_out, learnt = _split(groups(corpora), seed=plan.seed)
    texts = [text for group in learnt for text in group.texts]
    tokenizer = _tokenizer(out, learnt, texts, seed=plan.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model: Any = _model(plan, tokenizer)
    begin_with_meanings(model.get_input_embeddings().weight, tokenizer)
    model.to(device)
    checks = list(islice(_batches(Episodes(held_out, seed=1), tokenizer, plan), 12))
    out.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(out)
    TrainingTexts.of(texts).write(out)
    log = (out / "training.jsonl").open("a", encoding="utf-8")
    log.write(json.dumps({"plan": asdict(plan), "texts": len(texts), "groups": len(learnt)}) + "\n")
    optimizer: Any = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.95), weight_decay=0.05)
    library: Any = torch  # whose types are too loose to be checked here
    forward = library.compile(model, dynamic=True) if plan.steps >= _PAYS else model
    seen = _taken_up(out / _STATE, model, optimizer)
    copying = 0 if seen else plan.copying
    episodes = Episodes(learnt, seed=plan.seed + seen, copying=copying)
    batches = _batches(episodes, tokenizer, plan)
    begun = saved = time.monotonic()
    losses: list[float] = []
    for step, batch in enumerate(batches, 1):
        part = max((time.monotonic() - begun) / (60 * plan.minutes), step / plan.steps)
        if part >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = plan.rate * _schedule(part, step)
        loss = forward(**{name: each.to(device) for name, each in batch.items()}).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        seen += int((batch["labels"] != _IGNORED).sum())
        losses.append(loss.item())
        if step % _TELL_EVERY == 0:
            told = {
                "step": step, "tokens": seen, "seconds": round(time.monotonic() - begun),
                "loss": round(sum(losses) / len(losses), 4), "unseen": _loss(model, checks, device),
            }  # fmt: skip
            log.write(json.dumps(told) + "\n")
            log.flush()
            losses.clear()
        if time.monotonic() - saved > plan.save_every_s:
            _save(model, out)
            if part < _COOLING:
                state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
                beside = out / f"{_STATE}.new"
                torch.save(state | {"tokens": seen}, beside)
                beside.replace(out / _STATE)  # a kill leaves the old one or the new one, whole
            saved = time.monotonic()
    _save(model, out)
    log.write(json.dumps({"tokens": seen, "unseen": _loss(model, checks, device)}) + "\n")
    log.close()


def _tokenizer(out: Path, learnt: Sequence[Group], texts: Sequence[str], *, seed: int) -> Any:
    """Return that of an earlier sitting, for its tokens are the model's, or a new one."""
    if (out / _STATE).exists():
        loaded: Any = AutoTokenizer
        return loaded.from_pretrained(out, local_files_only=True)
    return trained(texts, list(islice(Episodes(learnt, seed=seed), 4000)))


def _split(every: Sequence[Group], *, seed: int) -> tuple[list[Group], list[Group]]:
    """Return some groups to measure on, and the others to learn from."""
    order = random.Random(seed).sample(list(every), len(every))
    cut = max(1, len(order) // 25)
    return order[:cut], order[cut:]


def _model(plan: Plan, tokenizer: Any) -> Any:
    configured: Any = LlamaConfig
    config = configured(
        vocab_size=math.ceil(len(tokenizer) / 64) * 64,
        hidden_size=plan.width,
        intermediate_size=plan.feed_forward,
        num_hidden_layers=plan.layers,
        num_attention_heads=plan.heads,
        num_key_value_heads=plan.key_value_heads,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        attn_implementation="sdpa",
    )
    return LlamaForCausalLM(config)


def _batches(episodes: Episodes, tokenizer: Any, plan: Plan) -> Iterator[dict[str, torch.Tensor]]:
    """Yield batches of about as many tokens as planned, of episodes of about the same length."""
    stream, rng = iter(episodes), random.Random(plan.seed)
    user, answer, end = (tokenizer.convert_tokens_to_ids(mark) for mark in (USER, ANSWER, END))
    while True:
        drawn = list(islice(stream, 2048))
        prompts = tokenizer([one.prompt for one in drawn], add_special_tokens=False)["input_ids"]
        answers = tokenizer([one.answer for one in drawn], add_special_tokens=False)["input_ids"]
        rows = [
            [user, *prompt, answer, *own, end] for prompt, own in zip(prompts, answers, strict=True)
        ]
        rows = sorted((row for row in rows if len(row) <= CONTEXT), key=len)
        cut: list[list[list[int]]] = [[]]
        for row in rows:
            if (len(cut[-1]) + 1) * len(row) > plan.tokens:
                cut.append([])
            cut[-1].append(row)
        rng.shuffle(cut)
        yield from (_padded(batch) for batch in cut if batch)


def _padded(rows: Sequence[Sequence[int]]) -> dict[str, torch.Tensor]:
    """Return rows filled up at their ends, which no token before can see: no mask is needed."""
    longest = max(map(len, rows))
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    labels = torch.full((len(rows), longest), _IGNORED)
    for at, row in enumerate(rows):
        ids[at, : len(row)] = labels[at, : len(row)] = torch.tensor(row)
    return {"input_ids": ids, "labels": labels}


def _schedule(part: float, step: int) -> float:
    """Return the share of the highest rate: warm up, stay, and come down at the end."""
    return min(1.0, step / 50, (1 - part) / (1 - _COOLING))


def _taken_up(path: Path, model: Any, optimizer: Any) -> int:
    """Load the state of an earlier sitting, where there is one; return the tokens it saw."""
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["tokens"])


@torch.no_grad()
def _loss(model: Any, batches: Sequence[dict[str, torch.Tensor]], device: torch.device) -> float:
    """Return the mean loss on labels that are not learnt from."""
    model.eval()
    found = [
        model(**{name: each.to(device) for name, each in batch.items()}).loss.item()
        for batch in batches
    ]
    model.train()
    return round(sum(found) / len(found), 4)


def _save(model: Any, out: Path) -> None:
    tied = "lm_head.weight"  # the embedding, which is there already
    whole = {
        name: each.to(torch.float16) for name, each in model.state_dict().items() if name != tied
    }
    model.save_pretrained(out, state_dict=whole, max_shard_size="15MB")
