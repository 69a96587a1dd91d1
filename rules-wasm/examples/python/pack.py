"""The pack: one file for each rule in rules/, each in this list."""

from karpcheck import Pack
from rules import node_pool_without_team

Rules = Pack("platform", "0.1.0", [node_pool_without_team.RULE]).exports()
