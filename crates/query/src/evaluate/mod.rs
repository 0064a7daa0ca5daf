//! Which rows of a block match: the filter compiled, and run over columns.
//!
//! A filter of several sides that must all hold is worked off in *stages*, the cheapest to read and to decide
//! first. Who reads columns from afar reads those of the first stage, then those of the next for the rows that
//! are left, and so on; mostly few are.

mod field;
mod node;
mod session;
mod strings;

use trawl_event::block::Projection;
use trawl_event::{Block, RowSet};

use crate::ast::Filter;
use crate::error::QueryError;
use crate::query::{self, Query};
use crate::stop::Stop;

use field::FieldTest;
use node::Node;

/// A compiled filter. It is made once and used on any number of blocks, from any number of threads.
pub struct Evaluator {
    /// At least one.
    stages: Vec<Stage>,
    stop: Stop,
}

/// Sides of the filter that need the same columns.
struct Stage {
    /// Cheapest first; all must hold.
    sides: Vec<Node>,
    projection: Projection,
}

impl Evaluator {
    /// Compiles the filter of a query. A parsed query compiles; one put together by hand may hold a
    /// regex that does not.
    pub fn new(query: &Query) -> Result<Self, QueryError> {
        let sides = match &query.filter {
            Filter::And(sides) => sides.as_slice(),
            other => std::slice::from_ref(other),
        };
        let mut compiled = Vec::with_capacity(sides.len());
        for side in sides.iter().filter(|side| **side != Filter::All) {
            compiled.push((Node::new(side)?, query::projection_of(side)));
        }
        compiled.sort_by_key(|(node, _)| node.cost());
        let mut stages: Vec<Stage> = Vec::with_capacity(compiled.len().max(1));
        for (node, projection) in compiled {
            match stages.iter_mut().find(|stage| stage.projection == projection) {
                Some(stage) => stage.sides.push(node),
                None => stages.push(Stage { sides: vec![node], projection }),
            }
        }
        if stages.is_empty() {
            stages.push(Stage { sides: Vec::new(), projection: Projection::nothing() });
        }
        Ok(Self { stages, stop: Stop::never() })
    }

    /// The same, to end soon once `stop` is set: what it says from then on is of no use.
    #[must_use]
    pub fn until(self, stop: Stop) -> Self {
        Self { stop, ..self }
    }

    /// The rows of `block` that match. The block needs the columns of [`Query::projection`] only.
    pub fn matches(&self, block: &Block) -> RowSet {
        let all = RowSet::all(block.rows());
        self.stages.iter().fold(all, |left, stage| stage.matches(block, left, &self.stop))
    }

    /// How many stages the filter has: one at least. An event matches if it passes all of them.
    pub fn stages(&self) -> usize {
        self.stages.len()
    }

    /// The columns that a stage needs, whatever other stages need; panics when there is no such stage, as slices do.
    pub fn projection(&self, stage: usize) -> &Projection {
        &self.stages[stage].projection
    }

    /// The rows of `block` that pass a stage. The block needs the columns of [`Evaluator::projection`] only, and may
    /// hold just the rows that passed the stages before. Panics when there is no such stage, as slices do.
    pub fn matches_stage(&self, stage: usize, block: &Block) -> RowSet {
        self.stages[stage].matches(block, RowSet::all(block.rows()), &self.stop)
    }
}

/// The rows of `within` in which a field exists.
pub(crate) fn existing(block: &Block, within: &RowSet, field: &str) -> RowSet {
    FieldTest::exists(field).matches(block, within, &Stop::never())
}

impl Stage {
    /// The rows of `left` that pass.
    fn matches(&self, block: &Block, left: RowSet, stop: &Stop) -> RowSet {
        self.sides.iter().fold(left, |left, side| side.matches(block, &left, stop))
    }
}
