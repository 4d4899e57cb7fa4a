"""The part of mustache that a prompt template may use, checked and prepared for rendering.

LangChain's renderer does the rendering. Refused here is what it would do to a prompt in silence:
`{{x}}` escapes HTML, a name that nobody offers renders as nothing, a list as Python's `repr`.

A template is read into a tree of nodes, and `fold` does beforehand what need not wait for an ask:
it renders what depends on the constants of a run alone, and drops or opens the sections whose
condition is known, so that one ask costs only what differs between asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

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
        outer: whether `key` is looked up among the variables, not in an item of a section.
    """

    kind: str
    key: str
    variable: str = ""
    outer: bool = False
    body: tuple[Node, ...] = ()


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
            return shape, replace(node, variable=variable, outer=owner is None)
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


def conditions(nodes: Iterable[Node]) -> set[str]:
    """Return the variables that decide whether sections are shown."""
    found: set[str] = set()
    for node in nodes:
        if node.outer and node.kind in _SECTIONS:
            found.add(node.variable)
        found |= conditions(node.body)
    return found


def fold(
    nodes: Sequence[Node], *, constants: Mapping[str, Any], truths: Mapping[str, bool | None]
) -> tuple[Node, ...]:
    """Render what depends on constants alone, and settle the sections whose truth is known."""
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
            literal += render(flat([node]), constants)
        else:
            if literal:
                yield Node("literal", literal)
            literal = ""
            yield replace(node, body=tuple(_fold(node.body, constants, truths, closed=False)))
    if literal:
        yield Node("literal", literal)


def _settled(nodes: Sequence[Node], truths: Mapping[str, bool | None]) -> Iterator[Node]:
    for node in nodes:
        shown = truths.get(node.variable) if node.outer and node.kind in _SECTIONS else None
        if shown and node.key != node.variable:
            shown = None  # of a value that is something, a part may still be nothing
        if shown is None:
            yield node
        elif shown is (node.kind == "section"):
            yield from _settled(node.body, truths)


def _is_constant(node: Node, constants: Mapping[str, Any]) -> bool:
    return node.kind == "literal" or (
        node.variable in constants and all(_is_constant(each, constants) for each in node.body)
    )


def flat(nodes: Sequence[Node]) -> list[Token]:
    """Return the tokens of a tree, as LangChain's renderer takes them."""
    tokens: list[Token] = []
    for node in nodes:
        tokens.append((node.kind, node.key))
        if node.kind in _SECTIONS:
            tokens += [*flat(node.body), ("end", node.key)]
    return tokens


def render(tokens: list[Token], variables: Mapping[str, Any]) -> str:
    """Render with LangChain's renderer; values go in as they are and are never read as tags."""
    return mustache.render(tokens, variables)
