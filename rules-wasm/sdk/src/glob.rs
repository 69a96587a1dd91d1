//! Patterns of `*` (any characters) and `?` (one character), as the host lays them over texts: what is known need not be asked.

/// Does a text match? A star is tried again from its last place only, which is enough for a single text.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Where to go on if what follows the last star does not fit: one character later.
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                p += 1;
                retry = Some((p, t));
            }
            Some(b'?') => {
                t += width(text[t]);
                p += 1;
            }
            Some(byte) if *byte == text[t] => {
                t += 1;
                p += 1;
            }
            _ => {
                let Some((after, at)) = retry else { return false };
                t = at + width(text[at]);
                p = after;
                retry = Some((p, t));
            }
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// The bytes of the character that begins with this byte.
const fn width(first: u8) -> usize {
    match first {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xff => 4,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::glob;

    /// The host reads the same file: both have to agree.
    #[test]
    fn patterns_match_as_they_do_in_the_host() {
        let cases = include_str!("../../../tests/fixtures/patterns.tsv").lines().filter(|line| !line.starts_with('#'));
        for case in cases {
            let [pattern, text, matches] = case.split('\t').collect::<Vec<_>>()[..] else { panic!("{case}") };
            assert_eq!(glob(pattern, text), matches == "yes", "{pattern} over {text}");
        }
    }
}
