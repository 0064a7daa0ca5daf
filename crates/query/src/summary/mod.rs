//! What a search counts beside the events it gives: how many match, when, and with which values.
//!
//! A [`Summary`] grows with every block and merges in any order, like a [`crate::Partial`]. Unlike that it is bounded
//! whatever the data holds: a field with too many values loses the rare ones, and says so.
//!
//! * [`histogram`]: counts by time, in buckets that widen when the events span more than was expected
//! * [`facet`]: the most frequent values of a field

pub mod facet;
pub mod histogram;

use serde::{Deserialize, Serialize};
use trawl_event::block::Projection;
use trawl_event::{Block, RowSet};

use crate::aggregate::{Groups, Keys};
use crate::query::fields_projection;
use crate::value::Cell;
use facet::{Facet, FacetSpec};
use histogram::{Histogram, HistogramSpec};

/// What to count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SummarySpec {
    /// By time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub histogram: Option<HistogramSpec>,
    /// By the values of these fields.
    #[serde(default)]
    pub facets: Vec<FacetSpec>,
}

impl SummarySpec {
    /// The columns it takes.
    pub fn projection(&self) -> Projection {
        let by = self.histogram.iter().filter_map(|histogram| histogram.by.as_deref());
        let facets = self.facets.iter().map(|facet| facet.field.as_str());
        fields_projection(by.chain(facets), self.histogram.is_some())
    }
}

/// The counts over some events.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// How many events.
    pub events: u64,
    /// By time, if that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub histogram: Option<Histogram>,
    /// By field, in the order in which they were asked for.
    #[serde(default)]
    pub facets: Vec<Facet>,
}

impl Summary {
    /// The counts over no events.
    pub fn new(spec: &SummarySpec) -> Self {
        let facets = spec.facets.iter().map(|_| Facet::default()).collect();
        Self { events: 0, histogram: spec.histogram.as_ref().map(Histogram::new), facets }
    }

    /// Adds these rows of a block. The specification is the one the counts were made for.
    pub fn add(&mut self, spec: &SummarySpec, block: &Block, rows: &RowSet) {
        if rows.is_empty() {
            return;
        }
        self.events += rows.count() as u64;
        if let (Some(histogram), Some(spec)) = (&mut self.histogram, &spec.histogram) {
            histogram.add(spec, block, rows);
        }
        for (facet, spec) in self.facets.iter_mut().zip(&spec.facets) {
            facet.add(spec, block, rows);
        }
    }

    /// Adds the counts over other events, made for the same specification.
    pub fn merge(&mut self, other: Self) {
        self.events += other.events;
        match (&mut self.histogram, other.histogram) {
            (Some(histogram), Some(other)) => histogram.merge(other),
            (histogram @ None, other) => *histogram = other,
            (Some(_), None) => {}
        }
        if self.facets.len() < other.facets.len() {
            self.facets.resize_with(other.facets.len(), Facet::default);
        }
        self.facets.iter_mut().zip(other.facets).for_each(|(facet, other)| facet.merge(other));
    }

    /// Keeps the `most` most frequent values of each field, for the way from a worker.
    pub fn shrink(&mut self, most: usize) {
        self.facets.iter_mut().for_each(|facet| facet.keep(most));
    }
}

/// How many of the rows have each value of a field; [`Cell::Null`] stands for none.
fn counts_by(block: &Block, rows: &RowSet, field: &str) -> impl Iterator<Item = (Cell, u64)> {
    let groups = Groups::of(vec![Keys::of_field(block, rows, field)]);
    let counts = groups.count(rows);
    groups.keys.into_iter().filter_map(|mut key| key.pop()).zip(counts)
}
