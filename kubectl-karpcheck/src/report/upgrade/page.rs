//! The steps as GitHub's markdown, which a person ticks off.

use std::io::{self, Write};

use crate::report::markdown::{code, escape};
use crate::report::upgrade::{Spare, Upgrade, additions, parts, people, spare, target};
use crate::report::{Run, closing, diff, message, rows, text};

pub(super) fn write(upgrade: &Upgrade<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "### {}\n\n{}", escape(&people::heading(upgrade)), escape(&people::summary(upgrade)))?;
    for (hop, number) in upgrade.hops.iter().zip(1..) {
        writeln!(out, "\n#### Step {number}: to Karpenter {}\n", escape(target(hop)))?;
        if let Some(supported) = people::supported(hop) {
            writeln!(out, "It {}.\n", escape(&supported))?;
        }
        if let Some(stop) = &hop.stop {
            writeln!(out, "It must not be skipped: {} ({})\n", escape(stop.why), stop.source)?;
        }
        for note in &hop.notes {
            writeln!(out, "- [ ] before {}: {} ({})", escape(&note.since), escape(note.text), note.source)?;
        }
        for (part, results) in &parts(hop) {
            let run = Run { results, ..hop.run.clone() };
            for group in rows::grouped(&run) {
                let first = group.first();
                let places: Vec<String> =
                    text::few(&group.places(&run).into_iter().map(|(subject, _)| code(&subject)).collect::<Vec<_>>());
                writeln!(
                    out,
                    "- [ ] {} **{} {}** {}<br>{}",
                    escape(part.title()),
                    message::severity(first),
                    escape(&first.rule),
                    places.join(", "),
                    message::group(&run, &group).iter().map(|line| escape(line)).collect::<Vec<_>>().join("<br>")
                )?;
            }
        }
        writeln!(
            out,
            "- [ ] apply the CRDs of {0} (chart karpenter-crd), then the chart karpenter",
            escape(target(hop))
        )?;
    }
    let by_hand = additions::by_hand(upgrade);
    if !upgrade.files.is_empty() || !by_hand.is_empty() {
        writeln!(out, "\n#### To add before step 1\n")?;
    }
    for file in &upgrade.files {
        let diff = text::clean(&diff::text(file));
        // A fence longer than any that the file has.
        let fence = "`".repeat(3.max(longest_run(&diff) + 1));
        writeln!(out, "{fence}diff\n{diff}{fence}\n")?;
    }
    for line in by_hand {
        writeln!(out, "- [ ] {}", escape(&line))?;
    }
    if !upgrade.obsolete.is_empty() {
        writeln!(out, "\n#### No longer needed, once no earlier version runs\n")?;
    }
    for Spare { actions, policy, why } in spare(upgrade) {
        let actions: Vec<String> = actions.into_iter().map(code).collect();
        writeln!(out, "- [ ] {} in {}: {}", text::and(&actions), escape(&policy), escape(why))?;
    }
    for problem in closing::problems(&upgrade.now).into_iter().filter(|problem| problem.loud) {
        writeln!(out, "\n**{}**", escape(&problem.to_string()))?;
    }
    Ok(())
}

fn longest_run(text: &str) -> usize {
    text.split(|char| char != '`').map(str::len).max().unwrap_or(0)
}
