//! Exit codes: a documented contract, the same for every output format.

/// How a run ended. Where several hold, the first of this order counts: usage, interrupted, not done, findings, incomplete.
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
    /// 130: the user ended the run; what was found so far is reported.
    Interrupted,
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
            Self::Interrupted => 130,
        }
    }
}

/// How `check --help` ends: examples and exit codes.
pub const HELP: &str = "Examples:
  # the cluster of the current context, and AWS with your own credentials
  kubectl karpcheck --aws
  # the files of a repository, no cluster
  kubectl karpcheck check --offline -f .
  # rendered manifests, for GitHub code scanning
  helm template karpenter/ | kubectl karpcheck check --offline -f - -o sarif
  # the table here, plus a report for code scanning and an HTML page
  kubectl karpcheck check --offline -f . -o table -o sarif=out.sarif -o html=report.html

Exit codes:
  0  no finding at or above --fail-on
  1  findings at or above --fail-on
  2  bad arguments
  3  not everything could be done (no cluster, an unreadable file that was named
     or mentions Karpenter, a pack refused); the rest is reported
  4  with --require-complete: no findings, but not complete
  130  interrupted; what was found so far is reported";

/// How `fix --help` ends.
pub const FIX_HELP: &str =
    "A finding is fixed completely or not at all. What cannot be fixed in a file is listed, with what to do by hand.

Examples:
  # show what would be changed, then ask
  kubectl karpcheck fix --offline -f .
  # in a pipeline
  kubectl karpcheck fix --offline -f . --yes

Exit codes:
  0  no finding at or above --fail-on is left
  1  findings at or above --fail-on are left
  2  bad arguments
  3  not everything could be done (a file that cannot be written, an unreadable
     file that was named or mentions Karpenter): see the message";

/// How `upgrade --help` ends.
pub const UPGRADE_HELP: &str = "Examples:
  # from what runs in the current context
  kubectl karpcheck upgrade --to 1.14.1
  # from the files of a repository: what to add to them
  kubectl karpcheck upgrade --to 1.14.1 --offline -f . -o diff

Exit codes:
  0  the upgrade causes no new finding at or above --fail-on
  1  the upgrade causes new findings at or above --fail-on: fix them first
  2  bad arguments, or the running version is unknown or not an earlier one
  3  not everything could be done (no cluster, an unreadable file that was named
     or mentions Karpenter, a pack refused); the rest is reported";

/// How `can --help` ends.
pub const CAN_HELP: &str = "Examples:
  kubectl karpcheck can role/KarpenterController ec2:CreateTags '*' --offline -f .
  kubectl karpcheck can role/KarpenterController kms:Decrypt alias/queue --aws

Exit codes:
  0  AWS would allow it
  1  AWS would deny it
  2  bad arguments
  3  not everything could be done (no cluster, an unreadable file that was named
     or mentions Karpenter); the answer is from what was read
  4  it cannot be decided";
