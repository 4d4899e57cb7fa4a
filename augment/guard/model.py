"""A guard model that is asked over HTTP, as the engine is: patiently, and many texts at a time.

It lives on a thread and an event loop of its own, since whoever wants scores waits for them, and
may hold up the loop of the run meanwhile.

    probabilities ─queue─> Endpoint.complete ─> answers ─> probabilities
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
import threading
from collections.abc import AsyncGenerator, Generator, Iterable, Sequence
from concurrent.futures import Future
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt

from augment.engines.endpoint import EndpointSettings, connected
from augment.errors import EngineGone
from augment.guard.answers import FILE, Answer, Answers, answers_in, asked_in
from augment.records import Ask, Asked, Completion, Failure, Request, SeedSet
from augment.rendering import Decoding, Renderer
from augment.tasks.guarding import CHOICES, GUARD, UNSAFE, Guarding, unsafe_of
from augment.tasks.labelling import RIVALS
from prompts.templates import Template

_ANSWER_TOKENS = 256
"""Enough for an answer after some white space or a thought."""
_MOST_IN_VAIN = 16
"""A guard that tells nothing of so many texts in a row is broken: rows would slip by unjudged."""
_OF_THE_TEXT = frozenset({"prompt_too_long", "refused"})
"""Reasons that are a text's own doing: asked again, it would fare the same. A provider's filter
refuses just the texts that a guard is there for.
"""
_NO_SEEDS = SeedSet(examples=(), labels=(), several=False, pairs=False, digest="")


@contextlib.asynccontextmanager
async def answering(settings: EndpointSettings, template: Template) -> AsyncGenerator[Guard]:
    """Hold a guard, after asking its servers which models they have.

    Raises:
        EngineUnusable: within five seconds, as for an engine.
    """
    guard = Guard(settings, template)
    guard.start()
    try:
        guard.name = await asyncio.wrap_future(guard.ready)
        yield guard
    finally:
        await asyncio.to_thread(guard.stop)


class Guard:
    """The Protocol `Scorer`; made by `answering`. May be asked by several threads.

    Each text is asked about once. What could not be read or was refused has no score; a server
    that is gone for longer than it is waited for, or tells nothing of many texts in a row, breaks
    whatever waits and is asked after.

    Attributes:
        name: the model's.
        recalled: texts that are scored by what earlier sessions were told.
        ready: the model's name to come, or why the servers cannot be used.
    """

    name = ""
    classes = (UNSAFE,)
    recalled = 0

    def __init__(self, settings: EndpointSettings, template: Template) -> None:
        self.ready: Future[str] = Future()
        self.ready.set_running_or_notify_cancel()  # whoever waits may leave, and it goes on
        self._settings = settings
        self._digest = template.digest
        self._renderer = Renderer(
            Guarding(lambda ask: self._asked[ask.number][1]),
            {GUARD: template},
            seeds=_NO_SEEDS,
            decoding=Decoding(
                temperature=0.0, top_p=1.0, max_tokens=_ANSWER_TOKENS, logprobs=RIVALS
            ),
            random_seed=0,
        )
        self._numbers = itertools.count()
        self._asked: dict[int, tuple[str, str, float]] = {}
        self._known: dict[str, float] = {}
        self._not_recalled: set[str] = set()
        self._awaited: dict[str, Future[float]] = {}
        self._lock = threading.Lock()
        self._broken: BaseException | None = None
        self._answers: Answers | None = None
        self._path: Path | None = None
        self._tells = False
        self._in_vain = 0
        self._queue: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self._loop = asyncio.new_event_loop()
        self._life = self._loop.create_task(self._live())
        self._thread = threading.Thread(target=self._run, name="guard", daemon=True)

    @contextlib.contextmanager
    def remembering(self, folder: Path) -> Generator[None]:
        """Know what earlier sessions were told, and write down what this one is.

        Raises:
            JournalError: the file there cannot be written or read.
        """
        self._path = folder / FILE
        self._remember(answers_in(self._path))
        with contextlib.closing(Answers(self._path)) as answers:
            self._answers = answers
            try:
                yield
            finally:
                self.stop()  # nothing is to be written any more

    def probabilities(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """Return how probably each text is unsafe; not a number where that was not told.

        Raises:
            EngineGone: no server has answered for `max_wait_s`, or nothing was told of any of many
                texts in a row.
            EngineUnusable: access is refused from the start.
            JournalError: what was told cannot be written down.
        """
        sound = [text.encode("utf-8", "replace").decode() for text in texts]
        with self._lock:
            if self._broken is not None:
                raise self._broken
            scores = [self._score(self._key(text), text) for text in sound]
        told = [each.result() if isinstance(each, Future) else each for each in scores]
        return np.array(told, dtype=np.float64)

    def asked(self) -> Asked | None:
        """Return what it was asked over all sessions; None where nothing was written down."""
        return None if self._path is None else asked_in(self._path)

    def start(self) -> None:
        """Begin to look for the servers."""
        self._thread.start()

    def stop(self) -> None:
        """End it, whatever it does; who waits for a score is told."""
        with contextlib.suppress(RuntimeError):  # it may have ended by itself
            self._loop.call_soon_threadsafe(self._life.cancel)
        self._thread.join()

    def _remember(self, answers: Iterable[Answer]) -> None:
        """Take what need not be asked again; nothing of a guard that never told anything."""
        for each in answers:
            if each.probability is not None:
                self._known[each.key] = each.probability
            elif each.reason in _OF_THE_TEXT:
                self._known[each.key] = math.nan
        self._tells = any(map(math.isfinite, self._known.values()))
        if not self._tells:
            self._known.clear()
        self._not_recalled.update(self._known)

    def _key(self, text: str) -> str:
        """Return what an answer is known by: who was asked, how, and about what."""
        whole = f"{self.name}\0{self._digest}\0{text}"
        return sha256(whole.encode("utf-8", "replace")).hexdigest()

    def _score(self, key: str, text: str) -> float | Future[float]:
        """Return a score, or the one to come of what is asked now."""
        if key in self._known:
            self.recalled += key in self._not_recalled
            self._not_recalled.discard(key)
            return self._known[key]
        if key not in self._awaited:
            self._awaited[key] = Future()
            self._loop.call_soon_threadsafe(self._queue.put_nowait, (key, text))
        return self._awaited[key]

    # On its own thread --------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._life)
        except asyncio.CancelledError:
            self._break(EngineGone("the guard is not asked any more"))
        except Exception as error:  # noqa: BLE001 - told to whoever waits
            self._break(error)
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _live(self) -> None:
        async with connected(self._settings) as engine:
            self.ready.set_result(engine.model)
            try:
                async with contextlib.aclosing(engine.complete(self._requests())) as outcomes:
                    async for request, outcome in outcomes:
                        self._take(request, outcome)
            except EngineGone as error:
                raise EngineGone(self._said(str(error))) from error

    async def _requests(self) -> AsyncGenerator[Request]:
        for number in self._numbers:
            self._asked[number] = (*await self._queue.get(), self._loop.time())
            yield self._renderer.request(Ask(number=number, strategy=GUARD, labels=CHOICES))

    def _take(self, request: Request, outcome: Completion | Failure) -> None:
        """Write down what was told of a text, and hand it to whoever waits."""
        key, _, since = self._asked.pop(request.ask.number)
        told = unsafe_of(outcome)
        if self._answers is not None:
            self._answers.add(_answer(key, told, outcome, seconds=self._loop.time() - since))
        with self._lock:
            self._known[key] = math.nan if isinstance(told, str) else told
            self._awaited.pop(key).set_result(self._known[key])
        self._count(told, outcome)

    def _count(self, told: float | str, outcome: Completion | Failure) -> None:
        """Give up on a guard that tells nothing; one that has told anything may refuse texts."""
        if isinstance(told, float):
            self._tells, self._in_vain = True, 0
        elif told != "prompt_too_long" and not (self._tells and told in _OF_THE_TEXT):
            self._in_vain += 1
        if self._in_vain >= _MOST_IN_VAIN:
            why = outcome.detail if isinstance(outcome, Failure) else told
            what = f"{_MOST_IN_VAIN} answers in a row told nothing, the last one since: {why}"
            raise EngineGone(what)

    def _break(self, error: BaseException) -> None:
        with self._lock:
            self._broken = error
            for score in self._awaited.values():
                score.set_exception(error)
        if not self.ready.done():
            self.ready.set_exception(error)

    def _said(self, what: str) -> str:
        """Return a message that says of whom it is, and holds no key."""
        return f"--guard-endpoint {self._settings.shown}: {self._settings.secrets.struck(what)}"


def _answer(
    key: str, told: float | str, outcome: Completion | Failure, *, seconds: float
) -> Answer:
    whole = outcome if isinstance(outcome, Completion) else None
    return Answer(
        key=key,
        probability=None if isinstance(told, str) else told,
        reason=told if isinstance(told, str) else None,
        calls=outcome.calls,
        prompt_tokens=(whole and whole.prompt_tokens) or 0,
        completion_tokens=(whole and whole.completion_tokens) or 0,
        seconds=round(seconds, 3),
    )
