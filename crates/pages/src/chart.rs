//! Bar charts, drawn here as SVG: shapes with classes, so that the style decides on colours, and words for those who do
//! not see them. A table with the same figures belongs beside each.

use askama::Template;
use askama::filters::HtmlSafe;

/// Size of the picture and of the plot in it, in units of the drawing.
const WIDTH: i64 = 760;
const HEIGHT: i64 = 280;
const LEFT: i64 = 96;
const TOP: i64 = 12;
const PLOT_WIDTH: i64 = WIDTH - LEFT - 8;
const PLOT_HEIGHT: i64 = HEIGHT - TOP - 40;
/// How many lines cross the plot above its base.
const LINES: i64 = 4;

/// How many groups have a label; of more, every second, third and so on has one.
const LABELS: usize = 12;

/// What the classes of up to three series are called in the style.
const CLASSES: [&str; 3] = ["c1", "c2", "c3"];
/// The same of two that stack: a part, and what is missing to the whole.
const PART_AND_REST: [&str; 2] = ["c1", "rest"];

/// Values that belong together, side by side or one on the other.
#[derive(Debug, Clone)]
pub struct Group {
    /// What stands below; after a line feed, in a second line.
    pub label: String,
    /// A value of each series, and how it is written. What is below zero is drawn as zero; its text says what it is.
    pub values: Vec<(i64, String)>,
}

/// A bar chart.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/chart.html")]
pub struct BarChart {
    id: String,
    title: String,
    description: String,
    legend: Vec<(&'static str, String)>,
    lines: Vec<Line>,
    bars: Vec<Bar>,
    labels: Vec<Label>,
}

impl HtmlSafe for BarChart {}

#[derive(Debug, Clone)]
struct Line {
    y: i64,
    label: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Bar {
    x: i64,
    y: i64,
    width: i64,
    height: i64,
    class: &'static str,
    title: String,
}

#[derive(Debug, Clone)]
struct Label {
    x: i64,
    text: String,
    second: Option<String>,
}

impl BarChart {
    /// Draws the groups from left to right. `id` makes the chart's elements unique on the page; `series` are the names of
    /// the values of a group (three at most); `scale` writes a value of the axis.
    pub fn new(
        id: &str,
        (title, description): (String, String),
        series: &[String],
        groups: &[Group],
        scale: impl Fn(i64) -> String,
    ) -> Self {
        let largest = groups.iter().flat_map(|group| &group.values).map(|(value, _)| *value).max().unwrap_or(0);
        let top = ceiling(largest);
        let slot = slot(groups);
        let count = i64::try_from(series.len().clamp(1, CLASSES.len())).unwrap_or(1);
        let width = ((slot * 7 / 10) / count).max(1);
        let mut bars = Vec::new();
        for (group, n) in groups.iter().zip(0_i64..) {
            let left = LEFT + n * slot + (slot - width * count) / 2;
            for (((value, shown), class), m) in group.values.iter().zip(CLASSES).zip(0_i64..) {
                let height = height(*value, top);
                let name = usize::try_from(m).ok().and_then(|m| series.get(m)).map(String::as_str).unwrap_or_default();
                bars.push(Bar {
                    x: left + m * width,
                    y: TOP + PLOT_HEIGHT - height,
                    width,
                    height,
                    class,
                    title: format!("{}, {name}: {shown}", in_one_line(group)),
                });
            }
        }
        Self {
            id: id.to_owned(),
            title,
            description,
            legend: CLASSES.into_iter().zip(series.iter().cloned()).collect(),
            lines: lines(top, scale),
            bars,
            labels: labels(groups),
        }
    }

    /// Draws a part and the rest of each group one on the other. `series` names the two.
    pub fn stacked(
        id: &str,
        (title, description): (String, String),
        series: [String; 2],
        groups: &[Group],
        scale: impl Fn(i64) -> String,
    ) -> Self {
        let whole = |group: &Group| {
            group
                .values
                .iter()
                .take(PART_AND_REST.len())
                .fold(0_i64, |sum, (value, _)| sum.saturating_add((*value).max(0)))
        };
        let top = ceiling(groups.iter().map(whole).max().unwrap_or(0));
        let slot = slot(groups);
        let width = (slot * 7 / 10).max(1);
        let mut bars = Vec::new();
        for (group, n) in groups.iter().zip(0_i64..) {
            let mut below = 0_i64;
            for (((value, shown), class), name) in group.values.iter().zip(PART_AND_REST).zip(&series) {
                // From sum to sum, so that rounding leaves no gap and never passes the top.
                let floor = height(below, top);
                below = below.saturating_add((*value).max(0));
                let ceiling = height(below, top);
                bars.push(Bar {
                    x: LEFT + n * slot + (slot - width) / 2,
                    y: TOP + PLOT_HEIGHT - ceiling,
                    width,
                    height: ceiling - floor,
                    class,
                    title: format!("{}, {name}: {shown}", in_one_line(group)),
                });
            }
        }
        Self {
            id: id.to_owned(),
            title,
            description,
            legend: PART_AND_REST.into_iter().zip(series).collect(),
            lines: lines(top, scale),
            bars,
            labels: labels(groups),
        }
    }
}

fn in_one_line(group: &Group) -> String {
    group.label.replace('\n', ", ")
}

/// The width that each group has.
fn slot(groups: &[Group]) -> i64 {
    (PLOT_WIDTH / i64::try_from(groups.len().max(1)).unwrap_or(i64::MAX)).max(1)
}

fn lines(top: i64, scale: impl Fn(i64) -> String) -> Vec<Line> {
    let line = |n| {
        let value = portion(top, n, LINES);
        Line { y: TOP + PLOT_HEIGHT - height(value, top), label: scale(value) }
    };
    (0..=LINES).map(line).collect()
}

fn labels(groups: &[Group]) -> Vec<Label> {
    let (slot, step) = (slot(groups), groups.len().div_ceil(LABELS).max(1));
    let label = |(group, n): (&Group, i64)| {
        let (text, second) = match group.label.split_once('\n') {
            Some((text, second)) => (text, Some(second.to_owned())),
            None => (group.label.as_str(), None),
        };
        Label { x: LEFT + n * slot + slot / 2, text: text.to_owned(), second }
    };
    groups.iter().zip(0_i64..).step_by(step).map(label).collect()
}

fn portion(value: i64, part: i64, of: i64) -> i64 {
    i64::try_from(i128::from(value) * i128::from(part) / i128::from(of.max(1))).unwrap_or(i64::MAX)
}

/// How high a bar is.
fn height(value: i64, top: i64) -> i64 {
    let value = i128::from(value.clamp(0, top));
    i64::try_from(value * i128::from(PLOT_HEIGHT) / i128::from(top.max(1))).unwrap_or(0)
}

/// The round number an axis ends with: 1, 2, 4 or 8 with zeros, not below the value.
fn ceiling(value: i64) -> i64 {
    let mut unit = 1_i64;
    loop {
        for factor in [1, 2, 4, 8] {
            match unit.checked_mul(factor) {
                Some(round) if round >= value && round >= LINES => return round,
                Some(_) => {}
                None => return i64::MAX,
            }
        }
        match unit.checked_mul(10) {
            Some(next) => unit = next,
            None => return i64::MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chart(values: &[i64]) -> BarChart {
        let groups: Vec<Group> = values
            .iter()
            .map(|value| Group { label: "<Jan>".to_owned(), values: vec![(*value, format!("€{value}"))] })
            .collect();
        BarChart::new("spend", ("T".to_owned(), "D".to_owned()), &["Cost".to_owned()], &groups, |v| v.to_string())
    }

    #[test]
    fn an_axis_ends_with_a_round_number() {
        for (value, top) in [(0, 4), (5, 8), (9, 10), (11, 20), (399, 400), (401, 800), (i64::MAX, i64::MAX)] {
            assert_eq!(ceiling(value), top, "{value}");
        }
    }

    #[test]
    fn bars_are_as_high_as_their_values_and_have_words() {
        let chart = chart(&[0, 400, 200, -50]);
        let heights: Vec<i64> = chart.bars.iter().map(|bar| bar.height).collect();
        assert_eq!(heights, [0, PLOT_HEIGHT, PLOT_HEIGHT / 2, 0]);
        let svg = chart.render().unwrap();
        assert!(svg.contains("<title id=\"spend-title\">T</title>") && svg.contains("€-50"), "{svg}");
        assert!(!svg.contains("<Jan>") && !svg.contains("style="), "{svg}");
    }

    #[test]
    fn a_label_may_have_a_second_line() {
        let group = |label: &str| Group { label: label.to_owned(), values: vec![(1, "€1".to_owned())] };
        let groups = [group("a\n<b>"), group("c")];
        let chart =
            BarChart::new("s", ("T".to_owned(), "D".to_owned()), &["Cost".to_owned()], &groups, |v| v.to_string());
        let seconds: Vec<Option<&str>> = chart.labels.iter().map(|label| label.second.as_deref()).collect();
        assert_eq!(seconds, [Some("<b>"), None]);
        assert_eq!(chart.bars[0].title, "a, <b>, Cost: €1");
        assert_eq!(chart.render().unwrap().matches("y=\"273\"").count(), 1);
    }

    fn stack(values: &[(i64, i64)]) -> BarChart {
        let value = |value: i64| (value, format!("{value} h"));
        let group = |(n, (used, rest)): (usize, &(i64, i64))| Group {
            label: format!("day {n}"),
            values: vec![value(*used), value(*rest)],
        };
        let groups: Vec<Group> = values.iter().enumerate().map(group).collect();
        let series = ["Used".to_owned(), "Unused".to_owned()];
        BarChart::stacked("use", ("T".to_owned(), "D".to_owned()), series, &groups, |v| v.to_string())
    }

    #[test]
    fn a_part_and_the_rest_stand_one_on_the_other() {
        let chart = stack(&[(100, 300), (0, 200), (400, -5)]);
        let bars: Vec<(i64, i64)> = chart.bars.iter().map(|bar| (bar.y - TOP, bar.height)).collect();
        let quarter = PLOT_HEIGHT / 4;
        assert_eq!(bars[0], (3 * quarter, quarter));
        assert_eq!(bars[1], (0, 3 * quarter));
        assert_eq!(bars[3], (2 * quarter, 2 * quarter));
        assert_eq!(bars[5], (0, 0), "what is below zero is drawn as zero");
        assert_eq!(chart.bars[1].title, "day 0, Unused: 300 h");
        assert_eq!(stack(&[(1, 1); 60]).labels.len(), 12);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn every_bar_stays_in_the_plot(values in proptest::collection::vec(any::<i64>(), 0..30)) {
            for bar in chart(&values).bars {
                prop_assert!(bar.x >= LEFT && bar.x + bar.width <= WIDTH);
                prop_assert!(bar.y >= TOP && bar.height >= 0 && bar.y + bar.height == TOP + PLOT_HEIGHT);
            }
        }

        #[test]
        fn every_stack_stays_in_the_plot(values in proptest::collection::vec(any::<(i64, i64)>(), 0..120)) {
            for pair in stack(&values).bars.chunks(2) {
                let [part, rest] = pair else { panic!("two bars a group") };
                prop_assert!(part.x >= LEFT && part.x + part.width <= WIDTH && part.x == rest.x);
                prop_assert!(rest.y >= TOP && part.height >= 0 && rest.height >= 0);
                prop_assert!(rest.y + rest.height == part.y && part.y + part.height == TOP + PLOT_HEIGHT);
            }
        }
    }
}
