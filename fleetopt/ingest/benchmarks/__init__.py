"""What benchmark tools write about a serving replica: one file per tool, one operating point per run.

A tool's file is read into `Run`s, whose figures have one meaning whatever the tool calls them; `readings` turns runs
into points and lets the checks look at them.
"""
