//! Inputs read whole, at the speed of memory.

use std::fs::File;
use std::io::{self, Read};

use crate::cli::io::progress::Progress;

/// Bytes that are read at a time.
const PIECE: usize = 1 << 20;

/// Bytes that are read whole at most.
const MAX: u64 = 1 << 30;
/// Bytes of a configuration at most.
const MAX_TEXT: u64 = 16 << 20;

/// Bytes of a file from which on threads pay.
#[cfg(unix)]
const LARGE: u64 = 16 << 20;

/// The file that standard input is redirected from, if it is.
pub(crate) fn standard_input() -> Option<File> {
    #[cfg(unix)]
    let file = std::os::fd::AsFd::as_fd(&io::stdin()).try_clone_to_owned().ok().map(File::from);
    #[cfg(not(unix))]
    let file = None;
    file.filter(|file: &File| file.metadata().is_ok_and(|metadata| metadata.is_file()))
}

/// The rest of a file.
///
/// # Errors
///
/// It cannot be read.
pub(crate) fn file(mut file: File, progress: &Progress) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    #[cfg(unix)]
    in_parallel(&mut file, &mut bytes, progress)?;
    read_on(&mut file, &mut bytes, progress)?;
    Ok(bytes)
}

/// All that comes through a pipe.
///
/// # Errors
///
/// It cannot be read.
pub(crate) fn pipe(mut reader: impl Read, progress: &Progress) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    read_on(&mut reader, &mut bytes, progress)?;
    Ok(bytes)
}

/// Reads on to the end, in pieces: so no more memory is touched than the bytes need.
///
/// # Errors
///
/// It cannot be read, there is too much of it, or it is no text: an endless stream must not take all memory.
fn read_on(reader: &mut impl Read, bytes: &mut Vec<u8>, progress: &Progress) -> io::Result<()> {
    loop {
        let before = bytes.len();
        match reader.take(PIECE as u64).read_to_end(bytes)? {
            0 => return Ok(()),
            read => progress.read(read),
        }
        // UTF-16 has such bytes too, and gets a better message; it has others beside them.
        if bytes.len() - before >= PIECE && bytes[before..].iter().all(|byte| *byte == 0) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it holds nothing but NUL bytes"));
        }
        check_length(bytes.len() as u64)?;
    }
}

fn check_length(bytes: u64) -> io::Result<()> {
    if bytes > MAX {
        let message = format!("it is longer than {} GiB: filter it in parts, or with --stream", MAX >> 30);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(())
}

/// The text of a small file: a configuration.
///
/// # Errors
///
/// It cannot be read, is too long for a configuration, or is not UTF-8.
pub(crate) fn small_text(file: File) -> io::Result<String> {
    let mut text = String::new();
    file.take(MAX_TEXT + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_TEXT {
        let message = format!("it is longer than {} MiB", MAX_TEXT >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(text)
}

/// Reads what a large file holds now, on all processors: most of the time goes into fresh memory, not into the file.
#[cfg(unix)]
fn in_parallel(file: &mut File, bytes: &mut Vec<u8>, progress: &Progress) -> io::Result<()> {
    use std::io::{Seek, SeekFrom};
    use std::os::unix::fs::FileExt;

    use rayon::prelude::{IndexedParallelIterator, ParallelIterator, ParallelSliceMut};

    // What has no place to read from has no length either.
    let Ok(start) = file.stream_position() else { return Ok(()) };
    let length = file.metadata()?.len().saturating_sub(start);
    if length < LARGE {
        return Ok(());
    }
    check_length(length)?;
    let length_in_memory = usize::try_from(length).map_err(|_| io::ErrorKind::OutOfMemory)?;
    // Asked for before: zeroed memory that is not there ends the program.
    Vec::<u8>::new().try_reserve_exact(length_in_memory)?;
    *bytes = vec![0; length_in_memory];
    let read = bytes.par_chunks_mut(PIECE).enumerate().try_for_each(|(number, piece)| {
        file.read_exact_at(piece, start + (number * PIECE) as u64)?;
        progress.read(piece.len());
        Ok(())
    });
    file.seek(SeekFrom::Start(start + length))?;
    read
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, SeekFrom, Write};

    use super::*;

    #[test]
    fn what_has_no_end_is_an_error() {
        let kind = |reader: Box<dyn Read>| pipe(reader, &Progress::start(1)).map_err(|error| error.kind());
        assert_eq!(kind(Box::new(io::repeat(0))), Err(io::ErrorKind::InvalidData));
        assert_eq!(check_length(MAX).map_err(|error| error.kind()), Ok(()));
        assert_eq!(check_length(MAX + 1).map_err(|error| error.kind()), Err(io::ErrorKind::FileTooLarge));
    }

    #[test]
    fn a_file_is_read_from_where_it_stands() {
        for length in [0, 10, PIECE, 17 * PIECE + 5] {
            let whole: Vec<u8> = (0..length).map(|at| at.to_le_bytes()[1]).collect();
            let mut input = tempfile::tempfile().expect("a file");
            input.write_all(&whole).expect("written");
            for start in [0, length.min(3)] {
                input.seek(SeekFrom::Start(start as u64)).expect("a place");
                let copy = input.try_clone().expect("the same place");
                let read = file(copy, &Progress::start(1)).expect("read");
                assert!(read == whole[start..], "{length} bytes from {start}");
                assert_eq!(input.stream_position().expect("a place"), length as u64);
            }
            assert!(pipe(whole.as_slice(), &Progress::start(1)).expect("read") == whole);
        }
    }
}
