//! What rules report: verdicts, findings and the next step for the user.

mod causes;
pub mod comparison;
pub mod finding;
pub mod fingerprint;
pub mod next_step;
pub mod suppression;
