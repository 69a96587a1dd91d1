//! Several contexts in one run.

use std::time::Instant;

use super::*;

/// A kubeconfig with one context for each server, named after it, the first one current.
fn kubeconfig_of(servers: &[(&str, &str)], user: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let list = |form: &dyn Fn(&str, &str) -> String| {
        servers.iter().map(|(name, server)| form(name, server)).collect::<Vec<_>>().join(", ")
    };
    write!(
        file,
        "apiVersion: v1\nkind: Config\ncurrent-context: {}\nclusters: [{}]\ncontexts: [{}]\nusers: [{{name: u, user: {{{user}}}}}]\n",
        servers[0].0,
        list(&|name, server| format!("{{name: {name}, cluster: {{server: '{server}'}}}}")),
        list(&|name, _| format!("{{name: {name}, context: {{cluster: {name}, user: u}}}}")),
    )
    .unwrap();
    file
}

/// A server with one pool of this name, whose kube-system has this uid; without one it may not be seen.
fn cluster(pool: &'static str, uid: &'static str) -> Server {
    scenario(move |path, _| match path {
        "/apis/karpenter.sh/v1/nodepools?limit=500" => Some(page(&[pool], "")),
        "/api/v1/namespaces/kube-system" if uid.is_empty() => Some(Say::Status(403, "forbidden")),
        "/api/v1/namespaces/kube-system" => {
            Some(Say::Json(format!(r#"{{"metadata":{{"name":"kube-system","uid":"{uid}"}}}}"#)))
        }
        _ => None,
    })
}

fn asked_for(file: &tempfile::NamedTempFile, contexts: &[&str]) -> ClusterOptions {
    ClusterOptions {
        kubeconfig: Some(file.path().into()),
        contexts: contexts.iter().map(|name| (*name).to_owned()).collect(),
        ..ClusterOptions::default()
    }
}

fn pools(inventory: &Inventory) -> Vec<String> {
    let pools = inventory.items().filter(|(_, item)| &*item.kind == POOL);
    pools.map(|(id, item)| format!("{}/{}", inventory.scope(id).unwrap().name(), item.name)).collect()
}

fn problems(inventory: &Inventory) -> Vec<String> {
    inventory.problems().iter().map(ToString::to_string).collect()
}

#[test]
fn each_context_is_a_scope_and_a_dead_one_costs_itself_alone() {
    let (one, two, hanging) = (cluster("a", "1"), cluster("b", "2"), Server::new(|_, _| Say::Hang));
    let dead = format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    let servers = [("dead", &*dead), ("prod-1", &one.url), ("prod-2", &two.url), ("test", &*hanging.url)];
    let file = kubeconfig_of(&servers, "token: t");
    let inventory = gathered_as(&asked_for(&file, &["prod-?", "dead", "prod-1"]), &[(POOL, false)]);
    assert_eq!(pools(&inventory), ["prod-1/a", "prod-2/b"], "each once, in the kubeconfig's order");
    let said = problems(&inventory);
    assert!(matches!(&said[..], [dead] if dead.contains("context dead: no answer from")), "{said:?}");
    let all = ClusterOptions { all_contexts: true, ..asked_for(&file, &[]) };
    let inventory = gathered_as(&all, &[(POOL, false)]);
    assert_eq!(pools(&inventory), ["prod-1/a", "prod-2/b"]);
    let fatal: Vec<bool> = inventory.problems().iter().map(Problem::is_fatal).collect();
    assert_eq!(fatal, [true, true], "{:?}", problems(&inventory));
}

#[test]
fn contexts_that_hang_do_so_side_by_side() {
    let good = cluster("a", "1");
    let hanging: Vec<Server> = (0..10).map(|_| Server::new(|_, _| Say::Hang)).collect();
    let names: Vec<String> = (0..10).map(|number| format!("hang{number}")).collect();
    let mut servers: Vec<(&str, &str)> =
        names.iter().map(String::as_str).zip(hanging.iter().map(|server| &*server.url)).collect();
    servers.push(("good", &good.url));
    let begun = Instant::now();
    let file = kubeconfig_of(&servers, "token: t");
    let inventory = gathered_as(&ClusterOptions { all_contexts: true, ..asked_for(&file, &[]) }, &[(POOL, false)]);
    assert_eq!(pools(&inventory), ["good/a"]);
    assert_eq!(inventory.problems().len(), 10);
    assert!(begun.elapsed() < Duration::from_secs(5), "ten times 0.7 s one after the other: {:?}", begun.elapsed());
}

#[test]
fn two_contexts_of_one_cluster_are_read_once() {
    let (one, other) = (cluster("a", "7"), cluster("a", "7"));
    let file = kubeconfig_of(&[("admin", &one.url), ("viewer", &other.url)], "token: t");
    let inventory = gathered_as(&asked_for(&file, &["*"]), &[(POOL, false)]);
    assert_eq!(pools(&inventory), ["admin/a"]);
    let said = problems(&inventory);
    assert!(
        matches!(&said[..], [one] if one.contains("context viewer is the same cluster as context admin")),
        "{said:?}"
    );
    assert!(!inventory.problems()[0].is_incomplete());
    // Whose uid may not be seen is told from others by its address.
    let (one, other) = (cluster("a", ""), cluster("b", ""));
    let file = kubeconfig_of(&[("x", &one.url), ("y", &other.url)], "token: t");
    assert_eq!(pools(&gathered_as(&asked_for(&file, &["*"]), &[(POOL, false)])), ["x/a", "y/b"]);
}

#[test]
fn what_is_asked_for_and_is_not_there_is_said_beside_the_rest() {
    let one = cluster("a", "1");
    let file = kubeconfig_of(&[("prod", &one.url)], "token: t");
    let inventory = gathered_as(&asked_for(&file, &["stage-*", "prod", "gone"]), &[(POOL, false)]);
    assert_eq!(pools(&inventory), ["prod/a"]);
    let said = problems(&inventory).join("\n");
    assert!(said.contains("--context stage-*: the kubeconfig has no context of that name: there is prod"), "{said}");
    assert!(said.contains("no context gone"), "{said}");
    let args = ClusterOptions { server: Some(one.url.clone()), ..asked_for(&file, &["*"]) };
    assert_eq!(pools(&gathered_as(&args, &[(POOL, false)])), ["prod/a"], "one context is one cluster");
    let file = kubeconfig_of(&[("a", &one.url), ("b", &one.url)], "token: t");
    let args = ClusterOptions { server: Some(one.url.clone()), ..asked_for(&file, &["*"]) };
    let said = problems(&gathered_as(&args, &[(POOL, false)])).join("\n");
    assert!(said.contains("--server speaks of one cluster, and 2 contexts are chosen"), "{said}");
}

#[test]
fn credential_plugins_run_side_by_side_and_ask_nothing() {
    let (one, two) = (cluster("a", "1"), cluster("b", "2"));
    // Each waits for the other one, and says no where it may ask its user.
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        "touch {0}/$$; for i in 1 2 3 4 5 6 7 8 9; do [ $(ls {0} | wc -l) = 2 ] && break; sleep 0.3; done; \
         [ $(ls {0} | wc -l) = 2 ] && case \"$KUBERNETES_EXEC_INFO\" in *interactive*false*) echo \"status: {{token: t}}\";; esac",
        folder.path().display()
    );
    let user = format!(
        "exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh, interactiveMode: IfAvailable, args: ['-c', '{script}']}}"
    );
    let file = kubeconfig_of(&[("a", &one.url), ("b", &two.url)], &user);
    let inventory = gathered_as(&asked_for(&file, &["*"]), &[(POOL, false)]);
    assert_eq!(pools(&inventory), ["a/a", "b/b"], "{:?}", problems(&inventory));
}
