use std::fmt::Write as _;
use std::fs;

use crate::harness::{resecret, root};
use crate::tidy::files;

/// A picture must be what the program shows now; `RESECRET_UPDATE=1` (`just pictures`) draws it.
fn compare(name: &str, current: &str) {
    let path = root().join("docs/pictures").join(name);
    let text = || fs::read_to_string(&path).unwrap_or_default();
    if text() != current && std::env::var("RESECRET_UPDATE").is_ok_and(|value| value == "1") {
        fs::create_dir_all(root().join("docs/pictures")).expect("a folder for pictures");
        fs::write(&path, current).expect("the picture can be written");
    }
    assert!(text() == current, "docs/pictures/{name} is old; just pictures draws it");
}

/// What a command prints on a terminal, for a picture: standard output, and the summary behind it.
fn shown(args: &str) -> String {
    let render =
        fs::read(root().join("tests/renders/umbrella-helm3.yaml")).expect("a file of the repository");
    let output = resecret().file("render.yaml", render).args(args.split(' ')).run();
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    format!("{}{}", output.text(), output.stderr)
}

#[test]
fn scan_is_what_a_terminal_shows() {
    let text = shown("scan render.yaml");
    compare(
        "scan.svg",
        &terminal("resecret scan render.yaml", &text, "What resecret scan finds in a render of Langfuse"),
    );
}

#[test]
fn diff_is_what_a_terminal_shows() {
    let rules = "diff --preset langfuse --to langfuse-vault";
    let text = shown(&format!("{rules} --color always render.yaml"));
    let title = "What resecret diff shows: the chart's Secret is removed, no value appears";
    compare("diff.svg", &terminal(&format!("resecret {rules} render.yaml"), &text, title));
}

/// Every picture is on a page, with a text for who does not see it, and every page's picture is there.
#[test]
fn the_pages_show_the_pictures() {
    let mut shown = Vec::new();
    let readme = fs::read_to_string(root().join("README.md")).expect("the README");
    let pages = [("README.md".to_owned(), readme)].into_iter().chain(files("docs", ".md"));
    for (page, text) in pages {
        let marks = [("](", ".svg)"), ("src=\"", ".svg\""), ("srcset=\"", ".svg\"")];
        for (begins, ends) in marks {
            for part in text.split(begins).skip(1).filter(|part| part.contains(ends)) {
                let name = part.split(&ends[4..]).next().unwrap_or_default();
                if name.strip_suffix(".svg").is_some() {
                    let path = root().join(&page).with_file_name("").join(name);
                    assert!(path.is_file(), "{page} shows {name}, which is not there");
                    shown.push(name.rsplit('/').next().unwrap_or_default().to_owned());
                }
            }
        }
        assert!(
            !text.contains("![]") && text.matches("<img ").count() == text.matches(" alt=\"").count(),
            "{page}"
        );
    }
    for entry in fs::read_dir(root().join("docs/pictures")).expect("pictures").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(shown.contains(&name), "no page shows {name}");
    }
}

const LINE: usize = 19;
const COLUMN: usize = 8;
const MARGIN: usize = 20;

/// A terminal with a command and its output. Each line is as wide as its characters, whatever font the reader has.
fn terminal(command: &str, output: &str, title: &str) -> String {
    let lines: Vec<Vec<Run<'_>>> = output.lines().map(runs).collect();
    let length = |line: &[Run<'_>]| line.iter().map(|run| run.text.chars().count()).sum::<usize>();
    let columns =
        lines.iter().map(|line| length(line)).max().unwrap_or_default().max(command.chars().count() + 2);
    let width = columns * COLUMN + (2 * MARGIN);
    let height = (lines.len() + 1) * LINE + 2 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" font-size=\"13\">\n\
         <title>{}</title>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"#0d1117\"/>\n",
        escaped(title)
    );
    let prompt = [
        Run { text: "$ ", colour: "#7ee787", is_bold: true },
        Run { text: command, colour: "#ffffff", is_bold: true },
    ];
    for (number, line) in std::iter::once(&prompt[..]).chain(lines.iter().map(Vec::as_slice)).enumerate() {
        let y = MARGIN + number * LINE + 13;
        let mut column = 0;
        for run in line {
            for (begin, word) in cells(run.text) {
                let weight = if run.is_bold { " font-weight=\"bold\"" } else { "" };
                let x = (column + begin) * COLUMN + MARGIN;
                let wide = word.chars().count() * COLUMN;
                let _ = writeln!(
                    svg,
                    "<text x=\"{x}\" y=\"{y}\" fill=\"{}\"{weight} textLength=\"{wide}\" \
                     lengthAdjust=\"spacingAndGlyphs\">{}</text>",
                    run.colour,
                    escaped(word)
                );
            }
            column += run.text.chars().count();
        }
    }
    svg + "</svg>\n"
}

/// The parts of a text between two or more blanks, each with the column that it begins in: a table stays one.
fn cells(text: &str) -> Vec<(usize, &str)> {
    let mut cells = Vec::new();
    let mut rest = text;
    while !rest.trim_start_matches(' ').is_empty() {
        let cell = rest.trim_start_matches(' ');
        let begin = text[..text.len() - cell.len()].chars().count();
        let cell = cell.split("  ").next().unwrap_or_default();
        cells.push((begin, cell.trim_end_matches(' ')));
        rest = &text[text.len() - rest.trim_start_matches(' ').len() + cell.len()..];
    }
    cells
}

/// Characters of one look.
struct Run<'a> {
    text: &'a str,
    colour: &'static str,
    is_bold: bool,
}

/// A line of a terminal, taken apart at its escape sequences.
fn runs(line: &str) -> Vec<Run<'_>> {
    let (mut colour, mut is_bold) = ("#c9d1d9", false);
    let mut runs = Vec::new();
    for (number, part) in line.split("\u{1b}[").enumerate() {
        let text = if number == 0 {
            part
        } else {
            let (codes, text) = part.split_once('m').expect("an escape sequence of colour");
            for code in codes.split(';') {
                match code {
                    "0" | "" => (colour, is_bold) = ("#c9d1d9", false),
                    "1" => is_bold = true,
                    "31" => colour = "#ff7b72",
                    "32" => colour = "#7ee787",
                    "36" => colour = "#79c0ff",
                    other => panic!("the picture does not know the colour {other}"),
                }
            }
            text
        };
        if !text.is_empty() {
            runs.push(Run { text, colour, is_bold });
        }
    }
    runs
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The colours of the flow.
struct Palette {
    text: &'static str,
    quiet: &'static str,
    line: &'static str,
    box_fill: &'static str,
    removed: &'static str,
    kept: &'static str,
    ours: &'static str,
}

#[test]
fn the_flow_is_drawn_for_light_and_dark_pages() {
    let light = Palette {
        text: "#1f2328",
        quiet: "#59636e",
        line: "#818b98",
        box_fill: "#f6f8fa",
        removed: "#cf222e",
        kept: "#1a7f37",
        ours: "#0969da",
    };
    let dark = Palette {
        text: "#f0f6fc",
        quiet: "#9198a1",
        line: "#656c76",
        box_fill: "#151b23",
        removed: "#f85149",
        kept: "#3fb950",
        ours: "#4493f8",
    };
    compare("flow-light.svg", &flow(&light));
    compare("flow-dark.svg", &flow(&dark));
}

/// A box with a heading and lines below it.
fn area(
    svg: &mut String,
    at: (usize, usize),
    size: (usize, usize),
    colour: &str,
    lines: &[(&str, &str)],
    palette: &Palette,
) {
    let ((x, y), (width, height)) = (at, size);
    let _ = writeln!(
        svg,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"{}\" stroke=\"{colour}\" stroke-width=\"1.5\"/>",
        palette.box_fill
    );
    for (number, (text, colour)) in lines.iter().enumerate() {
        let weight = if number == 0 { " font-weight=\"bold\"" } else { "" };
        let (x, y) = (x + 14, y + 26 + number * 21);
        let _ = writeln!(svg, "<text x=\"{x}\" y=\"{y}\" fill=\"{colour}\"{weight}>{}</text>", escaped(text));
    }
}

/// An arrow along a path, with a word on it.
fn arrow(svg: &mut String, path: &str, word: Option<(usize, usize, &str)>, colour: &str) {
    let _ = writeln!(
        svg,
        "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\" marker-end=\"url(#end)\"/>"
    );
    if let Some((x, y, word)) = word {
        let _ = writeln!(
            svg,
            "<text x=\"{x}\" y=\"{y}\" fill=\"{colour}\" font-size=\"12\" text-anchor=\"middle\">{word}</text>"
        );
    }
}

fn flow(palette: &Palette) -> String {
    let Palette { text, quiet, line, removed, kept, ours, .. } = palette;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 880 330\" role=\"img\" font-family=\"system-ui, -apple-system, 'Segoe UI', sans-serif\" font-size=\"14\">\n\
         <title>Helm renders the chart, resecret removes the chart's Secret and points the reference at the Secret that the vault fills, and the cluster gets the rest</title>\n\
         <defs><marker id=\"end\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0 L10 5 L0 10 z\" fill=\"{line}\"/></marker></defs>\n"
    );
    let rendered = [
        ("Helm renders the chart", *text),
        ("Secret lf-nextauth", *removed),
        ("its value in Git, in the release", *quiet),
        ("Deployment lf-web", *text),
        ("reads lf-nextauth", *removed),
    ];
    area(&mut svg, (10, 20), (240, 140), line, &rendered, palette);
    let filter = [
        ("resecret", *ours),
        ("removes the chart's Secrets", *text),
        ("points references at yours", *text),
        ("verifies each edit, or stops", *text),
        ("leaves every other byte alone", *quiet),
    ];
    area(&mut svg, (320, 20), (240, 140), ours, &filter, palette);
    let cluster = [("Cluster", *text), ("Deployment lf-web", *text), ("reads langfuse-vault", *kept)];
    area(&mut svg, (630, 20), (240, 140), line, &cluster, palette);
    let vault = [
        ("Your vault", *text),
        ("through External Secrets, the", *quiet),
        ("Vault Secrets Operator, Sealed", *quiet),
        ("Secrets, or by hand", *quiet),
    ];
    area(&mut svg, (320, 210), (240, 105), line, &vault, palette);
    area(
        &mut svg,
        (630, 210),
        (240, 105),
        kept,
        &[("Secret langfuse-vault", *kept), ("yours: no chart renders it", *quiet)],
        palette,
    );
    arrow(&mut svg, "M250 90 H318", Some((284, 80, "render")), line);
    arrow(&mut svg, "M560 90 H628", Some((594, 80, "release")), line);
    arrow(&mut svg, "M560 262 H628", Some((594, 252, "fills")), line);
    arrow(&mut svg, "M750 210 V162", Some((778, 190, "read by")), line);
    svg + "</svg>\n"
}
