//! `include/node_damon.h` is what the sources say, and compilers take it.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use std::io::Write;
use std::mem::{offset_of, size_of};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use damon_capi::abi::{Counts, Report};

/// How a change is accepted.
const ACCEPT: &str = "ACCEPT=1 cargo test -p damon-capi --test header";

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn generate() -> String {
    let bindings = cbindgen::Builder::new()
        .with_config(cbindgen::Config::from_file(here("cbindgen.toml")).unwrap())
        .with_src(here("src/abi.rs"))
        .with_src(here("src/lane.rs"))
        .with_src(here("src/lib.rs"))
        .generate()
        .unwrap();
    let mut header = Vec::new();
    bindings.write(&mut header);
    String::from_utf8(header).unwrap()
}

#[test]
fn the_header_says_what_the_sources_say() {
    let path = here("include/node_damon.h");
    let now = generate();
    if std::env::var_os("ACCEPT").is_some() {
        // Whole at every moment: the other tests read it.
        let next = path.with_extension("h.next");
        std::fs::write(&next, &now).unwrap();
        std::fs::rename(next, &path).unwrap();
    }
    let header = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    if let Some((line, (was, is))) =
        header.lines().zip(now.lines()).enumerate().find(|(_, (was, is))| was != is)
    {
        panic!("line {} differs:\n  is        {was}\n  has to be {is}\nDo: {ACCEPT}", line + 1);
    }
    assert_eq!(header.lines().count(), now.lines().count(), "Do: {ACCEPT}");
}

/// Uses everything the header declares, and checks the layout that Rust has.
fn user() -> String {
    let same = |name: &str, c: &str, rust: usize| {
        format!("typedef char {name}[(size_t)({c}) == {rust}u ? 1 : -1];\n")
    };
    let mut text = String::from("#include <node_damon.h>\n#include <node_damon.h>\n");
    text += &same("size", "sizeof(struct node_damon_access_report)", size_of::<Report>());
    text += &same("batch", "sizeof(struct node_damon_batch)", size_of::<Counts>());
    text += &same("status", "sizeof(node_damon_status)", 4);
    text += &same("outcome", "sizeof(node_damon_outcome)", 4);
    for (field, offset) in [
        ("address", offset_of!(Report, address)),
        ("time_ns", offset_of!(Report, time_ns)),
        ("size", offset_of!(Report, size)),
        ("tid", offset_of!(Report, tid)),
        ("tgid", offset_of!(Report, tgid)),
        ("cpu", offset_of!(Report, cpu)),
        ("flags", offset_of!(Report, flags)),
    ] {
        let c = format!("offsetof(struct node_damon_access_report, {field})");
        text += &same(&format!("at_{field}"), &c, offset);
    }
    text + "
int use(const char *token);
int use(const char *token) {
  node_damon_lane *lane;
  struct node_damon_access_report report = {0, NODE_DAMON_UNDATED, 64, 0, 0, 0, NODE_DAMON_WRITE};
  struct node_damon_batch batch;
  uint64_t slots;
  uint32_t id;
  node_damon_status status;
  report.flags |= NODE_DAMON_VIRTUAL;
  if (node_damon_abi_version() != NODE_DAMON_ABI_VERSION) return 1;
  status = node_damon_attach(token, &lane);
  if (status != NODE_DAMON_STATUS_OK) return node_damon_status_text(status)[0];
  if (node_damon_report(lane, &report) != NODE_DAMON_OUTCOME_QUEUED) return 2;
  if (node_damon_report_batch(lane, &report, 1, &batch) != NODE_DAMON_STATUS_OK) return 3;
  if (node_damon_free_slots(lane, &slots) != NODE_DAMON_STATUS_OK) return 4;
  if (node_damon_lane_id(lane, &id) == NODE_DAMON_STATUS_WRONG_THREAD) return 5;
  return (int)node_damon_detach(lane);
}
"
}

/// Whether the compiler took it; nothing if there is no such compiler.
fn compiles(compiler: &str, language: &str) -> Option<bool> {
    let mut child = Command::new(compiler)
        .args(language.split(' '))
        .args("-Wall -Wextra -Werror -pedantic -fsyntax-only -I".split(' '))
        .arg(here("include"))
        .arg("-")
        .stdin(Stdio::piped())
        .spawn()
        .ok()?;
    child.stdin.take().unwrap().write_all(user().as_bytes()).unwrap();
    Some(child.wait().unwrap().success())
}

#[test]
fn it_is_c99() {
    // Rust links with it: it is there.
    assert_eq!(compiles("cc", "-x c -std=c99"), Some(true));
}

#[test]
fn it_is_c_plus_plus() {
    match compiles("c++", "-x c++ -std=c++11") {
        Some(taken) => assert!(taken),
        None => eprintln!("no C++ compiler here: not tried"),
    }
}
