import { pack } from './karpcheck.js';
import { nodePoolWithoutTeam } from './rules/node-pool-without-team.js';

// One file for each rule in rules/, each in this list.
export const rules = pack({ name: 'platform', version: '0.1.0', rules: [nodePoolWithoutTeam] });
