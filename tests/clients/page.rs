use std::fmt;

/// A block of commands of a page, and what the page says that it prints.
#[derive(Debug, Default)]
pub(crate) struct Block {
    pub(crate) commands: String,
    pub(crate) prints: Option<String>,
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.commands)
    }
}

/// The blocks that a reader runs who has all of `has`, in the order of the page: those for `sh`, whose
/// further words are all in `has`. The block of `text` after one is what its commands print. Any other block
/// is not run.
pub(crate) fn blocks(page: &str, has: &[&str]) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut lines = page.lines();
    let mut is_run = false;
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```") else { continue };
        let text: String =
            lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
        let mut words = language.split(' ');
        let is_last_run = std::mem::replace(&mut is_run, false);
        match words.next() {
            Some("sh") if words.all(|word| has.contains(&word)) => {
                is_run = true;
                blocks.push(Block { commands: text, prints: None });
            }
            Some("text") if is_last_run && let Some(block) = blocks.last_mut() => block.prints = Some(text),
            _ => {}
        }
    }
    blocks
}
