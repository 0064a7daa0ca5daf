//! Measured figures: what searches of each class read and took on some data.

use std::path::Path;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

/// What `trawl bench -o json` printed for the reference data: the file says how.
const REFERENCE: &str = include_str!("reference.json");

/// Figures of one run of the benchmark.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Where they come from, for people.
    pub origin: String,
    /// The data that was searched.
    pub data: Data,
    /// One for each class of queries.
    pub classes: Vec<Class>,
}

/// The data that was searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Data {
    /// Bytes of the events as they were sent.
    pub raw_bytes: u64,
    /// Bytes of the segments, index and all.
    pub stored_bytes: u64,
    /// Bytes of their indexes.
    pub index_bytes: u64,
    /// Events in segments.
    pub events: u64,
    /// Live segments.
    pub segments: u64,
}

/// How the work of a query grows with the data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Growth {
    /// In proportion: every segment is worked on as those measured were.
    WithData,
    /// Not at all: the newest segments hold as many events as were asked for.
    Constant,
    /// As that of the class of this name, whose term occurs nowhere; the rest of the work is where the term does occur, and
    /// that is as often as in the data measured.
    LikeAbsent(String),
}

/// The figures of one class of queries: those of the search with the median time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// The query that was run.
    pub query: String,
    /// How its work grows.
    pub growth: Growth,
    /// From the request to the last answer, in milliseconds.
    pub wall_ms: f64,
    /// Seconds of one worker: the time of all tasks.
    pub worker_seconds: f64,
    /// Bytes read from storage.
    pub bytes_read: u64,
    /// Requests to storage.
    pub gets: u64,
    /// Requests that went out one after the other, over all tasks; `None` where only the server could have counted them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_trips: Option<u64>,
    /// What those would take on S3, one after the other, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_ms: Option<f64>,
    /// Granules of which anything was read.
    pub granules_read: u64,
    /// Granules in the segments looked at.
    pub granules_total: u64,
    /// Events that matched, as far as was counted.
    pub events_matched: u64,
    /// What the search would cost on AWS, in US dollars.
    pub usd: f64,
}

impl Figures {
    /// Those of the reference data.
    pub fn reference() -> anyhow::Result<Self> {
        Self::parse(REFERENCE).context("the built-in figures cannot be read")
    }

    /// Those that an earlier run wrote to a file.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} holds no figures of `trawl bench -o json`", path.display()))
    }

    /// From JSON.
    fn parse(text: &str) -> anyhow::Result<Self> {
        let figures: Self = serde_json::from_str(text)?;
        figures.data.check()?;
        for class in &figures.classes {
            if let Growth::LikeAbsent(absent) = &class.growth {
                ensure!(
                    figures.class(absent).is_some(),
                    "there is no class {absent:?}, like which {:?} grows",
                    class.name
                );
            }
        }
        Ok(figures)
    }

    /// The class of this name.
    pub fn class(&self, name: &str) -> Option<&Class> {
        self.classes.iter().find(|class| class.name == name)
    }
}

impl Data {
    /// Refuses data from which nothing can be said about more of it.
    pub fn check(&self) -> anyhow::Result<()> {
        ensure!(
            self.segments > 0 && self.raw_bytes > 0 && self.stored_bytes > 0,
            "there are no segments to measure (`trawl compact` makes some of what is in flight)"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_figures_are_whole() {
        let figures = Figures::reference().unwrap();
        assert!(figures.classes.len() >= 10);
        for class in &figures.classes {
            assert!(class.bytes_read > 0 && class.gets > 0 && class.granules_total >= class.granules_read, "{class:?}");
        }
    }

    #[test]
    fn figures_that_lack_a_class_are_refused() {
        let mut figures = Figures::reference().unwrap();
        figures.classes.retain(|class| !class.name.contains("absent"));
        let reason = Figures::parse(&serde_json::to_string(&figures).unwrap()).unwrap_err().to_string();
        assert!(reason.contains("there is no class"), "{reason}");
        figures.data.segments = 0;
        assert!(Figures::parse(&serde_json::to_string(&figures).unwrap()).is_err());
    }
}
