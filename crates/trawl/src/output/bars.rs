//! Bars of block characters.

use anstyle::{AnsiColor, Style};

/// A full cell.
const FULL: char = '█';
/// Cells that are filled by 1/8 to 7/8 from the left.
const EIGHTHS: [char; 7] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'];
/// What tells the parts of a bar apart where there are no colours.
const PATTERNS: [char; 10] = ['█', '▓', '▒', '░', '#', '=', '+', '-', ':', '.'];
/// What tells them apart where there are.
const PALETTE: [AnsiColor; 10] = [
    AnsiColor::Cyan,
    AnsiColor::Magenta,
    AnsiColor::Yellow,
    AnsiColor::Green,
    AnsiColor::Blue,
    AnsiColor::Red,
    AnsiColor::BrightCyan,
    AnsiColor::BrightMagenta,
    AnsiColor::BrightYellow,
    AnsiColor::BrightBlack,
];

/// How a part of a bar is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fill {
    /// The character of a cell.
    pub cell: char,
    /// Its colour; none where there are no colours.
    pub style: Style,
}

impl Fill {
    /// The fill of the part at `place`.
    pub fn nth(place: usize, colours: bool) -> Self {
        let pick = place % PALETTE.len();
        match colours {
            true => Self { cell: FULL, style: PALETTE[pick].on_default() },
            false => Self { cell: PATTERNS[pick], style: Style::new() },
        }
    }

    /// The same with a colour of one's own, where there are colours.
    #[must_use]
    pub fn with_colour(self, colour: AnsiColor, colours: bool) -> Self {
        if colours { Self { style: colour.on_default(), ..self } } else { self }
    }
}

/// A bar of `count` where `most` is `cells` cells long; exact to an eighth of a cell. What is not nothing is seen.
pub fn bar(count: u64, most: u64, cells: usize) -> String {
    if count == 0 || most == 0 {
        return String::new();
    }
    let eighths = (count as f64 / most as f64 * cells as f64 * 8.0).round() as usize;
    let eighths = eighths.clamp(1, cells * 8);
    let mut bar = FULL.to_string().repeat(eighths / 8);
    bar.extend((eighths % 8).checked_sub(1).and_then(|rest| EIGHTHS.get(rest)));
    bar
}

/// A bar of parts side by side, in whole cells. The ends of the parts are rounded, not their lengths, so that the
/// whole is as long as it should be; what is not nothing has one cell at least.
pub fn stacked(parts: &[(u64, Fill)], most: u64, cells: usize) -> String {
    let total: u64 = parts.iter().map(|(count, _)| count).sum();
    let cell_of = |count: u64| (count as f64 / most.max(1) as f64 * cells as f64).round() as usize;
    let mut bar = String::new();
    let (mut sum, mut drawn) = (0, 0);
    for (count, fill) in parts {
        sum += count;
        let least = usize::from(sum == total && total > 0);
        let end = cell_of(sum).max(least).min(cells);
        if end > drawn {
            let style = fill.style;
            bar.push_str(&format!("{style}{}{style:#}", fill.cell.to_string().repeat(end - drawn)));
            drawn = end;
        }
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_exact_to_an_eighth() {
        let drawn: Vec<String> = [0, 1, 50, 100, 150, 799, 800].map(|count| bar(count, 800, 8)).into();
        assert_eq!(drawn, ["", "▏", "▌", "█", "█▌", "████████", "████████"]);
        assert_eq!(bar(1, 1_000_000, 10), "▏");
        assert_eq!(bar(1, 0, 10), "");
    }

    #[test]
    fn parts_add_up_to_the_whole() {
        let parts = |counts: &[u64]| -> Vec<(u64, Fill)> {
            counts.iter().enumerate().map(|(place, count)| (*count, Fill::nth(place, false))).collect()
        };
        assert_eq!(stacked(&parts(&[3, 3, 4]), 10, 10), "███▓▓▓▒▒▒▒");
        assert_eq!(stacked(&parts(&[1, 1, 1]), 3, 8), "███▓▓▒▒▒");
        assert_eq!(stacked(&parts(&[0, 1, 0]), 1000, 10), "▓");
        assert_eq!(stacked(&parts(&[0, 0]), 1000, 10), "");
        assert_eq!(stacked(&[(2, Fill::nth(0, true))], 2, 2), "\u{1b}[36m██\u{1b}[0m");
    }
}
