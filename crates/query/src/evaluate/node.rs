//! A filter, compiled.

use trawl_event::{Block, RowSet, Values, text};

use super::field::FieldTest;
use super::strings;
use crate::ast::{Filter, Term};
use crate::error::QueryError;
use crate::matcher::Matcher;
use crate::stop::Stop;

/// What looking into every text adds to the cost: it has to be read.
const ALL_TEXTS: u32 = 1000;

pub(super) enum Node {
    All,
    /// Cheapest first.
    And(Vec<Node>),
    /// Cheapest first.
    Or(Vec<Node>),
    Not(Box<Node>),
    Text(Matcher),
    Field(FieldTest),
}

impl Node {
    pub(super) fn new(filter: &Filter) -> Result<Self, QueryError> {
        let compile = |sides: &[Filter]| {
            let mut nodes = sides.iter().map(Self::new).collect::<Result<Vec<_>, _>>()?;
            nodes.sort_by_key(Self::cost);
            Ok::<_, QueryError>(nodes)
        };
        Ok(match filter {
            Filter::All => Self::All,
            Filter::And(sides) => Self::And(compile(sides)?),
            Filter::Or(sides) => Self::Or(compile(sides)?),
            Filter::Not(inner) => Self::Not(Box::new(Self::new(inner)?)),
            Filter::Text(term) => Self::text(term)?,
            Filter::Field { field, test } => Self::Field(FieldTest::new(field, test)?),
        })
    }

    fn text(term: &Term) -> Result<Self, QueryError> {
        Matcher::new(term).map(Self::Text)
    }

    /// A guess at the work per row, in no unit; only the order matters.
    pub(super) fn cost(&self) -> u32 {
        match self {
            Self::All => 0,
            Self::And(sides) | Self::Or(sides) => sides.iter().map(Self::cost).sum(),
            Self::Not(inner) => inner.cost(),
            Self::Field(test) => test.cost(),
            Self::Text(matcher) => ALL_TEXTS + 40 * matcher.cost(),
        }
    }

    /// The rows of `within` that match.
    pub(super) fn matches(&self, block: &Block, within: &RowSet, stop: &Stop) -> RowSet {
        if within.is_empty() {
            return RowSet::none(block.rows());
        }
        match self {
            Self::All => within.clone(),
            Self::And(sides) => {
                let mut left = within.clone();
                for side in sides {
                    left = side.matches(block, &left, stop);
                    if left.is_empty() {
                        break;
                    }
                }
                left
            }
            Self::Or(sides) => {
                let mut found = RowSet::none(block.rows());
                let mut left = within.clone();
                for side in sides {
                    let more = side.matches(block, &left, stop);
                    left.subtract(&more);
                    found.union(&more);
                    if left.is_empty() {
                        break;
                    }
                }
                found
            }
            Self::Not(inner) => {
                let mut left = within.clone();
                left.subtract(&inner.matches(block, within, stop));
                left
            }
            Self::Text(matcher) => in_any_text(matcher, block, within, stop),
            Self::Field(test) => test.matches(block, within, stop),
        }
    }
}

/// The rows of `within` with some text that holds the term.
fn in_any_text(matcher: &Matcher, block: &Block, within: &RowSet, stop: &Stop) -> RowSet {
    let mut scratch = matcher.scratch(stop);
    let mut found = RowSet::none(block.rows());
    let mut left = within.clone();
    for column in &block.columns {
        match &column.values {
            Values::Text(texts) => strings::holding(matcher, &mut scratch, column, texts, &left, &mut found),
            Values::Json(texts) => strings::passing(column, texts, &left, &mut found, |json| {
                matcher.may_be_in_json(json, &mut scratch)
                    && text::any_string(json, |text| matcher.is_in(text, &mut scratch))
            }),
            Values::Int(_) | Values::Float(_) | Values::Bool(_) => continue,
        }
        left.subtract(&found);
        if left.is_empty() {
            break;
        }
    }
    found.intersect(within);
    found
}
