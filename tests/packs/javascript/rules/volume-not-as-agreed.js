import { all, both, fail, log, pass, setting, skip } from '../karpcheck.js';

const docs = `## What it finds

A volume of an EC2NodeClass of another type, or with more IOPS, than the platform team pays for.
`;

export const volumeNotAsAgreed = {
  id: 'volume-not-as-agreed',
  area: 'platform',
  title: 'A volume is not of the agreed type',
  docs,
  severity: 'error',
  subjects: ['karpenter.k8s.aws/EC2NodeClass'],
  reads: ['karpenter.sh/NodePool'],
  settings: [
    { name: 'type', docs: 'A pattern of the agreed types.', default: 'gp3' },
    { name: 'most-iops', docs: 'The most IOPS.', default: 6000 },
  ],
  check(owner) {
    const agreed = setting('type');
    const most = setting('most-iops');
    return all(owner.find('/spec/blockDeviceMappings/*/ebs'), (volume) =>
      both([() => ofType(owner, volume, agreed), () => within(owner, volume, most)]),
    );
  },
};

function ofType(owner, volume, agreed) {
  const own = volume.child('volumeType');
  if (own.isAbsent()) return skip();
  if (own.matchesOrUnknown(agreed)) return pass();
  const shown = own.knownText() ?? 'something unknown';
  const pools = owner.referring('karpenter.sh/NodePool');
  log(`${pools.length} NodePools use ${owner.name()}`);
  return fail(own, `volume ${volume.parent().name()} of ${owner.name()} is ${shown}, and ${agreed} is agreed`)
    .remedy(`Use ${agreed}.`)
    .related(pools.map((pool) => pool.place('/spec/template/spec/nodeClassRef', 'it uses this class')))
    .edit(own, agreed)
    .severity('warning')
    .group('type')
    .property('type', shown)
    .property('parent', volume.parent().parent().name());
}

function within(owner, volume, most) {
  const iops = volume.child('iops');
  const number = iops.number();
  if (number === null) return skip();
  if (number <= most) return pass();
  return fail(
    iops,
    `a volume of ${owner.noun()} ${owner.name()} has ${number} IOPS, and ${most} are agreed`,
  ).confidence('medium');
}
