//! Which rows of a block match: the filter compiled, and run over columns.

mod field;

use trawl_event::{Block, Column, RowSet, Texts, Values, text};

use crate::ast::{Filter, Term};
use crate::error::QueryError;
use crate::matcher::{Matcher, Scratch};
use crate::query::Query;

use field::FieldTest;

/// A column is searched as a whole unless fewer than one in this many of its rows are asked for.
const SPARSE: usize = 8;

/// A compiled filter. It is made once and used on any number of blocks, from any number of threads.
pub struct Evaluator {
    root: Node,
}

enum Node {
    All,
    /// Cheapest first.
    And(Vec<Node>),
    /// Cheapest first.
    Or(Vec<Node>),
    Not(Box<Node>),
    Text(Matcher),
    Field(FieldTest),
}

impl Evaluator {
    /// Compiles the filter of a query. A parsed query compiles; one put together by hand may hold a
    /// regex that does not.
    pub fn new(query: &Query) -> Result<Self, QueryError> {
        Ok(Self { root: Node::new(&query.filter)? })
    }

    /// The rows of `block` that match. The block needs the columns of [`Query::projection`] only.
    pub fn matches(&self, block: &Block) -> RowSet {
        self.root.matches(block, &RowSet::all(block.rows()))
    }
}

impl Node {
    fn new(filter: &Filter) -> Result<Self, QueryError> {
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
    fn cost(&self) -> u32 {
        match self {
            Self::All => 0,
            Self::And(sides) | Self::Or(sides) => sides.iter().map(Self::cost).sum(),
            Self::Not(inner) => inner.cost(),
            Self::Field(test) => test.cost(),
            Self::Text(matcher) => 40 * matcher.cost(),
        }
    }

    /// The rows of `within` that match.
    fn matches(&self, block: &Block, within: &RowSet) -> RowSet {
        if within.is_empty() {
            return RowSet::none(block.rows());
        }
        match self {
            Self::All => within.clone(),
            Self::And(sides) => {
                let mut left = within.clone();
                for side in sides {
                    left = side.matches(block, &left);
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
                    let more = side.matches(block, &left);
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
                left.subtract(&inner.matches(block, within));
                left
            }
            Self::Text(matcher) => in_any_text(matcher, block, within),
            Self::Field(test) => test.matches(block, within),
        }
    }
}

/// The rows of `within` with some text that holds the term.
fn in_any_text(matcher: &Matcher, block: &Block, within: &RowSet) -> RowSet {
    let mut scratch = matcher.scratch();
    let mut found = RowSet::none(block.rows());
    let mut left = within.clone();
    for column in &block.columns {
        match &column.values {
            Values::Text(texts) => in_texts(matcher, &mut scratch, column, texts, &left, &mut found),
            Values::Json(texts) => {
                for (row, json) in column.rows.iter().zip(texts.iter()) {
                    let row = *row as usize;
                    if left.contains(row) && text::any_string(json, |text| matcher.is_in(text, &mut scratch)) {
                        found.insert(row);
                    }
                }
            }
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

/// Adds to `found` the rows whose text in this column holds the term: every such row of `within`, and
/// perhaps others.
fn in_texts(
    matcher: &Matcher,
    scratch: &mut Scratch,
    column: &Column,
    texts: &Texts,
    within: &RowSet,
    found: &mut RowSet,
) {
    if within.count() >= column.rows.len() / SPARSE {
        matcher.scan(texts, scratch, |index| found.insert(column.rows[index] as usize));
        return;
    }
    for row in within.iter() {
        let index = column.index_of(row as u32);
        if index.is_some_and(|index| matcher.is_in(texts.get(index), scratch)) {
            found.insert(row);
        }
    }
}
