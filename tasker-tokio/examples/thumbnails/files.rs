//! What there is to do, and the files it is done with.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::protocol::{Format, MAX_PAYLOAD};

/// Files up to this size go first.
pub(crate) const SMALL: u64 = 16 << 10;

/// One thumbnail to make.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// The file's name, and the thumbnail's.
    pub(crate) name: Arc<str>,
    pub(crate) source: PathBuf,
    pub(crate) target: PathBuf,
    /// By the file's extension, so that name and content of the thumbnail agree.
    pub(crate) format: Format,
    /// The file's size in bytes.
    pub(crate) size: u64,
    pub(crate) expected: Expected,
}

/// What is known beforehand of a file's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// A thumbnail. The image's size is known if we made it.
    Thumbnail(Option<(u32, u32)>),
    /// An error that names the file: it is no image, or not a whole one.
    Undecodable,
    /// It kills every child that decodes it, until its retries are used up.
    Crash,
}

impl Job {
    /// The job of a file, unless it is no JPEG or PNG by its extension.
    pub(crate) fn new(source: PathBuf, into: &Path, expected: Expected) -> io::Result<Option<Self>> {
        let Some((format, file_name)) = format_of(&source).zip(source.file_name()) else { return Ok(None) };
        let about = fs::metadata(&source)?;
        if !about.is_file() {
            return Ok(None);
        }
        let (name, target) = (file_name.to_string_lossy().into(), into.join(file_name));
        Ok(Some(Self { name, target, source, format, size: about.len(), expected }))
    }
}

fn format_of(path: &Path) -> Option<Format> {
    let extension = path.extension().and_then(OsStr::to_str)?.to_ascii_lowercase();
    match extension.as_str() {
        "jpg" | "jpeg" => Some(Format::Jpeg),
        "png" => Some(Format::Png),
        _ => None,
    }
}

/// The jobs of all JPEG and PNG files of a directory, by name.
pub(crate) fn list(directory: &Path, into: &Path) -> io::Result<Vec<Job>> {
    let mut paths = fs::read_dir(directory)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    let jobs = paths.into_iter().map(|path| Job::new(path, into, Expected::Thumbnail(None)));
    jobs.filter_map(Result::transpose).collect()
}

/// A file's content.
pub(crate) async fn read(job: &Arc<Job>) -> io::Result<Vec<u8>> {
    let job = Arc::clone(job);
    blocking(move || {
        if job.size > MAX_PAYLOAD as u64 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        fs::read(&job.source)
    })
    .await
}

/// Writes a thumbnail, wholly or not at all: it takes its name once it is complete.
pub(crate) async fn write(job: &Arc<Job>, thumbnail: Vec<u8>) -> io::Result<()> {
    let job = Arc::clone(job);
    blocking(move || {
        let mut part = job.target.clone().into_os_string();
        part.push(".part");
        let written = fs::write(&part, thumbnail).and_then(|()| fs::rename(&part, &job.target));
        if written.is_err() {
            // The error to tell of is the first one.
            let _ = fs::remove_file(&part);
        }
        written
    })
    .await
}

/// Runs what may block, beside the runtime's threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

/// A fresh directory, removed when this is dropped unless it was said to keep it.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
    keep: bool,
}

impl Scratch {
    pub(crate) fn new() -> io::Result<Self> {
        let parent = std::env::temp_dir();
        let pid = std::process::id();
        for number in 0..1000 {
            let path = parent.join(format!("tasker-thumbnails-{pid}-{number}"));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self { path, keep: false }),
                // Left by an earlier process with our number.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) const fn keep(&mut self) {
        self.keep = true;
    }

    /// A directory in it.
    pub(crate) fn directory(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        fs::create_dir(&path)?;
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let removed = if self.keep { Ok(()) } else { fs::remove_dir_all(&self.path) };
        if let Err(error) = removed {
            eprintln!("{} could not be removed: {error}", self.path.display());
        }
    }
}
