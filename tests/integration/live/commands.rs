//! The commands beside `check`, with nothing but the current context.

use super::server;
use crate::apiserver::ApiServer;

/// Runs the binary as a user: the exit code, the output, the complaints.
fn run(server: &ApiServer, user: &str, args: &[&str]) -> (i32, String, String) {
    let home = tempfile::tempdir().unwrap();
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_kubectl-karpcheck"))
        .args(args)
        .env("HOME", home.path())
        .env("KUBECONFIG", server.kubeconfig_for(user))
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&run.stdout), text(&run.stderr));
    (run.status.code().unwrap(), out, err)
}

#[test]
fn what_refused_lists_leave_without_an_answer_is_one_line() {
    let Some(server) = server() else { return };
    for (user, args) in [("nobody", &["check"][..]), ("nobody", &["check", "-n", "infra"]), ("reader", &["check"])] {
        let (code, out, err) = run(&server, user, args);
        let shortfalls: Vec<&str> = out.lines().filter(|line| line.starts_with("Not checked")).collect();
        let [line] = shortfalls.as_slice() else { panic!("{user} {args:?}: {code} {out}{err}") };
        assert!(line.ends_with(": not all were seen: see the problem above."), "{user} {args:?}: {line}");
        assert_eq!(
            out.contains("if your rights are for another namespace, name that with -n"),
            args.len() > 1,
            "{out}"
        );
    }
}

#[test]
fn an_upgrade_starts_from_the_version_that_runs() {
    let Some(server) = server() else { return };
    let (code, out, err) = run(&server, "admin", &["upgrade", "--to", "1.14.1"]);
    assert!(code < 2 && out.contains("1.8.7") && out.contains("1.14.1"), "{code} {out}{err}");
    // One who may not see it is not told that nothing is to be done.
    let (code, out, err) = run(&server, "nobody", &["upgrade", "--to", "1.14.1"]);
    assert!(code == 3 && format!("{out}{err}").contains("kubectl karpcheck rbac"), "{code} {out}{err}");
}

#[test]
fn a_question_about_what_is_in_no_policy_is_not_answered_by_a_guess() {
    let Some(server) = server() else { return };
    let role = "arn:aws:iam::111122223333:role/KarpenterControllerRole-prod";
    let question = ["can", role, "sqs:ReceiveMessage", "Queue/prod-interruptions"];
    let (code, out, err) = run(&server, "admin", &question);
    assert!(code == 4 && out.starts_with("unknown"), "{code} {out}{err}");
    // To one who may see nothing, the name means nothing.
    let (code, out, err) = run(&server, "nobody", &question);
    assert!(code == 2 && err.contains("none was read; an ARN can name any other"), "{code} {out}{err}");
}

#[test]
fn why_shows_what_a_rule_asked_about_what_runs() {
    let Some(server) = server() else { return };
    let (code, out, err) = run(&server, "admin", &["why", "queue-aws-managed-key"]);
    assert!(code == 0 && out.contains("interruptions"), "{code} {out}{err}");
}

#[test]
fn the_script_to_collect_asks_about_what_the_cluster_names() {
    let Some(server) = server() else { return };
    let (code, out, err) = run(&server, "admin", &["collect"]);
    assert!(code == 0 && out.starts_with("#!/bin/sh") && out.contains("prod-interruptions"), "{code} {out}{err}");
    let (_, out, err) = run(&server, "nobody", &["collect"]);
    assert!(out.starts_with("#!/bin/sh") && err.contains("kubectl karpcheck rbac"), "{out}{err}");
}

/// Whose a queue is decides its controller, which another namespace has.
#[test]
fn a_queue_whose_controller_lies_outside_of_the_namespace_is_not_passed_over_in_silence() {
    let Some(server) = server() else { return };
    let rule = "queue-aws-managed-key";
    let (code, out, err) = run(&server, "admin", &["check", "-n", "default", "--rule", rule, "-o", "json"]);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {code} {err}"));
    let coverage = &report["coverage"][0];
    assert_eq!((&coverage["rule"], &coverage["failed"]), (&rule.into(), &0.into()), "{coverage:#}");
    assert!(coverage["skipped"].to_string().contains("only namespace default was read (-n)"), "{coverage:#}");
    let (code, out, err) = run(&server, "admin", &["check", "--rule", rule, "-o", "json"]);
    assert!(code == 1 && !out.contains("(-n)"), "{code} {out}{err}");
}
