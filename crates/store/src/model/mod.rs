//! A model of S3 around any object store: what its requests would take and cost there.
//!
//! ```text
//!   stage ──▶ ModelledObjects ──▶ any Objects (files, memory)
//!                │     └─ waits: Clock::sleep(time of the call), or only adds it up
//!                └─ counts: requests and bytes by kind, round trips, time, dollars
//! ```
//!
//! One request takes [`S3Timing::first_byte`] plus its bytes at [`S3Timing::bytes_per_second`]. The ranges of one call
//! go out together over up to [`S3Timing::connections`] connections, each taking the next range when it is free; the call
//! ends with the last of them. Nothing is drawn by chance: equal calls take equal time.
//!
//! * [`ModelledObjects`]: the adapter
//! * [`S3Timing`]: how long requests take
//! * [`Usage`]: what was asked for, and its price
//! * [`SkippingClock`]: a clock that goes on by itself when somebody waits for it

mod clock;
mod objects;
mod timing;
mod usage;

pub use clock::SkippingClock;
pub use objects::ModelledObjects;
pub use timing::{CONNECTION_BYTES_PER_SECOND, CONNECTIONS, FIRST_BYTE, LIST_KEYS, S3Timing};
pub use usage::Usage;
