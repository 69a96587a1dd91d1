//! Reports that are read elsewhere than where they were made: by services, and by people who were sent a page.

use super::*;

/// Formats whose paths count from the repository's root, whatever the working directory is.
const FORMATS: &[&str] = &["json", "yaml", "sarif", "junit", "github", "gitlab", "markdown", "html"];

/// A queue of a template, and a controller that may not read it: its finding names two places.
fn repository() -> TestDir {
    let place = TestDir(tempfile::tempdir().unwrap());
    place.write(".git/HEAD", "ref: refs/heads/main\n");
    for (name, content) in [
        ("deployment.yaml", include_str!("../../fixtures/story/deployment.yaml")),
        ("queue.yaml", include_str!("../../fixtures/story/queue.yaml")),
        ("role.yaml", include_str!("../../fixtures/story/role.yaml")),
    ] {
        place.write(&format!("clusters/prod/{name}"), content);
    }
    place.write("clusters/prod/broken.yaml", "apiVersion: karpenter.sh/v1\nkind: [\n");
    place
}

/// A report without what depends on the moment, and without the command to copy, which is the user's own.
fn lasting(report: &str) -> String {
    let of_moment = |line: &&str| {
        ["\"at\":", "at: '", "Utc\":", "timestamp=", "<footer", "kubectl karpcheck check"]
            .iter()
            .any(|sign| line.contains(sign))
    };
    report.replace("<wbr>", "").lines().filter(|line| !of_moment(line)).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_report_for_elsewhere_depends_on_no_working_directory() {
    let place = repository();
    let absolute = place.path().join("clusters").display().to_string();
    for format in FORMATS {
        let at_root = place.run(&["check", "--offline", "-f", ".", "-o", format]);
        let named = place.run(&["check", "--offline", "-f", &absolute, "-o", format]);
        let below = place.run_in("clusters/prod", &["check", "--offline", "-f", "..", "-o", format]);
        assert!(at_root.out.contains("clusters/prod/deployment.yaml"), "{format}: {}", at_root.out);
        for other in [named, below] {
            assert_eq!(lasting(&at_root.out), lasting(&other.out), "{format}");
        }
        for path in ["./clusters", "../prod", &absolute] {
            assert!(!lasting(&at_root.out).contains(path), "{format}: {path}");
        }
    }
}

#[test]
fn a_test_of_junit_has_one_name_whatever_line_it_is_at() {
    let names = |place: &TestDir| {
        let report = place.run(&["check", "--offline", "-f", ".", "-o", "junit"]).out;
        let names: Vec<String> = report
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("<testcase "))
            .map(|line| line.split(" file=").next().unwrap().split(" time=").next().unwrap().to_owned())
            .collect();
        names
    };
    let place = repository();
    let before = names(&place);
    let distinct: std::collections::BTreeSet<&String> = before.iter().collect();
    assert_eq!(distinct.len(), before.len(), "a server knows a test by its class and its name");
    for name in ["deployment.yaml", "role.yaml"] {
        let path = place.path().join("clusters/prod").join(name);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, format!("# a line\n{text}")).unwrap();
    }
    assert_eq!(before, names(&place));
}

/// `helm template … | kubectl karpcheck check -f - -o sarif`: what is read has no name, and its lines move with every change.
#[test]
fn what_is_piped_has_a_name_that_stays() {
    let place = TestDir::new();
    let report = |format: &str, before: &str| {
        let text = format!("{before}{BROKEN_CLASS}");
        place.run_with(&["check", "--offline", "-f", "-", "-o", format], text.as_bytes()).out
    };
    let name = "name=\"EC2NodeClass/general (standard input /spec/blockDeviceMappings/0/ebs)\"";
    for before in ["", "# a line\n"] {
        assert!(report("junit", before).contains(name), "{}", report("junit", before));
    }
    let sarif: serde_json::Value = serde_json::from_str(&report("sarif", "")).unwrap();
    let at = sarif.pointer("/runs/0/results/0/locations/0/physicalLocation").unwrap();
    assert_eq!(at["artifactLocation"]["uri"], "stdin");
    assert_eq!(at["region"]["startLine"], 7);
}

#[test]
fn what_has_no_place_in_a_format_is_told_beside_it() {
    let place = repository();
    for format in ["name", "gitlab", "diff"] {
        let ended = place.run(&["check", "--offline", "-f", ".", "-o", format]);
        ended.code(3);
        assert!(ended.err.contains("problem: ./clusters/prod/broken.yaml:3:1: "), "{format}: {}", ended.err);
    }
}

#[test]
fn yaml_reads_the_same_under_both_versions_of_its_standard() {
    let place = repository();
    let ended = place.run(&["check", "--offline", "-f", ".", "-o", "yaml"]);
    let at = ended.out.lines().find_map(|line| line.trim_start().strip_prefix("at: ")).unwrap();
    assert!(at.starts_with('\'') && at.ends_with("Z'"), "under YAML 1.1 it is a time, not a text: {at}");
}

#[test]
fn what_cannot_be_written_costs_no_other_report() {
    let place = TestDir::new();
    let ended = place.run(&["check", "--offline", "-f", "good.yaml", "--write-baseline", "none/baseline.json"]);
    ended.code(3).has("error     ebs-key-without-encryption  EC2NodeClass/general");
    assert!(ended.err.contains("none/baseline.json: it cannot be written"), "{}", ended.err);
    let twice = ["check", "--offline", "-f", "good.yaml", "-o", "json=a.json", "-o", "sarif=./a.json"];
    place.run(&twice).code(2).complains("-o json and -o sarif both go to ./a.json");
}
