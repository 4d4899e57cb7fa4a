"""E-mail addresses, addresses of machines, and URLs that hold a password.

Names set aside for examples: RFC 2606 and RFC 6761; addresses: RFC 5737 and RFC 3849.
"""

from __future__ import annotations

import ipaddress
import re

from augment.pii.kinds import Kind, Standing, always

_SET_ASIDE = re.compile(
    r"(?:^|[.@])(?:example\.(?:com|org|net|edu)|example|test|invalid|localhost)$", re.IGNORECASE
)
_LOCAL = r"[^\W_][\w.!#$%&'*+=?^`{|}~-]{0,63}"
_DOMAIN = r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,6}(?:[^\W\d_]{2,24}|xn--[a-z0-9-]{2,59})"
_EMAIL = re.compile(rf"(?<![\w.%+-]){_LOCAL}@{_DOMAIN}(?![\w-])")
_SPOKEN = re.compile(
    r"(?<![\w.])[^\W_][\w.-]{0,63} ?[\[(] ?(?:at|@|ät) ?[\])] ?"
    r"(?:[^\W_][\w-]{0,62}(?: ?[\[(] ?(?:dot|punkt|\.) ?[\])] ?|\.)){1,4}[^\W\d_]{2,24}(?!\w)",
    re.IGNORECASE,
)
_CREDENTIALS = re.compile(
    r"\b[a-z][a-z0-9+.-]{1,20}://(?P<found>[^\s/@:]{0,64}:(?P<password>[^\s/@]{1,128})@"
    r"(?P<host>[^\s/:?#@]{1,253}))",
    re.IGNORECASE,
)
_VARIABLE = re.compile(
    r"[<{$%].*|x+|\*+|(?:your|my)?_?-?(?:password|passwd|pass|pwd)", re.IGNORECASE
)
_IPV4 = re.compile(r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|[.-]\d)")
_IPV6 = re.compile(
    r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}(?:[0-9a-f]{1,4}|(?<=::))(?![\w:]|\.\d)", re.I
)
_VERSION = re.compile(
    r"(?:version|release|firmware|v|ver\.?|build|section|chapter|§) ?$", re.IGNORECASE
)
_LONGEST_WORD_BEFORE = 12


def _email(match: re.Match[str]) -> Standing:
    return "placeholder" if _SET_ASIDE.search(match[0]) else "real"


def _credentials(match: re.Match[str]) -> Standing:
    unreal = _SET_ASIDE.search(match["host"]) or _VARIABLE.fullmatch(match["password"])
    return "placeholder" if unreal else "real"


def _ip(match: re.Match[str]) -> Standing | None:
    before = match.string[max(0, match.start() - _LONGEST_WORD_BEFORE) : match.start()]
    if _VERSION.search(before):
        return None
    try:
        address = ipaddress.ip_address(match[0])
    except ValueError:
        return None
    return "real" if address.is_global and not address.is_multicast else "placeholder"


def _ipv6(match: re.Match[str]) -> Standing | None:
    written = match[0].strip(":")
    if written.count(":") < 2 and "::" not in match[0]:
        return None
    if not written or (written.isdigit() and "::" in match[0]):  # C++, a list, a time
        return None
    return _ip(match)


KINDS = (
    Kind(name="credentials", pattern=_CREDENTIALS, check=_credentials, hint="at"),
    Kind(name="email", pattern=_EMAIL, check=_email, hint="at"),
    Kind(name="email", pattern=_SPOKEN, check=always, hint="spoken"),
)
MACHINES = (
    Kind(name="ip_address", pattern=_IPV4, check=_ip, hint="dots", digits=4),
    Kind(name="ip_address", pattern=_IPV6, check=_ipv6, hint="colons"),
)
