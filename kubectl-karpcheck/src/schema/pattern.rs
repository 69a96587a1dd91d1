//! Patterns of kinds and of texts: `*` stands for any characters, `?` for any one.

/// Does a text match a pattern of `*` (any characters) and `?` (one character)? Without an allocation, since every object's kind
/// and most fields are compared so; a star is tried again from its last place only, which is enough for a single text.
pub fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Where to go on if what follows the last star does not fit: one character later.
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p + 1, t));
                p += 1;
                continue;
            }
            Some(b'?') => {
                t += width(text[t]);
                p += 1;
                continue;
            }
            Some(byte) if *byte == text[t] => {
                t += 1;
                p += 1;
                continue;
            }
            _ => {}
        }
        let Some((after, at)) = retry else { return false };
        let at = at + width(text[at]);
        retry = Some((after, at));
        (p, t) = (after, at);
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

/// Does a declared kind, which may be a pattern, stand for a kind?
pub fn kind_matches(declared: &str, kind: &str) -> bool {
    if !declared.contains('*') {
        return declared == kind;
    }
    match (declared.split_once('/'), kind.split_once('/')) {
        (Some((group, name)), Some((in_group, in_name))) => glob(group, in_group) && glob(name, in_name),
        (None, None) => glob(declared, kind),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::glob;

    /// The SDK reads the same file: it does not ask where it knows the text.
    #[test]
    fn patterns_match_as_they_do_in_the_sdk() {
        let cases = include_str!("../../../tests/fixtures/patterns.tsv").lines().filter(|line| !line.starts_with('#'));
        for case in cases {
            let [pattern, text, matches] = case.split('\t').collect::<Vec<_>>()[..] else { panic!("{case}") };
            assert_eq!(glob(pattern, text), matches == "yes", "{pattern} over {text}");
        }
    }
}
