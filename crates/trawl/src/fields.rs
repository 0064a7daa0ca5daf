//! `trawl fields`: which fields events have, and which values a field has.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use trawl_client::{Client, Field, FieldValues, Fields, ValuesRequest};

use crate::output::harmless::clean;
use crate::output::screen::Screen;
use crate::output::{facets, style};
use crate::range::RangeArgs;
use crate::search::{explain, warn_of_missing};
use crate::units::{self, counted, percent};
use crate::{EXIT_FAILED, EXIT_NOTHING};

const EXAMPLES: &str = "\
Examples:
  trawl fields                                  all fields, their types and how many events have them
  trawl fields --since 1h
  trawl fields service                          its most frequent values
  trawl fields http.path --prefix /api --query 'level:>=error' --limit 50
  trawl fields --json | jq -r .name

Values are those that the server counts within about 2 s, newest events first; stderr says when that was not all.
Their shares are of the events that have one of the values shown.";

/// What is asked of the fields.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct FieldsArgs {
    /// The field whose values are shown; all fields without it.
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// When it happened.
    #[command(flatten)]
    pub range: RangeArgs,
    /// Only values that begin so.
    #[arg(long, value_name = "TEXT", requires = "name")]
    pub prefix: Option<String>,
    /// Only values of events that match.
    #[arg(long, value_name = "QUERY", requires = "name", allow_hyphen_values = true)]
    pub query: Option<String>,
    /// Most values to show, at most 100.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub limit: u64,
    /// Print one JSON object per field or value.
    #[arg(long)]
    pub json: bool,
}

/// Asks for fields or values, and prints them.
pub fn run(client: &Client, args: &FieldsArgs) -> anyhow::Result<ExitCode> {
    match &args.name {
        Some(name) => values(client, name, args),
        None => list(client, args),
    }
}

fn list(client: &Client, args: &FieldsArgs) -> anyhow::Result<ExitCode> {
    let Fields { events, fields, missing } = client.fields(args.range.from().as_deref(), args.range.to().as_deref())?;
    let mut out = anstream::stdout().lock();
    if args.json {
        for field in &fields {
            let with = field.types.values().sum::<u64>();
            writeln!(out, "{}", json!({"name": field.name, "types": field.types, "events": with, "of": events}))?;
        }
    } else {
        write!(out, "{}", table(events, &fields))?;
    }
    if !missing.is_empty() {
        warn_of_missing(&missing);
        return Ok(ExitCode::from(EXIT_FAILED));
    }
    Ok(if fields.is_empty() { ExitCode::from(EXIT_NOTHING) } else { ExitCode::SUCCESS })
}

/// Fields with their coverage and types, the one with most events first in each.
fn table(events: u64, fields: &[Field]) -> String {
    let names: Vec<String> = fields.iter().map(|field| clean(&field.name)).collect();
    let name_chars = names.iter().map(|name| name.chars().count()).max().unwrap_or_default();
    let heading = style::HEADING;
    let mut text =
        format!("{heading}{} in {}{heading:#}\n", counted(fields.len() as u64, "field"), counted(events, "event"));
    for (name, field) in names.iter().zip(fields) {
        let with = field.types.values().sum::<u64>();
        let mut types: Vec<(&String, &u64)> = field.types.iter().collect();
        types.sort_by_key(|(_, events)| std::cmp::Reverse(**events));
        let types: Vec<String> = match types.as_slice() {
            [(only, _)] => vec![(*only).clone()],
            several => several.iter().map(|(kind, events)| format!("{kind} {}", units::count(**events))).collect(),
        };
        let pad = " ".repeat(name_chars - name.chars().count());
        text.push_str(&format!("{name}{pad}  {:>4}  {}\n", percent(with, events), types.join(", ")));
    }
    text
}

fn values(client: &Client, name: &str, args: &FieldsArgs) -> anyhow::Result<ExitCode> {
    let request = ValuesRequest {
        prefix: args.prefix.clone(),
        query: args.query.clone(),
        from: args.range.from(),
        to: args.range.to(),
        limit: Some(args.limit),
    };
    let answer = client.values(name, &request);
    let answer = answer.map_err(|error| explain(error, args.query.as_deref().unwrap_or_default()))?;
    let FieldValues { values, complete, .. } = answer;
    let mut out = io::stdout().lock();
    if args.json {
        for value in &values {
            writeln!(out, "{}", serde_json::to_string(value)?)?;
        }
    } else {
        let shown: u64 = values.iter().map(|value| value.count).sum();
        write!(out, "{}", facets::values(&values, shown, &Screen::stdout()))?;
    }
    if !complete {
        let warning = style::WARNING;
        anstream::eprintln!(
            "{warning}incomplete:{warning:#} not all events were counted in time, or there are too many values"
        );
    }
    Ok(if values.is_empty() { ExitCode::from(EXIT_NOTHING) } else { ExitCode::SUCCESS })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_coverage_and_types() {
        let field = |name: &str, types: &[(&str, u64)]| Field {
            name: name.to_owned(),
            types: types.iter().map(|(kind, events)| ((*kind).to_owned(), *events)).collect(),
        };
        let fields = [field("http.status", &[("int", 757)]), field("user", &[("int", 10), ("string", 2990)])];
        let text = anstream::adapter::strip_str(&table(6000, &fields)).to_string();
        let expected = "\
2 fields in 6,000 events
http.status   13%  int
user          50%  string 2,990, int 10
";
        assert_eq!(text, expected);
    }
}
