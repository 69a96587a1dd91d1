//! Problems of Kubernetes objects and charts.

super::problems! {
    /// Of Kubernetes objects and charts.
    pub enum KubernetesProblem {
        Unread "values-not-yaml" Values = "its `values` are not valid YAML: what they set is not known";
    }
}
