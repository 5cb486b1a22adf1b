//! The data sets against the validator of the specification's publisher.

use crate::focus_in::{export_of, focus, world};
use crate::focus_out::pay;
use crate::model::{Way, rate, write};
use fullmakt_rating::{Job, Mapping, OutputColumns, OutputFormat, Taking};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// Whether the validator takes a file, and what it printed; `None` where it is not installed.
fn validated(path: &Path) -> Option<(bool, String)> {
    let Ok(python) = std::env::var("FULLMAKT_TEST_FOCUS_VALIDATOR") else {
        eprintln!(
            "left out: `FULLMAKT_TEST_FOCUS_VALIDATOR` names no Python with the validator; `cargo xtask test` makes one"
        );
        return None;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/python/validate_focus.py");
    let run = Command::new(python).arg(script).arg(path).output().unwrap();
    let printed = [run.stdout, run.stderr].concat();
    Some((run.status.success(), String::from_utf8_lossy(&printed).into_owned()))
}

/// Rates two files, a purchase at once and one by the month among the reservations, and gives the part that was written.
fn data_set(folder: &Path, format: OutputFormat, is_export: bool) -> PathBuf {
    let mut world = world();
    let mut monthly = world.held[0].clone();
    (monthly.id, monthly.is_flexible, monthly.scope) = ("r-2".into(), false, None);
    world.held.push(monthly);
    let base = write(&world, &Way { format, ..Way::default() }, folder);
    pay(folder, "ReservationName,BillingPlan,Price", "Webservers,Upfront,5");
    let path = folder.join("reservations.csv");
    let text = fs::read_to_string(&path).unwrap();
    let (upfront, last) = text.rsplit_once("Upfront").unwrap();
    fs::write(&path, format!("{upfront}Monthly{last}")).unwrap();
    let mut job = Job { columns: OutputColumns::Focus(Arc::new(Mapping::built_in().unwrap())), ..base };
    if is_export {
        let rows: Vec<_> = world.usage.iter().map(export_of).collect();
        let header: Vec<&str> = rows[0].keys().copied().collect();
        let quoted = |value: &String| format!("\"{}\"", value.replace('"', "\"\""));
        let lines = rows.iter().map(|row| row.values().map(quoted).collect::<Vec<_>>().join(",") + "\n");
        let path = folder.join("export.csv");
        fs::write(&path, header.join(",") + "\n" + &lines.collect::<String>()).unwrap();
        job.usage = vec![path];
        job.focus = focus(Taking { details: true, ..Taking::default() });
    }
    rate(&job).unwrap();
    let ending = if format == OutputFormat::Csv { "csv" } else { "parquet" };
    job.out.join(format!("part-00000.{ending}"))
}

#[test]
fn the_publishers_validator_finds_nothing() {
    for (format, is_export) in [(OutputFormat::Csv, false), (OutputFormat::Csv, true), (OutputFormat::Parquet, true)] {
        let folder = tempfile::tempdir().unwrap();
        let Some((is_valid, printed)) = validated(&data_set(folder.path(), format, is_export)) else { return };
        assert!(is_valid, "{format:?}, from an export: {is_export}\n{printed}");
    }
}

/// It would find something.
#[test]
fn the_publishers_validator_finds_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let path = data_set(folder.path(), OutputFormat::Csv, false);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(",Purchase,"));
    fs::write(&path, text.replace(",Purchase,", ",Sale,")).unwrap();
    let Some((is_valid, printed)) = validated(&path) else { return };
    assert!(!is_valid && printed.contains("CommitmentDiscountQuantity"), "{printed}");
}
