//! Which folders an object takes in: an overlay its bases, a Kustomization of Flux or an Application of Argo CD its path.

use std::path::{Path, PathBuf};

use crate::inventory::{Builder, Node};

/// Says which folders the objects of a file take in.
pub(super) fn add(builder: &mut Builder, kind: &str, body: &Node, file: &Path) {
    let Some(folder) = file.parent() else { return };
    let known = |node: &Node| node.as_str().filter(|text| !text.is_empty()).map(PathBuf::from);
    let others: Vec<PathBuf> = match kind {
        "kustomize.config.k8s.io/Kustomization" | "kustomize.config.k8s.io/Component" => {
            ["resources", "bases", "components"]
                .iter()
                .filter_map(|field| body.member(field))
                .flat_map(Node::elements)
                .filter_map(known)
                // A resource may be a file, or stand in another repository.
                .map(|path| folder.join(path))
                .filter(|path| path.is_dir())
                .collect()
        }
        "kustomize.toolkit.fluxcd.io/Kustomization" => body
            .at_path(&["spec", "path"])
            .and_then(known)
            .and_then(|path| in_repository(folder, &path))
            .into_iter()
            .collect(),
        "argoproj.io/Application" => {
            let sources = body.at_path(&["spec", "sources"]).map(Node::elements).unwrap_or_default();
            body.at_path(&["spec", "source"])
                .into_iter()
                .chain(sources)
                .filter_map(|source| source.member("path").and_then(known))
                .filter_map(|path| in_repository(folder, &path))
                .collect()
        }
        _ => vec![],
    };
    for other in others {
        builder.takes_in(folder, &other);
    }
}

/// Where a path of the repository is: its root is a folder above, of which the nearest that has such a folder is taken.
pub(super) fn in_repository(folder: &Path, path: &Path) -> Option<PathBuf> {
    let path = path.strip_prefix("./").or_else(|_| path.strip_prefix("/")).unwrap_or(path);
    let above = folder.ancestors().map(|above| above.join(path));
    above.filter(|found| found != folder).find(|found| found.is_dir())
}
