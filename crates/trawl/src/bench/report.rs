//! Figures and estimates as tables, and what is written as JSON.

use std::io::{self, Write};

use serde::Serialize;

use super::assumptions::{Assumption, Assumptions};
use super::estimate::{Bound, Estimate, Scale, estimate};
use super::figures::{Class, Data, Figures};
use super::text;
use crate::output::style;
use crate::units;

/// Estimates with all they rest on.
#[derive(Debug, Serialize)]
pub struct Model<'f> {
    /// The measured figures.
    pub figures: &'f Figures,
    /// What else was taken for granted.
    pub assumptions: Vec<Assumption>,
    /// One for each class and scale.
    pub estimates: Vec<Estimated<'f>>,
}

/// The estimate of a class at a scale.
#[derive(Debug, Serialize)]
pub struct Estimated<'f> {
    /// The class.
    pub class: &'f str,
    /// The scale.
    #[serde(flatten)]
    pub scale: Scale,
    /// What it would take.
    #[serde(flatten)]
    pub estimate: Estimate,
}

impl<'f> Model<'f> {
    /// Estimates every class at each scale.
    pub fn new(figures: &'f Figures, assumptions: &Assumptions, scales: &[Scale]) -> Self {
        let at = |class: &'f Class, scale: &Scale| Estimated {
            class: &class.name,
            scale: *scale,
            estimate: estimate(figures, class, *scale, assumptions),
        };
        let estimates = scales.iter().flat_map(|scale| figures.classes.iter().map(move |class| at(class, scale)));
        Self { figures, assumptions: assumptions.list(), estimates: estimates.collect() }
    }
}

/// Writes what was measured.
pub fn figures(figures: &Figures, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", measured_data(figures))?;
    let counts_trips = figures.classes.iter().any(|class| class.round_trips.is_some());
    let mut table = Table::new(&["class", "query", "wall ms", "worker ms", "read", "GETs", "granules", "matched", "$"]);
    if counts_trips {
        table.add_columns(&["round trips", "S3 ms"]);
    }
    for class in &figures.classes {
        let mut row = vec![
            class.name.clone(),
            class.query.clone(),
            format!("{:.1}", class.wall_ms),
            format!("{:.0}", class.worker_seconds * 1000.0),
            units::size(class.bytes_read),
            units::count(class.gets),
            format!("{}/{}", units::count(class.granules_read), units::count(class.granules_total)),
            units::count(class.events_matched),
            text::usd(class.usd),
        ];
        if counts_trips {
            row.push(class.round_trips.map_or_else(String::new, units::count));
            row.push(class.s3_ms.map_or_else(String::new, |ms| format!("{ms:.0}")));
        }
        table.rows.push(row);
    }
    table.write(2, out)
}

fn measured_data(figures: &Figures) -> String {
    let Data { raw_bytes, stored_bytes, index_bytes, events, segments } = figures.data;
    format!(
        "{}: {} raw, {} stored ({} index), {} in {}",
        figures.origin,
        units::size(raw_bytes),
        units::size(stored_bytes),
        units::size(index_bytes),
        units::counted(events, "event"),
        units::counted(segments, "segment")
    )
}

/// Writes estimates, scale after scale, then what they rest on.
pub fn model(model: &Model<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "figures {}", measured_data(model.figures))?;
    let mut sizes: Vec<u64> = model.estimates.iter().map(|estimated| estimated.scale.raw_bytes).collect();
    sizes.dedup();
    for raw_bytes in sizes {
        let of_size: Vec<_> = model.estimates.iter().filter(|found| found.scale.raw_bytes == raw_bytes).collect();
        let mut workers: Vec<u64> = of_size.iter().map(|estimated| estimated.scale.workers).collect();
        workers.dedup();
        let stored = raw_bytes as f64 / model.figures.data.raw_bytes as f64 * model.figures.data.stored_bytes as f64;
        let (heading, tasks) = (style::HEADING, most_tasks(&of_size));
        writeln!(
            out,
            "\n{heading}{} raw{heading:#}, {} stored, up to {} tasks",
            size(raw_bytes as f64),
            size(stored),
            units::count(tasks as u64)
        )?;
        let mut table = Table::new(&["class", "read", "GETs"]);
        for count in &workers {
            table.add_columns(&[&format!("{} workers", units::count(*count)), "$"]);
        }
        for class in &model.figures.classes {
            let of_class: Vec<_> = of_size.iter().filter(|found| found.class == class.name).collect();
            let Some(first) = of_class.first() else { continue };
            let mut row = vec![class.name.clone(), size(first.estimate.bytes_read), text::count(first.estimate.gets)];
            for found in &of_class {
                let Estimate { seconds, usd, bound, .. } = found.estimate;
                row.extend([format!("{} {}", text::seconds(seconds), mark(bound)), text::usd(usd)]);
            }
            table.rows.push(row);
        }
        table.write(1, out)?;
    }
    for (bound, meaning) in [
        (Bound::Dispatch, "no sooner than the coordinator has handed out all tasks"),
        (Bound::Requests, "no sooner than S3 has answered all requests"),
    ] {
        if model.estimates.iter().any(|estimated| estimated.estimate.bound == bound) {
            writeln!(out, "{}  {meaning}", mark(bound))?;
        }
    }
    assumptions(&model.assumptions, out)
}

/// What stands behind a time that is not the workers'.
fn mark(bound: Bound) -> char {
    match bound {
        Bound::Workers => ' ',
        Bound::Requests => 's',
        Bound::Dispatch => 'd',
    }
}

fn assumptions(assumptions: &[Assumption], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{0}assumptions{0:#}", style::HEADING)?;
    let mut table = Table::new(&["what", "value", "unit", "source"]);
    for Assumption { name, value, unit, source } in assumptions {
        table.rows.push(vec![(*name).to_owned(), short(*value), (*unit).to_owned(), (*source).to_owned()]);
    }
    table.write_aligned(&[false, true, false, false], out)
}

/// A number with up to four digits after the point.
fn short(value: f64) -> String {
    let digits = format!("{value:.4}");
    digits.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn most_tasks(estimates: &[&Estimated<'_>]) -> f64 {
    estimates.iter().map(|estimated| estimated.estimate.tasks).fold(0.0, f64::max)
}

fn size(bytes: f64) -> String {
    units::size(bytes as u64)
}

/// Cells in columns as wide as they need.
struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    fn new(columns: &[&str]) -> Self {
        Self { columns: columns.iter().map(|name| (*name).to_owned()).collect(), rows: Vec::new() }
    }

    fn add_columns(&mut self, columns: &[&str]) {
        self.columns.extend(columns.iter().map(|name| (*name).to_owned()));
    }

    /// Writes it with all but the first `texts` columns to the right.
    fn write(&self, texts: usize, out: &mut dyn Write) -> io::Result<()> {
        let to_the_right: Vec<bool> = (0..self.columns.len()).map(|place| place >= texts).collect();
        self.write_aligned(&to_the_right, out)
    }

    fn write_aligned(&self, to_the_right: &[bool], out: &mut dyn Write) -> io::Result<()> {
        let mut widths: Vec<usize> = self.columns.iter().map(|name| name.chars().count()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let line = |cells: &[String]| {
            let mut line = String::new();
            for ((cell, width), right) in cells.iter().zip(&widths).zip(to_the_right) {
                let pad = " ".repeat(width - cell.chars().count());
                let (before, after) = if *right { (pad.as_str(), "") } else { ("", pad.as_str()) };
                line.push_str(&format!("{before}{cell}{after}  "));
            }
            line.trim_end().to_owned()
        };
        let heading = style::HEADING;
        writeln!(out, "{heading}{}{heading:#}", line(&self.columns))?;
        self.rows.iter().try_for_each(|cells| writeln!(out, "{}", line(cells)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_are_not_the_workers_are_marked_and_explained() {
        let figures = Figures::reference().unwrap();
        let assumptions = Assumptions { dispatch_per_second: 1.0, ..Assumptions::default() };
        let scale = Scale { raw_bytes: 100 * figures.data.raw_bytes, workers: 1000 };
        let mut out = Vec::new();
        model(&Model::new(&figures, &assumptions, &[scale]), &mut out).unwrap();
        let text = anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string();
        let absent = text.lines().find(|line| line.starts_with("word, absent")).unwrap();
        assert!(absent.contains(" min d"), "{absent}");
        assert!(text.contains("d  no sooner than the coordinator") && !text.contains("s  no sooner"), "{text}");
    }

    #[test]
    fn values_of_assumptions_are_short() {
        for (value, text) in [(30.0, "30"), (5500.0, "5500"), (0.0004, "0.0004"), (67.108_864, "67.1089"), (0.2, "0.2")]
        {
            assert_eq!(short(value), text);
        }
    }
}
