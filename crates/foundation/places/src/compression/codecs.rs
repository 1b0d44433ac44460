//! Decoders and encoders, each from the crate that does it best.

use std::io::{self, BufRead, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cannery_core::Limits;

use super::Compression;

/// The memory that an xz file may ask for, in KiB: that of level 9 is 64 MiB.
const XZ_MEMORY: u32 = 512 << 10;

/// Expands compressed bytes, all parts of a file in a row.
pub(crate) fn decoder<'a>(
    compression: Compression,
    packed: impl BufRead + Send + 'a,
) -> io::Result<Box<dyn Read + Send + 'a>> {
    Ok(match compression {
        Compression::Gzip => Box::new(GzipMembers::new(packed)),
        Compression::Zstd => Box::new(zstd::Decoder::with_buffer(packed)?),
        Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(packed)),
        Compression::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(packed, true, XZ_MEMORY)),
        Compression::Lz4 => Box::new(Lz4Decoder::new(packed)),
        Compression::Zlib => Box::new(flate2::bufread::ZlibDecoder::new(packed)),
    })
}

/// The members of a gzip file in a row. Zeros behind one are no member: tapes and block devices pad
/// files with them.
struct GzipMembers<R> {
    member: Option<flate2::bufread::GzDecoder<R>>,
}

impl<R: BufRead> GzipMembers<R> {
    fn new(packed: R) -> Self {
        Self { member: Some(flate2::bufread::GzDecoder::new(packed)) }
    }
}

impl<R: BufRead> Read for GzipMembers<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let count = member.read(out)?;
            if count > 0 || out.is_empty() {
                return Ok(count);
            }
            let Some(member) = self.member.take() else { break };
            let mut packed = member.into_inner();
            if skip_zeros(&mut packed)? {
                self.member = Some(flate2::bufread::GzDecoder::new(packed));
            }
        }
        Ok(0)
    }
}

/// Passes over zeros; says whether anything follows.
fn skip_zeros(packed: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let piece = packed.fill_buf()?;
        let zeros = piece.iter().take_while(|&&byte| byte == 0).count();
        let (is_end, is_over) = (piece.is_empty(), zeros < piece.len());
        packed.consume(zeros);
        if is_end || is_over {
            return Ok(!is_end);
        }
    }
}

/// A writer that compresses what it is given.
pub(crate) trait Encoder<W>: Write + Send {
    /// Writes what is left; returns what was written to.
    fn finish(self: Box<Self>) -> io::Result<W>;
}

/// Compresses what is written, at the usual level of each format; the same bytes every time. What
/// comes of it is never so dense that readers take it for a bomb.
pub(crate) fn encoder<'a, W: Write + Send + 'a>(
    compression: Compression,
    target: W,
) -> io::Result<Box<dyn Encoder<W> + 'a>> {
    Ok(Box::new(Readable::new(compression, target, Limits::default())?))
}

fn plain_encoder<'a, W: Write + Send + 'a>(
    compression: Compression,
    target: W,
) -> io::Result<Box<dyn Encoder<W> + 'a>> {
    let level = flate2::Compression::default();
    Ok(match compression {
        Compression::Gzip => Box::new(flate2::GzBuilder::new().mtime(0).write(target, level)),
        Compression::Zstd => Box::new(zstd::Encoder::new(target, zstd::DEFAULT_COMPRESSION_LEVEL)?),
        Compression::Bzip2 => {
            Box::new(bzip2::write::BzEncoder::new(target, bzip2::Compression::best()))
        }
        Compression::Xz => {
            Box::new(lzma_rust2::XzWriter::new(target, lzma_rust2::XzOptions::default())?)
        }
        Compression::Lz4 => Box::new(lz4_flex::frame::FrameEncoder::new(target)),
        Compression::Zlib => Box::new(flate2::write::ZlibEncoder::new(target, level)),
    })
}

macro_rules! encoders {
    ($($encoder:ty),*) => {$(
        impl<W: Write + Send> Encoder<W> for $encoder {
            fn finish(self: Box<Self>) -> io::Result<W> {
                (*self).finish()
            }
        }
    )*};
}

encoders!(
    flate2::write::GzEncoder<W>,
    flate2::write::ZlibEncoder<W>,
    bzip2::write::BzEncoder<W>,
    lzma_rust2::XzWriter<W>
);

impl<W: Write + Send> Encoder<W> for lz4_flex::frame::FrameEncoder<W> {
    fn finish(self: Box<Self>) -> io::Result<W> {
        Ok((*self).finish()?)
    }
}

impl<W: Write + Send> Encoder<W> for zstd::Encoder<'static, W> {
    fn finish(self: Box<Self>) -> io::Result<W> {
        zstd::Encoder::finish(*self)
    }
}

/// Compresses to no more than readers expand: between parts of what repeats itself, the file has empty
/// ones, which are a two-hundredth of its contents.
pub(super) struct Readable<'a, W> {
    compression: Compression,
    /// Until the end, or an error.
    encoder: Option<Box<dyn Encoder<Written<W>> + 'a>>,
    limits: Limits,
    expanded: u64,
    packed: Arc<AtomicU64>,
}

impl<'a, W: Write + Send + 'a> Readable<'a, W> {
    pub(super) fn new(compression: Compression, target: W, limits: Limits) -> io::Result<Self> {
        let packed = Arc::new(AtomicU64::new(0));
        let target = Written { target, count: Arc::clone(&packed) };
        let encoder = Some(plain_encoder(compression, target)?);
        Ok(Self { compression, encoder, limits, expanded: 0, packed })
    }

    fn pad(&mut self) -> io::Result<()> {
        if self.compression == Compression::Zlib {
            let message = "zlib would compress this to less than readers expand; write .gz or .zst";
            return Err(io::Error::other(message));
        }
        let mut target = self.encoder.take().ok_or_else(is_over)?.finish()?;
        let empty = plain_encoder(self.compression, Vec::new())?.finish()?;
        let enough = self.expanded / self.limits.expanded_per_byte + 1;
        while self.packed.load(Ordering::Relaxed) < enough {
            target.write_all(&empty)?;
        }
        self.encoder = Some(plain_encoder(self.compression, target)?);
        Ok(())
    }
}

impl<'a, W: Write + Send + 'a> Write for Readable<'a, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Less than what there is room for when there is no more than that.
        let piece = usize::try_from(self.limits.base_bytes / 16).unwrap_or(usize::MAX);
        let most = self.limits.expanded_for(self.packed.load(Ordering::Relaxed));
        if self.expanded + 2 * piece as u64 > most {
            self.pad()?;
        }
        let bytes = &bytes[..bytes.len().min(piece)];
        let written = self.encoder.as_mut().ok_or_else(is_over)?.write(bytes)?;
        self.expanded += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.encoder.as_mut().ok_or_else(is_over)?.flush()
    }
}

impl<'a, W: Write + Send + 'a> Encoder<W> for Readable<'a, W> {
    fn finish(mut self: Box<Self>) -> io::Result<W> {
        Ok(self.encoder.take().ok_or_else(is_over)?.finish()?.target)
    }
}

#[cold]
fn is_over() -> io::Error {
    io::Error::other("writing has failed before")
}

/// What was written, and how much.
pub(super) struct Written<W> {
    target: W,
    count: Arc<AtomicU64>,
}

impl<W: Write> Write for Written<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.target.write(bytes)?;
        self.count.fetch_add(written as u64, Ordering::Relaxed);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.target.flush()
    }
}

/// LZ4 frames in a row. The decoder of one frame takes the end of the file for the frame's end, so
/// that where the frames end is followed here.
struct Lz4Decoder<R: Read>(lz4_flex::frame::FrameDecoder<Followed<R>>);

impl<R: BufRead> Lz4Decoder<R> {
    fn new(packed: R) -> Self {
        let followed = Followed { packed, frames: Lz4Frames::default() };
        Self(lz4_flex::frame::FrameDecoder::new(followed))
    }
}

impl<R: BufRead> Read for Lz4Decoder<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.0.read(out)?;
            if read > 0 || out.is_empty() {
                return Ok(read);
            }
            let followed = self.0.get_mut();
            if !followed.packed.fill_buf()?.is_empty() {
                continue;
            }
            let is_whole = followed.frames.is_between_frames();
            return if is_whole { Ok(0) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
    }
}

/// Compressed bytes, and where in their frames they are.
struct Followed<R> {
    packed: R,
    frames: Lz4Frames,
}

impl<R: Read> Read for Followed<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.packed.read(out)?;
        self.frames.advance(&out[..read]);
        Ok(read)
    }
}

/// A position in LZ4's frame format; the decoder refuses what is none.
#[derive(Default)]
struct Lz4Frames {
    /// The field that is being read, and the bytes of it that are there.
    field: Lz4Field,
    bytes: Vec<u8>,
    /// Bytes of a block or a checksum that are still to come.
    skip: usize,
    flags: u8,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Lz4Field {
    /// The mark of a frame and its flags.
    #[default]
    Header,
    /// The length of a block; 0 ends the frame.
    BlockSize,
}

impl Lz4Frames {
    fn is_between_frames(&self) -> bool {
        self.field == Lz4Field::Header && self.bytes.is_empty() && self.skip == 0
    }

    fn advance(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            let wanted = if self.field == Lz4Field::Header { 8 } else { 4 };
            let taken = (wanted - self.bytes.len()).min(bytes.len());
            self.bytes.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            if self.bytes.len() == wanted {
                self.end_field();
            }
        }
    }

    fn end_field(&mut self) {
        let word =
            |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|i| self.bytes[at + i])) as usize;
        match self.field {
            // A frame that decoders skip.
            Lz4Field::Header if word(0) & !0xf == 0x184d_2a50 => self.skip = word(4),
            Lz4Field::Header => {
                self.flags = self.bytes[4];
                // Of the header there are seven bytes at least, and eight were read.
                let rest = 8 * self.has(3) + 4 * self.has(0);
                self.field = Lz4Field::BlockSize;
                let ahead = self.bytes[7];
                self.bytes.clear();
                match rest {
                    0 => self.bytes.push(ahead),
                    rest => self.skip = rest - 1,
                }
                return;
            }
            Lz4Field::BlockSize if word(0) == 0 => {
                self.skip = 4 * self.has(2);
                self.field = Lz4Field::Header;
            }
            Lz4Field::BlockSize => self.skip = (word(0) & 0x7fff_ffff) + 4 * self.has(4),
        }
        self.bytes.clear();
    }

    /// 1 if a flag of the frame is set.
    fn has(&self, bit: u8) -> usize {
        usize::from(self.flags >> bit & 1)
    }
}
