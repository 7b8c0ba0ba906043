"""The page with the results."""

import os
import subprocess
from collections import Counter

HEAD = """# Real charts

What `resecret scan --write` proposes is tried on the charts below, with values as people give them who have no vault yet.
Each one is rendered by Helm {helm3} and {helm4}, and vaulted in two ways: every Secret in one of its own, and all in one with `--to`.
The proposal must go through the filter. After it, each trial demands:

- **Nothing dangles.** A search of its own reads the output with another YAML library and looks at all keys and texts. No removed
  Secret's name may be there, and no value of one, unless a finding of `check` names the place.
- **Nothing is hidden.** A second `scan` finds no Secret, no duplicate and no unknown reference, and no credential that the proposal does not list.
  The proposal says that nothing is left exactly where `check` exits with 0.
- **Every command agrees.** `keys` lists every vaulted Secret once. `kustomize build` of the render with `patches` gives the objects of the filter's
  output. The filter changes its own output no more.
- **Help can be followed.** Each entry that the help of a finding asks for is pasted into the configuration, one of each kind alone and all of them
  together; also for a rule that vaults every Secret into a single one. The findings are gone then, and nothing else is wrong.

`just real-charts FOLDER` repeats it; FOLDER holds clones of the charts' repositories. The charts, their values and where their
subcharts come from are in [charts.yaml](../tools/real-charts/charts.yaml). It writes this page.

*Fields* counts what the filter has changed in custom resources. *Left* counts what `check` still says with the proposal, under Helm 4 with a Secret for each:
a person has to look at it.

"""

ENDS = """
## What is left, by code

| code | findings | charts |
| --- | ---: | ---: |
"""


def version(program):
    text = subprocess.run([program, "version", "--short"], capture_output=True, text=True).stdout
    return text.strip().lstrip("v").split("+")[0]


def row(entry, results):
    trials = [trial for _, _, trial in results if not isinstance(trial, str)]
    if not trials:
        return None
    counts = next((trial.counts for helm, to, trial in results if helm == "helm4" and to == "own" and not isinstance(trial, str)), trials[0].counts)
    kinds = Counter(kind for trial in trials for kind, _ in trial.faults)
    result = ", ".join(f"{count} × {kind}" for kind, count in kinds.items()) or "as demanded"
    if any(isinstance(trial, str) for _, _, trial in results):
        result += "; one Helm does not render it"
    if any(trial.notes for trial in trials):
        result += "; " + trials[0].notes[0] if trials[0].notes else ""
    cells = [
        f"{entry['name']} {entry.get('found', '')}".strip(),
        entry["repository"],
        entry.get("custom", ""),
        f"{counts.get('removed', 0)} of {counts.get('secrets', 0)}",
        str(counts.get("custom", 0)),
        str(counts.get("literals", 0)),
        str(counts.get("left", 0)),
        result,
    ]
    return cells


def table(rows, custom):
    names = ["chart", "repository"] + (["custom resources"] if custom else []) + ["Secrets removed"] + (["fields"] if custom else []) + ["literals", "left", "result"]
    numbers = {"fields", "literals", "left"}
    lines = ["| " + " | ".join(names) + " |", "| " + " | ".join("---:" if name in numbers else "---" for name in names) + " |"]
    for cells in rows:
        if not custom:
            cells = cells[:2] + [cells[3]] + cells[5:]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def write(path, tried, clients):
    rows = [(entry, row(entry, results)) for entry, results in tried]
    rows = [(entry, cells) for entry, cells in rows if cells]
    of_custom = [cells for entry, cells in rows if int(cells[4]) > 0]
    others = [cells for entry, cells in rows if int(cells[4]) == 0]
    codes, charts = Counter(), Counter()
    for _, results in tried:
        for helm, to, trial in results:
            if helm == "helm4" and to == "own" and not isinstance(trial, str):
                codes.update(trial.codes)
                charts.update(set(trial.codes))
    text = HEAD.format(helm3=version(os.path.join(clients, "helm3")), helm4=version(os.path.join(clients, "helm4")))
    text += f"## {len(of_custom)} charts with references in custom resources\n\n" + table(of_custom, True)
    text += f"\n## {len(others)} more charts\n\n" + table(others, False)
    text += ENDS + "".join(f"| [{code}](codes.md#{code}) | {count} | {charts[code]} |\n" for code, count in sorted(codes.items()))
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def replace_section(path, heading, text):
    """Puts a section at its place in a page, or at the end."""
    with open(path, encoding="utf-8") as file:
        before, _, rest = file.read().partition(heading + "\n")
    _, mark, after = rest.partition("\n## ")
    with open(path, "w", encoding="utf-8") as out:
        out.write(before.rstrip("\n") + f"\n\n{heading}\n\n{text}" + (mark + after if mark else ""))
