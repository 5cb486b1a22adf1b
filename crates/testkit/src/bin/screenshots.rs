//! Pictures of every page, in both languages, wide and narrow, and in dark colours. Run by `cargo xtask screenshots`, which
//! names what a page's name must contain, and the sets that are wanted.
#![allow(clippy::print_stdout, reason = "the program tells where the pictures are")]

use anyhow::ensure;
use fullmakt_server::text::Language;
use fullmakt_testkit::{Look, Stop, Tour, Window, in_window};
use std::path::Path;

const FOLDER: &str = "target/screenshots";
/// A form that is refused when nothing is filled in.
const FORM: &str = "main form[method=post]:has(input[required]:not([type=radio]))";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1);
    let only = words.next().unwrap_or_default();
    let wanted: Vec<String> = words.collect();
    let program = std::env::current_exe()?.with_file_name("fullmakt");
    let tour = Tour::start(Some(program)).await;
    let all = tour.stops().await;
    let stops: Vec<Stop> = all.iter().filter(|stop| stop.name.contains(&only)).cloned().collect();
    ensure!(!stops.is_empty(), "no page has `{only}` in its name, `{}` for example", all[0].name);
    if only.is_empty() && wanted.is_empty() && Path::new(FOLDER).exists() {
        std::fs::remove_dir_all(FOLDER)?;
    }
    let (english, swedish) = (Look::of(Language::English), Look::of(Language::Swedish));
    let sets = [
        ("en-wide", english),
        ("en-narrow", english.narrow()),
        ("sv-wide", swedish),
        ("sv-narrow", swedish.narrow()),
        ("en-wide-dark", english.dark()),
    ];
    for (name, look) in sets.into_iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|one| one == name)) {
        let folder = Path::new(FOLDER).join(name);
        std::fs::create_dir_all(&folder)?;
        let pictures = picture_all(&tour.base_url, &stops, look, &folder).await?;
        contact_sheet(&pictures, look, &folder).await?;
        println!("{}: {} pictures", folder.display(), pictures.len());
    }
    Ok(())
}

/// The name of a picture, and the address that it shows.
type Picture = (String, String);

/// One window for each person, so that everybody signs in once.
async fn picture_all(base_url: &str, stops: &[Stop], look: Look, folder: &Path) -> anyhow::Result<Vec<Picture>> {
    let mut pictures = Vec::new();
    for own in stops.chunk_by(|one, next| one.who.id == next.who.id) {
        in_window(base_url, look, async |window| {
            if pictures.is_empty() {
                window.visits("/sign-in").await;
                pictures.push(picture(window, "sign-in", "/sign-in", folder).await?);
            }
            window.signs_in(&own[0].who).await;
            for stop in own {
                window.visits(&stop.path).await;
                pictures.push(picture(window, &stop.name, &stop.path, folder).await?);
                if window.counts(FORM).await > 0 && window.sends_emptied(FORM, 0).await {
                    let name = format!("{}-sent-empty", stop.name);
                    pictures.push(picture(window, &name, &stop.path, folder).await?);
                }
            }
            anyhow::Ok(())
        })
        .await?;
    }
    Ok(pictures)
}

async fn picture(window: &Window, name: &str, path: &str, folder: &Path) -> anyhow::Result<Picture> {
    std::fs::write(folder.join(format!("{name}.png")), window.picture().await)?;
    Ok((name.to_owned(), path.to_owned()))
}

/// All pictures of a run on one page, small, and that page as a picture.
async fn contact_sheet(pictures: &[Picture], look: Look, folder: &Path) -> anyhow::Result<()> {
    let mut page = String::from("<!doctype html><meta charset=\"utf-8\"><title>Pages</title>\n");
    let width = look.width * 3 / 10;
    for (name, path) in pictures {
        page.push_str(&format!(
            "<figure style=\"display:inline-block;vertical-align:top;margin:.5rem\">\
             <a href=\"{name}.png\"><img src=\"{name}.png\" width=\"{width}\" alt=\"\"></a>\
             <figcaption style=\"width:{width}px;overflow-wrap:anywhere\">{name}<br>{path}</figcaption></figure>\n"
        ));
    }
    std::fs::write(folder.join("index.html"), page)?;
    let here = format!("file://{}", folder.canonicalize()?.display());
    let look = Look { width: 1600, dark: false, ..look };
    in_window(&here, look, async |window| {
        window.visits("/index.html").await;
        std::fs::write(folder.join("contact-sheet.png"), window.picture().await)
    })
    .await?;
    Ok(())
}
