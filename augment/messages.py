"""What is done to prompts and answers whoever answers: systems folded in, thoughts split off."""

from __future__ import annotations

import re

from augment.records import Message

_THOUGHTS = re.compile(r"\s*<think>(.*?)(?:</think>\s*|\Z)", re.DOTALL)


def folded(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Put the system's text at the head of the first user turn."""
    system = [message.content for message in messages if message.role == "system"]
    rest = [message for message in messages if message.role != "system"]
    first = next((i for i, message in enumerate(rest) if message.role == "user"), None)
    if not system or first is None:
        return messages
    head = "\n\n".join([*system, rest[first].content])
    return (*rest[:first], Message(role="user", content=head), *rest[first + 1 :])


def without_thoughts(text: str) -> tuple[str, str | None]:
    """Split a leading <think> ... </think> off; unclosed, it is all thought and no answer."""
    if "<think>" not in text[:64]:
        return text, None
    thoughts = _THOUGHTS.match(text)
    if thoughts is None:
        return text, None
    return text[thoughts.end() :], thoughts.group(1).strip()
