//! Stream records as the event source mapping delivers them:
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html>, and what is answered of them:
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html>.

use anyhow::Context;
use aws_lambda_events::kinesis::{KinesisEvent, KinesisEventRecord};
use serde::Serialize;
use trawl_event::Timestamp;
use trawl_store::aws::stream::position_of_sequence_number;
use trawl_store::ports::{Position, Record, ShardId};

/// The records of one delivery. A mapping delivers one shard at a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// The shard.
    pub shard: ShardId,
    /// Its records, in their order.
    pub records: Vec<Record>,
    /// What Kinesis calls each of them.
    sequence_numbers: Vec<String>,
}

/// The answer of a function that reports which records failed: those from the first named one on are delivered again.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchAnswer {
    batch_item_failures: Vec<Failed>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failed {
    item_identifier: String,
}

impl Delivery {
    /// Reads an event; `None` when it has no records.
    pub fn read(event: KinesisEvent) -> anyhow::Result<Option<Self>> {
        let mut delivery: Option<Self> = None;
        for entry in event.records {
            let shard = shard_of(&entry)?;
            let number = entry.kinesis.sequence_number;
            let position = position_of_sequence_number(&number)?;
            let arrived = entry.kinesis.approximate_arrival_timestamp.timestamp_nanos_opt();
            let arrived = Timestamp(arrived.unwrap_or_default());
            let record = Record { position, arrived, data: entry.kinesis.data.0.into() };
            let delivery = delivery.get_or_insert_with(|| Self {
                shard: shard.clone(),
                records: Vec::new(),
                sequence_numbers: Vec::new(),
            });
            anyhow::ensure!(delivery.shard == shard, "records of {} and {shard} in one delivery", delivery.shard);
            delivery.records.push(record);
            delivery.sequence_numbers.push(number);
        }
        Ok(delivery)
    }

    /// When the first of the records arrived in the stream.
    pub fn oldest(&self) -> Option<Timestamp> {
        self.records.iter().map(|record| record.arrived).min()
    }

    /// The answer that asks for every record beyond `checkpoint` again; whether this is less than all.
    pub fn again_after(&self, checkpoint: Position) -> (BatchAnswer, bool) {
        let done = self.records.partition_point(|record| record.position <= checkpoint);
        let failed = self.sequence_numbers.get(done).map(|number| Failed { item_identifier: number.clone() });
        (BatchAnswer { batch_item_failures: failed.into_iter().collect() }, done > 0)
    }
}

/// `shardId-000000000006:4959…` names the shard and the sequence number.
fn shard_of(entry: &KinesisEventRecord) -> anyhow::Result<ShardId> {
    let id = entry.event_id.as_deref().unwrap_or_default();
    let (shard, _) =
        id.split_once(':').with_context(|| format!("eventID is {id:?}: expected shard:sequence-number"))?;
    Ok(ShardId(shard.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(ids: &[(&str, &str)]) -> KinesisEvent {
        let records = ids.iter().map(|(shard, number)| {
            json!({
                "eventID": format!("{shard}:{number}"),
                "kinesis": {"sequenceNumber": number, "data": "", "approximateArrivalTimestamp": 1_764_244_800.125},
            })
        });
        serde_json::from_value(json!({"Records": records.collect::<Vec<_>>()})).unwrap()
    }

    #[test]
    fn what_lies_beyond_the_checkpoint_is_asked_for_again() {
        let delivery = Delivery::read(event(&[("s", "9"), ("s", "10"), ("s", "11")])).unwrap().unwrap();
        assert_eq!(delivery.shard, ShardId("s".to_owned()));
        let answer = |checkpoint| {
            let (answer, is_less) = delivery.again_after(Position::of(checkpoint));
            (serde_json::to_value(answer).unwrap(), is_less)
        };
        let first_failed = |number: &str| json!({"batchItemFailures": [{"itemIdentifier": number}]});
        assert_eq!(answer(0), (first_failed("9"), false));
        assert_eq!(answer(9), (first_failed("10"), true));
        assert_eq!(answer(11), (json!({"batchItemFailures": []}), true));
    }

    #[test]
    fn a_delivery_without_records_is_none() {
        assert_eq!(Delivery::read(event(&[])).unwrap(), None);
    }

    #[test]
    fn what_kinesis_never_sends_is_an_error_that_says_what_was_expected() {
        let text = |ids: &[(&str, &str)]| Delivery::read(event(ids)).unwrap_err().to_string();
        assert_eq!(text(&[("s", "9x")]), "\"9x\" is not a sequence number");
        assert_eq!(text(&[("s", "9"), ("t", "10")]), "records of s and t in one delivery");
    }
}
