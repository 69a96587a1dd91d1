//! What a pack may use.

use std::time::Duration;

/// The limits of the sandbox. The defaults leave room for guests in Rust, JavaScript and Python.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Fuel, some one unit an instruction, to list the rules and again for each subject. 1 G is some 0.1 s; a rule in
    /// JavaScript uses up to 7 M a subject.
    pub fuel: u64,
    /// Wall time of one rule. Only the backstop: fuel nearly always ends first.
    pub wall: Duration,
    /// Bytes of all linear memories and tables of a rule together. A rule in Python uses 13 MiB, in JavaScript 15 MiB.
    pub memory: usize,
    /// Linear memories of a rule.
    pub memories: usize,
    /// Tables of a rule.
    pub tables: usize,
    /// Core instances of a rule. A Python pack has some 20: one per library.
    pub instances: usize,
    /// Elements of all tables of a rule together. Python has some 10,000 functions in its table.
    pub table_elements: usize,
    /// Bytes that cross the boundary in one call, either way.
    pub call_bytes: usize,
    /// What the host does for a guest, per subject: nodes visited, links followed, and 64 bytes copied, each one unit.
    /// A rule that reads three fields of each of 100,000 items uses a tenth of it.
    pub host_work: u64,
    /// How many items an inventory may have before fuel, time, the host's work and the findings' texts grow in proportion: a rule may look at
    /// every item once, and an index over all items is made once.
    pub items: usize,
    /// Findings of one subject.
    pub findings: usize,
    /// Bytes of a message, a remediation or a reason; longer ones are cut.
    pub message: usize,
    /// Bytes of a note, a property's name or its value; longer ones are cut.
    pub note: usize,
    /// Places, edits or properties of one finding.
    pub details: usize,
    /// Bytes of all texts of a rule's findings together.
    pub text: usize,
    /// Bytes of the findings of a pack's rules together, and of a run's: two packs' worth. Beyond it, rules are left out.
    pub pack_text: usize,
    /// Fuel of a pack's rules together, over all subjects; of a run's, twice as much.
    pub pack_fuel: u64,
    /// The host's work for a pack's rules together; for a run's, twice as much.
    pub pack_work: u64,
    /// Wall time of a run's rules together. Only the backstop.
    pub run_wall: Duration,
    /// Lines of a rule's log that are kept: the last ones.
    pub log_lines: usize,
    /// Bytes of a component. A Python pack has 18.5 MB.
    pub component: u64,
    /// CPU time to compile a component, whole seconds. A Python pack takes up to 40 s.
    pub compile: Duration,
    /// Bytes of address space that compiling takes.
    pub compile_memory: u64,
    /// Rules of a pack.
    pub rules: usize,
    /// Kinds, or settings, that one rule declares.
    pub declared: usize,
    /// Bytes of a rule's page.
    pub docs: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel: 1_000_000_000,
            wall: Duration::from_secs(60),
            memory: 128 << 20,
            memories: 8,
            tables: 32,
            instances: 128,
            table_elements: 200_000,
            call_bytes: 8 << 20,
            host_work: 5_000_000,
            items: 10_000,
            findings: 100,
            message: 2_000,
            note: 500,
            details: 50,
            text: 16 << 20,
            pack_text: 32 << 20,
            pack_fuel: 1_000_000_000_000,
            pack_work: 2_000_000_000,
            run_wall: Duration::from_secs(300),
            log_lines: 20,
            component: 32 << 20,
            compile: Duration::from_secs(120),
            compile_memory: 2 << 30,
            rules: 500,
            declared: 64,
            docs: 64 << 10,
        }
    }
}

impl Limits {
    /// The limits over so many items.
    pub(super) fn over(&self, items: usize) -> Self {
        let times = u32::try_from(items / self.items.max(1)).unwrap_or(u32::MAX).max(1);
        Self {
            fuel: self.fuel.saturating_mul(times.into()),
            host_work: self.host_work.saturating_mul(times.into()),
            wall: self.wall.saturating_mul(times),
            text: self.text.saturating_mul(times as usize),
            pack_text: self.pack_text.saturating_mul(times as usize),
            pack_fuel: self.pack_fuel.saturating_mul(times.into()),
            pack_work: self.pack_work.saturating_mul(times.into()),
            run_wall: self.run_wall.saturating_mul(times),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_grow_with_the_inventory_and_never_shrink() {
        let limits = Limits::default();
        assert_eq!(limits.over(0), limits);
        assert_eq!(limits.over(19_999), limits);
        let large = limits.over(100_000);
        assert_eq!(
            (large.fuel, large.host_work, large.wall),
            (10 * limits.fuel, 10 * limits.host_work, 10 * limits.wall)
        );
        assert_eq!((large.memory, large.call_bytes), (limits.memory, limits.call_bytes));
    }
}
