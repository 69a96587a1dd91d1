//! Each release's own template under its controller, as it is and without one of the calls that the release makes.
//!
//! tests/fixtures/karpenter/calls.tsv says which calls those are, `consequence` what fails without them.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use kubectl_karpcheck::findings::finding::{Finding, Outcome, Severity};
use kubectl_karpcheck::inventory::Stated;

use super::harness::{harness, root, rule};

type Version = (u64, u64, u64);

const MISSING: &str = "controller-permission-missing";
const TAGS_AT_LAUNCH: &str = "create-tags-denied-at-launch";
const TAGS_LATER: &str = "create-tags-denied-on-existing";

/// What IAM asks for beside the calls in the source.
const IMPLIED: &[(&str, Version)] = &[
    ("ec2:RunInstances", (0, 6, 0)),
    ("ec2:CreateTags", (0, 6, 0)),
    ("iam:PassRole", (0, 32, 0)),
    ("iam:TagInstanceProfile", (0, 32, 0)),
];

/// The template of 1.12 allows arc-zonal-shift:GetManagedResource on the cluster, which the action does not know as a resource
/// (aws/karpenter-provider-aws #9123): under it zonal shift cannot be switched on.
const ZONAL_SHIFT_ALLOWED: Version = (1, 13, 0);

fn version(text: &str) -> Version {
    let mut parts = text.trim_start_matches('v').split('.').map(|part| part.parse().unwrap());
    let mut next = || parts.next().unwrap();
    (next(), next(), next())
}

fn fixture(name: &str) -> PathBuf {
    root().join("tests/fixtures/karpenter").join(name)
}

fn releases() -> Vec<Version> {
    fs::read_to_string(fixture("releases.txt")).unwrap().lines().map(version).collect()
}

/// The templates, each with the first release that it is of.
fn templates() -> Vec<(Version, String)> {
    // Those that are kept under the last release that they are of.
    const FIRST: &[(Version, Version)] = &[
        ((0, 27, 6), (0, 25, 0)),
        ((0, 32, 10), (0, 32, 0)),
        ((0, 37, 8), (0, 36, 0)),
        ((1, 0, 14), (1, 0, 0)),
        ((1, 14, 1), (1, 13, 0)),
    ];
    let mut all: Vec<(Version, String)> = fs::read_dir(fixture("cfn"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?.strip_prefix("karpenter-v")?.strip_suffix(".yaml")?.to_owned();
            let kept = version(&name);
            let first = FIRST.iter().find(|(as_kept, _)| *as_kept == kept).map_or(kept, |(_, first)| *first);
            Some((first, fs::read_to_string(path).unwrap()))
        })
        .collect();
    all.sort();
    all
}

/// The calls that a release makes, of those that policies of the controller's have to allow.
fn calls(release: Version) -> Vec<String> {
    let in_range = |range: &str| match range.split_once(" to ") {
        Some((first, last)) => version(first) <= release && release <= version(last),
        None => version(range.strip_suffix(" on").unwrap()) <= release,
    };
    let table = fs::read_to_string(fixture("calls.tsv")).unwrap();
    let mut all: Vec<String> = table
        .lines()
        .skip(1)
        .map(|line| line.split('\t').collect::<Vec<_>>())
        // The queue has a rule of its own.
        .filter(|columns| !columns[0].starts_with("sqs:") && columns[1].split("; ").any(in_range))
        .map(|columns| columns[0].to_owned())
        // 0.31 does not serve the objects that instance profiles are made of.
        .filter(|action| release >= (0, 32, 0) || !action.starts_with("iam:"))
        .filter(|action| release >= ZONAL_SHIFT_ALLOWED || action != "arc-zonal-shift:GetManagedResource")
        // Up to 0.30 images are only looked for where a class selects them.
        .filter(|action| release >= (0, 31, 0) || action != "ec2:DescribeImages")
        .collect();
    for (action, since) in IMPLIED {
        if release >= *since && !all.iter().any(|known| known == action) {
            all.push((*action).to_owned());
        }
    }
    all
}

/// What is said of a call that a release may not make: from the Go source at the release's tag.
fn consequence(action: &str, release: Version) -> (Severity, &'static str) {
    let (error, warning) = (Severity::Error, Severity::Warning);
    match action {
        "ec2:DescribeInstanceTypes" if release >= (0, 19, 0) => (error, "the controller does not start"),
        "ec2:DescribeInstanceTypeOfferings" if release >= (1, 7, 0) => (error, "the controller does not start"),
        "eks:DescribeCluster" | "arc-zonal-shift:GetManagedResource" => (error, "the controller does not start"),
        "ec2:DescribeCapacityReservations" | "ec2:DescribePlacementGroups" => (error, "does not become Ready"),
        "ec2:DescribeImages" | "ssm:GetParameter" => (error, "no image is found"),
        "ec2:DescribeInstances" if release >= (1, 3, 0) => (error, "its own instances are never terminated"),
        "ec2:DescribeInstances" if release >= (0, 28, 0) => (error, "never found nor terminated"),
        "ec2:TerminateInstances" => (error, "its own instances are never terminated"),
        "ec2:DeleteLaunchTemplate" if release >= (0, 36, 0) => (error, "keeps its finalizer"),
        "ec2:DeleteLaunchTemplate" => (warning, "left behind"),
        "ec2:DescribeSpotPriceHistory" | "pricing:GetProducts" => (warning, "it uses the prices that were compiled in"),
        "ec2:DescribeInstanceStatus" => (warning, "the health of instances is not seen"),
        "iam:RemoveRoleFromInstanceProfile" | "iam:DeleteInstanceProfile" | "iam:ListInstanceProfiles" => {
            (error, "keeps its finalizer")
        }
        action if action.ends_with("InstanceProfile") => (error, "no instance profile is created"),
        _ => (error, "no node is launched"),
    }
}

/// A controller of this release that makes all calls that it can, with a class and a pool.
fn cluster((major, minor, patch): Version) -> String {
    let release = (major, minor, patch);
    let mut text = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: karpenter, namespace: karpenter}}\nspec:\n  template:\n    \
         spec:\n      containers:\n        - name: controller\n          image: \
         public.ecr.aws/karpenter/controller:v{major}.{minor}.{patch}\n          env:\n            - {{name: CLUSTER_NAME, \
         value: demo}}\n            - {{name: INTERRUPTION_QUEUE, value: demo}}\n"
    );
    if release >= (1, 3, 0) {
        text += "            - {name: FEATURE_GATES, value: \"ReservedCapacity=true\"}\n";
    }
    if release >= ZONAL_SHIFT_ALLOWED {
        text += "            - {name: ENABLE_ZONAL_SHIFT, value: \"true\"}\n";
    }
    if ((0, 19, 0)..(0, 32, 0)).contains(&release) {
        text += "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: karpenter-global-settings, namespace: karpenter}\n\
                 data: {aws.clusterName: demo, aws.interruptionQueueName: demo}\n";
    }
    let spot = "{key: karpenter.sh/capacity-type, operator: In, values: [spot, on-demand]}";
    if release < (0, 32, 0) {
        write!(
            text,
            "---\napiVersion: karpenter.k8s.aws/v1alpha1\nkind: AWSNodeTemplate\nmetadata: {{name: default}}\nspec:\n  \
             subnetSelector: {{karpenter.sh/discovery: demo}}\n  securityGroupSelector: {{karpenter.sh/discovery: demo}}\n\
             ---\napiVersion: karpenter.sh/v1alpha5\nkind: Provisioner\nmetadata: {{name: default}}\nspec:\n  providerRef: \
             {{name: default}}\n  requirements: [{spot}]\n"
        )
        .unwrap();
        return text;
    }
    let api = if release < (1, 0, 0) { "v1beta1" } else { "v1" };
    let image = if release < (1, 0, 0) { "amiFamily: AL2023" } else { "amiSelectorTerms: [{alias: al2023@latest}]" };
    write!(
        text,
        "---\napiVersion: karpenter.k8s.aws/{api}\nkind: EC2NodeClass\nmetadata: {{name: default}}\nspec:\n  role: \
         KarpenterNodeRole-demo\n  {image}\n  subnetSelectorTerms: [{{tags: {{karpenter.sh/discovery: demo}}}}]\n  \
         securityGroupSelectorTerms: [{{tags: {{karpenter.sh/discovery: demo}}}}]\n"
    )
    .unwrap();
    if release >= (1, 3, 0) {
        text += "  capacityReservationSelectorTerms: [{tags: {team: data}}]\n";
    }
    if release >= (1, 11, 0) {
        text += "  placementGroupSelector: {name: close}\n";
    }
    write!(
        text,
        "---\napiVersion: karpenter.sh/{api}\nkind: NodePool\nmetadata: {{name: default}}\nspec:\n  template:\n    spec:\n      \
         nodeClassRef: {{group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}}\n      requirements: [{spot}]\n"
    )
    .unwrap();
    text
}

/// What the rules say of a template under a controller.
fn judge(folder: &Path, rules: &[&str], release: Version, template: &str) -> Vec<Finding> {
    let files = [folder.join("cluster.yaml"), folder.join("template.yaml")];
    fs::write(&files[0], cluster(release)).unwrap();
    fs::write(&files[1], template).unwrap();
    let stated = Stated {
        cluster_name: Some("demo".into()),
        account: Some("111122223333".into()),
        region: Some("eu-west-1".into()),
        ..Stated::default()
    };
    let pack = &harness().builtin;
    let rules: Vec<_> = rules.iter().map(|id| rule(pack, id)).collect();
    harness().files_by(pack, &rules, &files, stated, folder).results.findings
}

/// A template in which no statement has the action.
fn without(template: &str, action: &str) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once(action) {
        let whole = !after.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '*');
        text += before;
        text += if whole { "ec2:NotThisOne" } else { action };
        rest = after;
    }
    text + rest
}

#[test]
fn the_template_of_every_release_is_clean_under_it() {
    let folder = tempfile::tempdir().unwrap();
    let templates = templates();
    let mut wrong = vec![];
    for release in releases() {
        let (_, template) = templates.iter().rev().find(|(first, _)| *first <= release).unwrap();
        for finding in judge(folder.path(), &[MISSING, TAGS_AT_LAUNCH, TAGS_LATER], release, template) {
            wrong.push(format!("{release:?}: {} {}", finding.outcome.as_str(), finding.sentence()));
        }
    }
    assert!(wrong.is_empty(), "{} of them: {:#?}", wrong.len(), &wrong[..wrong.len().min(20)]);
}

#[test]
fn zonal_shift_under_the_template_of_1_12_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let (_, template) = templates().into_iter().find(|(first, _)| *first == (1, 12, 0)).unwrap();
    let with_shift = |release| {
        let said = judge(folder.path(), &[MISSING], release, &template);
        said.iter().map(|finding| finding.sentence().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(with_shift((1, 12, 2)), Vec::<String>::new());
    let said = with_shift((1, 13, 0));
    assert!(said.len() == 1 && said[0].contains("arc-zonal-shift:GetManagedResource"), "{said:?}");
    assert!(said[0].ends_with("the controller does not start"), "{said:?}");
}

#[test]
fn every_call_that_a_template_lacks_is_told_with_its_consequence() {
    let folder = tempfile::tempdir().unwrap();
    let (mut wrong, mut pairs) = (vec![], 0);
    for (release, template) in templates() {
        for action in calls(release) {
            let less = without(&template, &action);
            // An early template gives more than it names (`ec2:Describe*`).
            if less == template {
                continue;
            }
            pairs += 1;
            let rules: &[&str] = if action == "ec2:CreateTags" { &[TAGS_AT_LAUNCH] } else { &[MISSING] };
            let said = judge(folder.path(), rules, release, &less);
            let (severity, text) = consequence(&action, release);
            let fits = |finding: &Finding| {
                finding.outcome == Outcome::Fail
                    && finding.severity == severity
                    && finding.sentence().contains(&action)
                    && finding.sentence().contains(text)
            };
            let others = said.iter().filter(|finding| !finding.sentence().contains(&action));
            if !said.iter().any(fits) || others.count() > 0 {
                let said: Vec<String> =
                    said.iter().map(|one| format!("{} {}", one.severity.as_str(), one.sentence())).collect();
                wrong.push(format!("{release:?} without {action}: {said:#?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {pairs}: {}", wrong.len(), wrong[..wrong.len().min(12)].join("\n"));
    assert!(pairs > 400, "{pairs} pairs");
}
