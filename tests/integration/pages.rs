use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::harness::{resecret, root};
use crate::tidy::{entries, files, page_words, texts};

/// A page, by its path from the root, and its text.
type Page = (String, String);

/// The pages of `docs`.
fn docs() -> Vec<Page> {
    files("docs", ".md")
}

/// Every page of the repository.
fn all() -> Vec<Page> {
    let in_root = entries(root()).into_iter().filter(|path| path.extension().is_some_and(|e| e == "md"));
    let in_root = in_root.filter_map(|path| {
        let name = path.file_name()?.to_string_lossy().into_owned();
        Some((name, fs::read_to_string(&path).ok()?))
    });
    let folders = ["docs", "examples", "tests", "tools"];
    in_root.chain(folders.into_iter().flat_map(|folder| files(folder, ".md"))).collect()
}

/// The links of a page, outside its blocks.
fn links(text: &str) -> Vec<String> {
    let outside: String = text.split("```").step_by(2).collect();
    let links = outside.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    links.filter(|link| !link.contains("://")).map(str::to_owned).collect()
}

/// The file that a link of a page leads to, by its path from the root.
fn target(page: &str, file: &str) -> PathBuf {
    if file.is_empty() {
        return page.into();
    }
    let mut path = PathBuf::new();
    for part in Path::new(page).with_file_name("").join(file).components() {
        match part {
            Component::ParentDir => assert!(path.pop(), "{page} links to {file}, outside of the repository"),
            part => path.push(part),
        }
    }
    path
}

/// A heading as a link names it: lower case, blanks as dashes, nothing but letters, digits, dashes and underscores.
fn anchor(heading: &str) -> String {
    let heading = heading.to_lowercase().replace(' ', "-");
    heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
}

/// The anchors of a page: headings outside blocks.
fn anchors(page: &str) -> Vec<String> {
    let outside = page.split("```").step_by(2).flat_map(str::lines);
    outside
        .filter_map(|line| line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#')))
        .map(anchor)
        .collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut count = 0;
    for (name, text) in all() {
        for link in links(&text) {
            let (file, heading) = link.split_once('#').unwrap_or((&link, ""));
            let target = root().join(target(&name, file));
            assert!(target.exists(), "{name} links to {link}, which is not there");
            if !heading.is_empty() {
                let known = anchors(&fs::read_to_string(&target).expect("a page"));
                let is_known = known.iter().any(|known| known == heading);
                assert!(is_known, "{name} links to {link}: no such heading");
            }
            count += 1;
        }
    }
    assert!(count > 150, "only {count} links");
}

#[test]
fn the_summary_lists_every_page_once() {
    const SUMMARY: &str = "docs/SUMMARY.md";
    let summary = fs::read_to_string(root().join(SUMMARY)).expect("the summary");
    let mut listed: Vec<PathBuf> = links(&summary).iter().map(|link| target(SUMMARY, link)).collect();
    listed.sort();
    let mut pages: Vec<PathBuf> = docs().into_iter().map(|(name, _)| name.into()).collect();
    pages.retain(|page| page != Path::new(SUMMARY));
    pages.sort();
    assert_eq!(listed, pages, "{SUMMARY} against docs/");
    let readme = fs::read_to_string(root().join("README.md")).expect("the README");
    assert!(links(&readme).iter().any(|link| link == SUMMARY), "README.md does not link to {SUMMARY}");
}

#[test]
fn every_page_can_be_reached_from_the_readme() {
    let mut seen = BTreeSet::from([PathBuf::from("README.md")]);
    let mut next = vec![PathBuf::from("README.md")];
    while let Some(page) = next.pop() {
        // The summary lists all: a reader shall get there without it too.
        if page.ends_with("SUMMARY.md") || page.extension().is_none_or(|ending| ending != "md") {
            continue;
        }
        let name = page.to_string_lossy().into_owned();
        for link in links(&fs::read_to_string(root().join(&page)).expect("a page")) {
            let target = target(&name, link.split('#').next().unwrap_or_default());
            if seen.insert(target.clone()) {
                next.push(target);
            }
        }
    }
    for (name, _) in docs() {
        assert!(seen.contains(Path::new(&name)), "no page but the summary links to {name}");
    }
}

#[test]
fn every_command_has_a_page_or_a_row() {
    let help = resecret().args(["-h"]).run().succeeds().text();
    let commands = help.split("\nCommands:\n").nth(1).and_then(|rest| rest.split("\n\n").next());
    let overview = fs::read_to_string(root().join("docs/commands/README.md")).expect("the overview");
    let mut count = 0;
    for line in commands.expect("a list of commands").lines().filter(|line| !line.starts_with("   ")) {
        let name = line.split_whitespace().next().expect("a name");
        let page = fs::read_to_string(root().join(format!("docs/commands/{name}.md")));
        match page {
            Ok(page) => {
                assert!(page.contains(&format!("<!-- usage: resecret {name} -h -->")), "{name}: no usage");
                assert!(overview.contains(&format!("]({name}.md)")), "docs/commands/README.md: no {name}");
            }
            Err(_) if name == "help" => {}
            Err(_) => assert!(overview.contains(&format!("`{name}")), "docs/commands/README.md: no {name}"),
        }
        count += 1;
    }
    assert!(count > 10, "only {count} commands");
}

#[test]
fn a_message_names_a_page_that_is_there() {
    let mut count = 0;
    let places = files("src", ".rs").into_iter().chain(files("plugin", "")).chain(files(".ci", ""));
    for (name, source) in places {
        let texts = if name.starts_with("src/") { texts(&source) } else { vec![source] };
        for text in texts {
            for rest in text.split("docs/").skip(1).filter(|rest| rest.contains(".md")) {
                let page = format!("docs/{}.md", rest.split(".md").next().unwrap_or_default());
                assert!(root().join(&page).is_file(), "{name} names {page}");
                count += 1;
            }
        }
    }
    assert!(count > 2, "only {count} messages");
}

#[test]
fn they_are_in_plain_words() {
    let readme = fs::read_to_string(root().join("README.md")).expect("the README");
    let pages = [("README.md".to_owned(), readme)].into_iter();
    for (name, text) in pages.chain(docs()).chain(files("examples", ".md")) {
        for line in text.split("```").step_by(2).flat_map(str::lines) {
            for (word, instead) in page_words() {
                assert!(!line.contains(word), "{name}: `{line}` has `{word}`: write {instead}");
            }
        }
    }
}

#[test]
fn those_about_clients_show_the_examples_as_they_are() {
    let pages: String = docs().into_iter().map(|(_, text)| text).collect();
    // `[`examples/…`](../examples/…):`, a blank line, and a block.
    for part in pages.split("../examples/").skip(1) {
        let shown = part.split_once("):\n\n```").filter(|(name, _)| !name.contains('\n'));
        let Some((name, rest)) = shown else { continue };
        let block =
            rest.split_once('\n').and_then(|(_, rest)| rest.split_once("```")).map(|(block, _)| block);
        let file = fs::read_to_string(root().join("examples").join(name)).unwrap_or_default();
        assert_eq!(block, Some(file.as_str()), "a page shows another examples/{name}");
    }
    // The kustomization of the exec plugin is that of the function.
    let plugin = fs::read_to_string(root().join("examples/kustomize-exec-plugin/kustomization.yaml"));
    let function = fs::read_to_string(root().join("examples/kustomize/kustomization.yaml"));
    assert_eq!(plugin.ok(), function.ok());
    for (name, _) in files("examples", "").into_iter().filter(|(name, _)| !has_a_page(name)) {
        let twin = name == "examples/kustomize-exec-plugin/kustomization.yaml";
        assert!(twin || pages.contains(&format!("../{name})")), "no page shows {name}");
    }
}

/// Whether a file of the examples belongs to a page of its own, beside it.
fn has_a_page(name: &str) -> bool {
    let folder = name.split('/').nth(1).unwrap_or_default();
    folder == "README.md" || root().join("examples").join(folder).join("README.md").is_file()
}

#[test]
fn those_about_versions_name_the_clients_that_are_tested() {
    let script = fs::read_to_string(root().join(".ci/clients")).expect("the pins");
    let names = [
        ("helm3", "Helm"),
        ("helm4", "Helm"),
        ("kustomize", "Kustomize"),
        ("kubectl", "kubectl"),
        ("helmfile", "helmfile"),
    ];
    for page in ["README.md", "docs/compatibility.md"] {
        let text = fs::read_to_string(root().join(page)).expect("a page").replace('\n', " ");
        let tested = text.split("ested with ").nth(1).expect("the sentence");
        for (client, name) in names {
            let row = script.lines().find(|line| line.starts_with(client)).expect("a row of the script");
            let version = row.split_whitespace().nth(2).expect("a version").trim_start_matches('v');
            assert!(
                tested.contains(&format!("{name} {version}")),
                "{page} is not tested with {name} {version}"
            );
        }
    }
}
