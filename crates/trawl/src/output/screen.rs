//! How wide a drawing may be, and whether it may have colours.

use std::io;

use anstream::{AutoStream, ColorChoice};
use terminal_size::{Width, terminal_size, terminal_size_of};

/// Columns where nothing says how many there are.
const DEFAULT_COLUMNS: usize = 80;
/// Fewest and most columns that a drawing is made for: below, it could not be read; above, no eye follows a line.
const COLUMNS: (usize, usize) = (40, 200);

/// What a drawing is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// Characters in a line.
    pub columns: usize,
    /// Whether colours tell parts of a drawing apart; patterns do else.
    pub colours: bool,
}

impl Screen {
    /// What stands behind stdout.
    pub fn stdout() -> Self {
        Self::new(terminal_size(), AutoStream::choice(&io::stdout()))
    }

    /// What stands behind stderr.
    pub fn stderr() -> Self {
        Self::new(terminal_size_of(io::stderr()), AutoStream::choice(&io::stderr()))
    }

    /// `COLUMNS`, where it is set, is for pipes, and for those who know better.
    fn new(size: Option<(Width, terminal_size::Height)>, choice: ColorChoice) -> Self {
        let named = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        let columns = named.or(size.map(|(Width(columns), _)| usize::from(columns))).unwrap_or(DEFAULT_COLUMNS);
        Self { columns: columns.clamp(COLUMNS.0, COLUMNS.1), colours: choice != ColorChoice::Never }
    }
}
