#!/usr/bin/env python3
"""Wrong input gives one clear sentence and the documented exit code, and loses nothing already made."""
import json
import pathlib
import tempfile

import tiny


def expect(code, *words, args, cwd=None):
    done = tiny.temper(*args, check=False, cwd=cwd)
    text = done.stderr
    assert done.returncode == code, f"{args}: exit {done.returncode}, expected {code}\n{text}"
    for word in words:
        assert word in text, f"{args}: '{word}' is missing in\n{text}"
    errors = [line for line in text.splitlines() if line.startswith("temper: ")]
    assert len(errors) == 1, f"{args}: expected one error line\n{text}"


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        experiment = tiny.write_experiment(folder)
        text = experiment.read_text()

        def variant(old, new):
            assert old in text, old
            path = folder / "variant.yaml"
            path.write_text(text.replace(old, new, 1))
            return path

        expect(2, "unknown command 'rum'", "did you mean 'run'", args=["rum"])
        expect(2, "unknown option", "did you mean '--seed'", args=["run", experiment, "--sead", "3"])
        expect(3, "missing.yaml", args=["run", folder / "missing.yaml"])
        expect(2, "variant.yaml:", "learning_rate", args=["run", variant("learning_rate: 3e-3", "lerning_rate: 3e-3")])
        expect(2, "variant.yaml", "gpt", args=["run", variant("plugin: gpt", "plugin: gtp")])
        expect(2, "steps", args=["run", experiment, "--set", "stages.sft.steps=-1"])
        expect(2, "num_heads", args=["run", experiment, "--set", "model.num_heads=3", "--dry-run"])
        expect(2, "cuda", args=["run", experiment, "--device", "cuda", "--out", folder / "o2"])
        expect(3, "nothing.txt", args=["run", variant("corpus.txt", "nothing.txt"), "--out", folder / "o3"])
        (folder / "broken.txt").write_bytes(b"good line\nbad \xff\xfe line\n")
        expect(3, "broken.txt", "UTF-8", args=["run", variant("corpus.txt", "broken.txt"), "--out", folder / "o4"])
        (folder / "empty.txt").write_text("")
        expect(3, "empty.txt", args=["run", variant("corpus.txt", "empty.txt"), "--out", folder / "o5"])
        expect(2, "vocab", args=["run", experiment, "--set", "tokenizer.vocab_size=60000", "--out", folder / "o6"])
        expect(3, "absent.h5", args=["compare", folder / "absent.h5"])
        (folder / "garbage.h5").write_bytes(b"not an hdf5 file")
        expect(3, "garbage.h5", args=["compare", folder / "garbage.h5"])
        expect(3, "garbage.h5", args=["resume", folder / "garbage.h5"])
        expect(3, "was not found", args=["generate", folder / "no_model", "--prompt", "x"])
        expect(2, "does not exist", args=["plugins", "list", "--plugin-path", folder / "no_folder"])

        diverging = tiny.temper("run", experiment, "--out", folder / "d", "--set", "stages.sft.learning_rate=10",
                                "--set", "stages.sft.clip_norm=0", "--set", "stages.sft.warmup_steps=0",
                                "--set", "stages.sft.weight_decay=10", "--set", "stages.sft.beta2=0", check=False)
        assert diverging.returncode == 1 and "diverged" in diverging.stderr, diverging.stderr
        assert "diverged" in tiny.temper("status", tiny.only_record(folder / "d")).stdout
        model = f"{tiny.only_record(folder / 'd')}:pretrain"
        tiny.temper("generate", model, "--prompt", "still there")
        expect(2, "pretrain", args=["generate", model.replace(":pretrain", ":ppo"), "--prompt", "x"])
        expect(2, "no token id", args=["logits", model, "--ids", "1,x"])

        # A checkpoint from before the plugin had a parameter, and one with a parameter that it has no more.
        run = tiny.only_record(folder / "d")
        manifest = run.parent / run.stem / "pretrain" / "final" / "temper.json"
        kept = manifest.read_text()
        before = tiny.temper("logits", model, "--ids", "1,2").stdout
        older = json.loads(kept)
        del older["architecture_params"]["prefix_attention"]
        del older["tokenizer_params"]["byte_fallback"]
        manifest.write_text(json.dumps(older))
        assert tiny.temper("logits", model, "--ids", "1,2").stdout == before
        older["architecture_params"]["no_such_thing"] = 1
        manifest.write_text(json.dumps(older))
        expect(3, "no_such_thing = 1 of architecture", args=["logits", model, "--ids", "1,2"])
        manifest.write_text(kept)

        weights = run.parent / run.stem / "pretrain" / "final" / "model.safetensors"
        data = bytearray(weights.read_bytes())
        data[-1] ^= 1
        weights.write_bytes(data)
        expect(3, "damaged", "model.safetensors", args=["generate", model, "--prompt", "x"])
        weights.write_bytes(data[: len(data) // 2])
        expect(3, "damaged", args=["generate", model, "--prompt", "x"])
        print("every wrong input was refused in words")


main()
