//! ## What it finds
//!
//! A volume of an EC2NodeClass of another type, or with more IOPS, than the platform team pays for.

use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "A volume is not of the agreed type",
    severity: Error,
    subjects: &["karpenter.k8s.aws/EC2NodeClass"],
    reads: &["karpenter.sh/NodePool"],
    settings: &[
        Setting { name: "type", docs: "A pattern of the agreed types.", default: SettingDefault::Text("gp3") },
        Setting { name: "most-iops", docs: "The most IOPS.", default: SettingDefault::Number(6000.0) },
    ],
    check,
    ..Rule::DEFAULT
};

fn check(class: Item) -> Check {
    let agreed = setting("type").text()?.unwrap_or_default();
    let most = setting("most-iops").number()?.unwrap_or_default();
    all(class.find("/spec/blockDeviceMappings/*/ebs"), |volume| {
        let volume = volume?;
        both([of_type(class, &volume, &agreed), within(class, &volume, most)])
    })
}

fn of_type(class: Item, volume: &Field, agreed: &str) -> Check {
    let own = volume.child("volumeType");
    if own.is_absent() {
        return skip();
    }
    if own.matches_or_unknown(agreed)? {
        return pass();
    }
    let shown = own.known_text().unwrap_or_else(|| "something unknown".into());
    let pools: Vec<Item> = class.referring("karpenter.sh/NodePool").collect();
    log(&format!("{} NodePools use {}", pools.len(), class.name()));
    fail(&own, format!("volume {} of {} is {shown}, and {agreed} is agreed", volume.parent().name(), class.name()))
        .remedy(format!("Use {agreed}."))
        .related(pools.iter().map(|pool| pool.place("/spec/template/spec/nodeClassRef", "it uses this class")))
        .edit(own, agreed)
        .severity(Warning)
        .group("type")
        .property("type", shown)
        .property("parent", volume.parent().parent().name())
        .check()
}

fn within(class: Item, volume: &Field, most: f64) -> Check {
    let iops = volume.child("iops");
    let Some(number) = iops.number()? else { return skip() };
    if number <= most {
        return pass();
    }
    fail(iops, format!("a volume of {} {} has {number} IOPS, and {most} are agreed", class.noun(), class.name()))
        .confidence(Confidence::Medium)
        .check()
}
