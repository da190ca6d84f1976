# See README.md. Variables such as ONLY, ARGS, SCALE, BENCH_DIR reach the command through the environment:
#   make test ONLY=unit,integration ARGS="-k topup"
# `make proof` is `make test SCALE=full`: the same tests at full size.
PYTHON ?= /usr/bin/python3
export PYTHON

BENCHMARKS = bench-ledger bench-calls bench-portal bench-warnings bench-webhooks
COMMANDS = demo test proof pictures $(BENCHMARKS) lint mutation setup stop

.PHONY: $(COMMANDS)

$(COMMANDS):
	@cd "$(CURDIR)" && test -x "$(PYTHON)" || { echo "$(PYTHON) is missing: apt-get install python3"; exit 1; }
	@exec "$(PYTHON)" -m dev $@
