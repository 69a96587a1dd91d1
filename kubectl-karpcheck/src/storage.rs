//! Files that are kept for later runs, which other runs may read and write at the same time.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

/// The extension of a file that is being written, or that a crashed run left.
pub(crate) const UNFINISHED: &str = "tmp";

/// Puts a file in its place, whole or not at all: its pieces, one after the other. `create` makes the file beside it, under a name
/// that no other run uses.
///
/// # Errors
/// Of the file system.
pub(crate) fn put(path: &Path, create: impl FnOnce(&Path) -> io::Result<File>, pieces: &[&[u8]]) -> io::Result<()> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let unfinished = path.with_file_name(format!("{}-{number}.{UNFINISHED}", std::process::id()));
    let written = create(&unfinished).and_then(|mut file| {
        pieces.iter().try_for_each(|piece| file.write_all(piece))?;
        drop(file);
        fs::rename(&unfinished, path)
    });
    if written.is_err() {
        // The first error says what is wrong.
        let _ = fs::remove_file(&unfinished);
    }
    written
}

/// The bytes of a regular file of at most so many. A pipe or a device, to which a link in somebody's repository may lead, is never
/// opened: it may not answer, or not end.
///
/// # Errors
/// Of the file system; it is no regular file, or larger.
pub(crate) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let mut bytes = vec![];
    File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {most} bytes")));
    }
    Ok(bytes)
}

/// Removes the files that were not used for longest until the others fit. Each has the time of its last use and its bytes.
///
/// # Errors
/// Of the file system.
pub(crate) fn keep_within(most_bytes: u64, mut files: Vec<(SystemTime, u64, PathBuf)>) -> io::Result<()> {
    files.sort();
    let mut sum: u64 = files.iter().map(|(_, size, _)| size).sum();
    for (_, size, path) in files {
        if sum <= most_bytes {
            break;
        }
        fs::remove_file(path)?;
        sum -= size;
    }
    Ok(())
}
