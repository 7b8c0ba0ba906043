use anyhow::Result;

use crate::machine::text;
use crate::site::Site;

/// Makes a kind of custom resources of any shape, where the cluster does not know it, and returns the definition's name and
/// version. Another trial may have made it, and a script of a third may be asking for it, so it stays.
pub(crate) fn make_kind(
    site: &Site,
    group: &str,
    kind: &str,
    version: &str,
    scope: &str,
) -> Result<(String, String)> {
    let singular = kind.to_lowercase();
    let name = format!("{singular}s.{group}");
    let known = "-o=jsonpath={.spec.versions[0].name}";
    let known = site.kubectl(["get", "crd", &name, "--ignore-not-found", known])?.succeeded()?.stdout;
    let crd = format!("crd/{name}");
    if known.is_empty() {
        let definition = format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: {name}}}\nspec:\n  group: {group}\n\
             \x20 scope: {scope}\n  names: {{kind: {kind}, plural: {singular}s, singular: {singular}, listKind: {kind}List}}\n  versions:\n\
             \x20 - name: {version}\n    served: true\n    storage: true\n\
             \x20   schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}\n"
        );
        let file = site.machine.write("kind.yaml", &definition)?;
        site.kubectl(["apply", "--server-side", "-f", text(&file)?])?.succeeded()?;
    }
    site.kubectl(["wait", "--for=condition=established", "--timeout=60s", &crd])?.succeeded()?;
    let version = if known.is_empty() { version.to_owned() } else { known };
    Ok((name, version))
}
