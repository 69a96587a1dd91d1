//! What an unreadable file seems to be about, by its text: whether that it cannot be read matters to anybody.

/// Whose business a text is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Relevance {
    /// It speaks of Karpenter or ACK: what stands in it is missing.
    Karpenter,
    /// It looks like a description of AWS resources, and may have been meant for somebody's rules.
    Aws,
    /// Templates of other charts, settings of editors and the like: nothing is missing without it.
    None,
}

/// Signs of Karpenter and ACK.
const KARPENTER: &[&str] = &["karpenter", "Karpenter", "KARPENTER", "services.k8s.aws"];
/// Signs of CloudFormation, IAM, answers of AWS, Crossplane and Terraform.
const AWS: &[&str] = &["AWS::", "arn:aws", "\"Statement\"", "aws.upbound.io", "aws.crossplane.io", "\"aws_"];
/// What Go's and Jinja's templates and those of ERB begin with.
const TEMPLATE: &[&str] = &["{{", "{%", "<%"];

/// Named templates of Karpenter's own chart.
const OWN_CHART: &str = "include \"karpenter.";
/// Objects that say something of their own, whatever the values of Karpenter's chart are: Karpenter's, ACK's, and those that
/// install charts.
const OBJECTS: &[&str] =
    &["karpenter.sh/v", "karpenter.k8s.aws/v", "services.k8s.aws/v", "argoproj.io/v", "toolkit.fluxcd.io/v"];

impl Relevance {
    /// Of a file's text, or of bytes that are no text.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let has = |signs: &[&str]| signs.iter().any(|sign| memchr::memmem::find(bytes, sign.as_bytes()).is_some());
        // What Karpenter's own chart makes of its values is known from these.
        if has(&[OWN_CHART]) && !has(OBJECTS) {
            Self::None
        } else if has(KARPENTER) {
            Self::Karpenter
        } else if has(AWS) && !has(TEMPLATE) {
            Self::Aws
        } else {
            Self::None
        }
    }

    /// Of Terraform's code, which describes AWS resources unless it is a template.
    pub(super) fn of_code(text: &str) -> Self {
        let template = TEMPLATE.iter().any(|sign| text.contains(sign));
        match Self::of(text.as_bytes()) {
            Self::None if !template => Self::Aws,
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_speaks_of_karpenter_or_ack_matters() {
        for text in
            ["kind: {{ x }}\napiVersion: karpenter.sh/v1", "sqs.services.k8s.aws/v1alpha1", "KarpenterNodeRole-{{ x }}"]
        {
            assert_eq!(Relevance::of(text.as_bytes()), Relevance::Karpenter, "{text}");
        }
    }

    #[test]
    fn a_template_of_karpenters_own_chart_says_nothing_beside_its_values() {
        let deployment = b"kind: Deployment\nmetadata:\n  name: {{ include \"karpenter.fullname\" . }}";
        assert_eq!(Relevance::of(deployment), Relevance::None);
        let pool =
            b"apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {labels: {{ include \"karpenter.labels\" . }}}";
        assert_eq!(Relevance::of(pool), Relevance::Karpenter);
    }

    #[test]
    fn a_broken_description_of_aws_resources_may_matter_and_a_template_of_one_does_not() {
        assert_eq!(Relevance::of(b"{\"Type\": \"AWS::SQS::Queue\""), Relevance::Aws);
        assert_eq!(Relevance::of(b"{% if x %}\nresource \"aws_sqs_queue\" \"q\" {}"), Relevance::None);
        assert_eq!(Relevance::of(b"{// comment\n}"), Relevance::None);
        assert_eq!(Relevance::of(b"name: carpenter"), Relevance::None);
    }
}
