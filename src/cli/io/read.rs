//! Inputs read whole, at the speed of memory.

use std::fs::File;
use std::io::{self, Read};

use crate::cli::io::progress::Progress;

/// Bytes that are read at a time.
const PIECE: usize = 1 << 20;

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
fn read_on(reader: &mut impl Read, bytes: &mut Vec<u8>, progress: &Progress) -> io::Result<()> {
    loop {
        match reader.take(PIECE as u64).read_to_end(bytes)? {
            0 => return Ok(()),
            read => progress.read(read),
        }
    }
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
