//! Runs made by hand.

use std::collections::BTreeSet;

use kubectl_karpcheck::findings::finding::{CheckResults, Confidence, Coverage, Finding, Outcome, RuleInfo, Severity};
use kubectl_karpcheck::inventory::problem::{FileProblem, ProblemClass};
use kubectl_karpcheck::inventory::reason::Controller;
use kubectl_karpcheck::inventory::{
    At, Builder, Cause, Draft, Gap, Inventory, ItemId, LiveOrigin, Map, Node, Origin, Problem, Reason, SourceKind,
    Value,
};
use kubectl_karpcheck::karpenter;
use kubectl_karpcheck::report;
use kubectl_karpcheck::report::{Invocation, PackInfo, Paths, Run, Sources, TableOptions};
use serde_json::Value as Json;

/// Makes inventories and judgements by hand.
#[derive(Default)]
pub(crate) struct ReportFixture {
    pub(crate) builder: Builder,
    pub(crate) results: CheckResults,
    pub(crate) rules: Vec<RuleInfo>,
    pub(crate) files: BTreeSet<String>,
}

impl ReportFixture {
    pub(crate) fn item(&mut self, kind: &str, name: &str, namespace: &str, body: Node, source: SourceKind) -> ItemId {
        let mut draft = Draft::new(kind, name, body, source);
        draft.namespace = (!namespace.is_empty()).then(|| namespace.into());
        ItemId(u32::try_from(self.builder.add(draft)).unwrap() + 1)
    }

    /// An item of a file with one text field at a line.
    pub(crate) fn in_file(&mut self, file: &str, line: u32, kind: &str, name: &str, field: (&str, &str)) -> ItemId {
        self.files.insert(file.into());
        let doc = self.builder.document(Origin::File(file.into()));
        let mut map = Map::default();
        map.set(field.0, Node::text(field.1, At { doc, line, column: 5 }));
        let body = Node::new(Value::Map(map), At { doc, line: 1, column: 1 });
        self.item(kind, name, "", body, SourceKind::Manifest)
    }

    pub(crate) fn live(
        &mut self,
        context: &str,
        api_version: &str,
        kind: (&str, &str),
        namespace: &str,
        name: &str,
    ) -> ItemId {
        let doc = self.builder.document(Origin::Live(Box::new(LiveOrigin {
            context: context.into(),
            api_version: api_version.into(),
            kind: kind.1.into(),
            namespace: namespace.into(),
            name: name.into(),
        })));
        let body = Node::new(Value::Map(Map::default()), At::whole(doc));
        self.item(&format!("{}/{}", kind.0, kind.1), name, namespace, body, SourceKind::Live)
    }

    pub(crate) fn rule(&mut self, id: &str, area: &str, severity: Severity, counts: (u32, u32, u32)) {
        self.rules.push(RuleInfo {
            area: area.into(),
            title: format!("What {id} finds"),
            severity,
            ..RuleInfo::named("builtin", id)
        });
        let (passed, failed, unknown) = counts;
        self.results.coverage.push(Coverage {
            rule: id.into(),
            passed,
            failed,
            unknown,
            skipped: None,
            unseen: vec![],
        });
    }

    pub(crate) fn fail(
        &mut self,
        rule: &str,
        severity: Severity,
        subject: ItemId,
        pointer: &str,
        message: &str,
        fix: &str,
    ) {
        let area = self.rules.iter().find(|known| known.id == rule).map_or("other", |known| &known.area).to_owned();
        self.results.findings.push(Finding {
            rule: rule.into(),
            area,
            subject,
            pointer: pointer.into(),
            outcome: Outcome::Fail,
            severity,
            confidence: Confidence::High,
            reason: None,
            reason_at: None,
            message: message.into(),
            remediation: fix.into(),
            related: vec![],
            edits: vec![],
            group: String::new(),
            properties: vec![],
            cure: None,
            fingerprint: String::new(),
            follows: None,
            scopes: vec![],
        });
    }

    pub(crate) fn unknown(&mut self, rule: &str, subject: ItemId, message: &str, reason: Reason) {
        self.fail(rule, Severity::Info, subject, "", message, "");
        let finding = self.results.findings.last_mut().unwrap();
        finding.outcome = Outcome::Unknown;
        finding.reason = Some(reason);
    }

    pub(crate) fn done(self) -> Done {
        let files = self.files.len();
        let inventory = karpenter::inventory(self.builder);
        let mut results = self.results;
        results.name_findings(&inventory);
        Done { inventory, results, rules: self.rules, files }
    }
}

pub(crate) struct Done {
    inventory: Inventory,
    results: CheckResults,
    rules: Vec<RuleInfo>,
    files: usize,
}

impl Done {
    pub(crate) fn with<T>(&self, use_run: impl FnOnce(&Run<'_>) -> T) -> T {
        use_run(&Run {
            inventory: &self.inventory,
            results: &self.results,
            rules: &self.rules,
            packs: &[PackInfo { name: "builtin".into(), version: "0.1.0".into(), digest: "sha256:00".into() }],
            assumed: &[("karpenterVersion", "1.8.7".into())],
            at: "2026-01-02T03:04:05Z".into(),
            sources: Sources {
                files: self.files,
                documents: self.files,
                excluded: 0,
                left_alone: 0,
                unread: 0,
                objects: 0,
                asked: 0,
                merged: None,
            },
            invocation: &Invocation::new(["check", "-f", "."].map(Into::into)),
            config: None,
            facts: &[],
            shard: None,
            paths: Paths::Named,
        })
    }

    pub(crate) fn table(&self, width: Option<usize>) -> String {
        let mut out = vec![];
        self.with(|run| report::table(run, &TableOptions { width, ..TableOptions::default() }, &mut out)).unwrap();
        String::from_utf8(out).unwrap()
    }

    pub(crate) fn json(&self) -> Json {
        let mut out = vec![];
        self.with(|run| report::json(run, &mut out)).unwrap();
        serde_json::from_slice(&out).unwrap()
    }
}

/// A cluster folder on a bad day.
pub(crate) fn bad_day() -> Done {
    let mut fixture = ReportFixture::default();
    fixture.rule("queue-aws-managed-key", "queue", Severity::Error, (0, 1, 0));
    fixture.rule("ack-key-loops", "ack", Severity::Error, (2, 5, 0));
    fixture.rule("queue-key-unverified", "queue", Severity::Warning, (0, 0, 1));
    fixture.rule("ebs-mapping-incomplete", "ebs", Severity::Warning, (1, 1, 0));
    fixture.rule("api-version-removed", "upgrade", Severity::Error, (3, 0, 1));
    fixture.rule("queue-setting-ignored", "queue", Severity::Warning, (0, 0, 1));
    fixture.rule("cluster-name-mismatch", "cluster-name", Severity::Error, (0, 0, 0));

    for (index, name) in ["orders", "users", "carts", "stock", "prices"].into_iter().enumerate() {
        let line = 12 + 28 * u32::try_from(index).unwrap();
        let table =
            fixture.in_file("apps/tables.yaml", line, "dynamodb.services.k8s.aws/Table", name, ("key", "alias/data"));
        fixture.fail(
            "ack-key-loops",
            Severity::Error,
            table,
            "/key",
            &format!("the controller updates table {name} every ten seconds: its key is alias/data, not a key ARN"),
            "Write the key's ARN, or refer to an ACK Key with kmsMasterKeyRef.",
        );
    }
    let class =
        fixture.in_file("karpenter/class.yaml", 20, "karpenter.k8s.aws/EC2NodeClass", "default", ("mapping", "x"));
    fixture.fail(
        "ebs-mapping-incomplete",
        Severity::Warning,
        class,
        "/mapping",
        "only /dev/xvda is mapped; Bottlerocket keeps its data on /dev/xvdb, which falls back to the account's default",
        "Map /dev/xvdb, too.",
    );
    let queue = fixture.in_file(
        "infra/karpenter-queue.yaml",
        9,
        "AWS::SQS::Queue",
        "karpenter-prod",
        ("KmsMasterKeyId", "alias/aws/sqs"),
    );
    fixture.fail(
        "queue-aws-managed-key",
        Severity::Error,
        queue,
        "/KmsMasterKeyId",
        "EventBridge cannot deliver to this queue: alias/aws/sqs is a key of AWS, and its policy cannot be changed",
        "Use a customer managed key, and add to its policy:\n  Principal: events.amazonaws.com\n  Action: kms:Decrypt, kms:GenerateDataKey",
    );
    let other =
        fixture.in_file("infra/other-queue.yaml", 4, "AWS::SQS::Queue", "karpenter-test", ("KmsMasterKeyId", "k"));
    fixture.unknown(
        "queue-key-unverified",
        other,
        "whether EventBridge may use the key of this queue cannot be told",
        Reason::new(Cause::NotProvided, Gap::said("nobody gave the key's policy")),
    );
    let controller =
        fixture.in_file("karpenter/values.yaml", 1, "Karpcheck::Controller", "karpenter", ("Settings", "x"));
    for rule in ["api-version-removed", "queue-setting-ignored"] {
        fixture.unknown(rule, controller, "", Reason::new(Cause::NotProvided, Controller::Version));
    }
    let doc = fixture.builder.document(Origin::File("apps/broken.yaml".into()));
    fixture.files.insert("apps/broken.yaml".into());
    let error = "this is not YAML: a mapping key has no value; mend it or leave the file out".into();
    fixture.builder.problem(Problem::new(FileProblem::NotReadable { error }, Some(At { doc, line: 3, column: 7 })));
    for name in ["a.yaml", "b.yaml"] {
        let doc = fixture.builder.document(Origin::File(name.into()));
        let error = "a Helm template: render it with helm template first".into();
        let problem = Problem::new(FileProblem::NotReadable { error }, Some(At::whole(doc)));
        fixture.builder.problem(problem.as_class(ProblemClass::Note));
    }
    fixture.builder.skip(17);
    fixture.done()
}
