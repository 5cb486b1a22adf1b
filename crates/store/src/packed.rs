//! Columns of whole numbers as one text: usage of an hour, figures of a reservation's day.
//!
//! Columns are parted by `;` and numbers by blanks; a number that stands several times in a row is written once, as
//! `1000000*24`. What runs around the clock takes a few characters that way, however many hours and resources there are.

use crate::row::Fault;

/// A number may stand so often in a row; a text that says otherwise is damaged.
const REPEATED_MAX: usize = 1 << 24;

/// Packs columns.
pub(crate) fn pack(columns: &[Vec<i128>]) -> String {
    let mut text = String::new();
    for (index, column) in columns.iter().enumerate() {
        if index > 0 {
            text.push(';');
        }
        let mut first = true;
        for run in column.chunk_by(|one, next| one == next) {
            if !std::mem::take(&mut first) {
                text.push(' ');
            }
            text.extend(run.first().map(i128::to_string));
            if run.len() > 1 {
                text.push('*');
                text.push_str(&run.len().to_string());
            }
        }
    }
    text
}

/// Reads as many columns as there are said to be, all of one length.
pub(crate) fn unpack<const N: usize>(text: &str) -> Result<[Vec<i128>; N], Fault> {
    let damaged = || Fault::Damaged { what: "packed numbers", value: text.chars().take(80).collect() };
    let mut columns: [Vec<i128>; N] = std::array::from_fn(|_| Vec::new());
    let mut texts = text.split(';');
    for column in &mut columns {
        let numbers = texts.next().ok_or_else(damaged)?;
        for token in numbers.split(' ').filter(|token| !token.is_empty()) {
            let (number, times) = token.split_once('*').unwrap_or((token, "1"));
            // Nearly all are short, which reads several times faster.
            let number = match number.parse::<i64>() {
                Ok(number) => i128::from(number),
                Err(_) => number.parse().map_err(|_| damaged())?,
            };
            let times: usize = times.parse().map_err(|_| damaged())?;
            if times > REPEATED_MAX {
                return Err(damaged());
            }
            column.extend(std::iter::repeat_n(number, times));
        }
    }
    let length = columns.first().map_or(0, Vec::len);
    if texts.next().is_some() || columns.iter().any(|column| column.len() != length) {
        return Err(damaged());
    }
    Ok(columns)
}

/// Numbers as steps from one to the next: those that go up evenly are all alike then.
pub(crate) fn steps(numbers: impl Iterator<Item = i64>) -> Vec<i128> {
    let mut last = 0;
    numbers.map(|number| i128::from(number) - i128::from(std::mem::replace(&mut last, number))).collect()
}

/// The numbers that steps lead to.
pub(crate) fn walked(steps: &[i128]) -> Result<Vec<i64>, Fault> {
    let mut at: i128 = 0;
    let walk = |step: &i128| {
        at = at.checked_add(*step).unwrap_or(i128::MAX);
        i64::try_from(at).map_err(|_| Fault::Damaged { what: "packed number", value: at.to_string() })
    };
    steps.iter().map(walk).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_come_back_as_they_went() {
        let columns = [vec![1, 1, 1, -7, i128::MAX], vec![0, 0, 0, 0, 0]];
        let text = pack(&columns);
        assert_eq!(text, format!("1*3 -7 {};0*5", i128::MAX));
        assert_eq!(unpack::<2>(&text).unwrap(), columns);
        assert_eq!(unpack::<2>(&pack(&[Vec::new(), Vec::new()])).unwrap(), [Vec::new(), Vec::new()]);
        let numbers = [i64::MIN, 3, 4, 5, i64::MAX];
        assert_eq!(walked(&steps(numbers.into_iter())).unwrap(), numbers);
    }

    #[test]
    fn damage_is_told() {
        for text in ["1;", "1;2;3", "1 2;3", "x;1", "1*x;1", "1*99999999999;1", "1*;1", "1*-1;1"] {
            assert!(matches!(unpack::<2>(text), Err(Fault::Damaged { .. })), "{text}");
        }
        assert!(walked(&[i128::MAX, 1]).is_err());
    }
}
