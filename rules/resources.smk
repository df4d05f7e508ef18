"""Resources: what each step requests, from one table, in the words of the site. Included last: it goes through all rules.

reads   config: resources, adapters.*.resources; the site file (ACRFLOW_SITE, set by profiles/slurm)

On a site, downloads and light steps stay on the machine that runs Snakemake, unless a partition reaches the network.
What a job requests is no parameter of its rule: more memory is no reason to build anything again.
"""

from acrflow.cluster.requests import requests


def training_requests(adapter):
    """What an adapter's training requests; GPUs, nodes and CPUs for scripts/adapters/launch.py as well."""
    needs = settings.training_needs(adapter)
    launched = {"gpus_a_node": needs.gpus, "nodes_wanted": needs.nodes, "cpus_a_node": needs.cpus}
    launched["gpus_serving"] = needs.server_gpus
    return requests(needs, SITE, survives=True) | launched


def of_training(name):
    """A resource of `train_adapter`, which adapters may override; None where an adapter does not request it."""

    def value(wildcards, attempt):
        wanted = training_requests(settings.trained()[wildcards.adapter][0]).get(name)
        return wanted(wildcards, attempt) if callable(wanted) else wanted

    return value


# In a module the rules have the names that the caller gives them, and the caller's own rules are not ours.
TABLE = {workflow.modifier.modify_rulename(name): name for name in type(settings.resources).model_fields}

for each in workflow.modifier.rules:
    if each.name not in TABLE:
        continue
    needs = settings.resources.of(TABLE[each.name])
    wanted = requests(needs, SITE)
    networked = "network" in each.resources.keys() and each.resources["network"].value
    if TABLE[each.name] == "train_adapter":
        wanted = {name: of_training(name) for name in set().union(*map(training_requests, settings.adapters))}
    elif networked:  # others do the work
        wanted = requests(needs.model_copy(update={"gpus": 0}), SITE)
        if SITE and SITE.network_partition:
            wanted["slurm_partition"] = SITE.network_partition
    if SITE and (needs.local or networked and not SITE.network_partition):
        workflow.localrules(each.name)
    each.resources.update(wanted)
