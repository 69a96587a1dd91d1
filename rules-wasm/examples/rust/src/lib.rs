//! A pack of one's own: the rules of a platform team, one file each in `src/rules`.

karpcheck_sdk::pack!();
