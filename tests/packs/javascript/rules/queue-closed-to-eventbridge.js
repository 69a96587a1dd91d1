import { fail, pass, Request, select, undecided } from '../karpcheck.js';

const CONTROLLER = 'Karpcheck::Controller';

const docs = `## What it finds

A queue to which EventBridge may not send, as far as its policy says.
`;

const NOTES = {
  yes: 'it polls this queue',
  no: 'it polls another queue',
  unknown: 'which queue it polls is not known',
};

export const queueClosedToEventbridge = {
  id: 'queue-closed-to-eventbridge',
  area: 'platform',
  title: 'EventBridge may not send to a queue',
  docs,
  severity: 'error',
  subjects: ['AWS::SQS::Queue'],
  reads: [CONTROLLER],
  // A queue that no controller names is as likely as not another team's.
  applies: (queue) => (queue.referring(CONTROLLER).length ? 'high' : 'low'),
  check(queue) {
    const decision = Request.byService('events.amazonaws.com', 'sqs:SendMessage', queue)
      .field('partition', queue.field('@partition'))
      .field('region', queue.field('@region'))
      .field('account', queue.field('@account'))
      .withTemplate('aws:SourceArn', 'arn:{partition}:events:{region}:{account}:rule/interruption')
      .with('aws:SecureTransport', true)
      .decide();
    const policy = queue.field('/Policy');
    if (decision.access === 'unknown') {
      const message = `may EventBridge send to ${queue.name()}? ${decision.why}`;
      return undecided(decision.unknown ?? decision.why, '', message).related(decision.statements);
    }
    if (decision.allowed()) return pass();
    const places = select(CONTROLLER)
      .known()
      .map((controller) => {
        const same = controller.field('/InterruptionQueue').same(queue.field('/QueueName'));
        return controller.place('/InterruptionQueue', NOTES[same]);
      });
    return fail(policy, `EventBridge may not send to queue ${queue.name()}: ${decision.why}`)
      .remedy('Allow events.amazonaws.com to use sqs:SendMessage.')
      .related(decision.statements)
      .related(places)
      .group(decision.access === 'explicit-deny' ? 'denied' : 'not-allowed');
  },
};
