//! A stream as the documents that it consists of, each read by itself, and those of a long one on several threads.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::thread;

use super::{Keys, Parsed, Reader};
use crate::inventory::DocId;

/// Bytes of a stream that are read again, for lines that are indented less than the standard wants.
const MOST_AGAIN: usize = 16 << 20;
/// Bytes of a stream that one thread reads at a time: some milliseconds of work, and a few megabytes of nodes.
const BATCH: usize = 256 << 10;
/// More threads than these would only wait for the one that takes what they read.
const MOST_THREADS: usize = 4;

/// Reads a stream.
pub(crate) fn read(text: &str, doc: DocId) -> impl Iterator<Item = Parsed> {
    read_chunks(chunks(text), doc, MOST_AGAIN)
}

/// Reads a stream, the documents of a long one on several threads, and gives each of them in its turn.
pub(crate) fn read_each(text: &str, doc: DocId, mut take: impl FnMut(Parsed)) {
    if text.len() < 2 * BATCH {
        return read(text, doc).for_each(take);
    }
    let again = MOST_AGAIN / (text.len() / BATCH);
    let read_batch = move |batch: Vec<(&str, u32)>| {
        let bytes: usize = batch.iter().map(|(chunk, _)| chunk.len()).sum();
        read_chunks(batch.into_iter(), doc, again.max(2 * bytes)).collect::<Vec<Parsed>>()
    };
    let mut batches = Batches(chunks(text));
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get).min(MOST_THREADS);
    thread::scope(|scope| {
        let begin = |batch: Vec<_>| {
            let own = batch.clone();
            let thread = thread::Builder::new().name("karpcheck-reader".into());
            // Without the thread it only takes longer.
            thread.spawn_scoped(scope, move || read_batch(own)).map_err(|_| batch)
        };
        let mut ahead: VecDeque<_> = batches.by_ref().take(threads).map(begin).collect();
        while let Some(first) = ahead.pop_front() {
            let parsed = match first {
                Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                Err(batch) => read_batch(batch),
            };
            ahead.extend(batches.next().map(begin));
            parsed.into_iter().for_each(&mut take);
        }
    });
}

/// Reads documents. So many bytes of them are read again for their indentation.
fn read_chunks<'a>(
    chunks: impl Iterator<Item = (&'a str, u32)>,
    doc: DocId,
    mut again: usize,
) -> impl Iterator<Item = Parsed> {
    let mut keys = Keys::default();
    chunks.filter(|(chunk, _)| !is_blank(chunk)).map(move |(chunk, line)| {
        let mut reader = Reader::new(doc, line, &mut keys);
        let node = reader.document(chunk).or_else(|error| reader.indented(chunk, error, &mut again));
        let placeholders = memchr::memchr2(b'$', b'<', chunk.as_bytes()).is_some() || chunk.contains("{{");
        Parsed { node, duplicates: reader.duplicates, placeholders }
    })
}

/// Documents by the batch.
struct Batches<I>(I);

impl<'a, I: Iterator<Item = (&'a str, u32)>> Iterator for Batches<I> {
    type Item = Vec<(&'a str, u32)>;

    fn next(&mut self) -> Option<Self::Item> {
        let (mut batch, mut bytes) = (vec![], 0);
        while bytes < BATCH
            && let Some(chunk) = self.0.next()
        {
            bytes += chunk.0.len();
            batch.push(chunk);
        }
        (!batch.is_empty()).then_some(batch)
    }
}

/// The documents of a stream, blank ones too, and the number of lines before each.
pub(crate) fn chunks(text: &str) -> impl Iterator<Item = (&str, u32)> {
    Chunks { rest: text, line: 0 }
}

/// The documents of a stream and the lines before each.
struct Chunks<'a> {
    rest: &'a str,
    line: u32,
}

impl<'a> Iterator for Chunks<'a> {
    type Item = (&'a str, u32);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        // A document begins with its own `---` line, so the search goes on behind it.
        let bytes = self.rest.as_bytes();
        let mut lines = 0;
        let mut end = bytes.len();
        for newline in memchr::memchr_iter(b'\n', bytes) {
            lines += 1;
            if bytes[newline + 1..].starts_with(b"---")
                && matches!(bytes.get(newline + 4), None | Some(b' ' | b'\t' | b'\r' | b'\n'))
            {
                end = newline + 1;
                break;
            }
        }
        let (chunk, rest) = self.rest.split_at(end);
        let line = self.line;
        self.rest = rest;
        self.line += lines;
        Some((chunk, line))
    }
}

/// Nothing but comments, markers and directives?
fn is_blank(chunk: &str) -> bool {
    chunk.lines().all(|line| {
        let line = line.trim();
        line.is_empty() || line.starts_with('#') || line == "---" || line == "..." || line.starts_with('%')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_stream_is_read_as_a_short_one_is() {
        let broken = |index: u32| if index.is_multiple_of(7) { "[" } else { "{a: b, a: c\n}" };
        let text: String = (0..40_000)
            .map(|index| format!("---\nkind: Table\nspec:\n  name: t-{index}\n  x: {}\n", broken(index)))
            .collect();
        assert!(text.len() > 4 * BATCH);
        let shown = |parsed: Parsed| format!("{:?} {:?} {}", parsed.node, parsed.duplicates, parsed.placeholders);
        let one_by_one: Vec<String> = read(&text, DocId(0)).map(shown).collect();
        let mut together = vec![];
        read_each(&text, DocId(0), |parsed| together.push(shown(parsed)));
        assert_eq!(one_by_one.len(), 40_000);
        assert!(one_by_one == together);
    }
}
