//! Pictures of every page, in both languages, wide and narrow, and in dark colours. Run by `cargo xtask screenshots`.
#![allow(clippy::print_stdout, reason = "the program tells where the pictures are")]

use fullmakt_server::text::Language;
use fullmakt_testkit::{Look, Server, Stop, in_window};
use std::path::Path;

const FOLDER: &str = "target/screenshots";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let program = std::env::current_exe()?.with_file_name("fullmakt");
    let server = Server::start_for_a_tour(Some(program)).await;
    let stops = server.stops().await;
    if Path::new(FOLDER).exists() {
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
    for (name, look) in sets {
        let folder = Path::new(FOLDER).join(name);
        std::fs::create_dir_all(&folder)?;
        picture_all(&server, &stops, look, &folder).await?;
        contact_sheet(&stops, look, &folder).await?;
        println!("{}: {} pictures", folder.display(), stops.len());
    }
    Ok(())
}

/// One window for each person, so that everybody signs in once.
async fn picture_all(server: &Server, stops: &[Stop], look: Look, folder: &Path) -> anyhow::Result<()> {
    for own in stops.chunk_by(|one, next| one.who.id == next.who.id) {
        in_window(&server.base_url, look, async |window| {
            if own[0].name.starts_with("ada") {
                window.visits("/sign-in").await;
                std::fs::write(folder.join("sign-in.png"), window.picture().await)?;
            }
            window.signs_in(&own[0].who).await;
            for stop in own {
                window.visits(&stop.path).await;
                std::fs::write(folder.join(format!("{}.png", stop.name)), window.picture().await)?;
            }
            anyhow::Ok(())
        })
        .await?;
    }
    Ok(())
}

/// All pictures of a folder on one page, small, and that page as a picture.
async fn contact_sheet(stops: &[Stop], look: Look, folder: &Path) -> anyhow::Result<()> {
    let mut page = String::from("<!doctype html><meta charset=\"utf-8\"><title>Pages</title>\n");
    let width = look.width * 3 / 10;
    for stop in stops {
        let (name, path) = (&stop.name, &stop.path);
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
