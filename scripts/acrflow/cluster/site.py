"""The site: what differs between clusters, one small file (profiles/slurm/site.yaml, or the one ACRFLOW_SITE names)."""

import os
import shlex
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, ValidationError

from acrflow.config.section import Positive, Section, problems
from acrflow.io.errors import InputError
from acrflow.io.shipped import own_or_shipped

VARIABLE = "ACRFLOW_SITE"
DEFAULT = own_or_shipped("profiles/slurm/site.yaml")
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.,-]+$")]


class Site(Section):
    """One cluster. A key that it does not know is an error."""

    account: Name | None = Field(None, description="account to charge; null leaves the choice to Slurm")
    cpu_partition: Name = Field("cpu", description="partition of the data steps")
    gpu_partition: Name = Field("gpu", description="partition of training and inference")
    network_partition: Name | None = Field(
        None, description="partition whose nodes reach the internet; null: downloads run where Snakemake runs"
    )
    qos: Name | None = Field(None, description="quality of service; null leaves it out")
    gpu_type: Name | None = Field("h100", description="Slurm's name of the GPU type; null takes any")
    gpu_request: Literal["gres", "gpus"] = Field("gres", description="--gres=gpu:h100:1, or --gpus=h100:1")
    longest_minutes: Positive = Field(1440, description="no job asks for more, however often it was tried")
    warn_seconds: Positive = Field(
        600, description="a training saves and goes back to the queue so long before its limit"
    )
    scratch: str | None = Field(None, description="folder for temporary files on the nodes; null: the system's")
    setup: str = Field("", description="shell line before every job's command, for instance `module load cuda/13`")
    container: str | None = Field(None, description="image for `--sdm apptainer`; null: no container")
    offline: bool = Field(True, description="jobs never ask the model hub; models are folders or in its cache")

    @property
    def prefix(self) -> str:
        """What stands before every rule's shell command; braces doubled, since Snakemake formats it."""
        # a job that asks the model hub would hang on a node without network; what it needs is on the disk
        offline = "export HF_HUB_OFFLINE=1; " if self.offline else ""
        folder = shlex.quote(self.scratch or "")  # light rules run on the submit host, which may not have it
        scratch = f"[ ! -d {folder} ] || export TMPDIR={folder}; " if self.scratch else ""
        prefix = offline + scratch + (f"{self.setup}; " if self.setup else "")
        return prefix.replace("{", "{{").replace("}", "}}")


def load(path: str | Path | None = None) -> Site:
    """Read and check a site file; by default the one that the environment names, else the shipped one.

    Raises:
        InputError: no such file, or one with wrong keys.
    """
    file = Path(path or os.environ.get(VARIABLE) or DEFAULT)
    try:
        return Site.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")) or {})
    except OSError as error:
        remedy = f"write one after {DEFAULT}, or mend {VARIABLE}"
        raise InputError(file, f"no site file ({error.strerror})", remedy) from None
    except yaml.YAMLError as error:
        raise InputError(file, f"not YAML: {error}", f"write it after {DEFAULT}") from None
    except ValidationError as error:
        remedy = "docs/cluster.md lists every key with its meaning"
        raise InputError(file, problems(error), remedy) from None


def current() -> Site | None:
    """The site of this run: the Slurm profile sets ACRFLOW_SITE, also for the jobs; None on a single machine."""
    return load() if os.environ.get(VARIABLE) else None
