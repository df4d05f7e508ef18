"""On a Slurm cluster: would it take what is asked for, follow the jobs, and say what they used. Rules none.

reads   the site file
"""

if SITE:
    from acrflow.slurm import adopt, efficiency, follow, preflight

    def at_the_end():
        """Print what the jobs of this run asked for and used, and why those that failed did so."""
        executor = workflow.scheduler._executor
        if follow.is_slurm(executor):
            used = efficiency.report(executor.run_uuid, Path(f"{LOGS}/efficiency.txt"), follow.adopted(executor))
            print("\n".join(filter(None, [used, follow.failures(executor)])), file=sys.stderr)

    onstart:
        executor = workflow.scheduler._executor
        if follow.is_slurm(executor):
            try:
                submitted = [job for job in workflow.dag.needrun_jobs() if not job.is_local]
                preflight.check(executor, submitted, SITE)
            except InputError as error:
                raise WorkflowError(str(error)) from None
            follow.follow(executor, C.run, adopt.digest(C.model_dump_json(), Path(workflow.basedir)))

    onsuccess:
        at_the_end()

    onerror:
        at_the_end()
