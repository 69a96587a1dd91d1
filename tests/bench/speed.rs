//! How fast karpcheck is, beside something: `cargo bench -p kubectl-karpcheck --bench speed`.
//!
//! Ratios, not seconds: machines differ, and these are noisy. Each figure is the best of several runs.

#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kubectl_karpcheck::engine;
use kubectl_karpcheck::engine::{Engine, Limits, Selected};
use kubectl_karpcheck::inventory::{Builder, FieldValue, Inventory, Stated, Ternary};
use kubectl_karpcheck::karpenter;
use kubectl_karpcheck::schema::kinds::GatherScope;
use kubectl_karpcheck::sources;

const DOCUMENTS: usize = 10_000;
/// Clusters, each with the official policy of its own.
const CLUSTERS: usize = 100;
/// Roots of Terraform that call one module with policies.
const ROOTS: usize = 450;
/// The official policy of a release, as its CloudFormation template has it.
const POLICY: &str = include_str!("../fixtures/corpus/karpenter/cfn/karpenter-v1.0.14.yaml");
/// Resources of the Terraform plan: some 50 MB.
const PLAN: usize = 17_300;

fn main() {
    // The memory of the bare parser is that of a process which does nothing else.
    if let Some(file) = std::env::var_os("KARPCHECK_BENCH_PARSE") {
        let text = std::fs::read_to_string(file).expect("read");
        black_box(serde_json::from_str::<serde_json::Value>(&text).expect("well formed"));
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let many = folder.path().join("many.yaml");
    std::fs::write(&many, documents(DOCUMENTS)).expect("written");
    let text = std::fs::read_to_string(&many).expect("read");
    println!("{DOCUMENTS} YAML documents, {:.1} MB\n", text.len() as f64 / 1e6);
    println!("{:46} {:>10} {:>8}  TARGET", "WORK", "TIME", "RATIO");

    let parser = best(5, || {
        let parser = saphyr_parser::Parser::new_from_str(&text);
        for event in parser {
            black_box(event.expect("well formed"));
        }
    });
    row("YAML events alone", parser, parser, "");
    let engine = Engine::new(Limits::default(), None).expect("an engine");
    let pack = engine.builtin().expect("the built-in pack");
    let selected: Vec<Selected<'_>> = pack.rules().iter().map(|rule| Selected::new(&pack, rule)).collect();
    let plan = plan(&selected);
    let read = best(5, || inventory(&many, &plan));
    row("read to an inventory", read, parser, "1.5 x events");
    let whole = best(5, || {
        let inventory = Arc::new(inventory(&many, &plan));
        let results = engine::run_rules(&engine, &selected, &inventory);
        (inventory, results)
    });
    row("read and judged by all rules", whole, parser, "3 x events");

    let mixed = folder.path().join("mixed.yaml");
    std::fs::write(&mixed, self::mixed(DOCUMENTS)).expect("written");
    println!();
    against_reading("10,000 objects of four kinds", &mixed, &plan, (&engine, &selected), "2 x reading");
    let fleet = folder.path().join("clusters");
    clusters(&fleet, CLUSTERS);
    against_reading("100 clusters, a policy each", &fleet, &plan, (&engine, &selected), "0.5 s");
    let roots = folder.path().join("roots");
    self::roots(&roots, ROOTS);
    against_reading("450 roots that call one module", &roots, &plan, (&engine, &selected), "1 s");
    println!();

    let each = folder.path().join("each");
    std::fs::create_dir(&each).expect("a folder");
    for (number, document) in text.split_inclusive("---\n").filter(|document| document.len() > 4).enumerate() {
        std::fs::write(each.join(format!("{number}.yaml")), document).expect("written");
    }
    let files = best(3, || {
        let inventory = Arc::new(inventory(&each, &plan));
        let results = engine::run_rules(&engine, &selected, &inventory);
        (inventory, results)
    });
    row("the same in 10,000 files", files, parser, "");

    let terraform = folder.path().join("plan.json");
    std::fs::write(&terraform, self::terraform(PLAN)).expect("written");
    let json = std::fs::read_to_string(&terraform).expect("read");
    println!("\na Terraform plan, {:.1} MB", json.len() as f64 / 1e6);
    let bare = best(3, || serde_json::from_str::<serde_json::Value>(&json).expect("well formed"));
    row("serde_json to its own values", bare, bare, "");
    let planned = best(3, || inventory(&terraform, &plan));
    row("read to an inventory", planned, bare, "");
    drop(json);
    println!();

    let inventory = Arc::new(inventory(&many, &plan));
    let native = best(9, || {
        black_box(native_rule(&inventory));
    });
    row("ack-key-loops natively", native, native, "");
    let one: Vec<Selected<'_>> =
        pack.rules().iter().filter(|rule| rule.id == "ack-key-loops").map(|rule| Selected::new(&pack, rule)).collect();
    let wasm = best(9, || {
        black_box(engine::run_rules(&engine, &one, &inventory));
    });
    row("ack-key-loops as a rule in WASM", wasm, native, "3 x native");

    println!();
    let binary = env!("CARGO_BIN_EXE_kubectl-karpcheck");
    let small = folder.path().join("small.yaml");
    std::fs::write(&small, documents(1)).expect("written");
    let kubectl = best(15, || spawn("kubectl", &["version", "--client"], None));
    row("kubectl version --client", kubectl, kubectl, "");
    let small = small.to_str().expect("UTF-8");
    let warm = best(15, || spawn(binary, &["check", "--offline", "-f", small], None));
    row("one small manifest", warm, kubectl, "0.5 x kubectl");
    let never = best(15, || {
        let home = tempfile::tempdir().expect("a folder");
        spawn(binary, &["check", "--offline", "-f", small], Some(home.path()));
    });
    row("one small manifest, no home to cache in", never, kubectl, "0.5 x kubectl");

    println!();
    let component = include_bytes!("../../kubectl-karpcheck/assets/builtin.wasm");
    let ahead = best(15, || {
        black_box(engine.builtin().expect("the built-in pack"));
    });
    row("load the built-in pack, compiled ahead of time", ahead, ahead, "");
    let compiled = best(3, || {
        black_box(engine.from_bytes("builtin", component).expect("the built-in pack"));
    });
    row("compile the built-in pack", compiled, ahead, "30 ms, else ahead of time");

    if let Some(peak) = peak(binary, &["check", "--offline", "-f", many.to_str().expect("UTF-8")]) {
        println!("\npeak memory over {DOCUMENTS} documents: {peak} MB (target: under 110)");
    }
    let terraform = terraform.to_str().expect("UTF-8");
    let own = std::env::current_exe().expect("this program");
    let bare = peak("/usr/bin/env", &[&format!("KARPCHECK_BENCH_PARSE={terraform}"), own.to_str().expect("UTF-8")]);
    if let (Some(bare), Some(peak)) = (bare, peak(binary, &["check", "--offline", "-f", terraform])) {
        println!("peak memory over the plan: {peak} MB (serde_json to its own values: {bare} MB)");
    }
    let size = std::fs::metadata(binary).map_or(0, |binary| binary.len());
    println!("the binary: {:.1} MB (target: under 30)", size as f64 / 1e6);
}

fn row(work: &str, time: Duration, base: Duration, target: &str) {
    println!(
        "{work:46} {:>7.1} ms {:>8.2}  {target}",
        time.as_secs_f64() * 1e3,
        time.as_secs_f64() / base.as_secs_f64()
    );
}

/// What reading something takes, and what judging it by all rules takes besides.
fn against_reading(
    what: &str,
    path: &Path,
    plan: &GatherScope,
    (engine, rules): (&Engine, &[Selected<'_>]),
    target: &str,
) {
    let read = best(3, || inventory(path, plan));
    row(&format!("{what}: read"), read, read, "");
    let gathered = Arc::new(inventory(path, plan));
    let judged = best(3, || engine::run_rules(engine, rules, &gathered));
    let results = engine::run_rules(engine, rules, &gathered);
    assert!(results.faults.is_empty(), "{:?}", results.faults);
    row(&format!("{what}: read and judged"), read + judged, read, target);
}

/// The best of several runs. What the work made is freed outside of the time, as a process that ends does not free it.
fn best<T>(runs: u32, mut work: impl FnMut() -> T) -> Duration {
    (0..runs)
        .map(|_| {
            let start = Instant::now();
            let made = black_box(work());
            let taken = start.elapsed();
            drop(made);
            taken
        })
        .min()
        .unwrap_or_default()
}

fn spawn(program: &str, args: &[&str], home: Option<&Path>) {
    let mut command = Command::new(program);
    command.args(args).stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null());
    if let Some(home) = home {
        command.env("HOME", home).env_remove("XDG_CACHE_HOME");
    }
    command.status().unwrap_or_else(|error| panic!("{program}: {error}"));
}

/// The most memory that a run holds, by the kernel's own account.
fn peak(program: &str, args: &[&str]) -> Option<u64> {
    let timed = Command::new("/usr/bin/env")
        .args(["bash", "-c", "\"$0\" \"$@\" >/dev/null & p=$!; m=0; while [ -r /proc/$p/status ]; do n=$(awk '/VmHWM/{print $2}' /proc/$p/status 2>/dev/null); [ \"${n:-0}\" -gt $m ] && m=$n; sleep 0.005; done; echo $m", program])
        .args(args)
        .output()
        .ok()?;
    let kib: u64 = String::from_utf8(timed.stdout).ok()?.trim().parse().ok()?;
    Some(kib / 1024)
}

fn plan(selected: &[Selected<'_>]) -> GatherScope {
    GatherScope::new(selected.iter().flat_map(|selected| selected.rule.kinds().map(|kind| (kind, false))))
}

fn inventory(file: &Path, plan: &GatherScope) -> Inventory {
    let mut builder = Builder::new(Stated::default());
    sources::files(
        sources::Named { paths: &[file.to_owned()], ..sources::Named::default() },
        plan,
        &mut builder,
        &mut std::io::empty(),
    );
    karpenter::inventory(builder)
}

/// The logic of ack-key-loops without a boundary: it asks the inventory what the rule asks, in the same order, and makes
/// the same message.
fn native_rule(inventory: &Inventory) -> usize {
    const KEY: &str = "/spec/sseSpecification/kmsMasterKeyID";
    const ENABLED: &str = "/spec/sseSpecification/enabled";
    let mut length = 0;
    for id in inventory.of_kind("dynamodb.services.k8s.aws/Table") {
        let get = |pointer: &str| inventory.get(id, pointer).expect("a pointer");
        let like = |pattern: &str| inventory.matches(id, KEY, pattern).expect("a pointer") == Ternary::Yes;
        let absent = |pointer: &str| get(pointer) == FieldValue::Absent;
        if absent(KEY) || !absent("/spec/sseSpecification/kmsMasterKeyRef") || get(ENABLED) == FieldValue::Flag(false) {
            continue;
        }
        if !absent("/metadata/annotations/services.k8s.aws~1read-only") || like("arn:*:kms:*:*:key/?*") {
            continue;
        }
        if get(ENABLED) != FieldValue::Flag(true) {
            continue;
        }
        let FieldValue::Text(key) = get(KEY) else { continue };
        let form = if like("alias/*") { "the alias" } else { "its id" };
        let FieldValue::Text(name) = get("@name") else { continue };
        let message = format!(
            "Table {name} names its key by {form} {key}, but DynamoDB returns the key's ARN: the controller updates the \
             table every few seconds until AWS refuses with LimitExceededException"
        );
        length += message.len() + inventory.related(id, KEY).expect("a pointer").len();
    }
    length
}

/// ACK tables as a GitOps repository has them: three of four with a stable key.
fn documents(count: usize) -> String {
    let mut text = String::new();
    for number in 0..count {
        let key = match number % 4 {
            1 => format!("alias/team-{number}"),
            _ => format!("arn:aws:kms:eu-west-1:111122223333:key/0b1c2d3e-0000-4000-8000-{number:012}"),
        };
        writeln!(
            text,
            "---\napiVersion: dynamodb.services.k8s.aws/v1alpha1\nkind: Table\nmetadata:\n  name: orders-{number}\n  namespace: shop\n  labels:\n    app: orders\n    team: shop\n  annotations:\n    services.k8s.aws/region: eu-west-1\nspec:\n  tableName: orders-{number}\n  billingMode: PAY_PER_REQUEST\n  attributeDefinitions:\n    - attributeName: pk\n      attributeType: S\n    - attributeName: sk\n      attributeType: S\n  keySchema:\n    - attributeName: pk\n      keyType: HASH\n    - attributeName: sk\n      keyType: RANGE\n  sseSpecification:\n    enabled: true\n    sseType: KMS\n    kmsMasterKeyID: {key}"
        )
        .expect("a String takes it");
    }
    text
}

/// What a large cluster has: three tenths tables, three tenths deployments, and node classes with their pools.
fn mixed(count: usize) -> String {
    let mut text = documents(count * 3 / 10);
    for number in 0..count * 3 / 10 {
        write!(
            text,
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: app-{number}, namespace: shop, labels: {{app: app-{number}}}}}\nspec:\n  \
             replicas: 2\n  template:\n    spec:\n      containers:\n        - name: app\n          image: registry.example/app:{number}\n          \
             env: [{{name: TEAM, value: shop}}, {{name: PORT, value: \"8080\"}}]\n"
        )
        .expect("a String takes it");
    }
    for number in 0..count / 5 {
        write!(
            text,
            "---\napiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: {{name: class-{number}}}\nspec:\n  role: nodes\n  \
             amiSelectorTerms: [{{alias: al2023@v20250101}}]\n  subnetSelectorTerms: [{{tags: {{karpenter.sh/discovery: demo}}}}]\n  \
             securityGroupSelectorTerms: [{{tags: {{karpenter.sh/discovery: demo}}}}]\n---\napiVersion: karpenter.sh/v1\nkind: NodePool\n\
             metadata: {{name: pool-{number}}}\nspec: {{template: {{spec: {{nodeClassRef: {{group: karpenter.k8s.aws, kind: EC2NodeClass, \
             name: class-{number}}}}}}}}}\n"
        )
        .expect("a String takes it");
    }
    text + &controller("demo")
}

fn controller(cluster: &str) -> String {
    format!(
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: karpenter, namespace: kube-system}}\nspec: {{template: {{spec: \
         {{containers: [{{name: controller, image: \"public.ecr.aws/karpenter/controller:1.0.14\", env: [{{name: CLUSTER_NAME, value: \
         {cluster}}}, {{name: INTERRUPTION_QUEUE, value: {cluster}}}]}}]}}}}}}\n"
    )
}

/// Folders, each with a controller and the official template.
fn clusters(folder: &Path, count: usize) {
    for number in 0..count {
        let own = folder.join(format!("c{number}"));
        std::fs::create_dir_all(&own).expect("a folder");
        std::fs::write(own.join("policy.yaml"), POLICY).expect("written");
        std::fs::write(own.join("controller.yaml"), controller(&format!("c{number}"))).expect("written");
    }
}

/// The repository of `tests/bench/fleet` with so many roots.
fn roots(folder: &Path, count: usize) {
    let write = |path: &str, text: &str| {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a folder");
        std::fs::write(path, text).expect("written");
    };
    write("module/main.tf", include_str!("fleet/module/main.tf"));
    for number in 0..count {
        let root = include_str!("fleet/root/main.tf").replace("NAME", &format!("cluster-{number}"));
        write(&format!("root-{number}/main.tf"), &root);
    }
}

/// A plan as Terraform writes it: most of it is of no interest, and each resource stands in it three times.
fn terraform(count: usize) -> String {
    let (mut planned, mut changes, mut configured) = (vec![], vec![], vec![]);
    for number in 0..count {
        let kind = ["aws_sqs_queue", "aws_kms_key", "aws_security_group_rule", "aws_route53_record"][number % 4];
        let (name, address) = (format!("r{number}"), format!("{kind}.r{number}"));
        let policy = serde_json::json!({"Version": "2012-10-17", "Statement": [{"Sid": "Root", "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"}]});
        let values = serde_json::json!({"name": name, "description": "made by a module, ".repeat(16), "region": "us-west-2",
            "policy": policy.to_string(), "tags": {"team": "shop", "environment": "production"}, "timeouts": null,
            "ingress": [{"cidr_blocks": ["10.0.0.0/8"], "from_port": 443, "to_port": 443, "protocol": "tcp"}]});
        let whole = serde_json::json!({"address": address, "mode": "managed", "type": kind, "name": name,
            "provider_name": "registry.terraform.io/hashicorp/aws", "schema_version": 0});
        let with = |more: serde_json::Value| {
            let mut whole = whole.clone();
            for (key, value) in more.as_object().into_iter().flatten() {
                whole[key] = value.clone();
            }
            whole
        };
        planned.push(with(serde_json::json!({"values": values, "sensitive_values": {}})));
        changes.push(with(serde_json::json!({"change": {"actions": ["update"], "before": values, "after": values,
            "after_unknown": {"tags_all": true}, "before_sensitive": {}, "after_sensitive": {}}})));
        configured.push(with(serde_json::json!({"expressions": {"name": {"constant_value": name},
            "policy": {"references": ["data.aws_iam_policy_document.p.json", "data.aws_iam_policy_document.p"]}}})));
    }
    serde_json::json!({"format_version": "1.2", "terraform_version": "1.11.4",
        "planned_values": {"root_module": {"resources": planned}}, "resource_changes": changes,
        "configuration": {"root_module": {"resources": configured}}})
    .to_string()
}
