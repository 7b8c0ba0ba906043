//! Workflow commands of GitHub Actions: annotations in a job's log.

use std::io::{self, Write};

use crate::diagnostics::Diagnostic;

pub(super) fn write(diagnostics: &[Diagnostic], writer: &mut dyn Write) -> io::Result<()> {
    for diagnostic in diagnostics {
        let location = &diagnostic.location;
        let mut properties = vec![format!("title={}", property(diagnostic.code.id()))];
        if let Some(file) = &location.file {
            properties.push(format!("file={}", property(file)));
        }
        for (name, number) in [("line", location.line), ("col", location.column)] {
            properties.extend(number.map(|number| format!("{name}={number}")));
        }
        let object = location.object.as_ref().map(|object| format!("{object}: ")).unwrap_or_default();
        let template = location.template.as_ref().map(|template| format!("\nat template {template}"));
        let path = location.path.as_ref().map(|path| format!("\nat {path}"));
        let places = [template, path].into_iter().flatten().collect::<String>();
        let message = message(&format!("{object}{}{places}\nhelp: {}", diagnostic.message, diagnostic.help));
        writeln!(writer, "::{} {}::{message}", diagnostic.severity, properties.join(","))?;
    }
    Ok(())
}

/// The escapes that GitHub's runner undoes in a message.
fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The same for a property, where two more characters have a meaning.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}
