//! All scenarios at smoke size, through the binary as `npm run bench -- --smoke --json` runs it.
//! The binary checks every answer; here the rows are checked.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Output};

use serde_json::Value;

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_damon-benches"))
        .args(arguments)
        .output()
        .expect("the binary runs")
}

fn positive(value: &Value) -> f64 {
    let number = value.as_f64().unwrap_or_else(|| panic!("expected a number, got {value}"));
    assert!(number.is_finite() && number > 0.0, "expected a positive number, got {number}");
    number
}

#[test]
fn every_scenario_yields_rows_of_finite_positive_numbers() {
    let output = bench(&["--smoke", "--json", "--date", "2026-01-01"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut rows = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());

    let machine = rows.next().unwrap();
    assert_eq!(machine["scenario"], "machine");
    assert_eq!(machine["params"]["date"], "2026-01-01");
    assert!(machine["params"]["rustc"].as_str().unwrap().starts_with("rustc "));

    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in rows {
        let cost = row.get("nsPerItem").or(row.get("bytesPerItem"));
        let cost = positive(cost.unwrap_or_else(|| panic!("no cost in {row}")));
        let [least, most] = [&row["spread"][0], &row["spread"][1]].map(positive);
        assert!(least <= cost && cost <= most, "{row}");
        assert!(row["params"].is_object(), "{row}");
        let subject = row["subject"].as_str().unwrap();
        // Kernels compete with the first of them.
        let ours = match row["scenario"].as_str() {
            Some("kernels") => subject != "reference",
            _ => subject.starts_with("ours"),
        };
        if ours {
            assert!(row["rival"].is_string(), "{row}");
            positive(&row["ratio"]);
        } else {
            assert!(row["rival"].is_null() && row["ratio"].is_null(), "{row}");
        }
        let subjects = seen.entry(row["scenario"].as_str().unwrap().to_owned()).or_default();
        subjects.insert(subject.to_owned());
    }
    let channels =
        ["crossbeam-array-queue", "ours", "ours-batch", "rfc", "rfc-folded", "rtrb"].as_slice();
    let drains = ["linear-scan", "ours", "rfc", "std-partition-point"].as_slice();
    let expected = [
        ("copy-limit", ["copy-16-bytes", "copy-48-bytes", "ours"].as_slice()),
        ("envelope", &["one-thread", "ours", "two-at-once"]),
        ("full-drain", drains),
        ("index-rebuild", &["copy-of-the-regions", "ours"]),
        ("kdamond-step", &["copy-of-the-regions", "ours"]),
        ("lanes", &["ours", "rfc", "rfc-folded", "rtrb"]),
        ("memory", &["crossbeam-array-queue", "ours", "rfc", "rtrb"]),
        ("memory-read", &["ours", "rfc", "rtrb"]),
        ("push-drain-one-core", channels),
        ("rfc-tick", drains),
        ("two-cores-no-loss", channels),
    ];
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let expected: BTreeMap<String, BTreeSet<String>> =
        expected.into_iter().map(|(name, subjects)| (name.to_owned(), owned(subjects))).collect();
    let kernels = seen.remove("kernels").unwrap_or_default();
    assert!(kernels.contains("reference") && kernels.contains("portable"), "{kernels:?}");
    assert_eq!(seen, expected);
}

#[test]
fn the_table_opens_with_the_machine_and_has_a_heading_per_scenario() {
    let output = bench(&["--smoke", "--filter", "lanes"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.lines().next().unwrap().contains("rustc "), "{text}");
    let headings: Vec<_> = text.lines().filter(|line| line.starts_with("## ")).collect();
    assert_eq!(headings, ["## lanes"]);
    assert!(text.contains("| over ours |"), "{text}");
}

#[test]
fn a_filter_that_fits_no_scenario_is_refused_with_their_names() {
    let output = bench(&["--filter", "nothing"]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("full-drain") && text.contains("got `nothing`"), "{text}");
}
