"""Validate JUnit files against the Jenkins xUnit plugin's junit-10.xsd, as pytest's source package carries it."""
import hashlib, pathlib, subprocess, sys, tarfile, tempfile
from lxml import etree

PACKAGE, MEMBER = "pytest==9.2.0", "pytest-9.2.0/testing/example_scripts/junit-10.xsd"
SHA256 = "a1a816f58d1bf95ebabf371994df0b9246dee66ea9572fbec4f9296f1b2c0ff6"

def schema(cache=pathlib.Path("target/ci/junit-10.xsd")):
    if not cache.exists():
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "pytest",
                            "--dest", folder, PACKAGE], check=True)
            (archive,) = pathlib.Path(folder).glob("*.tar.gz")
            with tarfile.open(archive) as tar:
                text = tar.extractfile(MEMBER).read()
        cache.parent.mkdir(parents=True, exist_ok=True)
        cache.write_bytes(text)
    assert hashlib.sha256(cache.read_bytes()).hexdigest() == SHA256, "another junit-10.xsd"
    return etree.XMLSchema(etree.parse(str(cache)))

def main(files):
    xsd, bad = schema(), 0
    for file in files:
        tree = etree.parse(file)
        if not xsd.validate(tree):
            bad += 1
            for error in xsd.error_log:
                print(f"{file}:{error.line}: {error.message}")
        # Counts are no business of a schema.
        for suite in tree.iter("testsuite"):
            found = {n: len(suite.findall(f"testcase/{t}")) for n, t in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))}
            found["tests"] = len(suite.findall("testcase"))
            for name, count in found.items():
                if int(suite.get(name, 0)) != count:
                    bad += 1
                    print(f"{file}:{suite.sourceline}: {name}={suite.get(name)}, but {count} are there")
    print(f"{len(files)} files, {bad} problems")
    return bad != 0

sys.exit(main(sys.argv[1:]))
