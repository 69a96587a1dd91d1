//! Heredocs whose indentation the parser must leave alone.

/// The text with each `<<-` heredoc that has a line at the first column written as `<<`, which says the same: the parser
/// looks at the parts between interpolations one by one, and takes characters off such a heredoc. The length stays, so that
/// every offset does.
pub(super) fn without_needless_dashes(mut text: String) -> String {
    let mut from = 0;
    while let Some(found) = text[from..].find("<<-") {
        let at = from + found;
        from = at + 3;
        let rest = &text[from..];
        let Some((name, body)) = rest.split_once('\n') else { break };
        let name = name.trim_end_matches('\r');
        let is_name = |char: char| char.is_alphanumeric() || "_-".contains(char);
        if name.is_empty() || !name.chars().all(is_name) {
            continue;
        }
        let mut lines = body.lines().take_while(|line| line.trim() != name);
        if lines.any(|line| line.starts_with(|first: char| !first.is_whitespace())) {
            text.replace_range(at..from, " <<");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_heredocs_with_a_line_at_the_first_column_are_rewritten() {
        let flush = "a = <<-EOF\nkind: X\nspec:\n  role: ${r}\n  more: y\nEOF\n";
        assert_eq!(without_needless_dashes(flush.to_owned()), flush.replace("<<-", " <<"));
        let indented = "a = <<-EOF\n  kind: X\n  role: ${r}\n  EOF\n# x\n";
        assert_eq!(without_needless_dashes(indented.to_owned()), indented);
        let none = "a = \"<<-\"\nb = 1 <<- 2";
        assert_eq!(without_needless_dashes(none.to_owned()), none);
    }
}
