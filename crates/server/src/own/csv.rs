//! Comma-separated values (RFC 4180), one record a line.

/// A table in the making.
#[derive(Debug, Clone)]
pub struct Csv {
    text: String,
}

impl Csv {
    /// A table of these columns.
    pub fn new(columns: &[&str]) -> Self {
        let mut csv = Self { text: String::new() };
        csv.write(columns.iter().copied());
        csv
    }

    /// Adds a record, in the order of the columns.
    pub fn row<const N: usize>(&mut self, fields: [String; N]) {
        self.write(fields.iter().map(String::as_str));
    }

    fn write<'f>(&mut self, fields: impl Iterator<Item = &'f str>) {
        for (at, field) in fields.enumerate() {
            if at > 0 {
                self.text.push(',');
            }
            self.field(field);
        }
        self.text.push_str("\r\n");
    }

    fn field(&mut self, field: &str) {
        // A spreadsheet takes a text that begins so for a formula. Amounts begin with a digit or a minus.
        let is_formula = field.starts_with(['=', '+', '@', '\t', '\r'])
            || (field.starts_with('-') && !field.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit()));
        let quoted = is_formula || field.contains([',', '"', '\n', '\r']);
        if !quoted {
            self.text.push_str(field);
            return;
        }
        self.text.push('"');
        if is_formula {
            self.text.push('\'');
        }
        self.text.push_str(&field.replace('"', "\"\""));
        self.text.push('"');
    }

    /// The table as text.
    pub fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_and_formulas_are_none() {
        let mut csv = Csv::new(&["A", "B"]);
        csv.row(["1,5".to_owned(), "a \"b\"\nc".to_owned()]);
        csv.row(["-12.50".to_owned(), "=1+1".to_owned()]);
        csv.row(["-x".to_owned(), "Fjällräven".to_owned()]);
        assert_eq!(csv.finish(), "A,B\r\n\"1,5\",\"a \"\"b\"\"\nc\"\r\n-12.50,\"'=1+1\"\r\n\"'-x\",Fjällräven\r\n");
    }
}
