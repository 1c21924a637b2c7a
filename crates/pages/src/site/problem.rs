//! The page that says why there is no other.

use maud::html;

use super::Frame;

/// A page about an error: `title` is its status in words, `message` one sentence with its values, and `hint` what to do next. They may be from
/// elsewhere.
pub fn problem(title: &str, message: &str, hint: Option<&str>) -> String {
    use levee::text::escape::line;
    let frame = Frame::new(title, None, html! { h1 { (title) } });
    frame.document(&html! {
        section {
            p { (line(message)) }
            @if let Some(hint) = hint { p.note { (line(hint)) } }
            p { a href="/" { "All rescues" } }
        }
    })
}
