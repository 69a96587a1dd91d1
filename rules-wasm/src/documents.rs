//! Policy documents.

use karpcheck_sdk::prelude::*;

/// Why a document is not known, if it was not given. One that was given and names a region or account that is not known was
/// given all the same.
pub(crate) fn not_given(document: &Field) -> Option<Unknown> {
    let unknown = document.value().unknown().filter(|unknown| unknown.is_not_provided())?;
    document.each().known().next().is_none().then(|| unknown.clone())
}

/// The statements of a policy, which may be a list or a single one. Of a list with an open end those that are known.
pub(crate) fn statements(document: &Field) -> Vec<Field> {
    let statement = document.child("Statement");
    let listed: Vec<Field> = statement.each().known().filter(|member| member.index().is_some()).collect();
    if listed.is_empty() && !statement.child("Effect").is_absent() {
        return vec![statement];
    }
    listed
}

/// Is it certainly a statement that allows something?
pub(crate) fn allows(statement: &Field) -> bool {
    statement.child("Effect").matches("Allow").is_yes()
}
