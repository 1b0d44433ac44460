//! 7z archives.

use super::Scanner;

#[cfg(feature = "7z")]
use super::Verdict;

impl Scanner {
    #[cfg(feature = "7z")]
    pub(super) fn seven_zip(&mut self, data: &[u8]) -> String {
        if let Some(end) = end_of(data).filter(|&end| end < data.len()) {
            self.note(Verdict::Unknown, end, "bytes behind the 7z archive");
            self.search(data, end);
        }
        let reader = std::io::Cursor::new(data);
        if let Ok(mut archive) =
            sevenz_rust2::ArchiveReader::new(reader, sevenz_rust2::Password::empty())
        {
            self.seven_zip_members(&mut archive, data.len());
        } else {
            self.note(Verdict::Unknown, 0, "a 7z archive that is damaged or encrypted");
            self.search(data, 0);
        }
        "a 7z archive".to_owned()
    }

    #[cfg(feature = "7z")]
    fn seven_zip_members(
        &mut self,
        archive: &mut sevenz_rust2::ArchiveReader<std::io::Cursor<&[u8]>>,
        packed: usize,
    ) {
        let read = archive.for_each_entries(
            &mut |entry: &sevenz_rust2::ArchiveEntry, reader: &mut dyn std::io::Read| {
                let name = entry.name().to_owned();
                if entry.is_directory() {
                    return Ok(true);
                }
                if !self.count_member() {
                    return Ok(false);
                }
                let unpacked = self.unpack_once(reader, packed);
                self.inside(&name, |scanner| {
                    if let Some(fault) = &unpacked.fault {
                        scanner.note(Verdict::Unknown, 0, fault);
                    }
                    scanner.content(&unpacked.bytes);
                });
                Ok(unpacked.fault.is_none())
            },
        );
        if read.is_err() {
            self.note(Verdict::Unknown, 0, "a 7z archive that is damaged or encrypted");
        }
    }

    #[cfg(not(feature = "7z"))]
    pub(super) fn seven_zip(&mut self, data: &[u8]) -> String {
        self.note(super::Verdict::Unknown, 0, "a 7z archive, which this build does not scan");
        self.search(data, 0);
        "a 7z archive".to_owned()
    }
}

/// Where the archive says that it ends.
#[cfg(feature = "7z")]
fn end_of(data: &[u8]) -> Option<usize> {
    const START: usize = 32;
    let number = |at: usize| Some(u64::from_le_bytes(*data.get(at..)?.first_chunk()?));
    let end = number(12)?.checked_add(number(20)?)?.checked_add(START as u64)?;
    usize::try_from(end).ok()
}
