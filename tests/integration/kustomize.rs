use std::fs;
use std::path::Path;

use crate::harness::{CONFIG, Output, RENDER, Run, UNMATCHED, resecret};

/// A ResourceList with the objects of [`RENDER`] that brings this configuration.
fn resource_list(function_config: &str) -> String {
    let item = |document: &str| document.trim_end().replace('\n', "\n  ").replacen("  ", "- ", 1);
    let items: Vec<String> = RENDER
        .split("---")
        .skip(1)
        .map(|document| item(&document.replace("\n# Source", "\n# source")))
        .collect();
    let indented: String = function_config.lines().map(|line| format!("  {line}\n")).collect();
    format!(
        "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:{}\nfunctionConfig:\n{indented}",
        items.concat()
    )
}

mod configuration {
    use super::*;

    #[test]
    fn the_first_argument_is_a_configuration() {
        let plugin = resecret().file("temporary", CONFIG).args(["./temporary"]).run().succeeds();
        assert_eq!(plugin.stdout, resecret().config(CONFIG).run().succeeds().stdout);
    }

    #[test]
    fn it_adds_to_the_others_and_takes_the_place_of_the_default_file() {
        let run = || resecret().file("resecret.yaml", UNMATCHED).file("temporary", CONFIG);
        run().args(["./temporary"]).run().succeeds();
        let both = run().args(["--config", "resecret.yaml", "./temporary"]).run().fails();
        assert!(both.stderr.contains("no Secret of the stream has name absent"), "{}", both.stderr);
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error() {
        let output = resecret().args(["./temporary"]).run().fails();
        assert!(output.stderr.contains("cannot read ./temporary"), "{}", output.stderr);
    }

    #[test]
    fn under_kustomize_nobody_has_seen_its_name() {
        let run = resecret().file("temporary", UNMATCHED).args(["./temporary"]);
        let output = run.env("KUSTOMIZE_PLUGIN_CONFIG_ROOT", "/overlays/prod").run().fails();
        let place = "at transformer Resecret of /overlays/prod:5";
        assert!(output.stderr.contains(place) && !output.stderr.contains("temporary"), "{}", output.stderr);
    }

    #[test]
    fn a_resource_list_brings_its_own_and_leaves_the_default_file_alone() {
        let run = resecret().file("resecret.yaml", UNMATCHED);
        let output = run.stdin(resource_list(CONFIG)).run().succeeds();
        assert!(output.text().contains("{name: vault, key: password}"), "{}", output.text());
        assert!(!output.text().contains("canary-1"), "{}", output.text());
    }

    #[test]
    fn what_it_brings_adds_to_the_flags() {
        let run = resecret().config(UNMATCHED);
        let output = run.stdin(resource_list(CONFIG)).run().fails();
        assert!(output.stderr.contains("no Secret of the stream has name absent"), "{}", output.stderr);
    }

    #[test]
    fn without_any_the_default_file_counts() {
        let list = resource_list("").replace("functionConfig:\n", "");
        resecret().file("resecret.yaml", CONFIG).stdin(list.as_str()).run().succeeds();
        let none = resecret().stdin(list).run().fails();
        assert!(none.stderr.contains("no-rules"), "{}", none.stderr);
    }
}

mod plugin {
    use super::*;

    const PLACE: &str = "resecret.dev/v1alpha1/resecret/Resecret";

    fn install(run: Run) -> Output {
        run.args(["kustomize", "install"]).run()
    }

    /// A folder that the next run finds again.
    fn home() -> tempfile::TempDir {
        tempfile::tempdir().expect("a private folder")
    }

    #[test]
    fn it_is_installed_where_kustomize_looks_first() {
        let home = home();
        for (name, below) in [
            ("KUSTOMIZE_PLUGIN_HOME", ""),
            ("XDG_CONFIG_HOME", "kustomize/plugin"),
            ("HOME", ".config/kustomize/plugin"),
        ] {
            let folder = home.path().join(name);
            let output = install(resecret().env(name, &folder)).succeeds();
            let plugin = folder.join(below).join(PLACE);
            assert_eq!(
                fs::read_link(&plugin).ok().as_deref(),
                Some(Path::new(env!("CARGO_BIN_EXE_resecret")))
            );
            assert!(output.text().contains(&plugin.display().to_string()), "{}", output.text());
        }
    }

    /// Kustomize takes the first plugin home that exists: a new one before it would hide the plugins in it.
    #[test]
    fn a_plugin_home_that_exists_is_not_hidden() {
        let home = home();
        let old = home.path().join("kustomize/plugin");
        fs::create_dir_all(&old).expect("a folder");
        install(resecret().env("HOME", home.path())).succeeds();
        assert!(old.join(PLACE).is_symlink() && !home.path().join(".config").exists());
    }

    #[test]
    fn installing_twice_is_installing_once_and_uninstalling_leaves_nothing() {
        let home = home();
        let run = |command| {
            let run = resecret().env("KUSTOMIZE_PLUGIN_HOME", home.path().join("plugins"));
            run.args(["kustomize", command]).run().succeeds()
        };
        run("install");
        run("install");
        assert!(run("uninstall").text().starts_with("removed "));
        let left: Vec<_> = fs::read_dir(home.path().join("plugins")).expect("the home").collect();
        assert!(left.is_empty(), "{left:?}");
        assert!(run("uninstall").text().starts_with("nothing to do"));
    }

    #[test]
    fn what_somebody_else_has_put_there_stays() {
        let home = home();
        let plugin = home.path().join(PLACE);
        fs::create_dir_all(plugin.parent().expect("a parent")).expect("a folder");
        fs::write(&plugin, "#!/bin/sh\n").expect("a script");
        for command in ["install", "uninstall"] {
            let run = resecret().env("KUSTOMIZE_PLUGIN_HOME", home.path()).args(["kustomize", command]);
            assert!(run.run().fails().stderr.contains("move it away first"));
        }
        assert_eq!(fs::read_to_string(&plugin).ok().as_deref(), Some("#!/bin/sh\n"));
    }

    #[test]
    fn without_a_home_there_is_nowhere_to_install_it() {
        assert!(install(resecret()).fails().stderr.contains("no plugin home"));
    }
}
