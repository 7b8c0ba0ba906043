#!/usr/bin/env python3
"""Measures which plain credentials resecret finds in real charts, and which of its findings are none.

    tools/real-charts/credentials.py FOLDER [--write docs/real-charts.md] [--only NAME] [--keep FOLDER]

Every value of a chart whose name is that of a credential becomes a mark of its own, and the chart is rendered. Where a mark
comes out outside a Secret there is a plain credential, and `scan` must list it. What it lists without a mark in it must be a
credential too: a person has looked at those in judged.txt, all others count as false.
"""

import argparse
import copy
import concurrent.futures
import json
import os
import re
import sys
import tempfile

import yaml

import page
import search
from render import Missing, clone, extract, fill, git, load, render
from run import CLIENTS, HERE, call

# What a chart's authors call a value that is a credential. Written for this measurement alone: the program has its own words.
NAME = re.compile(
    r"(password|passwd|passphrase|passcode|secretkey|secret_key|secretaccesskey|accesskey|access_key|apikey|api_key|appkey|licensekey|"
    r"encryptionkey|encryption_key|signingkey|signing_key|privatekey|private_key|masterkey|master_key|fernetkey|clientsecret|client_secret|"
    r"cookiesecret|sharedsecret|jwtsecret|jwt_secret|authtoken|auth_token|accesstoken|access_token|bearertoken|bottoken|apitoken|api_token|"
    r"^secret|^token|^salt|^pass|webhooksecret|secretkeybase|secret_key_base|registrationtoken|rootpassword|adminpassword)$",
    re.I,
)
# Repositories of which every chart is measured.
MORE = (("bitnami/charts", "bitnami"), ("prometheus-community/helm-charts", "charts"), ("grafana/helm-charts", "charts"), ("argoproj/argo-helm", "charts"))
# A field of these takes the name of something.
NAMES = re.compile(r"([sS]ecret(Ref|Name|KeyRef)?|Ref|SecretKeySelector)\.(name|key)$|[nN]ame$|\.key$|[sS]ecret[kK]ey$|Secret$|secretRef$|metadata\.labels|matchLabels")


# The same inside a text of several lines: a file of settings.
LINE = re.compile(
    r"""((?:password|passwd|secret[_-]?key|client[_-]?secret|secret[_-]?access[_-]?key|access[_-]?token|auth[_-]?token|api[_-]?key)["']?\s*[:=]\s*["']?)[^\s"'{}$<>/]{4,}""",
    re.I,
)


class Marks:
    """Values with a mark of its own for each credential."""

    def __init__(self):
        self.count = 0

    def next(self):
        self.count += 1
        return f"Mk7wZ4xQn{self.count:04d}vTk3Lm"

    def of(self, values, name=""):
        """The marked parts of some values, and all of a list that has one; `None` for no mark."""
        if isinstance(values, dict):
            beside = values.get("name") if isinstance(values.get("name"), str) else ""
            found = {key: self.of(value, (beside or name) if key == "value" else str(key)) for key, value in values.items()}
            return {key: value for key, value in found.items() if value is not None} or None
        if isinstance(values, list):
            items = [self.of(item, name) for item in values]
            if not any(item is not None for item in items):
                return None
            return [merge(dict(old), new) if isinstance(new, dict) else old if new is None else new for old, new in zip(values, items)]
        if values is not None and not isinstance(values, str) or "{{" in str(values):
            return None
        if "\n" in str(values or ""):
            text = LINE.sub(lambda found: found[1] + self.next(), values)
            return text if text != values else None
        return self.next() if NAME.search(name) and "existing" not in name.lower() else None


MARK = re.compile(r"Mk7wZ4xQn(\d{4})vTk3Lm")


def merge(one, other):
    """As Helm merges values."""
    for key, value in other.items():
        one[key] = merge(dict(one.get(key) or {}), value) if isinstance(value, dict) and isinstance(one.get(key), dict) else value
    return one


def values_of(folder, depth=0):
    """The values of a chart and of its subcharts below their names."""
    found = {}
    file = os.path.join(folder, "values.yaml")
    if os.path.exists(file):
        try:
            found = load(file)
        except yaml.YAMLError:
            found = {}
    charts = os.path.join(folder, "charts")
    for name in sorted(os.listdir(charts)) if os.path.isdir(charts) and depth < 3 else []:
        if os.path.isdir(os.path.join(charts, name)):
            inner = values_of(os.path.join(charts, name), depth + 1)
            found[name] = merge(inner, found[name]) if isinstance(found.get(name), dict) else inner
    return found if isinstance(found, dict) else {}


def measure(arguments, entry, subcharts):
    base = os.path.join(arguments.keep, entry["name"])
    chart = os.path.join(base, "chart")
    own = entry.get("values") or {}
    if not os.path.isdir(chart):
        try:
            extract(arguments.folder, entry["repository"], entry.get("path", ""), chart)
            fill(arguments.folder, entry["repository"], entry.get("path", ""), chart, subcharts | (entry.get("subcharts") or {}))
        except (Missing, FileNotFoundError):
            return None
    # A chart that takes no mark at some place is rendered with marks in the values that people give it.
    for source in (merge(values_of(chart), copy.deepcopy(own)), own):
        attempt = merge(copy.deepcopy(own), Marks().of(source) or {})
        file = os.path.join(base, "marked.yaml")
        with open(file, "w", encoding="utf-8") as out:
            yaml.safe_dump(attempt, out, sort_keys=False)
        files = [os.path.join(chart, name) for name in entry.get("valueFiles") or []] + [file]
        code, text, err = render(os.path.join(CLIENTS, "helm4"), chart, entry.get("release", "prod"), entry.get("namespace", "apps"), files)
        if code == 0 and text.strip():
            break
    else:
        return None
    stream = os.path.join(base, "marked-render.yaml")
    with open(stream, "w", encoding="utf-8") as out:
        out.write(text)
    code, found, err = call([arguments.resecret, "scan", "--format", "json", stream])
    if code not in (0, 1):
        return None
    listed = {}
    for credential in json.loads(found)["credentials"]:
        where = credential["place"]
        listed.setdefault((where["object"]["kind"], where["object"]["name"]), []).append((where["path"], credential))
    there, missed, seen = 0, [], set()
    for thing in search.objects(text):
        if search.is_secret(thing) or thing.get("kind") == "CustomResourceDefinition":
            continue
        identity = (thing.get("kind", ""), search.identity(thing)[3])
        for path, value, is_key in search.scalars(thing):
            if is_key or not MARK.search(value):
                continue
            at = next((at for at, _ in listed.get(identity, []) if path == at or path.startswith((at + ".", at + "["))), None)
            if at is not None:
                seen.add((identity, at))
                there += 1
            elif not NAMES.search(path):
                there += 1
                missed.append(f"{entry['name']} {'/'.join(identity)} {path}")
    unmarked = [
        f"{entry['name']} {'/'.join(identity)} {credential['holder']}"
        for identity, places in listed.items()
        for at, credential in places
        if (identity, at) not in seen
    ]
    return {"chart": entry["name"], "there": there, "missed": missed, "listed": sum(map(len, listed.values())), "unmarked": unmarked}


def more(arguments, known):
    """The other charts of some large repositories, as they are."""
    for repository, folder in MORE:
        names = git(clone(arguments.folder, repository), "ls-tree", "--name-only", f"HEAD:{folder}").decode().split()
        for name in names:
            if (repository, f"{folder}/{name}") not in known:
                yield {"name": f"{repository.split('/')[0]}-{name}", "repository": repository, "path": f"{folder}/{name}"}


SECTION = "## Plain credentials"
ABOUT = """Every value of a chart whose name is that of a credential becomes a mark of its own, also in lists of variables and in the lines of files, and
the chart is rendered by Helm 4. Where a mark comes out outside a Secret (in a variable, a ConfigMap, an argument, a custom resource) there is a plain
credential, and `scan` must list it. What it lists without a mark in it a person has judged (`tools/real-charts/judged.txt`); what nobody has judged counts as
false. `just real-credentials FOLDER` repeats it, and fails where more than 5 % are missed or false. The charts are those above and all others of
the repositories of Bitnami, Prometheus, Grafana and Argo, with the values that they have.

"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="clones of the repositories: OWNER/NAME or OWNER+NAME")
    parser.add_argument("--keep", default=os.path.join(tempfile.gettempdir(), "resecret-real-charts"))
    parser.add_argument("--resecret", default=os.environ.get("BINARY", "target/debug/resecret"))
    parser.add_argument("--only", action="append", help="measure this chart alone")
    parser.add_argument("--write", help="write the numbers to this page")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    arguments.resecret = os.path.abspath(arguments.resecret)
    listed = load(os.path.join(HERE, "charts.yaml"))
    entries = listed["charts"]
    entries += more(arguments, {(entry["repository"], entry.get("path", "")) for entry in entries})
    entries = [entry for entry in entries if not arguments.only or entry["name"] in arguments.only]
    subcharts = listed.get("subcharts") or {}
    with open(os.path.join(HERE, "judged.txt"), encoding="utf-8") as file:
        judged = {line.strip() for line in file if not line.startswith("#")}
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        results = [result for result in pool.map(lambda entry: measure(arguments, entry, subcharts), entries) if result]
    missed = [place for result in results for place in result["missed"]]
    false = [place for result in results for place in result["unmarked"] if place not in judged]
    for kind, places in (("missed", missed), ("no credential, or not judged", false)):
        for place in places:
            print(f"{kind}: {place}")
    there, shown = sum(result["there"] for result in results), sum(result["listed"] for result in results)
    charts = sum(1 for result in results if result["there"] or result["listed"])
    said = (
        f"Of {len(results)} charts, {charts} have credentials outside Secrets. {there} marks came out there: {len(missed)} were missed "
        f"({share(len(missed), there)}). {shown} places were listed: {len(false)} of them are no credentials ({share(len(false), shown)})."
    )
    print(said)
    if arguments.write:
        page.replace_section(arguments.write, SECTION, ABOUT + said + "\n")
    return 1 if 20 * len(missed) > there or 20 * len(false) > shown else 0


def share(part, whole):
    return f"{100 * part / max(whole, 1):.1f} %"


if __name__ == "__main__":
    sys.exit(main())
