//! Measures the segment format on a file of events, one JSON object a line:
//! `cargo run --release -p trawl-segment --example measure -- events.ndjson [out.parquet]`
//!
//! Writes a segment for every 32 MB of events, as the persister does, merges them into one,
//! as the compactor does, and reads that. Prints CPU seconds, sizes and peak memory.
//! In the environment: `MEASURE_LEVEL` and `MEASURE_GROUP_MIB` change the ZSTD level and the row groups
//! of the merged segment, `MEASURE_COLUMNS=1` lists its largest columns.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};

use trawl_event::block::Projection;
use trawl_event::shred::{Shredder, TimeRule};
use trawl_event::{Block, RowSet, Timestamp};
use trawl_segment::{Fetched, Schema, Segment, SegmentReader, SegmentWriter, WriteOptions};

/// Raw bytes of a persister's flush.
const FLUSH_BYTES: usize = 32_000_000;
/// Clock ticks a second in `/proc/self/stat` (`getconf CLK_TCK`).
const TICKS: f64 = 100.0;

/// CPU seconds of this process, user and system.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / TICKS
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn peak_memory_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

fn open(segment: &Segment) -> SegmentReader {
    let directory = &segment.bytes[segment.footer_offset as usize..][..segment.directory_bytes as usize];
    SegmentReader::open(directory, segment.footer_offset).unwrap()
}

/// Reads as from an object store: only the ranges asked for.
fn fetch(
    reader: &SegmentReader,
    segment: &Segment,
    group: usize,
    projection: &Projection,
    rows: Option<&RowSet>,
) -> (Fetched, u64) {
    let ranges = reader.ranges(group, projection, rows, &Fetched::new());
    let bytes = ranges.iter().map(|range| range.end - range.start).sum();
    let parts =
        ranges.into_iter().map(|range| (range.start, segment.bytes.slice(range.start as usize..range.end as usize)));
    (parts.collect(), bytes)
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().expect("usage: measure events.ndjson [out.parquet]");
    let mut lines = BufReader::with_capacity(1 << 20, std::fs::File::open(path).unwrap());
    let rule = TimeRule { received: Timestamp(0), oldest: Timestamp::MIN, latest: Timestamp::MAX };
    let (mut shred_cpu, mut write_cpu) = (0.0, 0.0);
    let mut segments: Vec<Segment> = Vec::new();
    let mut line = Vec::new();
    loop {
        let start = cpu();
        let mut shredder = Shredder::default();
        let mut bytes = 0;
        while bytes < FLUSH_BYTES && lines.read_until(b'\n', &mut line).unwrap() > 0 {
            bytes += line.len();
            shredder.push(line.trim_ascii_end(), &rule).unwrap();
            line.clear();
        }
        let block = shredder.finish();
        shred_cpu += cpu() - start;
        if block.is_empty() {
            break;
        }
        let start = cpu();
        let source = format!("measure/{}", segments.len());
        segments.push(trawl_segment::write(&block, &WriteOptions { source, ..WriteOptions::default() }).unwrap());
        write_cpu += cpu() - start;
    }
    let raw: u64 = segments.iter().map(|segment| segment.raw_bytes).sum();
    let per_gb = 1e9 / raw as f64;
    let events: u64 = segments.iter().map(|segment| segment.events).sum();
    let size: usize = segments.iter().map(|segment| segment.bytes.len()).sum();
    let footers: u64 = segments.iter().map(|segment| segment.bytes.len() as u64 - segment.footer_offset).sum();
    println!("{events} events, {raw} bytes of JSON, in {} segments", segments.len());
    println!("shred    {:6.2} CPU s/GB", shred_cpu * per_gb);
    println!(
        "write    {:6.2} CPU s/GB, {:6.2} MB/GB, footers {:5.2} MB/GB",
        write_cpu * per_gb,
        size as f64 / raw as f64 * 1e3,
        footers as f64 / raw as f64 * 1e3
    );
    println!("peak     {} MiB", peak_memory_mib());

    let start = cpu();
    let readers: Vec<SegmentReader> = segments.iter().map(open).collect();
    println!("open     {:6.2} CPU s/GB", (cpu() - start) * per_gb);
    let (mut read_cpu, mut merge_cpu) = (0.0, 0.0);
    let start = cpu();
    let mut options = WriteOptions { source: "measure".into(), ..WriteOptions::compaction() };
    if let Some(level) = setting("MEASURE_LEVEL") {
        options.zstd_level = level as i32;
    }
    if let Some(mebibytes) = setting("MEASURE_GROUP_MIB") {
        options.row_group_bytes = mebibytes << 20;
    }
    let mut writer = SegmentWriter::new(&options, Schema::union(&readers)).unwrap();
    merge_cpu += cpu() - start;
    // Blocks follow each other in time here, so as many are joined as a row group takes.
    let mut joined = Block::default();
    for (reader, segment) in readers.iter().zip(&segments) {
        for (group, info) in reader.row_groups().iter().enumerate() {
            let full = joined.rows() + info.rows > options.row_group_rows
                || joined.raw_bytes + info.raw_bytes > options.row_group_bytes;
            if full {
                let start = cpu();
                writer.push(&std::mem::take(&mut joined)).unwrap();
                merge_cpu += cpu() - start;
            }
            let start = cpu();
            let block = reader
                .read(group, &Projection::All, None, &fetch(reader, segment, group, &Projection::All, None).0)
                .unwrap();
            append(&mut joined, &block);
            read_cpu += cpu() - start;
        }
    }
    let start = cpu();
    writer.push(&joined).unwrap();
    drop(joined);
    let merged = writer.finish().unwrap();
    merge_cpu += cpu() - start;
    assert_eq!((merged.events, merged.raw_bytes), (events, raw));
    println!("read     {:6.2} CPU s/GB (small segments, everything)", read_cpu * per_gb);
    println!(
        "merge    {:6.2} CPU s/GB, {:6.2} MB/GB, footer {:5.2} MB/GB",
        merge_cpu * per_gb,
        merged.bytes.len() as f64 / raw as f64 * 1e3,
        (merged.bytes.len() as u64 - merged.footer_offset) as f64 / raw as f64 * 1e3
    );
    println!("peak     {} MiB", peak_memory_mib());
    if let Some(out) = arguments.next() {
        std::fs::write(out, &merged.bytes).unwrap();
    }

    let start = cpu();
    let reader = open(&merged);
    println!(
        "open     {:6.3} CPU s, {} row groups, {} fields",
        cpu() - start,
        reader.row_groups().len(),
        reader.fields().count()
    );
    let names = |names: &[&str]| Projection::Some {
        texts: false,
        names: names.iter().map(|name| name.to_string()).collect(),
        envelopes: false,
        times: true,
    };
    let texts = Projection::Some { texts: true, names: Default::default(), envelopes: false, times: true };
    for (what, projection) in [
        ("all", Projection::All),
        ("texts", texts),
        ("message", names(&["message"])),
        ("service", names(&["service"])),
        ("times", Projection::timestamps()),
    ] {
        let start = cpu();
        let (mut fetched_bytes, mut rows) = (0, 0);
        for group in 0..reader.row_groups().len() {
            let (fetched, bytes) = fetch(&reader, &merged, group, &projection, None);
            fetched_bytes += bytes;
            rows += reader.read(group, &projection, None, &fetched).unwrap().rows();
        }
        println!(
            "scan     {:6.3} CPU s/GB, {:8.3} MB fetched, {rows} rows, {what}",
            (cpu() - start) * per_gb,
            fetched_bytes as f64 / 1e6
        );
    }
    let start = cpu();
    let mut fetched_bytes = 0;
    for (group, info) in reader.row_groups().iter().enumerate() {
        let mut rows = RowSet::none(info.rows);
        rows.insert(info.rows / 2);
        let (fetched, bytes) = fetch(&reader, &merged, group, &Projection::All, Some(&rows));
        fetched_bytes += bytes;
        reader.read(group, &Projection::All, Some(&rows), &fetched).unwrap();
    }
    println!("one row  {:6.3} CPU s, {:8.3} MB fetched, of each row group", cpu() - start, fetched_bytes as f64 / 1e6);
    if std::env::var_os("MEASURE_COLUMNS").is_some() {
        print_columns(&merged);
    }
}

/// The columns that take most room.
fn print_columns(segment: &Segment) {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let file = SerializedFileReader::new(segment.bytes.clone()).unwrap();
    let mut sizes: BTreeMap<String, (i64, i64, String)> = BTreeMap::new();
    for column in file.metadata().row_groups().iter().flat_map(|row_group| row_group.columns()) {
        let entry = sizes.entry(column.column_path().string()).or_default();
        entry.0 += column.compressed_size();
        entry.1 += column.uncompressed_size();
        entry.2 = format!("{:?}", column.encodings().collect::<Vec<_>>());
    }
    let mut sizes: Vec<_> = sizes.into_iter().collect();
    sizes.sort_by_key(|(_, (size, _, _))| -size);
    for (name, (size, uncompressed, encodings)) in sizes.iter().take(45) {
        println!("{size:10} {uncompressed:11} {name} {encodings}");
    }
    println!(
        "{:10} in {} further columns",
        sizes.iter().skip(45).map(|(_, (size, _, _))| size).sum::<i64>(),
        sizes.len().saturating_sub(45)
    );
}

/// Joins blocks, as the compactor does.
fn append(to: &mut Block, from: &Block) {
    let base = to.rows() as u32;
    let codes = to.envelopes.len() as u32;
    to.timestamps.extend_from_slice(&from.timestamps);
    to.envelopes.extend_from_slice(&from.envelopes);
    to.envelope_codes.extend(from.envelope_codes.iter().map(|code| codes + code));
    to.raw_bytes += from.raw_bytes;
    let mut index: std::collections::HashMap<_, usize> =
        to.columns.iter().enumerate().map(|(at, column)| ((column.path.clone(), column.values.kind()), at)).collect();
    for column in &from.columns {
        let at = *index.entry((column.path.clone(), column.values.kind())).or_insert_with(|| {
            to.columns.push(trawl_event::Column::new(column.path.clone(), column.values.kind()));
            to.columns.len() - 1
        });
        to.columns[at].rows.extend(column.rows.iter().map(|row| base + row));
        to.columns[at].values.append(&column.values);
    }
}
