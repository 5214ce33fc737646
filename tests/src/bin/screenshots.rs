//! Makes the pictures of the demo that the documents show. `cargo xtask screenshots` runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::harness::patience::eventually;
use e2e::harness::{Browser, Child, Scheme, View, demo_site, hemstitch, workspace};

/// Who is seen beside whom, and what is said of them.
const VISITORS: [(&str, Scheme, &str); 4] = [
    ("stranger", Scheme::Light, "A stranger"),
    ("money", Scheme::Dark, "Back again, reads about money"),
    ("munich", Scheme::Light, "In Munich"),
    ("autumn", Scheme::Dark, "From a newsletter"),
];

const SHEET: &str = "<!DOCTYPE html><title>pictures</title><link rel=icon href=data:,><style>
    body { margin: 0; padding: 20px; background: #fff; display: grid; gap: 20px; color: #16181d; \
        font: 600 15px/1.4 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif; }
    figure { margin: 0; } figcaption { padding-top: 6px; }
    img { display: block; width: 100%; box-shadow: 0 0 0 1px #d5d9e0; }</style>";

fn main() {
    let Some(browser) = Browser::start() else { return };
    let mut demo = Command::new(hemstitch());
    let demo = Child::start("the demo", demo.args(["demo", "--port", "0"]));
    let site = demo_site(&demo);
    let folder = workspace().join("docs/images");
    fs::create_dir_all(&folder).expect("a folder for pictures");

    let desk = View { size: (1280, 760), ..View::DESKTOP };
    let seen = |persona: &str, page: &str, view: View| {
        browser.look(view);
        browser.open(&format!("{site}/demo/become/{persona}{page}"));
        // Once, so that what is said is the time of a page that the edge has at hand.
        browser.open(&browser.url());
        eventually("the panel", || (browser.run(PANEL, &[]) == true).then_some(()));
    };
    let four = VISITORS.map(|(persona, scheme, caption)| {
        seen(persona, "/", desk.with(scheme));
        (browser.picture(), caption)
    });
    write(&folder, "visitors.webp", &sheet(&browser, &four, 2, 1240));

    let phone = |persona, page, scheme, caption| {
        seen(persona, page, View::PHONE.with(scheme));
        (browser.picture(), caption)
    };
    let phones = [
        phone("stranger", "/", Scheme::Light, "A stranger"),
        phone("travel", "/", Scheme::Dark, "Often here, reads about travel"),
        phone("london", "/pricing", Scheme::Light, "In London"),
        phone("sydney", "/join", Scheme::Dark, "In Sydney, on the way to sign up"),
    ];
    write(&folder, "phones.webp", &sheet(&browser, &phones, 4, 1240));

    seen("munich", "/", View::DESKTOP);
    browser.click(".hs-panel-button");
    let panel = [(browser.picture(), "The panel: who one is, what was decided, and how long it took")];
    write(&folder, "panel.webp", &sheet(&browser, &panel, 1, 1240));
}

const PANEL: &str = "return !!document.querySelector('.hs-panel-total')?.textContent";

/// Pictures in columns, with their captions, on one sheet of that width.
fn sheet(browser: &Browser, pictures: &[(Vec<u8>, &str)], columns: usize, width: u32) -> Vec<u8> {
    let figure = |(picture, caption): &(Vec<u8>, &str)| {
        let picture = STANDARD.encode(picture);
        format!(
            "<figure><img src='data:image/png;base64,{picture}'><figcaption>{caption}</figcaption></figure>"
        )
    };
    let figures: String = pictures.iter().map(figure).collect();
    let columns = format!("<style>body {{ grid-template-columns: repeat({columns}, 1fr) }}</style>");
    let page = tempfile::Builder::new().suffix(".html").tempfile().expect("a file for the sheet");
    fs::write(page.path(), format!("{SHEET}{columns}{figures}")).expect("a file of ours");
    browser.look(View { size: (width, 100), density: 1.0, scheme: Scheme::Light });
    browser.open(&format!("file://{}", page.path().display()));
    browser.picture_of_page()
}

fn write(folder: &Path, name: &str, picture: &[u8]) {
    let path: PathBuf = folder.join(name);
    fs::write(&path, picture).expect("a folder that was just made");
    println!("{}: {} KB", path.display(), picture.len() / 1024);
}
