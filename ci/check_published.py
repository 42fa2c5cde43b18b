"""Is a published folder what the tools of the field take it for?

    python ci/check_published.py FOLDER

with the packages of ci/requirements-publish.txt (Python 3.11). FOLDER holds README.md (a Hugging Face dataset card), the
Parquet files that its configs name, croissant.json and index.parquet. Nothing is asked of a network.

One line a check:
* card: the card loads, its metadata are whole, it names every file and its columns, it has a datasheet's headings;
* config NAME: `datasets` reads the config from the right files, with equal ids, and decodes the images of each split's first
  row (those of all rows: `data verify`);
* croissant: mlcroissant finds no errors and no warnings; sizes and SHA-256 of all files, and of every config the splits,
  files and columns, are told right;
* record set NAME: its first record loads, of every split it has, and is the first row of the file;
* index geopandas, index duckdb, index validator: index.parquet is GeoParquet, with the samples' bounds as geometry;
* index rows: its rows are the rows of the files, each once.
Exit code 1 where a check fails, with what is wrong below its line.
"""

import argparse
import fnmatch
import hashlib
import json
import logging
import os
import re
import sys
import tempfile
from collections import Counter
from functools import cached_property
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = "1"

import datasets
import duckdb
import geopandas
import geoparquet_validator
import mlcroissant
import pyarrow as pa
import pyarrow.parquet as pq
from absl import logging as absl_logging
from huggingface_hub import DatasetCard
from PIL import Image

CARD_LISTS = ("license", "language", "task_categories", "size_categories", "tags")
HEADINGS = ("Motivation", "Composition", "Collection", "Preprocessing", "Uses", "Distribution", "Maintenance")
SIZES = ["n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B"]  # by the number's digits
PREFIXES = {
    "cr": "http://mlcommons.org/croissant/",
    "sc": "https://schema.org/",
    "geocr": "http://mlcommons.org/croissant/geo/",
    "rai": "http://mlcommons.org/croissant/RAI/",
}
# Croissant 1.1 asks for these; mlcroissant itself warns of some only.
CROISSANT_ASKS = ("name", "description", "license", "url", "creator", "datePublished", "conformsTo")
SPLIT_CLASSES = {"train": "cr:TrainingSplit", "val": "cr:ValidationSplit", "test": "cr:TestSplit"}
BOUNDS = ["west", "south", "east", "north"]
INDEX = "index.parquet"


class Wrong(Exception):
    """What a check found wrong, one text a finding."""


def is_binary(kind):
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def insist(*stages):
    """Raises what all stages find; one that breaks off is a finding, and those behind it are still asked."""
    findings = []
    for stage in stages:
        try:
            findings.extend(stage)
        except Exception as error:
            findings.extend(told(error))
    if findings:
        raise Wrong(*dict.fromkeys(findings))


def told(error):
    """An exception and its causes, one text each."""
    while error is not None:
        yield f"{type(error).__name__}: {error}"
        error = error.__cause__


class Published:
    """A published folder, read as plainly as can be: what the tools read is compared with this."""

    def __init__(self, folder):
        self.folder = folder
        self.parquet = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.parquet"))
        self.data = [p for p in self.parquet if p != INDEX]

    @cached_property
    def card(self):
        return DatasetCard.load(self.folder / "README.md")

    @cached_property
    def configs(self):
        """-> {config: {split: [file]}} as the card's globs match."""
        found = {}
        for config in self.card.data.to_dict().get("configs") or []:
            paths = {d["split"]: [d["path"]] if isinstance(d["path"], str) else d["path"] for d in config["data_files"]}
            found[config["config_name"]] = {s: self.matching(globs) for s, globs in paths.items()}
        if not found:
            raise Wrong("README.md: no `configs` in its metadata")
        return found

    def matching(self, globs):
        return sorted({p.relative_to(self.folder).as_posix() for g in globs for p in self.folder.glob(g) if p.is_file()})

    def schema(self, file):
        return pq.read_schema(self.folder / file)

    def flat(self, file):
        """The columns that hold one plain value a row: no images, lists or structs."""
        return [f.name for f in self.schema(file) if not pa.types.is_nested(f.type) and not is_binary(f.type)]

    def rows(self, file, columns):
        return pq.read_table(self.folder / file, columns=columns).to_pylist()

    @cached_property
    def count(self):
        return sum(pq.read_metadata(self.folder / f).num_rows for f in self.data)


# ---------------------------------------------------------------------------------------------------------------- the card


def check_card(published):
    meta = published.card.data.to_dict()
    text = published.card.text
    insist(card_metadata(published, meta), card_files(published, meta), card_columns(published), card_headings(text))
    left = text.count("PLACEHOLDER")
    line = f"{', '.join(published.configs)}; {published.count} rows in {len(published.data)} files"
    return line + (f"; {left} placeholders left" if left else "")


def card_headings(text):
    headings = [t.lower() for t in re.findall(r"^#+\s*(.+?)\s*$", text, re.M)]
    yield from (f"no heading {h!r}" for h in HEADINGS if not any(t.startswith(h.lower()) for t in headings))


def card_metadata(published, meta):
    if not isinstance(meta.get("pretty_name"), str):
        yield "metadata: `pretty_name` is no text"
    for key in CARD_LISTS:
        value = meta.get(key)
        if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
            yield f"metadata: `{key}` is no list of texts: {value!r}"  # an unquoted `no` is a flag to YAML
    for licence in meta.get("license") or []:
        if not re.fullmatch(r"[a-z0-9][a-z0-9.\-]*", str(licence)):
            yield f"metadata: licence {licence!r} is not written as the hub writes it (lower case, as cc-by-4.0)"
        if licence == "other" and not (meta.get("license_name") and meta.get("license_link")):
            yield "metadata: licence `other` needs `license_name` and `license_link`"
    size = SIZES[max(len(str(published.count)) - 3, 0)]
    if meta.get("size_categories") != [size]:
        yield f"metadata: `size_categories` is {meta.get('size_categories')}, but {published.count} rows are [{size!r}]"


def card_files(published, meta):
    defaults = [c["config_name"] for c in meta["configs"] if c.get("default")]
    if len(defaults) > 1 or not defaults and len(published.configs) > 1 and "default" not in published.configs:
        yield f"configs: {len(defaults)} marked `default: true`, and none named default"
    for config, splits in published.configs.items():
        for split, files in splits.items():
            if not files:
                yield f"config {config}: no file of split {split}"
            if INDEX in files:
                yield f"config {config}: {INDEX} is taken for data"
    named = {f for splits in published.configs.values() for files in splits.values() for f in files}
    yield from (f"{f}: in no config" for f in published.data if f not in named)
    infos = meta.get("dataset_info") or []
    infos = {i.get("config_name"): i for i in (infos if isinstance(infos, list) else [infos])}
    if set(infos) != set(published.configs):
        yield f"dataset_info of {sorted(map(str, infos))}, but configs {sorted(published.configs)}"
    for config in set(infos) & set(published.configs):
        yield from card_sizes(published, config, infos[config])


def card_sizes(published, config, info):
    told = {s.get("name"): s.get("num_examples") for s in info.get("splits") or []}
    real = {
        split: sum(pq.read_metadata(published.folder / f).num_rows for f in files)
        for split, files in published.configs[config].items()
    }
    if told != real:
        yield f"dataset_info of {config}: rows are told as {told}, but are {real}"
    size = sum((published.folder / f).stat().st_size for files in published.configs[config].values() for f in files)
    if info.get("download_size", size) != size:
        yield f"dataset_info of {config}: download_size {info['download_size']}, but the files have {size} bytes"


def card_columns(published):
    for config, splits in published.configs.items():
        told = datasets.load_dataset_builder(str(published.folder), config).info.features
        if told is None:
            yield f"dataset_info of {config}: no features"
            continue
        for file in [f for files in splits.values() for f in files]:
            schema = published.schema(file)
            if b"huggingface" not in (schema.metadata or {}):
                yield f"{file}: no schema metadata `huggingface`, so images would not decode without the card"
                continue
            real = datasets.Features.from_arrow_schema(schema)
            if list(real.items()) != list(told.items()):
                differ = {c: (told.get(c), real.get(c)) for c in [*told, *real] if told.get(c) != real.get(c)}
                yield f"{file}: features differ from the card's of {config} (told, real): {differ or 'another order'}"


# ---------------------------------------------------------------------------------------------------------- Python datasets


def check_config(published, config):
    with tempfile.TemporaryDirectory() as cache:
        loaded = datasets.load_dataset(str(published.folder), config, cache_dir=cache)
        insist(config_rows(published, config, loaded))
        images = [c for c, f in next(iter(loaded.values())).features.items() if isinstance(f, datasets.Image)]
        line = ", ".join(f"{split} {len(rows)}" for split, rows in loaded.items())
        del loaded
    return f"{line}; {len(images)} image columns decode"


def config_rows(published, config, loaded):
    splits = published.configs[config]
    if set(loaded) != set(splits):
        yield f"splits are {sorted(loaded)}, but the card has {sorted(splits)}"
        return
    for split, rows in loaded.items():
        ids = [r["id"] for f in splits[split] for r in published.rows(f, ["id"])]
        if list(rows["id"]) != ids:
            yield f"{split}: ids are not those of {splits[split]}"
        yield from (f"{split}: id {i!r} {n} times" for i, n in Counter(ids).items() if n > 1)
        for column in ("map_image", "sat_image", "mask_label"):
            if not isinstance(rows.features.get(column), datasets.Image):
                yield f"{split}: {column} is {rows.features.get(column)}, not Image()"
            elif len(rows):
                yield from image_fits(f"{split}: {column} of row 0", rows[0][column], rows[0])
        for file in splits[split]:
            if "split" in published.flat(file):
                other = {r["split"] for r in published.rows(file, ["split"])} - {split}
                yield from (f"{file}: column split says {o!r}, the card says {split!r}" for o in sorted(map(str, other)))


def image_fits(what, image, row):
    if not isinstance(image, Image.Image):
        yield f"{what} is {type(image).__name__}, not an image"
        return
    image.load()
    size = (row.get("width"), row.get("height"))
    if None not in size and image.size != size:
        yield f"{what} is {image.size}, columns width and height say {size}"


# --------------------------------------------------------------------------------------------------------------- Croissant


class Heard(logging.Handler):
    """What mlcroissant logs as a warning: it does not all come as an issue."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.texts = []

    def emit(self, record):
        self.texts.append(record.getMessage())


class Croissant:
    """croissant.json: as JSON, and loaded with the files of the folder in place of addresses."""

    def __init__(self, published):
        self.path = published.folder / "croissant.json"
        self.published = published

    @cached_property
    def json(self):
        return json.loads(self.path.read_text(encoding="utf-8"))

    def load(self):
        """A dataset of its own for each use: mlcroissant changes it when it filters."""
        files = {}
        for d in self.json["distribution"]:
            if "://" in d.get("contentUrl", ""):
                local = self.published.folder if d.get("encodingFormat") == "git+https" else self.file(d)
                files[d["@id"]] = str(local)
        return mlcroissant.Dataset(str(self.path), mapping=files)

    def file(self, file_object):
        """A relative contentUrl is the path; beside an address, the @id is."""
        url = file_object["contentUrl"]
        return self.published.folder / (file_object["@id"] if "://" in url else url)

    def of_type(self, kind):
        return [d for d in self.json["distribution"] if d.get("@type") == kind]

    def file_set(self, name):
        """-> the files that the file set of this @id holds."""
        include = next(d["includes"] for d in self.of_type("cr:FileSet") if d["@id"] == name)
        globs = [include] if isinstance(include, str) else include
        return [f for f in self.published.parquet if any(fnmatch.fnmatchcase(f, g) for g in globs)]

    @cached_property
    def record_sets(self):
        return {r["@id"]: r for r in self.json["recordSet"]}

    def split_field(self, name):
        """-> the field whose value comes of the file's name and refers to the splits, and its expression."""
        for field in self.record_sets[name].get("field", []):
            source = field.get("source", {})
            if "references" in field and "fileProperty" in source.get("extract", {}):
                return field["@id"], re.compile(source["transform"]["regex"])
        return None, None


def check_croissant(published, croissant):
    insist(
        croissant_text(croissant.json),
        croissant_issues(croissant),
        croissant_files(published, croissant),
        croissant_splits(published, croissant),
        (finding for config in published.configs for finding in croissant_config(published, croissant, config)),
    )
    versions = [c.rsplit("croissant/", 1)[-1] for c in as_list(croissant.json["conformsTo"])]
    return f"conforms to {', '.join(versions)}; no errors, no warnings; sizes and hashes of {len(published.parquet)} files"


def croissant_issues(croissant):
    heard = Heard()
    loggers = [logging.getLogger(), absl_logging.get_absl_logger()]
    for logger in loggers:
        logger.addHandler(heard)
    try:
        issues = croissant.load().metadata.ctx.issues
    except mlcroissant.ValidationError as error:
        yield from (f"error: {line.removeprefix('  -  ')}" for line in str(error).splitlines() if line.startswith("  -"))
        return
    finally:
        for logger in loggers:
            logger.removeHandler(heard)
    yield from (f"error: {e}" for e in sorted(issues.errors))
    yield from (f"warning: {w}" for w in sorted(issues.warnings) or heard.texts)


def as_list(value):
    return value if isinstance(value, list) else [value]


def croissant_text(doc):
    yield from (f"no `{key}`" for key in CROISSANT_ASKS if not doc.get(key))
    context = doc.get("@context", {})
    used = set(re.findall(r'"(cr|sc|geocr|rai):\w', json.dumps(doc)))
    for prefix in sorted(used):  # mlcroissant takes an unknown prefix for an address, and says nothing
        if context.get(prefix) != PREFIXES[prefix]:
            yield f"@context: `{prefix}` is {context.get(prefix)!r}, not {PREFIXES[prefix]!r}"
    conforms = as_list(doc.get("conformsTo", []))
    if "http://mlcommons.org/croissant/1.1" not in conforms:
        yield f"conformsTo is {conforms}, without http://mlcommons.org/croissant/1.1"
    if "http://mlcommons.org/croissant/geo/1.0" in conforms:
        for key in ("geocr:coordinateReferenceSystem", "geocr:spatialResolution", "spatialCoverage"):
            if not doc.get(key):
                yield f"conformsTo names GeoCroissant, but there is no `{key}`"


def croissant_files(published, croissant):
    described = set()
    for d in croissant.of_type("cr:FileObject"):
        if d.get("encodingFormat") == "git+https":
            continue
        path = croissant.file(d)
        if not path.is_file():
            yield f"{d['@id']}: no such file"
            continue
        described.add(path.relative_to(published.folder).as_posix())
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if d.get("sha256") != digest:
            yield f"{d['@id']}: sha256 is told as {d.get('sha256')}, but is {digest}"
        if d.get("contentSize") != f"{path.stat().st_size} B":
            yield f"{d['@id']}: contentSize is told as {d.get('contentSize')!r}, but is '{path.stat().st_size} B'"
    yield from (f"{f}: no FileObject describes it" for f in published.parquet if f not in described)


def croissant_splits(published, croissant):
    sets = [r for r in croissant.record_sets.values() if "cr:Split" in as_list(r.get("dataType"))]
    if len(sets) != 1:
        yield f"{len(sets)} record sets of dataType cr:Split, not one"
        return
    told = {}
    for row in sets[0].get("data", []):
        values = {k.rsplit("/", 1)[-1]: v for k, v in row.items()}
        told[values.get("name")] = values.get("url")
    for split in sorted({s for splits in published.configs.values() for s in splits}):
        if split not in told:
            yield f"record set {sets[0]['@id']}: no split {split}"
        elif told[split] != SPLIT_CLASSES.get(split, told[split]):
            yield f"record set {sets[0]['@id']}: {split} is {told[split]}, not {SPLIT_CLASSES[split]}"


def croissant_config(published, croissant, config):
    """The record set of a config has the config's files, splits and columns."""
    record_set = croissant.record_sets.get(config)
    if record_set is None:
        yield f"no record set {config}, but a config of that name"
        return
    fields = {f["@id"].rsplit("/", 1)[-1]: f for f in record_set["field"]}
    sources = {f["source"]["fileSet"]["@id"] for f in fields.values()}
    if len(sources) != 1:
        yield f"record set {config}: {len(sources)} file sets, not one"
        return
    files = croissant.file_set(sources.pop())
    _, regex = croissant.split_field(config)
    if regex is None:
        yield f"record set {config}: no field takes the split from the file's path"
        return
    found = {}
    for file in files:
        match = regex.match(file)
        found.setdefault(next((g for g in match.groups() if g), None) if match else None, []).append(file)
    if found != published.configs[config]:
        yield f"record set {config}: files are {found}, the card's are {published.configs[config]}"
    for file in files:
        yield from (f"record set {config}: no field for column {c}" for c in published.schema(file).names if c not in fields)
    for column, field in fields.items():
        kinds = as_list(field["dataType"])
        if column in ("map_image", "sat_image", "mask_label") and "sc:ImageObject" not in kinds:
            yield f"record set {config}: {column} is {kinds}, without sc:ImageObject"
        if column == "mask_label" and "cr:SegmentationMask" not in kinds:
            yield f"record set {config}: {column} is {kinds}, without cr:SegmentationMask"


def check_record_set(published, croissant, name):
    fields = croissant.record_sets[name].get("field", [])
    split_id, regex = croissant.split_field(name)
    if split_id is None:
        first = next(iter(croissant.load().records(name)), None)
        insist(["no record"] if first is None else [f"no value of {f['@id']}" for f in fields if f["@id"] not in first])
        return f"{len(fields)} fields; first {' '.join(str(plain(v)) for v in list(first.values())[:2])}"
    line = []
    for split, files in published.configs.get(name, {}).items():
        files = [f for f in files if pq.read_metadata(published.folder / f).num_rows]
        if not files:
            line.append(f"{split} empty")
            continue
        # Filtered, mlcroissant reads file by file; without, the whole record set into memory.
        record = next(iter(croissant.load().records(name, filters={split_id: split})), None)
        insist([f"{split}: no record"] if record is None else [])
        insist(record_fits(published, split, files[0], {k.rsplit("/", 1)[-1]: v for k, v in record.items()}))
        line.append(f"{split} {plain(record[f'{name}/id'])}")
    return f"{len(fields)} fields; first {', '.join(line)}"


def plain(value):
    """mlcroissant gives texts as bytes."""
    return value.decode() if isinstance(value, bytes) else value


def record_fits(published, split, file, record):
    columns = published.flat(file)
    batches = pq.ParquetFile(published.folder / file).iter_batches(batch_size=1, columns=columns)
    row = next(batches).to_pylist()[0]
    for column in columns:
        if plain(record.get(column)) != row[column]:
            yield f"{split}: {column} is {record.get(column)!r}, {file} has {row[column]!r}"
    for column in ("map_image", "sat_image", "mask_label"):
        yield from image_fits(f"{split}: {column}", record.get(column), row)


# --------------------------------------------------------------------------------------------------------------- the index


def check_index_geopandas(published):
    path = published.folder / INDEX
    keys = pq.read_schema(path).metadata or {}
    insist([f"no `geo` among the file's keys {sorted(k.decode() for k in keys)}"] if b"geo" not in keys else [])
    geo = json.loads(keys[b"geo"])
    table = geopandas.read_parquet(path)
    placed = table[~table.geometry.isna()]
    insist(index_geometry(geo, table, placed))
    box = "no coordinates" if placed.empty else " ".join(f"{v:g}" for v in placed.total_bounds)
    return f"GeoParquet {geo['version']}, {table.crs.to_string()}; {len(placed)} of {len(table)} rows placed: {box}"


def index_geometry(geo, table, placed):
    if geo["version"] != "1.1.0" or geo["primary_column"] != "geometry":
        yield f"geo metadata: version {geo['version']}, primary column {geo['primary_column']}"
    if table.crs != "OGC:CRS84":
        yield f"coordinate reference system is {table.crs}, not OGC:CRS84"
    if (table[BOUNDS].isna().any(axis=1) != table.geometry.isna()).any():
        yield "geometry and bounds are not null together"
    if placed.empty:
        return
    wrong = placed[(placed.geometry.bounds.to_numpy() != placed[BOUNDS].to_numpy(dtype=float)).any(axis=1)]
    yield from (f"{i}: geometry is not the box of west, south, east, north" for i in wrong["id"][:5])
    invalid = placed[~placed.geometry.is_valid | (placed.geometry.geom_type != "Polygon")]
    yield from (f"{i}: geometry is no valid polygon" for i in invalid["id"][:5])
    told_box, box = geo["columns"]["geometry"].get("bbox"), [float(v) for v in placed.total_bounds]
    if told_box != box:
        yield f"geo metadata: bbox is {told_box}, but the geometries' is {box}"


def check_index_duckdb(published):
    with duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}) as db:
        index, data = str(published.folder / INDEX), [str(published.folder / f) for f in published.data]
        query = "SELECT count(*), count(geometry), count(west), any_value(typeof(geometry)) FROM read_parquet(?)"
        rows, geometries, bounds, kind = db.execute(query, [index]).fetchone()
        real = db.execute("SELECT count(*) FROM read_parquet(?, union_by_name = true)", [data]).fetchone()[0]
        wide = db.execute("SELECT count(*) FROM read_parquet(?) WHERE east < west OR north < south", [index]).fetchone()[0]
    insist([f"{rows} rows, the files have {real}"] if rows != real else [])
    insist([f"{geometries} geometries, but {bounds} bounds"] if geometries != bounds else [])
    insist([f"{wide} rows with east < west or north < south"] if wide else [])
    return f"{rows} rows, {geometries} geometries read as {kind}, without the spatial extension"


def check_index_validator(published):
    report = geoparquet_validator.check(str(published.folder / INDEX))
    classes = ("core", "covering")  # distribution wants statistics, which an index without coordinates has not
    insist(
        f"{o['id']}: {o['message']}"
        for o in report["outcomes"]
        if o["status"] == "fail" and o["id"].split("/")[2] in classes
    )
    passed = Counter(o["id"].split("/")[2] for o in report["outcomes"] if o["status"] == "pass")
    return ", ".join(f"{c} {passed[c]} passed" for c in passed)


def check_index_rows(published):
    wanted = sorted({c for f in published.data for c in published.flat(f)})
    insist(index_columns(published, wanted))
    with_file = "file" in published.flat(INDEX) and "file" not in wanted
    columns = wanted + ["file"] * with_file
    real = Counter()
    for file in published.data:
        for row in published.rows(file, published.flat(file)):
            real[tuple([row.get(c) for c in wanted] + [file] * with_file)] += 1
    indexed = Counter(tuple(row[c] for c in columns) for row in published.rows(INDEX, columns))
    insist(index_differences(columns, real, indexed))
    return f"{indexed.total()} rows, {len(columns)} columns: equal to the files'"


def index_columns(published, wanted):
    index = published.schema(INDEX)
    for column in wanted:
        if column not in index.names:
            yield f"no column {column}"
            continue
        for file in published.data:
            schema = published.schema(file)
            if column in schema.names and schema.field(column).type != index.field(column).type:
                yield f"column {column} is {index.field(column).type}, in {file} {schema.field(column).type}"


def index_differences(columns, real, indexed):
    """At most five rows that differ, by id, with the columns that do."""
    same = [columns.index(c) for c in ("id", "split", "style", "file") if c in columns]
    missing, extra = real - indexed, indexed - real
    partners = {tuple(row[i] for i in same): row for row in extra}
    for row in list(missing)[:5]:
        key = " ".join(str(row[i]) for i in same)
        if partner := partners.pop(tuple(row[i] for i in same), None):
            differ = {c: (a, b) for c, a, b in zip(columns, row, partner) if a != b}
            yield f"{key}: differs (file, index): {differ or 'in how often it is there'}"
        else:
            yield f"{key}: in the files, not in the index"
    for key in list(partners)[:5]:
        yield f"{' '.join(map(str, key))}: in the index, not in the files"
    if (count := missing.total() + extra.total()) > 5:
        yield f"{count} rows differ in all"


# ------------------------------------------------------------------------------------------------------------------- all


def run(name, check, *args):
    """Prints a check's line; -> whether it passed."""
    findings = []
    try:
        line = check(*args)
    except Wrong as wrong:
        line, findings = f"{len(wrong.args)} wrong", wrong.args
    except Exception as error:  # a tool that cannot read the folder is a finding, whatever it raises
        line, findings = "cannot be read", list(told(error))
    print(f"{'FAILED' if findings else 'ok':7}{name:25}{line}")
    for finding in findings:
        print(f"       - {' '.join(finding.split())[:500]}")
    return not findings


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    published = Published(parser.parse_args().folder.resolve())
    datasets.disable_progress_bars()
    datasets.logging.set_verbosity(logging.CRITICAL)
    absl_logging.set_verbosity(absl_logging.WARNING)
    absl_logging.set_stderrthreshold("fatal")
    logging.getLogger().addHandler(logging.NullHandler())
    passed = [run("card", check_card, published)]
    try:
        configs = list(published.configs)
    except Exception:  # told with the card already
        configs = []
    passed += [run(f"config {c}", check_config, published, c) for c in configs]
    croissant = Croissant(published)
    passed.append(run("croissant", check_croissant, published, croissant))
    try:
        sets = list(croissant.record_sets)
    except Exception:  # told with croissant already
        sets = []
    passed += [run(f"record set {s}", check_record_set, published, croissant, s) for s in sets]
    passed.append(run("index geopandas", check_index_geopandas, published))
    passed.append(run("index duckdb", check_index_duckdb, published))
    passed.append(run("index validator", check_index_validator, published))
    passed.append(run("index rows", check_index_rows, published))
    print(f"{passed.count(True)} passed, {passed.count(False)} failed")
    sys.exit(not all(passed))


if __name__ == "__main__":
    main()
