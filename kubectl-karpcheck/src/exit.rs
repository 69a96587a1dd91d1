//! Exit codes: a documented contract, the same for every output format.

/// How a run ended. Where several hold, the first of this order counts: usage, not done, findings, incomplete.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// 0: nothing at or above `--fail-on`.
    Clean,
    /// 1: findings at or above `--fail-on`.
    Findings,
    /// 2: bad arguments.
    Usage,
    /// 3: part of the job failed: no cluster, a named file unreadable or invalid, a file that speaks of Karpenter or ACK
    /// unreadable (but for `--allow-unread`), a pack refused or crashed. The rest is reported, with the failure in `problems`.
    NotDone,
    /// 4: with `--require-complete`, clean but not complete.
    Incomplete,
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Findings => 1,
            Self::Usage => 2,
            Self::NotDone => 3,
            Self::Incomplete => 4,
        }
    }
}

/// How `check --help` ends: examples and exit codes.
pub const HELP: &str = "Examples:
  # the cluster of the current context, and AWS with your own credentials
  kubectl karpcheck --aws
  # the files of a repository, no cluster
  kubectl karpcheck check --offline -f .
  # what a pipeline renders, for GitHub's code scanning
  helm template karpenter/ | kubectl karpcheck check --offline -f - -o sarif

Exit codes:
  0  nothing at or above --fail-on
  1  findings at or above --fail-on
  2  bad arguments
  3  the job could not be done whole (no cluster, a named file or one that
     speaks of Karpenter unreadable, a pack refused); the rest is reported
  4  with --require-complete: clean, but not complete";

/// How `upgrade --help` ends.
pub const UPGRADE_HELP: &str = "Examples:
  # from what runs in the current context
  kubectl karpcheck upgrade --to 1.14.1
  # from the files of a repository: what to add to them
  kubectl karpcheck upgrade --to 1.14.1 --offline -f . -o diff

Exit codes:
  0  the upgrade brings nothing at or above --fail-on
  1  the upgrade brings something at or above --fail-on: do it first
  2  bad arguments, or the version that runs is not known, or not earlier
  3  the job could not be done whole (no cluster, a named file or one that
     speaks of Karpenter unreadable, a pack refused); the rest is reported";

/// How `can --help` ends.
pub const CAN_HELP: &str = "Examples:
  kubectl karpcheck can role/KarpenterController ec2:CreateTags '*' --offline -f .
  kubectl karpcheck can role/KarpenterController kms:Decrypt alias/queue --aws

Exit codes:
  0  AWS would allow it
  1  AWS would deny it
  2  bad arguments
  3  the job could not be done whole (no cluster, a named file or one that
     speaks of Karpenter unreadable); the answer is from what was read
  4  it cannot be decided";
