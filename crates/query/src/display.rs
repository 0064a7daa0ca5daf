//! A query as text that parses to the same query.

use std::fmt::{self, Display, Formatter, Write};
use std::ops::Bound;

use crate::ast::{Aggregate, Filter, Function, Interval, Pattern, Percent, Pipe, Range, RegexTerm, Sort, Term, Test};
use crate::parse::is_bare;
use crate::query::Query;
use crate::words::is_word;

/// Words that mean something of their own where a term may stand.
const KEYWORDS: [&str; 4] = ["AND", "OR", "NOT", "TO"];

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.filter, f)?;
        self.pipes.iter().try_for_each(|pipe| write!(f, " | {pipe}"))
    }
}

impl Display for Filter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_char('*'),
            Self::And(sides) => separated(f, sides, " ", |f, side| match side {
                Self::Or(_) => write!(f, "({side})"),
                _ => Display::fmt(side, f),
            }),
            Self::Or(sides) => separated(f, sides, " OR ", |f, side| Display::fmt(side, f)),
            Self::Not(inner) if matches!(**inner, Self::And(_) | Self::Or(_)) => write!(f, "NOT ({inner})"),
            Self::Not(inner) => write!(f, "NOT {inner}"),
            Self::Text(term) => Display::fmt(term, f),
            Self::Field { field, test } => {
                let is_plain = |c: char| is_word(c) || matches!(c, '.' | '@' | '-' | '_');
                if field.chars().all(is_plain) && !field.starts_with('-') && !field.is_empty() {
                    f.write_str(field)?;
                } else {
                    quote(f, field)?;
                }
                write!(f, ":{test}")
            }
        }
    }
}

impl Display for Term {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pattern(pattern) => Display::fmt(pattern, f),
            Self::Regex(regex) => Display::fmt(regex, f),
        }
    }
}

impl Display for Pattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(text) = self.as_value() {
            let bare = text.chars().all(is_word) && !KEYWORDS.contains(&text) && !text.is_empty();
            return if bare { f.write_str(text) } else { quote(f, text) };
        }
        if self.open_start {
            f.write_char('*')?;
        }
        separated(f, &self.parts, "*", |f, part| {
            part.chars().try_for_each(|c| {
                if !is_word(c) {
                    f.write_char('\\')?;
                }
                f.write_char(c)
            })
        })?;
        if self.open_end {
            f.write_char('*')?;
        }
        Ok(())
    }
}

impl Display for RegexTerm {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char('/')?;
        let mut chars = self.pattern.chars();
        while let Some(c) = chars.next() {
            match c {
                '/' => f.write_str("\\/")?,
                '\\' => {
                    f.write_char(c)?;
                    chars.next().map_or(Ok(()), |escaped| f.write_char(escaped))?;
                }
                c => f.write_char(c)?,
            }
        }
        f.write_str(if self.ignore_case { "/i" } else { "/" })
    }
}

impl Display for Test {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists => f.write_char('*'),
            Self::Has(term) => Display::fmt(term, f),
            Self::Is(text) => {
                f.write_char('=')?;
                quote(f, text)
            }
            Self::Within(Range::Numbers(interval)) => ends(f, interval, |f, number| write!(f, "{number}")),
            Self::Within(Range::Texts(interval)) => ends(f, interval, |f, text| quote(f, text)),
            Self::Within(Range::Levels(interval)) => ends(f, interval, |f, level| f.write_str(level.name())),
            Self::Within(Range::Times(interval)) => ends(f, interval, |f, time| write!(f, "{time}")),
        }
    }
}

fn ends<T>(
    f: &mut Formatter<'_>,
    interval: &Interval<T>,
    show: impl Fn(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    let (operator, value) = match (&interval.low, &interval.high) {
        (Bound::Included(low), Bound::Included(high)) => {
            f.write_char('[')?;
            show(f, low)?;
            f.write_str(" TO ")?;
            show(f, high)?;
            return f.write_char(']');
        }
        (Bound::Included(low), _) => (">=", low),
        (Bound::Excluded(low), _) => (">", low),
        (Bound::Unbounded, Bound::Included(high)) => ("<=", high),
        (Bound::Unbounded, Bound::Excluded(high)) => ("<", high),
        (Bound::Unbounded, Bound::Unbounded) => return f.write_char('*'),
    };
    f.write_str(operator)?;
    show(f, value)
}

impl Display for Pipe {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stats { aggregates, by } => {
                f.write_str("stats ")?;
                computed(f, aggregates, by)
            }
            Self::Timechart { bucket_ns, aggregates, by } => {
                // A whole number of milliseconds, since that is the finest unit there is.
                write!(f, "timechart {}ms ", bucket_ns / 1_000_000)?;
                computed(f, aggregates, by)
            }
            Self::Top { count, field } => {
                write!(f, "top {count} ")?;
                name(f, field)
            }
            Self::Fields(fields) => {
                f.write_str("fields ")?;
                separated(f, fields, ", ", |f, field| name(f, field))
            }
            Self::Sort(Sort { field, descending }) => {
                f.write_str("sort ")?;
                name(f, field)?;
                f.write_str(if *descending { " desc" } else { "" })
            }
            Self::Limit(count) => write!(f, "limit {count}"),
        }
    }
}

fn computed(f: &mut Formatter<'_>, aggregates: &[Aggregate], by: &[String]) -> fmt::Result {
    separated(f, aggregates, ", ", |f, aggregate| Display::fmt(aggregate, f))?;
    if by.is_empty() {
        return Ok(());
    }
    f.write_str(" by ")?;
    separated(f, by, ", ", |f, field| name(f, field))
}

impl Display for Aggregate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.function)?;
        self.field.iter().try_for_each(|field| name(f, field))?;
        f.write_char(')')?;
        let Some(alias) = &self.alias else { return Ok(()) };
        f.write_str(" as ")?;
        name(f, alias)
    }
}

impl Display for Function {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Count => "count",
            Self::CountDistinct => "count_distinct",
            Self::Sum => "sum",
            Self::Avg => "avg",
            Self::Min => "min",
            Self::Max => "max",
            Self::Percentile(percent) => return Display::fmt(percent, f),
        })
    }
}

impl Display for Percent {
    /// `p99`, `p99.9`, `p99.95`
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "p{}", self.0 / 100)?;
        match self.0 % 100 {
            0 => Ok(()),
            tenths if tenths % 10 == 0 => write!(f, ".{}", tenths / 10),
            hundredths => write!(f, ".{hundredths:02}"),
        }
    }
}

/// A field's name in a pipe.
fn name(f: &mut Formatter<'_>, name: &str) -> fmt::Result {
    if is_bare(name) { f.write_str(name) } else { quote(f, name) }
}

fn quote(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            f.write_char('\\')?;
        }
        f.write_char(c)?;
    }
    f.write_char('"')
}

fn separated<T>(
    f: &mut Formatter<'_>,
    items: &[T],
    separator: &str,
    show: impl Fn(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        show(f, item)?;
    }
    Ok(())
}
