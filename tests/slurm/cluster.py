"""A real Slurm cluster on this one machine, for the tests: two virtual nodes with eight pretended H100s each.

Eight more of them are a partition of their own, `wide`, on which the plan for 64 GPUs runs beside the other tests.

    python tests/slurm/cluster.py up      install what is missing (Debian, Ubuntu), start everything, wait until idle
    python tests/slurm/cluster.py down    stop it and remove its state

Needs root. It writes /etc/slurm (Snakemake's job steps drop SLURM_CONF,
so the usual place is the only one), /run/munge and FOLDER; it refuses to touch an /etc/slurm that it did not write.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

FOLDER = Path("/var/tmp/acrflow-slurm")
ETC = Path("/etc/slurm")
MARK = "# written by acrflow's tests/slurm/cluster.py"
HOSTS = Path("/etc/hosts")
POLICY = Path("/usr/sbin/policy-rc.d")
MUNGE = Path("/run/munge/munged.pid")
PACKAGES = ["munge", "slurmctld", "slurmd", "slurm-client", "slurmdbd", "mariadb-server"]
NODES = ["node01", "node02"]
WIDE = [f"wide{number:02d}" for number in range(1, 9)]
PARTITIONS = "cpu,gpu,cancelled,urgent"  # of NODES
GPUS = 8
NAME = "acrflow"
DATABASE_PORT = 3307
HOST = socket.gethostname().split(".")[0]

NODE = f"CPUs=64 Boards=1 SocketsPerBoard=2 CoresPerSocket=32 ThreadsPerCore=1 RealMemory=1000000 Gres=gpu:h100:{GPUS}"
SLURM_CONF = f"""{MARK}
ClusterName={NAME}
SlurmctldHost={HOST}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
StateSaveLocation={FOLDER}/state
SlurmdSpoolDir={FOLDER}/spool/%n
SlurmctldPidFile={FOLDER}/run/slurmctld.pid
SlurmdPidFile={FOLDER}/run/%n.pid
SlurmctldLogFile={FOLDER}/log/slurmctld.log
SlurmdLogFile={FOLDER}/log/%n.log
# no cgroups needed: processes are found by their parents, memory is polled
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=OverMemoryKill
SlurmdParameters=config_overrides
MailProg=/bin/true
MpiDefault=none
PropagateResourceLimits=NONE
GresTypes=gpu
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
# a scheduler that does not let a test wait
SchedulerParameters=sched_min_interval=0,batch_sched_delay=0,bf_interval=2,sched_interval=2
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=15
KillWait=10
MinJobAge=3600
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStorageEnforce=associations,limits
AccountingStorageTRES=gres/gpu,gres/gpu:h100
AccountingStoreFlags=job_comment
NodeName=node[01-02] NodeHostname={HOST} NodeAddr=127.0.0.1 Port=[17001-17002] {NODE}
NodeName=wide[01-08] NodeHostname={HOST} NodeAddr=127.0.0.1 Port=[17003-17010] {NODE}
PartitionName=cpu Nodes=node[01-02] Default=YES MaxTime=2-0 PriorityTier=1 State=UP
PartitionName=gpu Nodes=node[01-02] MaxTime=1-0 PriorityTier=1 GraceTime=30 State=UP
PartitionName=cancelled Nodes=node[01-02] MaxTime=1-0 PriorityTier=1 PreemptMode=CANCEL State=UP
PartitionName=urgent Nodes=node[01-02] MaxTime=1-0 PriorityTier=10 PreemptMode=OFF State=UP
PartitionName=wide Nodes=wide[01-08] MaxTime=1-0 PriorityTier=1 State=UP
"""
GRES_CONF = f"""{MARK}
AutoDetect=off
NodeName=node[01-02],wide[01-08] Name=gpu Type=h100 File={FOLDER}/gpu/gpu[0-{GPUS - 1}]
"""
CGROUP_CONF = f"{MARK}\nCgroupPlugin=cgroup/v1\n"  # slurmd 22.05 stops where it finds none by itself
SLURMDBD_CONF = f"""{MARK}
AuthType=auth/munge
DbdHost=localhost
DbdAddr=127.0.0.1
SlurmUser=root
LogFile={FOLDER}/log/slurmdbd.log
PidFile={FOLDER}/run/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={DATABASE_PORT}
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm_acct_db
"""


def run(*command: str, check: bool = True, timeout: float = 120) -> str:
    """Run a command; its output, and an error that shows it."""
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout.strip()[-2000:]}")
    return done.stdout


def until(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Wait for a condition."""
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            logs = "\n".join(run("tail", "-n", "15", str(log)) for log in sorted(FOLDER.glob("log/*.log")))
            raise RuntimeError(f"{what}: not within {seconds} s\n{logs}")
        time.sleep(0.2)


def missing() -> str | None:
    """Why no cluster can be started here; None if one can."""
    if os.geteuid() != 0:
        return "needs root (its daemons run as root)"
    conf = ETC / "slurm.conf"
    if conf.exists() and MARK not in conf.read_text():
        return f"{conf} belongs to another cluster"
    if not shutil.which("slurmctld") and not shutil.which("apt-get"):
        return "no slurmctld, and no apt-get to install it"
    return None


def install() -> None:
    """Install the packages that are missing."""
    absent = [name for name in PACKAGES if subprocess.run(["dpkg", "-s", name], capture_output=True).returncode]
    if absent:
        os.environ["DEBIAN_FRONTEND"] = "noninteractive"
        ours = not POLICY.exists()
        if ours:  # no service starts by itself
            POLICY.write_text("#!/bin/sh\nexit 101\n")
            POLICY.chmod(0o755)
        try:
            run("apt-get", "update", "-qq", timeout=300)
            run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *absent, timeout=600)
        finally:
            if ours:
                POLICY.unlink()


def configure() -> None:
    """Write the configuration and the folders."""
    for name in ("state", "log", "run", "gpu", "db", *(f"spool/{node}" for node in [*NODES, *WIDE])):
        (FOLDER / name).mkdir(parents=True, exist_ok=True)
    for number in range(GPUS):  # a GPU is any character device
        link = FOLDER / f"gpu/gpu{number}"
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")
    ETC.mkdir(exist_ok=True)
    for name, text in {
        "slurm": SLURM_CONF,
        "gres": GRES_CONF,
        "cgroup": CGROUP_CONF,
        "slurmdbd": SLURMDBD_CONF,
    }.items():
        (ETC / f"{name}.conf").write_text(text)
    (ETC / "slurmdbd.conf").chmod(0o600)
    with open(HOSTS, "a") as hosts:
        for name in (HOST, *NODES):
            if subprocess.run(["getent", "hosts", name], capture_output=True).returncode:
                hosts.write(f"127.0.0.1 {name} {MARK}\n")


def start_munge() -> None:
    """Start munged, unless it answers already."""
    if subprocess.run("munge -n | unmunge", shell=True, capture_output=True).returncode == 0:
        return
    run("install", "-d", "-o", "munge", "-g", "munge", "-m", "755", "/run/munge")
    if not Path("/etc/munge/munge.key").exists():
        run("mungekey", "--create")
    run("setpriv", "--reuid=munge", "--regid=munge", "--clear-groups", "/usr/sbin/munged")
    (FOLDER / "run/munge-is-ours").touch()


def start_accounting() -> None:
    """MariaDB and slurmdbd; slurmctld would not start without them."""
    data, socket_ = FOLDER / "db/data", FOLDER / "db/m.sock"
    shutil.chown(FOLDER / "db", "mysql", "mysql")
    if not (data / "mysql").exists():
        run("mariadb-install-db", "--no-defaults", f"--datadir={data}", "--user=mysql", "--skip-test-db",
            "--auth-root-authentication-method=normal")  # fmt: skip
    log = os.open(FOLDER / "log/mariadb.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    server = ["mariadbd", "--no-defaults", "--user=mysql", f"--datadir={data}", f"--socket={socket_}",
              f"--pid-file={pid_file('mariadb')}", "--bind-address=127.0.0.1", f"--port={DATABASE_PORT}",
              "--innodb-buffer-pool-size=128M", "--innodb-lock-wait-timeout=900"]  # fmt: skip
    subprocess.Popen(server, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    until(lambda: "alive" in run("mariadb-admin", f"--socket={socket_}", "ping", check=False), "MariaDB")
    for host in ("127.0.0.1", "localhost"):
        run("mariadb", f"--socket={socket_}", "-e", "create database if not exists slurm_acct_db; "
            f"create user if not exists 'slurm'@'{host}' identified by 'slurm'; "
            f"grant all on slurm_acct_db.* to 'slurm'@'{host}'")  # fmt: skip
    start_slurmdbd()
    if NAME not in run("sacctmgr", "-nP", "list", "cluster", "format=cluster"):
        run("sacctmgr", "-Qi", "add", "cluster", NAME)
    user = pwd.getpwuid(os.geteuid()).pw_name
    for account in ("lab", "full"):
        run("sacctmgr", "-Qi", "add", "account", account, f"Cluster={NAME}", check=False)
        run("sacctmgr", "-Qi", "add", "user", user, f"Account={account}", f"Cluster={NAME}", check=False)
    # a queue that is full after one job
    run("sacctmgr", "-Qi", "modify", "user", user, "where", "account=full", "set", "MaxSubmitJobs=1", check=False)


def start_slurmdbd() -> None:
    run("slurmdbd")
    until(
        lambda: subprocess.run(["sacctmgr", "-n", "list", "cluster"], capture_output=True).returncode == 0, "slurmdbd"
    )


def start_controller() -> None:
    run("slurmctld")
    until(lambda: "UP" in run("scontrol", "ping", check=False), "slurmctld")


def start_node(node: str) -> None:
    run("slurmd", "-N", node)


def mend() -> None:
    """Start again what a test that failed has left stopped."""
    starts = {"slurmdbd": start_slurmdbd, "slurmctld": start_controller}
    for name in ("slurmdbd", "slurmctld", *NODES):
        pid = pid_of(name)
        if pid is None or not alive(pid):
            starts.get(name, lambda name=name: start_node(name))()


def idle(nodes: list[str] = NODES) -> bool:
    """Whether these nodes wait for jobs."""
    states = run("sinfo", "--noheader", "--Node", "--format=%N %t", check=False).split("\n")
    return {line.split()[0] for line in states if line.split()[1:] == ["idle"]} >= set(nodes)


def queued() -> list[str]:
    """Ids of the jobs in the partitions of `NODES`."""
    return run("squeue", "-h", "-o", "%i", f"--partition={PARTITIONS}", check=False).split()


def cancel() -> None:
    """Cancel the jobs on `NODES`, and wait until these are idle."""
    jobs = queued()
    if jobs:
        run("scancel", *jobs, check=False)
    until(idle, "idle nodes", 90)


def pid_file(name: str) -> Path:
    """Where a daemon (slurmctld, slurmdbd, mariadb, or a node) writes its process id."""
    return FOLDER / ("db" if name == "mariadb" else "run") / f"{name}.pid"


def pid_of(name: str) -> int | None:
    """Process of a daemon, None if it does not run."""
    file = pid_file(name)
    return int(file.read_text()) if file.exists() and file.read_text().strip() else None


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent (MariaDB's is the test session) does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def stop(name: str, how: signal.Signals = signal.SIGTERM) -> None:
    """Stop a daemon and wait until it is gone."""
    pid = pid_of(name)
    if pid is None:
        return
    try:
        os.kill(pid, how)
        until(lambda: not alive(pid), f"end of {name}", 30)
    except ProcessLookupError:
        pass
    pid_file(name).unlink(missing_ok=True)


def left_over() -> set[int]:
    """Processes that this cluster's jobs have left behind: without cgroups, those of a killed node live on."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            ours = f"SLURM_CLUSTER_NAME={NAME}".encode() in (folder / "environ").read_bytes().split(b"\0")
            stepd = (folder / "comm").read_text().strip() == "slurmstepd"
        except OSError:  # it has just ended
            continue
        if (ours or stepd) and int(folder.name) != os.getpid() and alive(int(folder.name)):
            found.add(int(folder.name))
    return found


def up() -> None:
    """Install, configure and start; ends when all nodes are idle."""
    reason = missing()
    if reason:
        raise SystemExit(f"no cluster: {reason}")
    began = time.monotonic()
    install()
    configure()
    start_munge()
    start_accounting()
    start_controller()
    for node in [*NODES, *WIDE]:
        start_node(node)
    until(lambda: idle([*NODES, *WIDE]), "idle nodes")
    gpu = run("srun", "-A", "lab", "-p", "gpu", "--gres=gpu:h100:1", "printenv", "CUDA_VISIBLE_DEVICES", timeout=60)
    if gpu.strip() != "0":
        raise RuntimeError(f"a job with one GPU sees {gpu!r}")
    took = time.monotonic() - began
    nodes = len(NODES) + len(WIDE)
    print(f"{run('slurmctld', '-V').strip()}: {nodes} nodes of {GPUS} GPUs idle after {took:.0f} s")


def down() -> None:
    """Cancel all jobs, stop what was started (munge only if `up` has started it), remove the state."""
    reason = missing()
    if reason:
        raise SystemExit(f"nothing of ours to stop: {reason}")
    if pid_of("slurmctld"):
        run("scancel", "--user", pwd.getpwuid(os.geteuid()).pw_name, check=False, timeout=30)
        with suppress(RuntimeError):  # a node that is not there keeps its jobs
            until(lambda: not run("squeue", "-h", check=False, timeout=30).strip(), "an empty queue", 20)
    for name in (*NODES, *WIDE, "slurmctld", "slurmdbd", "mariadb"):
        stop(name)
    if (FOLDER / "run/munge-is-ours").exists() and MUNGE.exists():
        os.kill(int(MUNGE.read_text()), signal.SIGTERM)
    orphans = left_over()
    for pid in orphans:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    if orphans:
        print(f"{len(orphans)} processes had outlived their jobs and were ended")
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name in ("slurm", "gres", "cgroup", "slurmdbd"):
        file = ETC / f"{name}.conf"
        if file.exists() and MARK in file.read_text():
            file.unlink()
    lines = HOSTS.read_text().splitlines(keepends=True)
    if any(MARK in line for line in lines):  # written in place: a container's file cannot be replaced
        HOSTS.write_text("".join(line for line in lines if MARK not in line))


if __name__ == "__main__":
    {"up": up, "down": down}[sys.argv[1]]()
