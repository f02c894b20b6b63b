//! The oracle: the format as one would write it down, with `split` and `parse` and all in memory.

use damon_trace::{Column, ReaderOptions, RowCause, Sample};

/// What is to become of one row: a sample, or a cause with the column that shows it.
pub(crate) type Verdict = Result<Sample, (RowCause, Option<Column>)>;

/// Judges every row of `text`, the header left out.
pub(crate) fn judge(text: &[u8], options: &ReaderOptions) -> Vec<Verdict> {
    let mut lines: Vec<&[u8]> = text.split(|&byte| byte == b'\n').collect();
    if lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    let mut last_ns = None;
    let mut verdicts = Vec::new();
    for line in lines {
        let verdict = judge_line(line, last_ns, options);
        last_ns = verdict.ok().map(|sample| sample.time_ns).or(last_ns);
        verdicts.push(verdict);
    }
    verdicts
}

fn judge_line(line: &[u8], last_ns: Option<u64>, options: &ReaderOptions) -> Verdict {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() > 256 {
        return Err((RowCause::Malformed, None));
    }
    // One char per byte: what is not ASCII is in no column a good one.
    let line: String = line.iter().map(|&byte| char::from(byte)).collect();
    let columns: Vec<&str> = line.split(',').collect();
    let malformed = |column| (RowCause::Malformed, Some(column));
    let text = |column: Column| columns.get(column as usize).copied().ok_or(malformed(column));
    let decimal = |column| {
        let text = text(column)?;
        let is_number = text.len() <= 20 && text.chars().all(|char| char.is_ascii_digit());
        if is_number {
            text.parse::<u64>().map_err(|_| malformed(column))
        } else {
            Err(malformed(column))
        }
    };
    let address = |column| {
        let digits = text(column)?.strip_prefix("0x").ok_or(malformed(column))?;
        let is_number = digits.len() <= 16 && digits.chars().all(|char| char.is_ascii_hexdigit());
        let value = if is_number { u64::from_str_radix(digits, 16).ok() } else { None };
        value.ok_or(malformed(column))
    };
    let time_ns = decimal(Column::Time)?;
    let cpu = decimal(Column::Cpu)?;
    let virtual_address = address(Column::VirtualAddress)?;
    let physical_address = address(Column::PhysicalAddress)?;
    let write = match text(Column::Write)? {
        "0" => false,
        "1" => true,
        _ => return Err(malformed(Column::Write)),
    };
    let size = decimal(Column::Size)?;
    if !(1..=2 * 1024 * 1024).contains(&size) || columns.len() > 6 {
        return Err(malformed(Column::Size));
    }

    if let Some(last_ns) = last_ns {
        if time_ns < last_ns {
            return Err((RowCause::TimeBackwards, Some(Column::Time)));
        }
        if time_ns - last_ns > options.gap_max_ns {
            return Err((RowCause::TimeGap, Some(Column::Time)));
        }
    }
    if cpu >= u64::from(options.cpus_max) {
        return Err((RowCause::CpuBeyondLanes, Some(Column::Cpu)));
    }
    let ranges = &options.physical_ranges;
    let outside =
        !ranges.is_empty() && !ranges.iter().any(|range| range.contains(&physical_address));
    if physical_address > options.physical_address_max || outside {
        return Err((RowCause::AddressOutOfRange, Some(Column::PhysicalAddress)));
    }
    let (size, cpu) = (size as u32, cpu as u16);
    Ok(Sample { time_ns, virtual_address, physical_address, size, cpu, write })
}
