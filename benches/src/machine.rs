//! Where the numbers come from: a result without its machine says nothing.

use std::fmt;
use std::fs;
use std::thread::available_parallelism;

use serde_json::{Value, json};

/// What a reader needs to judge the numbers.
pub(crate) struct Machine {
    cpu: String,
    cores: usize,
    kernel: String,
    /// Of the compiler that made this binary.
    rustc: &'static str,
    /// Vector extensions the CPU has; whether a subject uses them is the compiler's affair.
    features: Vec<&'static str>,
    /// Mean number of running tasks in the last minute, before the first scenario.
    load: String,
    date: Option<String>,
}

impl Machine {
    /// Asks the system; what it does not tell is `unknown`.
    pub(crate) fn read(date: Option<String>) -> Self {
        let unknown = || "unknown".to_owned();
        let cpu = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        });
        // The version alone; what distributors append names their builds.
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")
            .ok()
            .and_then(|text| Some(text.trim().split('-').next()?.to_owned()));
        let load = fs::read_to_string("/proc/loadavg")
            .ok()
            .and_then(|text| Some(text.split_whitespace().next()?.to_owned()));
        Self {
            cpu: cpu.unwrap_or_else(unknown),
            cores: available_parallelism().map_or(1, usize::from),
            kernel: kernel.unwrap_or_else(unknown),
            rustc: env!("BENCH_RUSTC"),
            features: features(),
            load: load.unwrap_or_else(unknown),
            date,
        }
    }

    /// The first line of the JSON output.
    pub(crate) fn row(&self) -> Value {
        let mut params = json!({
            "arch": std::env::consts::ARCH,
            "cpu": self.cpu,
            "cores": self.cores,
            "kernel": self.kernel,
            "rustc": self.rustc,
            "features": self.features,
            "load": self.load,
        });
        if let Some(date) = &self.date {
            params["date"] = json!(date);
        }
        json!({ "scenario": "machine", "params": params })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu, cores, kernel, rustc, features, load, date } = self;
        write!(out, "{cpu} ({}), {cores} cores, Linux {kernel}, {rustc}", std::env::consts::ARCH)?;
        write!(out, ", {}, load {load}", features.join(" "))?;
        date.as_ref().map_or(Ok(()), |date| write!(out, ", {date}"))
    }
}

#[cfg(target_arch = "x86_64")]
fn features() -> Vec<&'static str> {
    use std::arch::is_x86_feature_detected as has;
    let all = [
        ("sse4.2", has!("sse4.2")),
        ("avx2", has!("avx2")),
        ("bmi2", has!("bmi2")),
        ("avx512f", has!("avx512f")),
    ];
    all.into_iter().filter_map(|(name, has)| has.then_some(name)).collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn features() -> Vec<&'static str> {
    Vec::new()
}
