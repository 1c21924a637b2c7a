//! Escapes control and direction characters in all output, so that text from files, chains, tokens and nodes cannot
//! affect the terminal.

use std::fmt::Write;

/// A text of several lines, with all other control and direction characters escaped: `\u{1b}`.
pub fn text(text: &str) -> String {
    escaped(text, |c| c != '\n' && is_hidden(c), |c| c.escape_unicode().to_string())
}

/// What must stay on one line: line ends are escaped too.
pub fn line(text: &str) -> String {
    escaped(text, is_hidden, |c| c.escape_default().to_string())
}

/// A JSON document with the same characters escaped in its strings, as JSON allows: its content is
/// unchanged.
pub fn json(document: &str) -> String {
    escaped(
        document,
        |c| c != '\n' && is_hidden(c),
        |c| {
            let mut escapes = String::new();
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ok = write!(escapes, "\\u{unit:04x}");
            }
            escapes
        },
    )
}

fn escaped(text: &str, escapes: impl Fn(char) -> bool, escape: impl Fn(char) -> String) -> String {
    text.chars().map(|c| if escapes(c) { escape(c) } else { c.to_string() }).collect()
}

/// Whether a character moves the cursor, starts a terminal sequence, changes the writing direction, or is
/// invisible.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{a0}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{feff}'
            | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' // fillers of Hangul
            | '\u{17b4}' | '\u{17b5}' | '\u{2800}' // vowels that are not written, an empty pattern of Braille
            | '\u{180b}'..='\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' // selectors of variants
            | '\u{1d173}'..='\u{1d17a}' // marks of music
            | '\u{200b}'..='\u{200f}' // zero width, marks of direction
            | '\u{2028}'..='\u{202e}' // separators, embeddings and overrides of direction
            | '\u{2060}'..='\u{206f}' // joiners, isolates of direction
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}' // tags
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_for_the_terminal_and_turns_of_direction_are_shown() {
        let forged = "\u{1b}[2K\u{1b}[1Aok\u{9b}0m \u{202e}gnp.exe\u{200b}\r\u{e0041}";
        let shown = "\\u{1b}[2K\\u{1b}[1Aok\\u{9b}0m \\u{202e}gnp.exe\\u{200b}\\u{d}\\u{e0041}";
        assert_eq!(text(forged), shown);
        assert_eq!(line(forged), shown.replace("\\u{d}", "\\r"));
        for hidden in ['\u{a0}', '\u{3164}', '\u{180b}', '\u{2800}', '\u{fe0f}', '\u{e0100}', '\u{1d173}'] {
            assert_eq!(line(&format!("a{hidden}b")), format!("a\\u{{{:x}}}b", u32::from(hidden)));
        }
    }

    #[test]
    fn only_a_text_has_lines() {
        assert_eq!(text("a\nb"), "a\nb");
        assert_eq!(line("a\nerror: b\tc"), "a\\nerror: b\\tc");
    }

    #[test]
    fn what_people_write_stays_as_it_is() {
        let text = "0x… `größer`, 50 %: ‘כן’ \"a\\b\" e\u{301}";
        assert_eq!(line(text), text);
    }

    #[test]
    fn json_says_the_same() {
        let value = serde_json::json!({ "a": "\u{9b}\u{202e}\u{e0041}\u{1b}é" });
        let document = json(&serde_json::to_string_pretty(&value).unwrap());
        assert_eq!(document, "{\n  \"a\": \"\\u009b\\u202e\\udb40\\udc41\\u001bé\"\n}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&document).unwrap(), value);
    }
}
