//! `trawl export`: the whole result of a search into a file.
//!
//! * [`part`]: the unfinished file and the note of how far it is, from which a second run goes on
//! * [`form`]: events as the bytes of a file
//! * [`edge`]: where a result that outlasts its search is taken up by another
//! * [`parquet`]: the finished lines as Parquet
//!
//! One search gives up to [`MAX_LIMIT`] events, and goes on past them while the server lets it; then another search
//! begins where it stopped.

pub mod edge;
pub mod form;
pub mod parquet;
pub mod part;
mod progress;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::json;
use trawl_client::{Client, Error, HistogramRequest, Order, SearchPage, SearchRequest, SearchStatus};
use trawl_query::{Output, Query};
use xxhash_rust::xxh3::xxh3_128;

use self::form::{FileForm, Writer};
use self::part::Part;
use self::progress::Progress;
use crate::range::RangeArgs;
use crate::search::{DEFAULT_MAX_SCAN, Following, MAX_LIMIT, ending, explain, parse_order, warn_of_missing};
use crate::units::{SizeOrNone, parse_size_or_none};
use crate::{EXIT_FAILED, EXIT_NOTHING, signal};

const EXAMPLES: &str = "\
Examples:
  trawl export 'service:checkout' --since 7d -o checkout.ndjson
  trawl export '* | fields timestamp, service, message' -o all.csv
  trawl export 'level:>=error' --order asc -o errors.parquet

The form is told by the end of the file's name (.ndjson, .jsonl, .json, .csv, .parquet), or by --format. There is no
limit. ndjson holds each event as it was sent; csv has the fields of the first page as columns, and _rest for others;
parquet is as Trawl stores it, in files of at most 1,000,000 events or 512 MiB of events as sent: FILE, then
FILE with -00002, -00003 … before the end of its name.

Until it is whole, what is there stands in FILE.part, and beside it FILE.part.state says how far that is. The same
command goes on from there after Ctrl-C, a crash, or a server that went away, for the 24 hours for which the server
keeps results; after that it begins anew. Then FILE takes its place, and replaces what had the name.

Exit status: 0 done, 1 nothing was found, 2 an error, or the result is incomplete: then FILE holds what could be
read, and what is missing is named on stderr.";

/// What to export, and where to.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ExportArgs {
    /// What to export; all events without it.
    #[arg(value_name = "QUERY", default_value = "*", hide_default_value = true, allow_hyphen_values = true)]
    pub query: String,
    /// The file to write.
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// The form, whatever the file is called.
    #[arg(long, value_name = "FORM", value_enum)]
    pub format: Option<FileForm>,
    /// When it happened.
    #[command(flatten)]
    pub range: RangeArgs,
    /// Newest first (desc) or oldest first (asc).
    #[arg(long, value_name = "ORDER", default_value = "desc", value_parser = parse_order)]
    pub order: Order,
    /// Do not run if more stored bytes than this may have to be read; none: however many.
    #[arg(long, value_name = "SIZE", default_value = DEFAULT_MAX_SCAN, value_parser = parse_size_or_none)]
    pub max_scan: SizeOrNone,
    /// No progress and no summary on stderr.
    #[arg(short, long)]
    pub quiet: bool,
}

/// Exports, or goes on with an export that broke off.
pub fn run(client: &Client, args: &ExportArgs) -> anyhow::Result<ExitCode> {
    let form = match args.format {
        Some(form) => form,
        None => FileForm::of_name(&args.output).context("the name of the file does not tell its form: use --format")?,
    };
    // The query is the server's to judge; what can be read of it here is refused before anything begins.
    let query = Query::parse(&args.query).ok();
    check(query.as_ref(), form)?;
    let mut export = Export::begin(client, args, form, query.as_ref())?;
    let file = args.output.clone();
    let bar = export.progress.bar();
    signal::on_interrupt(signal::EXIT_INTERRUPTED, move || {
        bar.finish_and_clear();
        anstream::eprintln!("interrupted: the same command goes on with {}", Part::beside(&file).display());
    })?;
    export.fetch_all()?;
    export.finish(&args.output)
}

/// Refuses what is no file of events.
fn check(query: Option<&Query>, form: FileForm) -> anyhow::Result<()> {
    match query.map(Query::output) {
        Some(Output::Table) => {
            bail!("a query that aggregates has a table and no events: use `trawl search -o csv > FILE`")
        }
        Some(Output::Events { sort: Some(_), .. }) => {
            bail!("an export is in the order of time, see --order: leave the sort pipe out")
        }
        Some(Output::Events { fields: Some(fields), .. }) if form == FileForm::Parquet => {
            let is_time = |field: &String| trawl_event::shred::TIMESTAMP_NAMES.contains(&field.as_str());
            if !fields.iter().any(is_time) {
                bail!("Parquet has a column of times: add timestamp to the fields pipe");
            }
        }
        _ => {}
    }
    Ok(())
}

/// An export under way.
struct Export<'e> {
    client: &'e Client,
    query: &'e str,
    request: SearchRequest,
    form: FileForm,
    writer: Writer,
    part: Part,
    progress: Progress,
    /// Whether this run goes on with what another began.
    is_resumed: bool,
    quiet: bool,
    began: Instant,
}

/// What became of a search.
enum Fetched {
    /// All that matches is there.
    All(Box<SearchPage>),
    /// The server has no more of it.
    Expired(Error),
}

impl<'e> Export<'e> {
    fn begin(client: &'e Client, args: &'e ExportArgs, form: FileForm, query: Option<&Query>) -> anyhow::Result<Self> {
        let progress = Progress::start(args.quiet, query);
        let mut request = SearchRequest {
            query: args.query.clone(),
            from: args.range.from(),
            to: args.range.to(),
            limit: Some(MAX_LIMIT),
            order: args.order,
            max_bytes: args.max_scan.0,
            ..SearchRequest::default()
        };
        let identity = json!([client.url(), request.query, request.from, request.to, request.order, form]);
        if progress.is_shown() {
            // One count over all of time: what is looked at for its events is counted on the way, so that it says
            // how much is still to come for almost nothing.
            request.histogram = Some(HistogramRequest { by: None, buckets: Some(1) });
        }
        let named = query.and_then(crate::output::named_fields);
        let mut part = Part::open(&args.output, xxh3_128(identity.to_string().as_bytes()))?;
        let is_resumed = part.state.search.is_some();
        if is_resumed && !args.quiet {
            let events = crate::units::counted(part.state.events, "event");
            anstream::eprintln!("going on behind {events} in {}", part.path().display());
        } else if part.was_left() && !args.quiet {
            anstream::eprintln!("beginning anew: what is in {} is of another export", part.path().display());
        }
        if !is_resumed {
            part.clear()?;
        }
        let writer = Writer::new(form, named, part.state.columns.clone());
        let quiet = args.quiet;
        Ok(Self {
            client,
            query: &args.query,
            request,
            form,
            writer,
            part,
            progress,
            is_resumed,
            quiet,
            began: Instant::now(),
        })
    }

    /// Brings all events into the part.
    fn fetch_all(&mut self) -> anyhow::Result<()> {
        self.progress.resumed(&self.part.state);
        while !self.part.state.is_fetched {
            match self.fetch()? {
                Fetched::All(last) => {
                    self.part.state.missing = last.missing;
                    self.part.state.is_fetched = true;
                    self.part.save()?;
                }
                Fetched::Expired(error) => self.take_up(error)?,
            }
        }
        Ok(())
    }

    /// Follows one search to its end.
    fn fetch(&mut self) -> anyhow::Result<Fetched> {
        let id = match &self.part.state.search {
            Some(id) => id.clone(),
            None => {
                let request = self.part.state.edge.narrow(&self.request);
                let search = self.client.create_search(&request).map_err(|error| explain(error, self.query))?;
                self.part.state.search = Some(search.id.clone());
                self.part.save()?;
                search.id
            }
        };
        let following =
            Following { cursor: self.part.state.cursor.clone(), past_limit: true, watched: self.progress.is_shown() };
        let (part, writer, progress) = (&mut self.part, &mut self.writer, &mut self.progress);
        let followed = following.run(self.client, &id, |page, next| {
            part.state.edge.leave_out(&mut page.events);
            let bytes = writer.page(&page.events)?;
            part.append(&bytes, &page.events)?;
            part.state.columns = writer.columns();
            if let Some(next) = next {
                part.state.cursor = Some(next.to_owned());
                part.save_at_times()?;
            }
            progress.show(&part.state, page);
            Ok(())
        });
        let last = match followed {
            Ok(last) => last,
            Err(error) => {
                return match error.downcast::<Error>() {
                    Ok(error) if error.api().is_some_and(|api| matches!(api.status, 404 | 410)) => {
                        Ok(Fetched::Expired(error))
                    }
                    Ok(error) => Err(error).context(self.broke_off()),
                    Err(error) => Err(error),
                };
            }
        };
        match last.status {
            SearchStatus::Complete | SearchStatus::Partial => Ok(Fetched::All(Box::new(last))),
            // The same search would end the same way again.
            SearchStatus::Failed | SearchStatus::Cancelled | SearchStatus::Running => {
                self.part.forget()?;
                self.progress.end();
                bail!("{}", ending(&last))
            }
        }
    }

    fn broke_off(&self) -> String {
        self.progress.end();
        format!("the export broke off; the same command goes on with {}", self.part.path().display())
    }

    /// Goes on after the server has forgotten a search: behind the last event, if the search only outlived its plan;
    /// from the start, if it was of an earlier run.
    fn take_up(&mut self, error: Error) -> anyhow::Result<()> {
        let outlived = error.api().is_some_and(|api| api.code == "cursor_expired");
        if outlived && self.part.state.edge.is_known() && !self.progress.is_limited() {
            self.part.state.edge.begin();
            (self.part.state.search, self.part.state.cursor) = (None, None);
            return self.part.save();
        }
        if !std::mem::take(&mut self.is_resumed) {
            return Err(error).context("the server has no more of this search");
        }
        if !self.quiet {
            self.progress.say(&format!("beginning anew: {error}"));
        }
        self.part.clear()?;
        self.writer.restart();
        self.progress.resumed(&self.part.state);
        Ok(())
    }

    /// Puts what was fetched in its place.
    fn finish(mut self, target: &Path) -> anyhow::Result<ExitCode> {
        let state = self.part.state.clone();
        let files = match self.form {
            FileForm::Parquet => {
                let files =
                    parquet::convert(self.part.file()?, target, |events| self.progress.converting(events, &state))?;
                self.part.remove()?;
                files
            }
            FileForm::Ndjson | FileForm::Csv => {
                self.part.put(target)?;
                vec![target.to_owned()]
            }
        };
        self.progress.end();
        if !self.quiet {
            anstream::eprintln!("{}", self.progress.summary(&state, &files, self.began.elapsed()));
        }
        if !state.missing.is_empty() {
            warn_of_missing(&state.missing);
            return Ok(ExitCode::from(EXIT_FAILED));
        }
        Ok(if state.events > 0 { ExitCode::SUCCESS } else { ExitCode::from(EXIT_NOTHING) })
    }
}
