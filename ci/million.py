"""A run of very many records, made from a real one, to see what a report of it costs.

    python ci/million.py RUN OUT [RECORDS]

Copies the records of RUN under new ids and scenes until there are RECORDS (1,000,000), each line sealed anew as docs/runs.md
says. Nothing but Python 3.
"""

import hashlib
import json
import sys
from pathlib import Path


def sealed(body):
    body = body.encode()
    return body + b',"sum":"' + hashlib.sha256(body).hexdigest()[:16].encode() + b'"}\n'


def main():
    run, out, total = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1_000_000
    records = [json.loads(line) for log in sorted((run / "records").glob("*.jsonl")) for line in log.open()]
    (out / "records").mkdir(parents=True)
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["data"]["samples"] = total
    (out / "manifest.json").write_text(json.dumps(manifest, indent=2))
    templates = []
    for record in records:
        record.pop("sum")
        # Compact, as the log itself is; id and scene are put in below.
        text = json.dumps({**record, "id": "@ID@", "scene": "@SCENE@"}, separators=(",", ":"), ensure_ascii=False)
        templates.append((text[:-1], record["id"].split("_")[0], record["scene"]))
    with (out / "samples.jsonl").open("wb") as samples, (out / "records" / "shard-1-of-1.jsonl").open("wb") as log:
        for i in range(total):
            text, level, scene = templates[i % len(templates)]
            name = f"{level}_{i:07}"
            samples.write(sealed(json.dumps({"id": name, "inputs": "0" * 16}, separators=(",", ":"))[:-1]))
            log.write(sealed(text.replace("@ID@", name).replace("@SCENE@", f"{scene} {i // len(templates)}")))


main()
