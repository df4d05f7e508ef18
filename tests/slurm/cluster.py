"""A real Slurm cluster on this one machine, for the tests: two virtual nodes with eight pretended H100s each.

    python tests/slurm/cluster.py up      install what is missing (Debian, Ubuntu), start everything, wait until idle
    python tests/slurm/cluster.py down    stop it and remove its state

ACRFLOW_CLUSTER_NODES=8 makes it eight nodes. Needs root. It writes /etc/slurm (Snakemake's job steps drop SLURM_CONF,
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
from pathlib import Path

FOLDER = Path("/var/tmp/acrflow-slurm")
ETC = Path("/etc/slurm")
MARK = "# written by acrflow's tests/slurm/cluster.py"
PACKAGES = ["munge", "slurmctld", "slurmd", "slurm-client", "slurmdbd", "mariadb-server"]
COUNT = int(os.environ.get("ACRFLOW_CLUSTER_NODES", "2"))
NODES = [f"node{number:02d}" for number in range(1, COUNT + 1)]
GPUS = 8
DATABASE_PORT = 3307
HOST = socket.gethostname().split(".")[0]

SLURM_CONF = f"""{MARK}
ClusterName=acrflow
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
SlurmdTimeout=10
KillWait=10
MinJobAge=3600
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStorageEnforce=associations,limits
AccountingStorageTRES=gres/gpu,gres/gpu:h100
AccountingStoreFlags=job_comment
NodeName=node[01-{COUNT:02d}] NodeHostname={HOST} NodeAddr=127.0.0.1 Port=[17001-{17000 + COUNT}] \
CPUs=64 Boards=1 SocketsPerBoard=2 CoresPerSocket=32 ThreadsPerCore=1 \
RealMemory=1000000 Gres=gpu:h100:{GPUS} State=UNKNOWN
PartitionName=cpu Nodes=ALL Default=YES MaxTime=2-0 PriorityTier=1 State=UP
PartitionName=gpu Nodes=ALL MaxTime=1-0 PriorityTier=1 GraceTime=30 State=UP
PartitionName=cancelled Nodes=ALL MaxTime=1-0 PriorityTier=1 PreemptMode=CANCEL State=UP
PartitionName=urgent Nodes=ALL MaxTime=1-0 PriorityTier=10 PreemptMode=OFF State=UP
"""
GRES_CONF = f"""{MARK}
AutoDetect=off
NodeName=node[01-{COUNT:02d}] Name=gpu Type=h100 File={FOLDER}/gpu/gpu[0-{GPUS - 1}]
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
        run("apt-get", "update", "-qq", timeout=300)
        run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *absent, timeout=600)


def configure() -> None:
    """Write the configuration and the folders."""
    for name in ("state", "log", "run", "gpu", "db", *(f"spool/{node}" for node in NODES)):
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
    for name in (HOST, *NODES):
        if subprocess.run(["getent", "hosts", name], capture_output=True).returncode:
            with open("/etc/hosts", "a") as hosts:
                hosts.write(f"127.0.0.1 {name}\n")


def start_munge() -> None:
    """Start munged, unless it answers already."""
    if subprocess.run("munge -n | unmunge", shell=True, capture_output=True).returncode == 0:
        return
    run("install", "-d", "-o", "munge", "-g", "munge", "-m", "755", "/run/munge")
    if not Path("/etc/munge/munge.key").exists():
        run("mungekey", "--create")
    run("setpriv", "--reuid=munge", "--regid=munge", "--clear-groups", "/usr/sbin/munged")


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
    if "acrflow" not in run("sacctmgr", "-nP", "list", "cluster", "format=cluster"):
        run("sacctmgr", "-Qi", "add", "cluster", "acrflow")
    user = pwd.getpwuid(os.geteuid()).pw_name
    for account in ("lab", "full"):
        run("sacctmgr", "-Qi", "add", "account", account, "Cluster=acrflow", check=False)
        run("sacctmgr", "-Qi", "add", "user", user, f"Account={account}", "Cluster=acrflow", check=False)
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


def idle() -> bool:
    """Whether every node waits for jobs."""
    states = run("sinfo", "--noheader", "--Node", "--format=%N %t", check=False).split("\n")
    return {line.split()[0] for line in states if line.split()[1:] == ["idle"]} == set(NODES)


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


def up() -> None:
    """Install, configure and start; ends when both nodes are idle."""
    reason = missing()
    if reason:
        raise SystemExit(f"no cluster: {reason}")
    began = time.monotonic()
    install()
    configure()
    start_munge()
    start_accounting()
    start_controller()
    for node in NODES:
        start_node(node)
    until(idle, "idle nodes")
    gpu = run("srun", "-A", "lab", "-p", "gpu", "--gres=gpu:h100:1", "printenv", "CUDA_VISIBLE_DEVICES", timeout=60)
    if gpu.strip() != "0":
        raise RuntimeError(f"a job with one GPU sees {gpu!r}")
    took = time.monotonic() - began
    print(f"{run('slurmctld', '-V').strip()}: {len(NODES)} nodes of {GPUS} GPUs idle after {took:.0f} s")


def down() -> None:
    """Cancel all jobs, stop the daemons (not munged, which may be another's), remove the state."""
    run("scancel", "--user", pwd.getpwuid(os.geteuid()).pw_name, check=False, timeout=30)
    for name in (*NODES, "slurmctld", "slurmdbd", "mariadb"):
        stop(name)
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name in ("slurm", "gres", "cgroup", "slurmdbd"):
        file = ETC / f"{name}.conf"
        if file.exists() and MARK in file.read_text():
            file.unlink()


if __name__ == "__main__":
    {"up": up, "down": down}[sys.argv[1]]()
