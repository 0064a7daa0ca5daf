//! What must be visible, may be visible, and must not be.
//!
//! The model knows which requests were begun and which were acknowledged, nothing of how the
//! stages work. Each search is held against it:
//!
//! | event of | in a complete search | in one that ended otherwise |
//! | --- | --- | --- |
//! | a request acknowledged before the search was asked for | exactly as often as it was sent | at most so |
//! | a request begun by the end of the search | so, or with all of its request not at all | at most so |
//! | anybody else | never | never |

use std::collections::BTreeMap;

use trawl_api::search::Status;
use trawl_event::{TenantId, Timestamp};

use crate::json::Json;
use crate::requests::{Identity, Request, Sent};

/// What a search selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Everything.
    All,
    /// The events of a service.
    Service(&'static str),
    /// The events with a word.
    Word(&'static str),
}

impl Filter {
    /// In the query language.
    pub fn query(self) -> String {
        match self {
            Self::All => "*".to_owned(),
            Self::Service(service) => format!("service:{service}"),
            Self::Word(word) => word.to_owned(),
        }
    }

    fn selects(self, event: &Sent) -> bool {
        match self {
            Self::All => true,
            Self::Service(service) => event.service == service,
            Self::Word(word) => event.word == word,
        }
    }
}

/// What a search asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Whose search.
    pub tenant: TenantId,
    /// What it selects.
    pub filter: Filter,
    /// The range of time, if one was given.
    pub range: Option<(Timestamp, Timestamp)>,
    /// Newest first?
    pub newest_first: bool,
    /// Most events.
    pub limit: usize,
    /// Whether it asks for counts by service instead of events.
    pub counts: bool,
    /// Whether it asks for a histogram and for counts by service beside.
    pub facets: bool,
    /// Whether it goes on past the limit, to the end.
    pub scrolls: bool,
}

/// What a search gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// How it ended.
    pub status: Status,
    /// Its events, all pages one after the other.
    pub events: Vec<String>,
    /// Counts by service, if that was asked.
    pub counts: BTreeMap<String, u64>,
    /// What was counted beside: by service, and all buckets of the histogram together.
    pub facets: Option<(BTreeMap<String, u64>, u64)>,
    /// What it says is missing.
    pub missing: Vec<String>,
}

struct Tracked {
    request: Request,
    attempts: u64,
    acknowledged: bool,
    /// When the stream's clock said it was first sent.
    first_sent: Option<Timestamp>,
}

/// All requests and what became of them.
#[derive(Default)]
pub struct Model {
    requests: Vec<Tracked>,
    by_id: BTreeMap<String, (usize, usize)>,
}

/// The requests that were acknowledged at one moment.
pub type Acknowledged = Vec<bool>;

impl Model {
    /// Takes a request on before it is first sent; gives its number.
    pub fn track(&mut self, request: Request) -> usize {
        let number = self.requests.len();
        for (index, event) in request.events.iter().enumerate() {
            self.by_id.insert(event.id.clone(), (number, index));
        }
        self.requests.push(Tracked { request, attempts: 0, acknowledged: false, first_sent: None });
        number
    }

    /// A request is being sent.
    pub fn attempt(&mut self, number: usize, now: Timestamp) {
        self.requests[number].attempts += 1;
        self.requests[number].first_sent.get_or_insert(now);
    }

    /// The requests first sent after `since` that the server recognises when they come again.
    pub fn repeatable(&self, since: Timestamp) -> Vec<(usize, Request)> {
        let numbered = self.requests.iter().enumerate();
        let repeatable = numbered.filter(|(_, tracked)| {
            tracked.request.identity != Identity::None && tracked.first_sent.is_some_and(|sent| sent > since)
        });
        repeatable.map(|(number, tracked)| (number, tracked.request.clone())).collect()
    }

    /// A request was answered with `202`.
    pub fn acknowledge(&mut self, number: usize) {
        self.requests[number].acknowledged = true;
    }

    /// What is acknowledged now.
    pub fn acknowledged(&self) -> Acknowledged {
        self.requests.iter().map(|tracked| tracked.acknowledged).collect()
    }

    /// The event of an id, and whether its request is of this tenant.
    pub fn find(&self, tenant: &TenantId, id: &str) -> Option<(&Sent, bool)> {
        let (request, index) = self.by_id.get(id)?;
        let request = &self.requests[*request].request;
        request.events.get(*index).map(|event| (event, request.tenant == *tenant))
    }

    /// The ids of all events of acknowledged requests of a tenant, as often as each must be there.
    pub fn must_have(&self, tenant: &TenantId) -> BTreeMap<String, u64> {
        let own = self.requests.iter().filter(|tracked| tracked.acknowledged && tracked.request.tenant == *tenant);
        own.flat_map(|tracked| &tracked.request.events).map(|event| (event.id.clone(), event.copies)).collect()
    }

    /// What is wrong with an answer, given what was acknowledged before the search was asked for.
    pub fn check(&self, asked: &Asked, before: &Acknowledged, answer: &Answered) -> Vec<String> {
        let mut wrong = Vec::new();
        let has_missing = !answer.missing.is_empty();
        if (answer.status == Status::Partial && !has_missing) || (answer.status == Status::Complete && has_missing) {
            wrong.push(format!("G6: status {:?} with {:?} missing", answer.status, answer.missing));
        }
        if asked.counts {
            self.check_counts(asked, before, answer, &answer.counts, &mut wrong);
        } else {
            self.check_events(asked, before, answer, &mut wrong);
        }
        if let Some((by_service, total)) = &answer.facets {
            if asked.range.is_none() {
                self.check_counts(asked, before, answer, by_service, &mut wrong);
            }
            if by_service.values().sum::<u64>() != *total {
                wrong.push(format!("{total} events in the histogram, {by_service:?} by service"));
            }
            // All parts of an answer are of one moment.
            let is_cut = !asked.scrolls && answer.events.len() >= asked.limit;
            let is_all = answer.status == Status::Complete && !asked.counts && !is_cut;
            if is_all && answer.events.len() as u64 != *total {
                wrong.push(format!("G5: {} events, and {total} counted", answer.events.len()));
            }
        } else if asked.facets && answer.status == Status::Complete {
            wrong.push("nothing was counted beside".to_owned());
        }
        wrong
    }

    fn check_events(&self, asked: &Asked, before: &Acknowledged, answer: &Answered, wrong: &mut Vec<String>) {
        let mut found: BTreeMap<&str, u64> = BTreeMap::new();
        let mut last_time: Option<Timestamp> = None;
        for text in &answer.events {
            let Some((json, time)) = Json::parse(text).and_then(|json| Some((json.clone(), time_of(&json)?))) else {
                wrong.push(format!("not an event with a time: {text}"));
                continue;
            };
            let ordered = last_time.is_none_or(|last| if asked.newest_first { time <= last } else { time >= last });
            if !ordered {
                wrong.push(format!("out of order: {text}"));
            }
            last_time = Some(time);
            if asked.range.is_some_and(|(from, to)| time < from || time >= to) {
                wrong.push(format!("outside of the range: {text}"));
            }
            let id = json.field("id").and_then(Json::text).unwrap_or_default();
            match self.find(&asked.tenant, id) {
                None => wrong.push(format!("never sent: {text}")),
                Some((_, false)) => wrong.push(format!("G7: of another tenant: {text}")),
                Some((event, true)) => {
                    if !asked.filter.selects(event) {
                        wrong.push(format!("does not match {:?}: {text}", asked.filter));
                    }
                    if !is_same(event, json) {
                        wrong.push(format!("not as it was sent: {text}"));
                    }
                    *found.entry(&event.id).or_default() += 1;
                }
            }
        }
        let limit = if asked.scrolls { usize::MAX } else { asked.limit };
        if answer.events.len() > limit {
            wrong.push(format!("{} events, the limit was {}", answer.events.len(), asked.limit));
        }
        let is_cut = answer.events.len() >= limit;
        for (number, tracked) in self.requests.iter().enumerate() {
            if tracked.request.tenant != asked.tenant {
                continue;
            }
            let must = before.get(number).copied().unwrap_or(false) && answer.status == Status::Complete;
            let selected: Vec<&Sent> = tracked.request.events.iter().filter(|e| asked.filter.selects(e)).collect();
            let count = |event: &Sent| found.get(&*event.id).copied().unwrap_or_default();
            for event in &selected {
                let most = event.copies * if tracked.request.identity == Identity::None { tracked.attempts } else { 1 };
                if count(event) > most {
                    wrong.push(format!("G3: {} is there {} times, sent {most}", event.id, count(event)));
                }
                let is_surely_selected = match (asked.range, event.timestamp) {
                    (None, _) => true,
                    (Some((from, to)), Some(time)) => from <= time && time < to,
                    (Some(_), None) => false,
                };
                let comes_before_the_cut = !is_cut
                    || match (last_time, event.timestamp) {
                        (Some(last), Some(time)) => {
                            if asked.newest_first {
                                time > last
                            } else {
                                time < last
                            }
                        }
                        _ => false,
                    };
                if must && is_surely_selected && comes_before_the_cut && count(event) < event.copies {
                    wrong.push(format!(
                        "G4: {} is there {} times, acknowledged {}",
                        event.id,
                        count(event),
                        event.copies
                    ));
                }
            }
            // A request of one batch is there as a whole or not at all.
            let is_whole = selected.iter().all(|event| count(event) >= event.copies);
            let is_absent = selected.iter().all(|event| count(event) == 0);
            let is_all = answer.status == Status::Complete && asked.range.is_none() && !is_cut;
            if is_all && !is_whole && !is_absent {
                wrong.push(format!("G5: request {number} is there in part"));
            }
        }
    }

    fn check_counts(
        &self,
        asked: &Asked,
        before: &Acknowledged,
        answer: &Answered,
        counts: &BTreeMap<String, u64>,
        wrong: &mut Vec<String>,
    ) {
        let mut bounds: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for (number, tracked) in self.requests.iter().enumerate() {
            if tracked.request.tenant != asked.tenant {
                continue;
            }
            let must = before.get(number).copied().unwrap_or(false) && answer.status == Status::Complete;
            let times =
                if tracked.request.identity == Identity::None { tracked.attempts } else { tracked.attempts.min(1) };
            for event in tracked.request.events.iter().filter(|event| asked.filter.selects(event)) {
                let (least, most) = bounds.entry(event.service).or_default();
                *least += if must { event.copies } else { 0 };
                *most += event.copies * times;
            }
        }
        for service in counts.keys().filter(|service| !bounds.contains_key(service.as_str())) {
            wrong.push(format!("G7: counts of service {service:?}, which has sent nothing"));
        }
        for (service, (least, most)) in bounds {
            let count = counts.get(service).copied().unwrap_or_default();
            if count < least || count > most {
                wrong.push(format!("G3, G4: {count} events of {service} counted, not {least} to {most}"));
            }
        }
    }
}

/// Whether what came back is the event that was sent; one without a time has got that of receipt.
pub fn is_same(event: &Sent, back: Json) -> bool {
    let back = if event.timestamp.is_none() { back.without("timestamp") } else { back };
    back == event.json
}

/// The time of an event as the simulation's clients write it.
fn time_of(json: &Json) -> Option<Timestamp> {
    let time = json.field("timestamp").or_else(|| json.field("@timestamp"))?;
    Timestamp::parse(time.text()?)
}
