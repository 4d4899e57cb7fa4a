"""CoNLL: a token a line, its tag in the last column, a blank line after each sentence.

Columns stand between tabs or spaces; what stands between token and tag is not read. `-DOCSTART-`
before a sentence is no part of it. A comment before a sentence (`# text = ...`, `# id = ...`) says
its text or id; else the text is the tokens joined by single spaces. A line that ends in a tag is
never a comment, unless only a space parts the tag from `# name = ...` or `# id ...`: the text of
such a comment may well end in `group O`. Written are token, tab and tag, without comments, which
other readers would take for tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from augment.formats.rows import RawRow, RowFault, Table
from augment.formats.tags import Scheme, fault_of_tag, scheme_of, tags_of
from augment.formats.tokenised import Fit, fault_of_token, said_of, sentence
from augment.shown import shown

_COMMENT = re.compile(r"# ?(\w+) ?= ?(.*)|# id [^\t]*(?:\t.*)?")
_PLAIN = re.compile(r"# (?:\w+ =|id) [^\t]*")
_COLUMNS = {"text": "text", "id": "id", "sent_id": "id"}
_MARK = "\ufeff"


def read_conll(name: str, text: str) -> Table:
    """Return the sentences of a file, each by the line on which it begins.

    Args:
        name: of the file, for messages.
        text: of the file.
    """
    rows: list[RawRow] = []
    faults: list[RowFault] = []
    tagged: list[Sequence[str]] = []
    columns: dict[str, None] = {}
    for number, comments, lines in _sentences(text):
        tokens, tags, wrong = _cells(lines)
        values = wrong or sentence(tokens, tags, text=comments.get("text"))
        if isinstance(values, str):
            values = [(number, values)]
        if isinstance(values, list):
            faults += [RowFault(number=line, what=what) for line, what in values]
            continue
        rows.append(RawRow(number=number, values={**comments, **values}))
        columns |= dict.fromkeys(rows[-1].values)
        tagged.append(tags)
    found = said_of(scheme_of(tagged), [row.number for row in rows], unit="line")
    return Table(
        name=name,
        unit="line",
        columns=tuple(columns),
        rows=tuple(rows),
        faults=tuple(faults),
        warnings=found if rows else (),
    )


def lines_of(texts: Iterable[str], fits: Iterable[Fit], *, scheme: Scheme) -> Iterator[str]:
    """Yield each text as the lines of its sentence, with the blank one after it."""
    for place, (text, fit) in enumerate(zip(texts, fits, strict=True)):
        tags = tags_of(fit.chunks, tokens=len(fit.tokens), scheme=scheme)
        if place == 0 and text.startswith(_MARK):
            yield "\n"  # or readers would take the text's own for a mark of the file's encoding
        for (start, end), tag in zip(fit.tokens, tags, strict=True):
            yield f"{text[start:end]}\t{tag}\n"
        yield "\n"


def _sentences(text: str) -> Iterator[tuple[int, dict[str, str], list[tuple[int, str]]]]:
    """Yield the number of each sentence's first line, its comments, and its numbered lines."""
    comments: dict[str, str] = {}
    lines: list[tuple[int, str]] = []
    for number, raw in enumerate([*text.split("\n"), ""], 1):
        line = raw.removesuffix("\r")
        if not line.strip(" \t\r"):
            if lines:
                yield lines[0][0], comments, lines
            comments, lines = {}, []
        elif not lines and (found := _comment(line)):
            if found[1] in _COLUMNS:
                comments[_COLUMNS[found[1]]] = found[2]
        elif (lines and _tagged(line)) or _split(line)[0] != "-DOCSTART-":
            lines.append((number, line))


def _comment(line: str) -> re.Match[str] | None:
    """Return name and text of a comment; None where the line is a token with its tag."""
    return None if _tagged(line) and not _PLAIN.fullmatch(line) else _COMMENT.fullmatch(line)


def _tagged(line: str) -> bool:
    """Tell whether a line ends in a separator and a tag of some scheme."""
    cells = _split(line)
    return len(cells) > 1 and fault_of_tag(cells[-1].strip(" ")) is None


def _split(line: str) -> list[str]:
    return line.split("\t") if "\t" in line else re.split(" +", line.strip(" "))


def _cells(
    lines: Sequence[tuple[int, str]],
) -> tuple[list[str], list[str], list[tuple[int, str]]]:
    """Return the tokens and tags of a sentence, and what is wrong by line."""
    tokens: list[str] = []
    tags: list[str] = []
    wrong: list[tuple[int, str]] = []
    for number, line in lines:
        cells = _split(line)
        token, tag = cells[0], cells[-1].strip(" ")
        what = fault_of_token(token, tag)
        if len(cells) == 1:
            what = (
                f"has no tag after the token {shown(token)}: columns stand between tabs or spaces"
            )
        if what:
            wrong.append((number, what))
        tokens.append(token)
        tags.append(tag)
    return tokens, tags, wrong
