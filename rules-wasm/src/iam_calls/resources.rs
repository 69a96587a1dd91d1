//! Which resources a call is about: those whose ids are known (by the class's selectors, its status, or what AWS says), and
//! for all others a text that is known in part. An id is never invented: a policy that names ids is then judged by the known
//! ones, or not judged.

use super::Actor;
use karpcheck_sdk::prelude::*;

/// A resource that IAM is asked about.
#[derive(Clone)]
pub(crate) struct Resource {
    /// Its ARN, a template of the fields.
    pub arn: String,
    pub fields: Vec<(String, Field)>,
    /// Its id, where one is known.
    pub id: Option<String>,
    /// What of it is not known, and what would tell.
    pub gap: Option<(String, Option<Settlement>)>,
}

/// Resources with ids: what stands for them in a call, what ids begin with, and where a class names them: in its status, its
/// terms and, up to 0.32, its selector.
const IDS: &[(&str, &str, &str, &str, &str)] = &[
    ("subnet", "subnet-", "/status/subnets/*/id", "/spec/subnetSelectorTerms", "/spec/subnetSelector"),
    (
        "security-group",
        "sg-",
        "/status/securityGroups/*/id",
        "/spec/securityGroupSelectorTerms",
        "/spec/securityGroupSelector",
    ),
    ("image", "ami-", "/status/amis/*/id", "/spec/amiSelectorTerms", "/spec/amiSelector"),
    ("capacity-reservation", "cr-", "/status/capacityReservations/*/id", "/spec/capacityReservationSelectorTerms", ""),
];

/// What is made by Karpenter, under an id that nobody can know before.
const MADE: &[(&str, &str)] = &[("instance", "i-"), ("launch-template", "lt-"), ("profile", "")];

impl Actor {
    /// The resources that a row's ARN stands for.
    pub(super) fn resources(&self, on: &str) -> Vec<Resource> {
        let names: Vec<&str> =
            on.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name)).collect();
        if names.is_empty() {
            return vec![plain(on)];
        }
        let placeholder = |name: &str| names.contains(&name);
        if let Some((name, prefix)) = MADE.iter().find(|(name, _)| placeholder(name)) {
            return vec![self.unknown_id(on, name, prefix)];
        }
        if let Some(row) = IDS.iter().find(|row| placeholder(row.0)) {
            return self.selected(on, row);
        }
        if placeholder("snapshot") {
            let ids =
                self.class.iter().flat_map(|class| class.find("/spec/blockDeviceMappings/*/ebs/snapshotID").known());
            let ids: Vec<Resource> = ids.filter(|id| !id.is_absent()).map(|id| of_field(on, "snapshot", id)).collect();
            return if ids.is_empty() { vec![self.unknown_id(on, "snapshot", "snap-")] } else { ids };
        }
        if placeholder("placement-group") {
            let name = self.class.map(|class| class.field("/spec/placementGroupSelector/name"));
            return vec![match name.filter(|name| !name.is_absent()) {
                Some(name) => of_field(on, "placement-group", name),
                None => self.unknown_id(on, "placement-group", ""),
            }];
        }
        if placeholder("parameter") {
            return self.image_parameters();
        }
        if placeholder("role") {
            return self.node_roles(on);
        }
        if placeholder("cluster") && self.is_unnamed() {
            // Its own name: the one that stands for it in tags would be filled in.
            return vec![self.unknown_id(&on.replace("{cluster}", "{own-cluster}"), "own-cluster", "")];
        }
        vec![plain(on)]
    }

    /// The owner of a field that nobody has filled in: what a template says of it is not known.
    fn gap(&self, name: &str) -> Field {
        self.class.unwrap_or(self.controller).field(format!("/unknown/{name}"))
    }

    /// A resource of which only the beginning of its id is known.
    fn unknown_id(&self, on: &str, name: &str, prefix: &str) -> Resource {
        Resource {
            arn: on.replace(&format!("{{{name}}}"), &format!("{prefix}{{{name}}}")),
            fields: vec![(name.to_owned(), self.gap(name))],
            id: None,
            gap: Some((self.why_unknown(name), None)),
        }
    }

    fn why_unknown(&self, name: &str) -> String {
        let class = self.class.map_or_else(|| "a class".into(), |class| format!("{} {}", class.noun(), class.name()));
        match name {
            "instance" => "the ids of its instances are not known".into(),
            "launch-template" => "the ids of its launch templates are not known".into(),
            "profile" => format!("the name of the instance profile of {class} is not known"),
            "role" => format!("which role the instances of {class} have is not known"),
            "own-cluster" => "the cluster's name is not known".into(),
            name => format!("which {}s {class} uses is not known", name.replace('-', " ")),
        }
    }

    /// What a class selects: what its status says, else what its terms name; what they select by tags is not known.
    fn selected(
        &self,
        on: &str,
        (name, prefix, status, terms, selector): &(&str, &str, &str, &str, &str),
    ) -> Vec<Resource> {
        let Some(class) = self.class else { return vec![self.unknown_id(on, name, prefix)] };
        let found: Vec<Resource> = class
            .find(status)
            .known()
            .filter(|id| id.known_text().is_some())
            .map(|id| of_field(on, name, id))
            .collect();
        if !found.is_empty() {
            return found;
        }
        let (mut all, mut open) = (vec![], true);
        for (number, term) in class.each(terms).enumerate() {
            let id = term.as_ref().ok().map(|term| term.child("id")).filter(|id| !id.is_absent());
            open = (open && number > 0) || id.is_none();
            all.extend(id.map(|id| of_field(on, name, id)));
        }
        // `aws-ids: subnet-1,subnet-2`, alone: with tags beside it both must hold.
        let by_id = class.find(&format!("{selector}/*")).known().filter(|_| !selector.is_empty());
        for value in by_id {
            match value.known_text().filter(|_| matches!(value.name().as_str(), "aws-ids" | "aws::ids")) {
                Some(ids) => {
                    open = false;
                    let ids = ids.split(',').map(str::trim).filter(|id| !id.is_empty() && !id.contains(['{', '}']));
                    all.extend(ids.map(|id| Resource {
                        arn: on.replace(&format!("{{{name}}}"), id),
                        fields: vec![],
                        id: Some(id.to_owned()),
                        gap: None,
                    }));
                }
                None => open = true,
            }
        }
        if open {
            all.push(self.unknown_id(on, name, prefix));
        }
        all
    }

    /// The parameters that tell a class's images: of its family, and those that its terms name.
    pub(super) fn image_parameters(&self) -> Vec<Resource> {
        let Some(class) = self.class else { return vec![] };
        let service = |path: &str| Resource {
            arn: format!("arn::ssm:::parameter/aws/service/{path}"),
            fields: ["kubernetes", "image-version"].map(|name| (name.to_owned(), self.gap(name))).into(),
            id: None,
            gap: Some(("which version of Kubernetes and of the image is asked for is not known".into(), None)),
        };
        let mut all = vec![];
        let mut terms = class.each("/spec/amiSelectorTerms").peekable();
        if terms.peek().is_none() && class.get("/spec/amiSelector").is_absent() {
            let family = class.field("/spec/amiFamily");
            let known = if family.is_absent() { Some("AL2".into()) } else { family.known_text() };
            all.extend(match known {
                Some(family) => path_of(&family.to_lowercase()).map(service),
                None => Some(service("{image-version}")),
            });
        }
        for term in terms.flatten() {
            let alias = term.child("alias");
            if !alias.is_absent() {
                let family = FAMILIES.iter().find(|(family, _)| alias.matches(&format!("{family}@*")).is_yes());
                all.push(service(family.map_or("{image-version}", |(_, path)| path)));
            }
            let parameter = term.child("ssmParameter");
            if self.release >= (1, 4, 0) && !parameter.is_absent() {
                let arn = if parameter.matches("arn:*").is_yes() {
                    "{parameter}"
                } else if parameter.matches("/*").is_yes() {
                    "arn::ssm:::parameter{parameter}"
                } else {
                    "arn::ssm:::parameter/{parameter}"
                };
                all.push(of_field(arn, "parameter", parameter));
            }
        }
        all
    }

    /// The role of a class's instances: the one that it names, else the one in its instance profile.
    fn node_roles(&self, on: &str) -> Vec<Resource> {
        let Some(class) = self.class else { return vec![self.unknown_id(on, "role", "")] };
        let role = class.field("/spec/role");
        if role.matches("*:*").is_yes() {
            // An ARN, of which Karpenter takes the name; its account may be a placeholder of any form.
            return vec![match (role.linked(), role.known_text()) {
                (Some(item), _) => of_item(item),
                (None, Some(arn)) if role.matches("arn:*:iam::*:role/?*").is_yes() => {
                    Resource { id: arn.rsplit('/').next().map(str::to_owned), ..of_field("{role}", "role", role) }
                }
                _ => self.unknown_id(on, "role", ""),
            }];
        }
        if !role.is_absent() {
            return vec![match role.linked() {
                Some(item) if item.matches("/Path", "/?*/").is_yes() => of_item(item),
                _ => of_field(on, "role", role),
            }];
        }
        let profile = class.field("/spec/instanceProfile");
        let in_profile = profile.linked().into_iter().flat_map(|profile| profile.each("/Roles").known());
        let roles: Vec<Resource> = in_profile
            .map(|role| match role.linked() {
                Some(item) => of_item(item),
                None => of_field(on, "role", role),
            })
            .collect();
        if !roles.is_empty() {
            return roles;
        }
        let settled = Some(Settlement::Kind("AWS::IAM::InstanceProfile".into()));
        vec![Resource { gap: Some((self.why_unknown("role"), settled)), ..self.unknown_id(on, "role", "") }]
    }
}

/// KP pkg/providers/amifamily/*.go, by alias: what stands below `/aws/service`.
const FAMILIES: &[(&str, &str)] = &[
    ("al2", "eks/optimized-ami/{kubernetes}/amazon-linux-2/{image-version}/image_id"),
    ("al2023", "eks/optimized-ami/{kubernetes}/amazon-linux-2023/x86_64/standard/{image-version}/image_id"),
    ("bottlerocket", "bottlerocket/aws-k8s-{kubernetes}/x86_64/{image-version}/image_id"),
    ("windows2019", "ami-windows-latest/Windows_Server-2019-English-Core-EKS_Optimized-{kubernetes}/image_id"),
    ("windows2022", "ami-windows-latest/Windows_Server-2022-English-Core-EKS_Optimized-{kubernetes}/image_id"),
    ("windows2025", "ami-windows-latest/Windows_Server-2025-English-Core-EKS_Optimized-{kubernetes}/image_id"),
    ("ubuntu", "canonical/ubuntu/eks/20.04/{kubernetes}/stable/current/amd64/hvm/ebs-gp2/ami-id"),
];

/// None for `custom`, whose images are selected, and for families that a later release may know.
fn path_of(family: &str) -> Option<&'static str> {
    FAMILIES.iter().find(|(known, _)| *known == family).map(|(_, path)| *path)
}

fn plain(on: &str) -> Resource {
    Resource { arn: on.to_owned(), fields: vec![], id: None, gap: None }
}

fn of_field(on: &str, name: &str, field: Field) -> Resource {
    Resource { arn: on.to_owned(), id: field.known_text(), fields: vec![(name.to_owned(), field)], gap: None }
}

fn of_item(item: Item) -> Resource {
    Resource { id: Some(item.name()), ..of_field("{role}", "role", item.field("@arn")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_have_their_parameters() {
        assert_eq!(path_of("al2023"), Some(FAMILIES[1].1));
        assert_eq!(path_of("custom"), None);
    }
}
