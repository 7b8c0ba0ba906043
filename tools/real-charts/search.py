"""What is still there of the Secrets that went: searched with PyYAML alone, so that no piece of resecret judges itself."""

import base64
import re
import sys

import yaml

sys.setrecursionlimit(20000)


class Loader(yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):
    """Reads scalars as they are written: what matters here is text."""


Loader.yaml_implicit_resolvers = {}
Loader.add_constructor("tag:yaml.org,2002:value", lambda loader, node: loader.construct_scalar(node))
for tag in ("null", "bool", "int", "float", "binary", "timestamp"):
    Loader.add_constructor(f"tag:yaml.org,2002:{tag}", lambda loader, node: loader.construct_scalar(node))


def objects(text):
    """The objects of a stream, those of Lists among them."""
    # What Helm and Kubernetes split at, whatever stands around it.
    for part in re.split(r"(?m)^---(?=\s|$)", text):
        document = yaml.load(part, Loader)
        if not isinstance(document, dict):
            continue
        items = document.get("items") if str(document.get("kind", "")).endswith("List") else None
        yield from items if isinstance(items, list) else [document]


def identity(thing):
    meta = thing.get("metadata") or {}
    return (thing.get("apiVersion", ""), thing.get("kind", ""), meta.get("namespace", ""), meta.get("name", ""))


def scalars(node, path=""):
    """All keys and texts of a tree, with their paths."""
    if isinstance(node, dict):
        for key, value in node.items():
            step = key if re.fullmatch(r"[A-Za-z0-9_-]+", str(key)) else f'["{key}"]'
            inner = f"{path}{step}" if step.startswith("[") else f"{path}.{step}".lstrip(".")
            yield inner, str(key), True
            yield from scalars(value, inner)
    elif isinstance(node, list):
        for position, value in enumerate(node):
            yield from scalars(value, f"{path}[{position}]")
    elif node is not None:
        yield path, str(node), False


# Names that are free, or those of other things.
NOT_A_SECRET = re.compile(r"\.(image|serviceAccountName)$|(volumes|volumeMounts|[cC]ontainers)\[\d+\]\.name$")


def is_secret(thing):
    return thing.get("kind") == "Secret" and thing.get("apiVersion") == "v1"


def removed(before, after):
    """The Secrets of the first stream that the second one lacks."""
    kept = {identity(thing)[2:] for thing in after if is_secret(thing)}
    return [thing for thing in before if is_secret(thing) and identity(thing)[2:] not in kept]


def values(secret):
    """Values of a Secret that are long enough to be found by chance nowhere."""
    for key, text in (secret.get("stringData") or {}).items():
        yield key, str(text or "")
    for key, text in (secret.get("data") or {}).items():
        try:
            yield key, base64.b64decode(str(text or "")).decode()
        except (ValueError, UnicodeDecodeError):
            yield key, str(text or "")


def dangling(before, after, to):
    """Places that still name a removed Secret: (object, path, name, whether it is all of the text, whether others have the name)."""
    names = {identity(thing)[3] for thing in removed(before, after)} - set(to)
    others = {identity(thing)[3] for thing in after if not is_secret(thing)}
    if not names:
        return
    word = re.compile(
        r"(?<![A-Za-z0-9.-])(" + "|".join(map(re.escape, sorted(names, key=len, reverse=True))) + r")(?![A-Za-z0-9-]|\.[a-z0-9])"
    )
    for thing in after:
        for path, text, is_key in scalars(thing):
            # A field of a schema may be called as a Secret is.
            if path == "metadata.name" or NOT_A_SECRET.search(path) or (is_key and not re.search("secret|credential", path[: -len(text)], re.I)):
                continue
            for name in sorted(set(word.findall(text))):
                yield thing, path, name, text == name, name in others


def left_values(before, after):
    """Places that still hold a value of a removed Secret."""
    found = {}
    for secret in removed(before, after):
        for key, text in values(secret):
            text = text.strip()
            # Nor are names of hosts and addresses without a password any secret.
            if len(text) >= 8 and not re.fullmatch(r"[0-9.]+|[a-z]+([-.][a-z]+)*|https?://[^@]*", text):
                found[text] = (identity(secret)[3], key)
    needles = {text: origin for text, origin in found.items()}
    needles |= {base64.b64encode(text.encode()).decode(): origin for text, origin in found.items()}
    for thing in after:
        for path, text, _ in scalars(thing):
            for needle, origin in needles.items():
                if needle in text:
                    yield thing, path, origin
