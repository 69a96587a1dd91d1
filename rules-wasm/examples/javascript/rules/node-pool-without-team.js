import { fail, pass, setting } from '../karpcheck.js';

const docs = `## What it finds

A NodePool whose nodes get no team label.

## Why it matters

The nodes' cost is booked by that label. Without it they are booked to the platform team.

## How to fix it

Set the label in the NodePool's \`spec.template.metadata.labels\`. Which label it is, the setting \`label\` says.
`;

export const nodePoolWithoutTeam = {
  id: 'node-pool-without-team',
  area: 'platform',
  title: "A NodePool's nodes belong to no team",
  docs,
  severity: 'warning',
  subjects: ['karpenter.sh/NodePool'],
  settings: [{ name: 'label', docs: 'The label that names the team.', default: 'example.com/team' }],
  check(pool) {
    const label = setting('label');
    const labels = pool.field('/spec/template/metadata/labels');
    const team = labels.child(label);
    // A placeholder is a team, whichever it is: only a label that is missing or empty is wrong.
    if (team.matches('?*') === 'yes' || team.text()) return pass();
    return fail(labels, `the nodes of ${pool.name()} get no label ${label}: their cost is booked to the platform team`)
      .remedy(`Set ${label} to the team's name in spec.template.metadata.labels.`);
  },
};
