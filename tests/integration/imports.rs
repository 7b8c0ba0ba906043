//! Who imports whom in `src`: folders in one order, and no cycle between files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::harness::root;

/// The folders of `src`, from the bottom to the top. A folder imports only what stands before it, and itself.
const FOLDERS: [&str; 14] = [
    "yaml",
    "catalogue",
    "diagnostics",
    "config",
    "stream",
    "edit",
    "search",
    "kube",
    "rules",
    "krm",
    "filter",
    "analysis",
    "adopt",
    "cli",
];

/// Imports that would be in order, and are forbidden all the same: what checks an edit must not share code with what
/// makes it, a rule must not know bytes, and no analysis knows another.
const FORBIDDEN: [(&str, &[&str]); 10] = [
    ("edit/verify", &["edit/lower", "edit/splice"]),
    ("edit/patched_tree", &["edit/lower", "edit/splice", "yaml/parse"]),
    ("edit/digest", &["edit/lower", "edit/splice", "yaml/parse", "yaml/tree"]),
    ("edit/read_digest", &["edit/lower", "edit/splice", "yaml/parse", "yaml/tree"]),
    ("edit/libyaml", &["edit/lower", "edit/splice", "yaml/parse", "yaml/tree"]),
    ("edit/plain", &["edit/lower", "edit/splice", "yaml/parse", "yaml/tree"]),
    ("edit/oracle", &["edit/lower", "edit/splice", "edit/verify", "yaml/parse", "yaml/tree"]),
    ("edit/splice", &["edit/lower", "edit/patch", "yaml/parse", "yaml/tree"]),
    ("edit/lower", &["edit/verify", "edit/patched_tree"]),
    ("rules", &["edit/splice", "edit/lower", "edit/verify", "stream/output"]),
];

/// A module, by the path of its file below `src` without the ending, `mod.rs` by the name of its folder.
type Module = String;

/// Each module's file, with its text.
fn modules() -> BTreeMap<Module, String> {
    let source = root().join("src");
    let mut folders = vec![source.clone()];
    let mut found = BTreeMap::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|ending| ending == "rs") {
                found.insert(module(&source, &entry), fs::read_to_string(&entry).expect("a source file"));
            }
        }
    }
    found
}

fn module(source: &Path, file: &Path) -> Module {
    let path = file.strip_prefix(source).expect("below src").with_extension("");
    let path = path.to_string_lossy().replace('\\', "/");
    path.strip_suffix("/mod").map_or(path.clone(), str::to_owned)
}

/// The statements `use …;` of a file outside its tests: whether it is public, and the paths that it names.
fn uses(text: &str) -> Vec<(bool, String)> {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let code: String = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| format!("{line}\n"))
        .collect();
    let mut found = Vec::new();
    for (at, line) in code.match_indices('\n').map(|(end, _)| end + 1).chain([0]).map(|at| (at, &code[at..]))
    {
        let rest = line.trim_start();
        let (is_public, rest) = match rest.strip_prefix("pub") {
            Some(rest) if rest.starts_with('(') => {
                (true, rest.split_once(')').map_or(rest, |(_, rest)| rest).trim_start())
            }
            Some(rest) => (true, rest.trim_start()),
            None => (false, rest),
        };
        let Some(statement) = rest.strip_prefix("use ").and_then(|rest| rest.split_once(';')) else {
            continue;
        };
        let statement = statement.0.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            at <= code.len() && statement.matches('{').count() == statement.matches('}').count(),
            "{statement}"
        );
        found.extend(leaves(&statement).into_iter().map(|path| (is_public, path)));
    }
    found
}

/// `a::{b, c::{d, e}}` → `a::b`, `a::c::d`, `a::c::e`.
fn leaves(tree: &str) -> Vec<String> {
    let Some((prefix, rest)) = tree.split_once('{') else { return vec![tree.trim().to_owned()] };
    let inner = rest.rsplit_once('}').expect("a closed group").0;
    let (mut depth, mut start, mut items) = (0, 0, Vec::new());
    for (at, letter) in inner.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&inner[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(&inner[start..]);
    let items = items.into_iter().map(str::trim).filter(|item| !item.is_empty());
    items.flat_map(leaves).map(|leaf| format!("{}{leaf}", prefix.trim())).collect()
}

/// A path of a `use`, from the crate's root.
fn from_root(path: &str, module: &str) -> Vec<String> {
    let path = path.split(" as ").next().unwrap_or(path);
    let mut steps: Vec<&str> =
        path.split("::").filter(|step| *step != "self" || path.starts_with("self::")).collect();
    let mut base: Vec<&str> = module.split('/').collect();
    match steps.first().copied() {
        Some("crate") => base.clear(),
        Some("self") => {}
        Some("super") => {
            base.pop();
        }
        // A module declared in the same file; anything else is another crate, which no module bears the name of.
        _ => steps.insert(0, "self"),
    }
    steps.remove(0);
    while steps.first() == Some(&"super") {
        base.pop();
        steps.remove(0);
    }
    base.into_iter().chain(steps).map(str::to_owned).collect()
}

/// The module that a path names or lies in, and the rest of the path.
fn split<'p>(path: &'p [String], modules: &BTreeMap<Module, String>) -> Option<(Module, &'p [String])> {
    (1..=path.len())
        .rev()
        .map(|end| (path[..end].join("/"), &path[end..]))
        .find(|(name, _)| modules.contains_key(name))
}

/// Each import as (importing module, imported module). A name that a `mod.rs` only passes on counts as its file's.
fn imports(modules: &BTreeMap<Module, String>) -> BTreeSet<(Module, Module)> {
    let mut passed_on: BTreeMap<(Module, String), Module> = BTreeMap::new();
    for (name, text) in modules {
        for (is_public, path) in uses(text) {
            if !is_public {
                continue;
            }
            if let Some((origin, [item])) = split(&from_root(&path, name), modules)
                && origin != *name
            {
                passed_on.insert((name.clone(), item.clone()), origin);
            }
        }
    }
    let mut found = BTreeSet::new();
    for (name, text) in
        modules.iter().filter(|(name, _)| !["lib", "main", "fuzzing"].contains(&name.as_str()))
    {
        for (is_public, path) in uses(text) {
            let path = from_root(&path, name);
            let Some((mut origin, rest)) = split(&path, modules) else { continue };
            while let Some(next) =
                rest.first().and_then(|item| passed_on.get(&(origin.clone(), item.clone())))
            {
                origin.clone_from(next);
            }
            let is_table_of_contents = is_public && origin.starts_with(&format!("{name}/"));
            if origin != *name && !is_table_of_contents {
                found.insert((name.clone(), origin));
            }
        }
    }
    found
}

fn folder(module: &str) -> &str {
    module.split('/').next().unwrap_or(module)
}

#[test]
fn a_folder_imports_only_what_stands_below_it() {
    let modules = modules();
    let names: BTreeSet<&str> = modules.keys().map(|name| folder(name)).collect();
    let known = ["lib", "main", "fuzzing"].into_iter().chain(FOLDERS);
    assert_eq!(names, known.collect(), "src holds other folders than the order names");
    let place = |name: &str| FOLDERS.iter().position(|known| *known == folder(name));
    let upward: Vec<_> = imports(&modules).into_iter().filter(|(from, to)| place(to) > place(from)).collect();
    assert!(upward.is_empty(), "imports from above: {upward:#?}");
}

#[test]
fn no_file_imports_itself_by_way_of_others() {
    let imports = imports(&modules());
    let of =
        |name: &str| imports.iter().filter(|(from, _)| from == name).map(|(_, to)| to).collect::<Vec<_>>();
    let mut left: BTreeSet<&Module> = imports.iter().flat_map(|(from, to)| [from, to]).collect();
    // What imports nothing that is left is in no cycle.
    loop {
        let free: Vec<&Module> =
            left.iter().filter(|name| !of(name).iter().any(|to| left.contains(to))).copied().collect();
        if free.is_empty() {
            break;
        }
        left.retain(|name| !free.contains(name));
    }
    // And what nothing that is left imports only leads to one.
    loop {
        let free: Vec<&Module> = left
            .iter()
            .filter(|name| !imports.iter().any(|(from, to)| to == **name && left.contains(from)))
            .copied()
            .collect();
        if free.is_empty() {
            break;
        }
        left.retain(|name| !free.contains(name));
    }
    let cycle: Vec<_> =
        imports.iter().filter(|(from, to)| left.contains(from) && left.contains(to)).collect();
    assert!(cycle.is_empty(), "these files import each other: {cycle:#?}");
}

#[test]
fn what_checks_shares_no_code_with_what_it_checks() {
    let is_in = |module: &str, part: &str| module == part || module.starts_with(&format!("{part}/"));
    for (from, to) in imports(&modules()) {
        for (module, others) in FORBIDDEN {
            let broken = is_in(&from, module) && others.iter().any(|other| is_in(&to, other));
            assert!(!broken, "{from} should know nothing of {to}");
        }
        let analyses = [&from, &to].map(|name| name.strip_prefix("analysis/").map(folder));
        let [Some(one), Some(other)] = analyses else { continue };
        assert_eq!(one, other, "{from} should know nothing of another analysis, {to}");
    }
}

#[test]
fn no_type_bears_the_name_of_another() {
    let mut places: BTreeMap<String, Vec<Module>> = BTreeMap::new();
    for (name, text) in modules() {
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        for line in code.lines().map(str::trim_start) {
            let line = line.strip_prefix("pub").map_or(line, |rest| {
                rest.strip_prefix('(')
                    .and_then(|rest| rest.split_once(')'))
                    .map_or(rest, |(_, rest)| rest)
                    .trim_start()
            });
            for keyword in ["struct ", "enum ", "trait ", "type "] {
                let Some(rest) = line.strip_prefix(keyword) else { continue };
                let end = rest.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(rest.len());
                // An associated type has the name of its trait's.
                if !(keyword == "type "
                    && ["Output", "Item", "Err", "Error", "Target", "Value"].contains(&&rest[..end]))
                {
                    places.entry(rest[..end].to_owned()).or_default().push(name.clone());
                }
            }
        }
    }
    places.retain(|_, modules| modules.len() > 1);
    assert!(places.is_empty(), "one name for several types: {places:#?}");
}
