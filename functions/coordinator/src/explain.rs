//! A search with `explain`: what it would read, without reading it.

use futures_util::stream::{self, StreamExt};
use trawl_api::search::Explanation;
use trawl_event::evidence::Fragment;
use trawl_event::{Evidence, Level, TenantId};
use trawl_query::Query;
use trawl_store::ports::{ScanTask, Source, StoreError, Want, Workers};

use crate::describe::{describe, left_out};
use crate::state::Asked;
use crate::{Coordinator, Ports};

/// Tasks whose indexes are looked at; beyond, their share is taken for that of all.
const MOST_TASKS: usize = 16;

impl<P: Ports> Coordinator<P> {
    /// What a search would read. Its query parses.
    pub(crate) async fn explain(&self, tenant: &TenantId, asked: &Asked) -> Result<Explanation, StoreError> {
        let query = Query::parse(&asked.query).map_err(|error| StoreError::Permanent(error.to_string()))?;
        let evidence = query.evidence();
        let plan = self.plan(tenant, asked, &evidence, asked.limit).await?;
        let mut explanation = Explanation {
            segments_in_range: plan.segments_in_range,
            segments_to_read: plan.estimate.segments,
            tasks: plan.tasks.len() as u64,
            bytes_most: plan.estimate.bytes,
            usd_most: plan.estimate.usd,
            index_terms: terms(&evidence),
            ..Explanation::default()
        };
        let (tails, segments): (Vec<_>, Vec<_>) = plan
            .tasks
            .into_iter()
            .map(|planned| planned.task)
            .partition(|task| matches!(task.source, Source::Tail { .. }));
        explanation.tail_shards = tails.len() as u64;
        let stored = |tasks: &[ScanTask]| -> u64 { tasks.iter().map(stored_bytes).sum() };
        let looked_at = &segments[..segments.len().min(MOST_TASKS)];
        let share = stored(&segments) as f64 / stored(looked_at).max(1) as f64;
        let measure = |task: &ScanTask| {
            let task = ScanTask { want: Want::Extent, ..task.clone() };
            async move {
                let source = task.source.clone();
                (source, self.attempt((), task).await.1)
            }
        };
        let mut ended = stream::iter(looked_at.iter().map(measure)).buffer_unordered(self.workers.parallelism().max(1));
        while let Some((source, outcome)) = ended.next().await {
            match outcome {
                Ok(result) => {
                    explanation.granules_total += result.granules_total;
                    explanation.granules_to_read += result.granules_read;
                    explanation.bytes_to_read += result.bytes_to_read;
                    explanation.missing.extend(left_out(&source, &result));
                }
                Err(error) => explanation.missing.push(format!("{}: {error}", describe(&source))),
            }
        }
        if looked_at.len() < segments.len() {
            explanation.is_estimate = true;
            for figure in
                [&mut explanation.granules_total, &mut explanation.granules_to_read, &mut explanation.bytes_to_read]
            {
                *figure = (*figure as f64 * share).round() as u64;
            }
        }
        Ok(explanation)
    }
}

fn stored_bytes(task: &ScanTask) -> u64 {
    match &task.source {
        Source::Segments(rows) => rows.iter().map(|row| row.size_bytes).sum(),
        Source::Tail { .. } => 0,
    }
}

/// What all must hold of a granule to be read, one after the other.
fn terms(evidence: &Evidence) -> Vec<String> {
    match evidence {
        Evidence::Anything => Vec::new(),
        Evidence::All(sides) => sides.iter().map(term).collect(),
        other => vec![term(other)],
    }
}

fn term(evidence: &Evidence) -> String {
    let joined = |sides: &[Evidence], word: &str| {
        let sides: Vec<String> = sides.iter().map(term).collect();
        format!("({})", sides.join(word))
    };
    match evidence {
        Evidence::Anything => "anything".to_owned(),
        Evidence::All(sides) => joined(sides, " and "),
        Evidence::Any(sides) => joined(sides, " or "),
        Evidence::Text(fragment) => format!("some text has {}", piece(fragment)),
        Evidence::FieldText { name, fragment } => format!("{name} has {}", piece(fragment)),
        Evidence::FieldValue { name, value: Some(value) } => format!("{name} is {value}"),
        Evidence::FieldValue { name, value: None } => format!("{name} has a value"),
        Evidence::FieldNumber { name, low, high } => match (low.is_finite(), high.is_finite()) {
            (true, true) => format!("{name} is between {low} and {high}"),
            (true, false) => format!("{name} is at least {low}"),
            (false, true) => format!("{name} is at most {high}"),
            (false, false) => format!("{name} is a number"),
        },
        Evidence::FieldLevel { ranks } => {
            let names: Vec<&str> =
                Level::ALL.into_iter().filter(|level| ranks & level.bit() != 0).map(Level::name).collect();
            format!("level is {}", names.join(" or "))
        }
    }
}

fn piece(fragment: &Fragment) -> String {
    let kind = match (fragment.starts_word, fragment.ends_word) {
        (true, true) => "the word",
        (true, false) => "a word beginning with",
        (false, true) => "a word ending with",
        (false, false) => "the piece",
    };
    format!("{kind} {:?}", fragment.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_said_in_words() {
        let terms_of = |query: &str| terms(&Query::parse(query).unwrap().evidence());
        assert_eq!(terms_of("*"), Vec::<String>::new());
        assert_eq!(terms_of("timeout service:=\"a b\"").len(), 2);
        assert_eq!(terms_of("timeout"), ["some text has the word \"timeout\""]);
        assert_eq!(terms_of("level:>=error"), ["level is error or fatal"]);
        assert_eq!(terms_of("*imeou*"), ["some text has the piece \"imeou\""]);
        assert_eq!(terms_of("a1 OR b2"), ["(some text has the word \"a1\" or some text has the word \"b2\")"]);
    }
}
