//! Matches by the values of a field, drawn: a line per value with its count, its share and a bar.

use std::fmt::Write as _;

use serde_json::Value;
use trawl_client::{FacetCounts, ValueCount};

use super::bars::bar;
use super::harmless::clean;
use super::screen::Screen;
use super::style;
use crate::units;

/// Longest value that is shown whole, in characters.
const MAX_VALUE_CHARS: usize = 40;
/// Fewest cells of a bar.
const MIN_CELLS: usize = 8;

/// Draws the values of one field among `matched` events. Ends with a line break.
pub fn draw(facet: &FacetCounts, matched: u64, screen: &Screen) -> String {
    let heading = style::HEADING;
    let mut text = format!("{heading}{}{heading:#}: ", clean(&facet.field));
    if facet.distinct == 0 {
        text.push_str("no match has it");
    } else {
        let whole = if facet.events_with >= matched { "all".to_owned() } else { units::count(facet.events_with) };
        let matches = if matched == 1 { "match has" } else { "matches have" };
        let about = if facet.approximate { "at least " } else { "" };
        let _ = write!(
            text,
            "{whole} of {} {matches} it, {about}{}",
            units::count(matched),
            units::counted(facet.distinct, "value")
        );
    }
    if !facet.complete {
        text.push_str(", not all counted");
    }
    text.push('\n');
    text.push_str(&values(&facet.values, facet.events_with, screen));
    let left = facet.distinct.saturating_sub(facet.values.len() as u64);
    if left > 0 {
        let _ = writeln!(text, "  … {} more", units::count(left));
    }
    text
}

/// Draws values with their counts, and their shares of `whole` events that have the field.
pub fn values(values: &[ValueCount], whole: u64, screen: &Screen) -> String {
    let names: Vec<String> = values.iter().map(|value| name(&value.value)).collect();
    let name_chars = names.iter().map(|name| name.chars().count()).max().unwrap_or_default();
    let count_chars = values.iter().map(|value| units::count(value.count).len()).max().unwrap_or_default();
    let most = values.iter().map(|value| value.count).max().unwrap_or_default();
    // Two blanks before the name and between the columns, and four characters of the share.
    let cells = screen.columns.saturating_sub(name_chars + count_chars + 12).max(MIN_CELLS);
    let mut text = String::new();
    for (name, value) in names.iter().zip(values) {
        let count = units::count(value.count);
        let share = units::percent(value.count, whole);
        let pad = " ".repeat(name_chars - name.chars().count());
        let bar = bar(value.count, most, cells);
        let _ = writeln!(text, "  {name}{pad}  {count:>count_chars$}  {share:>4}  {bar}");
    }
    text
}

/// A value in one line: a string as it is, `""` where it is empty.
fn name(value: &Value) -> String {
    let text = match value {
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => clean(&text.replace('\n', "\\n")),
        other => other.to_string(),
    };
    if text.chars().count() <= MAX_VALUE_CHARS {
        return text;
    }
    text.chars().take(MAX_VALUE_CHARS - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SCREEN: Screen = Screen { columns: 40, colours: false };

    fn facet(values: &[(Value, u64)]) -> FacetCounts {
        let values = values.iter().map(|(value, count)| ValueCount { value: value.clone(), count: *count }).collect();
        FacetCounts { field: "service".to_owned(), values, complete: true, ..FacetCounts::default() }
    }

    fn plain(facet: &FacetCounts, matched: u64) -> String {
        anstream::adapter::strip_str(&draw(facet, matched, &SCREEN)).to_string()
    }

    #[test]
    fn values_have_counts_shares_and_bars() {
        let counts = facet(&[(json!("checkout"), 1500), (json!(""), 750), (json!(404), 3)]);
        let counts = FacetCounts { events_with: 3000, distinct: 12, ..counts };
        let expected = "\
service: 3,000 of 4,000 matches have it, 12 values
  checkout  1,500   50%  ███████████████
  \"\"          750   25%  ███████▌
  404           3   <1%  ▏
  … 9 more
";
        assert_eq!(plain(&counts, 4000), expected);
    }

    #[test]
    fn what_is_not_exact_is_said() {
        let mut counts = facet(&[]);
        assert_eq!(plain(&counts, 4), "service: no match has it\n");
        (counts.distinct, counts.events_with, counts.approximate, counts.complete) = (1, 1, true, false);
        counts.values = vec![ValueCount { value: json!("x".repeat(50)), count: 1 }];
        let text = plain(&counts, 1);
        assert!(text.starts_with("service: all of 1 match has it, at least 1 value, not all counted\n"), "{text}");
        assert!(text.contains(&format!("  {}…  1  100%  ████████\n", "x".repeat(39))), "{text}");
    }
}
