//! A temporary directory.

use std::path::{Path, PathBuf};
use std::{env, fs, io, process};

/// A new directory, removed with all that is in it when dropped.
pub(crate) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    pub(crate) fn new(name: &str) -> io::Result<Self> {
        let path = env::temp_dir().join(format!("{name}-{}", process::id()));
        fs::create_dir(&path)?;
        Ok(Self { path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether `name` is the only entry.
    pub(crate) fn is_empty_but_for(&self, name: &str) -> io::Result<bool> {
        let mut entries = fs::read_dir(&self.path)?;
        entries.try_fold(true, |only, entry| Ok(only && entry?.file_name() == name))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            eprintln!("{} stays behind: {error}", self.path.display());
        }
    }
}
