//! Ours against its rivals, in named scenarios: `npm run bench -- --help`.
//!
//! - [`scenario`]: what is measured, one file each.
//! - [`ours`], [`rival`]: who is measured, behind the traits of [`subject`].
//! - [`reports`]: the addresses they are given.
//! - [`measure`]: how: rounds in turn, answers compared, medians.
//! - [`machine`], [`row`], [`table`]: what is printed.
//!
//! Every subject's answer is checked against the others', so a bench is a test; the same binary at
//! smoke size is this package's test.
//!
//! Not here: what is measured from JavaScript (`benches/javascript`, whose scenarios the same command
//! runs after these).

mod measure;

mod scenario;

mod ours;
mod rival;
mod subject;

mod reports;

mod machine;
mod row;
mod table;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::machine::Machine;
use crate::row::Row;
use crate::scenario::{SCENARIOS, Size};
use crate::table::Tables;

const LEGEND: &str = "Median of the rounds, smallest and largest round. `over ours`: the rival's \
                      cost over ours, median of the ratios of each round; above 1 ours is cheaper.";

/// Measures the lanes and the drain against rival implementations, in one run, in turn.
#[derive(Parser)]
#[command(name = "npm run bench --")]
struct Arguments {
    /// A tiny size that takes seconds: checks every answer, its times mean nothing.
    #[arg(long)]
    smoke: bool,
    /// Only scenarios whose name contains this.
    #[arg(long, value_name = "SUBSTRING", default_value = "")]
    filter: String,
    /// A scenario that is measured elsewhere, so that a filter may mean it.
    #[arg(long, value_name = "NAME", hide = true)]
    more: Vec<String>,
    /// One JSON object per line instead of tables; the first is the machine.
    #[arg(long)]
    json: bool,
    /// The date to note beside the machine; nothing is noted without it.
    #[arg(long)]
    date: Option<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let chosen: Vec<_> =
        SCENARIOS.iter().filter(|one| one.name.contains(&arguments.filter)).collect();
    let elsewhere = arguments.more.iter().any(|name| name.contains(&arguments.filter));
    if chosen.is_empty() && !elsewhere {
        let names = SCENARIOS.iter().map(|one| one.name);
        let names: Vec<_> = names.chain(arguments.more.iter().map(String::as_str)).collect();
        eprintln!(
            "--filter: expected part of one of {}, got `{}`",
            names.join(", "),
            arguments.filter
        );
        return ExitCode::from(2);
    }
    let size = if arguments.smoke { Size::Smoke } else { Size::Full };
    match run(&arguments, &chosen, size) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader went away, as `| head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot write the results: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments, chosen: &[&scenario::Scenario], size: Size) -> io::Result<()> {
    let machine = Machine::read(arguments.date.clone());
    let mut out = io::stdout().lock();
    if arguments.json {
        serde_json::to_writer(&mut out, &machine.row())?;
        writeln!(out)?;
    } else {
        writeln!(out, "{machine}\n\n{LEGEND}")?;
    }
    for scenario in chosen {
        let mut rows: Vec<Row> = Vec::new();
        let mut failure = Ok(());
        scenario.run(size, &mut progress, &mut |row| {
            if !arguments.json {
                rows.push(row);
            } else if failure.is_ok() {
                failure = serde_json::to_writer(&mut out, &row)
                    .map_err(io::Error::from)
                    .and_then(|()| writeln!(out));
            }
        });
        failure?;
        if !arguments.json {
            writeln!(out, "\n{}", Tables { scenario, rows: &rows })?;
        }
    }
    Ok(())
}

/// Says what is being measured, to a person who is watching.
fn progress(what: &str) {
    if io::stderr().is_terminal() {
        eprintln!("{what} ...");
    }
}
