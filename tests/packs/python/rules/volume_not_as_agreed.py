"""## What it finds

A volume of an EC2NodeClass of another type, or with more IOPS, than the platform team pays for.
"""

from karpcheck import (
    Check, Confidence, Field, Item, Rule, Setting, Severity, all, both, fail, log, pass_, setting, skip,
)


def check(owner: Item) -> Check:
    agreed, most = setting("type"), setting("most-iops")
    return all(
        owner.find("/spec/blockDeviceMappings/*/ebs"),
        lambda volume: both([lambda: of_type(owner, volume, agreed), lambda: within(owner, volume, most)]),
    )


def of_type(owner: Item, volume: Field, agreed: str) -> Check:
    own = volume.child("volumeType")
    if own.is_absent():
        return skip()
    if own.matches_or_unknown(agreed):
        return pass_()
    shown = own.known_text() or "something unknown"
    pools = owner.referring("karpenter.sh/NodePool")
    log(f"{len(pools)} NodePools use {owner.name()}")
    return (
        fail(own, f"volume {volume.parent().name()} of {owner.name()} is {shown}, and {agreed} is agreed")
        .remedy(f"Use {agreed}.")
        .related(pool.place("/spec/template/spec/nodeClassRef", "it uses this class") for pool in pools)
        .edit(own, agreed)
        .severity(Severity.WARNING)
        .group("type")
        .property("type", shown)
        .property("parent", volume.parent().parent().name())
    )


def within(owner: Item, volume: Field, most: float) -> Check:
    iops = volume.child("iops")
    number = iops.number()
    if number is None:
        return skip()
    if number <= most:
        return pass_()
    message = f"a volume of {owner.noun()} {owner.name()} has {number} IOPS, and {most} are agreed"
    return fail(iops, message).confidence(Confidence.MEDIUM)


RULE = Rule(
    id="volume-not-as-agreed",
    area="platform",
    title="A volume is not of the agreed type",
    docs=__doc__,
    severity=Severity.ERROR,
    subjects=["karpenter.k8s.aws/EC2NodeClass"],
    reads=["karpenter.sh/NodePool"],
    settings=[
        Setting("type", "A pattern of the agreed types.", "gp3"),
        Setting("most-iops", "The most IOPS.", 6000),
    ],
    check=check,
)
