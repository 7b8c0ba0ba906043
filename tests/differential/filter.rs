//! resecret at one end of two pipes: the differential test at the other end asks for one stream after the other.
//!
//! A request is a configuration and a stream, a text each with its length before it (32 bits, little endian). The
//! answer is two bytes, what came of it and what else was seen (`program.go` has their names), the output and the
//! messages. With the argument `suite` it tells the names and texts of the YAML test suite instead.

use std::io::{self, BufWriter, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use resecret::{Code, Config, Diagnostic, Severity, filter, filter_stream};

#[path = "../properties/suite.rs"]
mod suite;

#[derive(Default)]
struct Answer {
    outcome: u8,
    flags: u8,
    output: Vec<u8>,
    messages: String,
}

const REFUSED: u8 = 1;
const CRASHED: u8 = 2;

const AGAIN_DIFFERS: u8 = 1;
const AGAIN_FAILS: u8 = 2;
const STREAM_DIFFERS: u8 = 4;
const STREAM_ACCEPTS: u8 = 8;
const UNREADABLE: u8 = 16;
const STREAM_MISSES: u8 = 32;

fn main() -> io::Result<()> {
    let mut output = BufWriter::new(io::stdout().lock());
    if std::env::args().any(|argument| argument == "suite") {
        for suite::Case { name, yaml } in suite::cases() {
            write_text(&mut output, name.as_bytes())?;
            write_text(&mut output, yaml.as_bytes())?;
        }
        return output.flush();
    }
    let mut input = io::stdin().lock();
    let mut last: (Vec<u8>, Config) = Default::default();
    while let Some(rules) = read_text(&mut input)? {
        let stream = read_text(&mut input)?.unwrap_or_default();
        if rules != last.0 {
            let mut config = Config::default();
            let text = std::str::from_utf8(&rules).expect("a configuration is text");
            config.add_file("resecret.yaml", text).expect("a configuration");
            last = (rules, config);
        }
        let answer = catch_unwind(AssertUnwindSafe(|| run(&stream, &last.1)));
        let answer = answer.unwrap_or_else(|_| Answer { outcome: CRASHED, ..Answer::default() });
        output.write_all(&[answer.outcome, answer.flags])?;
        write_text(&mut output, &answer.output)?;
        write_text(&mut output, answer.messages.as_bytes())?;
        output.flush()?;
    }
    Ok(())
}

fn run(stream: &[u8], config: &Config) -> Answer {
    let mut streamed = Vec::new();
    let accepted = filter_stream(stream, &mut streamed, config, &mut |_| {}).is_ok();
    let filtered = match filter(stream, config) {
        Ok(filtered) => filtered,
        Err(error) => {
            let unreadable = error.diagnostics().iter().any(is_no_yaml);
            let excused = error.diagnostics().iter().all(may_pass_a_stream);
            let stream = match (accepted, excused) {
                (false, _) => 0,
                (true, true) => STREAM_ACCEPTS,
                (true, false) => STREAM_MISSES,
            };
            let flags = stream | if unreadable { UNREADABLE } else { 0 };
            return Answer {
                outcome: REFUSED,
                flags,
                messages: messages(error.diagnostics()),
                ..Answer::default()
            };
        }
    };
    let output = filtered.to_vec();
    let mut flags = if accepted && streamed != output { STREAM_DIFFERS } else { 0 };
    match filter(&output, config) {
        Ok(again) if again.to_vec() == output => {}
        Ok(_) => flags |= AGAIN_DIFFERS,
        // Nothing is left where every document was a Secret that is removed.
        Err(_) if output.trim_ascii().is_empty() => {}
        Err(_) => flags |= AGAIN_FAILS,
    }
    Answer { outcome: 0, flags, output, messages: messages(filtered.diagnostics()) }
}

/// Whether `--stream` may not see this error, since it depends on a Secret that comes later: what is looked for everywhere, and
/// that a document cannot be read, which is of interest only where the name of a removed Secret is in it.
fn may_pass_a_stream(found: &Diagnostic) -> bool {
    let looked_for = [
        Code::LeftBehind,
        Code::NameInText,
        Code::ValueLeftBehind,
        Code::ChecksumAnnotation,
        Code::Plaintext,
    ];
    let unreadable = [Code::NotYaml, Code::NotUtf8, Code::TruncatedInput];
    let is_excused = looked_for.contains(&found.code) || unreadable.contains(&found.code);
    is_excused || found.severity != Severity::Error
}

/// Whether a document is said to be no YAML at all. What is refused in spite of being YAML is another matter.
fn is_no_yaml(found: &Diagnostic) -> bool {
    let meant = [
        "the YAML document ends",
        "!!binary",
        "aliases make",
        "nested more than",
        "is longer than",
        // A directive, which belongs to a document of its own as Kubernetes splits streams.
        "there is a directive here",
        "<document start>",
        "byte order mark",
        // What Go sees of the text behind the end of a document depends on the size of its buffer.
        "control characters",
        // One in the comment behind a marker, of which Go drops the whole line.
        "unexpected character: `\\u{",
    ];
    found.code == Code::NotYaml && !meant.iter().any(|words| found.message.contains(words))
}

/// Everything that diagnostics say of a document's content.
fn messages(diagnostics: &[Diagnostic]) -> String {
    let said = |found: &Diagnostic| format!("{}\n{}\n{:?}\n", found.message, found.help, found.location.path);
    diagnostics.iter().map(said).collect()
}

fn read_text(input: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match input.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        result => result?,
    }
    let mut text = vec![0; usize::try_from(u32::from_le_bytes(length)).map_err(io::Error::other)?];
    input.read_exact(&mut text)?;
    Ok(Some(text))
}

fn write_text(output: &mut impl Write, text: &[u8]) -> io::Result<()> {
    output.write_all(&u32::try_from(text.len()).map_err(io::Error::other)?.to_le_bytes())?;
    output.write_all(text)
}
