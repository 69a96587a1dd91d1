//! Columns in kubectl's manner: upper-case headers, two blanks between columns, no lines drawn.

use comfy_table::{Table, presets};

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
