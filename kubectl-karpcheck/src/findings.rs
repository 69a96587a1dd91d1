//! What rules report: verdicts, findings and the next step for the user.

pub mod finding;
pub mod next_step;
