//! The resource: a connection to a private copy of the database.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode};
use tasker_thread::{CreateContext, Health, LocalResource, TaskContext, ThreadContext};

/// Where the original is, and where copies go.
pub(crate) struct Config {
    original: PathBuf,
    directory: PathBuf,
}

impl Config {
    /// Makes the original: order `i` costs `i` cents and is in region `i % regions`.
    pub(crate) fn create(directory: &Path, orders: i64, regions: i64) -> rusqlite::Result<Self> {
        let original = directory.join("orders.db");
        let mut connection = Connection::open(&original)?;
        let transaction = connection.transaction()?;
        transaction
            .execute_batch("CREATE TABLE orders (id INTEGER PRIMARY KEY, region INTEGER, cents INTEGER)")?;
        let mut insert = transaction.prepare("INSERT INTO orders VALUES (?1, ?2, ?1)")?;
        for id in 1..=orders {
            insert.execute([id, id % regions])?;
        }
        drop(insert);
        transaction.commit()?;
        connection.close().map_err(|(_, error)| error)?;
        Ok(Self { original, directory: directory.into() })
    }
}

pub(crate) struct Db {
    connection: Connection,
    file: PathBuf,
}

impl LocalResource for Db {
    type Config = Config;
    type Error = rusqlite::Error;

    /// Runs on the worker's own thread, where it may block.
    async fn create(config: &Config, cx: &CreateContext) -> rusqlite::Result<Self> {
        // No two workers ever have the same id, so a replacement never meets the file of the one before.
        let worker = cx.worker.map_or_else(|| "spare".into(), |worker| worker.to_string());
        let file = config.directory.join(format!("{worker}.db"));
        fs::copy(&config.original, &file).map_err(|error| io_error("copy", &error))?;
        let connection = Connection::open(&file)?;
        Ok(Self { connection, file })
    }

    /// Called once for each connection that was made, a sick one too.
    async fn destroy(self) -> rusqlite::Result<()> {
        let closed = self.connection.close().map_err(|(_, error)| error);
        let removed = fs::remove_file(&self.file).map_err(|error| io_error("remove", &error));
        closed.and(removed)
    }

    /// A bad file is the connection's fault; a bad query, or one that was interrupted, is not.
    fn check_health(&self, error: &rusqlite::Error) -> Health {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Health::Unhealthy,
            _ => Health::Healthy,
        }
    }
}

impl Db {
    pub(crate) fn orders_and_total(&self, region: i64) -> rusqlite::Result<(i64, i64)> {
        let sql = "SELECT count(*), sum(cents) FROM orders WHERE region = ?1";
        self.connection.query_row(sql, [region], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    pub(crate) fn query_i64(&self, sql: &str) -> rusqlite::Result<i64> {
        self.connection.query_row(sql, [], |row| row.get(0))
    }

    /// Runs `query`, and interrupts it once nobody waits for its task any more: after a timeout, a cancel or a kill.
    ///
    /// The interrupt comes from whatever thread ends the task, by SQLite's interrupt handle, which is made for that. An
    /// interrupt holds for statements that are under way and for those that start before all of them are over; so a
    /// first one that is left unfinished makes sure that none comes too soon for the query. It ends after the callback
    /// is disarmed, so that none hits the next query.
    pub(crate) fn interruptible<T>(
        &self,
        cx: &TaskContext,
        query: impl FnOnce(&Self) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let mut first = self.connection.prepare("VALUES (1), (2)")?;
        let mut rows = first.query([])?;
        rows.next()?;
        let interrupt = self.connection.get_interrupt_handle();
        let _armed = cx.on_cancel(move || interrupt.interrupt());
        query(self)
    }

    /// Overwrites all of the file but the first bytes, which say that it is a database.
    pub(crate) fn scribble_over_the_file(&self) {
        let mut bytes = fs::read(&self.file).expect("the file is there as long as its connection");
        bytes[24..].fill(0xa5);
        fs::write(&self.file, bytes).expect("a file in a temporary directory can be written");
    }
}

/// The pool has one error type a resource; what is not SQLite's is put into its words.
fn io_error(what: &str, error: &std::io::Error) -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR);
    rusqlite::Error::SqliteFailure(code, Some(format!("could not {what} the file: {error}")))
}
