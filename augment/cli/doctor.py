"""`augment doctor`: what this machine has, and which commands will work on it."""

from __future__ import annotations

import asyncio
import importlib.util
import platform
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version

from augment import recipe
from augment.answering import endpoint_settings
from augment.cli.parser import Parser
from augment.embed.model import SHA256, Unusable, bundled_folder
from augment.embed.static import place_of
from augment.engines.embedded import MISSING, WEIGHTS, tokenizer_of
from augment.engines.endpoint import connected
from augment.engines.vllm_environment import current
from augment.errors import AugmentError
from evals.wording import visible

LOCAL = "http://127.0.0.1:8000/v1"
"""Where `vllm serve` listens unless told otherwise: the only place that is looked at unasked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked for.

    Attributes:
        there: whether it can be used.
        what: its version or place; what is missing and how to get it.
    """

    name: str
    there: bool
    what: str


def main(arguments: Sequence[str]) -> int:
    """Say what there is; the exit code is 0 whatever is missing."""
    parser = Parser(prog="augment doctor", description=__doc__)
    parser.add_argument("--endpoint", default=LOCAL, help=f"a server to look for ({LOCAL})")
    options = parser.parse_args(arguments)
    findings = asyncio.run(look(options.endpoint))
    for line in lines(findings, endpoint=options.endpoint):
        sys.stdout.write(visible(line) + "\n")
    return 0


async def look(endpoint: str) -> dict[str, Finding]:
    """Return what was found, by name."""
    found = [
        _python(), *_torch(), _vllm(), _model(), _encoder(), _langchain(),
        await _endpoint(endpoint),
    ]  # fmt: skip
    return {each.name: each for each in found}


def lines(findings: dict[str, Finding], *, endpoint: str) -> Iterator[str]:
    """Yield the findings, and what follows from them for each command."""
    for each in findings.values():
        yield f"{'yes' if each.there else 'no ':4}{each.name:10}{each.what}"
    yield ""
    encoder = "" if findings["encoder"].there else " --encoder ngram"
    model = "" if findings["model"].there else " --model ngram"
    yield f"yes augment run SEEDS{model}{encoder}   without any server"
    there = findings["endpoint"].there
    yield f"{'yes' if there else 'no ':4}augment run SEEDS --endpoint {endpoint}{encoder}"
    torch, chain = findings["torch"].there, findings["langchain"].there
    yield f"{'yes' if torch else 'no ':4}augment run SEEDS --engine transformers --model FOLDER"
    yield f"{'yes' if chain else 'no ':4}augment run SEEDS --engine langchain --model PROVIDER:NAME"
    vllm = findings["vLLM"].there
    yield f"{'yes' if vllm else 'no ':4}augment run SEEDS --serve MODEL{encoder}"
    yield f"{'yes' if there else 'no ':4}augment preview SEEDS --endpoint {endpoint}{encoder}"
    yield f"yes augment check FILE --seeds SEEDS{encoder}"
    if encoder:
        yield "Without an encoder rows are not scored by meaning, and labels by n-grams alone."


def _python() -> Finding:
    wanted = sys.version_info >= (3, 11)
    return Finding(name="Python", there=wanted, what=f"{platform.python_version()}, {sys.prefix}")


def _torch() -> Iterator[Finding]:
    if importlib.util.find_spec("torch") is None:
        yield Finding(name="torch", there=False, what="not installed: no sentence encoder runs")
        yield Finding(name="GPU", there=False, what="not looked for without torch")
        return
    import torch

    yield Finding(name="torch", there=True, what=f"{torch.__version__}")
    gpu = torch.cuda.is_available()
    name = torch.cuda.get_device_name(0) if gpu else "none that torch can use; a CPU will do"
    yield Finding(name="GPU", there=gpu, what=name)


def _vllm() -> Finding:
    try:
        found = current()
    except AugmentError as error:
        what = f"{error}; a server elsewhere will do: augment run SEEDS --endpoint URL"
        return Finding(name="vLLM", there=False, what=what)
    kind = "GPUs" if found.for_gpu else "CPUs"
    return Finding(name="vLLM", there=True, what=f"{found.version} for {kind}, {found.folder}")


def _model() -> Finding:
    if tokenizer_of() is None:
        return Finding(name="model", there=False, what=f"{WEIGHTS}: {MISSING}")
    if importlib.util.find_spec("torch") is None:
        return Finding(name="model", there=False, what="in the box, but there is no torch")
    return Finding(name="model", there=True, what=f"in the box, {WEIGHTS}")


def _encoder() -> Finding:
    try:
        folder = bundled_folder()
        package = version("sentence-transformers")
    except (Unusable, OSError, PackageNotFoundError) as error:
        return Finding(name="encoder", there=False, what=str(error))
    what = (
        f"all-MiniLM-L6-v2 in {folder}, sentence-transformers {package}; --encoder fast {_fast()}"
    )
    return Finding(name="encoder", there=True, what=what)


def _fast() -> str:
    try:
        path = place_of(SHA256)
    except RuntimeError:
        return "has no cache: set XDG_CACHE_HOME"
    return f"in {path}" if path.exists() else f"would be made once, and kept in {path.parent}"


def _langchain() -> Finding:
    try:
        return Finding(name="langchain", there=True, what=version("langchain"))
    except PackageNotFoundError:
        how = "pip install 'augment-corpora[langchain]', and the provider's package"
        return Finding(name="langchain", there=False, what=f"not installed: {how}")


async def _endpoint(url: str) -> Finding:
    try:
        settings = endpoint_settings(recipe.load(None, options={"endpoint": url}))
        if url == LOCAL:  # whoever listens there unasked is not sent a key
            settings = replace(settings, api_key=None)
        async with connected(settings) as endpoint:
            return Finding(name="endpoint", there=True, what=f"{url} serves {endpoint.model}")
    except AugmentError as error:
        return Finding(name="endpoint", there=False, what=str(error))
