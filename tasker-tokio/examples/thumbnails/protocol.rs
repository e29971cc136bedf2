//! What parent and child say to each other.
//!
//! A frame is one byte for its kind, four for the length of its payload (little-endian), and the payload:
//!
//! ```text
//!   parent                         child
//!     │ ◀────────────── Hello(version) │   once, when the child is ready
//!     │ Shrink(format, image) ───────▶ │
//!     │ ◀─── Thumbnail(source, image)  │   or Undecodable(why)
//!     │ Ping ────────────────────────▶ │
//!     │ ◀──────────────────────── Pong │
//!     │ (closes the pipe) ───────────▶ │   and the child ends
//! ```
//!
//! Each side reads a whole frame before it answers, so the two never wait for each other with full pipes.

use std::io::{self, Read, Write};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// What this build speaks; both sides are the same executable, unless it was replaced meanwhile.
pub(crate) const VERSION: u8 = 1;
/// No payload is longer. A length is checked before memory is taken for it: a broken peer may say anything.
pub(crate) const MAX_PAYLOAD: usize = 256 << 20;

const HEADER: usize = 5;

/// The format a thumbnail is wanted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Jpeg,
    Png,
}

/// Everything that can be said, in both directions.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Message {
    Hello(u8),
    Ping,
    Pong,
    /// A file's content, to be made a thumbnail in this format.
    Shrink(Format, Vec<u8>),
    /// The source's width and height, and the thumbnail.
    Thumbnail((u32, u32), Vec<u8>),
    /// The content is no image, or not a whole one.
    Undecodable(String),
}

impl Message {
    fn encode(&self) -> io::Result<Vec<u8>> {
        let (kind, parts): (u8, [&[u8]; 2]) = match self {
            Self::Hello(version) => (0, [&[*version], &[]]),
            Self::Ping => (1, [&[], &[]]),
            Self::Pong => (2, [&[], &[]]),
            Self::Shrink(Format::Jpeg, image) => (3, [image, &[]]),
            Self::Shrink(Format::Png, image) => (4, [image, &[]]),
            Self::Thumbnail((width, height), image) => {
                (5, [&[width.to_le_bytes(), height.to_le_bytes()].concat(), image])
            }
            Self::Undecodable(why) => (6, [why.as_bytes(), &[]]),
        };
        let length = parts[0].len() + parts[1].len();
        if length > MAX_PAYLOAD {
            return Err(malformed("the payload is too long"));
        }
        let length = u32::try_from(length).map_err(io::Error::other)?.to_le_bytes();
        Ok([&[kind], &length[..], parts[0], parts[1]].concat())
    }

    fn decode(kind: u8, mut payload: Vec<u8>) -> io::Result<Self> {
        match (kind, payload.as_slice()) {
            (0, &[version]) => Ok(Self::Hello(version)),
            (1, []) => Ok(Self::Ping),
            (2, []) => Ok(Self::Pong),
            (3, _) => Ok(Self::Shrink(Format::Jpeg, payload)),
            (4, _) => Ok(Self::Shrink(Format::Png, payload)),
            (5, &[a, b, c, d, e, f, g, h, ..]) => {
                let source = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
                Ok(Self::Thumbnail(source, payload.split_off(8)))
            }
            (6, _) => {
                let why = String::from_utf8(payload).map_err(|_| malformed("the reason is not UTF-8"))?;
                Ok(Self::Undecodable(why))
            }
            _ => Err(malformed("a frame that makes no sense")),
        }
    }
}

/// The child's side: the next message; `None` if the pipe was closed between two.
pub(crate) fn read(input: &mut impl Read) -> io::Result<Option<Message>> {
    let mut header = [0; HEADER];
    if input.read(&mut header[..1])? == 0 {
        return Ok(None);
    }
    input.read_exact(&mut header[1..])?;
    let (kind, length) = parse(header)?;
    let mut payload = vec![0; length];
    input.read_exact(&mut payload)?;
    Message::decode(kind, payload).map(Some)
}

/// The child's side: says `message`.
pub(crate) fn write(output: &mut impl Write, message: &Message) -> io::Result<()> {
    output.write_all(&message.encode()?)?;
    output.flush()
}

/// The parent's side: the next message. A closed pipe is an error here: the child never closes it while it lives.
pub(crate) async fn receive(input: &mut (impl AsyncRead + Unpin)) -> io::Result<Message> {
    let mut header = [0; HEADER];
    input.read_exact(&mut header).await?;
    let (kind, length) = parse(header)?;
    let mut payload = vec![0; length];
    input.read_exact(&mut payload).await?;
    Message::decode(kind, payload)
}

/// The parent's side: says `message`.
pub(crate) async fn send(output: &mut (impl AsyncWrite + Unpin), message: &Message) -> io::Result<()> {
    output.write_all(&message.encode()?).await?;
    output.flush().await
}

fn parse([kind, a, b, c, d]: [u8; HEADER]) -> io::Result<(u8, usize)> {
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    if length > MAX_PAYLOAD { Err(malformed("a frame that is too long")) } else { Ok((kind, length)) }
}

fn malformed(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Message> {
        vec![
            Message::Hello(VERSION),
            Message::Ping,
            Message::Pong,
            Message::Shrink(Format::Jpeg, vec![1, 2, 3]),
            Message::Shrink(Format::Png, Vec::new()),
            Message::Thumbnail((2000, 40), vec![0; 70_000]),
            Message::Undecodable("the end is missing".into()),
        ]
    }

    fn bytes() -> Vec<u8> {
        all().iter().flat_map(|message| message.encode().unwrap()).collect()
    }

    #[test]
    fn what_is_written_is_read_until_the_pipe_is_closed() {
        let mut pipe = Vec::new();
        all().iter().for_each(|message| write(&mut pipe, message).unwrap());
        let mut pipe = pipe.as_slice();
        let read = std::iter::from_fn(|| read(&mut pipe).unwrap());
        assert_eq!(read.collect::<Vec<_>>(), all());
    }

    #[tokio::test]
    async fn both_sides_speak_the_same_language() {
        let mut sent = Vec::new();
        for message in all() {
            send(&mut sent, &message).await.unwrap();
        }
        assert_eq!(sent, bytes());
        let mut pipe = sent.as_slice();
        for message in all() {
            assert_eq!(receive(&mut pipe).await.unwrap(), message);
        }
        assert_eq!(receive(&mut pipe).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_pipe_closed_inside_a_frame_is_an_error() {
        let frame = Message::Undecodable("why".into()).encode().unwrap();
        for cut in 1..frame.len() {
            let error = read(&mut &frame[..cut]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "cut at {cut}");
        }
    }

    #[test]
    fn a_frame_that_makes_no_sense_is_refused_before_memory_is_taken_for_it() {
        let frames: [&[u8]; 6] = [
            &[1, 0xff, 0xff, 0xff, 0xff], // longer than anything may be
            &[9, 0, 0, 0, 0],             // no such kind
            &[1, 1, 0, 0, 0, 7],          // a ping with a payload
            &[0, 0, 0, 0, 0],             // a hello without a version
            &[5, 3, 0, 0, 0, 1, 2, 3],    // a thumbnail without a size
            &[6, 2, 0, 0, 0, 0xff, 0xfe], // no text
        ];
        for mut frame in frames {
            assert_eq!(read(&mut frame).unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
    }
}
