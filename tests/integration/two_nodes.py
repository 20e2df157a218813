#!/usr/bin/env python3
"""A run on two machines, which are two network namespaces joined by one cable: two ranks on each, started with the
environment that torchrun sets, and one results folder. It gives what four ranks of one machine give. When the cable is cut or
a machine dies, the ranks of the other one stop within 30 s, name who is missing and why, and leave a record from which the
run goes on to what the straight run gave. Needs root and iproute2; all it makes is removed again."""
import contextlib
import os
import pathlib
import shutil
import signal
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

LONGEST_END = 30  # seconds from the fault to the end of all ranks that are left
INTERFACE, PORT = "cable0", 29511
NODES = {"a": "10.213.7.1", "b": "10.213.7.2"}
SPACES = {node: f"temper-{os.getpid()}-{node}" for node in NODES}


def ip(*args, check=True):
    done = subprocess.run(["ip", *args], text=True, capture_output=True)
    if check and done.returncode != 0:
        raise OSError(f"ip {' '.join(args)}: {done.stderr.strip()}")


@contextlib.contextmanager
def two_machines():
    """Both have their own end of the cable under the same name, and nothing else but themselves."""
    try:
        for space in SPACES.values():
            ip("netns", "add", space)
        ip("link", "add", INTERFACE, "netns", SPACES["a"], "type", "veth", "peer", "name", INTERFACE, "netns", SPACES["b"])
        for node, address in NODES.items():
            ip("-n", SPACES[node], "address", "add", f"{address}/24", "dev", INTERFACE)
            for device in ("lo", INTERFACE):
                ip("-n", SPACES[node], "link", "set", device, "up")
        yield
    finally:
        for space in SPACES.values():
            ip("netns", "delete", space, check=False)


def start(folder, name, **more):
    """Four ranks, by number; two on each machine. What a machine's own name stands for is of no use to the other one."""
    command = [tiny.TEMPER, "run", folder / "plain.yaml", "--quiet", "--out", folder / name, "--cache", folder / f"{name}_cache"]
    ranks = []
    for rank in range(4):
        env = dict(os.environ, RANK=str(rank), WORLD_SIZE="4", LOCAL_RANK=str(rank % 2), LOCAL_WORLD_SIZE="2",
                   MASTER_ADDR=NODES["a"], MASTER_PORT=str(PORT), **more)
        ranks.append(subprocess.Popen(["ip", "netns", "exec", SPACES["a" if rank < 2 else "b"], *map(str, command)], env=env,
                                      text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
    return ranks


def begin(folder, name, **more):
    """A run that has its first checkpoint."""
    ranks = start(folder, name, **more)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if list((folder / f"{name}_cache").glob("stages/*/step*")):
            return ranks
        if any(rank.poll() is not None for rank in ranks):
            break
        time.sleep(0.02)
    for rank in ranks:
        rank.kill()
    raise SystemExit(f"no checkpoint within a minute: {[rank.communicate()[0] for rank in ranks]}")


def check_ends(ranks, named):
    """The ranks in `named` end in time, each naming one of those listed for it; the others are ended."""
    began, outputs = time.monotonic(), {}
    for rank in named:
        try:
            outputs[rank] = ranks[rank].communicate(timeout=max(0.1, LONGEST_END - (time.monotonic() - began)))[0]
        except subprocess.TimeoutExpired:
            for each in ranks:
                each.kill()
            raise SystemExit(f"rank {rank} still runs {LONGEST_END} s after the fault")
    took = time.monotonic() - began
    for rank, each in enumerate(ranks):
        if rank not in named:
            each.communicate()
    for rank, missing in named.items():
        assert ranks[rank].returncode == 1, (rank, ranks[rank].returncode, outputs[rank])
        words = outputs[rank].replace(f"temper: rank {rank}", "")
        assert any(f"rank {each}" in words for each in missing), (rank, missing, outputs[rank])
        assert "temper resume" in words, outputs[rank]
    return took


def check_goes_on(folder, name, expected):
    record = tiny.only_record(folder / name, "plain")
    with h5py.File(record, "r") as file:
        assert len(file["stages/pretrain/log/loss"]) > 0
    tiny.temper("resume", record, "--nproc", 4, "--quiet")
    found = tiny.summary(record)
    assert found == expected, (name, [key for key in expected if found.get(key) != expected[key]])


def main():
    if os.geteuid() != 0 or shutil.which("ip") is None:
        print("SKIPPED: network namespaces need root and the program ip (Debian: iproute2)")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as machines:
        try:
            machines.enter_context(two_machines())
        except OSError as error:
            print(f"SKIPPED: no network namespaces can be made here ({error})")
            sys.exit(77)
        folder = pathlib.Path(name)
        text = tiny.write_experiment(folder).read_text()
        (folder / "plain.yaml").write_text(text.replace("experiment: tiny", "experiment: plain"))
        tiny.temper("run", folder / "plain.yaml", "--out", folder / "straight", "--cache", folder / "straight_cache", "--quiet",
                    "--nproc", 4)
        expected = tiny.summary(tiny.only_record(folder / "straight", "plain"))
        assert expected["status"] == "complete" and expected["ranks"] == "4"

        ranks = start(folder, "two_nodes")
        for rank in ranks:
            output, _ = rank.communicate(timeout=120)
            assert rank.returncode == 0, output
        assert tiny.summary(tiny.only_record(folder / "two_nodes", "plain")) == expected

        took = {}
        ranks = begin(folder, "cut", GLOO_SOCKET_IFNAME=INTERFACE)
        ip("-n", SPACES["a"], "link", "set", INTERFACE, "down")
        took["the cable is cut"] = check_ends(ranks, {0: (2, 3), 1: (2, 3), 2: (0, 1), 3: (0, 1)})
        ip("-n", SPACES["a"], "link", "set", INTERFACE, "up")
        check_goes_on(folder, "cut", expected)

        for node, victims, survivors in (("b", (2, 3), (0, 1)), ("a", (0, 1), (2, 3))):
            ranks = begin(folder, f"dead_{node}")
            for victim in victims:
                ranks[victim].send_signal(signal.SIGKILL)
            took[f"machine {node} dies"] = check_ends(ranks, {rank: victims for rank in survivors})
            check_goes_on(folder, f"dead_{node}", expected)
    print("two machines give what one gives; " +
          ", ".join(f"{what}: all stopped after {seconds:.1f} s" for what, seconds in took.items()) + "; all went on")


if __name__ == "__main__":
    main()
