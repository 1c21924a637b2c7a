//! Files: read up to a size limit, because a wrong path must not fill the memory; written whole or not at all.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read, Write},
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

/// Writes a file that is not there yet: what is in one may be waiting to be signed, or have signatures.
pub fn create(path: &Path, text: &str) -> Result<(), TextError> {
    let created = File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes()));
    created.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            TextError::new(format!("`{}` exists already", path.display())).hint("name another file")
        }
        _ => unwritable(path, &error),
    })
}

/// Writes a file that is not there yet, or is there with this very text.
pub fn create_or_same(path: &Path, contents: &str) -> Result<(), TextError> {
    match text(path) {
        Ok(found) if found == contents => Ok(()),
        _ => create(path, contents),
    }
}

/// Writes a file again. Until it is whole, the text that was there before stays.
pub fn replace(path: &Path, text: &str) -> Result<(), TextError> {
    let mut whole = path.as_os_str().to_owned();
    whole.push(".new");
    let written = fs::write(&whole, text).and_then(|()| fs::rename(&whole, path));
    written.map_err(|error| unwritable(path, &error))
}

/// Refuses the path of a file in a directory that is not there, before long work is done to fill the file.
pub fn require_directory_of(path: &Path) -> Result<(), TextError> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if directory.is_none_or(Path::is_dir) {
        return Ok(());
    }
    let message = format!("`{}` cannot be written: its directory does not exist", path.display());
    Err(TextError::new(message).hint("create the directory, or name another one"))
}

fn unwritable(path: &Path, error: &io::Error) -> TextError {
    TextError::new(format!("`{}` cannot be written: {error}", path.display())).hint("check the path")
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
    fn a_new_file_takes_the_place_of_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new");
        create(&path, "one").unwrap();
        let message = format!("`{}` exists already", path.display());
        assert_eq!(create(&path, "two").unwrap_err().to_string(), message);
        assert_eq!(text(&path).unwrap(), "one");
        create_or_same(&path, "one").unwrap();
        assert_eq!(create_or_same(&path, "two").unwrap_err().to_string(), message);
        replace(&path, "two").unwrap();
        assert_eq!(text(&path).unwrap(), "two");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        let nowhere = directory.path().join("none").join("new");
        for written in [create(&nowhere, ""), replace(&nowhere, "")] {
            assert!(written.unwrap_err().to_string().contains("cannot be written: No such file"));
        }
        let message = format!("`{}` cannot be written: its directory does not exist", nowhere.display());
        assert_eq!(require_directory_of(&nowhere).unwrap_err().to_string(), message);
        assert_eq!([require_directory_of(&path), require_directory_of(Path::new("new"))], [Ok(()), Ok(())]);
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
