use std::collections::BTreeMap;

use crate::results::Row;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 420.0;
const MARGIN: f64 = 60.0;
const COLOURS: [(&str, &str); 4] =
    [("cat", "#888888"), ("resecret", "#c0392b"), ("yq", "#2471a3"), ("kustomize", "#7d3c98")];

/// Time over size, both logarithmic: a line of slope one is linear growth.
pub(crate) fn svg(rows: &[Row]) -> String {
    let mut lines: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for row in rows {
        #[allow(clippy::cast_precision_loss)] // Bytes of a stream.
        lines.entry(row.tool).or_default().push((row.bytes as f64, row.wall() * 1e3));
    }
    let all: Vec<(f64, f64)> = lines.values().flatten().copied().collect();
    let (x_from, x_to) = decades(all.iter().map(|(x, _)| *x));
    let (y_from, y_to) = decades(all.iter().map(|(_, y)| *y));
    let x = |value: f64| MARGIN + (value.log10() - x_from) / (x_to - x_from) * (WIDTH - 2.0 * MARGIN);
    let y =
        |value: f64| HEIGHT - MARGIN - (value.log10() - y_from) / (y_to - y_from) * (HEIGHT - 2.0 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n"
    );
    for (decade, name) in
        ticks(x_from, x_to, &["1 KB", "10 KB", "100 KB", "1 MB", "10 MB", "100 MB", "1 GB"], 3.0)
    {
        let at = x(10_f64.powf(decade));
        svg += &format!(
            "<path d=\"M{at:.1} {MARGIN} V{:.1}\" stroke=\"#dddddd\"/>\n<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{name}</text>\n",
            HEIGHT - MARGIN,
            HEIGHT - MARGIN + 18.0
        );
    }
    for (decade, name) in ticks(y_from, y_to, &["1 ms", "10 ms", "100 ms", "1 s", "10 s", "100 s"], 0.0) {
        let at = y(10_f64.powf(decade));
        svg += &format!(
            "<path d=\"M{MARGIN} {at:.1} H{:.1}\" stroke=\"#dddddd\"/>\n<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{name}</text>\n",
            WIDTH - MARGIN,
            MARGIN - 6.0,
            at + 4.0
        );
    }
    for (tool, colour) in COLOURS {
        let Some(points) = lines.get(tool) else { continue };
        let path: Vec<String> = points.iter().map(|(a, b)| format!("{:.1},{:.1}", x(*a), y(*b))).collect();
        svg += &format!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n",
            path.join(" ")
        );
        for (a, b) in points {
            svg += &format!("<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{colour}\"/>\n", x(*a), y(*b));
        }
        if let Some((a, b)) = points.last() {
            svg += &format!(
                "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{colour}\">{tool}</text>\n",
                x(*a) + 6.0,
                y(*b) - 6.0
            );
        }
    }
    svg + "</svg>\n"
}

/// The powers of ten around some values.
fn decades(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let from = values.clone().fold(f64::INFINITY, f64::min).log10().floor();
    let to = values.fold(1e-9, f64::max).log10().ceil();
    (from, to.max(from + 1.0))
}

/// The names of the powers of ten between two, where the first name is that of `10^first`.
fn ticks<'n>(from: f64, to: f64, names: &'n [&'n str], first: f64) -> Vec<(f64, &'n str)> {
    let named = std::iter::successors(Some(first), |decade| Some(decade + 1.0)).zip(names);
    named
        .filter(|(decade, _)| *decade >= from && *decade <= to)
        .map(|(decade, name)| (decade, *name))
        .collect()
}
