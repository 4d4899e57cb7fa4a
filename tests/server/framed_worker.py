"""A worker that speaks as vLLM's does and misbehaves as it is told; needs no vLLM.

The options in its first frame hold: `die_after` and `babble_after` (answers; the file `marks` keeps
them to once), `fail` (a start-up error), `silent` (never ready), `poison` (dies of a prompt with
this word).
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from augment.engines import vllm_worker as words


def say(number, kind, value):
    sys.stdout.buffer.write(words.frame(number, kind, value))
    sys.stdout.buffer.flush()


def answer(ask, options):
    text = ask["messages"][-1]["content"]
    if options.get("poison", "\0") in text:
        os.abort()
    if "too long" in text:
        return words.TOO_LONG, "the prompt has 2000 tokens, the model's context 1024"
    if "no system" in options and ask["messages"][0]["role"] == "system":
        return words.REFUSED, "TemplateError('System role not supported')"
    row = json.dumps({"label": "card", "text": f"said to {text}"})
    told = None if ask["logprobs"] is None else {"content": [{"token": row, "logprob": -0.5}]}
    choice = {"message": {"content": row}, "finish_reason": "stop", "logprobs": told}
    usage = {"prompt_tokens": 7, "completion_tokens": 3}
    return words.ANSWER, {"choices": [choice], "usage": usage}


def main():
    length, _, kind = words.HEADER.unpack(sys.stdin.buffer.read(words.HEADER.size))
    assert kind == words.BEGIN
    options = json.loads(sys.stdin.buffer.read(length))["options"]
    if "fail" in options:
        sys.stderr.write("loading\nsome.Error: " + options["fail"] + "\n")
        say(0, words.FATAL, "RuntimeError: Engine core initialization failed.")
        sys.exit(1)
    if "silent" not in options:
        say(0, words.READY, {"limit": 1024})
    lived = Path(options.get("marks", os.devnull))
    source, answered = sys.stdin.buffer, 0
    while len(head := source.read(words.HEADER.size)) == words.HEADER.size:
        length, number, kind = words.HEADER.unpack(head)
        value = json.loads(source.read(length))
        if kind == words.CANCEL:
            continue
        if answered == options.get("die_after") and lived.read_text("utf-8") == "":
            lived.write_text("died", "utf-8")
            os.abort()
        if answered == options.get("babble_after") and lived.read_text("utf-8") == "":
            lived.write_text("babbled", "utf-8")
            sys.stdout.buffer.write(words.HEADER.pack(3, 0, words.FATAL) + b"???")
            sys.stdout.buffer.flush()
        say(number, *answer(value, options))
        answered += 1


if __name__ == "__main__":
    main()
