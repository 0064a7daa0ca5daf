//! What a query needs → a formula over slots.

use trawl_event::text::fold_into;
use trawl_event::{Evidence, Fragment};

use super::terms::{self, Name};
use super::{FIVES, GRAMS, LONG_WORDS, MIN_GRAMS, TERMS};

/// Most grams of one fragment that are noted. How many of them are asked for depends on the segment.
const MAX_GRAMS: usize = 32;
/// Most slots of a whole query; what goes beyond is not asked for.
const MAX_SLOTS: usize = 256;

/// A formula over the slots of an index. It is made once and asked of any segment.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexQuery {
    pub(super) root: Node,
}

/// A hash in a plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Slot {
    pub(super) plane: usize,
    pub(super) hash: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Everything,
    All(Vec<Node>),
    Any(Vec<Node>),
    Slot(Slot),
    /// Grams of one fragment, which all stand in it. Any of them may be left out: the first are spread over all of it.
    Grams {
        plane: usize,
        hashes: Vec<u32>,
    },
    Zone(Zone),
}

/// A question to the zones of a row group.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Zone {
    /// A number of `[low, high]` in a column of this name.
    Number { name: String, low: f64, high: f64 },
    /// A level of one of these ranks, as a mask.
    Level { ranks: u8 },
}

impl IndexQuery {
    /// The formula for this evidence.
    pub fn new(evidence: &Evidence) -> Self {
        Self { root: Compiler { slots: 0 }.node(evidence) }
    }

    /// Whether it skips nothing anywhere.
    pub fn is_everything(&self) -> bool {
        self.root == Node::Everything
    }
}

struct Compiler {
    /// Slots so far.
    slots: usize,
}

impl Compiler {
    fn node(&mut self, evidence: &Evidence) -> Node {
        match evidence {
            Evidence::Anything => Node::Everything,
            Evidence::All(sides) => all(sides.iter().map(|side| self.node(side)).collect()),
            Evidence::Any(sides) => any(sides.iter().map(|side| self.node(side)).collect()),
            Evidence::Text(fragment) => self.text(fragment),
            Evidence::FieldText { name, fragment } => {
                let column = Name::of(name);
                let mut words = Vec::new();
                let mut folded = String::new();
                fold_into(&fragment.text, &mut folded);
                terms::whole_words(&folded, fragment.starts_word, fragment.ends_word, |word| {
                    words.push(column.word(word));
                });
                let listed = all(words.into_iter().map(|word| self.slot(TERMS, word)).collect());
                self.or_open(name, listed)
            }
            Evidence::FieldNumber { name, low, high } => {
                Node::Zone(Zone::Number { name: name.clone(), low: *low, high: *high })
            }
            Evidence::FieldLevel { ranks } => Node::Zone(Zone::Level { ranks: *ranks }),
            Evidence::FieldValue { name, value } => {
                let listed = match value {
                    Some(value) => self.slot(TERMS, Name::of(name).value(value)),
                    None => Node::Any(Vec::new()),
                };
                self.or_open(name, listed)
            }
        }
    }

    fn slot(&mut self, plane: usize, hash: u32) -> Node {
        self.slots += 1;
        if self.slots <= MAX_SLOTS { Node::Slot(Slot { plane, hash }) } else { Node::Everything }
    }

    fn text(&mut self, fragment: &Fragment) -> Node {
        let mut folded = String::new();
        fold_into(&fragment.text, &mut folded);
        let mut words = Vec::new();
        terms::whole_words(&folded, fragment.starts_word, fragment.ends_word, |word| {
            let plane = if terms::is_long(word) { LONG_WORDS } else { TERMS };
            words.push((plane, terms::word(word)));
        });
        let (mut grams, mut fives) = (Vec::new(), Vec::new());
        terms::grams(&folded, |hash| grams.push(hash));
        terms::fives(&folded, |hash| fives.push(hash));
        let mut nodes: Vec<Node> = words.into_iter().map(|(plane, word)| self.slot(plane, word)).collect();
        self.slots += grams.len().min(MIN_GRAMS);
        // A row group has one of the two planes.
        for (plane, mut hashes) in [(GRAMS, grams), (FIVES, fives)] {
            hashes.dedup();
            if !hashes.is_empty() && self.slots <= MAX_SLOTS {
                nodes.push(Node::Grams { plane, hashes: spread(hashes) });
            }
        }
        all(nodes)
    }

    /// What is listed of the column, or that the column, or one of JSON that holds it, has more than is listed.
    fn or_open(&mut self, name: &str, listed: Node) -> Node {
        let parents = name.match_indices('.').map(|(at, _)| &name[..at]);
        let open: Vec<Node> = parents.chain([name]).map(|name| self.slot(TERMS, Name::of(name).open())).collect();
        any([listed].into_iter().chain(open).collect())
    }
}

/// At most [`MAX_GRAMS`] of these grams, in such an order that the first [`MIN_GRAMS`] are spread over all of them:
/// neighbours share three of their four bytes and tell little more together than alone.
fn spread(grams: Vec<u32>) -> Vec<u32> {
    let step = grams.len().div_ceil(MIN_GRAMS).max(1);
    let mut ordered = Vec::with_capacity(grams.len());
    for offset in 0..step {
        ordered.extend(grams.iter().skip(offset).step_by(step));
    }
    ordered.truncate(MAX_GRAMS);
    ordered
}

fn all(mut sides: Vec<Node>) -> Node {
    sides.retain(|side| *side != Node::Everything);
    match sides.len() {
        0 => Node::Everything,
        1 => sides.remove(0),
        _ => Node::All(sides),
    }
}

fn any(mut sides: Vec<Node>) -> Node {
    match sides.len() {
        _ if sides.contains(&Node::Everything) => Node::Everything,
        1 => sides.remove(0),
        _ => Node::Any(sides),
    }
}
