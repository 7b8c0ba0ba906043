use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};

use crate::live::is_exact;
use crate::machine::Major;
use crate::site::Site;
use crate::{BOTH, Scenario, Try};

pub(crate) const ALL: &[Scenario] = &[
    Scenario { name: "immutable::fields", majors: BOTH, run: fields },
    Scenario { name: "immutable::applied_by_the_server", majors: &[Major::Four], run: applied },
];

/// A change of one object: what it shows, its kind, its fields before and after, and whether the API server refuses it.
/// `NAME` is the object's own name.
struct Change {
    what: &'static str,
    kind: Kind,
    before: &'static str,
    after: &'static str,
    is_refused: bool,
}

/// An API version and a kind, and whether it is one of the whole cluster.
type Kind = (&'static str, &'static str, bool);

const JOB: Kind = ("batch/v1", "Job", false);
const POD: Kind = ("v1", "Pod", false);
const VOLUME: Kind = ("v1", "PersistentVolume", true);
const CLAIM: Kind = ("v1", "PersistentVolumeClaim", false);
const SERVICE: Kind = ("v1", "Service", false);
const SET: Kind = ("apps/v1", "StatefulSet", false);
const DEPLOYMENT: Kind = ("apps/v1", "Deployment", false);
const NODES: Kind = ("apps/v1", "DaemonSet", false);
const CLASS: Kind = ("storage.k8s.io/v1", "StorageClass", true);
const MAP: Kind = ("v1", "ConfigMap", false);
const SECRET: Kind = ("v1", "Secret", false);
const BINDING: Kind = ("rbac.authorization.k8s.io/v1", "RoleBinding", false);

const fn refused(what: &'static str, kind: Kind, before: &'static str, after: &'static str) -> Change {
    Change { what, kind, before, after, is_refused: true }
}

const fn taken(what: &'static str, kind: Kind, before: &'static str, after: &'static str) -> Change {
    Change { what, kind, before, after, is_refused: false }
}

const CHANGES: &[Change] = &[
    refused(
        "job-template",
        JOB,
        "spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: 'web:1'}]}}}",
        "spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: 'web:2'}]}}}",
    ),
    refused(
        "job-completions",
        JOB,
        "spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: 'web:1'}]}}}",
        "spec: {completions: 2, template: {spec: {restartPolicy: Never, containers: [{name: c, image: 'web:1'}]}}}",
    ),
    taken(
        "job-limits",
        JOB,
        "spec: {backoffLimit: 1, template: {spec: {restartPolicy: Never, containers: [{name: c, image: 'web:1'}]}}}",
        "spec: {backoffLimit: 2, parallelism: 2, template: {spec: {restartPolicy: Never, containers: [{name: c, image: 'web:1'}]}}}",
    ),
    refused(
        "pod-env",
        POD,
        "spec: {containers: [{name: c, image: 'web:1', env: [{name: A, value: a}]}]}",
        "spec: {containers: [{name: c, image: 'web:1', env: [{name: A, value: b}]}]}",
    ),
    taken(
        "pod-image",
        POD,
        "spec: {containers: [{name: c, image: 'web:1'}]}",
        "spec: {containers: [{name: c, image: 'web:2'}]}",
    ),
    refused(
        "volume-source",
        VOLUME,
        "spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], csi: {driver: d, volumeHandle: h, nodePublishSecretRef: {name: old, namespace: ns}}}",
        "spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], csi: {driver: d, volumeHandle: h, nodePublishSecretRef: {name: new, namespace: ns}}}",
    ),
    taken(
        "volume-policy",
        VOLUME,
        "spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], csi: {driver: d, volumeHandle: h}}",
        "spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], csi: {driver: d, volumeHandle: h}, persistentVolumeReclaimPolicy: Retain}",
    ),
    refused(
        "claim-modes",
        CLAIM,
        "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}",
        "spec: {accessModes: [ReadWriteMany], resources: {requests: {storage: 1Gi}}}",
    ),
    refused(
        "claim-class",
        CLAIM,
        "spec: {storageClassName: one, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}",
        "spec: {storageClassName: two, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}",
    ),
    refused(
        "service-becomes-headless",
        SERVICE,
        "spec: {ports: [{port: 80}]}",
        "spec: {clusterIP: None, ports: [{port: 80}]}",
    ),
    taken(
        "service-was-headless",
        SERVICE,
        "spec: {clusterIP: None, ports: [{port: 80}]}",
        "spec: {ports: [{port: 80}]}",
    ),
    refused(
        "service-headless-to-type",
        SERVICE,
        "spec: {clusterIP: None, ports: [{port: 80}]}",
        "spec: {type: NodePort, ports: [{port: 80}]}",
    ),
    taken(
        "service-to-type",
        SERVICE,
        "spec: {ports: [{port: 80}]}",
        "spec: {type: NodePort, ports: [{port: 80}]}",
    ),
    refused(
        "set-claims",
        SET,
        "spec: {serviceName: s, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: 'web:1'}]}}, volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]}",
        "spec: {serviceName: s, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: 'web:1'}]}}, volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 2Gi}}}}]}",
    ),
    refused(
        "set-loses-claims",
        SET,
        "spec: {serviceName: s, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: 'web:1'}]}}, volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]}",
        "spec: {serviceName: s, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: 'web:1'}]}}}",
    ),
    refused(
        "set-service",
        SET,
        "spec: {serviceName: s, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: 'web:1'}]}}}",
        "spec: {serviceName: t, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: 'web:1'}]}}}",
    ),
    refused(
        "set-gets-service",
        SET,
        "spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: 'web:1'}]}}}",
        "spec: {serviceName: t, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: 'web:1'}]}}}",
    ),
    refused(
        "set-pod-management",
        SET,
        "spec: {serviceName: s, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: 'web:1'}]}}}",
        "spec: {podManagementPolicy: Parallel, serviceName: s, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: 'web:1'}]}}}",
    ),
    taken(
        "set-pod-management-as-it-is",
        SET,
        "spec: {serviceName: s, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: 'web:1'}]}}}",
        "spec: {podManagementPolicy: OrderedReady, serviceName: s, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: 'web:1'}]}}}",
    ),
    taken(
        "set-pods",
        SET,
        "spec: {serviceName: s, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: 'web:1'}]}}}",
        "spec: {replicas: 2, minReadySeconds: 1, serviceName: s, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: 'web:2'}]}}}",
    ),
    refused(
        "deployment-selector",
        DEPLOYMENT,
        "spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b, c: d}}, spec: {containers: [{name: c, image: 'web:1'}]}}}",
        "spec: {selector: {matchLabels: {c: d}}, template: {metadata: {labels: {a: b, c: d}}, spec: {containers: [{name: c, image: 'web:1'}]}}}",
    ),
    refused(
        "nodes-selector",
        NODES,
        "spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b, c: d}}, spec: {containers: [{name: c, image: 'web:1'}]}}}",
        "spec: {selector: {matchLabels: {c: d}}, template: {metadata: {labels: {a: b, c: d}}, spec: {containers: [{name: c, image: 'web:1'}]}}}",
    ),
    refused(
        "class-parameters",
        CLASS,
        "provisioner: p\nparameters: {csi.storage.k8s.io/provisioner-secret-name: old}",
        "provisioner: p\nparameters: {csi.storage.k8s.io/provisioner-secret-name: new}",
    ),
    refused("class-provisioner", CLASS, "provisioner: p", "provisioner: q"),
    refused("class-reclaim", CLASS, "provisioner: p", "provisioner: p\nreclaimPolicy: Retain"),
    taken("class-reclaim-as-it-is", CLASS, "provisioner: p", "provisioner: p\nreclaimPolicy: Delete"),
    refused(
        "class-binding",
        CLASS,
        "provisioner: p",
        "provisioner: p\nvolumeBindingMode: WaitForFirstConsumer",
    ),
    taken("class-expansion", CLASS, "provisioner: p", "provisioner: p\nallowVolumeExpansion: true"),
    refused("map-data", MAP, "immutable: true\ndata: {a: b}", "immutable: true\ndata: {a: c}"),
    refused("map-key", MAP, "immutable: true\ndata: {a: b}", "immutable: true\ndata: {a: b, c: d}"),
    refused("map-becomes-mutable", MAP, "immutable: true\ndata: {a: b}", "data: {a: b}"),
    taken("map-becomes-immutable", MAP, "data: {a: b}", "immutable: true\ndata: {a: c}"),
    taken("map-as-it-is", MAP, "immutable: true\ndata: {a: b}", "immutable: true\ndata: {a: b}"),
    refused("secret-data", SECRET, "immutable: true\ndata: {a: Yg==}", "immutable: true\ndata: {a: Yw==}"),
    taken(
        "secret-other-writing",
        SECRET,
        "immutable: true\ndata: {a: Yg==}",
        "immutable: true\nstringData: {a: b}",
    ),
    refused("secret-type", SECRET, "type: one\ndata: {a: Yg==}", "type: two\ndata: {a: Yg==}"),
    refused("secret-gets-type", SECRET, "data: {a: Yg==}", "type: two\ndata: {a: Yg==}"),
    taken("secret-type-as-it-is", SECRET, "data: {a: Yg==}", "type: Opaque\ndata: {a: Yw==}"),
    refused(
        "binding-role",
        BINDING,
        "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}",
        "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}",
    ),
];

/// What a client-side upgrade is refused for is what `check` says, object for object; with what its help says first, the
/// upgrade goes through.
fn fields(this: &Try) -> Result<()> {
    let mut site = this.site()?;
    site.rules("  duplicates: last\n")?;
    site.render(&objects(&site, |change| change.before))?;
    site.install_plain()?;
    site.render(&objects(&site, |change| change.after))?;
    let said = site.check("")?;
    ensure!(said.rules().into_iter().eq(["refused-patch"]), "{said:?}");
    let refused = site.upgrade(&[])?.failed()?.to_string();
    agree(&site, &said.objects("refused-patch"), &refused)?;
    site.row("upgrade of what never changes", &said.summary(), "refused, each one that was named");
    make_room(&site, &said.help("refused-patch"))?;
    site.upgrade(&[])?.succeeded()?;
    is_exact(&site)?;
    site.row("the commands of the help, and the upgrade", "", "equal to the manifest");
    Ok(())
}

/// The same with server-side apply.
fn applied(this: &Try) -> Result<()> {
    let mut site = this.site()?;
    site.rules("  duplicates: last\n")?;
    site.render(&objects(&site, |change| change.before))?;
    site.install(&[])?.succeeded()?;
    site.render(&objects(&site, |change| change.after))?;
    let said = site.check("")?;
    let refused = site.upgrade(&["--server-side=true", "--force-conflicts"])?.failed()?.to_string();
    agree(&site, &said.objects("refused-patch"), &refused)?;
    site.row(
        "server-side upgrade of what never changes",
        &said.summary(),
        "refused, each one that was named",
    );
    Ok(())
}

/// The objects of all changes in one manifest.
fn objects(site: &Site, state: impl Fn(&Change) -> &'static str) -> String {
    let object = |change: &Change| {
        let (version, kind, _) = change.kind;
        let name = name(site, change);
        format!("---\napiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}}}\n{}\n", state(change))
    };
    CHANGES.iter().map(object).collect()
}

/// The object's name. What belongs to no namespace has the namespace's name in its own.
fn name(site: &Site, change: &Change) -> String {
    if change.kind.2 { format!("{}-{}", site.namespace(), change.what) } else { change.what.to_owned() }
}

/// Demands of each change that the server refuses it and `check` names it, or neither.
fn agree(site: &Site, said: &BTreeSet<&str>, answer: &str) -> Result<()> {
    let mut wrong = Vec::new();
    for change in CHANGES {
        let (name, kind) = (name(site, change), change.kind.1);
        let is_said = said.contains(format!("{kind}/{name}").as_str());
        let is_refused = answer.contains(&format!("\"{name}\""));
        if (is_said, is_refused) != (change.is_refused, change.is_refused) {
            wrong.push(format!("{name}: said {is_said}, refused {is_refused}"));
        }
    }
    ensure!(wrong.is_empty(), "{}\n{answer}", wrong.join("\n"));
    Ok(())
}

/// Runs the command that each help shows first.
fn make_room(site: &Site, help: &[&str]) -> Result<()> {
    for help in help {
        let command = help.split("`kubectl ").nth(1).and_then(|rest| rest.split('`').next());
        match command {
            Some(command) => delete(site, command)?,
            None => ensure!(help.contains("made again"), "{help}"),
        }
    }
    // There is no way out for what holds data. These hold none.
    for change in CHANGES.iter().filter(|change| change.is_refused && [VOLUME, CLAIM].contains(&change.kind))
    {
        delete(site, &format!("delete {} {}", change.kind.1, name(site, change)))?;
    }
    Ok(())
}

/// Runs a deletion, and is the controller that lets the object go.
pub(crate) fn delete(site: &Site, command: &str) -> Result<()> {
    let words: Vec<&str> = command.split(' ').collect();
    site.kubectl(words.iter().copied().chain(["--wait=false"]))?.succeeded()?;
    let (kind, name) = (words.get(1).context("a kind")?, words.get(2).context("a name")?);
    let free = ["patch", kind, name, "--type=merge", "-p", "{\"metadata\":{\"finalizers\":null}}"];
    let _ = site.kubectl(free)?;
    let object = format!("{kind}/{name}");
    site.kubectl(["wait", "--for=delete", "--timeout=20s", &object])?.succeeded().map(drop)
}
