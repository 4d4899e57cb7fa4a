"""Keys and tokens that open something, by the forms in which those who give them out write them.

Sources: the token formats documented by GitHub, GitLab, AWS, Slack, Stripe, Google, OpenAI,
Anthropic, Hugging Face, npm, PyPI, SendGrid and Telegram; RFC 7519 (JWT); RFC 7468 (PEM).
"""

from __future__ import annotations

import re

from augment.pii.kinds import Kind, Standing, always

_KEYS = re.compile(
    r"(?<![\w-])(?:(?:AKIA|ASIA)[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_\w{22,255}"
    r"|glpat-[\w-]{20,64}|xox[abprs]-[\w-]{10,250}|[sr]k_live_[A-Za-z0-9]{16,128}"
    r"|sk-(?:ant-|proj-|or-)?[A-Za-z0-9_-]{20,200}|AIza[\w-]{35}|hf_[A-Za-z0-9]{30,40}"
    r"|npm_[A-Za-z0-9]{36}|pypi-[\w-]{50,250}|SG\.[\w-]{16,32}\.[\w-]{16,64}"
    r"|eyJ[\w-]{8,2000}\.eyJ[\w-]{8,4000}\.[\w-]{8,2000}|\d{8,10}:AA[\w-]{33})(?![\w-])"
)
_PEM = re.compile(
    r"-----BEGIN (?:[A-Z]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:[^-]{1,20000}-----END (?:[A-Z]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----)?"
)
_NAMED = re.compile(
    r"\b(?:api[_ -]?key|access[_ -]?key|secret[_ -]?key|client[_ -]?secret|auth[_ -]?token"
    r"|access[_ -]?token|bearer|secret|passwor[dt]|passwd|pwd|kennwort|mot de passe|contraseña)"
    r"\b['\"]?(?: is| ist| es|:| =|=){1,2} {0,2}['\"]?(?P<found>[\w./+~!@#$%^&*-]{8,200}=?=?)",
    re.IGNORECASE,
)
_PLAIN = re.compile(r"[^\W\d_]+[.!,?]?|[\d./-]+", re.IGNORECASE)
_MADE_UP = re.compile(r"example|x{4}|\*{3}|\.{3}|your|placeholder|0000000|1234567", re.IGNORECASE)


def _key(match: re.Match[str]) -> Standing | None:
    """Take it for one where it holds a digit, as all but a few in a thousand do; words don't."""
    if not any(map(str.isdigit, match[0])):
        return None
    return "placeholder" if _MADE_UP.search(match[0]) else "real"


def _named(match: re.Match[str]) -> Standing | None:
    """Take what follows `password:` for one where it is neither a word nor an amount or date."""
    found = match["found"]
    if _PLAIN.fullmatch(found) or not any(map(str.isalpha, found)):
        return None
    if not any(map(str.isdigit, found)):
        return None
    return "placeholder" if _MADE_UP.search(found) else "real"


KINDS = (
    Kind(name="key", pattern=_PEM, check=always, hint="pem"),
    Kind(name="key", pattern=_KEYS, check=_key, hint="token", digits=1),
    Kind(name="key", pattern=_NAMED, check=_named, hint="password", digits=1),
)
