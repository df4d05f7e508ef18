"""The command `acrflow`: options and printing, a file per command. What they do stands in the rooms below.

A command's module imports nothing large before it is called, so that `acrflow --help` is instant.

May import the rooms from `io` up to `workflow`.
"""
