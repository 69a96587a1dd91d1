//! Dumps of several clusters, in one file or side by side: what is certain of whose they are, and what is said of the rest.

use super::*;

#[test]
fn two_dumps_of_one_name_are_told_apart_by_their_uid() {
    let place = TestDir::new();
    for (folder, uid) in [("east", 1), ("west", 2)] {
        place.write(&format!("all/{folder}.yaml"), documents(&SOUND.controller("main", "", Some(uid))));
    }
    assert_eq!(shared(&check(&place, "all")), ["cluster-name-shared", "queue-shared"]);
}

/// What one API server answers, as kubectl prints it.
fn answer(objects: &[Json]) -> Json {
    json!({"apiVersion": "v1", "kind": "List", "items": objects})
}

/// All of a cluster that is called as another one, by the number in its uids: its controller, its class, and a NodePool of its own
/// name.
fn dumped(of: &Environment, uid: u32, pool: &str) -> [Vec<Json>; 2] {
    let meta = json!({"name": pool, "uid": format!("20000000-0000-4000-8000-{uid:012}")});
    let pool = json!({"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": meta,
        "spec": {"template": {"spec": {
            "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"},
            "requirements": [{"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot"]}]}}}});
    let nodes = of.nodes(Some(uid)).into_iter().chain([pool]).collect();
    [of.controller(of.cluster(), "", Some(uid)), nodes]
}

/// The scopes that a class is in whose key is left without encryption.
fn broken_class(report: &Json) -> Vec<String> {
    let all = report["findings"].as_array().unwrap();
    let broken = all.iter().filter(|finding| finding["rule"] == "ebs-key-without-encryption");
    broken
        .flat_map(|finding| finding["scopes"].as_array().cloned().unwrap_or_default())
        .map(|scope| scope.as_str().unwrap().into())
        .collect()
}

#[test]
fn dumps_of_two_clusters_in_one_file_are_two_clusters() {
    const SHARED: Environment = Environment { shares: &[Shared::Name, Shared::Queue], ..SOUND };
    let broken = Environment { broken_class: true, name: "production", ..SHARED };
    let (one, other) = (dumped(&SHARED, 1, "general").concat(), dumped(&broken, 2, "gpu").concat());
    let place = TestDir::new();
    for (folder, objects) in [("one", &one), ("other", &other)] {
        place.write(&format!("{folder}/dump.yaml"), documents(&[answer(objects)]));
    }
    place.write("both/dump.yaml", documents(&[answer(&one), answer(&other)]));
    // As `kubectl get -o json` prints them, one after the other.
    place.write("stream/dump.json", format!("{:#}\n{:#}\n", answer(&one), answer(&other)));
    let alone: Vec<_> = ["one", "other"].iter().map(|folder| findings(&check(&place, folder), None)).collect();
    for folder in ["both", "stream"] {
        let report = check(&place, folder);
        let scopes: Vec<&String> = report["scopes"].as_object().unwrap().keys().collect();
        assert_eq!(scopes.len(), 2, "{folder}: {scopes:?}");
        let mut together: Vec<_> = scopes.iter().map(|scope| findings(&report, Some(scope))).collect();
        together.sort();
        let mut alone = alone.clone();
        alone.sort();
        assert_eq!(together, alone, "{folder}");
        assert_eq!(shared(&report), ["cluster-name-shared", "queue-shared"], "{folder}");
        assert_eq!(report["problems"], json!([]), "{folder}");
    }
}

#[test]
fn dumps_of_two_clusters_without_a_controller_are_told_apart_by_their_uids() {
    let broken = Environment { broken_class: true, ..SOUND };
    let ([controller, one], [_, other]) = (dumped(&SOUND, 1, "general"), dumped(&broken, 2, "general"));
    let place = TestDir::new();
    place.write("file/dumps.yaml", documents(&[answer(&one), answer(&other)]));
    place.write("files/one.yaml", documents(&[answer(&one)]));
    place.write("files/other.yaml", documents(&[answer(&other)]));
    for (number, object) in one.iter().enumerate() {
        place.write(&format!("folders/one/{number}.yaml"), documents(std::slice::from_ref(object)));
    }
    for (number, object) in other.iter().enumerate() {
        place.write(&format!("folders/other/{number}.yaml"), documents(std::slice::from_ref(object)));
    }
    place.write("half/dumps.yaml", documents(&[answer(&[controller.clone(), one.clone()].concat()), answer(&other)]));
    for (given, scope) in
        [("file", "dumps.yaml:70"), ("files", "other.yaml"), ("folders", "other"), ("half", "dumps.yaml:114")]
    {
        let report = check(&place, given);
        assert_eq!(report["scopes"].as_object().map(serde_json::Map::len), Some(2), "{given}: {:#}", report["scopes"]);
        assert_eq!(broken_class(&report), [scope], "{given}");
        assert_eq!(report["problems"], json!([]), "{given}");
    }
}

#[test]
fn what_nothing_gives_to_one_of_two_dumped_clusters_is_judged_alone_and_said() {
    let broken = Environment { broken_class: true, ..SOUND };
    let ([first, one], [second, other]) = (dumped(&SOUND, 1, "general"), dumped(&broken, 2, "gpu"));
    let place = TestDir::new();
    let each = |objects: &[Json]| objects.iter().map(|object| answer(std::slice::from_ref(object))).collect::<Vec<_>>();
    let all = [first.clone(), one.clone(), second.clone(), other.clone()].concat();
    // One kind after the other, and each of two clusters; objects without a list; and two lists made one.
    place.write("kinds/dumps.yaml", documents(&each(&all)));
    place.write("singles/dumps.yaml", documents(&all));
    place.write("merged/dumps.yaml", documents(&[answer(&all)]));
    for given in ["kinds", "singles", "merged"] {
        let report = check(&place, given);
        // Two controllers, each with its account; two classes and two pools, whose owners nothing tells.
        let messages: Vec<&str> =
            report["problems"].as_array().unwrap().iter().filter_map(|problem| problem["message"].as_str()).collect();
        let [message] = messages.as_slice() else { panic!("{given}: {messages:?}") };
        assert!(
            message.contains("it holds dumps of several clusters, and of 6 of the lists and objects"),
            "{given}: {message}"
        );
        assert_eq!(broken_class(&report).len(), 1, "{given}");
        // They may be of one cluster: no two of them are said to share anything.
        assert_eq!(shared(&report), ["cluster-name-shared", "queue-shared"], "{given}");
    }
    // Two clusters are seen, and whose the one controller is nothing tells.
    place.write("files/one.yaml", documents(&[answer(&first)]));
    place.write("files/two.yaml", documents(&[answer(&one)]));
    place.write("files/three.yaml", documents(&[answer(&other)]));
    let report = check(&place, "files");
    let problems = report["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(
        problems[0]["message"].as_str().unwrap().contains("it is a dump among those of several clusters"),
        "{problems:?}"
    );
}

#[test]
fn dumps_of_one_cluster_are_one_however_they_lie() {
    let broken = Environment { broken_class: true, ..SOUND };
    let objects = dumped(&broken, 1, "general").concat();
    let place = TestDir::new();
    let each: Vec<Json> = objects.iter().map(|object| answer(std::slice::from_ref(object))).collect();
    place.write("list/dump.yaml", documents(&[answer(&objects)]));
    place.write("kinds/dump.yaml", documents(&each));
    place.write("singles/dump.yaml", documents(&objects));
    place.write("twice/dump.yaml", documents(&[answer(&objects), answer(&objects)]));
    // The class was made anew between the two, and the Deployment, too: all else is the same.
    let mut later = objects.clone();
    for object in &mut later {
        if object["kind"] == "EC2NodeClass" || object["kind"] == "Deployment" {
            object["metadata"]["uid"] = json!("99999999-0000-4000-8000-000000000000");
        }
    }
    place.write("later/dump.yaml", documents(&[answer(&objects), answer(&later)]));
    place.write("days/monday.yaml", documents(&[answer(&objects)]));
    place.write("days/tuesday.yaml", documents(&[answer(&later)]));
    let expected = findings(&check(&place, "list"), None);
    for given in ["kinds", "singles", "twice", "later", "days"] {
        let report = check(&place, given);
        assert_eq!(report["scopes"], Json::Null, "{given}");
        assert_eq!(findings(&report, None), expected, "{given}");
        assert_eq!(report["problems"], json!([]), "{given}");
    }
}

#[test]
fn a_dump_that_is_given_twice_is_one_cluster() {
    let place = TestDir::new();
    for folder in ["east", "west"] {
        place.write(&format!("all/{folder}.yaml"), documents(&SOUND.controller("main", "", Some(7))));
    }
    assert_eq!(shared(&check(&place, "all")), [""; 0]);
}
