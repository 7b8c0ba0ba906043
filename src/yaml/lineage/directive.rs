//! The lines that begin with `%`.

/// Whether a line is one of YAML's two directives.
pub(super) fn is_directive(line: &str) -> bool {
    let words = line.split([' ', '\t']).filter(|word| !word.is_empty());
    let words: Vec<&str> = words.take_while(|word| !word.starts_with('#')).collect();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    match words.as_slice() {
        ["%YAML", version] => {
            version.split_once('.').is_some_and(|(major, minor)| is_number(major) && is_number(minor))
        }
        ["%TAG", "!", _] => true,
        ["%TAG", handle, _] => handle
            .strip_prefix('!')
            .and_then(|handle| handle.strip_suffix('!'))
            .is_some_and(|handle| handle.bytes().all(is_word)),
        _ => false,
    }
}
