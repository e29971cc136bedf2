//! The resource: a child process that makes thumbnails.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tasker_tokio::{CreateContext, Health, Resource};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::child;
use crate::files::{self, Job};
use crate::protocol::{self, Message};
use crate::seat::{Registry, Seat};

/// How long a child that was asked to end may take before it is killed.
const PATIENCE: Duration = Duration::from_secs(1);

/// What makes a child: this executable, and the list it is entered into.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) program: PathBuf,
    pub(crate) registry: Arc<Registry>,
}

/// A child process, for as long as it lives.
#[derive(Debug)]
pub(crate) struct Processor {
    seat: Arc<Seat>,
    stdin: ChildStdin,
    stdout: ChildStdout,
}

/// What goes wrong, and so who is to blame.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The image is no image.
    Image(String),
    /// A file could not be read or written.
    File(io::Error),
    /// The child died, or no longer makes sense.
    Child(String),
}

impl Resource for Processor {
    type Config = Setup;
    type Error = Fault;

    async fn create(setup: &Setup, _cx: &CreateContext) -> Result<Self, Fault> {
        let mut child = spawn(setup).map_err(|error| Fault::Child(format!("cannot be started: {error}")))?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (stdin, mut stdout) = pipes.ok_or_else(|| Fault::Child("has no pipes".into()))?;
        // Until it has said hello, dropping it is what kills it: this future may be dropped by a timeout.
        match protocol::receive(&mut stdout).await {
            Ok(Message::Hello(protocol::VERSION)) => {}
            other => return Err(Fault::Child(format!("said no hello: {}", obituary(child, other).await))),
        }
        Ok(Self { seat: setup.registry.seat(child), stdin, stdout })
    }

    async fn destroy(self) -> Result<(), Fault> {
        let Self { seat, stdin, stdout } = self;
        // Both pipes, since it may be writing: a task that was dropped half-way leaves an answer nobody reads.
        drop((stdin, stdout));
        match seat.vacate() {
            Some(child) => {
                end(child).await.map(drop).map_err(|error| Fault::Child(format!("is lost: {error}")))
            }
            // It died before, and was reaped when that was noticed.
            None => Ok(()),
        }
    }

    async fn probe(&mut self) -> Result<(), Fault> {
        let answer = self.exchange(None, &Message::Ping).await?;
        if answer == Message::Pong { Ok(()) } else { Err(self.died(Ok(answer)).await) }
    }

    fn check_health(&self, error: &Fault) -> Health {
        match error {
            Fault::Image(_) | Fault::File(_) => Health::Healthy,
            Fault::Child(_) => Health::Unhealthy,
        }
    }
}

impl Processor {
    /// Makes the thumbnail of one file; says how large the image itself is.
    ///
    /// Not cancel-safe: dropped half-way it leaves half a conversation, so the pool replaces the resource then.
    pub(crate) async fn thumbnail(&mut self, job: &Arc<Job>) -> Result<(u32, u32), Fault> {
        let image = files::read(job).await.map_err(Fault::File)?;
        match self.exchange(Some(&job.name), &Message::Shrink(job.format, image)).await? {
            Message::Thumbnail(source, thumbnail) => {
                files::write(job, thumbnail).await.map_err(Fault::File)?;
                Ok(source)
            }
            Message::Undecodable(why) => Err(Fault::Image(why)),
            other @ (Message::Hello(_) | Message::Ping | Message::Pong | Message::Shrink(..)) => {
                Err(self.died(Ok(other)).await)
            }
        }
    }

    /// Says something and hears the answer, on behalf of a file or of none.
    async fn exchange(&mut self, file: Option<&Arc<str>>, request: &Message) -> Result<Message, Fault> {
        if !self.seat.begin(file) {
            return Err(self.died(Err(io::ErrorKind::BrokenPipe.into())).await);
        }
        let heard = match protocol::send(&mut self.stdin, request).await {
            Ok(()) => protocol::receive(&mut self.stdout).await,
            Err(error) => Err(error),
        };
        match (self.seat.finish(), heard) {
            (true, Ok(answer)) => Ok(answer),
            (true, Err(error)) => Err(self.died(Err(error)).await),
            // A child that was shot after it had answered is dead all the same. Noticed now, the shot is this file's.
            (false, _) => Err(self.died(Err(io::ErrorKind::BrokenPipe.into())).await),
        }
    }

    /// Reaps the child, and says what it died of, or what it said that makes no sense.
    async fn died(&mut self, heard: io::Result<Message>) -> Fault {
        match self.seat.vacate() {
            Some(child) => Fault::Child(obituary(child, heard).await),
            None => Fault::Child("is gone".into()),
        }
    }
}

/// Starts a child. It inherits none of its siblings' pipes: the standard library opens them close-on-exec, so that a
/// pipe has exactly two ends, and closes when one of the two goes.
fn spawn(setup: &Setup) -> io::Result<Child> {
    let mut command = Command::new(&setup.program);
    command.arg(child::FLAG).stdin(Stdio::piped()).stdout(Stdio::piped());
    // Should a worker be dropped without a word, tokio kills and reaps its child.
    command.kill_on_drop(true);
    // The terminal sends Ctrl-C to the whole process group; it is meant for the parent alone.
    #[cfg(unix)]
    command.process_group(0);
    command.spawn()
}

/// Why a conversation ended, by how the child did.
async fn obituary(mut child: Child, heard: io::Result<Message>) -> String {
    // One that talks nonsense still lives. One that died has its status already, and this changes nothing of it.
    let killed = child.start_kill();
    match (killed.and(child.wait().await), heard) {
        (Err(error), _) => format!("is lost: {error}"),
        (Ok(_), Ok(message)) => format!("said {} out of turn", name(&message)),
        (Ok(_), Err(error)) if error.kind() == io::ErrorKind::InvalidData => format!("sent {error}"),
        (Ok(status), Err(_)) => format!("died: {status}"),
    }
}

/// Waits for the end of a child whose pipes were closed, with a kill if it takes too long.
async fn end(mut child: Child) -> io::Result<ExitStatus> {
    if let Ok(status) = tokio::time::timeout(PATIENCE, child.wait()).await {
        return status;
    }
    child.kill().await?;
    child.wait().await
}

const fn name(message: &Message) -> &'static str {
    match message {
        Message::Hello(_) => "hello",
        Message::Ping => "ping",
        Message::Pong => "pong",
        Message::Shrink(..) => "shrink",
        Message::Thumbnail(..) => "thumbnail",
        Message::Undecodable(_) => "undecodable",
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(why) => f.write_str(why),
            Self::File(error) => write!(f, "{error}"),
            Self::Child(what) => write!(f, "the worker process {what}"),
        }
    }
}
