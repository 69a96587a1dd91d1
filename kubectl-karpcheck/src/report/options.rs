//! How the table is written.

/// How much detail is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Detail {
    /// Enough to act on.
    #[default]
    Short,
    /// Also the confidence, every place of a cause and related places.
    Whole,
}

/// What causes stand under.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GroupBy {
    /// The rule.
    Rule,
    /// The scope.
    Scope,
    /// The file, or the live object.
    File,
}

/// How the table is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TableOptions {
    /// The terminal's width in columns; none where the output is no terminal.
    pub width: Option<usize>,
    /// Colour, which only repeats what the words say, and links to the rules' pages.
    pub color: bool,
    /// How much is shown.
    pub detail: Detail,
    /// Are columns named?
    pub headers: bool,
    /// The findings alone: no undecided ones on a terminal, nothing of what was checked.
    pub quiet: bool,
    /// What causes stand under; none for the worst first.
    pub group_by: Option<GroupBy>,
    /// Is what passed listed by rule?
    pub passed: bool,
}

impl Default for TableOptions {
    fn default() -> Self {
        Self {
            width: None,
            color: false,
            detail: Detail::Short,
            headers: true,
            quiet: false,
            group_by: None,
            passed: false,
        }
    }
}
