//! Server-sent events: the data of each, out of bytes that come in any pieces.

/// What has come and is not told yet.
#[derive(Debug, Default)]
pub(crate) struct Events {
    /// An unfinished line.
    line: Vec<u8>,
    /// The data of an unfinished event.
    data: Option<Vec<u8>>,
}

impl Events {
    /// Takes bytes and tells the events that they end.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut events = Vec::new();
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|b| *b == b'\n') {
            self.line.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            events.extend(self.end_line());
        }
        self.line.extend_from_slice(rest);
        events
    }

    /// The event that was left without an end; servers forget the last empty line.
    pub(crate) fn finish(mut self) -> Option<Vec<u8>> {
        self.end_line().or(self.data)
    }

    fn end_line(&mut self) -> Option<Vec<u8>> {
        let mut line = std::mem::take(&mut self.line);
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        if line.is_empty() {
            return self.data.take();
        }
        // Comments, which keep connections open, and names of events say nothing.
        if let Some(data) = line.strip_prefix(b"data:") {
            let data = data.strip_prefix(b" ").unwrap_or(data);
            match &mut self.data {
                Some(before) => {
                    before.push(b'\n');
                    before.extend_from_slice(data);
                }
                None => self.data = Some(data.to_vec()),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::Events;

    const STREAM: &str =
        ": hello\r\n\r\ndata: {\"a\":\"é\"}\r\n\r\nevent: x\ndata:two\ndata: lines\n\n\n\nid: 3\n\ndata: [DONE]";

    fn told(pieces: impl Iterator<Item = Vec<u8>>) -> Vec<String> {
        let mut events = Events::default();
        let mut all: Vec<Vec<u8>> = pieces.flat_map(|p| events.push(&p)).collect();
        all.extend(events.finish());
        all.into_iter().map(|e| String::from_utf8(e).unwrap()).collect()
    }

    #[test]
    fn pieces_do_not_matter() {
        for size in 1..=STREAM.len() {
            let found = told(STREAM.as_bytes().chunks(size).map(<[u8]>::to_vec));
            assert_eq!(found, ["{\"a\":\"é\"}", "two\nlines", "[DONE]"], "in pieces of {size}");
        }
    }

    #[test]
    fn nothing_is_no_event() {
        assert_eq!(told([].into_iter()), Vec::<String>::new());
        assert_eq!(told([b"\n\n: x\n\n".to_vec()].into_iter()), Vec::<String>::new());
    }
}
