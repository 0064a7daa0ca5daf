//! What the columns of a table are called.

use trawl_event::block::TIMESTAMP;

use crate::ast::{Aggregate, Pipe};

/// The columns of an aggregate's table: groups first, then values. Empty for other pipes.
pub(crate) fn of_aggregate(pipe: &Pipe) -> Vec<String> {
    match pipe {
        Pipe::Stats { aggregates, by } => by.iter().cloned().chain(aggregates.iter().map(name)).collect(),
        Pipe::Timechart { aggregates, by, .. } => {
            let time = [TIMESTAMP.to_owned()];
            time.into_iter().chain(by.iter().cloned()).chain(aggregates.iter().map(name)).collect()
        }
        Pipe::Top { field, .. } => vec![field.clone(), "count".to_owned()],
        Pipe::Fields(_) | Pipe::Sort(_) | Pipe::Limit(_) => Vec::new(),
    }
}

/// The name of a computed column: its alias, or the function as it is written.
fn name(aggregate: &Aggregate) -> String {
    let field = aggregate.field.as_deref().unwrap_or_default();
    aggregate.alias.clone().unwrap_or_else(|| format!("{}({field})", aggregate.function))
}
