"""A Slurm of one node for tests: munged, slurmctld and slurmd of the current user in a folder of their own, which end with the
test whatever happens to it."""
import ctypes
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import time

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel", "srun", "sinfo")
PACKAGES = "munge slurmctld slurmd slurm-client"

CONFIG = """\
ClusterName=tempertest
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ctld_port}
SlurmdPort={slurmd_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge/socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0,sched_interval=2
SlurmdParameters=config_overrides
SlurmctldTimeout=5
SlurmdTimeout=6
InactiveLimit=0
KillWait=2
MessageTimeout=5
BatchStartTimeout=5
ReturnToService=2
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


class CannotStart(Exception):
    pass


def _find(program):
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")


def _free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Cluster:
    """Use as a context; `env` is what its commands need. Raises CannotStart with the reason where Slurm cannot run."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.env = dict(os.environ, SLURM_CONF=str(self.folder / "slurm.conf"))
        self.daemons = {}

    def __enter__(self):
        missing = [program for program in PROGRAMS if not _find(program)]
        if missing:
            raise CannotStart(f"{', '.join(missing)} not found; install {PACKAGES}")
        try:
            for name in ("munge", "state", "spool"):
                (self.folder / name).mkdir(parents=True)
                (self.folder / name).chmod(0o755)
            ctld_port, slurmd_port = _free_ports(2)
            (self.folder / "slurm.conf").write_text(CONFIG.format(
                host=socket.gethostname().split(".")[0], folder=self.folder, user=pwd.getpwuid(os.getuid()).pw_name,
                ctld_port=ctld_port, slurmd_port=slurmd_port))
            self._start_munge()
            self._start("slurmctld", "-D")
            self.start_node()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in ("slurmctld", "slurmd"):
            self._kill(name)
        for pid in self._processes():
            self._signal(pid)
        self._kill("munged")

    def _start_munge(self):
        key = self.folder / "munge/key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        # Where its checks of who may write to a folder above are too strict for a folder of tests, --force says so and goes on.
        self._start("munged", "--foreground", "--force", f"--key-file={key}", f"--socket={self.folder}/munge/socket",
                    f"--pid-file={self.folder}/munge/pid", f"--log-file={self.folder}/munge/log",
                    f"--seed-file={self.folder}/munge/seed", "--num-threads=2")
        self._until(lambda: (self.folder / "munge/socket").exists(), "munged made no socket", "munged")

    def _start(self, name, *args):
        output = open(self.folder / f"{name}.out", "ab")
        self.daemons[name] = subprocess.Popen([_find(name), *args], env=self.env, stdin=subprocess.DEVNULL, stdout=output,
                                              stderr=output, cwd=self.folder, preexec_fn=_die_with_parent)

    def start_node(self):
        self._start("slurmd", "-D")
        self._until(lambda: self.ask("sinfo", "-h", "-o", "%T").strip() in ("idle", "mixed", "allocated"),
                    "the node did not come up", "slurmd")

    def kill_node(self):
        """As a power cut: slurmd, its step daemons and every process of its jobs."""
        self._kill("slurmd")
        for pid in self._processes():
            self._signal(pid)

    def ask(self, *words, check=True):
        done = subprocess.run(words, env=self.env, text=True, capture_output=True, timeout=60)
        if check and done.returncode != 0 and words[0] != "sinfo":
            raise SystemExit(f"{' '.join(words)} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def log(self):
        return "".join(f"--- {path.name}\n{path.read_text(errors='replace')[-3000:]}\n"
                       for path in sorted(self.folder.glob("*.log")) + sorted(self.folder.glob("*.out")))

    def _until(self, ready, what, daemon):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if ready():
                return
            if self.daemons[daemon].poll() is not None:
                raise CannotStart(f"{daemon} ended with {self.daemons[daemon].returncode}:\n{self.log()}")
            time.sleep(0.1)
        raise CannotStart(f"{what} within 20 s:\n{self.log()}")

    def _processes(self):
        """Step daemons and what they started: they know the configuration and have a job. Commands of the test have none."""
        configuration = f"SLURM_CONF={self.folder}/slurm.conf".encode()
        found = []
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                variables = (entry / "environ").read_bytes().split(b"\0")
                of_job = any(one.startswith(b"SLURM_JOB_ID=") for one in variables)
                if configuration in variables and (of_job or b"slurmstepd" in (entry / "cmdline").read_bytes()):
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    def _kill(self, name):
        daemon = self.daemons.get(name)
        if daemon is not None:
            daemon.kill()
            daemon.wait()

    @staticmethod
    def _signal(pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
