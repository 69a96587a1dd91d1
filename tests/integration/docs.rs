//! The documentation is true: its links lead somewhere, its commands are commands, and those over the example run.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Parser as _;
use kubectl_karpcheck::cli::Cli;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// Every page, with its text.
fn pages() -> Vec<(PathBuf, String)> {
    let mut pages = vec![];
    let mut folders =
        vec![root().join("docs"), root().join("rules-wasm"), root().join("examples"), root().join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            // What a fixture of somebody else's says is not ours.
            if path.is_dir()
                && !path.ends_with("fixtures")
                && !path.ends_with("node_modules")
                && !path.ends_with("target")
            {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    pages.extend(["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"].map(|page| root().join(page)));
    pages.sort();
    pages.into_iter().map(|page| (page.clone(), std::fs::read_to_string(page).unwrap())).collect()
}

fn short(page: &Path) -> String {
    page.strip_prefix(root()).unwrap().display().to_string()
}

/// Where a file of the repository is read.
const REPOSITORY: &str = "https://github.com/kubectl-karpcheck/kubectl-karpcheck/blob/main/";

#[test]
fn links_lead_to_files() {
    let mut broken = vec![];
    let mut seen = 0;
    for (page, text) in pages() {
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            let target = link.split('#').next().unwrap();
            // Pages of the site name by its address what is beside docs/, where the site has nothing.
            let ours = target.strip_prefix(REPOSITORY).map(|path| root().join(path));
            if ours.is_none() && (link.contains("://") || target.is_empty() || target.contains(char::is_whitespace)) {
                continue;
            }
            seen += 1;
            let leaves = page.starts_with(root().join("docs")) && target.starts_with("../") && !target.ends_with(".md");
            if leaves || !ours.unwrap_or_else(|| page.parent().unwrap().join(target)).exists() {
                broken.push(format!("{}: {link}", short(&page)));
            }
        }
    }
    assert!(seen > 50, "only {seen} links were found");
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn every_page_stands_in_the_summary() {
    let summary = std::fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    let missing: Vec<String> = pages()
        .iter()
        .filter_map(|(page, _)| Some(page.strip_prefix(root().join("docs")).ok()?.to_str().unwrap().to_owned()))
        .filter(|name| name != "SUMMARY.md" && !summary.contains(&format!("]({name})")))
        .collect();
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn what_stays_names_the_newest_release_of_karpenter() {
    let (major, minor) = kubectl_karpcheck::karpenter::releases::RELEASES.last().unwrap();
    let page = std::fs::read_to_string(root().join("docs/stability.md")).unwrap();
    assert!(page.contains(&format!("from 0.16 to {major}.{minor};")), "the newest is {major}.{minor}");
}

/// The words of a line as a shell sees them, up to what pipes, redirects or remarks; `None` where a quote stays open.
fn words(line: &str) -> Option<Vec<String>> {
    let mut words = vec![];
    let mut word: Option<String> = None;
    let mut quote = None;
    for char in line.chars() {
        match (char, quote) {
            ('\'' | '"', None) => {
                quote = Some(char);
                word.get_or_insert_default();
            }
            (char, Some(open)) if char == open => quote = None,
            (' ', None) => words.extend(word.take()),
            ('|' | '>' | ';' | '&', None) => break,
            ('#', None) if word.is_none() => break,
            (char, _) => word.get_or_insert_default().push(char),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

/// Commands that stand alone in an indented or fenced line, with their page.
fn commands() -> Vec<(String, Vec<String>)> {
    let mut commands = vec![];
    for (page, text) in pages() {
        // It lists what `--help` prints, which a test of its own holds.
        if page.ends_with("docs/cli.md") {
            continue;
        }
        for line in text.lines() {
            let line = line.trim_start().trim_start_matches("$ ");
            let rest = ["kubectl karpcheck", "kubectl-karpcheck"].iter().find_map(|name| line.strip_prefix(name));
            let Some(rest) = rest.filter(|rest| rest.is_empty() || rest.starts_with(' ')) else { continue };
            // A sentence that begins with the name, and no command.
            if rest.contains("](")
                || rest.trim_end().ends_with(['.', ',', ':']) && !rest.trim_end().ends_with(" .")
                || rest.contains('`')
            {
                continue;
            }
            if let Some(words) = words(rest) {
                commands.push((short(&page), words));
            }
        }
    }
    commands
}

#[test]
fn commands_are_commands() {
    let mut refused = vec![];
    let mut seen = BTreeSet::new();
    for (page, words) in commands() {
        let line = words.join(" ");
        let arguments = std::iter::once("kubectl-karpcheck".to_owned()).chain(words);
        if let Err(error) = Cli::try_parse_from(arguments)
            && error.use_stderr()
        {
            refused.push(format!("{page}: {line}: {}", error.to_string().lines().next().unwrap_or_default()));
        }
        seen.insert(line);
    }
    assert!(seen.len() > 20, "only {} commands were found", seen.len());
    assert_eq!(refused, Vec::<String>::new());
}

#[test]
fn commands_over_the_example_run() {
    let mut run = 0;
    for (page, words) in commands() {
        if !words.iter().any(|word| word.starts_with("examples/")) || !words.contains(&"--offline".to_owned()) {
            continue;
        }
        let output =
            Command::new(env!("CARGO_BIN_EXE_kubectl-karpcheck")).args(&words).current_dir(root()).output().unwrap();
        let code = output.status.code().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(code == 0 || code == 1, "{page}: {} ends with {code}: {said}", words.join(" "));
        assert!(!output.stdout.is_empty(), "{page}: {} prints nothing", words.join(" "));
        run += 1;
    }
    assert!(run >= 5, "only {run} commands were run");
}

#[test]
fn actions_are_pinned_by_commit() {
    let mut files = vec![root().join("action.yml")];
    files.extend(std::fs::read_dir(root().join(".github/workflows")).unwrap().map(|entry| entry.unwrap().path()));
    let mut seen = 0;
    for file in files {
        for line in std::fs::read_to_string(&file).unwrap().lines() {
            let Some((_, action)) = line.split_once("uses: ") else { continue };
            let (_, version) = action.split_once('@').unwrap_or_default();
            let (commit, name) = version.split_once(" # ").unwrap_or_default();
            let pinned =
                commit.len() == 40 && commit.chars().all(|char| char.is_ascii_hexdigit()) && name.starts_with('v');
            assert!(pinned, "{}: {action} is not pinned by commit with its version beside it", short(&file));
            seen += 1;
        }
    }
    assert!(seen > 5, "only {seen} actions were found");
}
