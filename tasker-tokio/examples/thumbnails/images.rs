//! Images to work on, when none are given: varied ones, and a few broken ones.

use std::fs;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use image::{
    DynamicImage, GrayAlphaImage, GrayImage, ImageFormat, Luma, LumaA, Rgb, RgbImage, Rgba, RgbaImage,
};

use crate::child::CRASH_MARKER;
use crate::files::{Expected, Job};
use crate::rng::Rng;

/// The shortest and longest side of an image.
const SIDES: [u32; 2] = [40, 2000];
/// How many files crash the decoder under chaos.
const CRASHERS: usize = 3;

/// Makes `count` good images in `directory`, on all processors, and a few broken ones. `made` hears of each and says
/// whether to go on.
pub(crate) fn make(
    directory: &Path,
    into: &Path,
    (count, seed): (usize, u64),
    made: &(impl Fn() -> bool + Sync),
) -> io::Result<Vec<Job>> {
    let next = AtomicUsize::new(0);
    let work = || -> io::Result<Vec<Job>> {
        let mut jobs = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count || !made() {
                return Ok(jobs);
            }
            jobs.extend(good(directory, into, number, seed)?);
        }
    };
    let processors = thread::available_parallelism().map_or(1, Into::into);
    let made: io::Result<Vec<_>> = thread::scope(|scope| {
        let makers: Vec<_> = (0..processors).map(|_| scope.spawn(work)).collect();
        makers
            .into_iter()
            .map(|maker| maker.join().unwrap_or_else(|_| Err(io::Error::other("panicked"))))
            .collect()
    });
    let mut jobs = made?.concat();
    jobs.extend(broken(directory, into)?);
    jobs.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(jobs)
}

/// Makes the files that crash every child that decodes them.
pub(crate) fn crashers(directory: &Path, into: &Path) -> io::Result<Vec<Job>> {
    let mut content = encoded(&paint(Kind::Colour, (320, 240), &mut Rng::new(0)), ImageFormat::Jpeg)?;
    content.extend_from_slice(CRASH_MARKER);
    let names = (1..=CRASHERS).map(|number| format!("chaos-crash-{number}.jpg"));
    write_all(directory, into, names.map(|name| (name, content.clone())), Expected::Crash)
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Colour,
    Grey,
    Alpha,
    GreyAlpha,
}

fn good(directory: &Path, into: &Path, number: usize, seed: u64) -> io::Result<Option<Job>> {
    let mut rng = Rng::new(seed ^ (number as u64).wrapping_mul(0x9e37_79b9));
    let (format, extension, kinds) = match rng.next() % 2 {
        0 => (ImageFormat::Jpeg, "jpg", &[Kind::Colour, Kind::Colour, Kind::Grey][..]),
        _ => (ImageFormat::Png, "png", &[Kind::Colour, Kind::Grey, Kind::Alpha, Kind::GreyAlpha][..]),
    };
    let kind = rng.pick(kinds).copied().unwrap_or(Kind::Colour);
    let size = match number {
        // The extremes are always among them.
        0 => (SIDES[1], SIDES[1]),
        1 => (SIDES[0], SIDES[0]),
        2 => (SIDES[1], SIDES[0]),
        _ => (side(&mut rng), side(&mut rng)),
    };
    let path = directory.join(format!("image-{number:04}.{extension}"));
    fs::write(&path, encoded(&paint(kind, size, &mut rng), format)?)?;
    Job::new(path, into, Expected::Thumbnail(Some(size)))
}

/// As many sides between 40 and 80 pixels as between 1000 and 2000: most images of a collection are small.
fn side(rng: &mut Rng) -> u32 {
    let [least, most] = SIDES.map(f64::from);
    (least * (most / least).powf(rng.unit())).round() as u32
}

/// A gradient with rings in it and a little noise, so that it is neither empty nor incompressible.
fn paint(kind: Kind, (width, height): (u32, u32), rng: &mut Rng) -> DynamicImage {
    let (pitch, phase, mut noise) = (1 + rng.within(2..=60) as u32, rng.within(0..=255) as u32, rng.clone());
    let mut value = move |x: u32, y: u32, channel: u32| {
        let slope = 255 * x / width + 128 * y / height;
        let rings = (x * x / 64 + y * y / 64) / pitch;
        ((slope + rings + phase * channel) % 249) as u8 + (noise.next() % 7) as u8
    };
    match kind {
        Kind::Colour => {
            RgbImage::from_fn(width, height, |x, y| Rgb([0, 1, 2].map(|c| value(x, y, c)))).into()
        }
        Kind::Grey => GrayImage::from_fn(width, height, |x, y| Luma([value(x, y, 0)])).into(),
        Kind::Alpha => {
            RgbaImage::from_fn(width, height, |x, y| Rgba([0, 1, 2, 3].map(|c| value(x, y, c)))).into()
        }
        Kind::GreyAlpha => {
            GrayAlphaImage::from_fn(width, height, |x, y| LumaA([0, 1].map(|c| value(x, y, c)))).into()
        }
    }
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> io::Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).map_err(io::Error::other)?;
    Ok(bytes.into_inner())
}

/// One of each way to be no image.
fn broken(directory: &Path, into: &Path) -> io::Result<Vec<Job>> {
    let image = paint(Kind::Colour, (400, 300), &mut Rng::new(1));
    let half = |format| encoded(&image, format).map(|bytes| bytes[..bytes.len() / 2].to_vec());
    let mut damaged = encoded(&image, ImageFormat::Png)?;
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0xff;
    let files = [
        ("broken-damaged.png", damaged),
        ("broken-empty.jpg", Vec::new()),
        ("broken-empty.png", Vec::new()),
        ("broken-header-only.png", encoded(&image, ImageFormat::Png)?[..40].to_vec()),
        ("broken-text.jpg", b"Dear decoder, this is a letter and not a photograph.\n".to_vec()),
        ("broken-truncated.jpg", half(ImageFormat::Jpeg)?),
        ("broken-truncated.png", half(ImageFormat::Png)?),
    ];
    let files = files.map(|(name, content)| (name.to_owned(), content));
    write_all(directory, into, files, Expected::Undecodable)
}

fn write_all(
    directory: &Path,
    into: &Path,
    files: impl IntoIterator<Item = (String, Vec<u8>)>,
    expected: Expected,
) -> io::Result<Vec<Job>> {
    let write = |(name, content): (String, Vec<u8>)| {
        let path: PathBuf = directory.join(name);
        fs::write(&path, content)?;
        Job::new(path, into, expected)
    };
    files.into_iter().map(write).filter_map(Result::transpose).collect()
}
