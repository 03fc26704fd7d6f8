"""Jobs of a Slurm cluster and processes of this machine: what is asked for, as pure text, and who runs it."""
