#!/usr/bin/env python3
"""Tries resecret on real charts: what `scan --write` proposes must work, or say what it leaves.

    tools/real-charts/run.py FOLDER [--write docs/real-charts.md] [--only NAME] [--keep FOLDER]

FOLDER holds clones of the repositories that charts.yaml names. Needs PyYAML, Helm 3 and 4 and Kustomize (`just clients`).
"""

import argparse
import concurrent.futures
import fnmatch
import json
import os
import re
import subprocess
import sys
import tempfile

import yaml

import page
import search
from render import Missing, extract, fill, load, render

HERE = os.path.dirname(os.path.abspath(__file__))
CLIENTS = os.environ.get("RESECRET_CLIENTS") or os.path.expanduser("~/.cache/resecret/clients")


def call(arguments, text=None):
    ran = subprocess.run(arguments, input=text and text.encode(), capture_output=True, timeout=300)
    return ran.returncode, ran.stdout.decode(), ran.stderr.decode()


class Trial:
    """One chart, rendered by one Helm."""

    def __init__(self, program, folder, text, flags):
        self.program, self.folder, self.text, self.flags = program, folder, text, flags
        self.faults = []
        self.counts = {}
        self.notes = []
        self.codes = []

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def fault(self, kind, text):
        self.faults.append((kind, text))

    def resecret(self, *arguments, text=None):
        code, out, err = call([self.program, *arguments], text)
        if code not in (0, 1, 2) or "panicked" in err:
            self.fault("crash", f"{arguments[0]}: exit code {code}: {err[-300:]}")
        return code, out, err

    def run(self):
        render, config = self.write("render.yaml", self.text), self.path("resecret.yaml")
        before = list(search.objects(self.text))
        code, _, said = self.resecret("scan", "--write", config, "--force", *self.flags, render)
        self.write("scan.txt", said)
        self.counts = {"objects": len(before), "secrets": sum(map(search.is_secret, before))}
        if not os.path.exists(config):
            if code == 2:
                self.fault("no proposal", said.strip()[:600])
            return
        proposal = open(config, encoding="utf-8").read()
        code, out, err = self.resecret("filter", "--config", config, text=self.text)
        if code:
            return self.fault("filter", err.strip()[:600])
        self.write("out.yaml", out)
        after = list(search.objects(out))
        findings = self.check(config, render, proposal, said)
        rules = yaml.safe_load(proposal)["spec"]
        to = [rule["to"] for rule in rules.get("secrets") or [] if rule.get("sameName")]
        self.counts |= {
            "removed": len(search.removed(before, after)),
            "custom": self.custom_references(before, after),
            "references": len(rules.get("references") or []),
            "literals": sum(len(rule["vars"]) for rule in rules.get("env") or []),
            "left": len(findings),
        }
        self.dangling(before, after, to, findings)
        self.help(rules, findings, render)
        self.help(BLUNT, self.findings_of(BLUNT, render), render)
        self.second_scan(config, out, proposal)
        self.keys(config, render)
        self.patches(config, render, after)
        code, _, err = self.resecret("diff", "--config", config, render)
        if code == 2:
            self.fault("diff", err.strip()[:300])
        code, again, err = self.resecret("filter", "--config", config, "--allow-unmatched", text=out)
        if code or again != out:
            self.fault("not repeatable", err.strip()[:300])

    def custom_references(self, before, after):
        """Fields of custom resources that the filter changed."""
        now = {search.identity(thing): thing for thing in after}
        count = 0
        for thing in before:
            if "." not in thing.get("apiVersion", "").split("/")[0] or ".k8s.io/" in thing["apiVersion"]:
                continue
            old = {path: text for path, text, key in search.scalars(thing) if not key}
            new = {path: text for path, text, key in search.scalars(now.get(search.identity(thing), thing)) if not key}
            count += sum(1 for path in old if new.get(path) != old[path])
        return count

    def check(self, config, render, proposal, said):
        code, out, err = self.resecret("check", "--config", config, "--format", "json", render)
        self.write("check.json", out)
        if code == 2:
            self.fault("check", err.strip()[:600])
            return []
        findings = json.loads(out)["results"] if out.strip() else []
        self.codes = [finding["tags"]["code"] for finding in findings]
        claims_nothing = "nothing is left" in said
        if claims_nothing != (code == 0):
            self.fault("false summary", f"check exits {code}, but: {said.strip().splitlines()[-1]}")
        return findings

    def findings_of(self, spec, render):
        """What `check` says with a configuration; `None` where it is none."""
        text = yaml.safe_dump({"apiVersion": "resecret.dev/v1alpha1", "kind": "Resecret", "spec": spec}, sort_keys=False)
        code, out, err = self.resecret("check", "--config", self.write("pasted.yaml", text), "--format", "json", render)
        if not out.strip():
            self.fault("help", f"makes no configuration: {err.strip()[:300]}")
            return None
        return json.loads(out)["results"]

    def help(self, spec, findings, render):
        """Pastes what the help of each finding says to add: one of each kind alone, and all of them, as somebody follows them."""
        findings = findings or []
        broken = {place_of(finding) for finding in findings if finding["severity"] == "error"}
        tried, decided, allowed = set(), (spec, []), (spec, [])
        for finding in findings:
            lines = list(ADDED.finditer(finding["tags"].get("help", "")))
            for added in lines:
                field, entry, on_top = added["field"], yaml.safe_load(added["entry"]), added["top"] is not None
                kind = (finding["tags"]["code"], field)
                if kind not in tried:
                    tried.add(kind)
                    self.follow([finding], broken, with_entry(spec, field, entry, on_top), render, added[0])
                if field == "allow":
                    allowed = (with_entry(allowed[0], field, entry, on_top), [*allowed[1], finding])
                elif added is lines[0]:
                    decided = (with_entry(decided[0], field, entry, on_top), [*decided[1], finding])
        for what, (every, promised) in (("all lines together", decided), ("all allowed", allowed)):
            if promised:
                self.follow(promised, broken, every, render, what)

    def follow(self, promised, broken, spec, render, what):
        """Demands that these findings are gone with a configuration, and that nothing else is wrong."""
        found = self.findings_of(spec, render) or []
        left = {place_of(finding) for finding in found}
        for finding in promised:
            if place_of(finding) in left:
                self.fault("help", f"{finding['message']} is still there after: {what}"[:400])
        for finding in found:
            if finding["severity"] == "error" and place_of(finding) not in broken:
                self.fault("help", f"{finding['message']} is new after: {what}"[:400])

    def dangling(self, before, after, to, findings):
        def is_said(thing, path, name):
            for finding in findings:
                ref = finding.get("resourceRef") or {}
                if (ref.get("kind"), ref.get("name")) == (thing.get("kind"), search.identity(thing)[3]):
                    at = (finding.get("field") or {}).get("path", "")
                    # The webhooks of an object share a finding.
                    if path.startswith(at) or at.startswith(path) or path.endswith(".caBundle"):
                        return True
            return False

        for thing, path, name, whole, shared in search.dangling(before, after, to):
            text = f"{thing['kind']}/{search.identity(thing)[3]} {path}: {name}"
            if is_said(thing, path, name):
                self.counts["said"] = self.counts.get("said", 0) + 1
            elif shared:
                # Labels, hosts and other objects of the name: only what speaks of Secrets is looked at.
                if re.search(r"secret|credential|password", path, re.I):
                    self.fault("dangling, shared name", text)
            else:
                self.fault("dangling" if whole else "dangling in text", text)
        for thing, path, (name, key) in search.left_values(before, after):
            if not is_said(thing, path, name):
                self.fault("value left", f"{thing['kind']}/{search.identity(thing)[3]} {path}: {name}[{key}]")

    def second_scan(self, config, out, proposal):
        code, text, err = self.resecret("scan", "--config", config, "--format", "json", self.write("again.yaml", out))
        if code == 2:
            return self.fault("second scan", err.strip()[:300])
        found = json.loads(text)
        rules = yaml.safe_load(proposal)["spec"].get("secrets") or []
        parts = {rule["name"] for rule in rules if rule.get("only")}
        for secret in found["secrets"]:
            if not any(fnmatch.fnmatchcase(secret["name"], name) for name in parts):
                self.fault("second scan", f"Secret {secret['name']} is left")
        for kind in ("duplicates", "entries", "checksums", "references"):
            for entry in found[kind]:
                self.fault("second scan", f"{kind}: {json.dumps(entry)[:200]}")
        for entry in found["credentials"]:
            where = entry["place"]["object"]
            if f"{entry['holder']} of {where['kind']}/{where['name']}" not in proposal:
                self.fault("second scan", f"{entry['holder']} of {where['kind']}/{where['name']} is not in the proposal")

    def keys(self, config, render):
        for output, flags in (("external-secret", ["--store", "vault"]), ("secret", [])):
            code, text, err = self.resecret("keys", "--config", config, "-o", output, *flags, render)
            if code == 2:
                return self.fault("keys", err.strip()[:300])
            self.write(f"keys-{output}.yaml", text)
            made = [search.identity(thing) for thing in search.objects(text)]
            if len(made) != len(set(made)):
                self.fault("keys", f"an object twice: {sorted(made)}")
        rules = yaml.safe_load(open(config, encoding="utf-8").read())["spec"]
        wanted = {rule["to"] for field in ("secrets", "env", "configMaps") for rule in rules.get(field) or [] if not rule.get("optional")}
        missing = wanted - {name for *_, name in made}
        if missing:
            self.fault("keys", f"not listed: {sorted(missing)}")

    def patches(self, config, render, after):
        code, text, err = self.resecret("patches", "--config", config, "-o", "kustomize", render)
        if code == 2:
            return self.fault("patches", err.strip()[:400])
        self.write("kustomization.yaml", "resources: [render.yaml]\n" + text)
        code, built, err = call([os.path.join(CLIENTS, "kustomize"), "build", self.folder])
        if code:
            # What Kustomize does not build without the patches it need not build with them.
            plain = self.path("plain")
            os.makedirs(plain, exist_ok=True)
            with open(os.path.join(plain, "kustomization.yaml"), "w") as file:
                file.write("resources: [render.yaml]\n")
            with open(os.path.join(plain, "render.yaml"), "w") as file:
                file.write(self.text)
            if call([os.path.join(CLIENTS, "kustomize"), "build", plain])[0]:
                self.notes.append("Kustomize refuses the render")
                return
            return self.fault("kustomize", err.strip()[:400])
        self.write("kustomize.yaml", built)
        # Both as Kustomize prints them: it leaves out empty annotations, and numbers of other bases.
        filtered = self.path("filtered")
        os.makedirs(filtered, exist_ok=True)
        for name, text in (("kustomization.yaml", "resources: [out.yaml]\n"), ("out.yaml", open(self.path("out.yaml"), encoding="utf-8").read())):
            with open(os.path.join(filtered, name), "w", encoding="utf-8") as file:
                file.write(text)
        code, plain, err = call([os.path.join(CLIENTS, "kustomize"), "build", filtered])
        if code:
            return self.fault("kustomize", "the filter's output: " + err.strip()[:400])
        self.write("filtered.yaml", plain)
        by_filter, by_kustomize = meaning(self.path("filtered.yaml")), meaning(self.path("kustomize.yaml"))
        for name in sorted(set(by_filter) | set(by_kustomize)):
            if by_filter.get(name) != by_kustomize.get(name):
                self.fault("patches differ", f"{name}: {difference(by_filter.get(name), by_kustomize.get(name))}")


# Rules that nobody reviews: everything into one Secret, and every policy speaks.
# What nobody should write, and what gives the most findings.
BLUNT = {"secrets": [{"name": "*", "to": "one-vault", "optional": True}], "policy": {"external": "error", "plaintext": "error"}}


# A line of a help that can be pasted.
ADDED = re.compile(r"add (?:to|(?P<top>on top of)) spec\.(?P<field>\w+): - (?P<entry>.*)")


def with_entry(spec, field, entry, on_top):
    """A configuration with one more entry in a list."""
    known = spec.get(field) or []
    entries = known if entry in known else [entry, *known] if on_top else [*known, entry]
    return spec | {field: entries}


def place_of(finding):
    """What a finding says, and where."""
    where = finding.get("resourceRef") or {}
    at = (where.get("kind"), where.get("namespace"), where.get("name"), (finding.get("field") or {}).get("path"))
    return (finding["tags"]["code"], finding["message"], *at)


def meaning(path):
    """The objects of a file as values, by identity."""
    found = {}
    with open(path, encoding="utf-8") as file:
        for part in re.split(r"(?m)^---(?=\s|$)", file.read()):
            code, text, err = 0, part, ""
            thing = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
            if not isinstance(thing, dict):
                continue
            for thing in thing["items"] if str(thing.get("kind", "")).endswith("List") and isinstance(thing.get("items"), list) else [thing]:
                found[str(search.identity(thing))] = tidy(thing)
    return found


def tidy(node):
    """Without what both readers take for nothing, and the namespace that Kustomize sometimes gives the subjects of a binding."""
    if isinstance(node, dict):
        for subject in node.get("subjects") or [] if str(node.get("kind", "")).endswith("Binding") else []:
            subject.pop("namespace", None)
        return {str(key): tidy(value) for key, value in node.items() if value is not None}
    if isinstance(node, list):
        return [tidy(value) for value in node]
    return node if isinstance(node, (bool, int, float)) or node is None else str(node)


def difference(one, other, path=""):
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(set(one) | set(other)):
            if one.get(key) != other.get(key):
                return difference(one.get(key), other.get(key), f"{path}.{key}")
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for position, (a, b) in enumerate(zip(one, other)):
            if a != b:
                return difference(a, b, f"{path}[{position}]")
    return f"{path}: {str(one)[:80]!r} or {str(other)[:80]!r}"


def renders(arguments, entry, subcharts, base):
    """What each Helm makes of a chart, or why not."""
    made = {helm: os.path.join(base, f"{helm}.yaml") for helm in ("helm3", "helm4")}
    about = os.path.join(base, "chart", "Chart.yaml")
    if arguments.reuse and all(map(os.path.exists, made.values())):
        entry["found"] = str(load(about).get("version"))
        return {helm: open(file, encoding="utf-8").read() for helm, file in made.items()}
    chart = os.path.join(base, "chart")
    try:
        extract(arguments.folder, entry["repository"], entry.get("path", ""), chart)
        fill(arguments.folder, entry["repository"], entry.get("path", ""), chart, subcharts | (entry.get("subcharts") or {}))
    except Missing as missing:
        return {helm: f"not rendered: {missing}" for helm in made}
    entry["found"] = str(load(about).get("version"))
    files = [os.path.join(chart, file) for file in entry.get("valueFiles") or []]
    if entry.get("values"):
        files.append(os.path.join(base, "values.yaml"))
        with open(files[-1], "w", encoding="utf-8") as out:
            yaml.safe_dump(entry["values"], out, sort_keys=False)
    found = {}
    for helm, file in made.items():
        code, text, err = render(os.path.join(CLIENTS, helm), chart, entry.get("release", "prod"), entry.get("namespace", "apps"), files)
        found[helm] = "not rendered: " + (err or "nothing").strip()[-400:] if code or not text.strip() else text
        with open(file, "w", encoding="utf-8") as out:
            out.write(found[helm])
    return found


def try_chart(arguments, entry, subcharts):
    """The results of a chart: [(helm, to, Trial or what Helm says)]."""
    name = entry["name"]
    base = os.path.join(arguments.keep, name)
    os.makedirs(base, exist_ok=True)
    entry["renders"] = renders(arguments, entry, subcharts, base)
    results = []
    for helm, text in entry["renders"].items():
        if text.startswith("not rendered: "):
            results.append((helm, "", text))
            continue
        # What people apply beside the chart, and review with it.
        text += "---\n" + entry["manifests"] if entry.get("manifests") else ""
        for to, flags in (("own", []), ("one", ["--to", "vault"])):
            if arguments.quick and (helm == "helm3") == (to == "own"):
                continue
            folder = os.path.join(base, f"{helm}-{to}")
            os.makedirs(folder, exist_ok=True)
            for old in os.listdir(folder):
                if os.path.isfile(os.path.join(folder, old)):
                    os.remove(os.path.join(folder, old))
            trial = Trial(arguments.resecret, folder, text, flags)
            try:
                trial.run()
            except Exception as error:  # What goes wrong here is for whoever looks at the results.
                trial.fault("the trial itself", repr(error)[:300])
            results.append((helm, to, trial))
    return results


def report(entry, results):
    """Prints what is wrong with a chart."""
    log = []
    for helm, to, trial in results:
        if isinstance(trial, str):
            print(f"{entry['name']} {helm}: {trial}", flush=True)
            continue
        for kind, text in trial.faults:
            log.append({"chart": entry["name"], "helm": helm, "to": to, "kind": kind, "text": text})
            print(f"{entry['name']} {helm} {to}: {kind}: {text}", flush=True)
    return log


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="clones of the repositories: OWNER/NAME or OWNER+NAME")
    parser.add_argument("--charts", default=os.path.join(HERE, "charts.yaml"))
    parser.add_argument("--only", action="append", help="try this chart alone")
    parser.add_argument("--keep", default=os.path.join(tempfile.gettempdir(), "resecret-real-charts"))
    parser.add_argument("--resecret", default=os.environ.get("BINARY", "target/debug/resecret"))
    parser.add_argument("--write", help="write the results to this page")
    parser.add_argument("--quick", action="store_true", help="only one way to vault it with each Helm")
    parser.add_argument("--reuse", action="store_true", help="take the renders that the folder of --keep holds")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", help="write all faults to this file")
    arguments = parser.parse_args()
    arguments.resecret = os.path.abspath(arguments.resecret)
    listed = load(arguments.charts)
    entries = [entry for entry in listed["charts"] if not arguments.only or entry["name"] in arguments.only]
    subcharts = listed.get("subcharts") or {}
    tried, log = [], []
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for entry, results in pool.map(lambda entry: (entry, try_chart(arguments, entry, subcharts)), entries):
            tried.append((entry, results))
            log += report(entry, results)
    failed = len(log)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as out:
            json.dump(log, out, indent=1)
    if arguments.write:
        page.write(arguments.write, tried, CLIENTS)
    print(f"{len(tried)} charts, {failed} faults")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
