//! What the rules of a run cost, for pack authors: `--stats`.

use std::io;
use std::io::Write;
use std::time::Duration;

use crate::findings::finding::RuleCost;

const HEADINGS: [&str; 5] = ["RULE", "SUBJECTS", "FUEL", "HOST WORK", "TIME"];

/// A line for each rule, the dearest first, and the sum; then how long each step of the run took.
///
/// # Errors
/// The stream's.
pub fn costs(costs: &[RuleCost], steps: &[(&str, Duration)], out: &mut dyn Write) -> io::Result<()> {
    let mut sorted: Vec<&RuleCost> = costs.iter().collect();
    // Time is last: it differs from run to run, and the order should not.
    sorted.sort_by_key(|cost| (std::cmp::Reverse(cost.fuel.saturating_add(cost.work)), cost.rule.clone()));
    let row = |rule: &str, subjects: u64, fuel: u64, work: u64, time: u64| {
        [rule.to_owned(), grouped(subjects), grouped(fuel), grouped(work), milliseconds(Duration::from_nanos(time))]
    };
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    rows.extend(
        sorted.iter().map(|cost| row(&cost.rule, cost.subjects.into(), cost.fuel, cost.work, cost.nanoseconds)),
    );
    let sum = |part: fn(&RuleCost) -> u64| costs.iter().map(part).sum::<u64>();
    rows.push(row(
        "all rules",
        sum(|cost| cost.subjects.into()),
        sum(|cost| cost.fuel),
        sum(|cost| cost.work),
        sum(|cost| cost.nanoseconds),
    ));
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or_default();
    let widths = [width(0), width(1), width(2), width(3), width(4)];
    for [rule, subjects, fuel, work, time] in &rows {
        let [name, numbers @ ..] = widths;
        let [a, b, c, d] = numbers;
        writeln!(out, "{rule:name$}  {subjects:>a$}  {fuel:>b$}  {work:>c$}  {time:>d$}")?;
    }
    let steps: Vec<String> = steps.iter().map(|(step, time)| format!("{step} {}", milliseconds(*time))).collect();
    writeln!(out, "{}", steps.join(", "))
}

/// `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dearest_rule_comes_first_and_all_are_summed_up() {
        let cost =
            |rule: &str, fuel, work| RuleCost { rule: rule.into(), subjects: 2, fuel, work, nanoseconds: 1_500_000 };
        let mut out = vec![];
        let steps = [("reading", Duration::from_millis(250)), ("judging", Duration::from_micros(500))];
        costs(&[cost("cheap", 10, 0), cost("team/dear", 1_234_000, 567)], &steps, &mut out)
            .expect("a vector takes all");
        let lines = [
            "RULE       SUBJECTS       FUEL  HOST WORK    TIME",
            "team/dear         2  1,234,000        567  1.5 ms",
            "cheap             2         10          0  1.5 ms",
            "all rules         4  1,234,010        567  3.0 ms",
            "reading 250.0 ms, judging 0.5 ms",
        ];
        assert_eq!(String::from_utf8_lossy(&out).lines().collect::<Vec<_>>(), lines);
    }
}
