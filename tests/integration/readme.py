#!/usr/bin/env python3
"""Every command of the README works: its shell blocks are run as they stand, in order, on the quickstart experiment with
fewer steps. The two scripts are only checked to be there and to parse: test.sh runs this test, and quickstart.sh is run by
its own. Every plugin has a README, with the table of parameters that the program prints."""
import json
import os
import pathlib
import re
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TEMPER_BUILD_DIR", ROOT / "build/release"))


def shorter(text):
    text = re.sub(r"steps: \d+", "steps: 6", text)
    text = re.sub(r"(warmup_steps|checkpoint_every|validate_every): \d+", r"\1: 3", text)
    text = re.sub(r"batch_size: \d+", "batch_size: 2", text)
    text = re.sub(r"documents: \d+", "documents: 5", text)
    text = text.replace("../.deps", str(ROOT / ".deps")).replace("*.txt", "sonnets_gut.txt")
    return text.replace("max_new_tokens: 80", "max_new_tokens: 4").replace("townsfolk: {}", "townsfolk: {people: 40, rows: 200, items: 20}")


def check_plugin_pages():
    def temper(*args):
        return subprocess.run([BUILD / "temper", "plugins", *args], text=True, capture_output=True, check=True).stdout

    pages = 0
    for plugin in json.loads(temper("list", "--format", "json"))["plugins"]:
        kind, name = plugin["kind"], plugin["id"]
        page = ROOT / "plugins" / f"{kind}s" / name / "README.md"
        assert page.is_file(), f"{page} is missing"
        table = "".join(re.findall(r"^\|.*\n", temper("describe", name, "--kind", kind), re.M))
        assert table in page.read_text(), f"{page} has another table of parameters than `temper plugins describe {name}`"
        pages += 1
    assert pages > 30, pages


def main():
    check_plugin_pages()
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    assert len(blocks) >= 4, "the README has lost its commands"
    scripts = re.findall(r"^(scripts/\S+)", blocks[0], re.M)
    assert scripts == ["scripts/quickstart.sh", "scripts/test.sh"], scripts
    for script in scripts:
        assert os.access(ROOT / script, os.X_OK), script
        subprocess.run(["bash", "-n", ROOT / script], check=True)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "experiments").mkdir()
        (folder / "experiments/quickstart.yaml").write_text(shorter((ROOT / "experiments/quickstart.yaml").read_text()))
        (folder / "build").mkdir()
        (folder / "build/release").symlink_to(BUILD)
        (folder / ".deps").symlink_to(ROOT / ".deps")
        for block in blocks[1:]:
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=folder, text=True, capture_output=True)
            # `head` closes the pipe on h5dump; that is the reader's choice, not a failure.
            assert done.returncode in (0, 141), f"{block}\nended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    print(f"{len(blocks) - 1} blocks of commands ran")


main()
