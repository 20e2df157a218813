"""`temper chat` on a terminal: a question gets an answer, Ctrl-C stops an answer and keeps the session, a second Ctrl-C at the
prompt only drops the line, arrow-up brings the last line back, /help lists the commands, the history outlives the session,
Ctrl-D leaves with 0. The terminal is a pseudo-terminal, so the keys go through the same editor as a person's."""
import os
import pathlib
import pty
import re
import select
import signal
import tempfile
import termios
import time

from tiny import TEMPER, only_record, temper, write_experiment

CTRL_C, CTRL_D, UP, LEFT, ENTER = "\x03", "\x04", "\x1b[A", "\x1b[D", "\r"
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|[\x07\x08\r]")


class Terminal:
    """A program on a terminal of its own; `shown` is all that it wrote, without control sequences."""

    def __init__(self, folder, *args):
        self.raw, self.seen = b"", 0
        self.pid, self.screen = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            environment = {**os.environ, "TERM": "xterm", "LANG": "C.UTF-8", "HOME": str(folder),
                           "XDG_STATE_HOME": str(pathlib.Path(folder) / "state")}
            os.execve(TEMPER, [TEMPER, *map(str, args)], environment)

    @property
    def shown(self):
        return ESCAPES.sub("", self.raw.decode(errors="replace"))

    def read(self, seconds):
        """False at the end of the program's output."""
        if not select.select([self.screen], [], [], seconds)[0]:
            return True
        try:
            part = os.read(self.screen, 65536)
        except OSError:  # what Linux says where the other side has closed
            return False
        self.raw += part
        return bool(part)

    def type(self, keys):
        """What is shown from here on is what `expect` looks at."""
        self.seen = len(self.shown)
        os.write(self.screen, keys.encode())

    def expect(self, pattern, why, seconds=60):
        """Waits for the pattern; gives back what was shown since the last keys."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            new = self.shown[self.seen:]
            if re.search(pattern, new, re.DOTALL):
                return new
            if not self.read(0.1):
                break
        raise SystemExit(f"FAILED: {why}: no {pattern!r} in {self.shown[self.seen:]!r}\n--- all:\n{self.shown}")

    def prompt(self, pattern, why, seconds=60):
        """Waits for the pattern with the prompt behind it, and until the editor listens: it shows the prompt first."""
        shown = self.expect(pattern + r"pretrain> $", why, seconds)
        while termios.tcgetattr(self.screen)[3] & termios.ICANON:
            time.sleep(0.01)
        time.sleep(0.05)
        return shown

    def interrupt(self, pattern):
        """Ctrl-C once the pattern is shown, and the editor had time to wait for a key again."""
        self.expect(pattern, "the line to interrupt")
        time.sleep(0.2)
        self.type(CTRL_C)

    def status(self, seconds=30):
        """The exit code once the program ends by itself."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read(0.1)
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
        raise SystemExit(f"FAILED: the program did not end\n--- all:\n{self.shown}")

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.screen)


def expect(good, what):
    if not good:
        raise SystemExit(f"FAILED: {what}")


def first_session(folder, model):
    chat = Terminal(folder, "chat", model, "--max-new-tokens", 3000)
    try:
        chat.prompt("", "the prompt comes first", 120)
        expect("/help lists commands" in chat.shown, f"the session says how to get help: {chat.shown!r}")

        chat.type("/help" + ENTER)
        told = chat.prompt(r"Ctrl-C stops an answer\..*", "/help")
        for command in ("/models", "/model", "/compare", "/retry", "/system", "/set", "/reset", "/save", "/quit"):
            expect(command in told, f"/help lists {command}")

        chat.type("/set max_new_tokens=8" + ENTER)
        chat.prompt(r"max_new_tokens=8.*", "/set")
        chat.type("river stone" + ENTER)
        told = chat.prompt(r"river stone\n.*", "an answer")
        answer = told.split("\n", 1)[1].rsplit("pretrain>", 1)[0]
        expect(answer.strip(), f"the answer is not empty: {told!r}")

        # The editor's own keys: back to the last line but one, and a letter put in before its end.
        chat.type(UP + UP + LEFT + "1" + ENTER)
        chat.prompt(r"max_new_tokens=18.*", "arrow-up brings back an earlier line, arrow-left moves within it")
        chat.type(UP + UP + ENTER)
        chat.prompt(r"river stone\n.+", "arrow-up brings back the question")

        chat.type("/set max_new_tokens=3000" + ENTER)
        chat.prompt(r"max_new_tokens=3000.*", "/set")
        chat.type("a long answer" + ENTER)
        begun = chat.expect(r"a long answer\n.{10}", "the answer streams")
        expect("pretrain>" not in begun, f"the answer was over before it could be stopped: {begun!r}")
        chat.type(CTRL_C)
        chat.prompt(r"\(stopped\).*", "Ctrl-C stops the answer and keeps the session", 20)

        # At the prompt it drops what was typed; twice in a row too, since nothing runs that it could end.
        for _ in range(2):
            chat.type("not meant")
            chat.interrupt(r"not meant$")
            chat.prompt("", "Ctrl-C at the prompt gives a fresh one", 10)
        chat.type("/models" + ENTER)
        told = chat.prompt(r"\* pretrain\n.*", "the session goes on after Ctrl-C")
        expect("not meant" not in told.split("/models")[-1], f"the dropped line is gone: {told!r}")
        chat.type("/save talk.jsonl" + ENTER)
        chat.prompt(r"wrote talk.jsonl.*", "/save")
        talk = (pathlib.Path(folder) / "talk.jsonl").read_text(encoding="utf-8")
        expect("a long answer" in talk and "not meant" not in talk, f"the conversation is what was sent: {talk}")

        chat.type(CTRL_D)
        expect(chat.status() == 0, "Ctrl-D leaves with exit code 0")
        expect(chat.shown.endswith("\n"), f"the shell's prompt gets a line of its own: {chat.shown[-40:]!r}")
    finally:
        chat.close()


def second_session(folder, model):
    chat = Terminal(folder, "chat", model, "--quiet")
    try:
        chat.prompt("", "the prompt", 120)
        expect("/help lists commands" not in chat.shown, "--quiet says nothing before the prompt")
        chat.type(UP)
        chat.interrupt(r"/save talk\.jsonl$")
        chat.prompt("", "the history outlives a session, and Ctrl-C drops a line that it brought")
        chat.type("한국어 🤗" + "\x7f" + "/quit" + "\x01")  # backspace takes a whole character; Ctrl-A goes to the front
        chat.type("\x0b" + "/quit" + ENTER)  # Ctrl-K takes all behind it
        expect(chat.status() == 0, "/quit leaves with exit code 0")
    finally:
        chat.close()


with tempfile.TemporaryDirectory() as name:
    experiment = write_experiment(name)
    # Wide enough that a long answer takes many seconds, so that there is something to stop, and hardly trained.
    settings = ["model.d_model=512", "model.num_layers=4", "model.num_heads=8", "model.max_positions=4096",
                "stages.pretrain.steps=3", "stages.pretrain.context=32", "stages.pretrain.validation_batches=0"]
    text = experiment.read_text()
    experiment.write_text(text[:text.index("  sft:")] + "evaluators: {perplexity: {data: [words], documents: 1}}\n")
    temper("run", experiment, "--out", "out", "--quiet", *[part for one in settings for part in ("--set", one)], cwd=name)
    record = f"{only_record(pathlib.Path(name) / 'out')}:pretrain"
    first_session(name, record)
    second_session(name, record)
print("chat answers, stops, edits, remembers and leaves as it should")
