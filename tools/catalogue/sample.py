"""What the measurement fills in: of the fields that differ in no more than what stands above their last two keys one, with
how many there are."""

# The keys of a path that make a field another one.
KEYS = 2
# What stands beside a name and matters.
BESIDE = ("key", "namespace", "kind", "type")


def shape(field):
    """`text`, or what the mapping holds beside the name."""
    return ",".join(["name", *(key for key in BESIDE if key in field.beside)]) if field.mapping else "text"


def text(labelled, lists, whole=False):
    """The sample; with `whole` a line for every field. Keys with a dot are left out: a path cannot hold them."""
    found, kinds = {}, {}
    for field, label in labelled:
        if label in ("read", "make") and not any("." in key for key in field.path):
            entry = (label, field.where, shape(field))
            like = (field.kind, field.path) if whole else field.path[-KEYS:]
            note(found, (field.group, label, like, shape(field)), field.kind, entry)
            kinds.setdefault(field.group, set()).add(field.kind)
    for one in lists:
        if one.reads_secrets and not any("." in key for key in one.path):
            entry = ("env", one.where, "value" if one.literals else "valueFrom")
            like = (one.kind, one.path) if whole else one.path[-KEYS:]
            note(found, (one.group, "env", like, ""), one.kind, entry)
            kinds.setdefault(one.group, set()).add(one.kind)
    out = [
        "# Made by tools/catalogue/generate.py: fields that read a Secret (`read`), that make one (`make`), lists of variables (`env`).",
        "# Behind a group the number of its kinds that have such a field. A line is a label, a kind, a path, what stands there,",
        "# and how many fields of the group it is for: those with the same last two keys.",
    ]
    groups = {}
    for (group, *_), (kind, entry, count) in found.items():
        groups.setdefault(group, []).append(f"{entry[0]} {kind} {entry[1]} {entry[2]} {count}")
    for group in sorted(groups):
        out += [f"[{group}] {len(kinds[group])}", *sorted(groups[group])]
    return "\n".join(out) + "\n"


def note(found, place, kind, entry):
    """Counts the field, and keeps the shortest of its like."""
    known_kind, known, count = found.get(place, (kind, entry, 0))
    if (len(entry[1]), kind) < (len(known[1]), known_kind):
        known_kind, known = kind, entry
    found[place] = (known_kind, known, count + 1)
