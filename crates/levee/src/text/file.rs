//! Files, up to a size limit: a wrong path must not fill the memory.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use super::TextError;

/// The size limit of files that Levee understands: terms, scenarios, declarations, passwords.
const TEXT_LIMIT: u64 = 1 << 20;
/// The size limit of documents of which only the hash matters, such as a PDF with pictures.
const DOCUMENT_LIMIT: u64 = 64 << 20;

/// The text of a file.
pub fn text(path: &Path) -> Result<String, TextError> {
    text_of(open(path)?, path)
}

/// Opens a file, of which something is to be checked before it is read.
pub fn open(path: &Path) -> Result<File, TextError> {
    File::open(path).map_err(|error| unreadable(path, &error))
}

/// The text of an open file, which is called `path` in errors.
pub fn text_of(file: File, path: &Path) -> Result<String, TextError> {
    let bytes = read(file, path, TEXT_LIMIT)?;
    String::from_utf8(bytes).map_err(|_| {
        TextError::new(format!("`{}` is not valid UTF-8", path.display()))
            .hint("save it as UTF-8, or check the path")
    })
}

/// The bytes of a document.
pub fn document(path: &Path) -> Result<Vec<u8>, TextError> {
    read(open(path)?, path, DOCUMENT_LIMIT)
}

fn read(file: File, path: &Path, limit: u64) -> Result<Vec<u8>, TextError> {
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| unreadable(path, &error))?;
    // A file's length fits in 64 bits.
    if bytes.len() as u64 > limit {
        let message = format!("`{}` is larger than {} MiB, the maximum", path.display(), limit >> 20);
        return Err(TextError::new(message).hint("check the path"));
    }
    Ok(bytes)
}

fn unreadable(path: &Path, error: &io::Error) -> TextError {
    TextError::new(format!("`{}` cannot be read: {error}", path.display())).hint("check the path")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("large");
        std::fs::write(&path, vec![b'#'; 1 << 20]).unwrap();
        assert_eq!(text(&path).unwrap().len(), 1 << 20);
        std::fs::write(&path, vec![b'#'; (1 << 20) + 1]).unwrap();
        let message = format!("`{}` is larger than 1 MiB, the maximum", path.display());
        assert_eq!(text(&path).unwrap_err().to_string(), message);
        assert_eq!(document(&path).unwrap().len(), (1 << 20) + 1);
        let endless = document(Path::new("/dev/zero")).unwrap_err().to_string();
        assert_eq!(endless, "`/dev/zero` is larger than 64 MiB, the maximum");
    }

    #[test]
    fn what_is_no_text_is_said_to_be_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bytes");
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert_eq!(text(&path).unwrap_err().to_string(), format!("`{}` is not valid UTF-8", path.display()));
        let nowhere = directory.path().join("none");
        assert!(text(&nowhere).unwrap_err().to_string().contains("cannot be read: No such file"));
    }
}
