//! Problems of Kubernetes objects and charts.

use std::sync::Arc;

super::problems! {
    /// Of Kubernetes objects and charts.
    pub enum KubernetesProblem {
        Note "taken-in-not-given" NotGiven { path: Arc<str> } = "it takes in {path}, which was not given: what is there was not judged";
        Note "patch-without-object" Part = "it is a patch, and the object that it changes was not provided: it is not judged on its own";
        Unread "carried-text-not-yaml" CarriedText = "it carries objects in a text that is not YAML by itself: what it makes of them was not judged";
        Unread "values-not-yaml" Values = "its `values` are not valid YAML: what they set is not known";
    }
}
