"""A real model through import and export: SmolLM2-135M-Instruct as GGUF (scripts/setup.sh fetches it). Token
ids and the next token are those of transformers 5.24 reading the same file; bits are checked by re-importing the export."""
import json
import os
import pathlib
import sys
import tempfile

from tiny import temper

MODELS = pathlib.Path(os.environ.get("TEMPER_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2])) / ".deps/models"
found = sorted(MODELS.glob("SmolLM2-135M-Instruct*.gguf"))
if not found:
    print(f"SKIPPED: no SmolLM2-135M-Instruct*.gguf in {MODELS}; scripts/setup.sh fetches it")
    sys.exit(77)
REFERENCE = pathlib.Path(__file__).resolve().parents[1] / "reference/smollm2/smollm2_reference.json"


def expect(good, what):
    if not good:
        raise SystemExit(f"FAILED: {what}")


def check_reference(model, folder):
    """Logits, rendered conversations and greedy answers are transformers' (tests/reference/smollm2)."""
    for case in json.loads(REFERENCE.read_text()):
        ids, messages = case["ids"], case["messages"]
        told = temper("tokenize", model, case["text"], "--special", "--format", "json", cwd=folder).stdout
        expect(json.loads(told)["ids"] == ids, f"token ids of {case['text']!r}")
        told = temper("logits", model, "--ids", ",".join(map(str, ids)), "--format", "json", cwd=folder).stdout
        logits = json.loads(told)["logits"]
        worst = max(abs(logits[position][token] - value) for position, row in zip(case["positions"], case["logits"])
                    for token, value in zip(case["shown"], row))
        expect(worst < 1e-4, f"logits differ by {worst}")
        if any(message["role"] == "assistant" for message in messages):
            continue
        system = [part for message in messages if message["role"] == "system" for part in ("--system", message["content"])]
        told = temper("generate", model, "--prompt", messages[-1]["content"], *system, "--max-new-tokens", 64,
                      "--format", "json", cwd=folder).stdout
        answer = json.loads(told)
        expect(answer["prompt"] == case["text"], f"the prompt is {answer['prompt']!r}")
        # transformers was told to go on behind the end token.
        expect(answer["ids"] == case["greedy"][:len(answer["ids"])], f"the greedy answer is {answer['text']!r}")
        expect(len(answer["ids"]) == 64 or answer["stopped_by"] == "eos", f"the answer ended by {answer['stopped_by']}")


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    # A relative target, as a person would type it.
    told = temper("import", found[0], "smol", "--quiet", cwd=folder).stdout
    expect("architecture llama, 134.5 M parameters, vocabulary 49152" in told, told)
    expect("prompt template chatml" in told, told)
    again = temper("import", found[0], "smol", "--quiet", cwd=folder, check=False)
    expect(again.returncode == 2 and "--force" in again.stderr, "an existing folder is refused with exit code 2")

    text = "Hello world, it's 2026!\n\n  näh 안녕"
    tokens = json.loads(temper("tokenize", "smol", text, "--format", "json", cwd=folder).stdout)
    expect(tokens["text"] == text, "tokens give the text back")
    expect(tokens["ids"] == [19556, 905, 28, 357, 506, 216, 34, 32, 34, 38, 17, 8866, 304, 9023, 88, 18601, 239,
                             226, 182, 223, 239], f"token ids {tokens['ids']}")
    logits = json.loads(temper("logits", "smol", "--ids", "504,3575,282,4649,314", "--format", "json", cwd=folder).stdout)
    last = logits["logits"][-1]
    expect(len(last) == 49152 and last.index(max(last)) == 7042, f"'The capital of France is' goes on with {last.index(max(last))}")

    check_reference("smol", folder)

    temper("export", "smol", "hf", "--shard-size", "200MB", "--quiet", cwd=folder)
    expect((folder / "hf/model.safetensors.index.json").exists(), "the export is sharded")
    temper("import", "hf", "back", "--quiet", cwd=folder)
    weights = [json.loads((folder / part / "temper.json").read_text())["weights_sha256"] for part in ["smol", "back"]]
    expect(weights[0] == weights[1], "re-importing the export gives the same bits")
    temper("export", "smol", "half", "--dtype", "bfloat16", "--quiet", cwd=folder)
    expect((folder / "half/model.safetensors").stat().st_size < 271_000_000, "bfloat16 takes half the room")

    (folder / "hf" / sorted(p.name for p in (folder / "hf").glob("model-*"))[0]).unlink()
    broken = temper("import", "hf", "broken", "--quiet", cwd=folder, check=False)
    expect(broken.returncode == 3 and "is missing" in broken.stderr, f"a missing shard is named: {broken.stderr}")
    expect(not (folder / "broken").exists(), "a failed import leaves nothing")
print("import, tokens, logits and export of SmolLM2-135M-Instruct are right")
