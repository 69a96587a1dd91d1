//! What `-f` names, as kubectl reads it: several paths in one value, and patterns that the shell did not expand.

use std::path::{Path, PathBuf};

/// The paths of `-f`. A value that names nothing is taken apart at its commas; what has `*`, `?` or `[` and names nothing
/// is a pattern. What still names nothing stays as it is, and is missing.
pub fn expand(written: &[PathBuf]) -> Vec<PathBuf> {
    written.iter().flat_map(|path| split(path)).flat_map(|path| matching(&path)).collect()
}

fn split(path: &Path) -> Vec<PathBuf> {
    match path.to_str() {
        Some(text) if text.contains(',') && !exists(path) => {
            text.split(',').filter(|part| !part.is_empty()).map(PathBuf::from).collect()
        }
        _ => vec![path.to_owned()],
    }
}

fn matching(path: &Path) -> Vec<PathBuf> {
    let found: Vec<PathBuf> = match path.to_str() {
        Some(text) if text.contains(['*', '?', '[']) && !exists(path) => {
            glob::glob(text).into_iter().flatten().flatten().collect()
        }
        _ => vec![],
    };
    if found.is_empty() { vec![path.to_owned()] } else { found }
}

fn exists(path: &Path) -> bool {
    path.as_os_str() == "-" || path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_and_patterns_name_files() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["a.yaml", "b.yaml", "c.json", "odd,name.yaml", "x[1].yaml"] {
            std::fs::write(at(name), "").unwrap();
        }
        let names = |written: &[&str]| {
            let written: Vec<PathBuf> = written.iter().map(|name| at(name)).collect();
            let paths = expand(&written);
            paths.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names(&["*.yaml"]), ["a.yaml", "b.yaml", "odd,name.yaml", "x[1].yaml"]);
        assert_eq!(names(&["odd,name.yaml", "x[1].yaml"]), ["odd,name.yaml", "x[1].yaml"]);
        assert_eq!(names(&["*.tf"]), ["*.tf"]);
        let both = format!("{},{}", at("a.yaml").display(), at("c.json").display());
        assert_eq!(expand(&[both.into()]), [at("a.yaml"), at("c.json")]);
        assert_eq!(expand(&["-".into()]), [PathBuf::from("-")]);
    }
}
