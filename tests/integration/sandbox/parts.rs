//! A rule with many subjects is judged in parts, each in an instance of its own: what comes of it is what one instance would say.

use std::num::NonZeroUsize;
use std::sync::Arc;

use kubectl_karpcheck::engine::{Engine, Limits, Selected, run_rules};
use kubectl_karpcheck::findings::finding::CheckResults;
use kubectl_karpcheck::inventory::{At, Builder, Draft, Inventory, Map, Node, Origin, SourceKind, Value};
use kubectl_karpcheck::karpenter;

use super::guest;

/// Enough for as many parts as there are.
const SUBJECTS: u32 = 1_700;

fn inventory() -> Arc<Inventory> {
    let mut builder = Builder::default();
    let doc = builder.document(Origin::File("all.yaml".into()));
    for number in 1..=SUBJECTS {
        let body = Node::new(Value::Map(Map::default()), At::whole(doc));
        builder.add(Draft::new("AWS::SQS::Queue", format!("queue-{number}"), body, SourceKind::Template));
    }
    Arc::new(karpenter::inventory(builder))
}

/// Runs a guest with so many threads.
fn with(threads: usize, guest: &str, limits: Limits) -> CheckResults {
    let engine = Engine::new(limits, None).unwrap().threads(NonZeroUsize::new(threads).unwrap());
    let pack = engine.from_bytes(guest, &guest::component(guest)).unwrap();
    run_rules(&engine, &[Selected::new(&pack, &pack.rules()[0])], &inventory())
}

/// The same with one thread and with several: passed, failed, unknown, and the faults.
fn judged(guest: &str, limits: &Limits) -> (CheckResults, [u32; 3], Vec<String>) {
    let one = with(1, guest, limits.clone());
    assert_eq!(with(4, guest, limits.clone()), one);
    let [coverage] = &*one.coverage else { panic!("{:?}", one.coverage) };
    let counts = [coverage.passed, coverage.failed, coverage.unknown];
    assert_eq!(counts.iter().sum::<u32>(), SUBJECTS);
    let faults = one.faults.iter().map(ToString::to_string).collect();
    (one, counts, faults)
}

#[test]
fn all_subjects_are_judged_once_and_in_their_order() {
    let (all, counts, faults) = judged("well_behaved", &Limits::default());
    assert_eq!((counts, faults), ([0, SUBJECTS, 0], vec![]));
    let subjects: Vec<_> = all.findings.iter().map(|finding| finding.subject).collect();
    assert_eq!(subjects.len(), SUBJECTS as usize);
    assert!(subjects.is_sorted() && subjects.windows(2).all(|pair| pair[0] != pair[1]));
    assert_eq!(all.costs.iter().map(|cost| cost.subjects).collect::<Vec<_>>(), [SUBJECTS]);
}

/// Each part crashes at its second subject: a rule that crashed is not asked again, and says so once.
#[test]
fn what_comes_after_a_crash_is_not_judged() {
    let (all, counts, faults) = judged("passes_then_traps", &Limits::default());
    assert_eq!(counts, [0, 1, SUBJECTS - 1]);
    let [fault] = &*faults else { panic!("{faults:?}") };
    assert!(fault.contains("crashed on Queue queue-2"), "{fault}");
    let messages: Vec<&str> = all.findings.iter().map(|finding| &*finding.message).collect();
    let left = format!("this and {} more could not be judged: the rule crashed", SUBJECTS - 2);
    assert_eq!(messages, ["it is as it should not be", left.as_str()]);
}

#[test]
fn what_comes_before_a_crash_stands() {
    let (all, [passed, failed, unknown], faults) = judged("traps_late", &Limits::default());
    assert!(failed == 0 && passed > SUBJECTS / 2 && unknown > 0, "{passed} {unknown}");
    let [fault] = &*faults else { panic!("{faults:?}") };
    assert!(fault.contains(&format!("crashed on Queue queue-{}:", passed + 1)), "{fault}");
    assert_eq!(all.findings.len(), 1);
    assert_eq!(all.passed.values().sum::<u32>(), passed);
}

/// No part has more texts than a rule may have, and all have together.
#[test]
fn the_texts_of_all_parts_count_together() {
    let (_, [_, failed, unknown], faults) = judged("well_behaved", &Limits { text: 300 << 10, ..Limits::default() });
    assert!(failed > 200 && unknown > 200, "{failed} {unknown}");
    let [fault] = &*faults else { panic!("{faults:?}") };
    assert!(fault.contains("its findings have more than") && fault.contains("of text"), "{fault}");
}

/// The same of fuel and of the host's work: what is beyond what a pack may take is left out as a whole.
#[test]
fn what_all_parts_take_counts_together() {
    let (all, ..) = judged("well_behaved", &Limits::default());
    let (fuel, work) = (all.costs[0].fuel, all.costs[0].work);
    let (_, counts, faults) = judged("well_behaved", &Limits { pack_fuel: fuel / 2, ..Limits::default() });
    assert_eq!((counts, faults.len()), ([0, 0, SUBJECTS], 1), "{faults:?}");
    assert!(faults[0].contains(&format!("use more than {} units of fuel", fuel / 2)), "{}", faults[0]);
    let whole = Limits { pack_fuel: fuel, pack_work: work, ..Limits::default() };
    assert_eq!(judged("well_behaved", &whole).1, [0, SUBJECTS, 0]);
}
