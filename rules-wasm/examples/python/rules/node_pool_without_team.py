"""## What it finds

A NodePool whose nodes get no team label.

## Why it matters

The nodes' cost is booked by that label. Without it they are booked to the platform team.

## How to fix it

Set the label in the NodePool's `spec.template.metadata.labels`. Which label it is, the setting `label` says.
"""

from karpcheck import Answer, Check, Item, Rule, Setting, Severity, fail, pass_, setting


def check(pool: Item) -> Check:
    label = setting("label")
    labels = pool.field("/spec/template/metadata/labels")
    team = labels.child(label)
    # A placeholder is a team, whichever it is: only a label that is missing or empty is wrong.
    if team.matches("?*") is Answer.YES or team.text():
        return pass_()
    return fail(
        labels, f"the nodes of {pool.name()} get no label {label}: their cost is booked to the platform team"
    ).remedy(f"Set {label} to the team's name in spec.template.metadata.labels.")


RULE = Rule(
    id="node-pool-without-team",
    area="platform",
    title="A NodePool's nodes belong to no team",
    docs=__doc__,
    severity=Severity.WARNING,
    subjects=["karpenter.sh/NodePool"],
    settings=[Setting("label", "The label that names the team.", "example.com/team")],
    check=check,
)
