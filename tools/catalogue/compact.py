"""Turns labelled fields into few lines: a key that means one thing in a group is one line, whatever its kinds are."""

from collections import Counter, defaultdict
from functools import lru_cache

from patterns import Line, first

# A key that means the same in so many groups, and nothing else in any, means it everywhere.
EVERYWHERE = 4
# How many keys of a path a line may take before it takes the whole.
LONGEST = 6
# The keys of a path that a line for all groups can ask about.
COMMON_KEYS = 3


def outcome(label):
    """What matters of a label: whether the field is edited, known to be no reference, or neither."""
    return {"refer": "read", "ask": None, "none": None}.get(label, label)


class Common:
    """The lines that hold everywhere, asked often."""

    def __init__(self, lines):
        self.lines = lines
        self.ask = lru_cache(maxsize=None)(lambda path, mapping: outcome(first(lines, "", path, mapping)))

    def __call__(self, field):
        return self.ask(field.path[-COMMON_KEYS:], field.mapping)


class Group:
    """The fields of a group and the lines that they need beside those that hold everywhere."""

    def __init__(self, labelled, common):
        self.labelled = labelled
        # A `kind` beside the name is for the program to read.
        self.wrong = [
            (field, label) for field, label in labelled if label != "kind" and common(field) != outcome(label)
        ]
        self.by_key = defaultdict(list)
        for field, label in labelled:
            self.by_key[field.key].append((field, label))

    def lines(self):
        """The lines, longer tails first: what is more exact decides."""
        found = {}
        for field, label in self.wrong:
            line = self.line(field, label)
            found.setdefault((line.label, line.tail), set()).update(line.kinds or {"*"})
        lines = [
            Line(label, () if "*" in kinds else tuple(sorted(kinds)), tail)
            for (label, tail), kinds in found.items()
        ]
        return sorted(lines, key=lambda line: (-len(line.tail), line.label, line.kinds, line.tail))

    def line(self, field, label):
        forms = ["refer"] if label == "read" and field.mapping else [label]
        # A key of a map says nothing without what holds it.
        shortest = 2 if field.key == "*" else 1
        for length in range(shortest, min(len(field.path), LONGEST) + 1):
            for kinds in ((), (field.kind,)):
                for form in forms:
                    line = Line(form, kinds, field.path[-length:])
                    if is_right(line, self.labelled if line.tail[-1] == "*" else self.by_key[line.tail[-1]]):
                        return line
        return Line(label, (field.kind,), field.path)


def is_right(line, labelled):
    """Whether all that the line fits is what it says."""
    return all(
        outcome(line.label) == outcome(label)
        for field, label in labelled
        if line.fits(field.kind, field.path, field.mapping)
    )


def by_group(labelled):
    groups = defaultdict(list)
    for field, label in labelled:
        groups[field.group].append((field, label))
    return groups


def common_lines(labelled, by_hand):
    """The lines that hold in every group, those by hand first."""
    counts = Counter()
    for fields in by_group(labelled).values():
        lines = Group(fields, Common(by_hand)).lines()
        counts.update((line.label, line.tail) for line in lines if not line.kinds and line.label != "ask")
    by_key = defaultdict(list)
    for field, label in labelled:
        by_key[field.key].append((field, label))
    found = []
    for (label, tail), count in sorted(counts.items()):
        line = Line(label, (), tail)
        if count >= EVERYWHERE and len(tail) <= COMMON_KEYS and "*" not in tail and is_right(line, by_key[tail[-1]]):
            found.append(line)
    return by_hand + found


def group_lines(labelled, common):
    groups = by_group(labelled)
    common = Common(common)
    return {group: lines for group in sorted(groups) if (lines := Group(groups[group], common).lines())}


# A list of variables has this in its key; the program looks at the items as well.
ENV = "env"


def by_name(one):
    """What the key of a list alone says."""
    return "env" if ENV in one.key.lower() else None


def list_lines(lists):
    """The lists of variables whose key does not say so, and those that take no Secret, whatever their key says."""
    labelled = []
    for one in lists:
        other = "plain" if by_name(one) else None
        labelled.append((one, "env" if one.reads_secrets else other))
    groups = by_group(labelled)
    return {group: lines for group in sorted(groups) if (lines := Group(groups[group], by_name).lines())}
