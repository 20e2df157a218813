#!/usr/bin/env python3
"""The report of a small sweep: strictly well-formed, with every section, labelled plots, nothing from the network, clear
refusals; and, where Chromium is there, a page that does not scroll sideways on a phone."""
import pathlib
import re
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as xml

import tiny

VARY = ("--vary", "stages.sft.learning_rate=1e-3,3e-3", "--vary", "stages.sft.steps=10,15", "--seeds", "1..2")


def make_sweep(folder):
    experiment = tiny.write_experiment(folder)
    text = experiment.read_text().replace("steps: 60", "steps: 15").replace("documents: 20", "documents: 5")
    experiment.write_text(text.replace("items: 40", "items: 12"))
    tiny.temper("sweep", experiment, *VARY, "--jobs", "2", "--out", folder, "--name", "both")
    return folder / "both"


def check_page(page, sections):
    text = page.read_text(encoding="utf-8")
    root = xml.fromstring(text.replace("<!DOCTYPE html>", "", 1))
    assert [section.get("id") for section in root.iter("section")] == sections, text[:2000]
    levels = [int(node.tag[1]) for node in root.iter() if re.fullmatch(r"h[1-6]", node.tag)]
    assert levels[0] == 1 and all(b <= a + 1 for a, b in zip(levels, levels[1:])), levels
    plots = list(root.iter("svg"))
    assert plots and all(plot.get("role") == "img" and len(plot.get("aria-label")) > 20 for plot in plots)
    for table in root.iter("table"):
        assert table.find("caption").text, "a table without a caption"
        assert all(head.get("scope") in ("row", "col") for head in table.iter("th"))
        widths = {len(list(row)) for row in table.iter("tr")}
        assert len(widths) == 1, f"rows of different lengths: {widths}"
    for node in root.iter():
        assert node.tag not in ("script", "link", "img", "iframe"), node.tag
        for name, value in node.attrib.items():
            assert name not in ("href", "src") or value.startswith("#"), f"{name}={value}"
    ids = {node.get("id") for node in root.iter()}
    assert all(link.get("href")[1:] in ids for link in root.iter("a"))
    return text


def check_refusals(sweep, page, folder):
    for args, code, words in (((sweep, "-o", page), 2, "--force"),
                              ((folder / "nowhere.h5", "-o", folder / "n.html"), 3, "does not exist"),
                              ((sweep, "-o", folder / "n.html", "--metric", "nothing"), 2, "there are: "),
                              ((sweep, "-o", folder / "n.html", "--baseline", "nothing"), 2, "no such column"),
                              ((sweep, "-o", folder / "no/folder/n.html"), 3, "create it first"),
                              ((sweep, "-o", folder), 2, "is a folder"),
                              (("-o", folder / "n.html"), 2, "usage")):
        done = tiny.temper("report", *args, check=False)
        assert done.returncode == code and words in done.stderr, (args, done.returncode, done.stderr)
        assert done.stderr.count("\n") == 1, done.stderr
    assert not (folder / "n.html").exists()


def check_in_browser(page):
    """The page's own width has to fit a phone: what is wider scrolls in a box of its own."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if not browser:
        return "SKIPPED: chromium is not there, so the page was not laid out"
    probe = page.with_name("probe.html")
    frame = '<iframe id="f" src="report.html" style="width:390px;height:800px"></iframe><p id="out">?</p><script>f.onload='\
            'function(){var d=f.contentDocument.documentElement;out.textContent="width "+d.scrollWidth}</script>'
    probe.write_text(frame)
    done = subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files",
                           "--virtual-time-budget=4000", "--dump-dom", probe.as_uri()], capture_output=True, text=True,
                          timeout=60)
    width = re.search(r"width (\d+)", done.stdout)
    assert width, done.stdout[-500:] + done.stderr[-500:]
    assert int(width.group(1)) <= 390, f"the page is {width.group(1)} wide on a phone of 390"
    return "laid out for a phone"


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        sweep = make_sweep(folder)
        page = folder / "report.html"
        tiny.temper("report", sweep, "-o", page)
        sections = ["summary", "comparison", "curves", "sweep", "changes", "environment"]
        text = check_page(page, sections)
        for words in ("8 runs of experiment tiny: 8 complete", "Best by instruction_following.prompt_strict",
                      "3 other cells that share this stage", "rows stages.sft.learning_rate, columns stages.sft.steps",
                      "--set stages.sft.steps=15", "Alignment tax", "Items that changed"):
            assert words in text, words
        check_refusals(sweep, page, folder)
        tiny.temper("report", sweep, "-o", page, "--force", "--metric", "bits_per_byte")
        assert "Best by perplexity.bits_per_byte (lower is better)" in check_page(page, sections)
        words = check_in_browser(page)
        # Without the plan these are just runs; their stages are compared.
        record = sorted(sweep.glob("*.h5"))[0]
        tiny.temper("report", record, "-o", page, "--force")
        text = check_page(page, [section for section in sections if section != "sweep"])
        assert f"Run {record.stem}" in text and "after pretrain" in text
        # The command that the report gives does make the run again.
        command = re.search(r"temper (run [^<]*--seed \d+)</code>", text).group(1).split()
        tiny.temper(*command, "--dry-run")
        # A damaged record in a sweep is left out and said; named itself, it is an error.
        record.write_bytes(record.read_bytes()[:1000])
        tiny.temper("report", sweep, "-o", page, "--force")
        assert "is left out: " in check_page(page, sections)
        assert tiny.temper("report", record, "-o", page, "--force", check=False).returncode == 3
        print(f"the page holds what it should; {words}")


main()
