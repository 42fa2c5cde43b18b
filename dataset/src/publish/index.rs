//! `index.parquet`: one row a sample, without images; GeoParquet 1.1.

use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::BinaryBuilder;
use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, StructArray};
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use serde_json::{Value, json};

use super::{Line, PublishError, around};
use crate::files;

pub(super) fn write(path: &Path, lines: &[Line], extra: &SchemaRef) -> Result<(), PublishError> {
    let wrong = |source| PublishError::Parquet { path: path.to_owned(), source };
    let text = |of: fn(&Line) -> &str| Arc::new(lines.iter().map(|l| Some(of(l))).collect::<StringArray>()) as ArrayRef;
    let mut fields = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    for (name, of) in [("file", (|l| &l.file) as fn(&Line) -> &str), ("id", |l| &l.id), ("problem", |l| &l.problem)] {
        fields.push(Field::new(name, DataType::Utf8, true));
        columns.push(text(of));
    }
    for field in extra.fields().iter().filter(|f| is_flat(f.data_type())) {
        fields.push(Field::new(field.name(), flat(field.data_type()), true));
        columns.push(column(lines, field.name(), field.data_type()));
    }
    let edges: Fields =
        ["xmin", "ymin", "xmax", "ymax"].map(|n| Field::new(n, DataType::Float64, true)).to_vec().into();
    fields.push(Field::new("geometry", DataType::Binary, true));
    columns.push(geometry(lines));
    fields.push(Field::new("bbox", DataType::Struct(edges.clone()), true));
    let corner =
        |i: usize| Arc::new(lines.iter().map(|l| l.bounds().map(|b| b[i])).collect::<Float64Array>()) as ArrayRef;
    let present = lines.iter().map(|l| l.bounds().is_some()).collect::<Vec<_>>();
    columns.push(Arc::new(StructArray::new(
        edges,
        vec![corner(0), corner(1), corner(2), corner(3)],
        Some(present.into()),
    )));
    // Some readers take the key from Arrow's schema, some from the footer.
    let told = geo(lines).to_string();
    let schema = Schema::new(fields).with_metadata(std::collections::HashMap::from([("geo".to_owned(), told.clone())]));
    let schema = Arc::new(schema);
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).map_err(|e| wrong(e.into()))?;
    let properties = WriterProperties::builder()
        .set_created_by(format!("socio-bench {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(50_000))
        .set_key_value_metadata(Some(vec![KeyValue::new("geo".to_owned(), told)]))
        .build();
    // A row is a few hundred bytes: the whole index is small beside one image file.
    let mut writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties)).map_err(wrong)?;
    writer.write(&batch).map_err(wrong)?;
    files::write(path, &writer.into_inner().map_err(wrong)?)?;
    Ok(())
}

/// Whether a column is of texts, numbers or flags.
pub(super) fn is_flat(kind: &DataType) -> bool {
    kind.is_numeric() || matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Boolean)
}

/// The type that a flat column has in the index.
fn flat(kind: &DataType) -> DataType {
    match kind {
        DataType::Boolean => DataType::Boolean,
        k if k.is_integer() => DataType::Int64,
        k if k.is_numeric() => DataType::Float64,
        _ => DataType::Utf8,
    }
}

fn column(lines: &[Line], name: &str, kind: &DataType) -> ArrayRef {
    let values = || lines.iter().map(|l| l.fields.get(name));
    match flat(kind) {
        DataType::Boolean => Arc::new(values().map(|v| v.and_then(Value::as_bool)).collect::<BooleanArray>()),
        DataType::Int64 => Arc::new(values().map(|v| v.and_then(Value::as_i64)).collect::<Int64Array>()),
        DataType::Float64 => Arc::new(values().map(|v| v.and_then(Value::as_f64)).collect::<Float64Array>()),
        _ => Arc::new(values().map(|v| v.and_then(Value::as_str)).collect::<StringArray>()),
    }
}

/// The bounds as polygons in well-known binary, counterclockwise.
fn geometry(lines: &[Line]) -> ArrayRef {
    let mut builder = BinaryBuilder::new();
    for line in lines {
        builder.append_option(line.bounds().map(|[w, s, e, n]| {
            let mut bytes = vec![1_u8];
            for count in [3_u32, 1, 5] {
                bytes.extend(count.to_le_bytes());
            }
            for (x, y) in [(w, s), (e, s), (e, n), (w, n), (w, s)] {
                bytes.extend(x.to_le_bytes());
                bytes.extend(y.to_le_bytes());
            }
            bytes
        }));
    }
    Arc::new(builder.finish())
}

/// The `geo` key of GeoParquet 1.1.
fn geo(lines: &[Line]) -> Value {
    let edge = |name: &str| json!(["bbox", name]);
    let covering =
        json!({"bbox": {"xmin": edge("xmin"), "ymin": edge("ymin"), "xmax": edge("xmax"), "ymax": edge("ymax")}});
    let mut column = json!({
        "encoding": "WKB", "geometry_types": [], "orientation": "counterclockwise", "edges": "planar", "covering": covering,
    });
    if let Some(bounds) = around(lines) {
        column["geometry_types"] = json!(["Polygon"]);
        column["bbox"] = json!(bounds);
    }
    json!({"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}})
}
