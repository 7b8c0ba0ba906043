#!/usr/bin/env python3
"""Writes the catalogue: which fields of custom resources name a Secret, which make one, which lists hold variables.

    tools/catalogue/generate.py SCHEMAS…
    tools/catalogue/generate.py --fields FILE SCHEMAS…

SCHEMAS are folders: JSON schemas as `GROUP/KIND_VERSION.json`, as public collections keep them, or files in YAML with
CustomResourceDefinitions (these need PyYAML). Only derived facts are written, names and paths: the catalogue, and what the
measurement in `tests/cases/catalogue.rs` fills in, `tests/catalogue/fields.txt`. With `--fields` every field goes to FILE
and nothing else is written. The same schemas give the same bytes.
"""

import sys
from pathlib import Path

import compact
import patterns
import sample
import schema
from classify import classify

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
CATALOGUE = ROOT / "src/catalogue/catalogue.txt"
FIELDS = ROOT / "tests/catalogue/fields.txt"


def written(lines):
    """One line for all tails of a label and its kinds."""
    tails = {}
    for line in lines:
        tails.setdefault((line.label, line.kinds), []).append(".".join(line.tail))
    return [f"{label} {','.join(kinds) or '*'} {' '.join(paths)}" for (label, kinds), paths in tails.items()]


def read(folders):
    fields, lists = {}, {}
    for folder in folders:
        more_fields, more_lists = schema.read(folder)
        # The first folder that knows a field is the one that counts.
        fields = more_fields | fields
        lists = more_lists | lists
    fields = [fields[place] for place in sorted(fields)]
    reviewed = patterns.Reviewed(HERE / "reviewed.txt")
    labelled = [(field, classify(field, reviewed)) for field in fields]
    return labelled, [lists[place] for place in sorted(lists)], reviewed


def write(labelled, lists, reviewed):
    by_hand = patterns.everywhere(HERE / "everywhere.txt")
    common = compact.common_lines(labelled, by_hand)
    groups = compact.group_lines(labelled, common)
    env = compact.list_lines(lists)
    seen = {field.group for field, _ in labelled}
    for group, lines in reviewed.groups.items():
        known = groups.setdefault(group, [])
        # What no schema shows can only be taken as it is.
        known += [line for line in lines if group not in seen and line not in known]
    out = ["# Made by tools/catalogue/generate.py from the schemas of custom resources; see there.", "[*]"]
    out += [f"{line.label} * {'.'.join(line.tail)}" for line in common]
    for group in sorted(groups.keys() | env.keys()):
        if lines := groups.get(group, []) + env.get(group, []):
            out += [f"[{group}]", *written(lines)]
    CATALOGUE.write_text("\n".join(out) + "\n")
    FIELDS.parent.mkdir(exist_ok=True)
    FIELDS.write_text(sample.text(labelled, lists))
    print(f"{CATALOGUE.relative_to(ROOT)}: {len(out)} lines, {CATALOGUE.stat().st_size} bytes")
    print(f"{FIELDS.relative_to(ROOT)}: {FIELDS.stat().st_size} bytes")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--fields", file, _, *_]:
            every, variables, _ = read(sys.argv[3:])
            Path(file).write_text(sample.text(every, variables, whole=True))
        case [folder, *_] if not folder.startswith("-"):
            write(*read(sys.argv[1:]))
        case _:
            sys.exit(__doc__)
