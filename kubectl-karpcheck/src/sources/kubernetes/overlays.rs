//! Which folders an object takes in: an overlay its bases, a Kustomization of Flux or an Application of Argo CD its path.

use std::path::{Path, PathBuf};

use crate::inventory::problem::KubernetesProblem;
use crate::inventory::{Builder, Node, Problem, UnitPart};
use crate::sources::kubernetes::gitops;

/// The fields by which a kustomization takes in files and folders.
pub(super) const TAKEN: &[&str] = &["resources", "bases", "components"];

/// The files and folders that a kustomization takes in, as it names them.
pub(super) fn names_taken(kustomization: &Node) -> impl Iterator<Item = &str> {
    TAKEN.iter().filter_map(|field| kustomization.member(field)).flat_map(Node::elements).filter_map(Node::as_str)
}

/// Says which folders the objects of a file take in.
pub(super) fn add(builder: &mut Builder, kind: &str, body: &Node, file: &Path) {
    let Some(folder) = file.parent() else { return };
    let others: Vec<(Option<UnitPart>, PathBuf)> = match kind {
        "kustomize.config.k8s.io/Kustomization" | "kustomize.config.k8s.io/Component" => {
            names_taken(body)
                .filter(|name| !name.is_empty())
                // A resource may be a file, or stand in another repository.
                .map(|path| folder.join(path))
                .filter(|path| path.is_dir())
                .map(|path| (None, path))
                .collect()
        }
        "kustomize.toolkit.fluxcd.io/Kustomization" => body
            .at_path(&["spec", "path"])
            .into_iter()
            .filter_map(|path| Some((None, from_repository(builder, folder, body, path)?)))
            .collect(),
        "argoproj.io/Application" | "argoproj.io/ApplicationSet" => {
            let applications = gitops::applications(builder, body, folder);
            let taken = applications.iter().flat_map(|spec| {
                let folders = gitops::sources(spec).filter(|source| source.member("chart").is_none());
                folders.filter_map(|source| source.member("path")).map(|path| (gitops::destination(spec), path))
            });
            taken.filter_map(|(to, path)| Some((to, from_repository(builder, folder, body, path)?))).collect()
        }
        _ => vec![],
    };
    for (part, other) in others {
        builder.takes_in(folder, part, &other);
    }
}

/// The folder that an object takes in from a repository. Where it speaks of Karpenter and was not given, that is told.
fn from_repository(builder: &mut Builder, folder: &Path, object: &Node, path: &Node) -> Option<PathBuf> {
    let written = path.as_str().filter(|text| !text.is_empty())?;
    let found = in_repository(folder, Path::new(written));
    let real =
        |path: &Path| std::fs::canonicalize(if path.as_os_str().is_empty() { Path::new(".") } else { path }).ok();
    let place = found.as_deref().and_then(real);
    let given = builder.given_folders().iter().filter_map(|given| real(given));
    let is_given = place.is_some_and(|place| given.into_iter().any(|given| place.starts_with(given)));
    let name = object.str_at(&["metadata", "name"]).unwrap_or_default();
    let live = object.at_path(&["metadata", "uid"]).is_some();
    if !is_given && !live && [written, name].iter().any(|text| text.to_ascii_lowercase().contains("karpenter")) {
        let what = KubernetesProblem::NotGiven { path: written.into() };
        builder.problem(Problem::new(what, Some(path.at)));
    }
    found
}

/// Where a path of the repository is: its root is a folder above, of which the nearest that has such a folder is taken.
pub(super) fn in_repository(folder: &Path, path: &Path) -> Option<PathBuf> {
    let path = path.strip_prefix("./").or_else(|_| path.strip_prefix("/")).unwrap_or(path);
    let above = folder.ancestors().map(|above| above.join(path));
    above.filter(|found| found != folder).find(|found| found.is_dir())
}
