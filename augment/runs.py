"""`augment.run`: a run from Python, in a script or in a notebook, and what it leaves."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import importlib
import json
import threading
from collections.abc import Callable, Coroutine, Generator, Mapping
from concurrent.futures import CancelledError, Future, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from augment.answering import chat_model_name
from augment.app import Outcome, carry_out
from augment.errors import InputError
from augment.formats.memory import source_of
from augment.outputs import Finish
from augment.recipe import Recipe, load
from augment.records import Json
from augment.setting import Inputs, Setting, prepare
from augment.shown import shown

if TYPE_CHECKING:
    from datasets import Dataset  # pyright: ignore[reportMissingTypeStubs]
    from langchain_core.language_models import BaseChatModel

    from augment.formats.memory import Rows

RecipeLike: TypeAlias = Recipe | Mapping[str, Any] | str | Path | None
Row: TypeAlias = dict[str, Json]
"""A row as accepted.jsonl has it."""
T = TypeVar("T")
LOOK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run that has ended, and the folder that it left.

    Attributes:
        out: the folder.
        finish: `done` where every quota is full, else why not.
        detail: of the ending, in words.
        warnings: what was noticed and let through.
    """

    out: Path
    finish: Finish
    detail: str
    warnings: tuple[str, ...]

    @property
    def accepted(self) -> Dataset:
        """The accepted rows; `.to_pandas()` makes a DataFrame of them."""
        return self._rows("accepted")

    @property
    def rejected(self) -> Dataset:
        """The rejected rows, each with the filter that rejected it and the reason."""
        return self._rows("rejected")

    @property
    def report(self) -> dict[str, Json]:
        """Every figure of the report, as report.json has them."""
        return json.loads((self.out / "report.json").read_text("utf-8"))

    def _rows(self, name: str) -> Dataset:
        """Read the rows with the types that the folder's card gives them, so that none will do."""
        datasets: Any = importlib.import_module("datasets")
        card = datasets.info.DatasetInfosDict.from_directory(str(self.out))
        features = card[name].features
        lines = (self.out / f"{name}.jsonl").read_text("utf-8").split("\n")
        rows = [json.loads(line) for line in lines if line]
        columns = {column: [row[column] for row in rows] for column in features}
        return datasets.Dataset.from_dict(columns, features=features)


def run(
    seeds: Rows | None = None,
    recipe: RecipeLike = None,
    *,
    unlabelled: Rows | None = None,
    holdout: Rows | None = None,
    chat_model: BaseChatModel | None = None,
) -> Run:
    """Run until every quota is full, or continue such a run: `augment run` from Python.

    It may be called where an event loop is running, as in a notebook; it then works in a thread.

    Args:
        seeds: labelled rows: a path, DataFrame, Dataset or mappings; None where the recipe
            describes its labels.
        recipe: a path to a YAML file, or what would stand in it; its `out` is the run's folder.
        unlabelled: texts to be given labels, in place of new rows.
        holdout: rows that no accepted row may repeat.
        chat_model: a LangChain chat model that answers, in place of the recipe's engine.

    Returns:
        The run, also where its budget was spent before its quotas were full: see `Run.finish`.

    Raises:
        InputError, EngineUnusable: before anything is written.
        JournalError, EncoderError: the folder can be continued.
        EngineGone: the guard is, before the first ask; so can it then.
        KeyboardInterrupt: after what was accepted has been written.
    """
    setting = settle(seeds, recipe, unlabelled=unlabelled, holdout=holdout, chat_model=chat_model)
    outcome = waited_for(lambda: carry_out(setting))
    if outcome.finish == "interrupted":
        raise KeyboardInterrupt
    return run_of(outcome)


def settle(
    seeds: Rows | None,
    recipe: RecipeLike,
    *,
    unlabelled: Rows | None = None,
    holdout: Rows | None = None,
    chat_model: BaseChatModel | None = None,
) -> Setting:
    """Read and check everything that a run starts from.

    Raises:
        InputError: with every fault of whichever input is at fault first.
    """
    inputs = Inputs(
        seeds=None if seeds is None else source_of(seeds, name="seeds"),
        holdout=None if holdout is None else source_of(holdout, name="holdout"),
        unlabelled=None if unlabelled is None else source_of(unlabelled, name="unlabelled"),
    )
    setting = prepare(inputs, recipe_of(recipe, chat_model=chat_model))
    return setting if chat_model is None else replace(setting, chat_model=chat_model)


def recipe_of(recipe: RecipeLike, *, chat_model: BaseChatModel | None) -> Recipe:
    """Return the recipe, with its engine where a chat model is to answer.

    Raises:
        InputError: every unknown key and value that is not allowed.
    """
    own: dict[str, Any] = {}
    if not isinstance(cast("object", recipe), Recipe | Mapping | str | Path | None):
        what = f"must be a path, a mapping or a Recipe, and is {shown(recipe)}"
        raise InputError.one("recipe", what)
    if chat_model is not None:
        own = {"engine": "langchain", "model": chat_model_name(chat_model)}
    if recipe is None or isinstance(recipe, str | Path):
        return load(None if recipe is None else Path(recipe), options=own)
    if isinstance(recipe, Recipe):
        recipe = recipe.model_dump(exclude_unset=True)
    return load(None, options={**recipe, **own}, said="recipe")


def run_of(outcome: Outcome) -> Run:
    """Return what Python is told of a run's end."""
    return Run(
        out=outcome.out,
        finish=outcome.finish,
        detail=outcome.detail,
        warnings=tuple(outcome.warnings),
    )


def waited_for(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Do the work and return what it gives, whether or not an event loop runs in this thread.

    Ctrl-C cancels the work and waits until it has ended in good order.

    Raises:
        KeyboardInterrupt: it was pressed.
    """
    if not in_a_loop():
        return asyncio.run(work())
    interrupted = interruption()
    with in_a_thread(work) as future:
        while not future.done():
            wait([future], timeout=LOOK_EVERY_S)
            if interrupted():
                raise KeyboardInterrupt
        return future.result()


def in_a_loop() -> bool:
    """Tell whether an event loop runs in this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def interruption() -> Callable[[], bool]:
    """Return what tells whether Ctrl-C has been pressed since, for who waits within a coroutine.

    There `asyncio.run` has made it the cancellation of the task, which does not come to anything
    before that task awaits something; elsewhere it is an exception.
    """
    task = asyncio.current_task() if in_a_loop() else None
    if task is None:
        return lambda: False
    before = task.cancelling()
    return lambda: task.cancelling() > before


@contextlib.contextmanager
def in_a_thread(work: Callable[[], Coroutine[Any, Any, T]]) -> Generator[Future[T]]:
    """Do the work in a loop and a thread of its own; on leaving, what is not done is cancelled."""
    future: Future[T] = Future()
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[T]]] = Future()

    async def tracked() -> T:
        task = asyncio.ensure_future(work())
        started.set_result((asyncio.get_running_loop(), task))
        return await task

    def do() -> None:
        try:
            future.set_result(asyncio.run(tracked()))
        except BaseException as error:  # noqa: BLE001 - raised again where the result is awaited
            future.set_exception(error)
            if not started.done():  # there could be no loop
                started.cancel()

    # With the caller's context variables, by which LangChain's callbacks find their parent.
    thread = threading.Thread(target=contextvars.copy_context().run, args=(do,), name="augment")
    thread.start()
    try:
        yield future
    finally:
        with contextlib.suppress(RuntimeError, CancelledError):  # it ended just now, or never began
            loop, task = started.result()
            if not future.done():
                loop.call_soon_threadsafe(task.cancel)
        thread.join()
