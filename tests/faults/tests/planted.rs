//! The simulation finds bugs: each of these is planted in a port, and must be reported within a few seeds.
#![allow(clippy::print_stdout)] // how soon each is found is worth reading

use trawl_faults::faulty::Plant;
use trawl_faults::scenario::run_seed;

/// Seeds within which a planted bug must be found; `make test` runs ten times as many without one.
const SEEDS: u64 = 100;

fn assert_found(plant: Plant, guarantees: &[&str]) {
    for seed in 0..SEEDS {
        let violations = run_seed(seed, Some(plant)).violations;
        let named = violations.iter().find(|violation| guarantees.iter().any(|name| violation.contains(name)));
        if let Some(violation) = named {
            println!("{plant:?} is found with seed {seed}: {violation}");
            return;
        }
        assert!(violations.is_empty(), "{plant:?} shows as {violations:#?}, not as {guarantees:?}");
    }
    panic!("{plant:?} is not found within {SEEDS} seeds");
}

#[test]
fn a_commit_that_ignores_the_checkpoint_is_found() {
    assert_found(Plant::IgnoreCheckpoint, &["G2", "G3", "G5"]);
}

#[test]
fn an_acknowledgement_before_the_append_is_found() {
    assert_found(Plant::AcknowledgeEarly, &["G1", "G4"]);
}

#[test]
fn a_search_that_forgets_the_tail_is_found() {
    assert_found(Plant::ForgetTail, &["G4"]);
}

#[test]
fn claims_that_always_own_are_found() {
    assert_found(Plant::EveryClaimOwns, &["G2", "G3"]);
}
