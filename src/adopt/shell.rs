//! Words and lines of a POSIX shell.

/// A word that the shell takes as it is written.
pub(super) fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./:=@%+,-".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// Several words.
pub(super) fn words<S: AsRef<str>>(texts: impl IntoIterator<Item = S>) -> String {
    texts.into_iter().map(|text| word(text.as_ref())).collect::<Vec<_>>().join(" ")
}

/// A comment of this text, in lines of a readable width. `bullet` begins the first line, and the others are indented by
/// as much.
pub(super) fn comment(bullet: &str, text: &str) -> String {
    const WIDTH: usize = 110;
    let indent = " ".repeat(bullet.chars().count());
    let mut lines: Vec<String> = Vec::new();
    let mut line = format!("# {bullet}");
    let mut is_empty = true;
    // A control character could end the comment.
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    for word in text.split_whitespace() {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::replace(&mut line, format!("# {indent}")));
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    lines.push(line);
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_reach_a_program_as_they_are() {
        assert_eq!(
            words(["--config=a/b.yaml", "it's", "", "$(x)"]),
            r"--config=a/b.yaml 'it'\''s' '' '$(x)'"
        );
    }

    #[test]
    fn a_comment_is_wrapped_and_never_ends_early() {
        let text = "word ".repeat(30);
        let comment = comment("  - ", &format!("first\nrm -rf / {text}"));
        assert!(comment.lines().all(|line| line.starts_with('#') && line.len() <= 112), "{comment}");
        assert_eq!(comment.lines().count(), 2, "{comment}");
    }
}
