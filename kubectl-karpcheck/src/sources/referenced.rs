//! Files that what was read refers to, which nobody named.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::inventory::{Builder, DocId, Origin};

/// No such file is read beyond this size.
const MOST: u64 = 1 << 20;

/// The text of such a file, in bytes at most [`MOST`], with its document; none where it cannot be read.
pub(super) fn read(builder: &mut Builder, path: &Path) -> Option<(String, DocId)> {
    // A pipe, to which a link may lead, would be waited for.
    path.metadata().ok().filter(std::fs::Metadata::is_file)?;
    let mut text = String::new();
    File::open(path).ok()?.take(MOST).read_to_string(&mut text).ok()?;
    Some((text, builder.document(Origin::File(path.to_string_lossy().into()))))
}
