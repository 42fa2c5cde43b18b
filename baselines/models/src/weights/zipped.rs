//! Where the entries of a zip file lie, for files whose entries are stored as they are.
//!
//! PyTorch's checkpoints are such files, so that their tensors can be read in place. That is all that is read here; what a
//! general zip library does more (compression, encryption, archives behind other data, directories found by searching) would
//! only be ways to be surprised.

use std::collections::BTreeMap;
use std::ops::Range;

/// The bytes of a record's fixed part.
const END: usize = 22;
const LOCATOR: usize = 20;
const END64: usize = 56;
const CENTRAL: usize = 46;
const LOCAL: usize = 30;

/// Every entry's name and where its bytes are in the file, or what is wrong with the file.
pub(super) fn entries(file: &[u8]) -> Result<BTreeMap<&str, Range<usize>>, String> {
    let (count, directory) = directory(file).ok_or("is damaged or cut short: it has no zip directory at its end")?;
    let mut records = &file[directory.clone()];
    let mut found = BTreeMap::new();
    // However large the count, each turn takes at least a record's fixed part off the directory.
    for _ in 0..count {
        let (record, rest) = Record::take(records).ok_or("has a damaged zip directory")?;
        records = rest;
        let name = std::str::from_utf8(record.name).map_err(|_| "has a zip entry whose name is not UTF-8")?;
        if record.flags & 1 != 0 {
            return Err(format!("has the encrypted zip entry {name:?}"));
        }
        if record.method != 0 || record.packed != record.size {
            return Err(format!(
                "has the compressed zip entry {name:?}; PyTorch stores entries as they are, uncompressed"
            ));
        }
        let bytes = record
            .bytes(&file[..directory.start])
            .ok_or_else(|| format!("is damaged or cut short: zip entry {name:?} does not lie inside it"))?;
        if found.insert(name, bytes).is_some() {
            return Err(format!("has two zip entries of the name {name:?}"));
        }
    }
    if records.is_empty() { Ok(found) } else { Err("has a damaged zip directory".to_owned()) }
}

/// How many entries the directory has, and where it lies.
fn directory(file: &[u8]) -> Option<(u64, Range<usize>)> {
    let last = file.len().checked_sub(END)?;
    // The end record is followed by a comment of at most 2^16 - 1 bytes, which is what is left of the file.
    let end = (last.saturating_sub(0xffff)..=last)
        .rev()
        .find(|&at| file[at..].starts_with(b"PK\x05\x06") && u16_at(file, at + 20) == u16::try_from(last - at).ok())?;
    let (mut count, mut size, mut start) =
        (u64::from(u16_at(file, end + 10)?), u64::from(u32_at(file, end + 12)?), u64::from(u32_at(file, end + 16)?));
    let mut limit = end;
    if count == 0xffff || size == 0xffff_ffff || start == 0xffff_ffff {
        // Too large for the end record: the numbers are in a record before it that a locator between them points to.
        let locator = end.checked_sub(LOCATOR).filter(|&at| file[at..].starts_with(b"PK\x06\x07"))?;
        let wide = usize::try_from(u64_at(file, locator + 8)?).ok()?;
        if wide.checked_add(END64)? > locator || !file[wide..].starts_with(b"PK\x06\x06") {
            return None;
        }
        (count, size, start) = (u64_at(file, wide + 32)?, u64_at(file, wide + 40)?, u64_at(file, wide + 48)?);
        limit = wide;
    }
    let (start, size) = (usize::try_from(start).ok()?, usize::try_from(size).ok()?);
    let stop = start.checked_add(size)?;
    (stop <= limit).then_some((count, start..stop))
}

/// A record of the directory.
struct Record<'a> {
    flags: u16,
    method: u16,
    packed: u64,
    size: u64,
    header: u64,
    name: &'a [u8],
}

impl<'a> Record<'a> {
    /// The first record, and the records after it.
    fn take(records: &'a [u8]) -> Option<(Self, &'a [u8])> {
        if !records.starts_with(b"PK\x01\x02") {
            return None;
        }
        let length = |at| u16_at(records, at).map(usize::from);
        let (name, extra, comment) = (length(28)?, length(30)?, length(32)?);
        let (record, rest) = records.split_at_checked(CENTRAL + name + extra + comment)?;
        let mut made = Self {
            flags: u16_at(record, 8)?,
            method: u16_at(record, 10)?,
            packed: u64::from(u32_at(record, 20)?),
            size: u64::from(u32_at(record, 24)?),
            header: u64::from(u32_at(record, 42)?),
            name: &record[CENTRAL..][..name],
        };
        made.widen(&record[CENTRAL + name..][..extra])?;
        Some((made, rest))
    }

    /// Replaces the numbers that did not fit 32 bits by those of the extra field of number 1, which has them in this order.
    fn widen(&mut self, mut extra: &[u8]) -> Option<()> {
        let mut large = [&mut self.size, &mut self.packed, &mut self.header].into_iter().filter(|v| **v == 0xffff_ffff);
        // Short trailing bytes are padding that some writers leave.
        while let (Some(number), Some(length)) = (u16_at(extra, 0), u16_at(extra, 2)) {
            let (field, rest) = extra[4..].split_at_checked(usize::from(length))?;
            if number == 1 {
                for (value, wide) in large.by_ref().zip(field.as_chunks::<8>().0) {
                    *value = u64::from_le_bytes(*wide);
                }
            }
            extra = rest;
        }
        Some(())
    }

    /// Where the entry's bytes are, which its own header in front of them tells. `file` is what lies before the directory.
    fn bytes(&self, file: &[u8]) -> Option<Range<usize>> {
        let at = usize::try_from(self.header).ok()?;
        let header = file.get(at..)?;
        if !header.starts_with(b"PK\x03\x04") {
            return None;
        }
        let (name, extra) = (usize::from(u16_at(header, 26)?), usize::from(u16_at(header, 28)?));
        if header.get(LOCAL..LOCAL + name)? != self.name {
            return None;
        }
        let start = at + LOCAL + name + extra;
        let stop = start.checked_add(usize::try_from(self.size).ok()?)?;
        (stop <= file.len()).then_some(start..stop)
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|b| u16::from_le_bytes(*b))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|b| u32::from_le_bytes(*b))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|b| u64::from_le_bytes(*b))
}
