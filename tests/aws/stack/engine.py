"""A container engine of its own for `sam local`, with Lambda's image or one that stands in for it, and no network but the host."""

import os
import pathlib
import shutil
import subprocess

from .stand_ins import TARGET, Process
from .wait import until

# A tar of a minimal Debian, made where the image cannot be pulled.
ROOT_FILES = TARGET / "lambda-image.tar"
# The name that SAM looks for with provided.al2023 on x86-64.
IMAGE = "public.ecr.aws/lambda/provided:al2023-x86_64"
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
CHANGES = [
    "WORKDIR /var/task",
    "ENV LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime PATH=/usr/local/bin:/usr/bin:/bin:/opt/bin",
]
BRIDGE, ADDRESS = "trawl-sam", "172.30.77.1"


def missing():
    """What has to be there and is not."""
    return [tool for tool in ("dockerd", "docker", "ip", "debootstrap") if not shutil.which(tool)]


class CannotStart(Exception):
    """There can be no containers here, and why."""


def root_files():
    """Makes the tar of a minimal Debian, unless it is there."""
    if ROOT_FILES.exists():
        return
    directory, part = ROOT_FILES.with_suffix(""), ROOT_FILES.with_suffix(".part")
    shutil.rmtree(directory, ignore_errors=True)
    for command in (["debootstrap", "--variant=minbase", "bookworm", str(directory)], ["tar", "-C", str(directory), "--exclude=./var/cache/apt/archives/*.deb", "-cf", str(part), "."]):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, (command, (done.stdout + done.stderr)[-2000:])
    shutil.rmtree(directory)
    part.rename(ROOT_FILES)


class Engine:
    """dockerd under target/, on a bridge between its containers and `ADDRESS` of this machine."""

    def __init__(self):
        if os.geteuid() != 0:
            raise CannotStart("dockerd needs root")
        self.directory = TARGET / "sam-docker"
        self.directory.mkdir(parents=True, exist_ok=True)
        self.socket = self.directory / "socket"
        self.remove_bridge()
        for command in (["link", "add", BRIDGE, "type", "bridge"], ["addr", "add", f"{ADDRESS}/24", "dev", BRIDGE], ["link", "set", BRIDGE, "up"]):
            subprocess.run(["ip", *command], check=True)
        self.process = Process("dockerd", [
            "dockerd", "--data-root", str(self.directory / "data"), "--exec-root", str(self.directory / "exec"),
            "--pidfile", str(self.directory / "pid"), "--host", f"unix://{self.socket}", "--bridge", BRIDGE,
            "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false",
        ])
        self.environment = {"DOCKER_HOST": f"unix://{self.socket}"}
        try:
            until(f"dockerd answers (log: {self.process.log})", self.answers, 60)
        except AssertionError as error:
            self.remove_bridge()
            raise CannotStart(f"{error}; its last words: {self.process.log.read_text()[-500:]}") from error
        pulled = subprocess.run(["docker", "pull", "--quiet", IMAGE], env={**os.environ, **self.environment}, capture_output=True, timeout=300)
        if pulled.returncode:
            self.make_image()

    def make_image(self):
        root_files()
        changes = [word for change in CHANGES for word in ("--change", change)]
        self.docker("import", *changes, str(ROOT_FILES), IMAGE)

    def docker(self, *arguments):
        done = subprocess.run(["docker", *arguments], env={**os.environ, **self.environment}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def answers(self):
        assert self.process.process.poll() is None, f"dockerd ended: see {self.process.log}"
        return self.socket.exists() and subprocess.run(
            ["docker", "version"], env={**os.environ, **self.environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ).returncode == 0

    def stop(self):
        left = self.docker("ps", "--all", "--quiet").split()
        if left:
            self.docker("rm", "--force", *left)
        # It ends its own processes when asked to; a kill leaves them.
        self.process.process.terminate()
        self.process.process.wait(30)
        self.remove_bridge()

    @staticmethod
    def remove_bridge():
        if pathlib.Path("/sys/class/net", BRIDGE).exists():
            subprocess.run(["ip", "link", "del", BRIDGE], check=True)
