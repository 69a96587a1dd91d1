//! Fingerprints stay the same whatever files are called and wherever their lines are.

use super::*;

/// Places of findings, with the fingerprint of each.
fn prints(report: &Json) -> BTreeSet<(String, String)> {
    let all = report["findings"].as_array().unwrap();
    let text = |node: &Json| node.as_str().unwrap_or_default().to_owned();
    all.iter().map(|found| (text(&found["subject"]["origin"]["file"]), text(&found["fingerprint"]))).collect()
}

#[test]
fn a_finding_is_the_same_however_its_file_was_named() {
    let place = TestDir::new();
    let within = |folder: &std::path::Path, given: &str| {
        let mut command = place.command(&["check", "--offline", "-o", "json", "-f", given]);
        report(&Ended::from(command.current_dir(folder).output().unwrap()))
    };
    for (layout, lay_out) in LAYOUTS {
        lay_out(&place, &format!("repo/clusters/{layout}/prod"), &Environment { name: layout, ..LEFT_BEHIND });
    }
    std::fs::create_dir(place.path().join("repo/.git")).unwrap();
    for (layout, _) in LAYOUTS {
        let folder = format!("repo/clusters/{layout}");
        let found = prints(&check(&place, &folder));
        assert!(found.len() > 1 && found.iter().all(|(file, _)| file.starts_with("clusters/")), "{layout}: {found:?}");
        let absolute = place.path().join(&folder);
        assert_eq!(prints(&check(&place, absolute.to_str().unwrap())), found, "{layout}: by its whole path");
        assert_eq!(prints(&check(&place, &format!("./repo/../{folder}/"))), found, "{layout}: by a longer path");
        assert_eq!(prints(&within(&absolute, ".")), found, "{layout}: from within");
        let all = prints(&within(&absolute, "../../clusters"));
        let lost: Vec<_> = found.difference(&all).collect();
        assert!(lost.is_empty(), "{layout}: from elsewhere {lost:?}");
    }
}

#[test]
fn a_finding_is_the_same_when_its_file_moves_by_lines() {
    let place = TestDir::new();
    manifests(&place, "all", &LEFT_BEHIND);
    let before = prints(&check(&place, "all"));
    for file in ["all/karpenter.yaml", "all/nodes/nodes.yaml"] {
        let text = std::fs::read_to_string(place.path().join(file)).unwrap();
        place.write(file, format!("# one\n# two\n{text}"));
    }
    assert_eq!(prints(&check(&place, "all")), before);
}
