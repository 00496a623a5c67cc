//! What a form or an answer carries takes linear time: N bytes and four times as many.

use ringfence_console::part::{Lines, Page};
use ringfence_console::settings::read;
use ringfence_console::shell::Shell;
use ringfence_console::text::fill;
use ringfence_test_cost::{Counting, assert_linear, repeated};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_form_of_settings_is_read_in_linear_time() {
    for same in [true, false] {
        assert_linear("fields", 40_000, |bytes| {
            let fields: Vec<(String, String)> = (0..bytes / 16)
                .map(|number| {
                    (
                        format!("name-{}", if same { 1 } else { number }),
                        "n".to_owned(),
                    )
                })
                .collect();
            read(&fields);
        });
    }
}

#[test]
fn a_page_is_written_in_linear_time() {
    for piece in ["a", "<", "\"", "&", "\n", "{}", "\u{fc}"] {
        assert_linear(piece, 40_000, |bytes| {
            let text = repeated(piece, bytes);
            let marked: Vec<u64> = (1..bytes as u64 / 4).collect();
            let page = Page::new(Shell::outside(&text)).with(Lines::new(&text, &text, &marked));
            let _ = page.html();
            fill(&text, &["x"]);
        });
    }
}
