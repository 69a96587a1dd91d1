//! Patterns of kinds and of texts: `*` stands for any characters, `?` for any one.

/// Does a text that is known as a whole match a pattern of `*` and `?`? Without an allocation, since every object's kind
/// and most fields are compared so; a star is tried again from its last place only, which is enough for a single text.
pub fn glob(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    // The pattern behind the last star, and the text that it was last tried on.
    let mut star: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let (mut rest, mut ahead) = (pattern.clone(), text.clone());
        match (rest.next(), ahead.next()) {
            (Some('*'), _) => {
                star = Some((rest.clone(), text.clone()));
                pattern = rest;
            }
            (None, None) => return true,
            (Some(wanted), Some(char)) if wanted == '?' || wanted == char => {
                pattern = rest;
                text = ahead;
            }
            _ => {
                let Some((behind, tried)) = &mut star else { return false };
                if tried.next().is_none() {
                    return false;
                }
                pattern = behind.clone();
                text = tried.clone();
            }
        }
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
