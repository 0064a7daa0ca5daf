//! Opening a log again.

use proptest::prelude::*;

use super::*;

/// A log of one shard with these records, each in a group of its own; closed.
async fn log_of(records: &[&str], file_bytes: u64) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let stream = open(dir.path(), StreamOptions { file_bytes, ..options(1) });
    for data in records {
        append(&stream, 0, data).await;
    }
    dir
}

/// A file's bytes, changed.
fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).unwrap();
    change(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

/// Where the frames of a log of one shard begin, given the lengths of their data.
fn offsets(lengths: &[usize]) -> Vec<usize> {
    let mut offsets = vec![frame::file_header_bytes(1)];
    for length in lengths {
        offsets.push(offsets[offsets.len() - 1] + frame::FRAME_HEADER_BYTES + length);
    }
    offsets
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_acknowledged_survives_a_kill_at_any_moment() {
    let dir = tempfile::tempdir().unwrap();
    let stream = Arc::new(open(dir.path(), StreamOptions { file_bytes: 3000, ..options(3) }));
    let acknowledged: Arc<Mutex<Vec<(ShardId, Position)>>> = Arc::default();
    let callers: Vec<_> = (0..4u128)
        .map(|caller| {
            let (stream, acknowledged) = (stream.clone(), acknowledged.clone());
            tokio::spawn(async move {
                for number in 0..60 {
                    let place = append(&stream, caller * 1000 + number, "some data").await;
                    lock(&acknowledged).push(place);
                }
            })
        })
        .collect();
    for _ in 0..12 {
        let before_the_kill = lock(&acknowledged).clone();
        let copy = copy_as_after_a_kill(dir.path());
        let found = read_all(&open(copy.path(), options(3)), 1000).await;
        for (shard, position) in before_the_kill {
            assert!(found[&shard].iter().any(|record| record.position == position));
        }
        tokio::task::yield_now().await;
    }
    for caller in callers {
        caller.await.unwrap();
    }
}

#[tokio::test]
async fn a_tail_torn_at_any_byte_costs_the_last_record_alone() {
    let dir = log_of(&["first", "second", "the last"], DEFAULT_FILE_BYTES).await;
    let [_, _, start, end] = offsets(&[5, 6, 8])[..] else { panic!() };
    for cut in start..end {
        let copy = copy_as_after_a_kill(dir.path());
        change(&log_files(copy.path())[0], |bytes| {
            assert_eq!(bytes.len(), end);
            bytes.truncate(cut);
        });
        let stream = open(copy.path(), options(1));
        assert_eq!(contents(&stream).await, ["first", "second"], "cut at {cut}");
        assert_eq!(append(&stream, 0, "new").await.1, Position::of(3));
        drop(stream);
        assert_eq!(contents(&open(copy.path(), options(1))).await, ["first", "second", "new"]);
    }
}

#[tokio::test]
async fn a_group_of_which_parts_reached_the_disk_is_cut_at_the_first_that_did_not() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::default();
    let stream = LocalStream::open(dir.path(), options(1), clock.clone()).unwrap();
    append(&stream, 0, "acknowledged").await;
    let gate = lock(&clock.gate);
    let asked = clock.asked.load(Ordering::SeqCst);
    let held = begin([stream.append(record(0, "held".into()))]);
    clock.wait_until_asked(asked + 1); // the writer holds it, and finds the others together
    let group = begin((0..3).map(|number| stream.append(record(0, format!("group {number}")))));
    drop(gate);
    for append in held.into_iter().chain(group) {
        append.await.unwrap();
    }
    drop(stream);
    // The pages of a group may reach the disk in any order; here one in the middle did not.
    let lost = offsets(&[12, 4, 7])[3] + 10;
    change(&log_files(dir.path())[0], |bytes| bytes[lost..lost + 20].fill(0));
    let found = contents(&open(dir.path(), options(1))).await;
    assert_eq!(found, ["acknowledged", "held", "group 0"]);
}

#[tokio::test]
async fn damage_before_the_tail_is_an_error_that_names_the_place_and_changes_nothing() {
    let dir = log_of(&["first", "second", "the last"], DEFAULT_FILE_BYTES).await;
    let path = log_files(dir.path()).remove(0);
    let starts = offsets(&[5, 6]);
    for (start, damaged) in [(starts[0], starts[0] + 50), (starts[1], starts[1] + 3), (starts[1], starts[1] + 9)] {
        let before = std::fs::read(&path).unwrap();
        change(&path, |bytes| bytes[damaged] ^= 4);
        let with_damage = std::fs::read(&path).unwrap();
        let error = open_error(dir.path(), options(1));
        assert!(error.starts_with(&format!("{}: damaged at offset {start}: ", path.display())), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), with_damage);
        std::fs::write(&path, before).unwrap();
    }
    assert_eq!(contents(&open(dir.path(), options(1))).await, ["first", "second", "the last"]);
}

#[tokio::test]
async fn damage_in_an_older_file_is_an_error_even_at_its_end() {
    let dir = log_of(&["first", "second", "the last"], 1).await;
    let files = log_files(dir.path());
    assert_eq!(files.len(), 3);
    for (cut, offset) in [(1, offsets(&[])[0]), (53, offsets(&[])[0])] {
        let before = std::fs::read(&files[1]).unwrap();
        change(&files[1], |bytes| bytes.truncate(bytes.len() - cut));
        let error = open_error(dir.path(), options(1));
        assert!(error.starts_with(&format!("{}: damaged at offset {offset}: ", files[1].display())), "{error}");
        std::fs::write(&files[1], before).unwrap();
    }
    // Cut exactly between frames, the file is whole in itself, but the next one knows better.
    change(&files[1], |bytes| bytes.truncate(frame::file_header_bytes(1)));
    let error = open_error(dir.path(), options(1));
    assert!(error.contains("records 2 to 2 of shard-00000 are missing"), "{error}");
}

#[tokio::test]
async fn a_file_that_is_gone_is_an_error() {
    for gone in [0, 1] {
        let dir = log_of(&["first", "second", "the last"], 1).await;
        std::fs::remove_file(&log_files(dir.path())[gone]).unwrap();
        let error = open_error(dir.path(), options(1));
        let record = gone + 1;
        assert!(error.contains(&format!("records {record} to {record} of shard-00000 are missing")), "{error}");
    }
}

#[tokio::test]
async fn counters_survive_when_everything_is_trimmed() {
    let dir = log_of(&["first", "second", "third"], 1).await;
    let stream = open(dir.path(), StreamOptions { file_bytes: 1, ..options(1) });
    let shard = &stream.shards().await.unwrap()[0];
    stream.trim(shard, Position::of(3)).await.unwrap();
    drop(stream);
    for opening in 0..3 {
        assert_eq!(log_files(dir.path()).len(), 1, "only the active file is left");
        let stream = open(dir.path(), StreamOptions { file_bytes: 1, ..options(1) });
        assert_eq!(stream.end(shard).await, Ok(Position::of(3 + opening)));
        assert!(stream.read(shard, Position::START, 100).await.is_err());
        let (_, position) = append(&stream, 0, "next").await;
        assert_eq!(position, Position::of(4 + opening));
        stream.trim(shard, position).await.unwrap();
    }
}

#[tokio::test]
async fn a_creation_that_did_not_end_is_cleared_away() {
    let dir = log_of(&["first"], DEFAULT_FILE_BYTES).await;
    let unfinished = dir.path().join("00000000000000000002.new");
    std::fs::write(&unfinished, "half a hea").unwrap();
    assert_eq!(contents(&open(dir.path(), options(1))).await, ["first"]);
    assert!(!unfinished.exists());
}

#[tokio::test]
async fn another_number_of_shards_or_format_is_refused() {
    let dir = log_of(&["first"], DEFAULT_FILE_BYTES).await;
    let error = open_error(dir.path(), options(2));
    assert!(error.ends_with("the log has 1 shards, not 2"), "{error}");
    change(&log_files(dir.path())[0], |bytes| bytes[8] = 2);
    let error = open_error(dir.path(), options(1));
    assert!(error.contains("log format 2 is not known to this version"), "{error}");
    change(&log_files(dir.path())[0], |bytes| bytes[0] = b'?');
    let error = open_error(dir.path(), options(1));
    assert!(error.ends_with("not a log file"), "{error}");
}

#[tokio::test]
async fn damage_under_a_running_log_is_noticed_by_the_reader() {
    let dir = tempfile::tempdir().unwrap();
    let stream = open(dir.path(), options(1));
    let (shard, _) = append(&stream, 0, "first").await;
    append(&stream, 0, "second").await;
    let second = offsets(&[5])[1];
    change(&log_files(dir.path())[0], |bytes| bytes[second + 50] ^= 1);
    let error = stream.read(&shard, Position::START, 100).await.unwrap_err().to_string();
    assert!(error.contains(&format!("damaged at offset {second}")), "{error}");
    assert_eq!(stream.read(&shard, Position::START, 5).await.unwrap()[0].data, "first");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_flipped_bit_is_an_error_or_costs_the_last_group(
        lengths in proptest::collection::vec(0usize..300, 1..8),
        file_bytes in 1u64..1000,
        place: proptest::sample::Index,
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let records: Vec<String> = lengths.iter().map(|length| "x".repeat(*length)).collect();
            let dir = log_of(&records.iter().map(String::as_str).collect::<Vec<_>>(), file_bytes).await;
            let files = log_files(dir.path());
            let sizes: Vec<usize> = files.iter().map(|file| std::fs::metadata(file).unwrap().len() as usize).collect();
            let mut bit = place.index(sizes.iter().sum::<usize>() * 8);
            let mut damaged = 0;
            while bit >= sizes[damaged] * 8 {
                bit -= sizes[damaged] * 8;
                damaged += 1;
            }
            change(&files[damaged], |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
            if let Ok(stream) = LocalStream::open(dir.path(), options(1), TestClock::default()) {
                prop_assert_eq!(contents(&stream).await, &records[..records.len() - 1]);
            }
            Ok(())
        })?;
    }
}
