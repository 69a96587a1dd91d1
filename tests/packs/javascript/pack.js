import { pack } from './karpcheck.js';
import { nodePoolWithoutTeam } from './rules/node-pool-without-team.js';
import { queueClosedToEventbridge } from './rules/queue-closed-to-eventbridge.js';
import { volumeNotAsAgreed } from './rules/volume-not-as-agreed.js';

export const rules = pack({
  name: 'acme-rules',
  version: '0.1.0',
  rules: [nodePoolWithoutTeam, queueClosedToEventbridge, volumeNotAsAgreed],
});
