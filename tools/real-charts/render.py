"""Charts out of clones of their repositories, with the subcharts that they need, rendered as people do."""

import io
import os
import re
import shutil
import subprocess
import tarfile

import yaml

API_VERSIONS = [
    "monitoring.coreos.com/v1", "monitoring.coreos.com/v1/ServiceMonitor", "monitoring.coreos.com/v1/PodMonitor",
    "monitoring.coreos.com/v1/PrometheusRule", "monitoring.coreos.com/v1/Probe", "cert-manager.io/v1", "keda.sh/v1alpha1",
    "external-secrets.io/v1", "networking.k8s.io/v1/Ingress", "policy/v1/PodDisruptionBudget", "autoscaling/v2",
    "operator.victoriametrics.com/v1beta1", "gateway.networking.k8s.io/v1", "actions.github.com/v1alpha1",
    "snapshot.storage.k8s.io/v1", "apps.kruise.io/v1alpha1", "monitoring.grafana.com/v1alpha1",
    "monitoring.grafana.com/v1alpha1/MetricsInstance", "clickhouse.com/v1alpha1/ClickHouseCluster", "clickhouse.com/v1alpha1/KeeperCluster",
]


class Missing(Exception):
    """A chart or a subchart that is not there."""


def git(folder, *arguments):
    return subprocess.run(["git", "-C", folder, *arguments], capture_output=True, check=True).stdout


def clone(folder, repository):
    """The clone of OWNER/NAME below a folder: OWNER/NAME, OWNER+NAME, or one of these with `repo` in it."""
    for name in (repository, repository.replace("/", "+")):
        for place in (os.path.join(folder, name, "repo"), os.path.join(folder, name)):
            if os.path.isdir(place):
                return place
    raise Missing(f"no clone of {repository}")


def extract(folder, repository, path, to):
    """Writes a folder of a repository's newest commit."""
    source = clone(folder, repository)
    try:
        archive = git(source, "archive", "--format=tar", f"HEAD:{path}" if path else "HEAD")
    except subprocess.CalledProcessError as error:
        raise Missing(f"no {path} in {repository}") from error
    if os.path.islink(to):
        os.remove(to)
    shutil.rmtree(to, ignore_errors=True)
    os.makedirs(to)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(to, filter="tar")
    for place, _, files in os.walk(to):
        for file in files:
            # A link to what stands outside the chart, which Helm refuses.
            if os.path.islink(os.path.join(place, file)) and not os.path.exists(os.path.join(place, file)):
                os.remove(os.path.join(place, file))


def load(path):
    with open(path, encoding="utf-8") as file:
        return yaml.safe_load(file) or {}


def fill(folder, repository, path, chart, subcharts):
    """Gives a chart its subcharts; those that no list knows are left out, and their templates with them."""
    file = os.path.join(chart, "Chart.yaml")
    about = load(file)
    # Charts of the first API version list them in a file of their own.
    if os.path.exists(os.path.join(chart, "requirements.yaml")):
        about["dependencies"] = load(os.path.join(chart, "requirements.yaml")).get("dependencies")
        about["apiVersion"] = "v2"
    kept = []
    for dependency in about.get("dependencies") or []:
        name = dependency["name"]
        inner = os.path.join(chart, "charts", name)
        if not os.path.isdir(inner) and not find_archive(chart, name):
            where = str(dependency.get("repository", ""))
            if where.startswith("file://"):
                source = (repository, os.path.normpath(os.path.join(path, where.removeprefix("file://"))))
            elif f"{name}@{dependency.get('version')}" in subcharts:
                source = subcharts[f"{name}@{dependency.get('version')}"].split(":")
            elif name in subcharts:
                source = subcharts[name].split(":")
            else:
                continue
            extract(folder, *source, inner)
            fill(folder, *source, inner, subcharts)
        if os.path.isdir(inner):
            dependency["version"] = str(load(os.path.join(inner, "Chart.yaml"))["version"])
        kept.append(dependency)
    about["dependencies"] = kept
    # Development versions of a repository have no valid one.
    with open(file, "w", encoding="utf-8") as out:
        yaml.safe_dump(about, out, sort_keys=False)
    for name in ("Chart.lock", "requirements.yaml", "requirements.lock"):
        if os.path.exists(os.path.join(chart, name)):
            os.remove(os.path.join(chart, name))


def find_archive(chart, name):
    folder = os.path.join(chart, "charts")
    return os.path.isdir(folder) and any(re.match(rf"{re.escape(name)}-v?\d", file) for file in os.listdir(folder))


def render(helm, chart, release, namespace, files):
    """`helm template`: the manifests, or what Helm says."""
    command = [helm, "template", release, chart, "--namespace", namespace, "--kube-version", "1.33.0", "--skip-schema-validation"]
    for version in API_VERSIONS:
        command += ["--api-versions", version]
    for file in files:
        command += ["--values", file]
    ran = subprocess.run(command, capture_output=True, timeout=120)
    return ran.returncode, ran.stdout.decode(), ran.stderr.decode()
