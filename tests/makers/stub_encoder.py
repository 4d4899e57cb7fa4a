"""A sentence-transformers of our own for the encoder's process: it loads at once and can be held.

It is put on the path of a real process, in the place of torch, sentence-transformers and
transformers. A text is an order where it begins with one:

    hold FOLDER    make the file `begun` there, and wait for the file `go`
    raise WORDS    raise an error that says so
    print WORDS    print, as careless libraries do
    nan            give a vector that is no numbers
"""

from __future__ import annotations

import textwrap
import time
from pathlib import Path

import numpy as np

WIDTH = 8

_MODULES = {
    "torch/__init__.py": """
        from types import SimpleNamespace

        float32 = "torch.float32"
        ops = SimpleNamespace(mkldnn=SimpleNamespace(_is_mkldnn_bf16_supported=lambda: False))


        def get_num_threads():
            return 2


        def set_num_threads(count):
            pass
        """,
    "transformers/__init__.py": "",
    "transformers/utils/__init__.py": """
        class logging:
            disable_progress_bar = staticmethod(lambda: None)
        """,
    "sentence_transformers/__init__.py": """
        import pathlib
        import time
        from types import SimpleNamespace

        import stub_encoder


        class Tensor:
            def __init__(self, rows):
                self.rows = rows

            float = cpu = lambda self: self

            def numpy(self):
                return self.rows


        class SentenceTransformer:
            device = SimpleNamespace(type="cpu")

            def __init__(self, source, *, trust_remote_code, local_files_only, model_kwargs):
                assert not trust_remote_code
                self.dtype = model_kwargs["dtype"]
                while (pathlib.Path(source) / "wait").exists():
                    time.sleep(0.01)

            def eval(self):
                return self

            def bfloat16(self):
                self.dtype = "torch.bfloat16"
                return self

            def parameters(self):
                return iter([SimpleNamespace(dtype=self.dtype)])

            def encode(self, texts, *, batch_size, show_progress_bar, convert_to_tensor):
                for text in texts:
                    stub_encoder.obey(text)
                return Tensor(stub_encoder.vectors_of(texts))

            def tokenizer(self, texts, *, add_special_tokens):
                return {"input_ids": [[0 if t == "?" else 1 for t in one.split()] for one in texts]}

            tokenizer.unk_token_id = 0
        """,
}


def write_stub(folder: Path) -> Path:
    """Write the modules to a folder, and return what is to be PYTHONPATH."""
    for name, source in _MODULES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(textwrap.dedent(source), "utf-8")
    (folder / "stub_encoder.py").write_text(Path(__file__).read_text("utf-8"), "utf-8")
    return folder


def obey(text: str) -> None:
    order, _, rest = text.partition(" ")
    if order == "hold":
        (Path(rest) / "begun").touch()
        while not (Path(rest) / "go").exists():
            time.sleep(0.01)
    elif order == "raise":
        raise ArithmeticError(rest)
    elif order == "print":
        print(rest, flush=True)  # noqa: T201 - that is the order


def vectors_of(texts):
    """Return what the stub gives for texts before it is brought to unit length."""
    made = np.zeros((len(texts), WIDTH), dtype=np.float32)
    for row, text in zip(made, texts, strict=True):
        row[:] = 1 + np.frombuffer(text.encode()[:WIDTH].ljust(WIDTH), dtype=np.uint8)
        if text == "nan":
            row[:] = np.nan
    return made
