"""Fuzzing: `target` is what is called with any bytes, `mutants` makes records out of real ones, `worker` sends them through a live one."""
