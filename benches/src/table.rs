//! The rows of one scenario for people: Markdown, so that a run can be kept as it was printed.

use std::fmt;

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};
use serde_json::Value;

use crate::row::Row;
use crate::scenario::Scenario;

/// A heading, what an item is, and a table.
pub(crate) struct Tables<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) rows: &'a [Row],
}

impl fmt::Display for Tables<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Scenario { name, about, item, .. } = self.scenario;
        writeln!(out, "## {name}\n\n{about}\n")?;
        let unit =
            if self.rows.iter().any(|row| row.bytes_per_item.is_some()) { "bytes" } else { "ns" };
        let ours = self.ours();
        let mut header: Vec<String> = self.params().iter().map(|key| words(key)).collect();
        let numbers = header.len() + 1;
        header.extend(["subject".into(), format!("{unit}/{item}"), "min..max".into()]);
        if self.is_simulated() {
            header.push("simulated s/s".into());
        }
        header.extend(ours.iter().map(|name| format!("over {name}")));
        let columns = header.len();
        let mut table = Table::new();
        table.load_style(ASCII_MARKDOWN).set_header(header);
        for row in self.subjects() {
            table.add_row(self.cells(row, &ours));
        }
        for column in (0..columns).filter(|&column| column >= numbers) {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        write!(out, "{table}")
    }
}

impl<'a> Tables<'a> {
    /// One row per subject and configuration.
    fn subjects(&self) -> impl Iterator<Item = &'a Row> {
        let mut last: Option<&Row> = None;
        self.rows.iter().filter(move |row| {
            let same =
                last.is_some_and(|last| last.subject == row.subject && last.params == row.params);
            last = Some(row);
            !same
        })
    }

    fn params(&self) -> Vec<&'a str> {
        let first = self.rows.first().and_then(|row| row.params.as_object());
        first.map_or_else(Vec::new, |params| params.keys().map(String::as_str).collect())
    }

    fn is_simulated(&self) -> bool {
        self.rows.iter().any(|row| row.simulated_s_per_s.is_some())
    }

    fn ours(&self) -> Vec<&'static str> {
        let mut names: Vec<_> =
            self.rows.iter().filter(|row| row.rival.is_some()).map(|row| row.subject).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn cells(&self, row: &Row, ours: &[&str]) -> Vec<String> {
        let mut cells: Vec<String> =
            self.params().iter().map(|key| words(&text(&row.params[key]))).collect();
        let [smallest, largest] = row.spread;
        cells.push(row.subject.into());
        cells.push(number(row.value()));
        cells.push(format!("{}..{}", number(smallest), number(largest)));
        if self.is_simulated() {
            cells.push(row.simulated_s_per_s.map_or_else(String::new, number));
        }
        for name in ours {
            let against = self.rows.iter().find(|other| {
                other.subject == *name
                    && other.rival == Some(row.subject)
                    && other.params == row.params
            });
            let ratio = against.and_then(|other| other.ratio);
            cells.push(ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}")));
        }
        cells
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// `nearlyFull` as `nearly full`.
fn words(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

/// Three or four significant digits.
fn number(value: f64) -> String {
    let decimals = match value {
        value if value.fract() == 0.0 || value >= 1_000.0 => 0,
        value if value >= 100.0 => 1,
        _ => 2,
    };
    format!("{value:.decimals$}")
}
