//! What snapshots of real API servers hold, and how they are read.

use std::fs;

use serde_json::{Value, json};

use super::{Fleet, comparable, failures, karpcheck, pack, unpacked};
use crate::apiserver::ApiServer;

#[test]
fn a_snapshot_holds_no_secret_and_the_same_answers_are_the_same_bytes() {
    let Some(fleet) = Fleet::new() else { return };
    const SECRET: &str = "s3cr3t-v4lue";
    let namespace = "secrets";
    let server = &fleet.green;
    server.apply_object(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}));
    let metadata = json!({"name": "shop", "namespace": namespace, "annotations": {"example.com/token": SECRET}});
    server.apply_object(&json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
        "spec": {"selector": {"matchLabels": {"app": "shop"}}, "template": {
            "metadata": {"labels": {"app": "shop"}, "annotations": {"example.com/key": SECRET}},
            "spec": {"containers": [{
                "name": "c", "image": "nginx", "env": [{"name": "DB_PASSWORD", "value": SECRET}],
                "args": [format!("--password={SECRET}"), "--token", SECRET],
                "livenessProbe": {"httpGet": {"port": 80, "httpHeaders": [{"name": "Authorization", "value": SECRET}]}},
            }]},
        }},
    }));
    server.apply_object(&json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": namespace}, "stringData": {"a": SECRET},
    }));
    server.apply_object(&json!({
        "apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass", "metadata": {"name": "with-user-data"},
        "spec": {"role": "nodes", "userData": format!("#!/bin/sh\nexport TOKEN={SECRET}"),
                 "amiSelectorTerms": [{"alias": "al2023@latest"}],
                 "subnetSelectorTerms": [{"id": "subnet-0123456789abcdef0"}],
                 "securityGroupSelectorTerms": [{"id": "sg-0123456789abcdef0"}]},
    }));
    server.apply_object(&json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": "with-annotations"},
        "spec": {"template": {"metadata": {"annotations": {"example.com/key": SECRET}}, "spec": {
            "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "with-user-data"},
            "requirements": [{"key": "example.com/a", "operator": "In", "values": ["b"]}]}}},
    }));
    for name in ["one.karpcheck", "two.karpcheck"] {
        let ran = fleet.run(&["snapshot", name, "--context", "green"]);
        assert!(ran.code == 0 && ran.err.contains("left out: Secrets"), "{}", ran.err);
    }
    let text = unpacked(&fleet.folder.path().join("one.karpcheck"));
    assert!(text.contains("with-user-data") && text.contains("DB_PASSWORD"), "what is not secret is there");
    for secret in [SECRET, "admin-token"] {
        let found = text.find(secret).map(|at| &text[at.saturating_sub(300)..at]);
        assert_eq!(found, None, "{secret}");
    }
    assert!(!text.contains("managedFields"));
    // But for the times.
    let plain = |name: &str| {
        let mut recorded: Value = serde_json::from_str(&unpacked(&fleet.folder.path().join(name))).unwrap();
        recorded["at"] = Value::Null;
        for list in recorded["clusters"][0]["lists"].as_array_mut().unwrap() {
            list["readAt"] = Value::Null;
        }
        recorded.to_string()
    };
    assert_eq!(plain("one.karpcheck"), plain("two.karpcheck"));
}

#[test]
fn of_an_ack_object_a_snapshot_holds_what_rules_read_and_no_more() {
    // One of its own: tests of the others compare all that is in them.
    let Some(server) = ApiServer::with_flags(&[]) else { return };
    const FREE: &str = "fr33-t3xt";
    let namespace = "free-texts";
    server.apply_definitions();
    server.apply_object(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}));
    let object = |kind: &str, service: &str, spec: Value| {
        // A name that is misspelt, which the API server drops: what kubectl noted tells it.
        let mut noted = spec.clone();
        noted["descriptoin"] = FREE.into();
        let noted = json!({"apiVersion": format!("{service}.services.k8s.aws/v1alpha1"), "kind": kind,
            "metadata": {"name": "free", "namespace": namespace}, "spec": noted});
        let mut object = noted.clone();
        object["spec"] = spec;
        object["metadata"]["annotations"] =
            json!({"kubectl.kubernetes.io/last-applied-configuration": noted.to_string()});
        server.apply_object(&object);
    };
    object(
        "Table",
        "dynamodb",
        json!({
            "tableName": "free", "billingMode": FREE, "keySchema": [{"attributeName": FREE, "keyType": "HASH"}],
            "attributeDefinitions": [{"attributeName": FREE, "attributeType": "S"}], "tags": [{"key": FREE, "value": FREE}],
            "sseSpecification": {"enabled": true, "sseType": "KMS", "kmsMasterKeyID": "alias/free"},
        }),
    );
    object("Key", "kms", json!({"description": FREE, "keySpec": "SYMMETRIC_DEFAULT"}));
    object(
        "Queue",
        "sqs",
        json!({"queueName": "free", "redrivePolicy": FREE, "kmsMasterKeyID": "alias/aws/sqs",
            "kmsMasterKeyRef": {"from": {"name": "free"}}}),
    );
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = server.kubeconfig_for("admin");
    let ran = karpcheck(folder.path(), Some(&kubeconfig), &["snapshot", "free.karpcheck"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let live = karpcheck(folder.path(), Some(&kubeconfig), &["check", "-o", "json"]).report();
    for rule in ["ack-key-loops", "ack-key-and-ref", "field-unknown"] {
        assert!(failures(&live).iter().any(|(failed, _)| failed == rule), "{rule}: {live:#}");
    }
    let text = unpacked(&folder.path().join("free.karpcheck"));
    let kept = text.find(FREE).map(|at| &text[at.saturating_sub(300)..at]);
    assert_eq!(kept, None);
    let read = karpcheck(folder.path(), None, &["check", "--offline", "-o", "json", "-f", "free.karpcheck"]).report();
    assert_eq!(comparable(read), comparable(live));
}

#[test]
fn what_a_snapshot_lacks_is_told_to_who_takes_it() {
    let Some(fleet) = Fleet::new() else { return };
    let ran = fleet.run(&["snapshot", "nobody.karpcheck", "--context", "blue", "--as", "stranger"]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(ran.err.contains("error: context blue refused every list that a rule needs"), "{}", ran.err);
    // A file of before may be readable for all, and is lost to no run that reads nothing.
    let one = fleet.folder.path().join("one.karpcheck");
    fs::write(&one, "of before").unwrap();
    let ran = fleet.run(&["snapshot", "one.karpcheck", "--context", "gone"]);
    assert!(ran.code == 3 && ran.err.contains("nothing was recorded, and no file was written"), "{}", ran.err);
    assert_eq!(fs::read_to_string(&one).unwrap(), "of before");
    let ran = fleet.run(&["snapshot", "one.karpcheck", "--context", "blue", "--context", "blue-again"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("is the same cluster as context"), "{}", ran.err);
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&one).unwrap().permissions()) & 0o777, 0o600);
}

#[test]
fn of_two_snapshots_of_one_cluster_the_later_one_counts() {
    let Some(fleet) = Fleet::new() else { return };
    assert_eq!(fleet.run(&["snapshot", "b.karpcheck", "--context", "green"]).code, 0);
    let mut old: Value = serde_json::from_str(&unpacked(&fleet.folder.path().join("b.karpcheck"))).unwrap();
    old["at"] = "2020-01-01T00:00:00Z".into();
    old["clusters"][0]["context"] = "long-ago".into();
    pack(&fleet.folder.path().join("a.karpcheck"), &old);
    for order in [["a.karpcheck", "b.karpcheck"], ["b.karpcheck", "a.karpcheck"]] {
        let report = fleet.run(&["check", "--offline", "-o", "json", "-f", order[0], "-f", order[1]]).report();
        assert_eq!(report["run"]["contexts"], json!(["green"]), "{:#}", report["problems"]);
    }
}

#[test]
fn snapshots_that_were_taken_within_their_clusters_are_called_as_their_files_are() {
    let Some(fleet) = Fleet::new() else { return };
    fs::create_dir(fleet.folder.path().join("all")).unwrap();
    for (name, context) in [("berlin", "green"), ("lisbon", "blue")] {
        assert_eq!(fleet.run(&["snapshot", "taken.karpcheck", "--context", context]).code, 0);
        let mut taken: Value = serde_json::from_str(&unpacked(&fleet.folder.path().join("taken.karpcheck"))).unwrap();
        // Every API server has one address within its cluster, and the uid may be hidden.
        let cluster = taken["clusters"][0].as_object_mut().unwrap();
        cluster.extend([("context".into(), "in-cluster".into()), ("server".into(), "https://10.100.0.1:443/".into())]);
        cluster.remove("uid");
        pack(&fleet.folder.path().join(format!("all/{name}.karpcheck")), &taken);
    }
    let contexts = |args: &[&str]| {
        let report = fleet.run(&[&["check", "--offline", "-o", "json", "-f", "all"], args].concat()).report();
        report["run"]["contexts"].clone()
    };
    assert_eq!(contexts(&[]), json!(["berlin", "lisbon"]));
    assert_eq!((contexts(&["--shard", "0/2"]), contexts(&["--shard", "1/2"])), (json!(["berlin"]), json!(["lisbon"])));
}

#[test]
fn a_snapshot_that_cannot_be_read_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let pack = |text: &str| {
        let mut bytes = flate2::write::GzEncoder::new(vec![], flate2::Compression::default());
        std::io::Write::write_all(&mut bytes, text.as_bytes()).unwrap();
        bytes.finish().unwrap()
    };
    let whole = pack(r#"{"schema": "karpcheck.snapshot/v1alpha1"}"#);
    let cases: [(&str, Vec<u8>, &str); 4] = [
        ("later", pack(r#"{"schema": "karpcheck.snapshot/v9"}"#), "its format is karpcheck.snapshot/v9"),
        ("other", pack("a: b"), "it is no snapshot of karpcheck"),
        ("lacking", whole.clone(), "missing field"),
        ("cut", whole[..whole.len() - 9].to_vec(), "the snapshot cannot be read"),
    ];
    for (name, bytes, why) in cases {
        fs::write(folder.path().join(name), bytes).unwrap();
        let ran = karpcheck(folder.path(), None, &["check", "--offline", "-f", name, "-o", "json"]);
        assert_eq!(ran.code, 3, "{name}");
        assert!(ran.report()["problems"].to_string().contains(why), "{name}: {:#}", ran.report());
    }
}
