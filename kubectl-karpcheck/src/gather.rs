//! From files and clusters to drafts. The only place that names kube.
