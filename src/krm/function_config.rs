//! The configuration that a ResourceList brings: `functionConfig`.

use crate::config::Config;
use crate::diagnostics::{Code, Diagnostic, Error, Location};
use crate::krm::resource_list;
use crate::yaml::span::column;
use crate::yaml::{NodeId, Tree};

/// What diagnostics call it.
const NAME: &str = "functionConfig";

/// The keys of a ConfigMap's data: flags, and a whole configuration.
const PRESET: &str = "preset";
const TO: &str = "to";
const FILE: &str = "resecret.yaml";

/// Adds the rules that a KRM ResourceList brings in its `functionConfig`, and says whether there are any.
///
/// That is an object of kind Resecret, the same as a configuration file, or a ConfigMap with `data`: `preset` (several
/// with commas) and `to`, as the flags, and `resecret.yaml`, the text of a configuration file. In any other
/// input there is nothing to find.
///
/// ```
/// let input = b"\
/// apiVersion: config.kubernetes.io/v1
/// kind: ResourceList
/// items: []
/// functionConfig:
///   apiVersion: v1
///   kind: ConfigMap
///   metadata: {name: langfuse}
///   data: {preset: langfuse, to: langfuse-vault}
/// ";
/// let mut config = resecret::Config::default();
/// assert!(resecret::add_function_config(&mut config, input)?);
/// assert!(config.has_rules());
/// # Ok::<(), resecret::Error>(())
/// ```
///
/// # Errors
///
/// Those of [`Config::add_file`], another kind, and a ResourceList among other documents.
pub fn add_function_config(config: &mut Config, input: &[u8]) -> Result<bool, Error> {
    let Some((_, tree)) = resource_list(input)? else { return Ok(false) };
    let function_config = tree.root().and_then(|root| tree.get(root, NAME));
    let Some(node) = function_config.filter(|node| tree.entries(*node).is_some()) else { return Ok(false) };
    let kind = tree.get(node, "kind").and_then(|kind| tree.text(kind)).unwrap_or_default();
    match kind {
        "Resecret" => config.add_file(NAME, &text(&tree, node))?,
        "ConfigMap" => add_data(config, &tree, node)?,
        other => return Err(unknown_kind(other)),
    }
    Ok(true)
}

/// The text of a node as a document of its own, its columns unchanged.
fn text(tree: &Tree<'_>, node: NodeId) -> String {
    let target = tree.resolve(node);
    " ".repeat(column(tree.source(), tree.content(target).start)) + tree.source_of(target)
}

fn add_data(config: &mut Config, tree: &Tree<'_>, node: NodeId) -> Result<(), Error> {
    let data = tree.get(node, "data").and_then(|data| tree.entries(data)).unwrap_or_default();
    let (mut presets, mut to) = (None, None);
    for (key, value) in data {
        let (key, value) = (tree.text(*key).unwrap_or_default(), tree.text(*value).unwrap_or_default());
        match key {
            PRESET => presets = Some(value),
            TO => to = Some(value),
            FILE => config.add_file(&format!("{NAME}.data[\"{FILE}\"]"), value)?,
            other => return Err(unknown_key(other)),
        }
    }
    match (presets, to) {
        (Some(presets), Some(to)) => {
            presets.split(',').try_for_each(|name| config.add_preset(name.trim(), to))
        }
        (None, None) => Ok(()),
        _ => Err(invalid(
            "data",
            "`preset` and `to` need each other",
            "name the preset and the vaulted Secret",
        )),
    }
}

fn unknown_kind(kind: &str) -> Error {
    let message = format!("the function's configuration is of kind `{kind}`");
    invalid("kind", &message, "give it kind Resecret (resecret.dev/v1alpha1), or a ConfigMap with `data`")
}

fn unknown_key(key: &str) -> Error {
    let message = format!("unknown setting `{key}`");
    invalid("data", &message, &format!("`data` takes `{PRESET}`, `{TO}` and `{FILE}`"))
}

fn invalid(path: &str, message: &str, help: &str) -> Error {
    let location =
        Location { file: Some(NAME.to_owned()), path: Some(path.to_owned()), ..Location::default() };
    Diagnostic::error(Code::InvalidConfig, message, help).at(location).into()
}
