//! Policies in files of their own.

super::problems! {
    /// Of policies in files of their own.
    pub enum PolicyProblem {
        Note "trust-policy-alone" Trust = "a trust policy: it says who may assume a role, and grants nothing to the role; it was not counted among its permissions";
        Note "key-policy-alone" KeyPolicy = "a key policy, and nothing says of which key: name the file get-key-policy--KEY_ID.json to have it judged with its key";
        Note "queue-policy-alone" QueuePolicy = "a queue policy, and nothing says of which queue: give the answer of `aws sqs get-queue-attributes --attribute-names All` to have it judged";
        Note "resource-policy-alone" Other = "a policy of a resource that no rule judges (neither a key's nor a queue's): it was not counted among any permissions";
    }
}
