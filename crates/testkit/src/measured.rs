//! A figure, what it is held against, and the verdict.

use std::fmt;

/// One line of a table of figures.
#[derive(Debug, Clone)]
pub struct Measured {
    what: String,
    figure: String,
    against: String,
    ratio: String,
    goal: String,
    verdict: &'static str,
}

impl Measured {
    /// A figure that stands for itself.
    pub fn figure(what: &str, figure: u64, unit: &str) -> Self {
        let figure = format!("{figure} {unit}");
        let none = String::new;
        Self { what: what.to_owned(), figure, against: none(), ratio: none(), goal: none(), verdict: "" }
    }

    /// A figure that must stay under a limit.
    pub fn below(what: &str, figure: u64, unit: &str, limit: u64) -> Self {
        let verdict = verdict(figure < limit);
        Self { goal: format!("< {limit} {unit}"), verdict, ..Self::figure(what, figure, unit) }
    }

    /// A time in microseconds that must stay under a limit in milliseconds, beside another time.
    pub fn time(what: &str, time_us: u64, against: &str, other_us: u64, limit_ms: u64) -> Self {
        let milliseconds = |time_us: u64| format!("{}.{} ms", time_us / 1_000, time_us % 1_000 / 100);
        let blank = Self::figure(what, 0, "");
        Self {
            figure: milliseconds(time_us),
            against: format!("{against}: {}", milliseconds(other_us)),
            goal: format!("< {limit_ms} ms"),
            verdict: verdict(time_us < limit_ms * 1_000),
            ..blank
        }
    }

    /// A figure that must reach so many thousandths of another.
    pub fn ratio(what: &str, figure: u64, unit: &str, against: &str, other: u64, goal_e3: u64) -> Self {
        let ratio_e3 = figure * 1_000 / other.max(1);
        Self {
            against: format!("{against}: {other} {unit}"),
            ratio: thousandths(ratio_e3),
            goal: format!(">= {}", thousandths(goal_e3)),
            verdict: verdict(ratio_e3 >= goal_e3),
            ..Self::figure(what, figure, unit)
        }
    }
}

fn verdict(reached: bool) -> &'static str {
    if reached { "reached" } else { "missed" }
}

fn thousandths(number: u64) -> String {
    format!("{}.{:02}", number / 1_000, number % 1_000 / 10)
}

impl fmt::Display for Measured {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, figure, against, ratio, goal, verdict } = self;
        write!(out, "| {what} | {figure} | {against} | {ratio} | {goal} | {verdict} |")
    }
}

#[cfg(test)]
mod tests {
    use super::Measured;

    #[test]
    fn a_line_says_what_was_reached() {
        let line = Measured::ratio("reads", 510, "/s", "bare", 1_000, 500).to_string();
        assert_eq!(line, "| reads | 510 /s | bare: 1000 /s | 0.51 | >= 0.50 | reached |");
        let line = Measured::time("list", 12_345, "empty page", 987, 50).to_string();
        assert_eq!(line, "| list | 12.3 ms | empty page: 0.9 ms |  | < 50 ms | reached |");
        assert!(Measured::below("memory", 64, "MiB", 64).to_string().ends_with("missed |"));
    }
}
