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

/// The blocks for a client, in the order of the page: those for `sh`, and those for `sh` and its name. The
/// next block of `text` is what the commands print. Any other block is not run.
pub(crate) fn blocks(page: &str, client: &str) -> Vec<Block> {
    let own = format!("sh {client}");
    let mut blocks: Vec<Block> = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```") else { continue };
        let text: String =
            lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
        match blocks.last_mut() {
            Some(block) if language == "text" => block.prints = Some(text),
            _ if language == "sh" || language == own => blocks.push(Block { commands: text, prints: None }),
            _ => {}
        }
    }
    blocks
}
