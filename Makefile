# See README.md. Variables such as ONLY, ARGS, SCALE, BENCH_DIR reach the command through the environment:
#   make test ONLY=unit,integration ARGS="-k topup"
PYTHON ?= /usr/bin/python3
export PYTHON

.PHONY: demo test setup stop

demo test setup stop:
	@cd "$(CURDIR)" && test -x "$(PYTHON)" || { echo "$(PYTHON) is missing: apt-get install python3"; exit 1; }
	@exec "$(PYTHON)" -m dev $@
