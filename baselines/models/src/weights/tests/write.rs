//! Writers of files, right and wrong ones.

use ::safetensors::Dtype;
use ::safetensors::tensor::TensorView;

use super::f32s;

/// A `.safetensors` file.
pub(super) fn safetensors(tensors: &[(&str, Dtype, &[usize], &[u8])]) -> Vec<u8> {
    let views = tensors
        .iter()
        .map(|(key, dtype, shape, bytes)| (*key, TensorView::new(*dtype, shape.to_vec(), bytes).unwrap()));
    ::safetensors::serialize(views, None).unwrap()
}

/// A `.safetensors` file of 32-bit floats in rows of one.
pub(super) fn rows(tensors: &[(&str, &[f32])]) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> = tensors.iter().map(|(_, v)| f32s(v)).collect();
    let shapes: Vec<[usize; 2]> = tensors.iter().map(|(_, v)| [v.len(), 1]).collect();
    let parts: Vec<_> =
        tensors.iter().enumerate().map(|(i, (key, _))| (*key, Dtype::F32, &shapes[i][..], &bytes[i][..])).collect();
    safetensors(&parts)
}

/// A header as it stands, and data.
pub(super) fn headed(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
}

/// A zip file's entry.
#[derive(Clone)]
pub(super) struct Item<'a> {
    pub(super) name: &'a str,
    pub(super) data: Vec<u8>,
    pub(super) method: u16,
    pub(super) flags: u16,
    /// What the directory says of the size, where that is not the truth.
    pub(super) told: Option<u64>,
}

pub(super) fn item<'a>(name: &'a str, data: &[u8]) -> Item<'a> {
    Item { name, data: data.to_vec(), method: 0, flags: 0, told: None }
}

/// A zip file; `wide` with all numbers in the places for large ones.
pub(super) fn zip(items: &[Item<'_>], wide: bool) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for item in items {
        let at = out.len() as u64;
        let length = (item.name.len() as u16).to_le_bytes();
        // Padding in the header, as PyTorch's own have it.
        out.extend([b"PK\x03\x04".as_slice(), &[0; 22], &length, &8_u16.to_le_bytes(), item.name.as_bytes()].concat());
        out.extend(*b"FB\x04\0ZZZZ");
        out.extend(&item.data);
        let size = item.told.unwrap_or(item.data.len() as u64);
        let large = wide || size > u64::from(u32::MAX);
        let extra: Vec<u8> = if large {
            [b"\x01\0\x18\0".as_slice(), &size.to_le_bytes(), &size.to_le_bytes(), &at.to_le_bytes()].concat()
        } else {
            Vec::new()
        };
        let narrow = |v: u64| if large { [0xff; 4] } else { (v as u32).to_le_bytes() };
        directory.extend(b"PK\x01\x02\0\0\0\0");
        directory.extend([item.flags.to_le_bytes(), item.method.to_le_bytes()].concat());
        directory.extend([[0; 4], [0; 4], narrow(size), narrow(size)].concat());
        directory.extend([length, (extra.len() as u16).to_le_bytes()].concat());
        directory.extend([0; 10]);
        directory.extend([&narrow(at), item.name.as_bytes(), &extra].concat());
    }
    let (start, size, count) = (out.len() as u64, directory.len() as u64, items.len() as u64);
    out.extend(directory);
    let end64 = out.len() as u64;
    if wide {
        out.extend([b"PK\x06\x06".as_slice(), &44_u64.to_le_bytes(), &[0; 12]].concat());
        out.extend([count, count, size, start].map(u64::to_le_bytes).concat());
        out.extend([b"PK\x06\x07".as_slice(), &[0; 4], &end64.to_le_bytes(), &1_u32.to_le_bytes()].concat());
    }
    let narrow = |v: u64| if wide { [0xff; 4] } else { (v as u32).to_le_bytes() };
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([&narrow(count)[..2], &narrow(count)[..2], &narrow(size), &narrow(start), &[0, 0]].concat());
    out
}

/// A checkpoint of a pickle and storages of 32-bit floats.
pub(super) fn checkpoint(pickle: &Pickle, storages: &[(&str, &[f32])]) -> Vec<u8> {
    let names: Vec<String> = storages.iter().map(|(key, _)| format!("archive/data/{key}")).collect();
    let mut items = vec![item("archive/data.pkl", &pickle.done())];
    items.extend(names.iter().zip(storages).map(|(name, (_, values))| item(name, &f32s(values))));
    zip(&items, false)
}

/// A pickle being written, instruction by instruction.
#[derive(Clone)]
pub(super) struct Pickle(pub(super) Vec<u8>);

impl Pickle {
    pub(super) fn new() -> Self {
        Self(b"\x80\x02".to_vec())
    }

    /// The pickle to its end.
    pub(super) fn done(&self) -> Vec<u8> {
        [&self.0[..], b"."].concat()
    }

    /// Instructions as they stand.
    pub(super) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    pub(super) fn text(self, text: &str) -> Self {
        self.raw(b"X").raw(&(text.len() as u32).to_le_bytes()).raw(text.as_bytes())
    }

    pub(super) fn int(self, value: i64) -> Self {
        self.raw(&[0x8a, 8]).raw(&value.to_le_bytes())
    }

    pub(super) fn global(self, module: &str, name: &str) -> Self {
        self.raw(format!("c{module}\n{name}\n").as_bytes())
    }

    pub(super) fn ints(self, values: &[i64]) -> Self {
        values.iter().fold(self.raw(b"("), |p, v| p.int(*v)).raw(b"t")
    }

    /// The storage of that key, of `count` elements.
    pub(super) fn storage(self, class: &str, key: &str, count: i64) -> Self {
        self.raw(b"(").text("storage").global("torch", class).text(key).text("cpu").int(count).raw(b"tQ")
    }

    /// A tensor of 32-bit floats of the storage `0`, that has `count`.
    pub(super) fn tensor(self, count: i64, offset: i64, shape: &[i64], stride: &[i64]) -> Self {
        let p = self.global("torch._utils", "_rebuild_tensor_v2").raw(b"(").storage("FloatStorage", "0", count);
        p.int(offset).ints(shape).ints(stride).raw(b"\x89").global("collections", "OrderedDict").raw(b")RtR")
    }
}
