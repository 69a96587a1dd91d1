//! What a pack costs in each language, beside the same logic without a boundary:
//!
//!     cargo bench -p kubectl-karpcheck --bench packs -- rust=RUST.wasm js=JS.wasm python=PYTHON.wasm
//!
//! The packs are those that `pack new` makes projects of, built by `pack build`. Each is compiled as a run compiles it, in a process of
//! its own with an empty cache; loaded from the cache; and its rule judges 10,000 NodePools. The last two are the best of several
//! runs. `KARPCHECK_BIN` names another build of the program that compiles.

#![expect(clippy::print_stdout, reason = "a benchmark prints")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on ends there")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kubectl_karpcheck::engine::{Cache, Engine, Limits, Pack, Selected, run_rules};
use kubectl_karpcheck::inventory::{Builder, FieldValue, Inventory, Stated, Ternary};
use kubectl_karpcheck::schema::kinds::GatherScope;
use kubectl_karpcheck::{karpenter, sources};

const POOLS: usize = 10_000;
const POOL: &str = "karpenter.sh/NodePool";

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("many.yaml");
    std::fs::write(&file, pools()).unwrap();
    let inventory = Arc::new(read(&file));
    assert_eq!(inventory.of_kind(POOL).len(), POOLS);
    let native = best(20, || native(&inventory));
    println!(
        "| language | bytes | compiled, once | loaded from the cache | {POOLS} pools judged | an item | x native |"
    );
    println!("|---|---|---|---|---|---|---|");
    println!("| none | | | | {} | {} | 1.0 |", shown(native), shown(native / POOLS as u32));
    for argument in std::env::args().skip(1) {
        // cargo passes flags of its own.
        let Some((language, component)) = argument.split_once('=') else { continue };
        let bytes = std::fs::read(component).unwrap();
        let engine = engine(folder.path().join(language));
        let (compiled, _) = timed(|| load(&engine, &bytes));
        let loaded = best(5, || load(&engine, &bytes));
        let pack = load(&engine, &bytes);
        let rule = [Selected::new(&pack, &pack.rules()[0])];
        let judged = best(3, || {
            let results = run_rules(&engine, &rule, &inventory);
            assert!(results.faults.is_empty() && results.findings.len() == POOLS / 4, "{:?}", results.faults);
            results
        });
        println!(
            "| {language} | {} | {} | {} | {} | {} | {:.1} |",
            bytes.len(),
            shown(compiled),
            shown(loaded),
            shown(judged),
            shown(judged / POOLS as u32),
            judged.as_secs_f64() / native.as_secs_f64()
        );
    }
}

fn engine(cache: PathBuf) -> Engine {
    let program = std::env::var_os("KARPCHECK_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_kubectl-karpcheck").into());
    Engine::new(Limits::default(), Some(Cache::at(cache))).unwrap().compiler(Some(program.into()))
}

fn load(engine: &Engine, bytes: &[u8]) -> Pack {
    engine.from_bytes("pack", bytes).unwrap_or_else(|error| panic!("{error}"))
}

/// What the rule says, asked of the inventory in the same order, with the same messages. Returns how many.
fn native(inventory: &Inventory) -> usize {
    const LABELS: &str = "/spec/template/metadata/labels";
    let label = "example.com/team";
    let mut found: Vec<(String, String)> = vec![];
    for id in inventory.of_kind(POOL) {
        let team = format!("{LABELS}/{}", label.replace('~', "~0").replace('/', "~1"));
        if inventory.matches(id, &team, "?*").unwrap() == Ternary::Yes {
            continue;
        }
        if matches!(inventory.get(id, &team).unwrap(), FieldValue::Text(team) if !team.is_empty()) {
            continue;
        }
        let FieldValue::Text(name) = inventory.get(id, "@name").unwrap() else { continue };
        found.push((
            format!("the nodes of {name} get no label {label}: their cost is booked to the platform team"),
            format!("Set {label} to the team's name in spec.template.metadata.labels."),
        ));
    }
    assert_eq!(found.len(), POOLS / 4);
    black_box(found).len()
}

/// One in four has no team.
fn pools() -> String {
    let mut text = String::new();
    for number in 0..POOLS {
        let labels = if number % 4 == 0 { "{}" } else { "{example.com/team: payments}" };
        write!(
            text,
            "---\napiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {{name: pool-{number}}}\nspec: {{template: {{metadata: {{labels: \
             {labels}}}, spec: {{nodeClassRef: {{group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}}}}}}}}\n"
        )
        .unwrap();
    }
    text
}

fn read(file: &Path) -> Inventory {
    let mut builder = Builder::new(Stated::default());
    let named = sources::Named { paths: &[file.to_owned()], ..sources::Named::default() };
    sources::files(named, &GatherScope::new([(POOL, false)]), &mut builder, &mut std::io::empty());
    karpenter::inventory(builder)
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let begun = Instant::now();
    let made = black_box(work());
    (begun.elapsed(), made)
}

/// The best of several runs.
fn best<T>(runs: u32, mut work: impl FnMut() -> T) -> Duration {
    (0..runs).map(|_| timed(&mut work).0).min().unwrap_or_default()
}

fn shown(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds >= 1.0 => format!("{seconds:.1} s"),
        seconds if seconds >= 1e-3 => format!("{:.1} ms", seconds * 1e3),
        seconds => format!("{:.1} µs", seconds * 1e6),
    }
}
