"""Reads the schemas of custom resources: which fields a kind has, and what its authors say of them."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

# What no field of a user is in.
SERVED = {"apiVersion", "kind", "metadata", "status"}
# Schemas that hold themselves are cut here.
DEEPEST = 40


@dataclass(frozen=True)
class Field:
    """A field that may name a Secret: a mapping with a `name`, or a text."""

    group: str
    kind: str
    # Keys from the object to the field. Items of a list have no step; `*` stands for any key of a map.
    path: tuple
    # Whether it is a mapping with a `name`; else a text, or a list of texts.
    mapping: bool
    # What the schema says of it, nearest first.
    texts: tuple
    # The keys beside the name.
    beside: frozenset
    # The path as people write it, with `[]` for the items of a list.
    where: str
    # The kinds that a `kind` beside the name can have, where the schema says; and the one it has when it is absent.
    kinds: tuple = ()
    default_kind: str = ""

    @property
    def key(self):
        return self.path[-1]

    @property
    def tail(self):
        return ".".join(self.path)


@dataclass(frozen=True)
class Variables:
    """A list of mappings with `name` and `value` or `valueFrom`."""

    group: str
    kind: str
    path: tuple
    # Whether an item can read a key of a Secret by `valueFrom.secretKeyRef`.
    reads_secrets: bool
    where: str
    # Whether an item can hold a value of its own.
    literals: bool
    mapping = True

    @property
    def key(self):
        return self.path[-1]


def properties(schema):
    """The properties of a mapping, those of `allOf` and its like included; the fuller one of two."""
    found = {}
    parts = [schema]
    for word in ("allOf", "anyOf", "oneOf"):
        parts += [part for part in schema.get(word) or [] if isinstance(part, dict)]
    for part in parts:
        for key, value in (part.get("properties") or {}).items():
            if isinstance(value, dict) and len(value) > len(found.get(key, {})):
                found[key] = value
    return found


def items(schema):
    value = schema.get("items")
    if isinstance(value, list):
        value = value[0] if value else None
    return value if isinstance(value, dict) else None


def said(schema):
    return " ".join((schema.get("description") or "").split())


def is_text(schema):
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), None)
    return kind in ("string", None) and not properties(schema) and not items(schema)


class Reader:
    """Walks one schema."""

    def __init__(self, group, kind):
        self.group, self.kind = group, kind
        self.fields, self.lists = [], []

    def walk(self, schema, path=(), texts=(), where="", depth=0):
        if depth > DEEPEST:
            return
        texts = (said(schema),) + texts[:2]
        own = properties(schema)
        if path and "name" in own and is_text(own["name"]):
            self.mapping(own, path, texts, where)
        for key, value in own.items():
            if not path and key in SERVED:
                continue
            below, there = path + (key,), f"{where}.{key}" if where else key
            if is_text(value) and value.get("type") == "string":
                self.text(value, own, below, texts, there)
            self.walk(value, below, texts, there, depth + 1)
        if (item := items(schema)) is not None:
            if is_text(item) and item.get("type") == "string":
                self.text(item, {}, path, texts, where + "[]")
            else:
                self.variables(item, path, where)
            # The text of a list is about its items.
            self.walk(item, path, texts, where + "[]", depth + 1)
        more = schema.get("additionalProperties")
        if isinstance(more, dict) and path:
            self.walk(more, path + ("*",), texts, where + ".*", depth + 1)

    def mapping(self, own, path, texts, where):
        kind = own.get("kind") or {}
        self.fields.append(
            Field(
                self.group,
                self.kind,
                path,
                True,
                (said(own["name"]),) + texts,
                frozenset(own) - {"name"},
                where,
                tuple(kind.get("enum") or ()),
                kind.get("default") or "",
            )
        )

    def text(self, schema, own, path, texts, where):
        if path[-1] == "name" or schema.get("enum"):
            return
        beside = frozenset(own) - {path[-1]}
        self.fields.append(Field(self.group, self.kind, path, False, (said(schema),) + texts, beside, where))

    def variables(self, item, path, where):
        own = properties(item)
        if not path or "name" not in own or not {"value", "valueFrom"} & set(own):
            return
        reference = properties(properties(own.get("valueFrom") or {}).get("secretKeyRef") or {})
        # Where the schema leaves the rest open, an item is a whole variable.
        reads = {"name", "key"} <= set(reference) or bool(item.get("x-kubernetes-preserve-unknown-fields"))
        self.lists.append(Variables(self.group, self.kind, path, reads, where, "value" in own))


STRICT = "-strict"
NAME = re.compile(r"(?P<kind>.+?)_(?P<version>v\d[^_]*)$")
GROUPED = re.compile(r"(?P<kind>[^_]+)_(?P<group>.+)_(?P<version>v\d[^_]*)$")


def schemas(folder):
    """Group, kind and schema of every file of a folder, in the order of their names."""
    for file in sorted(Path(folder).rglob("*_v*.json")):
        # One folder has versions of a distribution below it, and the group in the name of the file.
        grouped = GROUPED.match(file.stem)
        name = grouped or NAME.match(file.stem)
        if name and (grouped or STRICT not in file.parent.name):
            yield (name["group"] if grouped else file.parent.name), name["kind"].lower(), json.loads(file.read_bytes())
    files = sorted(Path(folder).rglob("*.y*ml"))
    if files:
        # Collections in JSON are read without it.
        import yaml

        for file in files:
            text = file.read_bytes()
            # A template of a chart is no YAML yet.
            if b"{{" in text:
                continue
            for document in yaml.load_all(text, Loader=yaml.CSafeLoader):
                yield from definitions(document)


def definitions(document):
    """The schemas of a CustomResourceDefinition; none of another document."""
    if not isinstance(document, dict) or document.get("kind") != "CustomResourceDefinition":
        return
    spec = document.get("spec") or {}
    whole = (spec.get("validation") or {}).get("openAPIV3Schema")
    for version in spec.get("versions") or []:
        if found := (version.get("schema") or {}).get("openAPIV3Schema") or whole:
            yield spec["group"], spec["names"]["kind"].lower(), found


def read(folder):
    """The fields and the lists of variables of every schema in a folder: `GROUP/KIND_VERSION.json`, or definitions in YAML.

    What versions of a kind have in common is one field: the one whose schema says more.
    """
    fields, lists = {}, {}
    for group, kind, whole in schemas(folder):
        reader = Reader(group, kind)
        reader.walk(whole)
        for field in reader.fields:
            place = (field.group, field.kind, field.path, field.mapping)
            known = fields.get(place)
            if known is None or sum(map(len, known.texts)) < sum(map(len, field.texts)):
                fields[place] = field
        for one in reader.lists:
            place = (one.group, one.kind, one.path)
            known = lists.get(place)
            if known is None or one.reads_secrets:
                lists[place] = one
    return fields, lists
