//! A server that is away for a while.

use std::time::{Duration, Instant};

use trawl_client::{Client, Error, Retries};

use crate::output::style;
use crate::timespec::short;

/// How long the server may be away before that is said.
const SAID_AFTER: Duration = Duration::from_secs(3);

/// Asks until there is an answer, and says once that there is none, and when there is one again.
pub struct Patience {
    client: Client,
    /// Since when the server is away, once that was said.
    away: Option<Instant>,
}

impl Patience {
    /// With this client, in short attempts.
    pub fn new(client: &Client) -> Self {
        let brief = Retries { give_up_after: SAID_AFTER, ..Retries::default() };
        Self { client: client.clone().with_retries(brief), away: None }
    }

    /// The answer, however long it takes; `None` if the server does not know the cursor it gave.
    pub fn ask<A>(&mut self, ask: impl Fn(&Client) -> Result<A, Error>) -> Result<Option<A>, Error> {
        loop {
            let (answer, is_lost) = match ask(&self.client) {
                Ok(answer) => (Some(answer), false),
                Err(error) if is_away(&error) => {
                    self.say_away(&error);
                    continue;
                }
                Err(error) if error.api().is_some_and(|api| api.code == "invalid_cursor") => (None, true),
                Err(error) => return Err(error),
            };
            self.say_back(is_lost);
            return Ok(answer);
        }
    }

    fn say_away(&mut self, error: &Error) {
        if self.away.is_none() {
            self.away = Some(Instant::now());
            let warning = style::WARNING;
            anstream::eprintln!("{warning}waiting:{warning:#} {error}");
        }
    }

    fn say_back(&mut self, is_lost: bool) {
        let warning = style::WARNING;
        let away = self.away.take().map(|since| since.elapsed());
        if is_lost {
            anstream::eprintln!(
                "{warning}gap:{warning:#} the server has no memory of what was shown; following what arrives from now on, \
                 and a search finds what came between"
            );
        } else if let Some(away) = away {
            // Before it was said, an attempt was under way for a while.
            let seconds = (away + SAID_AFTER).as_secs().max(1);
            anstream::eprintln!("the server answers again, after {}", short(seconds * 1000));
        }
    }
}

/// Whether the same question may be answered later.
fn is_away(error: &Error) -> bool {
    match error {
        Error::Unreachable { .. } => true,
        Error::Api(api) => matches!(api.status, 429 | 500..=599),
        _ => false,
    }
}
