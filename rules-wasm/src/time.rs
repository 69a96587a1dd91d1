//! Points in time, as Kubernetes writes them.

use karpcheck_sdk::prelude::*;

/// The seconds between a time that an object notes and when the object was read; none where either is not known.
pub(crate) fn age(since: &Field) -> Result<Option<i64>, Unknown> {
    let (read, since) = (since.item().text("@read-at")?, since.text()?);
    let seconds = |time: Option<String>| time.as_deref().and_then(seconds);
    Ok(seconds(read).zip(seconds(since)).map(|(now, then)| now - then))
}

/// The seconds since 1970 of a time: `2026-03-02T09:21:15Z`.
fn seconds(time: &str) -> Option<i64> {
    let (date, clock) = time.strip_suffix('Z')?.split_once('T')?;
    let numbers = |text: &str, mark: char| -> Option<Vec<i64>> {
        text.split(mark).map(|part| part.split('.').next().and_then(|part| part.parse().ok())).collect()
    };
    let [year, month, day] = numbers(date, '-')?[..] else { return None };
    let [hour, minute, second] = numbers(clock, ':')?[..] else { return None };
    if !(1..=12).contains(&month) {
        return None;
    }
    // Years that begin in March have the leap day at their end.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - 719_468;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_kubernetes_writes_them() {
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(seconds("2024-02-29T12:30:05.5Z"), Some(1_709_209_805));
        assert_eq!(
            seconds("2026-03-01T00:00:00Z").zip(seconds("2026-02-28T00:00:00Z")).map(|(b, a)| b - a),
            Some(86_400)
        );
        assert_eq!(seconds("yesterday"), None);
        assert_eq!(seconds("2026-13-01T00:00:00Z"), None);
    }
}
