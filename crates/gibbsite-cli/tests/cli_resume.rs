//! `gibbsite sample --out` killed at any moment goes on with `--resume` to the same bytes, and nothing is lost or overwritten
//! in silence.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// The files of the folder, sorted.
    fn names(&self, of: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(of)).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn command(&self, args: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gibbsite"));
        command.arg("sample").args(args.split_whitespace()).current_dir(self.0.path());
        command
    }

    /// What a call that does its work prints, and what it notes.
    #[track_caller]
    fn done(&self, args: &str) -> (Value, String) {
        let output = self.command(&format!("{args} --json")).output().unwrap();
        let (code, stderr) = (output.status.code(), text(&output.stderr));
        assert!(matches!(code, Some(0 | 3)), "{args}: {code:?}\n{}{stderr}", text(&output.stdout));
        (serde_json::from_slice(&output.stdout).unwrap(), stderr)
    }

    #[track_caller]
    fn refused(&self, args: &str, kind: &str, code: i32) -> String {
        refusal(&self.command(&format!("{args} --json")).output().unwrap(), args, kind, code)
    }
}

/// Message and hint of a call that must fail.
#[track_caller]
fn refusal(output: &Output, args: &str, kind: &str, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{args}\n{}{}", text(&output.stdout), text(&output.stderr));
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    let field = |name: &str| object["error"][name].as_str().unwrap().to_string();
    let said = format!("{}: {}\nhint: {}", field("kind"), field("message"), field("hint"));
    println!("{args}\n{said}\n");
    assert_eq!(field("kind"), kind, "{args}\n{said}");
    assert!(!field("hint").is_empty(), "{args}\n{said}");
    said
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn wait_until(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(60), "waited in vain");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Fields that two processes with the same draws have in common.
fn comparable(mut object: Value) -> Value {
    let fields = object.as_object_mut().unwrap();
    for name in ["seconds", "ess_per_second", "out"] {
        fields.remove(name).unwrap();
    }
    object
}

const CHECKPOINT: &str = "checkpoint.gibbs-state";

/// Runs `args` undisturbed, then killed again and again with another number of threads each time, then to the end.
fn killed_and_resumed_is_undisturbed(args: &str, ending: &str) {
    let folder = Folder::new();
    let (plain, killed) = (format!("plain.{ending}"), format!("killed.{ending}"));
    let (expected, _) = folder.done(&format!("{args} --out {plain} --threads 2"));
    let part = format!("{killed}.part");
    let checkpoint = folder.path(&part).join(CHECKPOINT);
    let mut n_killed = 0;
    for k in 0..4u64 {
        let before = fs::read(&checkpoint).ok();
        let how = format!("{args} --out {killed} --threads {} --resume", 1 + k % 2);
        let mut child = folder.command(&how).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_until(|| fs::read(&checkpoint).is_ok_and(|b| Some(b) != before) || folder.path(&killed).exists());
        // Within a piece or a write, another time each time.
        std::thread::sleep(Duration::from_millis(7 * k));
        child.kill().unwrap();
        n_killed += usize::from(child.wait().unwrap().code().is_none());
        if k == 2 {
            readable(&folder, &part);
        }
    }
    println!("{args}: killed {n_killed} times");
    assert!(n_killed >= 2, "the run is too short to be killed");
    // Killed while the file is put together or after it is there: it is whole all the same.
    if folder.path(&killed).exists() && !checkpoint.exists() {
        fs::remove_file(folder.path(&killed)).unwrap();
    }
    let (found, stderr) = folder.done(&format!("{args} --out {killed} --threads 1 --resume"));
    assert!(stderr.contains("resuming") || stderr.contains("afresh"), "{stderr}");
    assert!(folder.bytes(&killed) == folder.bytes(&plain), "{args}: other bytes");
    assert_eq!(comparable(found), comparable(expected));
    assert_eq!(folder.names("."), [killed, plain], "something is left");
}

/// The pieces of a killed run are whole files with the shape (chains, draws, dim).
fn readable(folder: &Folder, part: &str) {
    let names = folder.names(part);
    for name in names.iter().filter(|n| n.starts_with("draws-")) {
        let file = folder.path(part).join(name);
        let shape = gibbsite::table::Table::array_shape(&file.to_string_lossy()).unwrap().unwrap();
        let length = fs::metadata(&file).unwrap().len() as usize;
        assert_eq!((shape.len(), length), (3, 128 + 8 * shape.iter().product::<usize>()), "{name}");
    }
}

#[test]
fn hmc_goes_on() {
    killed_and_resumed_is_undisturbed("x^4-x^2 --sampler hmc --chains 1024 --draws 1700 --warmup 200 --seed 3", "npy");
}

#[test]
fn mala_goes_on() {
    let args = "gaussian:d=4,condition=10 --sampler mala --chains 700 --draws 1100 --warmup 300 --thin 2";
    killed_and_resumed_is_undisturbed(args, "csv");
}

/// The sampler that pilot chains chose is kept with the run, and so is why.
#[test]
fn a_choice_goes_on() {
    killed_and_resumed_is_undisturbed("gaussian:d=3 --chains 900 --draws 900 --warmup 100", "npy");
}

/// All levels of all ladders go on, and what they have counted.
#[test]
fn tempering_goes_on() {
    let args = "x^4-3*x^2+y^2 --bounds y=0..inf --sampler tempering --chains 700 --draws 1700 --warmup 40";
    killed_and_resumed_is_undisturbed(args, "npy");
}

/// That pilot chains disagreed is kept with the run.
#[test]
fn a_choice_of_tempering_goes_on() {
    let args = "-logsumexp(-(x+9)^2/2,-(x-9)^2/2)+y^2/2+z^2/2 --chains 700 --draws 1100 --warmup 60";
    killed_and_resumed_is_undisturbed(args, "npy");
}

/// In bounded coordinates, which are drawn in others.
#[test]
fn ula_goes_on() {
    let args = "x^2+y --bounds y=0..inf --sampler ula --chains 1000 --draws 1100 --warmup 200";
    killed_and_resumed_is_undisturbed(args, "npz");
}

#[test]
fn the_grid_goes_on() {
    killed_and_resumed_is_undisturbed("x^4-x^2 --sampler grid --chains 40 --draws 42000", "npy");
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_goes_on() {
    let args = "gaussian:d=2 --sampler mala --chains 700 --draws 1100 --warmup 100 --step-size 0.5";
    killed_and_resumed_is_undisturbed(args, "parquet");
}

/// A run that stopped after some pieces: killed when `n` draws files are there.
fn interrupt(folder: &Folder, args: &str, out: &str, n: usize) {
    let mut child = folder.command(&format!("{args} --out {out}")).stdout(Stdio::null()).spawn().unwrap();
    let part = folder.path(&format!("{out}.part"));
    let pieces = || fs::read_dir(&part).map_or(0, |d| d.filter(|e| is_piece(&e.as_ref().unwrap().path())).count());
    wait_until(|| pieces() >= n);
    child.kill().unwrap();
    assert!(child.wait().unwrap().code().is_none(), "the run is too short to be killed");
    assert!(!folder.path(out).exists());
}

fn is_piece(path: &Path) -> bool {
    path.file_name().unwrap().to_string_lossy().starts_with("draws-")
}

const SMALL: &str = "x^2 --sampler hmc --chains 1024 --warmup 50";

#[test]
fn only_the_same_call_goes_on() {
    let folder = Folder::new();
    let part = "d.npy.part";
    interrupt(&folder, &format!("{SMALL} --draws 20000"), "d.npy", 2);
    let kept = || -> Vec<String> {
        folder
            .names(part)
            .into_iter()
            .filter(|n| !n.ends_with(".tmp"))
            .map(|n| format!("{n} {}", fs::metadata(folder.path(part).join(&n)).unwrap().len()))
            .collect()
    };
    let before = kept();
    let call = |args: &str| format!("{args} --draws 20000 --out d.npy");
    let said = folder.refused(&call(SMALL), "conflict", 2);
    assert!(said.contains("d.npy.part") && said.contains("--resume") && said.contains("of 20,000 draws"), "{said}");
    for (args, difference) in [
        (SMALL.replace("x^2", "x^2+1"), "the energy was x^2 and is x^2+1"),
        (format!("{SMALL} --seed 1"), "--seed was 0 and is 1"),
        (SMALL.replace("hmc", "mala"), "--sampler was hmc and is mala"),
        (SMALL.replace("1024", "1000"), "--chains was 1024 and is 1000"),
        (format!("{SMALL} --thin 2"), "--thin was 1 and is 2"),
        (SMALL.replace("50", "51"), "--warmup was 50 and is 51"),
        (format!("{SMALL} --step-size 0.5"), "--step-size was the default and is 0.5"),
        (format!("{SMALL} --beta 2"), "the energy was"),
        (format!("{SMALL} --bounds x=-9..9"), "the energy was"),
    ] {
        let said = folder.refused(&format!("{} --resume", call(&args)), "checkpoint", 1);
        assert!(said.contains(difference), "{said}");
        // Without --resume the way out is not --resume.
        let said = folder.refused(&call(&args), "conflict", 2);
        assert!(said.contains("choose another --out"), "{said}");
    }
    let said = folder.refused(&format!("{SMALL} --draws 100 --out d.npy --resume"), "checkpoint", 1);
    assert!(said.contains("more than the 100 asked for"), "{said}");
    {
        let lock = File::options().write(true).open(folder.path(part).join("lock")).unwrap();
        lock.lock().unwrap();
        let said = folder.refused(&format!("{} --resume", call(SMALL)), "conflict", 1);
        assert!(said.contains("another process"), "{said}");
    }
    assert_eq!(kept(), before, "a refusal changed something");
}

#[test]
fn damage_is_refused_with_a_way_out() {
    let folder = Folder::new();
    interrupt(&folder, &format!("{SMALL} --draws 20000"), "d.npy", 3);
    let resume = format!("{SMALL} --draws 20000 --out d.npy --resume");
    let checkpoint = folder.path("d.npy.part").join(CHECKPOINT);
    let whole = fs::read(&checkpoint).unwrap();
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    for bytes in [&damaged[..], &whole[..100], b"", b"nonsense"] {
        fs::write(&checkpoint, bytes).unwrap();
        let said = folder.refused(&resume, "checkpoint", 1);
        assert!(said.contains(CHECKPOINT) && said.contains("remove the folder"), "{said}");
        folder.refused(&resume.replace(" --resume", ""), "checkpoint", 1);
    }
    fs::write(&checkpoint, &whole).unwrap();
    let piece = folder.path("d.npy.part").join("draws-000000000000.npy");
    let bytes = fs::read(&piece).unwrap();
    fs::write(&piece, &bytes[..bytes.len() / 2]).unwrap();
    let said = folder.refused(&resume, "checkpoint", 1);
    assert!(said.contains("draws-000000000000.npy") && said.contains("bytes"), "{said}");
    let mut flipped = bytes.clone();
    flipped[5000] ^= 1 << 6;
    fs::write(&piece, &flipped).unwrap();
    let said = folder.refused(&resume, "checkpoint", 1);
    assert!(said.contains("draws-000000000000.npy") && said.contains("checksum"), "{said}");
    fs::write(&piece, &bytes).unwrap();
    for name in ["total-energy-000000000000.npy", "draws-000000000000.npy"] {
        fs::remove_file(folder.path("d.npy.part").join(name)).unwrap();
        let said = folder.refused(&resume, "checkpoint", 1);
        assert!(said.contains(name) && said.contains("is missing") && said.contains("remove the folder"), "{said}");
    }
    // The checkpoint alone is gone: what is there is nobody's, and is not touched.
    fs::remove_file(&checkpoint).unwrap();
    let said = folder.refused(&resume, "conflict", 1);
    assert!(said.contains("no checkpoint"), "{said}");
}

#[test]
fn more_draws_may_be_asked_for() {
    for (args, n) in [(SMALL, 900), ("x^4 --sampler grid --chains 300", 900)] {
        let folder = Folder::new();
        folder.done(&format!("{args} --draws {n} --out plain.csv"));
        // Cut where pieces end otherwise: the first call ends within a piece, and is killed when its draws are complete.
        interrupt_at_the_end(&folder, &format!("{args} --draws 700"), "more.csv");
        let (_, stderr) = folder.done(&format!("{args} --draws {n} --out more.csv --resume"));
        assert!(stderr.contains("700 of 700"), "{stderr}");
        assert!(folder.bytes("more.csv") == folder.bytes("plain.csv"), "{args}");
    }
}

/// All draws are made, but the file cannot be written: it is a folder by the time it is to be.
fn interrupt_at_the_end(folder: &Folder, args: &str, out: &str) {
    let mut child =
        folder.command(&format!("{args} --out {out}")).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until(|| folder.path(&format!("{out}.part")).exists());
    fs::create_dir(folder.path(out)).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    fs::remove_dir(folder.path(out)).unwrap();
}

#[test]
fn resume_without_a_run_starts_afresh_and_spares_complete_files() {
    let folder = Folder::new();
    let args = "x^2 --sampler mala --chains 8 --draws 40 --warmup 20 --out d.csv";
    let (_, stderr) = folder.done(&format!("{args} --resume"));
    assert!(stderr.contains("no 'd.csv.part' to resume") && stderr.contains("afresh"), "{stderr}");
    let whole = folder.bytes("d.csv");
    let said = folder.refused(&format!("{args} --resume"), "finished", 1);
    assert!(said.contains("'d.csv' is complete"), "{said}");
    assert_eq!((folder.bytes("d.csv"), folder.names(".")), (whole.clone(), vec!["d.csv".to_string()]));
    // Without --resume files are replaced, as ever; an empty folder of the name is no run.
    fs::create_dir(folder.path("d.csv.part")).unwrap();
    folder.done(args);
    assert_eq!((folder.bytes("d.csv"), folder.names(".")), (whole, vec!["d.csv".to_string()]));
    // Nor is a file.
    fs::write(folder.path("d.csv.part"), "mine").unwrap();
    assert!(folder.refused(args, "io", 1).contains("in the way"));
    fs::remove_file(folder.path("d.csv.part")).unwrap();
    fs::create_dir(folder.path("d.csv.part")).unwrap();
    fs::write(folder.path("d.csv.part").join("mine"), "mine").unwrap();
    assert!(folder.refused(args, "conflict", 1).contains("'mine'"));
    assert_eq!(folder.names("d.csv.part"), ["mine"]);
}

/// Draws that mean nothing are not kept, and a call that fails before the first draw leaves nothing.
#[test]
fn a_failed_run_leaves_nothing_behind() {
    let folder = Folder::new();
    folder.refused("x^4 --sampler ula --step-size 10 --out d.csv", "diverged", 1);
    folder.refused("x^4 --sampler ula --step-size 10 --warmup 0 --out d.csv", "diverged", 1);
    assert_eq!(folder.names("."), [""; 0]);
}

#[cfg(unix)]
#[test]
fn what_cannot_be_written_loses_nothing() {
    let folder = Folder::new();
    let args = format!("{SMALL} --draws 1200");
    folder.done(&format!("{args} --out plain.npy"));
    // A device that is always full takes the place of the file.
    std::os::unix::fs::symlink("/dev/full", folder.path("full.npy")).unwrap();
    let said = folder.refused(&format!("{args} --out full.npy"), "io", 1);
    assert!(said.contains("No space left") && said.contains("'full.npy.part'") && said.contains("--resume"), "{said}");
    fs::remove_file(folder.path("full.npy")).unwrap();
    folder.done(&format!("{args} --out full.npy --resume"));
    assert!(folder.bytes("full.npy") == folder.bytes("plain.npy"));
    // A limit on the size of files, in KiB, stops the first piece; then the whole.
    for (limit, n_pieces) in [(1000, 0), (6000, 3)] {
        let name = format!("limit{limit}.npy");
        let script = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$0\" \"$@\"");
        let mut command = Command::new("bash");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_gibbsite"), "sample", "--json", "--out", &name]);
        command.args(args.split_whitespace()).current_dir(folder.0.path());
        let said = refusal(&command.output().unwrap(), &args, "io", 1);
        assert!(said.contains("too large") && said.contains("--resume"), "{said}");
        let there = folder.names(&format!("{name}.part"));
        assert_eq!(there.iter().filter(|n| n.starts_with("draws-")).count(), n_pieces, "{there:?}");
        assert!(!folder.path(&name).exists() && !there.iter().any(|n| n.ends_with(".tmp")), "{there:?}");
        folder.done(&format!("{args} --out {name} --resume"));
        assert!(folder.bytes(&name) == folder.bytes("plain.npy"));
    }
}

/// Peak of the resident memory of a run, in MiB.
#[cfg(target_os = "linux")]
fn peak(folder: &Folder, args: &str) -> f64 {
    let mut child = folder.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak: f64 = 0.0;
    while child.try_wait().unwrap().is_none() {
        let status = fs::read_to_string(&status).unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
        let kib = line.and_then(|l| l.split_whitespace().next()?.parse::<f64>().ok());
        peak = peak.max(kib.unwrap_or(0.0) / 1024.0);
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(matches!(child.wait().unwrap().code(), Some(0 | 3)));
    peak
}

/// 4 and 17 million draws; the second would need 270 MB in memory for the draws and their energies alone.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "samples 21 million draws"]
fn memory_does_not_grow_with_the_draws() {
    let folder = Folder::new();
    let of = |draws: usize| peak(&folder, &format!("x^2 --sampler hmc --draws {draws} --out d{draws}.npy"));
    let (short, long) = (of(65_536), of(4 * 65_536));
    println!("{short:.0} MiB, then {long:.0} MiB");
    assert!(long < 1.15 * short && long < 500.0, "{short:.0} MiB, then {long:.0} MiB");
}
