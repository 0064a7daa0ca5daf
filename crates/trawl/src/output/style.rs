//! The colours, by meaning. They are from the terminal's own sixteen, so that they fit its theme.

use anstyle::{AnsiColor, Color, Style};

/// A word that says that something failed.
pub const ERROR: Style = AnsiColor::Red.on_default().bold();
/// A word that says that something is not as it should be.
pub const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// What stands beside the point: times, names of fields.
pub const DIM: Style = Style::new().dimmed();
/// The name of a service.
pub const SERVICE: Style = AnsiColor::Cyan.on_default();
/// Headings of columns.
pub const HEADING: Style = Style::new().bold();
/// What the query asked for.
pub const MATCH: Style = AnsiColor::Black.on_default().bg_color(Some(Color::Ansi(AnsiColor::Yellow)));

/// The colour of a level.
pub fn level(level: Option<trawl_event::Level>) -> Style {
    use trawl_event::Level;
    match level {
        Some(Level::Fatal) => AnsiColor::White.on(AnsiColor::Red).bold(),
        Some(Level::Error) => AnsiColor::Red.on_default().bold(),
        Some(Level::Warn) => AnsiColor::Yellow.on_default(),
        Some(Level::Info) => AnsiColor::Green.on_default(),
        Some(Level::Debug | Level::Trace) => AnsiColor::Blue.on_default(),
        None => Style::new(),
    }
}
