//! From TOML to a checked tree: every key is known and every value of its type, else the error has a place.

use std::collections::BTreeMap;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::keys::{Key, Kind};
use crate::config::nearest::nearest;
use crate::config::{ConfigFault, Fault};

/// Where the entries of arrays of tables begin: line and column, by their paths.
type Places = BTreeMap<String, (u32, u32)>;

/// Reads a text as a table with these keys. Gives it with values as they are meant (a version without its `v`), and where each
/// entry of an array of tables begins, by its path: `suppressions/0`.
pub(super) fn read(text: &str, keys: &[&[Key]]) -> Result<(Value, Places), Vec<Fault>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader { text, faults: vec![], places: BTreeMap::new() };
    for error in &errors {
        let at = error.span().map_or(0, |span| span.start);
        reader.fault(at, ConfigFault::Syntax { message: error.message().to_owned() });
    }
    if reader.faults.is_empty() {
        let value = reader.table(table.get_ref(), table.span().start, keys, "");
        if reader.faults.is_empty() {
            return Ok((value, reader.places));
        }
    }
    reader.faults.sort_by_key(|fault| (fault.line, fault.column));
    Err(reader.faults)
}

struct Reader<'a> {
    text: &'a str,
    faults: Vec<Fault>,
    places: BTreeMap<String, (u32, u32)>,
}

impl Reader<'_> {
    fn fault(&mut self, at: usize, fault: ConfigFault) {
        let (line, column) = position(self.text, at);
        self.faults.push(Fault { line, column, fault });
    }

    fn table(&mut self, table: &DeTable<'_>, at: usize, keys: &[&[Key]], path: &str) -> Value {
        let known = || keys.iter().flat_map(|keys| keys.iter());
        let mut made = serde_json::Map::new();
        for (name, value) in table {
            let written = name.get_ref();
            let Some(key) = known().find(|key| key.name == &**written) else {
                let meant = nearest(written, known().map(|key| key.name)).map(str::to_owned);
                let names = known().map(|key| key.name).collect();
                self.fault(name.span().start, ConfigFault::UnknownKey { name: written.to_string(), meant, names });
                continue;
            };
            let path = if path.is_empty() { key.name.to_owned() } else { format!("{path}/{}", key.name) };
            self.places.insert(path.clone(), position(self.text, name.span().start));
            made.insert(key.name.to_owned(), self.value(value, &key.kind, &path));
        }
        for key in known().filter(|key| key.required && !table.iter().any(|(name, _)| &**name.get_ref() == key.name)) {
            self.fault(at, ConfigFault::MissingKey { name: key.name });
        }
        Value::Object(made)
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>, kind: &Kind, path: &str) -> Value {
        let at = value.span().start;
        match (kind, value.get_ref()) {
            (Kind::Any, value) => plain(value),
            (Kind::Flag, DeValue::Boolean(flag)) => Value::Bool(*flag),
            (Kind::Text(format), value) if text_of(value).is_some() => {
                match (format.read)(&text_of(value).unwrap_or_default()) {
                    Ok(text) => Value::String(text),
                    Err(why) => {
                        self.fault(at, ConfigFault::Wrong { why });
                        Value::Null
                    }
                }
            }
            (Kind::Choice(words), DeValue::String(text)) => {
                if !words.contains(&&**text) {
                    let meant = nearest(text, words.iter().copied()).map(str::to_owned);
                    self.fault(at, ConfigFault::NoChoice { word: text.to_string(), meant, words });
                }
                Value::String(text.to_string())
            }
            (Kind::List(of), DeValue::Array(values)) => {
                let mut made = vec![];
                for (index, value) in values.iter().enumerate() {
                    let path = format!("{path}/{index}");
                    self.places.insert(path.clone(), position(self.text, value.span().start));
                    made.push(self.value(value, of, &path));
                }
                Value::Array(made)
            }
            (Kind::Table(keys), DeValue::Table(table)) => self.table(table, at, keys, path),
            (Kind::Tables(keys), DeValue::Array(tables)) => {
                let mut made = vec![];
                for (index, value) in tables.iter().enumerate() {
                    let (at, path) = (value.span().start, format!("{path}/{index}"));
                    let DeValue::Table(table) = value.get_ref() else {
                        self.fault(at, ConfigFault::Type { wanted: "a table", given: type_of(value.get_ref()) });
                        continue;
                    };
                    self.places.insert(path.clone(), position(self.text, at));
                    made.push(self.table(table, at, keys, &path));
                }
                Value::Array(made)
            }
            (Kind::Map { of, .. }, DeValue::Table(table)) => {
                let mut made = serde_json::Map::new();
                for (name, value) in table {
                    let path = format!("{path}/{}", name.get_ref());
                    self.places.insert(path.clone(), position(self.text, name.span().start));
                    made.insert(name.get_ref().to_string(), self.value(value, of, &path));
                }
                Value::Object(made)
            }
            (kind, value) => {
                self.fault(at, ConfigFault::Type { wanted: wanted(kind), given: type_of(value) });
                Value::Null
            }
        }
    }
}

/// A text; a day may be written without quotes.
fn text_of(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Datetime(day) => Some(day.to_string()),
        _ => None,
    }
}

/// A value whose type is known to nobody here: that of a rule's setting.
fn plain(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or(Value::Null, Value::from)
        }
        DeValue::Float(number) => number.as_str().parse::<f64>().map_or(Value::Null, Value::from),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Array(values) => Value::Array(values.iter().map(|value| plain(value.get_ref())).collect()),
        DeValue::Table(table) => Value::Object(
            table.iter().map(|(name, value)| (name.get_ref().to_string(), plain(value.get_ref()))).collect(),
        ),
    }
}

fn wanted(kind: &Kind) -> &'static str {
    match kind {
        Kind::Flag => "true or false",
        Kind::Text(_) | Kind::Choice(_) => "a quoted string",
        Kind::List(_) => "a list",
        Kind::Table(_) | Kind::Map { .. } => "a table",
        Kind::Tables(_) => "a list of tables, each under its own [[…]]",
        Kind::Any => "a value",
    }
}

const fn type_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "a flag",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Line and column of a byte, from 1 on, columns in characters.
fn position(text: &str, at: usize) -> (u32, u32) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}
