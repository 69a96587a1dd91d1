//! A pack of one's own.
