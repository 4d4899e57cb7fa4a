"""The part of mustache that a prompt template may use, checked and prepared for rendering.

Refused is what LangChain's renderer would do to a prompt in silence: `{{x}}` escapes HTML, a name
that nobody offers renders as nothing, a list as Python's `repr`. What is left means the same here
and there, and a walk over a tree that was read once costs a tenth of reading it for each prompt.

`fold` does beforehand what need not wait for an ask: it renders what depends on the constants of
a run alone, and drops or opens the sections whose condition is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias, cast

from langchain_core.utils import mustache

Shape: TypeAlias = "Mapping[str, Shape] | list[Shape] | None"
"""What a variable holds, drawn as its value: None is plain text, a number or a truth value; a
mapping names its fields (`*` stands for any name); a list holds the shape of its items."""

Token: TypeAlias = tuple[str, str]
Scope: TypeAlias = tuple[Mapping[str, Shape], str | None]
"""The names that can be looked up, and the variable that they are fields of, if any."""

_NOWHERE: Final[list[Shape]] = []
"""Stands for the shape of a name that was not found."""

_SECTIONS: Final = ("section", "inverted section")
_REFUSED: Final = {
    "variable": "{{{{{0}}}}} escapes HTML, which damages prompts: write {{{{{{{0}}}}}}}",
    "no escape?": "a tag that starts with {{{{{{{0} must end with three braces",
    "partial": "{{{{>{0}}}}} includes another file: a template must stand alone",
    "set delimiter": "{{{{={0}=}}}} changes the delimiters: write {{{{ and }}}}",
}


@dataclass(frozen=True, slots=True)
class Node:
    """A literal or a tag, with what stands inside it.

    Attributes:
        kind: `literal`, `no escape`, `section` or `inverted section`, as LangChain calls them.
        key: the name in the tag, or the literal's text.
        variable: the variable that the tag depends on: `examples` for `text` in their section.
        path: the parts of a tag's name.
    """

    kind: str
    key: str
    variable: str = ""
    body: tuple[Node, ...] = ()
    path: tuple[str, ...] = ()


@dataclass(slots=True)
class Reading:
    """What `read` found: the tree, the variables that it uses, and everything wrong with it."""

    nodes: tuple[Node, ...] = ()
    variables: set[str] = field(default_factory=set[str])
    problems: list[str] = field(default_factory=list[str])


def read(content: str, *, offered: Mapping[str, Shape]) -> Reading:
    """Read and check a message's content; `offered` names every variable that it may use."""
    reading = Reading()
    try:
        tokens = list(mustache.tokenize(content))
    except mustache.ChevronError as error:
        reading.problems.append(" ".join(str(error).split()))
        return reading
    reading.nodes = _read_nodes(iter(tokens), ((offered, None),), (), reading)
    return reading


def _read_nodes(
    tokens: Iterator[Token], scopes: tuple[Scope, ...], inside: tuple[str, ...], reading: Reading
) -> tuple[Node, ...]:
    """Read up to the end of the section; `scopes` and the names of `inside` go outwards."""
    nodes: list[Node] = []
    for kind, key in tokens:
        if kind == "end":
            break
        if kind == "literal":
            nodes.append(Node(kind, key))
        elif kind in _REFUSED:
            reading.problems.append(_REFUSED[kind].format(key))
        else:
            shape, node = _look_up(Node(kind, key), scopes, reading)
            if kind == "no escape":
                if isinstance(shape, Mapping | list) and shape is not _NOWHERE:
                    reading.problems.append(
                        f"{{{{{{{key}}}}}}} is no plain value: "
                        f"open it with {{{{#{key}}}}} and write its fields"
                    )
            else:
                if key in inside:
                    reading.problems.append(f"{{{{#{key}}}}} stands inside a section of that name")
                held = _fields(shape) if kind == "section" else None
                within = scopes if held is None else ((held, node.variable), *scopes)
                body = _read_nodes(tokens, within, (key, *inside), reading)
                node = replace(node, body=body)
            nodes.append(node)
    return tuple(nodes)


def _look_up(node: Node, scopes: tuple[Scope, ...], reading: Reading) -> tuple[Shape, Node]:
    first, *rest = node.key.split(".")
    for names, owner in scopes:
        shape = _descend(names, [first, *rest])
        if shape is not _NOWHERE:
            variable = first if owner is None else owner
            reading.variables.add(variable)
            return shape, replace(node, variable=variable, path=(first, *rest))
    known = sorted({name for names, _ in scopes for name in names})
    reading.problems.append(f"unknown variable {node.key!r}: offered here are {', '.join(known)}")
    return _NOWHERE, node


def _descend(shape: Shape, path: Iterable[str]) -> Shape:
    for part in path:
        if isinstance(shape, Mapping):
            shape = shape.get(part, shape.get("*", _NOWHERE))
        elif isinstance(shape, list) and shape and part.isdecimal():
            shape = shape[0]
        else:
            return _NOWHERE
    return shape


def _fields(shape: Shape) -> Mapping[str, Shape] | None:
    if not isinstance(shape, list):
        return shape
    return _fields(shape[0]) if shape else {"*": None}  # an unknown name is one fault, not many


def truth(value: object) -> bool | None:
    """Return whether a section on the value is shown; None where it is shown for each item."""
    if not value:
        return False
    return True if isinstance(value, str | int | float) else None


def fold(nodes: Sequence[Node], constants: Mapping[str, Any]) -> tuple[Node, ...]:
    """Render what depends on constants alone, and settle the sections whose truth they decide."""
    truths = {name: truth(value) for name, value in constants.items()}
    return tuple(_fold(nodes, constants, truths, closed=True))


def _fold(
    nodes: Sequence[Node],
    constants: Mapping[str, Any],
    truths: Mapping[str, bool | None],
    *,
    closed: bool,
) -> Iterator[Node]:
    """Yield the folded nodes; `closed` says that no name in them is a field of an outer item."""
    literal = ""
    for node in _settled(nodes, truths):
        if node.kind == "literal":
            literal += node.key
        elif closed and _is_constant(node, constants):
            literal += render([node], constants)
        else:
            if literal:
                yield Node("literal", literal)
            literal = ""
            yield replace(node, body=tuple(_fold(node.body, constants, truths, closed=False)))
    if literal:
        yield Node("literal", literal)


def _settled(nodes: Sequence[Node], truths: Mapping[str, bool | None]) -> Iterator[Node]:
    """Drop or open sections; those on an item's field stay, as a list with items has no truth."""
    for node in nodes:
        shown = truths.get(node.variable) if node.kind in _SECTIONS else None
        if shown is None:
            yield node
        elif shown is (node.kind == "section"):
            yield from _settled(node.body, truths)


def _is_constant(node: Node, constants: Mapping[str, Any]) -> bool:
    return node.kind == "literal" or (
        node.variable in constants and all(_is_constant(each, constants) for each in node.body)
    )


def render(nodes: Sequence[Node], variables: Mapping[str, Any]) -> str:
    """Return the text; values go in as they are and are never read as tags."""
    parts: list[str] = []
    _walk(nodes, (variables,), parts)
    return "".join(parts)


def _walk(nodes: Sequence[Node], scopes: tuple[Mapping[str, Any], ...], parts: list[str]) -> None:
    for node in nodes:
        if node.kind == "literal":
            parts.append(node.key)
            continue
        value = _value(node.path, scopes)
        if node.kind == "no escape":
            if value is not None:
                parts.append(value if isinstance(value, str) else str(value))
        elif node.kind == "inverted section":
            if not value:
                _walk(node.body, scopes, parts)
        elif isinstance(value, list | tuple):
            for item in cast("Sequence[object]", value):
                _walk(node.body, _within(item, scopes), parts)
        elif value:
            _walk(node.body, _within(value, scopes), parts)


def _within(value: object, scopes: tuple[Mapping[str, Any], ...]) -> tuple[Mapping[str, Any], ...]:
    return (cast("Mapping[str, Any]", value), *scopes) if isinstance(value, Mapping) else scopes


def _value(path: tuple[str, ...], scopes: tuple[Mapping[str, Any], ...]) -> Any:
    """Look a name up from the innermost scope outwards; None where it is nowhere."""
    first = path[0]
    for scope in scopes:
        if first in scope:
            value = scope[first]
            for part in path[1:]:
                value = _field(value, part)
            if value is not None or len(path) == 1:
                return value
    return None


def _field(value: Any, part: str) -> Any:
    """Return an entry of a mapping or list; never an attribute, which could run code."""
    if isinstance(value, Mapping):
        return cast("Mapping[str, Any]", value).get(part)
    if isinstance(value, list | tuple) and part.isdecimal():
        items = cast("Sequence[Any]", value)
        return items[int(part)] if int(part) < len(items) else None
    return None
