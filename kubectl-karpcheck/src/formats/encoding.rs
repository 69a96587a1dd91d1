//! Texts as programs and editors save them.

use std::borrow::Cow;

/// Why bytes are no text.
pub(crate) enum Undecodable {
    /// They are of something else.
    Binary,
    /// They are a text in another encoding.
    Encoding {
        /// The line of the first byte that does not fit, from 1.
        line: u32,
        /// Its column, from 1, in characters.
        column: u32,
    },
}

/// UTF-8 with or without a byte order mark, or UTF-16 with one.
pub(crate) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, Undecodable> {
    let wide = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = rest.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        char::decode_utf16(units).collect::<Result<String, _>>().map(Into::into).map_err(|_| Undecodable::Binary)
    };
    if let Some(rest) = bytes.strip_prefix(b"\xff\xfe") {
        return wide(rest, u16::from_le_bytes);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xfe\xff") {
        return wide(rest, u16::from_be_bytes);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map(Into::into).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        if bytes.iter().take(8192).any(|byte| *byte == 0) {
            return Undecodable::Binary;
        }
        #[expect(clippy::cast_possible_truncation, reason = "files are smaller than 4 GiB")]
        let line = memchr::memchr_iter(b'\n', before).count() as u32 + 1;
        let start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
        #[expect(clippy::cast_possible_truncation, reason = "files are smaller than 4 GiB")]
        let column = String::from_utf8_lossy(&before[start..]).chars().count() as u32 + 1;
        Undecodable::Encoding { line, column }
    })
}
