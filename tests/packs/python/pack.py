from karpcheck import Pack
from rules import node_pool_without_team, queue_closed_to_eventbridge, volume_not_as_agreed

RULES = [node_pool_without_team.RULE, queue_closed_to_eventbridge.RULE, volume_not_as_agreed.RULE]
Rules = Pack("acme-rules", "0.1.0", RULES).exports()
