//! From blocks to files: encoded by many threads, written in order by whoever comes next, shown only when all is done.

mod csv;
pub mod focus;
mod pack;
mod parquet;

pub use csv::record;

use crate::block::Block;
use crate::book::Book;
use crate::error::Error;
use crate::input::Mapping;
use crate::intern::Texts;
use crate::number::long;
use crate::profile::Vocabulary;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLockReadGuard};

/// Blocks in one file, at most.
const PART_BLOCKS: usize = 64;

/// What the output is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputFormat {
    /// Parquet, zstd.
    Parquet,
    /// CSV.
    Csv,
}

/// The columns of the output.
#[derive(Clone, Debug)]
pub enum OutputColumns {
    /// Those of usage and what the rating adds.
    Rated,
    /// Those of FOCUS 1.2, with what a mapping says of descriptive columns.
    Focus(Arc<Mapping>),
}

/// The texts of the vocabulary, for reading.
struct Names<'a> {
    account: RwLockReadGuard<'a, Texts>,
    customer: RwLockReadGuard<'a, Texts>,
    subscription: RwLockReadGuard<'a, Texts>,
    resource: RwLockReadGuard<'a, Texts>,
    region: RwLockReadGuard<'a, Texts>,
    sku: RwLockReadGuard<'a, Texts>,
    currency: RwLockReadGuard<'a, Texts>,
    detail: RwLockReadGuard<'a, Texts>,
}

impl<'a> Names<'a> {
    fn new(words: &'a Vocabulary) -> Self {
        Self {
            account: words.account.texts(),
            customer: words.customer.texts(),
            subscription: words.subscription.texts(),
            resource: words.resource.texts(),
            region: words.region.texts(),
            sku: words.sku.texts(),
            currency: words.currency.texts(),
            detail: words.detail.texts(),
        }
    }
}

/// Encodes blocks on one thread.
pub enum Encoder<'a> {
    /// As row groups.
    Parquet(Box<parquet::Encoder<'a>>),
    /// As text.
    Csv(csv::Encoder<'a>),
    /// As a FOCUS data set.
    Focus(Box<focus::Encoder<'a>>),
}

/// A block, encoded.
pub enum Encoded {
    /// A row group.
    Parquet(parquet::Group),
    /// Text.
    Csv(Vec<u8>),
}

impl<'a> Encoder<'a> {
    /// For blocks of this book. `focus`: for a FOCUS data set, what it says beside the rating.
    ///
    /// # Errors
    /// [`Error`] when it cannot be made.
    pub fn new(
        format: OutputFormat,
        focus: Option<&focus::Context<'a>>,
        book: &'a Book,
        words: &'a Vocabulary,
    ) -> Result<Self, Error> {
        if let Some(context) = focus {
            return Ok(Self::Focus(Box::new(focus::Encoder::new(format, context, book, words)?)));
        }
        Ok(match format {
            OutputFormat::Parquet => Self::Parquet(Box::new(parquet::Encoder::new(book, words)?)),
            OutputFormat::Csv => Self::Csv(csv::Encoder::new(book, words)),
        })
    }

    /// Encodes a block.
    ///
    /// # Errors
    /// [`Error`] when a page cannot be made.
    pub fn encode(&mut self, block: &Block) -> Result<Encoded, Error> {
        Ok(match self {
            Self::Parquet(encoder) => Encoded::Parquet(encoder.encode(block)?),
            Self::Csv(encoder) => Encoded::Csv(encoder.encode(block)),
            Self::Focus(encoder) => encoder.encode(block)?,
        })
    }
}

/// A folder that becomes the output in one step, or vanishes.
pub struct Stage {
    folder: PathBuf,
    target: PathBuf,
    is_kept: bool,
    is_durable: bool,
}

impl Stage {
    /// Makes a folder beside the target. The target may not be there, or must be an empty folder.
    ///
    /// # Errors
    /// [`Error`] when the target holds something, or no folder can be made.
    pub fn new(target: &Path, is_durable: bool) -> Result<Self, Error> {
        let failed = |cause| Error::io("write", target, cause);
        match std::fs::read_dir(target) {
            Ok(mut entries) => {
                if entries.next().is_some() {
                    let problem = "is not empty; name a folder that is not there yet, or remove what it holds";
                    return Err(Error::Asked(format!("`{}` {problem}", target.display())));
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let target = std::path::absolute(target).map_err(failed)?;
        let Some((parent, name)) = target.parent().zip(target.file_name()) else {
            return Err(Error::Asked(format!("`{}` cannot be the output folder", target.display())));
        };
        std::fs::create_dir_all(parent).map_err(failed)?;
        let name = format!(".{}.unfinished-{}", name.to_string_lossy(), std::process::id());
        let folder = parent.join(name);
        std::fs::create_dir(&folder).map_err(failed)?;
        Ok(Self { folder, target, is_kept: false, is_durable })
    }

    /// Where unfinished files are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Shows the files under the name of the target, all at once.
    ///
    /// # Errors
    /// [`Error`] when the target was filled meanwhile or the system refuses.
    pub fn publish(mut self) -> Result<(), Error> {
        let failed = |cause| Error::io("write", &self.target, cause);
        let sync = |folder: &Path| if self.is_durable { File::open(folder)?.sync_all() } else { Ok(()) };
        sync(&self.folder).map_err(failed)?;
        std::fs::rename(&self.folder, &self.target).map_err(failed)?;
        if let Some(parent) = self.target.parent() {
            sync(parent).map_err(failed)?;
        }
        self.is_kept = true;
        Ok(())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !self.is_kept {
            // The folder has a hidden name of its own, so one that stays behind cannot be taken for output.
            std::fs::remove_dir_all(&self.folder).ok();
        }
    }
}

/// Writes encoded blocks in their order.
pub struct Parts<'a> {
    stage: &'a Stage,
    format: OutputFormat,
    is_focus: bool,
    state: Mutex<State>,
    moved: Condvar,
    ahead: usize,
}

#[derive(Default)]
struct State {
    next: usize,
    waiting: BTreeMap<usize, Encoded>,
    open: Option<(PathBuf, Open)>,
    is_broken: bool,
    bytes: u64,
    files: usize,
}

enum Open {
    Parquet(Box<parquet::Part>),
    Csv(File),
}

impl<'a> Parts<'a> {
    /// Holds back at most `ahead` blocks that come too early.
    pub fn new(stage: &'a Stage, format: OutputFormat, is_focus: bool, ahead: usize) -> Self {
        Self { stage, format, is_focus, state: Mutex::default(), moved: Condvar::new(), ahead }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the block may be made. `false`: the writing has failed.
    pub fn wait_for(&self, index: usize) -> bool {
        let mut state = self.lock();
        while !state.is_broken && index > state.next + self.ahead {
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        !state.is_broken
    }

    /// Lets nobody wait any longer.
    pub fn give_up(&self) {
        self.lock().is_broken = true;
        self.moved.notify_all();
    }

    /// Takes a block, and writes all that are next.
    ///
    /// # Errors
    /// [`Error`] when a file cannot be written.
    pub fn put(&self, index: usize, block: Encoded) -> Result<(), Error> {
        let mut state = self.lock();
        state.waiting.insert(index, block);
        loop {
            let next = state.next;
            let Some(block) = state.waiting.remove(&next) else { break };
            self.write(&mut state, block)?;
            state.next += 1;
        }
        self.moved.notify_all();
        Ok(())
    }

    fn write(&self, state: &mut State, block: Encoded) -> Result<(), Error> {
        if state.next.is_multiple_of(PART_BLOCKS) {
            self.close(state)?;
            self.open(state)?;
        }
        let Some((path, open)) = &mut state.open else {
            return Err(Error::Engine("no file is open".into()));
        };
        match (open, block) {
            (Open::Parquet(part), Encoded::Parquet(group)) => part.add(path, group),
            (Open::Csv(file), Encoded::Csv(text)) => {
                file.write_all(&text).map_err(|cause| Error::io("write", path, cause))
            }
            _ => Err(Error::Engine("a block was made for another format".into())),
        }
    }

    fn open(&self, state: &mut State) -> Result<(), Error> {
        let ending = match self.format {
            OutputFormat::Parquet => "parquet",
            OutputFormat::Csv => "csv",
        };
        let path = self.stage.folder().join(format!("part-{:05}.{ending}", state.files));
        let failed = |cause| Error::io("write", &path, cause);
        let mut file = File::create_new(&path).map_err(failed)?;
        let open = match self.format {
            OutputFormat::Parquet => {
                let schema = if self.is_focus { focus::schema() } else { parquet::schema() };
                Open::Parquet(Box::new(parquet::Part::new(&path, file, schema)?))
            }
            OutputFormat::Csv => {
                let header = if self.is_focus { focus::header() } else { csv::HEADER.into() };
                file.write_all(&header).map_err(failed)?;
                Open::Csv(file)
            }
        };
        state.files += 1;
        state.open = Some((path, open));
        Ok(())
    }

    fn close(&self, state: &mut State) -> Result<(), Error> {
        let Some((path, open)) = state.open.take() else { return Ok(()) };
        let file = match open {
            Open::Parquet(part) => part.finish(&path)?,
            Open::Csv(file) => file,
        };
        let failed = |cause| Error::io("write", &path, cause);
        if self.stage.is_durable {
            file.sync_all().map_err(failed)?;
        }
        state.bytes += file.metadata().map_err(failed)?.len();
        Ok(())
    }

    /// Ends the last file; makes an empty one where there was nothing to write. Gives the number of files and bytes.
    ///
    /// # Errors
    /// [`Error`] when a file cannot be written.
    pub fn finish(self) -> Result<(u64, u64), Error> {
        let mut state = self.lock();
        if state.files == 0 {
            self.open(&mut state)?;
        }
        self.close(&mut state)?;
        Ok((long(state.files), state.bytes))
    }
}
