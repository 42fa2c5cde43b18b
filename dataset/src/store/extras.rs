//! Columns beside SocioSeg's own: kept as they are through parquet, as JSON fields in the raw layout.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use serde_json::{Map, Value};

/// The extra columns of one sample: a batch of one row, or nothing.
#[derive(Debug, Clone, Default)]
pub struct Extras(Option<RecordBatch>);

impl Extras {
    /// The extra columns of one row.
    pub(super) fn of_row(batch: RecordBatch) -> Self {
        Self((batch.num_columns() > 0 && batch.num_rows() == 1).then_some(batch))
    }

    /// The value of a column as text: a text as it is, a number or flag as JSON writes it; `None` where the column is
    /// missing, null, or of a nested type.
    pub fn text(&self, column: &str) -> Option<String> {
        let array = self.column(column)?;
        match to_json(array, 0)? {
            Value::String(text) => Some(text),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
            other => Some(other.to_string()),
        }
    }

    /// The same columns with another text in one of them, where it is a column of texts.
    #[must_use]
    pub(crate) fn with_text(self, column: &str, text: &str) -> Self {
        let Some(batch) = self.0 else { return self };
        let at =
            batch.schema().index_of(column).ok().filter(|i| *batch.schema().field(*i).data_type() == DataType::Utf8);
        let Some(at) = at else { return Self(Some(batch)) };
        let mut columns = batch.columns().to_vec();
        columns[at] = Arc::new(StringArray::from(vec![text]));
        Self(RecordBatch::try_new(batch.schema(), columns).ok().or(Some(batch)))
    }

    /// The columns as one text for hashing, whole numbers as numbers: whether a column is of whole numbers depends on other
    /// samples.
    pub(super) fn canonical(&self) -> String {
        let plain = |value: Value| value.as_f64().map_or(value, Value::from);
        let fields: Map<String, Value> = self.to_json().0.into_iter().map(|(name, v)| (name, plain(v))).collect();
        Value::Object(fields).to_string()
    }

    /// A column's array of one value.
    pub(super) fn column(&self, name: &str) -> Option<&ArrayRef> {
        self.0.as_ref()?.column_by_name(name)
    }

    /// The columns as JSON fields, and the names of those whose type JSON cannot hold (bytes, for one).
    pub(crate) fn to_json(&self) -> (Map<String, Value>, Vec<String>) {
        let (mut fields, mut lost) = (Map::new(), Vec::new());
        if let Some(batch) = &self.0 {
            for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
                match to_json(array, 0) {
                    // A column that another row has: to JSON it is not there.
                    Some(Value::Null) => {}
                    Some(value) => {
                        fields.insert(field.name().clone(), value);
                    }
                    None => lost.push(field.name().clone()),
                }
            }
        }
        (fields, lost)
    }

    /// The columns of a JSON object under a schema made by [`infer`].
    pub(crate) fn from_json(fields: &Map<String, Value>, schema: &SchemaRef) -> Self {
        let columns = schema.fields().iter().map(|field| column(fields.get(field.name()), field.data_type())).collect();
        RecordBatch::try_new(Arc::clone(schema), columns).map_or_else(|_| Self::default(), Self::of_row)
    }
}

/// The columns that JSON objects need: whole numbers, numbers, flags and texts as such; what is nested or differs
/// between rows as JSON text.
pub(super) fn infer<'a>(rows: impl Iterator<Item = &'a Map<String, Value>>) -> SchemaRef {
    let mut kinds: std::collections::BTreeMap<String, DataType> = std::collections::BTreeMap::new();
    for row in rows {
        for (name, value) in row {
            let kind = match value {
                Value::Null => continue,
                Value::Bool(_) => DataType::Boolean,
                Value::Number(n) if n.is_i64() => DataType::Int64,
                Value::Number(_) => DataType::Float64,
                _ => DataType::Utf8,
            };
            kinds
                .entry(name.clone())
                .and_modify(|old| {
                    *old = match (&*old, &kind) {
                        (a, b) if *a == *b => kind.clone(),
                        (DataType::Int64 | DataType::Float64, DataType::Int64 | DataType::Float64) => DataType::Float64,
                        _ => DataType::Utf8,
                    };
                })
                .or_insert(kind);
        }
    }
    let fields: Vec<Field> = kinds.into_iter().map(|(name, kind)| Field::new(name, kind, true)).collect();
    Arc::new(Schema::new(fields))
}

fn column(value: Option<&Value>, kind: &DataType) -> ArrayRef {
    let value = value.filter(|v| !v.is_null());
    match kind {
        DataType::Boolean => Arc::new(BooleanArray::from(vec![value.and_then(Value::as_bool)])),
        DataType::Int64 => Arc::new(Int64Array::from(vec![value.and_then(Value::as_i64)])),
        DataType::Float64 => Arc::new(Float64Array::from(vec![value.and_then(Value::as_f64)])),
        _ => Arc::new(StringArray::from(vec![value.map(|v| match v {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })])),
    }
}

/// The JSON value of row `row`; `None` for types that JSON cannot hold.
fn to_json(array: &dyn Array, row: usize) -> Option<Value> {
    if array.is_null(row) {
        return Some(Value::Null);
    }
    macro_rules! number {
        ($kind:ty) => {
            Some(Value::from(array.as_primitive::<$kind>().value(row)))
        };
    }
    match array.data_type() {
        DataType::Null => Some(Value::Null),
        DataType::Boolean => Some(Value::from(array.as_boolean().value(row))),
        DataType::Int8 => number!(Int8Type),
        DataType::Int16 => number!(Int16Type),
        DataType::Int32 => number!(Int32Type),
        DataType::Int64 => number!(Int64Type),
        DataType::UInt8 => number!(UInt8Type),
        DataType::UInt16 => number!(UInt16Type),
        DataType::UInt32 => number!(UInt32Type),
        DataType::UInt64 => number!(UInt64Type),
        DataType::Float32 => number!(Float32Type),
        DataType::Float64 => number!(Float64Type),
        DataType::Utf8 => Some(Value::from(array.as_string::<i32>().value(row))),
        DataType::LargeUtf8 => Some(Value::from(array.as_string::<i64>().value(row))),
        DataType::Utf8View => Some(Value::from(array.as_string_view().value(row))),
        DataType::List(_) => list(&array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => list(&array.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => list(&array.as_fixed_size_list().value(row)),
        DataType::Struct(fields) => {
            let array = array.as_struct();
            let mut object = Map::new();
            for (field, column) in fields.iter().zip(array.columns()) {
                object.insert(field.name().clone(), to_json(column, row)?);
            }
            Some(Value::Object(object))
        }
        _ => None,
    }
}

fn list(array: &dyn Array) -> Option<Value> {
    (0..array.len()).map(|i| to_json(array, i)).collect::<Option<Vec<_>>>().map(Value::Array)
}
