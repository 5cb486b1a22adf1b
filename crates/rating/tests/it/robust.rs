//! Bad input and bad luck: what is told, and that nothing is left behind.

use crate::model::{HOUR, Held, Usage, Way, World, by_engine, rate, read_output, write};
use fullmakt_rating::sample::{Month, Style, write_month};
use fullmakt_rating::{About, Job, OutputColumns, OutputFormat, Progress, Question, explain};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

const FIRST: i64 = 490_896;

fn usage(line: i64) -> Usage {
    Usage {
        line,
        texts: ["partner", "customer", "sub-1", "vm-1", "swedencentral", "Standard_D2s_v5", "EUR"].map(str::to_owned),
        hour: FIRST + line % 3,
        quantity_e6: 1_000_000,
        price_e6: 96_000,
    }
}

fn world(lines: i64) -> World {
    let held = Held {
        id: "r-1".into(),
        texts: ["partner", "customer", "swedencentral", "Standard_D2s_v5", "EUR"].map(str::to_owned),
        scope: None,
        is_flexible: true,
        quantity: 1,
        start: FIRST * HOUR,
        end: (FIRST + 100) * HOUR,
        purchased_at: FIRST * HOUR,
        hourly_cost_e8: 5_000_000,
    };
    World { usage: (1..=lines).map(usage).collect(), held: vec![held], ..World::default() }
}

fn parquet() -> Way {
    Way { style: Some(Style::default()), ..Way::default() }
}

/// Everything in the folder but the input.
fn left(folder: &Path) -> Vec<String> {
    let input = ["usage-0", "usage-1", "reservations.csv", "flexibility.csv", "more"];
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| !input.contains(&name.as_str())).collect()
}

/// Rates a world whose files are changed first, expects failure with all these words, and nothing left behind.
fn fails(way: &Way, change: impl Fn(&Path, &mut Job), words: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let mut job = write(&world(5), way, folder.path());
    change(folder.path(), &mut job);
    let told = rate(&job).unwrap_err();
    for word in words {
        assert!(told.contains(word), "`{word}` in {told}");
    }
    assert_eq!(left(folder.path()), Vec::<String>::new(), "{told}");
}

fn edit(name: &'static str, from: &'static str, to: &'static str) -> impl Fn(&Path, &mut Job) {
    move |folder, _| {
        let path = folder.join(name);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
    }
}

#[test]
fn bad_values_are_told_with_file_row_and_column() {
    let way = Way::default();
    for (from, to, words) in [
        ("2,partner", "x,partner", &["usage-0` row 2", "`LineId`", "`x` is not an integer"][..]),
        ("T01:00:00Z", "T01:30:00Z", &["row 1", "`ChargePeriodStart`", "2026-01-01T01:30:00Z", "not on the hour"]),
        ("T02:00:00Z", "T02:00", &["row 2", "`ChargePeriodStart`", "not a timestamp"]),
        ("2026-01-01T02", "1969-01-01T02", &["row 2", "before 1970"]),
        (",1.000000,", ",1.0000001,", &["row 1", "`ConsumedQuantity`", "more than 6 decimals"]),
        (",1.000000,", ",1e3,", &["row 1", "`ConsumedQuantity`", "not a decimal number"]),
        (",0.096000,", ",9999999999999,", &["row 1", "`ContractedUnitPrice`", "more than 12 digits"]),
        (",EUR", ",", &["row 1", "`BillingCurrency`", "is null"]),
        (",EUR", "", &["row 1", "has 10 fields, the header 11"]),
        ("3,partner", "2,partner", &["row 3", "`LineId`", "`2` is there already", "row 2", "with other values"]),
        ("LineId", "Line", &["usage-0`", "no column `LineId`"]),
    ] {
        fails(&way, edit("usage-0", from, to), words);
    }
    for (from, to, words) in [
        (",Shared,", ",All,", &["reservations.csv` row 1", "`AppliedScopeType`", "`All` is neither"][..]),
        (",Shared,", ",Single,", &["`AppliedScopeSubscriptionId`", "is null"]),
        (",On,1,", ",On,1.5,", &["`Quantity`", "`1.5` is not a whole number"]),
        (",On,1,", ",On,1000000001,", &["`Quantity`"]),
        ("0.05000000", "0.050000001", &["`HourlyCost`", "more than 8 decimals"]),
        ("PurchasedAt", "Bought", &["no column `PurchasedAt`"]),
    ] {
        fails(&way, edit("reservations.csv", from, to), words);
    }
    fails(
        &way,
        |folder, _| {
            fs::write(folder.join("flexibility.csv"), "InstanceSizeFlexibilityGroup,ArmSkuName,Ratio\ng,s,0\n").unwrap()
        },
        &["`Ratio`", "above 0"],
    );
    fails(&way, |folder, _| fs::write(folder.join("flexibility.csv"), "").unwrap(), &["header"]);
}

#[test]
fn files_that_cannot_be_used_are_told() {
    let cut = |folder: &Path, _: &mut Job| {
        let path = folder.join("usage-0");
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 40]).unwrap();
    };
    fails(&parquet(), cut, &["usage-0`", "cut short"]);
    let cut_in_the_middle = |folder: &Path, _: &mut Job| {
        let path = folder.join("usage-0");
        let mut bytes = fs::read(&path).unwrap();
        let end = bytes.len() / 3;
        bytes.drain(20..end);
        fs::write(&path, &bytes).unwrap();
    };
    fails(&parquet(), cut_in_the_middle, &["usage-0`"]);
    fails(&parquet(), |_, job| job.usage = vec!["/nowhere".into()], &["cannot read `/nowhere`"]);
    fails(
        &parquet(),
        |folder, job| job.usage = vec![folder.join("usage-0"), folder.join("./usage-0")],
        &["named twice"],
    );
    fails(
        &parquet(),
        |folder, job| {
            fs::create_dir(folder.join("more")).unwrap();
            job.usage = vec![folder.join("more")];
        },
        &["no file of this folder"],
    );
    let two = Way { files: 1, ..parquet() };
    fails(
        &two,
        |folder, job| {
            fs::copy(folder.join("usage-0"), folder.join("usage-1")).unwrap();
            job.usage.push(folder.join("usage-1"));
        },
        &["usage-1` row 1", "is there already", "usage-0` row 1", "with the same values"],
    );
    let zipped = |folder: &Path, _: &mut Job| {
        let path = folder.join("usage-0");
        let bytes = fs::read(&path).unwrap();
        let packed = zstd::encode_all(&bytes[..], 1).unwrap();
        fs::write(&path, &packed[..packed.len() - 8]).unwrap();
    };
    fails(&Way::default(), zipped, &["usage-0`", "cut short"]);
    // A line outside the period that was given.
    fails(
        &parquet(),
        |_, job| job.period = Some(FIRST..FIRST + 2),
        &["row 2", "outside the period", "2026-01-01T02:00:00Z"],
    );
    let listed = |folder: &Path, job: &mut Job| {
        fs::write(folder.join("more"), "SubAccountId\nsub-2\n").unwrap();
        job.subscriptions = Some(folder.join("more"));
    };
    fails(&parquet(), listed, &["row 1", "`SubAccountId`", "`sub-1` is not in the list"]);
    let stopped = Progress::default();
    stopped.cancel();
    let folder = tempfile::tempdir().unwrap();
    let job = write(&world(5), &parquet(), folder.path());
    assert_eq!(fullmakt_rating::rate(&job, &stopped).unwrap_err().to_string(), "stopped; nothing was written");
    assert_eq!(left(folder.path()), Vec::<String>::new());
}

/// A file may end anywhere when a transfer breaks off. Only a text that ends with a row, or within its last value, cannot be
/// told from one that was meant so.
#[test]
fn a_file_cut_anywhere_is_told() {
    for (way, packed) in [(parquet(), ""), (Way::default(), ""), (Way::default(), "gz"), (Way::default(), "zst")] {
        let folder = tempfile::tempdir().unwrap();
        let job = write(&world(5), &way, folder.path());
        let path = folder.path().join("usage-0");
        let mut whole = fs::read(&path).unwrap();
        if packed == "gz" {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&whole).unwrap();
            whole = encoder.finish().unwrap();
        } else if packed == "zst" {
            whole = zstd::encode_all(&whole[..], 1).unwrap();
        }
        let is_text = way.style.is_none() && packed.is_empty();
        let mut refused = 0;
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            match rate(&job) {
                Err(told) => {
                    assert!(told.contains("usage-0`"), "{length}: {told}");
                    assert_eq!(left(folder.path()), Vec::<String>::new(), "{told}");
                    refused += 1;
                }
                Ok(_) => {
                    let rest = String::from_utf8(whole[..length].to_vec()).unwrap_or_default();
                    let last = rest.lines().last().unwrap_or_default();
                    assert!(is_text && last.split(',').count() == 11, "{packed} {length}: {last}");
                    fs::remove_dir_all(&job.out).unwrap();
                }
            }
        }
        assert!(refused > whole.len() / 2, "{refused} of {}", whole.len());
    }
}

/// Reading works until a file turns out to be unreadable. A process may open its own memory and not read its beginning, even
/// one that may do everything.
#[test]
fn an_unreadable_file_is_told() {
    let memory = PathBuf::from("/proc/self/mem");
    if !memory.exists() {
        println!("left out: this system has no file that can be opened and not read");
        return;
    }
    fails(&parquet(), |_, job| job.usage.push(memory.clone()), &["cannot read `/proc/self/mem`"]);
    fails(&parquet(), |_, job| job.reservations = memory.clone(), &["cannot read `/proc/self/mem`"]);
    fails(&parquet(), |_, job| job.flexibility = memory.clone(), &["cannot read `/proc/self/mem`"]);
    let folder = |folder: &Path, job: &mut Job| {
        fs::create_dir(folder.join("more")).unwrap();
        job.reservations = folder.join("more");
    };
    fails(&parquet(), folder, &["more`"]);
}

#[test]
fn output_is_never_mixed_with_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let job = write(&world(5), &parquet(), folder.path());
    fs::create_dir(&job.out).unwrap();
    rate(&job).unwrap();
    let told = rate(&job).unwrap_err();
    assert!(told.contains("is not empty"), "{told}");
    let told = rate(&Job { out: "/proc/rated".into(), ..job }).unwrap_err();
    assert!(told.contains("cannot write"), "{told}");
}

#[test]
fn bad_rows_are_set_aside_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut job = write(&world(9), &Way::default(), folder.path());
    let path = folder.path().join("usage-0");
    let text = fs::read_to_string(&path).unwrap();
    let text = text.replace("\n2,partner", "\ntwo,partner").replace("\n5,partner", "\n4,partner");
    fs::write(&path, format!("{text}7,partner,customer,sub-1,vm-1,2026-01-01T01:00:00Z,swedencentral,Standard_D2s_v5,1.000000,0.096000,EUR\n")).unwrap();
    job.skip_bad_rows = Some(folder.path().join("bad.csv"));
    let summary = fullmakt_rating::rate(&job, &Progress::default()).unwrap();
    let aside = fs::read_to_string(folder.path().join("bad.csv")).unwrap();
    let rows: Vec<&str> = aside.lines().collect();
    assert_eq!(rows.len(), 5, "{aside}");
    assert!(rows[0].starts_with("x_File,x_Row,x_Column,x_Problem,LineId,"), "{aside}");
    assert!(rows[1].contains(",2,LineId,`two` is not an integer"), "{aside}");
    assert!(rows[2].contains(",4,LineId,`4` is there again with other values"), "{aside}");
    assert!(
        rows[3].contains(",5,LineId,") && rows[4].contains(",10,LineId,") && rows[4].contains("with the same values"),
        "{aside}"
    );
    assert_eq!((summary.bad_rows, summary.lines), (4, 6));
    let mut lines: Vec<i64> = read_output(&job.out).iter().filter_map(|row| row.line).collect();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines, [1, 3, 6, 7, 8, 9], "one of two equal lines stays, of two different ones none");
}

#[test]
fn compressed_csv_and_folders_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut job = write(&world(5), &Way::default(), folder.path());
    let expected = by_engine(&world(5), &Way::default());
    let text = fs::read(folder.path().join("usage-0")).unwrap();
    let usage = folder.path().join("more/day=1");
    fs::create_dir_all(&usage).unwrap();
    for (name, packed) in [
        ("a.csv.zst", zstd::encode_all(&text[..], 1).unwrap()),
        ("a.csv.gz", {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&text).unwrap();
            encoder.finish().unwrap()
        }),
    ] {
        fs::write(usage.join(name), packed).unwrap();
        fs::write(usage.join("_SUCCESS"), "").unwrap();
        job.usage = vec![folder.path().join("more")];
        job.out = folder.path().join(format!("out-{name}"));
        rate(&job).unwrap();
        assert_eq!(crate::model::shown(&read_output(&job.out)), expected);
        fs::remove_file(usage.join(name)).unwrap();
    }
}

fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.file_name().unwrap().into(), fs::read(&path).unwrap())).collect()
}

/// Enough lines that they do not fit, on several threads: the same bytes as with plenty of memory on one.
#[test]
fn little_memory_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    // The names do not fit the dictionary pages, so that most stand there as they are.
    let style = Style { dictionary_bytes: 20_000, ..Style::default() };
    write_month(Month { rows: 150_000, seed: 7, hours: 96, file_rows: 60_000, style }, folder.path()).unwrap();
    let rated = |name: &str, threads: usize, memory: u64, is_reversed: bool| {
        let mut usage: Vec<PathBuf> =
            fs::read_dir(folder.path().join("usage")).unwrap().map(|entry| entry.unwrap().path()).collect();
        usage.sort();
        if is_reversed {
            usage.reverse();
        }
        let job = Job {
            usage,
            focus: None,
            not_rated: None,
            reservations: folder.path().join("reservations.csv"),
            flexibility: folder.path().join("flexibility.csv"),
            out: folder.path().join(name),
            period: None,
            threads,
            memory,
            format: OutputFormat::Parquet,
            columns: OutputColumns::Rated,
            skip_bad_rows: None,
            subscriptions: None,
            is_durable: false,
        };
        let summary = fullmakt_rating::rate(&job, &Progress::default()).unwrap();
        (summary, files(&folder.path().join(name)))
    };
    let (plenty, expected) = rated("plenty", 1, 1 << 30, false);
    let (little, found) = rated("little", 3, 3 << 20, true);
    assert_eq!((plenty.spilled_bytes, plenty.lines), (0, 150_000));
    assert!(little.spilled_bytes > 1 << 20, "{little:?}");
    assert!(found == expected);
    assert_eq!(plenty.currencies, little.currencies);
    let one = &plenty.currencies[0];
    assert!(one.covered_e10 > 0 && one.unused_e10 > 0 && one.consumed_e10 > one.covered_e10, "{one:?}");
}

/// A month as files, and the command that rates it to a folder beside them.
fn month(rows: u64) -> (tempfile::TempDir, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    write_month(Month { rows, seed: 3, hours: 48, file_rows: 1 << 20, style: Style::default() }, folder.path())
        .unwrap();
    let program = env!("CARGO_BIN_EXE_bench-rate");
    let words = [program, "rate", &folder.path().display().to_string(), &out(folder.path()).display().to_string()];
    let words = words.map(str::to_owned).to_vec();
    (folder, words)
}

fn out(folder: &Path) -> PathBuf {
    folder.join("rated")
}

/// What is in the folder beside the input, hidden or not.
fn made(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| !["usage", "reservations.csv", "flexibility.csv"].contains(&name.as_str())).collect()
}

/// Killed at instants spread over a whole run, never the same ones: the output is there as a whole, or not at all.
#[test]
fn a_kill_leaves_a_whole_output_or_none() {
    let (folder, words) = month(30_000);
    let start = || Command::new(&words[0]).args(&words[1..]).args(["64", "2"]).stdout(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    assert!(start().wait().unwrap().success());
    let took = begun.elapsed();
    let whole = files(&out(folder.path()));
    let jitter = u32::from(took.subsec_nanos().to_le_bytes()[0]);
    let (mut early, mut unfinished) = (0, 0);
    for turn in 0..32_u32 {
        if out(folder.path()).exists() {
            fs::remove_dir_all(out(folder.path())).unwrap();
        }
        let mut child = start();
        std::thread::sleep(took * (turn * 256 + jitter) / (31 * 256));
        child.kill().unwrap();
        let finished = child.wait().unwrap().success();
        let shown = out(folder.path()).exists();
        assert!(shown || !finished);
        assert!(!shown || files(&out(folder.path())) == whole, "half an output after turn {turn}");
        early += u32::from(!shown);
        for name in made(folder.path()).into_iter().filter(|name| name != "rated") {
            assert!(name.starts_with(".rated.unfinished-"), "{name}");
            fs::remove_dir_all(folder.path().join(name)).unwrap();
            unfinished += 1;
        }
    }
    assert!(early > 4 && unfinished > 0, "{early} of 32 were killed early, {unfinished} while they wrote");
}

/// Files may grow to a limit and no further, which any process can have imposed on it: to the engine it is a disk that is full.
#[test]
fn a_full_disk_is_told_and_nothing_is_left() {
    let (folder, words) = month(30_000);
    let run = |blocks: &str, memory: &str| {
        // Ignored, the signal gives way to an error.
        let script = "trap '' XFSZ; ulimit -f \"$1\"; shift; exec \"$@\"";
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh", blocks]).args(&words).args([memory, "2"]);
        let output = command.output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    // Blocks of 512 bytes, the limit of the first file; with 1 MiB of memory lines wait on disk as well.
    for (blocks, memory, words) in [
        ("0", "64", "part-00000.parquet`: File too large"),
        ("1", "64", "part-00000.parquet`: File too large"),
        ("90", "64", "part-00000.parquet`: File too large"),
        ("90", "1", "cannot write lines that do not fit in memory to `"),
    ] {
        let (is_done, told) = run(blocks, memory);
        assert!(!is_done && told.contains(words), "{blocks} {memory}: {told}");
        assert_eq!(made(folder.path()), Vec::<String>::new(), "{told}");
    }
    assert!(run("unlimited", "1").0);

    // A disk that is really full, where this process may mount one.
    let small = folder.path().join("usage/small");
    fs::create_dir(&small).unwrap();
    let script =
        "mount -t tmpfs -o size=64k none \"$1\" || exit 77; cd \"$1\"; shift; \"$@\"; status=$?; ls -A; exit $status";
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(&small);
    match command.args(&words[..3]).args(["rated", "64", "2"]).output() {
        Ok(output) if output.status.code() == Some(1) => {
            let told = String::from_utf8(output.stdout).unwrap();
            assert!(told.contains("part-00000.parquet`: No space left on device"), "{told}");
            assert_eq!(told.lines().count(), 1, "what is left on the disk: {told}");
        }
        Ok(output) if output.status.success() => panic!("64 KiB were enough"),
        _ => println!("left out: this process may not mount a small disk"),
    }
}

#[test]
fn g06_a_line_and_a_reservation_are_explained() {
    let mut world = world(6);
    let held = |id: &str, change: fn(&mut Held)| {
        let mut one = Held { id: id.into(), ..world.held[0].clone() };
        change(&mut one);
        one
    };
    let more = [
        held("r-2", |one| one.scope = Some("sub-2".into())),
        held("r-3", |one| (one.is_flexible, one.texts[3]) = (false, "Standard_D4s_v5".into())),
        held("r-4", |one| one.texts[3] = "Standard_F2s_v2".into()),
        held("r-5", |one| one.end = one.start),
        held("r-6", |one| one.purchased_at += 1),
        held("r-7", |one| one.purchased_at += 2),
    ];
    world.held.extend(more);
    let folder = tempfile::tempdir().unwrap();
    let job = write(&world, &Way::default(), folder.path());
    let ask = |about: About| {
        let (usage, reservations, flexibility) = (job.usage.clone(), job.reservations.clone(), job.flexibility.clone());
        explain(&Question { usage, focus: None, reservations, flexibility, threads: 1, memory: 1 << 30, about })
    };
    // Lines 1 and 4 share an hour; the older reservation takes the first of them.
    let told = ask(About::Line(4)).unwrap();
    assert_eq!((told.lines.len(), told.lines[0].parts.len(), told.lines[0].rest_e10), (1, 1, 0));
    assert_eq!((told.lines[0].parts[0].reservation.as_str(), told.lines[0].parts[0].pass), ("r-6", 4));
    let why = |id: &str| told.reservations.iter().find(|one| one.id == id).unwrap().why.clone();
    assert_eq!(why("r-1"), "was used up by lines that come before: 1");
    assert_eq!(why("r-2"), "is for another subscription");
    assert_eq!(why("r-3"), "is for another SKU, and its size is not flexible");
    assert_eq!(why("r-4"), "is for another size flexibility group");
    assert!(why("r-5").starts_with("is not active in this hour: it runs from 2026-01-01T00:00:00Z"), "{}", why("r-5"));
    assert_eq!(why("r-6"), "took a part of the line");
    assert_eq!(why("r-7"), "the line was taken before its turn came");

    let told = ask(About::Reservation("r-1".into(), FIRST + 1)).unwrap();
    assert_eq!(told.lines.iter().map(|line| line.line).collect::<Vec<_>>(), [1]);
    assert_eq!((told.reservations.len(), told.reservations[0].why.as_str()), (1, "all of it was used"));
    let told = ask(About::Reservation("r-7".into(), FIRST + 1)).unwrap();
    assert_eq!(told.reservations[0].why, "no usage that it matches was left when its turn came");
    assert_eq!(told.reservations[0].unused_e10, 10_000_000_000);
    let told = ask(About::Line(99)).unwrap_err().to_string();
    assert_eq!(told, "the usage has no line with the `LineId` `99`");
    assert!(ask(About::Reservation("r-9".into(), FIRST)).unwrap_err().to_string().contains("no reservation `r-9`"));
}
