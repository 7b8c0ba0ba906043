use std::fs;

use anyhow::{Context as _, Result, ensure};

use crate::Case;
use crate::machine::{Helm, LANGFUSE, Machine, Major, copy_folder, repository, text};
use crate::objects::{Objects, entries, same};

pub(crate) const CASES: &[Case] = &[
    Case { name: "null::helm3_honours_it_everywhere", needs: &["helm3"], run: helm3 },
    Case { name: "null::helm4_ignores_it_in_the_charts_values", needs: &["helm4"], run: helm4 },
    Case { name: "null::the_rule_does_not_depend_on_it", needs: &["helm3", "helm4"], run: the_rule },
];

/// Where the null stands.
#[derive(Clone, Copy, Debug)]
enum Place {
    ChartValues,
    ValuesFile,
    SetFlag,
}

const PLACES: [Place; 3] = [Place::ChartValues, Place::ValuesFile, Place::SetFlag];

fn helm3() -> Result<()> {
    check(Major::Three, |_| true)
}

fn helm4() -> Result<()> {
    check(Major::Four, |place| !matches!(place, Place::ChartValues))
}

/// Renders without a post-renderer. Where the null arrives, the Secret is gone, and the worker still
/// reads it: such a pod does not start.
fn check(major: Major, arrives: fn(Place) -> bool) -> Result<()> {
    let machine = Machine::new()?;
    let helm = machine.helm(major)?;
    for place in PLACES {
        let objects = render(&machine, &helm, place, &[])?;
        let secret = objects.release.contains_key("Secret lf-langfuse-nextauth");
        ensure!(secret != arrives(place), "the null by {place:?}: the Secret is there: {secret}");
        let worker = entries(&objects.release["Deployment lf-langfuse-worker"], "NEXTAUTH_SECRET");
        let first = worker.first().context("the worker has NEXTAUTH_SECRET")?;
        ensure!(first["valueFrom"]["secretKeyRef"]["name"] == "lf-langfuse-nextauth", "{place:?}");
    }
    Ok(())
}

/// Six times the same objects, wherever the null stands and whoever loses it.
fn the_rule() -> Result<()> {
    let machine = Machine::new()?;
    let mut first = None;
    for major in [Major::Three, Major::Four] {
        let helm = machine.helm(major)?;
        let post_renderer = machine.post_renderer(&helm)?;
        let arguments = [&["--post-renderer", &post_renderer], &LANGFUSE[..]].concat();
        for place in PLACES {
            let found = render(&machine, &helm, place, &arguments)?.release;
            let wanted = first.get_or_insert_with(|| found.clone());
            same(&found, wanted).with_context(|| format!("{major:?}, the null by {place:?}"))?;
            ensure!(!found.contains_key("Secret lf-langfuse-nextauth"));
        }
    }
    Ok(())
}

fn render(machine: &Machine, helm: &Helm, place: Place, arguments: &[&str]) -> Result<Objects> {
    const NULL: &str = "secret: null";
    let chart = repository("tests/charts/umbrella");
    let bare = machine.path("without-null");
    if !bare.exists() {
        copy_folder(&chart, &bare)?;
        let values = fs::read_to_string(bare.join("values.yaml"))?;
        ensure!(values.contains(NULL), "the umbrella chart's values have no null");
        fs::write(bare.join("values.yaml"), values.replace(NULL, ""))?;
    }
    let file = machine.write("null.yaml", "langfuse: {langfuse: {nextauth: {secret: null}}}\n")?;
    let command = match place {
        Place::ChartValues => vec![text(&chart)?],
        Place::ValuesFile => vec![text(&bare)?, "-f", text(&file)?],
        Place::SetFlag => vec![text(&bare)?, "--set", "langfuse.langfuse.nextauth.secret=null"],
    };
    let command = ["template", "lf"].iter().chain(&command).chain(arguments).copied();
    Objects::read(&helm.run(command)?.succeeded()?.stdout)
}
