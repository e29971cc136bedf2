//! The worker process: images in, thumbnails out, over stdin and stdout.
//!
//! Decoding strangers' files is best done where a crash harms nobody. This process may be killed at any moment, and
//! ends by itself when its parent closes the pipe or is gone.

use std::io::{self, Cursor, Read, Write};
use std::process::ExitCode;

use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use crate::protocol::{self, Format, Message};

/// The hidden argument that makes the example a worker process.
pub(crate) const FLAG: &str = "--worker-process";
/// A thumbnail fits into a square of so many pixels.
pub(crate) const BOUND: u32 = 160;
/// A file that ends so brings the decoder down: it stands for the one in a million that really does.
pub(crate) const CRASH_MARKER: &[u8] = b"\0crash the decoder\0";

/// No honest photograph is wider or higher, or takes more memory; a dishonest header may say anything.
const MAX_SIDE: u32 = 20_000;
const MAX_MEMORY: u64 = 512 << 20;

/// Serves until the pipe is closed.
pub(crate) fn main() -> ExitCode {
    match serve(&mut io::stdin().lock(), &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        // The parent went away or speaks nonsense; there is nobody to tell.
        Err(_) => ExitCode::FAILURE,
    }
}

fn serve(input: &mut impl Read, output: &mut impl Write) -> io::Result<()> {
    protocol::write(output, &Message::Hello(protocol::VERSION))?;
    while let Some(message) = protocol::read(input)? {
        let answer = match message {
            Message::Ping => Message::Pong,
            Message::Shrink(format, image) => answer(format, &image),
            Message::Hello(_) | Message::Pong | Message::Thumbnail(..) | Message::Undecodable(_) => {
                return Err(io::ErrorKind::InvalidData.into());
            }
        };
        protocol::write(output, &answer)?;
    }
    Ok(())
}

fn answer(format: Format, image: &[u8]) -> Message {
    if image.ends_with(CRASH_MARKER) {
        std::process::abort();
    }
    match shrink(format, image) {
        Ok((source, thumbnail)) => Message::Thumbnail(source, thumbnail),
        Err(why) => Message::Undecodable(why),
    }
}

/// The size of the source as it is to be seen, and its thumbnail.
fn shrink(format: Format, image: &[u8]) -> Result<((u32, u32), Vec<u8>), String> {
    let image = decode(image)?;
    let source = (image.width(), image.height());
    let (width, height) = fit(source);
    let small = if (width, height) == source { image } else { image.thumbnail_exact(width, height) };
    Ok((source, encode(&small, format).map_err(|error| error.to_string())?))
}

/// The size of the thumbnail of an image: its proportions, within the bound, and never enlarged.
pub(crate) fn fit((width, height): (u32, u32)) -> (u32, u32) {
    let longer = width.max(height);
    if longer <= BOUND {
        return (width, height);
    }
    let scale = |side: u32| {
        let exact = f64::from(side) * f64::from(BOUND) / f64::from(longer);
        (exact.round() as u32).clamp(1, BOUND)
    };
    (scale(width), scale(height))
}

fn decode(bytes: &[u8]) -> Result<DynamicImage, String> {
    if bytes.is_empty() {
        return Err("the file is empty".into());
    }
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|e| e.to_string())?;
    match reader.format() {
        None => return Err("neither a JPEG nor a PNG".into()),
        Some(ImageFormat::Jpeg) if !has_end(bytes) => return Err("the JPEG's end is missing".into()),
        Some(_) => {}
    }
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(MAX_SIDE), Some(MAX_SIDE));
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    upright(reader).map_err(|error| error.to_string())
}

/// Decodes, and turns a photograph as its camera was held.
fn upright(reader: ImageReader<Cursor<&[u8]>>) -> Result<DynamicImage, ImageError> {
    let mut decoder = reader.into_decoder()?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    Ok(image)
}

/// Whether a JPEG's image data ends where it should. The decoder is content with half of it, and paints the rest
/// grey; we are not.
fn has_end(jpeg: &[u8]) -> bool {
    // Headers may hold a whole little JPEG, end included, so they are skipped first.
    let mut at = 2;
    while let Some(&[0xff, kind, high, low]) = jpeg.get(at..at + 4) {
        at += 2 + usize::from(u16::from_be_bytes([high, low]));
        if kind == 0xda {
            break;
        }
    }
    jpeg.get(at..).is_some_and(|data| data.windows(2).any(|pair| pair == [0xff, 0xd9]))
}

fn encode(image: &DynamicImage, format: Format) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Cursor::new(Vec::new());
    match format {
        Format::Png => image.write_to(&mut bytes, ImageFormat::Png)?,
        // A JPEG knows neither alpha nor 16 bits.
        Format::Jpeg if image.color().has_color() => {
            image.to_rgb8().write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, 85))?;
        }
        Format::Jpeg => image.to_luma8().write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, 85))?,
    }
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jpeg(width: u32, height: u32) -> Vec<u8> {
        encode(&DynamicImage::new_rgb8(width, height), Format::Jpeg).unwrap()
    }

    fn converse(requests: &[Message]) -> Vec<Message> {
        let (mut input, mut output) = (Vec::new(), Vec::new());
        requests.iter().for_each(|request| protocol::write(&mut input, request).unwrap());
        serve(&mut input.as_slice(), &mut output).unwrap();
        let mut output = output.as_slice();
        std::iter::from_fn(|| protocol::read(&mut output).unwrap()).collect()
    }

    #[test]
    fn a_thumbnail_keeps_the_proportions_and_is_never_enlarged() {
        assert_eq!(fit((2000, 1000)), (160, 80));
        assert_eq!(fit((1000, 2000)), (80, 160));
        assert_eq!(fit((160, 160)), (160, 160));
        assert_eq!(fit((40, 50)), (40, 50));
        assert_eq!(fit((20_000, 1)), (160, 1));
    }

    #[test]
    fn the_child_says_hello_and_answers_each_request_until_the_pipe_is_closed() {
        let requests = [
            Message::Ping,
            Message::Shrink(Format::Png, jpeg(320, 200)),
            Message::Shrink(Format::Jpeg, b"no image".to_vec()),
            Message::Shrink(Format::Jpeg, Vec::new()),
        ];
        let answers = converse(&requests);
        assert_eq!(answers[..2], [Message::Hello(protocol::VERSION), Message::Pong]);
        assert!(matches!(&answers[2], Message::Thumbnail((320, 200), png) if png.starts_with(b"\x89PNG")));
        assert!(matches!(&answers[3..], [Message::Undecodable(_), Message::Undecodable(_)]));
    }

    #[test]
    fn half_a_jpeg_is_no_jpeg_wherever_it_is_cut() {
        let whole = jpeg(64, 48);
        assert!(decode(&whole).is_ok());
        for cut in 0..whole.len() {
            assert!(decode(&whole[..cut]).is_err(), "cut at {cut} of {}", whole.len());
        }
    }

    #[test]
    fn half_a_png_is_no_png() {
        let whole = encode(&DynamicImage::new_luma8(64, 48), Format::Png).unwrap();
        assert!(decode(&whole).is_ok());
        for cut in 0..whole.len() / 2 {
            assert!(decode(&whole[..cut]).is_err(), "cut at {cut} of {}", whole.len());
        }
    }
}
