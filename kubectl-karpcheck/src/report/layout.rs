//! Columns in kubectl's manner: upper-case headers, two blanks between columns, no lines drawn.

use comfy_table::{Table, presets};

use crate::report::text;

/// The widest that a column of [`lines`] is made: one name of thousands of characters would push all else out of sight.
const WIDEST: usize = 80;

/// Lays rows of one line each out under a header. A cell that is wider than a column may be pushes only its own row.
pub(super) fn lines(header: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let header: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
    let all = || std::iter::once(&header).chain(rows);
    let widest = |column: usize| {
        all().filter_map(|row| row.get(column)).map(|cell| text::width(cell)).filter(|width| *width <= WIDEST).max()
    };
    let widths: Vec<usize> = (0..header.len()).map(|column| widest(column).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(width.saturating_sub(text::width(cell)) + 2));
        }
        line.truncate(line.trim_end().len());
        line
    };
    all().map(line).collect()
}

/// Lays rows out under a header. A cell may have several lines; nothing is wrapped or cut. The first lines are the
/// header's, and every row takes as many as its highest cell.
pub(super) fn columns(header: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.to_vec());
    for row in rows {
        table.add_row(row.clone());
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_is_too_wide_pushes_only_its_own_row() {
        let long = "x".repeat(4096);
        let rows =
            [vec!["a".to_owned(), "b".into()], vec![long.clone(), "c".into()], vec!["日本".to_owned(), "d".into()]];
        let wanted = ["A     B".to_owned(), "a     b".into(), format!("{long}  c"), "日本  d".into()];
        assert_eq!(lines(&["A", "B"], &rows), wanted);
    }
}
