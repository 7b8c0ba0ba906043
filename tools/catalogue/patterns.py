"""The lines of the catalogue and what they fit. `src/kube/catalogue/mod.rs` reads them the same way."""

import re
from dataclasses import dataclass
from functools import lru_cache


@lru_cache(maxsize=None)
def _key(pattern, fold):
    text = ".*".join(map(re.escape, pattern.split("*")))
    return re.compile(text, re.I | re.S if fold else re.S)


@dataclass(frozen=True)
class Line:
    label: str
    kinds: tuple
    # The last keys of a path.
    tail: tuple
    # Whether letters of either case are the same.
    fold: bool = False

    def fits(self, kind, path, is_mapping):
        if self.kinds and kind not in self.kinds:
            return False
        if self.label == "refer" and not is_mapping:
            return False
        if len(self.tail) > len(path):
            return False
        return all(
            pattern == key or ("*" in pattern or self.fold) and _key(pattern, self.fold).fullmatch(key)
            for pattern, key in zip(reversed(self.tail), reversed(path))
        )


def everywhere(file):
    lines = []
    for line in file.read_text().splitlines():
        if line and not line.startswith("#"):
            label, tail = line.split()
            lines.append(Line(label, (), tuple(tail.split(".")), True))
    return lines


def first(lines, kind, path, is_mapping):
    """What the first line that fits says."""
    for line in lines:
        if line.label not in ("env", "plain") and line.fits(kind, path, is_mapping):
            return "read" if line.label == "refer" else line.label
    return None


class Reviewed:
    """`reviewed.txt`: by group, what people have looked at."""

    def __init__(self, file):
        self.groups = {}
        group = None
        for number, line in enumerate(file.read_text().splitlines(), 1):
            line = line.split("#")[0].strip()
            if not line:
                continue
            if line.startswith("["):
                group = self.groups.setdefault(line.strip("[]"), [])
                continue
            label, kinds, *tails = line.split()
            kinds = () if kinds == "*" else tuple(kinds.split(","))
            if label not in ("read", "refer", "make", "none", "ask", "env", "plain") or not tails:
                raise SystemExit(f"{file}:{number}: {line}")
            group += [Line(label, kinds, tuple(tail.split("."))) for tail in tails]

    def label(self, field):
        lines = self.groups.get(field.group, []) + self.groups.get("*", [])
        return first(lines, field.kind, field.path, field.mapping)
