//! Lists as files for spreadsheets: comma separated, with a header row, streamed so that a long one needs no memory.

use std::future::Future;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::{HeaderValue, header};

use crate::error::PageError;

/// Spreadsheets take a file for UTF-8 only when it begins with this.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A row.
pub type Row = Vec<String>;

/// A file that a browser saves as `name` (letters, digits, `-` and `.`).
///
/// `page` gives some rows from a place on, and the next place while there is one. The first page is read before the
/// answer begins, so that who may not gets a proper refusal; a failure after that breaks the file off.
///
/// # Errors
/// What the first page says.
pub async fn download<S, P, F>(name: &str, header: Row, start: S, page: P) -> Result<Response, PageError>
where
    S: Send + 'static,
    P: Fn(S) -> F + Send + 'static,
    F: Future<Output = Result<(Vec<Row>, Option<S>), PageError>> + Send,
{
    let (rows, next) = page(start).await?;
    let mut first = BYTE_ORDER_MARK.as_bytes().to_vec();
    first.extend(encoded(std::iter::once(header).chain(rows))?);
    let rest = stream::try_unfold((next, page), |(place, page)| async move {
        let Some(place) = place else { return Ok(None) };
        let (rows, next) = page(place).await.map_err(|_| std::io::Error::other("the list cannot be read on"))?;
        let bytes = encoded(rows).map_err(|_| std::io::Error::other("the list cannot be written"))?;
        Ok(Some((Bytes::from(bytes), (next, page))))
    });
    let first = stream::once(async move { Ok::<_, std::io::Error>(Bytes::from(first)) });
    let body = Body::from_stream(futures_util::StreamExt::chain(first, rest));
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    let disposition = disposition.map_err(|_| PageError::Failed)?;
    let kind = HeaderValue::from_static("text/csv; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, disposition)], body).into_response())
}

/// A file of rows that are at hand.
///
/// # Errors
/// [`PageError::Failed`].
pub async fn file(name: &str, header: Row, rows: Vec<Row>) -> Result<Response, PageError> {
    let rows = std::sync::Mutex::new(rows);
    download(name, header, (), move |()| {
        let rows = std::mem::take(&mut *rows.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        async move { Ok((rows, None)) }
    })
    .await
}

fn encoded(rows: impl IntoIterator<Item = Row>) -> Result<Vec<u8>, PageError> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).flexible(true).from_writer(Vec::new());
    for row in rows {
        let cells = row.into_iter().map(inert);
        writer.write_record(cells).map_err(|_| PageError::Failed)?;
    }
    writer.into_inner().map_err(|_| PageError::Failed)
}

/// A cell that no spreadsheet takes for a formula. A number below zero is none.
fn inert(cell: String) -> String {
    if is_number(&cell) {
        return cell;
    }
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}

/// Whether it is a plain decimal number.
fn is_number(cell: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = cell.split_once('.').unwrap_or((cell, "0"));
    digits(whole.strip_prefix('-').unwrap_or(whole)) && digits(fraction)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[tokio::test]
    async fn a_file_is_streamed_page_by_page() {
        let header = vec!["Name".to_owned(), "Åtgärd".to_owned()];
        let answer = download("log.csv", header, 0_u8, |n| async move {
            Ok((vec![vec![format!("n{n}"), "=1+1".to_owned()]], (n < 2).then_some(n + 1)))
        });
        let answer = answer.await.unwrap();
        assert_eq!(answer.headers()["content-disposition"], "attachment; filename=\"log.csv\"");
        let body = axum::body::to_bytes(answer.into_body(), 1_000).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert_eq!(text, "\u{feff}Name,Åtgärd\r\nn0,'=1+1\r\nn1,'=1+1\r\nn2,'=1+1\r\n");
    }

    #[tokio::test]
    async fn who_may_not_gets_a_refusal_and_no_file() {
        let answer = download("x.csv", Vec::new(), (), |()| async { Err(PageError::Forbidden) }).await;
        assert!(matches!(answer, Err(PageError::Forbidden)));
    }

    #[test]
    fn only_numbers_may_begin_with_a_minus() {
        for (cell, written) in
            [("-1.50", "-1.50"), ("-1+1", "'-1+1"), ("-", "'-"), ("-1.", "'-1."), ("-1.5.2", "'-1.5.2"), ("7", "7")]
        {
            assert_eq!(inert(cell.to_owned()), written);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn any_cell_is_read_back_and_no_formula(cells in proptest::collection::vec(".{0,20}", 1..4)) {
            let bytes = encoded([vec!["header".to_owned()], cells.clone()]).unwrap();
            let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes.as_slice());
            let row = reader.records().next().unwrap().unwrap();
            for (read, cell) in row.iter().zip(&cells) {
                prop_assert!(read == cell || read.strip_prefix('\'') == Some(cell));
                prop_assert!(!read.starts_with(['=', '+', '-', '@', '\t', '\r']) || is_number(read));
            }
        }

        #[test]
        fn numbers_stay_numbers(value in any::<i64>(), decimals in 0_usize..10) {
            let cell = fullmakt_domain::rating::format_scaled(value.into(), u32::try_from(decimals).unwrap());
            prop_assert_eq!(inert(cell.clone()), cell);
        }
    }
}
