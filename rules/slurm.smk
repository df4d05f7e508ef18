"""The start and the end of a run; on a Slurm cluster: would it take what jobs request, follow the jobs, and say what
they used. Rules none.

reads   the site file
"""

from acrflow.training import checkpoints


def at_the_end():
    """Remove what finished trainings left; on a cluster, print what the jobs used, and why those that failed did so."""
    checkpoints.sweep(Path(RUN))
    executor = workflow.scheduler._executor
    if SITE and follow.is_slurm(executor):
        used = efficiency.report(executor.run_uuid, Path(f"{LOGS}/efficiency.txt"), follow.adopted(executor))
        print("\n".join(filter(None, [used, follow.failures(executor)])), file=sys.stderr)


onsuccess:
    at_the_end()


onerror:
    at_the_end()


if SITE:
    from acrflow.cluster import adopt
    from acrflow.cluster import efficiency
    from acrflow.cluster import follow
    from acrflow.cluster import preflight

    onstart:
        executor = workflow.scheduler._executor
        if follow.is_slurm(executor):
            try:
                submitted = [job for job in workflow.dag.needrun_jobs() if not job.is_local]
                preflight.check(executor, submitted, SITE)
            except InputError as error:
                raise WorkflowError(str(error)) from None
            follow.follow(executor, settings.run, adopt.digest(settings.model_dump_json(), HOME))
