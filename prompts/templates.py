"""Prompt templates: YAML files, one for each task and strategy, loaded as LangChain templates.

    description: what the template does, in a line
    messages:
      - role: system
        content: |
          What is the same for every ask stands first: servers cache common beginnings.
      - role: user
        content: |
          {{#examples}}
          {{{text}}}
          {{/examples}}

A user's own folder is laid out as this package's: FOLDER/classification/fewshot.yaml goes before
the packaged classification/fewshot.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast, get_args

import yaml

from prompts import mustache
from prompts.mustache import Node, Shape

if TYPE_CHECKING:
    from langchain_core.prompts.chat import ChatPromptTemplate

Role: TypeAlias = Literal["system", "user", "assistant"]
Turn: TypeAlias = tuple[Role, str]
"""A message: who speaks, and what is said."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*/[a-z0-9][a-z0-9_-]*")


class TemplateError(ValueError):
    """A template that cannot be used.

    Attributes:
        problems: everything that is wrong with it, each naming the file.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A template that has passed every check.

    Attributes:
        name: task and strategy, such as `classification/fewshot`.
        file: where it was read, for a reader's eyes.
        digest: SHA-256 (hex) of the file's bytes.
        source: the file's text.
        turns: its messages as they were written.
    """

    name: str
    file: str
    description: str
    digest: str
    source: str
    turns: tuple[Turn, ...] = field(repr=False, compare=False)
    messages: tuple[tuple[Role, tuple[Node, ...]], ...] = field(repr=False, compare=False)

    @property
    def chat(self) -> ChatPromptTemplate:
        """The same messages for use in a LangChain chain."""
        from langchain_core.prompts.chat import ChatPromptTemplate  # takes half a second

        return ChatPromptTemplate(list(self.turns), template_format="mustache")

    def bind(self, constants: Mapping[str, Any]) -> Bound:
        """Fix the variables that are the same for every ask of a run."""
        folded: list[tuple[Role, tuple[Node, ...]]] = [
            (role, mustache.fold(nodes, constants)) for role, nodes in self.messages
        ]
        fixed: list[Turn] = []
        for role, nodes in folded:
            if any(node.kind != "literal" for node in nodes):
                break
            fixed.append((role, "".join(node.key for node in nodes)))
        return Bound(tuple(fixed), varying=folded[len(fixed) :], constants=constants)


class Bound:
    """A template with a run's constants filled in.

    `render` gives what `Template.chat` gives for constants and variables together, many times as
    fast.

    Attributes:
        fixed: the messages at the beginning that are the same for every ask.
        varies: whether any message follows them.
    """

    def __init__(
        self,
        fixed: tuple[Turn, ...],
        *,
        varying: Sequence[tuple[Role, tuple[Node, ...]]],
        constants: Mapping[str, Any],
    ) -> None:
        self.fixed = fixed
        self.varies = bool(varying)
        self._varying = varying
        self._constants = dict(constants)

    def render(self, variables: Mapping[str, Any]) -> list[Turn]:
        """Return all messages of one ask."""
        return [*self.fixed, *self.render_varying(variables)]

    def render_varying(self, variables: Mapping[str, Any]) -> list[Turn]:
        """Return the messages of one ask that follow the fixed ones."""
        known = {**self._constants, **variables}
        return [(role, mustache.render(nodes, known)) for role, nodes in self._varying]


def names(folder: Path | None = None) -> tuple[str, ...]:
    """Return the names of all templates, the packaged ones and those in a user's folder, sorted."""
    packaged = (
        f"{task.name}/{file.name.removesuffix('.yaml')}"
        for task in files("prompts").iterdir()
        if task.is_dir()
        for file in task.iterdir()
        if file.name.endswith(".yaml")
    )
    own = () if folder is None else (f"{p.parent.name}/{p.stem}" for p in folder.glob("*/*.yaml"))
    return tuple(sorted({*packaged, *own}))


def load(
    task: str,
    strategy: str,
    *,
    folder: Path | None = None,
    offered: Mapping[str, Shape],
    required: Collection[str] = (),
) -> Template:
    """Read and check the template of a task and strategy.

    Args:
        task: such as `classification`.
        strategy: such as `fewshot`.
        folder: a user's own templates, which go before the packaged ones.
        offered: every variable that the task gives to its templates.
        required: those without which a template cannot do its work.

    Raises:
        TemplateError: there is none, or it has faults; all of them are listed.
    """
    name = f"{task}/{strategy}"
    file, place = _find(name, folder)
    data = place.read_bytes()
    try:
        source = data.decode("utf-8")
        document = yaml.safe_load(source)
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise TemplateError([f"{file}: not readable as YAML in UTF-8: {reason}"]) from error
    faults = _faults_of_form(document)
    turns: list[Turn] = []
    readings: list[mustache.Reading] = []
    if not faults:
        turns = [(each["role"], each["content"].strip("\n")) for each in document["messages"]]
        readings = [mustache.read(content, offered=offered) for _, content in turns]
        faults = _faults_of_content(turns, readings, required)
    if faults:
        raise TemplateError([f"{file}: {fault}" for fault in faults])
    return Template(
        name=name,
        file=file,
        description=document["description"],
        digest=sha256(data).hexdigest(),
        source=source,
        turns=tuple(turns),
        messages=tuple(
            (role, reading.nodes) for (role, _), reading in zip(turns, readings, strict=True)
        ),
    )


def _find(name: str, folder: Path | None) -> tuple[str, Path | Traversable]:
    """Return the file, with what to call it in a message."""
    if folder is not None and not folder.is_dir():
        raise TemplateError([f"{folder}: no such folder of templates"])
    if _NAME.fullmatch(name):
        if folder is not None and (own := folder / f"{name}.yaml").is_file():
            return str(own), own
        packaged = files("prompts") / f"{name}.yaml"
        if packaged.is_file():
            return f"prompts/{name}.yaml", packaged
    raise TemplateError([f"{name}: no such template; there are {', '.join(names(folder))}"])


def _faults_of_form(document: Any) -> list[str]:
    """Say what keeps a parsed YAML document from being a template."""
    if not isinstance(document, dict):
        return ["must hold the keys 'description' and 'messages'"]
    found = cast(dict[Any, Any], document)
    faults = _faults_of_keys(found, ("description", "messages"))
    if not isinstance(found.get("description", ""), str):
        faults.append("'description' must be text")
    messages: Any = found.get("messages", [{"role": "user", "content": "-"}])
    if not isinstance(messages, list):
        return [*faults, "'messages' must be a list"]
    roles: list[Any] = []
    for number, message in enumerate(cast(list[Any], messages), 1):
        if not isinstance(message, dict):
            faults.append(f"message {number} must hold the keys 'role' and 'content'")
            continue
        turn = cast(dict[Any, Any], message)
        roles.append(turn.get("role"))
        faults += [f"message {number}: {fault}" for fault in _faults_of_turn(turn)]
    if "user" not in roles:
        faults.append("no message has the role 'user'")
    return faults


def _faults_of_turn(turn: dict[Any, Any]) -> list[str]:
    faults = _faults_of_keys(turn, ("role", "content"))
    allowed = get_args(Role)
    if turn.get("role", "user") not in allowed:
        faults.append(f"role {turn['role']!r} is not one of {', '.join(allowed)}")
    content = turn.get("content", "-")
    if not isinstance(content, str) or not content.strip():
        faults.append("'content' must be text, and not blank")
    return faults


def _faults_of_keys(found: dict[Any, Any], wanted: Sequence[str]) -> list[str]:
    missing = [f"key {key!r} is missing" for key in wanted if key not in found]
    allowed = " and ".join(wanted)
    return missing + [
        f"unknown key {key!r}: allowed are {allowed}" for key in found if key not in wanted
    ]


def _faults_of_content(
    turns: Sequence[Turn], readings: Sequence[mustache.Reading], required: Collection[str]
) -> list[str]:
    """Say what is wrong inside the messages."""
    faults = [
        f"message {number} ({role}): {problem}"
        for number, ((role, _), reading) in enumerate(zip(turns, readings, strict=True), 1)
        for problem in reading.problems
    ]
    used = {variable for reading in readings for variable in reading.variables}
    missing = sorted(set(required) - used)
    return faults + [f"required variable {name!r} is not used" for name in missing]
