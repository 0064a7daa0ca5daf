//! The plan of a search in words.

use trawl_client::Plan;

use crate::units::{counted, percent, size, usd};

/// What a search would read, for people.
pub fn in_words(plan: &Plan) -> String {
    let mut text = format!(
        "would read {} of {} in the range of time",
        plan.segments_to_read,
        counted(plan.segments_in_range, "segment")
    );
    if plan.tail_shards > 0 {
        text.push_str(&format!(", and what is in {} of the stream", counted(plan.tail_shards, "shard")));
    }
    text.push_str(&format!(": {}\n", counted(plan.tasks, "task")));
    match plan.index_terms.as_slice() {
        [] => text.push_str("index     nothing to ask it: every granule is read\n"),
        terms => {
            for (place, term) in terms.iter().enumerate() {
                let name = if place == 0 { "index" } else { "and" };
                text.push_str(&format!("{name:<8}  {term}\n"));
            }
        }
    }
    if plan.segments_to_read == 0 {
        return text;
    }
    let about = if plan.is_estimate { "about " } else { "" };
    if plan.granules_total > 0 {
        let skipped = plan.granules_total.saturating_sub(plan.granules_to_read);
        text.push_str(&format!(
            "granules  {about}{} of {} to read, {} skipped\n",
            plan.granules_to_read,
            plan.granules_total,
            percent(skipped, plan.granules_total)
        ));
    }
    // What comes with the index is not counted there: small segments are fetched whole when they are opened.
    match plan.bytes_to_read {
        0 if plan.granules_to_read > 0 => {
            text.push_str(&format!("bytes     with the index, of {} stored\n", size(plan.bytes_most)));
        }
        bytes => text.push_str(&format!("bytes     {about}{} of {} stored\n", size(bytes), size(plan.bytes_most))),
    }
    text.push_str(&format!(
        "price     at most {} on AWS, if all {} were read\n",
        usd(plan.usd_most),
        size(plan.bytes_most)
    ));
    if plan.is_estimate {
        text.push_str("Only the first segments were looked into: granules and bytes are scaled up from these.\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_said_in_words() {
        let plan = Plan {
            segments_in_range: 8,
            segments_to_read: 3,
            tail_shards: 1,
            tasks: 2,
            granules_total: 400,
            granules_to_read: 9,
            bytes_to_read: 812_345,
            bytes_most: 91_234_567,
            usd_most: 0.0001,
            is_estimate: true,
            index_terms: vec!["some text has the word \"timeout\"".to_owned(), "level is error or fatal".to_owned()],
            missing: Vec::new(),
        };
        let expected = "\
would read 3 of 8 segments in the range of time, and what is in 1 shard of the stream: 2 tasks
index     some text has the word \"timeout\"
and       level is error or fatal
granules  about 9 of 400 to read, 98% skipped
bytes     about 812 kB of 91.2 MB stored
price     at most $0.00010 on AWS, if all 91.2 MB were read
Only the first segments were looked into: granules and bytes are scaled up from these.
";
        assert_eq!(in_words(&plan), expected);
        let small = in_words(&Plan { bytes_to_read: 0, ..plan });
        assert!(small.contains("\nbytes     with the index, of 91.2 MB stored\n"), "{small}");
        let nothing = in_words(&Plan::default());
        assert!(nothing.starts_with("would read 0 of 0 segments in the range of time: 0 tasks\n"), "{nothing}");
        assert!(!nothing.contains("bytes"), "{nothing}");
    }
}
