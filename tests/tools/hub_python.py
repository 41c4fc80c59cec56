#!/usr/bin/env python3
"""What the program puts into the Hugging Face cache is found by `huggingface_hub`, and the other way round.

    tests/tools/hub_python.py PROGRAM

Needs the package `huggingface_hub`, and the example `fake-hub` beside the program
(`cargo build --example fake-hub`). Nothing leaves this machine.
"""

import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

NAME = "tiny/lumina"
WANTED = [
    "config.json",
    "lumina.json",
    "model-00001-of-00002.safetensors",
    "model-00002-of-00002.safetensors",
    "model.safetensors.index.json",
    "tokenizer.json",
]

OFFLINE = """
import json, sys
from huggingface_hub import hf_hub_download, scan_cache_dir, snapshot_download, try_to_load_from_cache
name, wanted = sys.argv[1], sys.argv[2:]
folder = snapshot_download(name, local_files_only=True)
for file in wanted:
    path = hf_hub_download(name, file)
    assert path == try_to_load_from_cache(name, file), file
    assert path.startswith(folder), (path, folder)
cache = scan_cache_dir()
assert not cache.warnings, cache.warnings
(repo,) = cache.repos
(revision,) = repo.revisions
assert repo.repo_id == name and "main" in revision.refs, (repo, revision)
assert {file.file_name for file in revision.files} == set(wanted), revision.files
print(json.dumps({"folder": folder, "bytes": repo.size_on_disk}))
"""

ONLINE = """
import sys
from huggingface_hub import snapshot_download
print(snapshot_download(sys.argv[1], allow_patterns=sys.argv[2:]))
"""


def make(folder):
    """A small checkpoint of true layout; no part of it draws."""
    folder.mkdir()
    make = random.Random(7)
    shards = WANTED[2:4]
    (folder / "README.md").write_text("# A model\n")
    (folder / "config.json").write_text('{"vocabulary_map": {"<MOVQGAN00000>": 7}}')
    (folder / "lumina.json").write_text('{"name": "tiny"}')
    (folder / "tokenizer.json").write_text("{}")
    (folder / WANTED[4]).write_text(json.dumps({"weight_map": {"a": shards[0], "b": shards[1]}}))
    for shard in shards:
        (folder / shard).write_bytes(make.randbytes(300_000))


def sums(folder):
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in WANTED}


def main():
    program = Path(sys.argv[1]).resolve()
    server = program.parent / "examples" / "fake-hub"
    try:
        import huggingface_hub
    except ImportError:
        print("hub_python: skipped, the package huggingface_hub is missing")
        return
    if not server.exists():
        sys.exit(f"hub_python: {server} is missing: cargo build --example fake-hub")
    with tempfile.TemporaryDirectory() as place:
        place = Path(place)
        make(place / "source")
        hub = subprocess.Popen(
            [server, "0", NAME, place / "source"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            check(program, place, hub.stdout.readline().strip())
        finally:
            hub.stdin.close()
            hub.wait()
    print(f"hub_python: all held with huggingface_hub {huggingface_hub.__version__}")


def check(program, place, endpoint):
    proxies = ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "HF_TOKEN"]
    clean = {key: value for key, value in os.environ.items() if key.upper() not in proxies}

    def run(command, cache, **more):
        env = clean | {"HF_ENDPOINT": endpoint, "HF_HUB_CACHE": str(place / cache), "HF_HOME": str(place / "home")}
        done = subprocess.run(command, env=env | more, capture_output=True, text=True)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def python(code, cache, **more):
        return run([sys.executable, "-c", code, NAME, *WANTED], cache, **more)

    source = sums(place / "source")
    # What the program fetched, Python finds without a network.
    folder = Path(run([program, "models", "get", NAME], "ours").strip())
    found = json.loads(python(OFFLINE, "ours", HF_HUB_OFFLINE="1"))
    assert Path(found["folder"]) == folder, (found, folder)
    assert sums(Path(found["folder"])) == source
    # And with one it fetches nothing again: the same files stay.
    dates = {path: path.stat().st_mtime_ns for path in (folder.parents[1] / "blobs").iterdir()}
    assert Path(python(ONLINE, "ours").strip()) == folder
    after = {path: path.stat().st_mtime_ns for path in (folder.parents[1] / "blobs").iterdir()}
    assert dates == after, "Python fetched what was there"
    print("what the program puts there, Python finds")

    # What Python fetched, the program finds.
    folder = Path(python(ONLINE, "theirs").strip())
    lines = [json.loads(line) for line in run([program, "models", "list", "--json"], "theirs").splitlines()]
    (line,) = [line for line in lines if line["repository"] == NAME]
    assert line["whole"] and Path(line["folder"]) == folder, line
    assert "6 files are right" in run([program, "models", "verify", NAME], "theirs")
    got = run([program, "models", "get", NAME], "theirs", HF_HUB_OFFLINE="1")
    assert Path(got.strip()) == folder, got
    assert Path(run([program, "models", "get", NAME], "theirs").strip()) == folder
    assert sums(folder) == source
    print("what Python puts there, the program finds")


if __name__ == "__main__":
    main()
