#!/usr/bin/env python3
"""One run in many processes: the same losses for 1, 2 and 4 ranks, the same bits for the same number; any rank may be
killed, stopped or interrupted at any moment, all of them end soon and say which it was, and the run goes on with any
number; ranks started by hand meet, and ranks with another experiment are told apart."""
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time

import tiny

try:
    import h5py
except ImportError:
    print("SKIPPED: Python has no h5py; install python3-h5py")
    sys.exit(77)

KILLS = int(os.environ.get("TEMPER_KILLS", "3"))
LONGEST_END = 30  # seconds from a rank's death to the end of all


def run(folder, name, *args, experiment="plain.yaml"):
    tiny.temper("run", folder / experiment, "--out", folder / name, "--cache", folder / f"{name}_cache", "--quiet", *args)
    return tiny.only_record(folder / name, pathlib.Path(experiment).stem)


def start(args, folder, **more):
    return subprocess.Popen([tiny.TEMPER, *map(str, args)], cwd=folder, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, **more)


def ranks_of(launcher):
    """Process ids of the ranks, by rank."""
    found = {}
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if parent != launcher.pid:
                continue
            for variable in (entry / "environ").read_bytes().split(b"\0"):
                if variable.startswith(b"RANK="):
                    found[int(variable[5:])] = int(entry.name)
        except (OSError, IndexError, ValueError):
            continue
    return found


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def by_hand(folder, rank, port, args):
    env = dict(os.environ, RANK=str(rank), WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    return start(args, folder, env=env)


def test_equal_results(folder):
    alone = tiny.summary(run(folder, "alone"))
    assert alone["ranks"] == "1"
    for ranks in (2, 4):
        together = tiny.summary(run(folder, f"together{ranks}", "--nproc", ranks))
        assert together["ranks"] == str(ranks), together["ranks"]
        assert together["status"] == "complete"
        for stage in ("pretrain", "sft"):
            for metric in ("loss", "validation_loss"):
                assert len(together[stage, metric]) == len(alone[stage, metric])
                for (step, value), (step_alone, value_alone) in zip(together[stage, metric], alone[stage, metric]):
                    assert step == step_alone
                    if step <= 20 and stage == "pretrain":
                        assert abs(value - value_alone) <= 1e-6 * max(1, value_alone), (ranks, metric, step, value, value_alone)
                    assert abs(value - value_alone) <= 1e-4 * value_alone, (ranks, stage, metric, step, value, value_alone)
            # What was trained on is counted alike; floating-point scores may differ in their last bits.
            for metric in ("target_tokens", "target_bytes", "flops"):
                assert together[stage, metric] == alone[stage, metric], (ranks, stage, metric)
            verdicts = [[row[:7] for row in result[stage, "instruction_following", "items"]] for result in (together, alone)]
            assert verdicts[0] == verdicts[1]


def test_sharded(folder):
    """Moments shared out over ranks and activations computed again change no loss; a run goes on with fewer ranks; the
    traces hold what happened."""
    saving = [word for stage in ("pretrain", "sft") for name in ("shard_optimizer", "activation_checkpointing")
              for word in ("--set", f"stages.{stage}.{name}=true")]
    alone = tiny.summary(tiny.only_record(folder / "alone", "plain"))
    together = tiny.summary(run(folder, "sharded", "--nproc", 3, "--profile", folder / "traces", *saving))
    for (step, value), (_, expected) in zip(together["pretrain", "loss"][:20], alone["pretrain", "loss"]):
        assert abs(value - expected) <= 1e-6 * max(1, expected), (step, value, expected)
    for (_, value), (_, expected) in zip(together["pretrain", "loss"], alone["pretrain", "loss"]):
        assert abs(value - expected) <= 1e-4 * expected, (value, expected)
    for rank in range(3):
        trace = json.loads((folder / f"traces/pretrain.rank{rank}.trace.json").read_text())
        names = [event["name"] for event in trace["traceEvents"]]
        # A batch has two rows: the third rank has nothing but its part in the sums.
        for wanted in ("temper::backward", "temper::update", "gloo:all_reduce", *(["temper::forward"] if rank < 2 else [])):
            assert any(wanted in name for name in names), (rank, wanted, sorted(set(names))[:40])

    began = start(["run", folder / "plain.yaml", "--out", folder / "fewer", "--cache", folder / "fewer_cache", "--nproc", 2,
                   *saving], folder)
    while not list((folder / "fewer_cache").glob("stages/*/step*")):
        assert began.poll() is None, began.communicate()[0]
        time.sleep(0.05)
    began.send_signal(signal.SIGINT)
    began.communicate(timeout=LONGEST_END)
    record = tiny.only_record(folder / "fewer", "plain")
    tiny.temper("resume", record, "--quiet")
    for (_, value), (_, expected) in zip(tiny.summary(record)["pretrain", "loss"], alone["pretrain", "loss"]):
        assert abs(value - expected) <= 1e-4 * expected, (value, expected)

    # Matrices that travel in several pieces.
    large = ["--only", "pretrain", "--set", "model.d_model=1024", "--set", "model.num_layers=1"]
    for setting in ("steps=4", "learning_rate=1e-4", "context=64", "validation_batches=0"):
        large += ["--set", f"stages.pretrain.{setting}"]
    whole = tiny.summary(run(folder, "large", *large))["pretrain", "loss"]
    pieces = tiny.summary(run(folder, "large_pieces", "--nproc", 3, *large, *saving))["pretrain", "loss"]
    assert len(whole) == len(pieces) == 4
    for (step, value), (_, expected) in zip(pieces, whole):
        assert abs(value - expected) <= 2e-6 * expected, (step, value, expected)

    refused = tiny.temper("run", folder / "plain.yaml", "--out", folder / "wrong", "--set", "stages.sft.lora_rank=2", "--set",
                          "stages.sft.shard_optimizer=true", check=False)
    assert refused.returncode == 2 and "shard_optimizer splits the moments" in refused.stderr, refused.stderr
    plan = tiny.temper("run", folder / "plain.yaml", "--dry-run", "--nproc", 2, *saving).stdout
    assert "memory in MiB of each of 2 processes" in plan and "  pretrain " in plan, plan


def test_killed(folder, rng):
    """The experiment has dropout: each rank draws for its own rows, and draws the same when it goes on. Half of the runs
    share out the optimiser."""
    shared = ["--set", "stages.pretrain.shard_optimizer=true"]
    began = time.monotonic()
    straight = [tiny.summary(run(folder, "straight", "--nproc", 2, experiment="tiny.yaml"))]
    length = time.monotonic() - began
    straight.append(tiny.summary(run(folder, "straight_shared", "--nproc", 2, *shared, experiment="tiny.yaml")))
    assert straight[0] == tiny.summary(run(folder, "again", "--nproc", 2, experiment="tiny.yaml")), "two runs differ"
    ended_early = 0
    temporary = folder / "temporary"
    temporary.mkdir()
    for moment in range(KILLS):
        out, expected = folder / f"killed{moment}", straight[moment % 2]
        more = ["--cache", folder / f"killed{moment}_cache", *(shared if moment % 2 else [])]
        launcher = start(["run", folder / "tiny.yaml", "--out", out, "--nproc", 2, *more], folder,
                         env=dict(os.environ, TMPDIR=str(temporary)))
        time.sleep(rng.uniform(0.2, 0.9) * length)
        victim = rng.choice([0, 1])
        pid = ranks_of(launcher).get(victim)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
        killed_at = time.monotonic()
        output, _ = launcher.communicate(timeout=LONGEST_END)
        assert not list(temporary.iterdir()), f"a killed rank left {list(temporary.iterdir())}"
        if launcher.returncode != 0:
            ended_early += 1
            assert f"rank {victim} was ended by signal 9" in output, output
            assert time.monotonic() - killed_at < LONGEST_END
        records = sorted(out.glob("tiny/*.h5"))
        if not records:
            continue
        tiny.temper("resume", records[0], "--nproc", 2, "--quiet")
        found = tiny.summary(records[0])
        assert found == expected, [key for key in expected if found.get(key) != expected[key]]
    assert ended_early > 0, "no kill came while the ranks were running"
    print(f"{KILLS} runs had a rank killed ({ended_early} before their end) and gave the straight run's result")


def begin_long(folder, name):
    """A run that will not end by itself soon; returns it when it trains."""
    launcher = start(["run", folder / "plain.yaml", "--out", folder / name, "--cache", folder / f"{name}_cache", "--nproc", 2,
                      "--set", "stages.pretrain.steps=100000", "--set", "stages.pretrain.checkpoint_every=20"], folder)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if list((folder / name).glob("plain/*/pretrain/step*")) or list((folder / f"{name}_cache").glob("stages/*/step*")):
            return launcher
        time.sleep(0.1)
    launcher.kill()
    raise SystemExit(f"no checkpoint within a minute:\n{launcher.communicate()[0]}")


def test_interrupted(folder):
    launcher = begin_long(folder, "interrupted")
    launcher.send_signal(signal.SIGINT)
    output, _ = launcher.communicate(timeout=LONGEST_END)
    assert launcher.returncode == 130, (launcher.returncode, output)
    record = sorted((folder / "interrupted").glob("plain/*.h5"))[0]
    with h5py.File(record, "r") as file:
        assert str(file.attrs["status"]) == "cancelled", file.attrs["status"]
        done = int(file["stages/pretrain/log/loss"][-1]["step"])
    # It goes on in one process, with the data in the same order; and is stopped again.
    again = start(["resume", record], folder)
    lines = []
    for line in again.stdout:
        lines.append(line)
        if "step" in line and "stage pretrain" in line or "pretrain  " in line:
            break
    again.send_signal(signal.SIGINT)
    rest, _ = again.communicate(timeout=LONGEST_END)
    assert again.returncode == 130, (again.returncode, lines, rest)
    assert any("begun with 2 processes and goes on with 1" in line for line in lines), lines
    assert any(f"going on from step {done}" in line for line in lines), (done, lines)


def test_stopped(folder):
    """A rank that shows no life ends the run, and is named; rank 0, which has the store that all ask, too."""
    launchers = [begin_long(folder, f"stopped{rank}") for rank in (0, 1)]
    for rank, launcher in enumerate(launchers):
        os.kill(ranks_of(launcher)[rank], signal.SIGSTOP)
    began = time.monotonic()
    for rank, launcher in enumerate(launchers):
        output, _ = launcher.communicate(timeout=LONGEST_END)
        assert launcher.returncode == 1, (launcher.returncode, output)
        assert f"rank {rank} has shown no life" in output, output
    print(f"runs with a stopped rank ended within {time.monotonic() - began:.0f} s")


def test_by_hand(folder):
    port = free_port()
    args = ["run", folder / "plain.yaml", "--quiet", "--cache", folder / "hand_cache"]
    ranks = [by_hand(folder, rank, port, [*args, "--out", folder / f"hand{rank}"]) for rank in (0, 1)]
    for rank in ranks:
        output, _ = rank.communicate(timeout=120)
        assert rank.returncode == 0, output
    assert tiny.summary(tiny.only_record(folder / "hand0", "plain"))["status"] == "complete"
    assert not (folder / "hand1").exists(), "only rank 0 writes"

    port = free_port()
    other = [*args, "--set", "stages.pretrain.steps=61", "--out", folder / "other"]
    ranks = [by_hand(folder, 0, port, [*args, "--out", folder / "first"]), by_hand(folder, 1, port, other)]
    for rank in ranks:
        output, _ = rank.communicate(timeout=120)
        assert rank.returncode == 2, (rank.returncode, output)
        assert "rank 1 has another version of the experiment than rank 0" in output, output

    alone = by_hand(folder, 0, free_port(), [*args, "--rank-timeout", "2"])
    output, _ = alone.communicate(timeout=60)
    assert alone.returncode == 1 and "found the others missing" in output, (alone.returncode, output)


def test_not_finite(folder):
    done = tiny.temper("run", folder / "plain.yaml", "--out", folder / "nan", "--cache", folder / "nan_cache", "--nproc", 2,
                       "--set", "stages.pretrain.learning_rate=10", "--set", "stages.pretrain.clip_norm=0", "--set",
                       "stages.pretrain.warmup_steps=0", "--set", "stages.pretrain.weight_decay=10", "--set",
                       "stages.pretrain.beta2=0", check=False)
    assert done.returncode == 1, (done.returncode, done.stderr)
    assert "is not finite (rank 0, rank 1)" in done.stderr, done.stderr
    with h5py.File(sorted((folder / "nan").glob("plain/*.h5"))[0], "r") as file:
        assert str(file.attrs["status"]) == "diverged"


def test_wrong_use(folder):
    for args, words in [(["--nproc", "0"], "--nproc is 0"), (["--nproc", "2", "--rank-timeout", "0"], "--rank-timeout")]:
        done = tiny.temper("run", folder / "plain.yaml", "--out", folder / "wrong", *args, check=False)
        assert done.returncode == 2 and words in done.stderr, (done.returncode, done.stderr)


def main():
    rng = random.Random(23)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        text = tiny.write_experiment(folder).read_text()
        plain = text.replace("dropout: 0.1", "dropout: 0").replace("experiment: tiny", "experiment: plain")
        (folder / "plain.yaml").write_text(plain)
        test_equal_results(folder)
        test_sharded(folder)
        test_killed(folder, rng)
        test_interrupted(folder)
        test_stopped(folder)
        test_by_hand(folder)
        test_not_finite(folder)
        test_wrong_use(folder)
    print("ranks: equal results, sharded, killed, interrupted, stopped, by hand, not finite")


if __name__ == "__main__":
    main()
