//! Dates: ISO 8601 as W3C writes it, or seconds since 1970.

/// An instant, in nanoseconds since 1970.
pub(super) fn parse(text: &str) -> Option<i128> {
    let text = text.trim();
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.len() != 4 && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds: i64 = text.parse().ok()?;
        return Some(i128::from(seconds) * 1_000_000_000);
    }
    // Year, month and day may stand alone; a time has a zone.
    let full = match text.len() {
        4 => format!("{text}-01-01T00:00:00Z"),
        7 => format!("{text}-01T00:00:00Z"),
        10 => format!("{text}T00:00:00Z"),
        _ => text.to_owned(),
    };
    full.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_nanosecond)
}
