//! Charts of each runtime: the time to verify and read, by the size of the body, on logarithmic axes.

use std::fmt::Write as _;

use super::report::{RUNTIMES, size_name};
use super::results::{OURS, Results};

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 420.0;
/// The edges of the drawing area, with the names to its right.
const LEFT: f64 = 70.0;
const RIGHT: f64 = 500.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 370.0;
/// Colors that are distinct for red-green color blindness, this library's first.
const COLORS: [&str; 8] = ["#d55e00", "#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#7f7f7f", "#000000"];

/// Returns the file names and contents of all charts.
pub fn all(results: &Results) -> Vec<(String, String)> {
    RUNTIMES.iter().map(|(runtime, name)| (format!("{runtime}.svg"), chart(results, runtime, name))).collect()
}

fn chart(results: &Results, runtime: &str, name: &str) -> String {
    let sizes = results.sizes();
    let lines: Vec<(&str, Vec<(usize, f64)>)> = results
        .contestants(runtime, "read")
        .into_iter()
        .map(|contestant| {
            let point = |&size| Some((size, results.median(runtime, "read", "ascii", contestant, size)?));
            (contestant, sizes.iter().filter_map(point).collect())
        })
        .collect();
    let all = || lines.iter().flat_map(|(_, points)| points.iter().map(|(_, ns)| *ns));
    let (min, max) = (all().fold(f64::INFINITY, f64::min), all().fold(0.0, f64::max));
    let decades = (min.log10().floor(), max.log10().ceil());
    let (first, last) = (sizes.first().copied().unwrap_or(1) as f64, sizes.last().copied().unwrap_or(2) as f64);
    let x = |size: usize| LEFT + (RIGHT - LEFT) * (size as f64 / first).ln() / (last / first).ln();
    let y = |ns: f64| BOTTOM - (BOTTOM - TOP) * (ns.log10() - decades.0) / (decades.1 - decades.0);

    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12" fill="#24292f">
<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>
<text x="{LEFT}" y="22" font-size="15">Verify and read in {name}: time by size of the body (ASCII; less is better)</text>
"##
    );
    // Writing to a String cannot fail.
    for decade in decades.0 as i32..=decades.1 as i32 {
        let (at, label) = (y(10_f64.powi(decade)), time_name(decade));
        let _ = writeln!(
            svg,
            r##"<path d="M{LEFT} {at:.1}H{RIGHT}" stroke="#d0d7de"/><text x="{:.0}" y="{:.1}" text-anchor="end">{label}</text>"##,
            LEFT - 8.0,
            at + 4.0
        );
    }
    for &size in &sizes {
        let _ = writeln!(
            svg,
            r##"<path d="M{:.1} {TOP}V{BOTTOM}" stroke="#eaeef2"/><text x="{:.1}" y="{:.0}" text-anchor="middle">{}</text>"##,
            x(size),
            x(size),
            BOTTOM + 20.0,
            size_name(size)
        );
    }
    // The names are in the order of the lines' ends, and moved apart to be readable.
    let mut names: Vec<(f64, usize)> =
        lines.iter().enumerate().filter_map(|(index, (_, points))| Some((y(points.last()?.1), index))).collect();
    names.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut lowest = TOP;
    for (end, index) in names {
        let Some((contestant, points)) = lines.get(index) else { continue };
        let color = COLORS[index % COLORS.len()];
        let (stroke, weight) = if *contestant == OURS { (3.0, "bold") } else { (1.5, "normal") };
        let path: Vec<_> = points.iter().map(|&(size, ns)| format!("{:.1} {:.1}", x(size), y(ns))).collect();
        let label = end.max(lowest);
        lowest = label + 16.0;
        let _ = writeln!(
            svg,
            r##"<path d="M{}" fill="none" stroke="{color}" stroke-width="{stroke}"/><path d="M{RIGHT} {end:.1}L{:.0} {label:.1}" stroke="{color}" stroke-width="0.7"/><text x="{:.0}" y="{:.1}" fill="{color}" font-weight="{weight}">{contestant}</text>"##,
            path.join("L"),
            RIGHT + 24.0,
            RIGHT + 30.0,
            label + 4.0
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn time_name(decade: i32) -> String {
    match decade {
        ..3 => format!("{} ns", 10_i32.pow(decade.max(0) as u32)),
        3..6 => format!("{} µs", 10_i32.pow(decade as u32 - 3)),
        _ => format!("{} ms", 10_i32.pow(decade as u32 - 6)),
    }
}
